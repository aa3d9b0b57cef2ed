"""Generation held to a JSON schema: at each step only tokens that can still lead to a valid answer are left.

llguidance works out which; its mask is applied with plain tensor operations, so nothing needs compiling.
"""

import json
from collections.abc import Sequence
from typing import Any

import llguidance.hf
import llguidance.numpy
import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from transformers import LogitsProcessor

from ...errors import SoundscapeError

# One space after commas and colons, as models are used to; free spaces would let an answer go on for ever.
LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def token_table(tokenizer: Any, width: int) -> LLTokenizer:
    """Return the vocabulary as llguidance reads it (about a second at full size). `width` is that of the logits."""
    return llguidance.hf.from_tokenizer(tokenizer, n_vocab=width)


class SchemaProcessor(LogitsProcessor):
    """Masks the logits of each row of a batch by that row's JSON schema.

    It follows one generation from its first token on, so each call of `generate` needs a new one. For greedy decoding
    and sampling, not for beams. Shapes: input_ids (rows, tokens), scores (rows, width of the vocabulary).
    """

    def __init__(self, table: LLTokenizer, schemas: Sequence[dict[str, Any]]) -> None:
        grammars = [LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults=LAYOUT) for schema in schemas]
        self._matchers = [LLMatcher(table, grammar) for grammar in grammars]
        self._mask = llguidance.numpy.allocate_token_bitmask(len(grammars), table.vocab_size)
        self._has_begun = False

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if scores.isnan().any():
            raise SoundscapeError("The model computed numbers that are not finite. Try again, or set DEVICE to cpu.")
        if self._has_begun:
            for matcher, token in zip(self._matchers, input_ids[:, -1].tolist()):
                if not matcher.is_stopped():  # a row that has ended is filled up while others go on
                    matcher.consume_token(token)
        self._has_begun = True
        for row, matcher in enumerate(self._matchers):
            llguidance.numpy.fill_next_token_bitmask(matcher, self._mask, row)
            if matcher.is_error():
                raise RuntimeError(f"llguidance: {matcher.get_error()}")
        bits = np.unpackbits(self._mask.view(np.uint8), axis=1, bitorder="little")[:, : scores.shape[-1]]
        is_allowed = torch.from_numpy(bits).to(scores.device).bool()
        return scores.masked_fill(~is_allowed, float("-inf"))
