"""Statistics of pairs, shares and raters, from SciPy where it has them.

All are non-parametric, because the figures are skewed, bounded or ordinal. Fewer than MIN_PAIRS pairs are not tested:
with five pairs, a two-sided signed-rank test cannot fall below 0.05; with six it can (2 / 2**6 = 0.031).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]  # one per pair or picture

ALPHA = 0.05
CONFIDENCE = 0.95
MIN_PAIRS = 6
RESAMPLES = 4999
DIGITS = 9  # differences that agree to this many digits are ties, so that rounding errors get no ranks


@dataclass(frozen=True)
class Difference:
    """B minus A over n pairs. Interval, p-value and effect are None for fewer than MIN_PAIRS pairs."""

    n: int
    median_a: float
    median_b: float
    median: float
    low: float | None
    high: float | None
    p: float | None
    effect: float | None


@dataclass(frozen=True)
class Share:
    """`count` of `n` with the exact (Clopper-Pearson) interval, and the p-value against a share of one half."""

    count: int
    n: int
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Mean:
    """The mean of n values. The interval is None for fewer than MIN_PAIRS values."""

    n: int
    value: float
    low: float | None
    high: float | None


def difference(a: Sequence[float], b: Sequence[float], seed: int = 0) -> Difference:
    """Compare paired values: median difference with bootstrap interval, signed-rank test, rank-biserial effect."""
    first, second = np.asarray(a, float), np.asarray(b, float)
    change = _rounded(second - first, np.concatenate([first, second]))
    medians = float(np.median(first)), float(np.median(second)), float(np.median(change))
    if len(change) < MIN_PAIRS:
        return Difference(len(change), *medians, None, None, None, None)
    low, high = _bootstrap(change, np.median, seed)
    return Difference(len(change), *medians, low, high, signed_rank(change), rank_biserial(change))


def signed_rank(changes: Values) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test. Zeros are dropped, as Wilcoxon did.

    SciPy computes it exactly for up to 50 pairs without ties, or up to 13 pairs with ties.
    """
    from scipy.stats import wilcoxon

    moved = changes[changes != 0]
    return float(wilcoxon(moved).pvalue) if len(moved) else 1.0


def rank_biserial(changes: Values) -> float:
    """Return the matched-pairs rank-biserial correlation, -1 .. 1 (Kerby 2014).

    Pairs without a difference are ranked too and favour neither side, so 1 means that every pair went up.
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.abs(changes))
    return float((ranks * np.sign(changes)).sum() / ranks.sum())


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number by Holm's step-down procedure (1979). None means not tested."""
    tested = [(p, place) for place, p in enumerate(p_values) if p is not None]
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(sorted(tested)):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        corrected[place] = highest
    return corrected


def can_tell(pairs: int, tests: int) -> bool:
    """Return whether this many pairs, if all agreed, could be significant after correction for this many tests."""
    return 2.0 ** (1 - pairs) * tests <= ALPHA


def share(count: int, n: int) -> Share:
    """Return the share of independent choices with its exact interval."""
    from scipy.stats import binomtest

    test = binomtest(count, n, 0.5)
    interval = test.proportion_ci(CONFIDENCE)
    return Share(count, n, float(interval.low), float(interval.high), float(test.pvalue))


def mean(values: Sequence[float], seed: int = 0) -> Mean:
    """Return the mean with its bootstrap interval."""
    data = np.asarray(values, float)
    if len(data) < MIN_PAIRS:
        return Mean(len(data), float(data.mean()), None, None)
    return Mean(len(data), float(data.mean()), *_bootstrap(data, np.mean, seed))


def krippendorff_alpha(units: Sequence[Sequence[float]], *, ordinal: bool = True) -> float | None:
    """Return Krippendorff's alpha of ratings, one list per unit. Without `ordinal`, ratings are categories.

    After Krippendorff (2011), "Computing Krippendorff's alpha-reliability". Units rated only once are ignored. Returns
    None when no unit was rated twice, or when all ratings are the same.
    """
    rated = [np.asarray(unit, float) for unit in units if len(unit) > 1]
    if not rated:
        return None
    values, places = np.unique(np.concatenate(rated), return_inverse=True)
    if len(values) == 1:
        return None
    coincidences = np.zeros((len(values), len(values)))
    ends = np.cumsum([0, *(len(unit) for unit in rated)])
    for start, end in pairwise(ends):
        counts = np.bincount(places[start:end], minlength=len(values)).astype(float)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (end - start - 1)
    totals = coincidences.sum(axis=0)
    if ordinal:
        below = np.cumsum(totals) - totals / 2
        distance = (below[:, None] - below[None, :]) ** 2
    else:
        distance = 1.0 - np.eye(len(values))
    expected = (np.outer(totals, totals) * distance).sum() / (totals.sum() - 1)
    return float(1 - (coincidences * distance).sum() / expected)


def _rounded(changes: Values, values: Values) -> Values:
    """Round to DIGITS significant digits of the largest value."""
    largest = np.max(np.abs(values), initial=0)
    if largest == 0:
        return changes
    return np.round(changes, int(DIGITS - np.ceil(np.log10(largest))))


def _bootstrap(data: Values, statistic: Callable[..., Any], seed: int) -> tuple[float, float]:
    """Return the bootstrap percentile interval of a statistic (Efron & Tibshirani 1993)."""
    from scipy.stats import bootstrap

    if np.ptp(data) == 0:
        return float(data[0]), float(data[0])
    found = bootstrap(
        (data,),
        statistic,
        n_resamples=RESAMPLES,
        batch=max(1, 4_000_000 // len(data)),
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
