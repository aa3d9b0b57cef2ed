"""Confidence intervals of 95 % over pictures.

Pictures are resampled with replacement (the bootstrap). For few pictures its percentile interval is too narrow. So the
percentiles are moved outwards, as Student's distribution is wider than the normal one (Hesterberg 2015, What Teachers
Should Know About the Bootstrap, The American Statistician 69). When all pictures agree, resampling shows no spread; a
share then gets Wilson's interval, with as many trials as there are pictures.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]
Ratio = tuple[float, float]

OUTSIDE = 0.05
RESAMPLES = 2000
SEED = 20150101  # the same figures give the same interval


def micro_interval(ratios: list[Ratio], *, is_share: bool) -> Interval | None:
    """Return the interval of the pooled ratio; None for fewer than two pictures."""
    parts, wholes = np.array(ratios, float).T
    return _interval(lambda chosen: parts[chosen].sum() / wholes[chosen].sum(), len(ratios), is_share)


def macro_interval(ratios: list[Ratio], *, is_share: bool) -> Interval | None:
    """Return the interval of the mean ratio; None for fewer than two pictures."""
    parts, wholes = np.array(ratios, float).T
    shares = parts / wholes
    return _interval(lambda chosen: shares[chosen].mean(), len(ratios), is_share)


def _interval(value: Callable[[npt.NDArray[np.int64]], float], count: int, is_share: bool) -> Interval | None:
    if count < 2:
        return None
    rng = np.random.default_rng(SEED)
    values = np.array([value(rng.integers(0, count, count)) for _ in range(RESAMPLES)])
    if np.ptp(values) < 1e-12:
        return wilson(float(values[0]), count) if is_share else None
    tail = expanded_tail(count)
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)


def expanded_tail(count: int) -> float:
    """Return the share to cut off on each side for a sample of `count` pictures."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(math.sqrt(count / (count - 1)) * stdtrit(count - 1, OUTSIDE / 2)))


def wilson(share: float, count: int) -> Interval:
    """Return Wilson's score interval of a share over `count` trials."""
    from scipy.special import ndtri

    square = float(ndtri(1 - OUTSIDE / 2)) ** 2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = math.sqrt(square * (share * (1 - share) / count + square / (4 * count**2))) / (1 + square / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)
