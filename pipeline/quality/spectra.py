"""Sound over time and frequency, for measuring: power of short frames, and of bands of equal width to the ear."""

import numpy as np

from ..audio import Clip

POWER_FLOOR = 1e-12  # of full scale: below the noise of 16 bits, so that silence has a logarithm


def power_frames(clip: Clip, window: int, hop: int) -> np.ndarray:
    """Return the power of each frame and frequency, mean of all channels: float32, shape (frames, window // 2 + 1).

    Frames are Hann windows of `window` samples, `hop` apart; a shorter clip is padded to one. The powers of a frame
    add up to about its mean square.
    """
    from scipy import fft

    samples = clip.samples
    if samples.shape[1] < window:
        samples = np.pad(samples, ((0, 0), (0, window - samples.shape[1])))
    shape = np.hanning(window).astype(np.float32)
    shape *= np.sqrt(2.0 / (window * np.square(shape).sum()))  # one-sided: each frequency stands for two
    power = None
    for channel in samples:
        frames = np.lib.stride_tricks.sliding_window_view(channel, window)[::hop] * shape
        spectrum = fft.rfft(frames, axis=1)
        own = np.square(spectrum.real) + np.square(spectrum.imag)
        power = own if power is None else power + own
    return power / samples.shape[0]


def frequencies_hz(clip: Clip, window: int) -> np.ndarray:
    """Return the frequency of each column of `power_frames`."""
    return np.arange(window // 2 + 1) * (clip.sample_rate / window)


def band_powers(power: np.ndarray, frequency_hz: np.ndarray, edges_hz: np.ndarray) -> np.ndarray:
    """Return power summed over bands between the edges, shape (frames, len(edges) - 1); what lies outside is left out.

    A band narrower than the distance of two frequencies gets the one it begins at.
    """
    places = np.minimum(np.searchsorted(frequency_hz, edges_hz), frequency_hz.size - 1)
    return np.add.reduceat(power, places, axis=1)[:, :-1]


def band_edges_hz(low_hz: float, high_hz: float, count: int) -> np.ndarray:
    """Return the edges of `count` bands of equal width on the ERB-rate scale (Glasberg & Moore 1990)."""
    low, high = (21.4 * np.log10(1 + 0.00437 * each) for each in (low_hz, high_hz))
    return (10 ** (np.linspace(low, high, count + 1) / 21.4) - 1) / 0.00437
