"""Tools that the sound models share: noise, control curves, filters, grains and stereo.

Signals are float32 at `RATE` hertz: shape (samples,) for mono, (2, samples) for stereo. All random numbers come from
the generator that is passed in, so the same seed gives the same bits.

A spectrum is given as a `curve`: pairs of (hertz, decibels), joined by straight lines on a logarithmic frequency axis.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from ..audio import SAMPLE_RATE_HZ, Floats
from ..checkpoint import checkpoint

RATE = SAMPLE_RATE_HZ  # of every signal here
Curve = Sequence[tuple[float, float]]

_CHUNK = 1 << 20  # elements per matrix of grains: 4 MB, which fits into the cache of a small machine


def seconds(duration_s: float) -> int:
    """Return the number of samples in a duration."""
    return round(duration_s * RATE)


# Noise and slow curves -----------------------------------------------------------------------------------------------


def curve_gains(size: int, curve: Curve) -> Floats:
    """Return the amplitude factor of a curve at each frequency of the spectrum of `size` samples; 0 below 12 Hz."""
    frequencies_hz, log_hz = _frequencies(size)
    points = np.asarray(curve, dtype=np.float64)
    gains = 10.0 ** (np.interp(log_hz, np.log2(points[:, 0]), points[:, 1]) / 20.0)
    return (gains * (frequencies_hz > 12.0)).astype(np.float32)


@lru_cache(maxsize=4)  # sounds of one duration have few sizes
def _frequencies(size: int) -> tuple[Floats, Floats]:
    """Return the frequencies of the spectrum of `size` samples, in hertz and as logarithms."""
    hz = np.arange(size // 2 + 1, dtype=np.float64) * (RATE / size)
    return hz, np.log2(np.maximum(hz, 1.0))


def noise(rng: np.random.Generator, length: int, curve: Curve | None = None, *, channels: int = 0) -> Floats:
    """Return Gaussian noise of RMS 1 with the spectrum of the curve, shape (length,); with `channels`, one in each."""
    checkpoint()
    shape = (channels, length) if channels else (length,)
    if curve is None:
        return rng.standard_normal(shape, dtype=np.float32)
    padded = fft.next_fast_len(max(length, 64), real=True)
    bins = padded // 2 + 1
    parts = rng.standard_normal((*shape[:-1], bins, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0]
    gains = curve_gains(padded, curve)
    spectrum *= gains / np.sqrt(2.0 * np.mean(np.square(gains, dtype=np.float64)) + 1e-20).astype(np.float32)
    # After irfft, a spectrum of unit bins has an RMS of sqrt(bins) / padded.
    return fft.irfft(spectrum, padded)[..., :length] * np.float32(padded / np.sqrt(2.0 * bins))


def pink_slope(db_per_octave: float, low_hz: float = 20.0, high_hz: float = 20_000.0, edge_db: float = 24.0) -> Curve:
    """Return the curve of coloured noise between two corner frequencies; outside, it falls by `edge_db` per octave."""
    reach = db_per_octave * np.log2(high_hz / low_hz)
    return [(low_hz / 8, -3 * edge_db), (low_hz, 0.0), (high_hz, reach), (high_hz * 8, reach - 3 * edge_db)]


def band(low_hz: float, high_hz: float, edge_db: float = 12.0) -> Curve:
    """Return the curve of a flat band with slopes of `edge_db` per octave."""
    return pink_slope(0.0, low_hz, high_hz, edge_db)


def stretch(values: Floats, length: int) -> Floats:
    """Return a control curve of few values, interpolated linearly to `length` samples."""
    at = np.linspace(0.0, len(values) - 1, length)
    return np.interp(at, np.arange(len(values)), values).astype(np.float32)


def joined(values: Floats, step: int, length: int) -> Floats:
    """Return `length` samples of a control curve whose values are `step` samples apart, interpolated linearly."""
    checkpoint()
    values = np.asarray(values, np.float32)
    ramp = np.arange(step, dtype=np.float32) / np.float32(step)
    return (values[:-1, None] + np.diff(values)[:, None] * ramp).ravel()[:length]


def wander(rng: np.random.Generator, length: int, rate_hz: float) -> Floats:
    """Return a slow random curve: Gaussian, mean 0, standard deviation 1, with a bandwidth of about `rate_hz`."""
    return joined(*_wandering(rng, length, rate_hz), length)


def _wandering(rng: np.random.Generator, length: int, rate_hz: float) -> tuple[Floats, int]:
    """Return the values of a slow random curve, and the number of samples from one to the next."""
    step = max(int(RATE / (12.0 * rate_hz)), 1)
    lead = 36  # three periods, after which the filter has settled
    raw = rng.standard_normal(length // step + 2 + lead)
    share = rate_hz * step / RATE  # bandwidth relative to the rate of the values
    smooth = signal.sosfilt(signal.butter(2, 2.0 * share, output="sos"), raw)[lead:]
    # Scale by the filter's theoretical deviation, not by this draw's, so that short curves keep their range.
    return smooth / np.sqrt(2.22 * share), step


def drift(rng: np.random.Generator, length: int, rate_hz: float, low: float = 0.0, high: float = 1.0) -> Floats:
    """Return a slow random curve whose values are uniformly distributed between `low` and `high`."""
    from scipy.special import ndtr

    values, step = _wandering(rng, length, rate_hz)
    return joined(low + (high - low) * ndtr(values), step, length)


# Filters -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _butter(kind: Literal["lowpass", "highpass", "bandpass"], corners_hz: tuple[float, ...], order: int) -> Floats:
    top = 0.49 * RATE
    corners = [min(max(hz, 5.0), top) for hz in corners_hz]
    return signal.butter(order, corners if len(corners) > 1 else corners[0], kind, fs=RATE, output="sos")


def lowpass(samples: Floats, corner_hz: float, order: int = 2) -> Floats:
    """Return the signal below the corner frequency (Butterworth, causal)."""
    return signal.sosfilt(_butter("lowpass", (float(corner_hz),), order), samples).astype(np.float32)


def highpass(samples: Floats, corner_hz: float, order: int = 2) -> Floats:
    """Return the signal above the corner frequency (Butterworth, causal)."""
    checkpoint()
    return signal.sosfilt(_butter("highpass", (float(corner_hz),), order), samples).astype(np.float32)


def bandpass(samples: Floats, low_hz: float, high_hz: float, order: int = 1) -> Floats:
    """Return the signal between the corner frequencies (Butterworth, causal)."""
    return signal.sosfilt(_butter("bandpass", (float(low_hz), float(high_hz)), order), samples).astype(np.float32)


def one_pole(samples: Floats, decay_s: float) -> Floats:
    """Return the signal through a one-pole filter: each impulse becomes an exponential decay of `decay_s`."""
    keep = float(np.exp(-1.0 / (decay_s * RATE)))
    return signal.lfilter([1.0], [1.0, -keep], samples).astype(np.float32)


def shaped(samples: Floats, curve: Curve) -> Floats:
    """Return the signal filtered by a curve (zero phase: suits textures, smears sharp attacks)."""
    checkpoint()
    length = samples.shape[-1]
    padded = fft.next_fast_len(length + RATE // 10, real=True)
    spectrum = fft.rfft(samples.astype(np.float32, copy=False), padded)
    spectrum *= curve_gains(padded, curve)
    return fft.irfft(spectrum, padded)[..., :length]


def convolve(samples: Floats, response: Floats) -> Floats:
    """Return the signal convolved with an impulse response, cut to its own length; shapes (..., samples) broadcast."""
    checkpoint()
    length = samples.shape[-1]
    padded = fft.next_fast_len(length + response.shape[-1], real=True)
    product = fft.rfft(samples.astype(np.float32, copy=False), padded)
    product = product * fft.rfft(response.astype(np.float32, copy=False), padded)
    return fft.irfft(product, padded)[..., :length]


def swept_band(samples: Floats, centre_hz: Floats, width_octaves: float, bands: int = 8) -> Floats:
    """Return the signal through a band-pass whose centre moves, by cross-fading between fixed bands (no clicks).

    `centre_hz` has one value per sample; `width_octaves` is the half-power bandwidth.
    """
    length = len(samples)
    padded = 4 * fft.next_fast_len((length + RATE // 10) // 4 + 1, real=True)
    spectrum = fft.rfft(samples.astype(np.float32, copy=False), padded)
    # A low band needs no high sample rate: a quarter of it holds everything below 5 kHz.
    step = 4 if float(centre_hz.max()) < 2000.0 else 1
    size = padded // step
    spectrum = spectrum[: size // 2 + 1] / np.float32(step)
    centre = np.log2(centre_hz[::step])
    low, high = float(centre.min()) - 0.2, float(centre.max()) + 0.2
    bands = max(2, min(bands, int((high - low) / (width_octaves * 0.7)) + 2))
    position = ((centre - low) / (high - low) * (bands - 1)).astype(np.float32)
    log_hz = np.log2(np.maximum(np.arange(len(spectrum)) * (RATE / padded), 1.0)).astype(np.float32)
    out = np.zeros(size, np.float32)
    for index, middle in enumerate(np.linspace(low, high, bands)):
        gain = 1.0 / (1.0 + ((log_hz - np.float32(middle)) * np.float32(2.0 / width_octaves)) ** 2)
        weight = np.clip(1.0 - np.abs(position - index), 0.0, 1.0)
        out[: len(weight)] += fft.irfft(spectrum * gain, size)[: len(weight)] * np.sqrt(weight)
    if step == 1:
        return out[:length]
    return fft.irfft(fft.rfft(out) * np.float32(step), padded)[:length]


# Grains and resonators -----------------------------------------------------------------------------------------------


def poisson_times(rng: np.random.Generator, duration_s: float, rate_hz: float) -> Floats:
    """Return sorted times, in seconds, of a Poisson process with a constant rate."""
    return np.sort(rng.random(rng.poisson(rate_hz * duration_s)) * duration_s)


def times_following(rng: np.random.Generator, rate_hz: Floats) -> Floats:
    """Return sorted times, in seconds, of a Poisson process whose rate is given per sample."""
    growth = np.cumsum(rate_hz, dtype=np.float64) / RATE
    levels = np.sort(rng.random(rng.poisson(growth[-1]))) * growth[-1]
    return np.asarray(np.searchsorted(growth, levels) / RATE, np.float64)


def impulses(length: int, times_s: Floats, gains: Floats | float = 1.0) -> Floats:
    """Return a train of unit impulses at the given times, scaled by the gains; times outside are left out."""
    at = np.round(np.asarray(times_s) * RATE).astype(np.int64)
    weights = np.broadcast_to(np.asarray(gains, dtype=np.float64), at.shape)
    inside = (at >= 0) & (at < length)
    return np.bincount(at[inside], weights[inside], minlength=length).astype(np.float32)


def place(out: Floats, grain: Floats, time_s: float, gain: float = 1.0) -> None:
    """Add a grain, shape (samples,), to `out` in place; what extends beyond either end is cut."""
    start = round(time_s * RATE)
    if start < 0:
        grain, start = grain[-start:], 0
    count = min(len(grain), out.shape[-1] - start)
    if count > 0:
        out[..., start : start + count] += grain[:count] * np.float32(gain)


def place_panned(out: Floats, grain: Floats, time_s: float, gain: float, pan: float) -> None:
    """Add a mono grain to a stereo signal, shape (2, samples), with equal-power panning from -1 (left) to 1 (right)."""
    angle = (pan + 1.0) * np.pi / 4.0
    place(out[0], grain, time_s, gain * np.cos(angle) * np.sqrt(2.0))
    place(out[1], grain, time_s, gain * np.sin(angle) * np.sqrt(2.0))


def damped_tones(
    length: int,
    times_s: Floats,
    frequencies_hz: Floats,
    decays_s: Floats | float,
    gains: Floats,
    *,
    rises_per_s: Floats | float = 0.0,
    attack_s: float = 0.0,
    pans: Floats | None = None,
) -> Floats:
    """Return the sum of many decaying tones, for bubbles, drops and small hard things.

    Tone i starts at `times_s[i]` with `frequencies_hz[i]` and decays to 1/e in `decays_s[i]`. Its frequency grows by
    the share `rises_per_s[i]` per second (as of a rising bubble). With `pans` (-1 .. 1) the result is stereo, shape
    (2, length), else mono.
    """
    count = len(times_s)
    starts = np.round(np.asarray(times_s) * RATE).astype(np.int64)
    frequencies, decays = np.broadcast_to(frequencies_hz, count), np.broadcast_to(decays_s, count)
    gains, rises = np.broadcast_to(gains, count), np.broadcast_to(rises_per_s, count)
    lasts = np.minimum(np.ceil((5.0 * decays + 4.0 * attack_s) * RATE).astype(np.int64), length) + 1  # -43 dB
    sides = _pan_gains(pans, count)
    total = np.zeros((len(sides), length), np.float32)
    order = np.argsort(lasts)
    while len(order):
        checkpoint()
        # Longest first: each chunk is a matrix (tones, samples) of tones with nearly the same length.
        size = int(lasts[order[-1]])
        rows = order[-max(1, _CHUNK // size) :]
        order = order[: -len(rows)]
        time = np.arange(size, dtype=np.float32) / np.float32(RATE)
        phase = time * (1.0 + np.float32(0.5) * rises[rows, None].astype(np.float32) * time)
        phase *= (2.0 * np.pi * frequencies[rows, None]).astype(np.float32)
        tones = np.sin(phase, out=phase)
        tones *= np.exp(-time / decays[rows, None].astype(np.float32))
        if attack_s > 0:
            tones *= 1.0 - np.exp(-time / np.float32(attack_s))
        tones *= gains[rows, None].astype(np.float32)
        _scatter(total, starts[rows], tones, sides[:, rows])
    return total if pans is not None else total[0]


def _pan_gains(pans: Floats | None, count: int) -> Floats:
    """Return the equal-power gains of events per channel, shape (1 or 2, count)."""
    if pans is None:
        return np.ones((1, count), np.float32)
    angles = (np.broadcast_to(pans, count) + 1.0) * (np.pi / 4.0)
    gains: Floats = np.sqrt(2.0) * np.stack([np.cos(angles), np.sin(angles)])
    return gains.astype(np.float32)


def _scatter(total: Floats, starts: npt.NDArray[np.int64], grains: Floats, sides: Floats) -> None:
    """Add the rows of `grains` to `total` (channels, samples) at their starts, in place."""
    length, size = total.shape[1], grains.shape[1]
    for start, grain, side in zip(starts.tolist(), grains, sides.T, strict=True):
        first, last = max(start, 0), min(start + size, length)
        if first < last:
            # Adding slices in a loop is three times as fast as adding through an index array.
            heard = grain[first - start : last - start]
            for channel, gain in enumerate(side):
                total[channel, first:last] += heard * gain


def noise_bursts(
    rng: np.random.Generator,
    length: int,
    times_s: Floats,
    gains: Floats | float,
    decay_s: float,
    curve: Curve,
    *,
    attack_s: float = 0.0,
) -> Floats:
    """Return short bursts of coloured noise with a common decay and spectrum: ticks, crackles, puffs of air."""
    envelope = one_pole(impulses(length, times_s, gains), decay_s)
    if attack_s > 0:
        envelope -= one_pole(impulses(length, times_s, gains), attack_s * decay_s / (attack_s + decay_s))
    return envelope * noise(rng, length, curve)


def modes(
    frequencies_hz: Sequence[float] | Floats,
    decays_s: Sequence[float] | Floats | float,
    gains: Sequence[float] | Floats | float,
    *,
    rng: np.random.Generator | None = None,
    attack_s: float = 0.0002,
) -> Floats:
    """Return the sound of a struck body, a sum of decaying modes with a peak of 1; random phases if `rng` is given.

    As an impulse response for `convolve`, it turns an excitation into the sound of the body.
    """
    frequencies, decays, gains = np.broadcast_arrays(*(np.asarray(a, float) for a in (frequencies_hz, decays_s, gains)))
    heard = frequencies < 0.45 * RATE
    frequencies, decays, gains = frequencies[heard], decays[heard], gains[heard]
    out = np.zeros(seconds(7.0 * decays.max(initial=0.001)), np.float32)
    times = np.arange(len(out), dtype=np.float32) / np.float32(RATE)
    for frequency, decay, gain in zip(frequencies, decays, gains, strict=True):
        time = times[: seconds(7.0 * decay) + 1]
        phase = rng.uniform(0, 2 * np.pi) if rng is not None else 0.0
        tone = np.sin(np.float32(2 * np.pi * frequency) * time + np.float32(phase))
        out[: len(time)] += np.float32(gain) * tone * np.exp(-time / np.float32(decay))
    if attack_s > 0:
        out *= 1.0 - np.exp(-times / np.float32(attack_s))
    return peak(out)


def tone(frequency_hz: Floats | float, length: int, partials: Sequence[float] | Floats = (1.0,)) -> Floats:
    """Return a harmonic tone. `frequency_hz` is constant or given per sample; `partials` holds the gains."""
    frequency = np.broadcast_to(np.asarray(frequency_hz, np.float64), length)
    turns = (np.cumsum(frequency) / RATE) % 1.0
    top = float(frequency.max(initial=1.0))
    first = np.exp(2j * np.pi * turns).astype(np.complex64)
    rotation, out = np.ones(length, np.complex64), np.zeros(length, np.float32)
    for number, gain in enumerate(partials, start=1):
        rotation *= first  # powers give the next partial, and are cheaper than sines
        if gain and number * top < 0.45 * RATE:
            out += np.float32(gain) * rotation.imag
    return out


# Level and stereo ----------------------------------------------------------------------------------------------------


def rms(samples: Floats) -> float:
    """Return the RMS over all channels."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0


def unit(samples: Floats) -> Floats:
    """Return the signal scaled to an RMS of 1; silence stays silent."""
    level = rms(samples)
    return samples / np.float32(level) if level > 1e-9 else samples


def peak(samples: Floats) -> Floats:
    """Return the signal scaled to a peak of 1; silence stays silent."""
    top = float(np.abs(samples).max(initial=0.0))
    return samples / np.float32(top) if top > 1e-9 else samples


def mixed(first: Floats, *others: Floats) -> Floats:
    """Return the sum of sounds; a mono one among stereo ones is heard on both sides."""
    return sum(others, first)


def wide(left: Floats, right: Floats, width: float = 0.7) -> Floats:
    """Return stereo, shape (2, samples), from two independent takes of a sound; width 0 is mono, 1 keeps them apart."""
    # The takes are independent, so the power does not depend on the width.
    near, far = np.float32(np.cos(width * np.pi / 4)), np.float32(np.sin(width * np.pi / 4))
    a, b = (left + right) * np.float32(np.sqrt(0.5)), (left - right) * np.float32(np.sqrt(0.5))
    return np.stack([near * a + far * b, near * a - far * b])


def airy(samples: Floats, rng: np.random.Generator, decay_s: float = 0.5, share: float = 0.2) -> Floats:
    """Return a mono or stereo sound as stereo with a soft diffuse tail, as heard outdoors or across a room.

    `share` is the share of the power in the tail. High frequencies decay first, since the air absorbs them.
    """
    size = seconds(1.2 * decay_s)
    time = np.arange(size, dtype=np.float32) / np.float32(RATE)
    response = noise(rng, size, [(80, -12), (250, 0), (2000, -3), (5000, -12), (12000, -36)], channels=2)
    response *= np.exp(-time * np.float32(6.9 / decay_s)) * (1.0 - np.exp(-time / np.float32(0.008)))
    tail = convolve(samples if samples.ndim == 1 else samples.mean(axis=0), response)
    # How much passes the filter depends on the pitch, so the level of the tail is measured.
    level = rms(samples) / max(rms(tail), 1e-9)
    return np.float32(np.sqrt(1 - share)) * samples + np.float32(np.sqrt(share) * level) * tail
