"""Rank the true pairs of picture, text and sound among shuffled ones, by the scores of models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..quality.figures import Figure, figure, in_order
from . import statistics
from .statistics import ALPHA, MIN_PAIRS, Mean
from .values import Values, percentiles_of

CHANCE = 50.0  # percent


@dataclass(frozen=True)
class Ranks:
    """Percentiles (0..100) of one score by picture, their mean, and the p-value against chance (raw and corrected)."""

    figure: Figure
    percentiles: Mapping[str, float]
    mean: Mean
    p: float | None
    p_holm: float | None = None

    @property
    def words(self) -> str:
        if self.p_holm is None:
            return f"{len(self.percentiles)} results: too few to tell."
        if self.p_holm >= ALPHA:
            return "Not distinguishable from chance."
        return "Better than chance." if self.mean.value > CHANCE else "Worse than chance."


def ranks_of(values: Sequence[Values], seed: int = 0) -> list[tuple[Ranks, ...]]:
    """Return the ranks of each group. The tests of all groups are corrected together (Holm)."""
    found = [[_ranks(key, of[key], seed) for key in in_order(set(percentiles_of(of)))] for of in values]
    corrected = iter(statistics.holm([each.p for group in found for each in group]))
    return [tuple(replace(each, p_holm=next(corrected)) for each in group) for group in found]


def _ranks(key: str, percentiles: Mapping[str, float], seed: int) -> Ranks:
    values = np.array(list(percentiles.values()))
    p = statistics.signed_rank(values - CHANCE) if len(values) >= MIN_PAIRS else None
    return Ranks(figure(key), percentiles, statistics.mean(values.tolist(), seed), p)
