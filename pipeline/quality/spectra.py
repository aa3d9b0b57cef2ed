"""Short-time power spectra for measurements, and their sums over ERB bands (bands of equal width to the ear)."""

import numpy as np
import numpy.typing as npt

from ..audio import Clip, Samples

Power = npt.NDArray[np.float32]  # shape (frames, frequencies or bands), or one frame of it
Frequencies = npt.NDArray[np.float64]  # hertz

POWER_FLOOR = 1e-12  # of full scale: below 16-bit noise; keeps the logarithm of silence finite


def power_frames(clip: Clip, window: int, hop: int) -> Power:
    """Return the power of each frame and frequency, averaged over channels: float32, (frames, window // 2 + 1).

    Frames are Hann windows of `window` samples, `hop` samples apart. A clip shorter than one window is padded to one.
    The powers of a frame add up to about its mean square.
    """
    samples = clip.samples
    if samples.shape[1] < window:
        samples = np.pad(samples, ((0, 0), (0, window - samples.shape[1])))
    shape = np.hanning(window).astype(np.float32)
    shape *= np.sqrt(2.0 / (window * np.square(shape).sum()))  # one-sided: each frequency stands for two
    power = _channel_power(samples[0], shape, hop)
    for channel in samples[1:]:
        power = power + _channel_power(channel, shape, hop)
    mean: Power = power / samples.shape[0]
    return mean


def _channel_power(channel: Samples, shape: Samples, hop: int) -> Power:
    from scipy import fft

    frames = np.lib.stride_tricks.sliding_window_view(channel, shape.size)[::hop] * shape
    spectrum = fft.rfft(frames, axis=1)
    power: Power = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


def frequencies_hz(clip: Clip, window: int) -> Frequencies:
    """Return the frequency in hertz of each column of `power_frames`."""
    return np.arange(window // 2 + 1, dtype=np.float64) * (clip.sample_rate / window)


def band_powers(power: Power, frequency_hz: Frequencies, edges_hz: Frequencies) -> Power:
    """Return the power in each band, shape (frames, len(edges) - 1). Power outside the edges is ignored.

    A band narrower than the spacing of the frequencies gets the frequency at its lower edge.
    """
    places = np.minimum(np.searchsorted(frequency_hz, edges_hz), frequency_hz.size - 1)
    bands: Power = np.add.reduceat(power, places, axis=1)[:, :-1]
    return bands


def band_edges_hz(low_hz: float, high_hz: float, count: int) -> Frequencies:
    """Return the edges of `count` bands of equal width on the ERB-rate scale (Glasberg & Moore 1990)."""
    low, high = (21.4 * np.log10(1 + 0.00437 * each) for each in (low_hz, high_hz))
    edges_hz: Frequencies = (10 ** (np.linspace(low, high, count + 1) / 21.4) - 1) / 0.00437
    return edges_hz
