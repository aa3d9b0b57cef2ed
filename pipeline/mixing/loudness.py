"""Loudness, true peak, and a limiter that keeps the true peak below a ceiling.

Loudness: ITU-R BS.1770-5 and EBU R 128 (pyloudnorm). True peak: BS.1770-5 annex 2, with fourfold oversampling.
"""

import warnings

import numpy as np

from ..audio import Floats, Samples

OVERSAMPLING = 4
LOOKAHEAD_S = 0.005  # the limiter's gain needs twice this time to fall or rise
MAX_LIMITING_DB = 12.0  # more limiting audibly squashes the sound


def integrated_loudness(samples: Samples, sample_rate: int) -> float:
    """Return the gated loudness in LUFS of samples, shape (channels, samples); -inf for silence.

    Samples shorter than the gating block of 0.4 s are padded with silence.
    """
    import pyloudnorm

    block = round(0.4 * sample_rate) + 1
    if samples.shape[1] < block:
        samples = np.pad(samples, ((0, 0), (0, block - samples.shape[1])))
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")  # pyloudnorm warns about log10(0) on silence
        return float(pyloudnorm.Meter(sample_rate).integrated_loudness(samples.T))


def true_peaks(samples: Samples) -> Floats:
    """Return the true peak around each sample, the highest of all channels, shape (samples,)."""
    from scipy.signal import resample_poly

    oversampled = np.abs(resample_poly(samples, OVERSAMPLING, 1, axis=1))
    peaks: Floats = oversampled.max(axis=0).reshape(-1, OVERSAMPLING).max(axis=1)
    return peaks


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
