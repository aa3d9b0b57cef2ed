"""Loudness, true peak, and a limiter that keeps the true peak below a ceiling.

Loudness: ITU-R BS.1770-5 and EBU R 128, with the filters of pyloudnorm. True peak: BS.1770-5 annex 2, with fourfold
oversampling.
"""

import math
from functools import cache

import numpy as np

from ..audio import Floats, Samples

BLOCK_S, STEPS = 0.4, 4  # the gating block, and the steps in it
STEP_S = BLOCK_S / STEPS
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_DB = -70.0, -10.0
_OFFSET_DB = -0.691  # of BS.1770
OVERSAMPLING = 4
_REACH = 10  # samples to each side that the filter of the oversampling needs
_PIECE = 16_384  # samples: 64 kB, which stay in the cache
LOOKAHEAD_S = 0.005  # the limiter's gain needs twice this time to fall or rise
MAX_LIMITING_DB = 12.0  # more limiting audibly squashes the sound


def integrated_loudness(samples: Samples, sample_rate: int) -> float:
    """Return the gated loudness in LUFS of samples, shape (channels, samples); -inf for silence.

    Samples shorter than the gating block of 0.4 s are padded with silence. The filters are those of pyloudnorm. The
    energy is summed once per step of 0.1 s, because four steps make a block.
    """
    from scipy.signal import sosfilt

    block = round(BLOCK_S * sample_rate) + 1
    if samples.shape[1] < block:
        samples = np.pad(samples, ((0, 0), (0, block - samples.shape[1])))
    heard = sosfilt(k_weighting(sample_rate), samples)
    blocks = round((samples.shape[1] / sample_rate - BLOCK_S) / STEP_S) + 1
    edges = [int(STEP_S * step * sample_rate) for step in range(blocks + STEPS - 1)]
    end = int(STEP_S * (blocks + STEPS - 1) * sample_rate)
    steps = np.add.reduceat(np.square(heard[:, :end]).sum(axis=0), edges)
    powers = np.convolve(steps, np.ones(STEPS), mode="valid") / (BLOCK_S * sample_rate)
    audible = powers[powers >= _power(ABSOLUTE_GATE_LUFS)]
    if not audible.size:
        return -math.inf
    gated = audible[audible > audible.mean() * 10 ** (RELATIVE_GATE_DB / 10)]
    return _OFFSET_DB + 10.0 * math.log10(gated.mean())


def _power(loudness_lufs: float) -> float:
    return float(10 ** ((loudness_lufs - _OFFSET_DB) / 10))


@cache
def k_weighting(sample_rate: int) -> Floats:
    """Return the filters of the loudness meter as second-order sections, shape (2, 6)."""
    import pyloudnorm

    filters = pyloudnorm.Meter(sample_rate)._filters.values()
    return np.array([np.concatenate((each.passband_gain * each.b, each.a)) for each in filters])


def true_peaks(samples: Samples) -> Floats:
    """Return the true peak around each sample, the highest of all channels, shape (samples,).

    The result is that of `scipy.signal.resample_poly`, in a fifth of the time: the sum over the taps runs on pieces
    that fit into the processor's cache, and the oversampled signal is never stored.
    """
    length, taps = samples.shape[1], _oversampling_taps()
    padded = np.pad(samples, ((0, 0), (_REACH, _REACH)))
    peaks = np.empty(length, samples.dtype)
    piece = max(1, _PIECE // samples.shape[0])
    for start in range(0, length, piece):
        end = min(length, start + piece)
        around = padded[:, start : end + 2 * _REACH]
        highest = np.abs(samples[:, start:end]) * taps[0, _REACH]  # the other taps of this phase are 0
        for phase in taps[1:]:
            between = phase[0] * around[:, : end - start]
            for place, tap in enumerate(phase[1:], 1):
                between += tap * around[:, place : place + end - start]
            np.maximum(highest, np.abs(between, out=between), out=highest)
        peaks[start:end] = highest.max(axis=0)
    return peaks


@cache
def _oversampling_taps() -> Samples:
    """Return the filter of `resample_poly` by phase: shape (4, 21), for the samples from 10 before to 10 after."""
    taps = oversampling_filter().astype(np.float32)
    places = OVERSAMPLING * _REACH + np.arange(OVERSAMPLING)[:, None] - OVERSAMPLING * np.arange(-_REACH, _REACH + 1)
    within = (places >= 0) & (places < taps.size)
    phases: Samples = np.where(within, taps[places.clip(0, taps.size - 1)], np.float32(0))
    return phases


def oversampling_filter() -> Floats:
    """Return the filter with which `scipy.signal.resample_poly` oversamples."""
    from scipy.signal import firwin

    taps: Floats = firwin(2 * _REACH * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", 5.0))
    return OVERSAMPLING * taps


def limiter_gain(peaks: Floats, ceiling: float, sample_rate: int) -> Samples:
    """Return the gain, shape (samples,), that keeps `peaks` below `ceiling` without sudden steps.

    The limiter looks ahead: it takes the lowest gain needed within a window and smooths it over a window of the same
    length. The result never exceeds the gain needed at any sample.
    """
    from scipy.ndimage import minimum_filter1d
    from scipy.signal import fftconvolve

    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, ceiling)).astype(np.float32)
    reach = max(1, round(LOOKAHEAD_S * sample_rate))
    lowest = minimum_filter1d(wanted, 2 * reach + 1)
    window = np.hanning(2 * reach + 3)[1:-1].astype(np.float32)
    padded = np.pad(lowest, reach, mode="edge")
    smooth = fftconvolve(padded, window / window.sum(), mode="valid")
    return np.minimum(smooth, 1.0).astype(np.float32)
