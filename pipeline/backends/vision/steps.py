"""Progress per generated token of a transformers model."""

from typing import cast

import torch
from transformers import StoppingCriteria

from .. import OnStep


class StepCriteria(StoppingCriteria):
    """Calls `on_step` after each token. An exception it raises ends `generate`; the criteria never stop a row."""

    def __init__(self, on_step: OnStep | None, total: int) -> None:
        self._on_step = on_step
        self._total = total
        self._done = 0

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: object) -> torch.BoolTensor:
        self._done += 1
        if self._on_step:
            self._on_step(min(self._done, self._total), self._total)
        return cast(torch.BoolTensor, torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device))
