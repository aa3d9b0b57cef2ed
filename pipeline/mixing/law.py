"""The law of the mix as data, so that another program can place stems as `mix.py` does.

The page previews a mix with it. The data hold every constant and the curves that would be long to compute: the page
has the formulas, and no number of its own.
"""

from functools import cache
from typing import Any

import numpy as np

from ..audio import FADE_S, SAMPLE_RATE_HZ, Clip, Floats
from . import loudness, mix
from .space import SPACES, air_absorption_db_per_m

FILTER_SIZE = 512  # of the transform that turns the gains of a path into a filter
# The spectrum of a stem is summed up between these bins, which are narrower at low frequencies.
BAND_EDGES = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 101, 128, 161, 203, 257)
_DIGITS = 9  # significant ones, enough for single precision


@cache
def law() -> dict[str, Any]:
    """Return the constants of the mix, as values of JSON."""
    return {
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "fade_s": FADE_S,
        "stem_lufs": mix.STEM_LUFS,
        "target_lufs": mix.TARGET_LUFS,
        "ceiling_dbtp": mix.CEILING_DBTP - mix.CEILING_MARGIN_DB,
        "max_limiting_db": loudness.MAX_LIMITING_DB,
        "lookahead_s": loudness.LOOKAHEAD_S,
        "max_nearness_db": mix.MAX_NEARNESS_DB,
        "max_range_db": mix.MAX_RANGE_DB,
        "near_m": mix.DEFAULT_DISTANCE_M,
        "least_together": mix.LEAST_TOGETHER,
        "max_ducking_db": mix.MAX_DUCKING_DB,
        "ducking_step_s": mix.DUCKING_STEP_S,
        "ducking_smoothing_s": mix.DUCKING_SMOOTHING_S,
        "spaces": {
            name: {"balance_m": each.balance_m, "most_wet": each.most_wet, "cutoff_hz": each.cutoff_hz}
            for name, each in SPACES.items()
        },
        "filter_size": FILTER_SIZE,
        "air_db_per_m": _rounded(air_absorption_db_per_m(np.fft.rfftfreq(FILTER_SIZE, 1 / SAMPLE_RATE_HZ))),
        "band_edges": list(BAND_EDGES),
        "k_weighting": _k_weighting(),
        "oversampling": loudness.OVERSAMPLING,
        "oversampling_taps": _rounded(loudness.oversampling_filter()),
    }


def facts_of(clip: Clip) -> dict[str, Any]:
    """Return what the law must know of a dry stem: its channels and, per band, the energy of their middle and side."""
    left, right = clip.samples[0], clip.samples[-1]
    return {
        "channels": int(clip.samples.shape[0]),
        "middle": _rounded(_energies((left + right) / 2)),
        "side": _rounded(_energies((left - right) / 2)),
    }


def _energies(samples: Floats) -> Floats:
    frames = np.pad(samples, (0, -samples.size % FILTER_SIZE)).reshape(-1, FILTER_SIZE)
    bins: Floats = np.square(np.abs(np.fft.rfft(frames, axis=1))).sum(axis=0)
    bins[1:-1] *= 2  # the negative frequencies
    return np.add.reduceat(bins, BAND_EDGES[:-1]) / FILTER_SIZE


def _k_weighting() -> list[list[float]]:
    """Return b0, b1, b2, a1, a2 of each filter of the loudness meter."""
    return [_rounded(np.delete(section, 3), 15) for section in loudness.k_weighting(SAMPLE_RATE_HZ)]


def _rounded(values: Floats, digits: int = _DIGITS) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values]
