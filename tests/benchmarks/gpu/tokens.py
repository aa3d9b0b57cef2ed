"""The time of Qwen2.5-VL per picture and per token, and what the grammar costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from PIL import Image

from pipeline.backends.vision.answer import FULL, answer_schema
from pipeline.backends.vision.constrained import SchemaProcessor
from pipeline.backends.vision.qwen_vl import Loaded
from pipeline.picture import MAX_SIDE_PX

from .. import full_size
from . import models
from .bench import seconds
from .report import Goal, Machine, Row, share

TOKENS, WARM_UP_TOKENS, TINY_TOKENS = 120, 8, 12
STATIC = {"cache_implementation": "static"}


@dataclass(frozen=True)
class Answering:
    """A loaded Qwen-VL and its request for one picture."""

    machine: Machine
    loaded: Loaded
    inputs: Any
    schema: dict[str, Any]

    @property
    def count(self) -> int:
        return TINY_TOKENS if self.machine.is_tiny else TOKENS

    @cached_property
    def bytes_per_token(self) -> int:
        """The weights that one token reads. An embedding of the input counts in place of the output layer."""
        language = self.loaded.model.model.language_model
        return sum(weights.numel() * weights.element_size() for weights in language.parameters())

    def answer(self, count: int, *, has_grammar: bool, **options: Any) -> torch.Tensor:
        """Return the new tokens: at most `count` with the grammar, exactly as many without it."""
        grammar = [SchemaProcessor(self.loaded.tokens, [self.schema])] if has_grammar else []
        with torch.inference_mode():
            tokens = self.loaded.model.generate(
                **self.inputs,
                max_new_tokens=count,
                min_new_tokens=None if has_grammar else count,
                do_sample=False,
                logits_processor=grammar,
                **options,
            )
        return tokens[0, self.inputs["input_ids"].shape[1] :]

    def token_seconds(self, prefill_s: float, *, has_grammar: bool, **options: Any) -> float:
        """Return the time per token after the first."""
        made: list[int] = []

        def action(count: int = self.count) -> None:
            made.append(len(self.answer(count, has_grammar=has_grammar, **options)))

        # A static cache is compiled for its length.
        warm_up: Callable[[], None] = action if options else lambda: action(WARM_UP_TOKENS)
        return (seconds(self.machine, action, warm_up=warm_up) - prefill_s) / max(1, made[-1] - 1)


def prepared(machine: Machine) -> Answering:
    config = full_size.QWEN2_5_VL_3B
    backend = models.qwen(machine, config)
    picture = Image.effect_noise((MAX_SIDE_PX, MAX_SIDE_PX * 3 // 4), 80).convert("RGB")
    with backend._lent(None) as loaded:
        frame = loaded.frame(picture)
        inputs = loaded.processor.apply_chat_template(
            [backend.request(picture, frame)],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        ).to(loaded.model.device)
    return Answering(machine, loaded, inputs, answer_schema(FULL, frame))


def eager(machine: Machine) -> Iterator[Row | Goal]:
    """Time the first token, and further tokens with the growing cache that the app uses."""
    answering = prepared(machine)
    prefill_s = seconds(machine, lambda: answering.answer(1, has_grammar=False))
    visual = int((answering.inputs["input_ids"] == answering.loaded.model.config.image_token_id).sum())
    length = answering.inputs["input_ids"].shape[1]
    yield Row(
        (f"prefill: {visual} visual tokens of {length}", f"{1000 * prefill_s:.1f}", f"{length / prefill_s:,.0f}", "")
    )
    yield from _with_and_without(answering, "growing cache", prefill_s)
    alone_s = _grammar_alone(answering)
    yield Row(("the grammar alone, per token", f"{1000 * alone_s:.2f}", "", ""))


def static(machine: Machine) -> Iterator[Row | Goal]:
    """Time tokens with a static cache that is not compiled."""
    yield from _static(machine, "static cache", disable_compile=True)


def compiled(machine: Machine) -> Iterator[Row | Goal]:
    """Time tokens with a static cache, which transformers compiles on a GPU."""
    yield from _static(machine, "static cache, compiled", disable_compile=False)


def _static(machine: Machine, name: str, *, disable_compile: bool) -> Iterator[Row | Goal]:
    answering = prepared(machine)
    prefill_s = seconds(machine, lambda: answering.answer(1, has_grammar=False))
    yield from _with_and_without(answering, name, prefill_s, disable_compile=disable_compile, **STATIC)


def _with_and_without(answering: Answering, name: str, prefill_s: float, **options: Any) -> Iterator[Row | Goal]:
    times = {}
    for has_grammar in (False, True):
        token_s = times[has_grammar] = answering.token_seconds(prefill_s, has_grammar=has_grammar, **options)
        what = f"one token, {name}, {'with' if has_grammar else 'without'} the grammar"
        limit_s = answering.bytes_per_token / answering.machine.bytes_per_s if answering.machine.bytes_per_s else 0.0
        of_limit = share(limit_s, token_s) if limit_s else "–"
        yield Row((what, f"{1000 * token_s:.2f}", f"{1 / token_s:.1f}", of_limit))
    cost = 100 * (times[True] - times[False]) / times[True]
    yield Goal(f"the grammar's share of a token, {name}", cost, 5, " %", at_least=False)


def _grammar_alone(answering: Answering) -> float:
    """Return the time of the grammar per token when nothing else runs: it follows an answer made before."""
    answer = answering.answer(answering.count, has_grammar=True)
    prompt = answering.inputs["input_ids"]
    whole = torch.cat([prompt, answer[None]], dim=1)
    width = answering.loaded.model.config.get_text_config().vocab_size
    scores = torch.zeros(1, width, device=prompt.device)
    steps = len(answer)

    def follow() -> None:
        grammar = SchemaProcessor(answering.loaded.tokens, [answering.schema])
        for done in range(steps):
            grammar(whole[:, : prompt.shape[1] + done], scores)

    return seconds(answering.machine, follow) / steps
