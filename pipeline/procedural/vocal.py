"""Voices of animals and people as source and filter (Fant 1960): pulses of the vocal folds through resonances.

Sounds are float32, shape (samples,). Pitches and formants are glides, given by a few equidistant points.
"""

from collections.abc import Sequence

import numpy as np
from scipy import fft

from ..audio import Floats
from .signal import RATE, seconds

FRAME_S = 1024 / RATE  # frame of the moving filter: 23 ms, within which a mouth hardly moves
HOPS = 2  # number of overlapping frames
LEAK = 0.04  # share that bypasses the resonances: through the skin, by turbulence at the lips
SINC_TAPS = np.arange(-8, 8)

Glide = Sequence[float] | Floats | float


def glide(points: Glide, length: int) -> Floats:
    """Return `length` values of a smooth curve through the points, which are equidistant in time."""
    values = np.atleast_1d(np.asarray(points, dtype=float))
    if len(values) == 1:
        return np.full(length, values[0])
    if len(values) > 2:  # Catmull-Rom through the points
        slopes = np.gradient(values)
        place = np.linspace(0, len(values) - 1, length)
        left = np.minimum(place.astype(int), len(values) - 2)
        u = place - left
        step = values[left + 1] - values[left]
        a, b = slopes[left] - step, step - slopes[left + 1]
        curve: Floats = values[left] + u * step + u * (1 - u) * (a * (1 - u) + b * u)
        return curve
    return np.linspace(values[0], values[1], length)


def envelope(length: int, attack: float, release: float) -> Floats:
    """Return an envelope from 0 to 1 and back: raised cosines over the given shares of the length."""
    rise, fall = max(int(attack * length), 2), max(int(release * length), 2)
    level = np.ones(length)
    level[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    level[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    return level


def fold_pulses(
    pitch_hz: Floats,
    rng: np.random.Generator,
    *,
    jitter: float = 0.01,
    shimmer: float = 0.06,
    subharmonic: float = 0.0,
    rate: int = RATE,
) -> Floats:
    """Return one band-limited pulse per period of the pitch, which is given per sample.

    `jitter` and `shimmer` are the relative standard deviations of period and height; `subharmonic` is by how much every
    second pulse is lower, as in rough voices (period doubling). `rate` is the sample rate in hertz.
    """
    length = len(pitch_hz)
    phase = np.cumsum(pitch_hz) / rate
    count = int(phase[-1])
    marks = np.arange(1, count) + jitter * rng.standard_normal(max(count - 1, 0))
    times = np.interp(marks, phase, np.arange(length))
    heights = 1 + shimmer * rng.standard_normal(len(times))
    heights[::2] *= 1 - subharmonic
    heights /= np.sqrt(pitch_hz[times.astype(int)] / rate)  # equal power at every pitch
    first = np.floor(times).astype(int)
    offsets = SINC_TAPS - (times - first)[:, None]
    taps = np.sinc(offsets) * (0.5 + 0.5 * np.cos(np.pi * offsets / 9)) * heights[:, None]
    places = np.clip(first[:, None] + SINC_TAPS, 0, length - 1)
    return np.bincount(places.ravel(), taps.ravel(), length)[:length].astype(np.float32)


def through_tract(
    source: Floats,
    formants_hz: Sequence[Glide],
    *,
    sharpness: float = 8.0,
    tilt_db: float = -6.0,
    rate: int = RATE,
) -> Floats:
    """Return the source through a cascade of moving resonances, the formants.

    `sharpness` is the ratio of formant frequency to bandwidth. `tilt_db` is the slope per octave of the source and the
    radiation at the lips. `rate` is the sample rate in hertz.
    """
    window = round(FRAME_S * rate)
    hop, lead = window // HOPS, (HOPS - 1) * (window // HOPS)
    padded = np.zeros((-(-len(source) // hop) + 2 * HOPS - 2) * hop, dtype=np.float32)
    padded[lead : lead + len(source)] = source
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    frames = fft.rfft(windows * np.hanning(window + 1)[:-1].astype(np.float32), 2 * window, axis=1)
    hz = fft.rfftfreq(2 * window, 1 / rate).astype(np.float32)
    hz[0] = hz[1] / 2
    top_hz, poles = float(np.max(formants_hz[-1])), 2 * len(formants_hz) - 1
    above = (1 + (hz / top_hz) ** 4) ** (poles / 4)  # approximates the resonances above the highest formant
    frames *= (hz / 500) ** (tilt_db / 6.02) * (hz / (hz + 40)) ** 2
    damping = np.ones((1, len(hz)), np.complex64)
    for formant in formants_hz:
        moving = np.size(formant) > 1 and np.ptp(formant) > 0
        centre = glide(formant, len(frames) if moving else 1).astype(np.float32)[:, None]
        factor = np.empty((len(centre), len(hz)), np.complex64)
        factor.real = 1 - (hz / centre) ** 2
        factor.imag = hz * ((40 + centre / sharpness) / centre**2)
        damping = damping * factor
    frames *= above / damping + LEAK * (hz / 500) ** (-1 - tilt_db / 6.02)
    pieces = fft.irfft(frames, axis=1)
    out = np.zeros((len(frames) + 2 * HOPS, hop), dtype=np.float32)
    for block in range(2 * HOPS):
        out[block : block + len(frames)] += pieces[:, block * hop : (block + 1) * hop]
    return out.ravel()[lead : lead + len(source)] * np.float32(2 / HOPS)


def cry(
    rng: np.random.Generator,
    duration_s: float,
    pitch_hz: Glide,
    formants_hz: Sequence[Glide],
    *,
    level: Glide = 1.0,
    attack: float = 0.1,
    release: float = 0.3,
    breath: Glide = 0.05,
    jitter: float = 0.01,
    shimmer: float = 0.06,
    subharmonic: float = 0.0,
    vibrato_hz: float = 0.0,
    vibrato: Glide = 0.0,
    sharpness: float = 8.0,
    tilt_db: float = -6.0,
) -> Floats:
    """Return one call of a creature, with an RMS of 1 in its loudest part.

    `breath` is the share of noise in the source. `vibrato` is the relative depth of a tremor of the pitch, which the
    level follows with three times that depth. `attack` and `release` are shares of the duration. `fold_pulses` and
    `through_tract` explain the other parameters.
    """
    length = max(seconds(duration_s), 64)
    unsteady = np.interp(np.arange(length), np.linspace(0, length, 12), rng.uniform(0.85, 1.18, 12))
    tremor = np.sin(2 * np.pi * vibrato_hz * np.cumsum(unsteady) / RATE + rng.uniform(0, 6.28))
    tremor *= glide(vibrato, length)
    pitch = glide(pitch_hz, length) * (1 + tremor)
    drift = np.interp(np.arange(length), np.linspace(0, length, 9), rng.standard_normal(9))
    pitch = np.maximum(pitch * (1 + 0.6 * jitter * drift), 20)
    pulses = fold_pulses(pitch, rng, jitter=jitter, shimmer=shimmer, subharmonic=subharmonic)
    share = glide(breath, length)
    source = (1 - share) * pulses + share * rng.standard_normal(length)
    source = source * glide(level, length) * envelope(length, attack, release) * np.maximum(1 + 3 * tremor, 0.1)
    tail = np.zeros(seconds(0.02))  # lets the resonances ring out
    sound = through_tract(np.concatenate([source, tail]), formants_hz, sharpness=sharpness, tilt_db=tilt_db)
    return loud(sound)


def loud(sound: Floats) -> Floats:
    """Return the sound scaled so that the louder half of its samples has an RMS of 1."""
    half = len(sound) // 2
    power = np.partition(sound.astype(np.float64) ** 2, half)[half:]
    level: Floats = sound / np.sqrt(power.mean() + 1e-20)
    return level.astype(np.float32)
