"""A report for each token that a model of transformers writes."""

import torch
from transformers import StoppingCriteria

from .. import OnStep


class StepCriteria(StoppingCriteria):
    """Tells `on_step` of each token; what it raises leaves `generate` at once. It never stops a row itself."""

    def __init__(self, on_step: OnStep | None, total: int) -> None:
        self._on_step = on_step
        self._total = total
        self._done = 0

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: object) -> torch.BoolTensor:
        self._done += 1
        if self._on_step:
            self._on_step(min(self._done, self._total), self._total)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
