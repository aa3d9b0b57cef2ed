"""Generation constrained by a JSON schema: at each step, only tokens that can lead to a valid answer are allowed.

llguidance computes the mask of allowed tokens. It is applied with plain tensor operations, so nothing is compiled.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import llguidance.hf
import llguidance.numpy
import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from transformers import LogitsProcessor

from .outcome import InvalidNumbersError

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions  # exists in its stub file only

# One space after commas and colons, as in the training data. Free whitespace could make an answer endless.
LAYOUT: "JsonCompileOptions" = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def token_table(tokenizer: Any, width: int) -> LLTokenizer:
    """Return the vocabulary for llguidance (takes about a second at full size). `width` is the number of logits."""
    return llguidance.hf.from_tokenizer(tokenizer, n_vocab=width)


class SchemaProcessor(LogitsProcessor):
    """Masks the logits of each row of a batch according to the row's JSON schema.

    Each call of `generate` needs a new instance, because it follows the answer from the first token on. It supports
    greedy decoding and sampling, not beam search. Shapes: input_ids (rows, tokens), scores (rows, vocabulary).
    """

    def __init__(self, table: LLTokenizer, schemas: Sequence[dict[str, Any]]) -> None:
        grammars = [LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults=LAYOUT) for schema in schemas]
        self._matchers = [LLMatcher(table, grammar) for grammar in grammars]
        self._mask = llguidance.numpy.allocate_token_bitmask(len(grammars), table.vocab_size)
        self._has_begun = False

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        if not scores.isfinite().all():
            raise InvalidNumbersError
        if self._has_begun:
            for matcher, token in zip(self._matchers, input_ids[:, -1].tolist()):
                if not matcher.is_stopped():  # a finished row is padded while the others continue
                    matcher.consume_token(token)
        self._has_begun = True
        for row, matcher in enumerate(self._matchers):
            llguidance.numpy.fill_next_token_bitmask(matcher, self._mask, row)
            if matcher.is_error():
                raise RuntimeError(f"llguidance: {matcher.get_error()}")
        bits = np.unpackbits(self._mask.view(np.uint8), axis=1, bitorder="little")[:, : scores.shape[-1]]
        is_allowed = torch.from_numpy(bits).to(scores.device).bool()
        masked = scores.masked_fill(~is_allowed, float("-inf"))
        return cast(torch.FloatTensor, masked)
