"""How loud a mix is, and a limiter that keeps its true peak below a ceiling.

Loudness after ITU-R BS.1770-5 and EBU R 128 (pyloudnorm); true peak after BS.1770-5 annex 2, by fourfold oversampling.
"""

import warnings

import numpy as np

OVERSAMPLING = 4
LOOKAHEAD_S = 0.005  # the limiter's gain falls and rises within twice this time
MAX_LIMITING_DB = 12.0  # beyond this a limiter is heard to squash


def integrated_loudness(samples: np.ndarray, sample_rate: int) -> float:
    """Return the gated loudness in LUFS of samples, shape (channels, samples); -inf for silence.

    Anything shorter than the gating block of 0.4 s is padded with silence.
    """
    import pyloudnorm

    block = round(0.4 * sample_rate) + 1
    if samples.shape[1] < block:
        samples = np.pad(samples, ((0, 0), (0, block - samples.shape[1])))
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")  # pyloudnorm warns of log10(0) on silence
        return float(pyloudnorm.Meter(sample_rate).integrated_loudness(samples.T))


def true_peaks(samples: np.ndarray) -> np.ndarray:
    """Return the highest true peak of all channels around each sample, shape (samples,)."""
    from scipy.signal import resample_poly

    oversampled = np.abs(resample_poly(samples, OVERSAMPLING, 1, axis=1))
    return oversampled.max(axis=0).reshape(-1, OVERSAMPLING).max(axis=1)


def limiter_gain(peaks: np.ndarray, ceiling: float, sample_rate: int) -> np.ndarray:
    """Return the gain, shape (samples,), that brings `peaks` under `ceiling` without a step.

    It looks ahead: the lowest gain wanted within the window, smoothed by a window of the same length, is never above
    the gain wanted at any sample.
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
