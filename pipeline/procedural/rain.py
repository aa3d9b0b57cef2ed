"""Rain: a size spectrum of drops that strike the ground, leaves, a roof or a window.

Drops after Marshall & Palmer (1948): their number falls with the diameter as exp(-4.1 R^-0.21 D) (R in mm/h, D in mm).
Near drops are heard one by one; the far ones together are noise, whose spectrum is the mean of their impacts.
"""

from dataclasses import dataclass

import numpy as np

from ..audio import Floats
from . import schedule, signal
from .voice import Voice
from .words import Material, material


@dataclass(frozen=True)
class _SizeClass:
    """Drops of about one size: their share of the number, and the burst of noise that an impact makes."""

    share: float  # at 10 mm/h
    growth: float  # exponent of the share with the rain's strength
    decay_s: float
    loud: float
    curve: signal.Curve


# Small drops are many, short and bright, large ones few, long and low: the splash lasts about as long as a drop needs
# to fall through its own diameter, D / v = 0.3 .. 0.7 ms, and the thrown-up film some times longer.
_SIZES = (
    _SizeClass(0.62, 0.0, 0.0006, 0.35, signal.band(3500, 12000, 9)),
    _SizeClass(0.30, 0.7, 0.0014, 0.8, signal.band(1500, 8000, 9)),
    _SizeClass(0.08, 1.4, 0.0032, 1.6, signal.band(500, 4500, 9)),
)


def _distance_gains(rng: np.random.Generator, count: int, reach: float = 80.0) -> Floats:
    """Return 1/r for drops spread evenly over the ground, r from 1 to sqrt(1 + reach) times the nearest."""
    return 1.0 / np.sqrt(1.0 + reach * rng.random(count))


def diameters_mm(rng: np.random.Generator, count: int, rain_mm_h: float) -> Floats:
    """Return the diameters of drops that arrive: Marshall-Palmer times their fall speed, which grows as D^0.67."""
    return np.clip(rng.gamma(1.67, 1.0 / (4.1 * rain_mm_h**-0.21), count), 0.3, 5.5)


def drop_impacts(voice: Voice, rate_hz: float, *, rain_mm_h: float = 10.0, level: Floats | None = None) -> Floats:
    """Return single audible impacts on a wet hard ground, stereo; `level` lets the rate swell."""
    rng, length = voice.rng, voice.length
    out = np.zeros((2, length), np.float32)
    for size in _SIZES:
        rate = np.full(length, 0.5 * rate_hz * size.share * (rain_mm_h / 10.0) ** size.growth, np.float32)
        burst = signal.noise(rng, length, size.curve)
        for channel in out:  # each side has drops of its own; never two at once, so that one noise serves both
            times = signal.times_following(rng, rate if level is None else rate * level)
            gains = size.loud * _distance_gains(rng, len(times)) * rng.gamma(2.0, 0.5, len(times))
            channel += burst * signal.one_pole(signal.impulses(length, times, gains), size.decay_s)
    return signal.wide(out[0], out[1], 0.7)


def on_ground(voice: Voice) -> Floats:
    """Rain on open ground: the hiss of countless far drops, the patter of the near ones, plips from puddles."""
    from .liquids import many_bubbles

    rng, length = voice.rng, voice.length
    heavy = voice.setting("heavy", 0.5) + 0.35 * voice.density
    weight = 8.0 * (heavy - 0.5)  # large drops strike lower
    curve = [
        (40, weight - 10),
        (100, weight - 3),
        (300, 0.5 * weight),
        (1000, -1),
        (2500, -4),
        (6000, -7),
        (16000, -13),
    ]
    swell = 1.0 + 0.08 * signal.wander(rng, length, 0.5 * schedule.pace(voice))
    bed = signal.noise(rng, length, curve, channels=2) * swell
    patter = drop_impacts(voice, 1200.0 * 4.0**heavy, rain_mm_h=2.0 + 20.0 * heavy**2, level=swell)
    plips = many_bubbles(voice, 25.0 * 3.0**heavy, 900, 4200, rise=0.15)
    return np.float32(0.85 + 0.2 * heavy) * bed + signal.unit(patter) + 0.12 * signal.unit(plips)


_SURFACES = ("metal", "glass", "cloth", "leaves", "wood", "stone", "plastic", "ceramic")


def on_surface(voice: Voice) -> Floats:
    """Rain heard under a roof, behind a window, in a tent, among leaves: every drop strikes a panel that answers.

    The panel's material comes from the source's words, else from the setting `surface`, a place in `_SURFACES`;
    `panel` is its size against a thing for two hands, `near` the share of the panel's own sound, `shut` how much it
    keeps out of the rain outside.
    """
    rng, length = voice.rng, voice.length
    heavy = voice.setting("heavy", 0.5) + 0.4 * voice.density
    body = material(voice.material if voice.material in _SURFACES else _SURFACES[int(voice.setting("surface", 0))])
    times = signal.poisson_times(rng, voice.duration_s, 1000.0 * 4.0**heavy)
    count = len(times)
    force = diameters_mm(rng, count, 12.0) * _distance_gains(rng, count, 15.0)
    sides, zone = rng.random(count), rng.integers(0, 3, count)
    out = np.zeros((2, length), np.float32)
    for number in range(3):  # three places of the panel: each answers with its own modes
        mine = zone == number
        answer = _panel(voice, body, voice.setting("panel", 3.0) * rng.uniform(0.8, 1.25))
        for channel, share in enumerate((sides[mine], 1.0 - sides[mine])):
            hits = signal.impulses(length, times[mine], force[mine] * np.sqrt(share))
            out[channel] += signal.convolve(hits, answer)
    # What comes through the roof or the pane is dull; an open window or a tent lets more of it in.
    shut = voice.setting("shut", 0.5)
    outside = signal.shaped(on_ground(voice), [(300, 0), (1500, -9 * shut), (5000, -20 * shut), (12000, -30 * shut)])
    return np.float32(voice.setting("near", 0.55)) * signal.unit(out) + signal.unit(outside)


def _panel(voice: Voice, body: Material, size: float) -> Floats:
    """Return how a panel answers a drop: a dull burst, and close modes that ring as far as the stuff lets them."""
    rng = voice.rng
    lowest = body.frequency_hz / size
    frequencies = lowest * (1.0 + np.cumsum(rng.uniform(0.3, 1.0, 24)))
    decays = np.clip(body.decay_s * 0.06 * (lowest / frequencies) ** (0.5 * body.damping), 0.0008, 0.02)
    gains = rng.uniform(0.3, 1.0, 24) * (frequencies / frequencies[0]) ** (0.5 * body.hardness - 0.6)
    ringing = signal.modes(frequencies, decays, gains, rng=rng, attack_s=0.0004)
    size_s = 0.0012 + 0.002 * (1.0 - body.hardness)
    time = np.arange(signal.seconds(8 * size_s)) / signal.RATE
    burst = signal.noise(rng, len(time), signal.band(lowest, 1500.0 * 6.0**body.hardness, 6)) * np.exp(-time / size_s)
    answer = np.zeros(max(len(ringing), len(burst)), np.float32)
    answer[: len(ringing)] = np.float32(1.0 - 0.5 * body.noise) * ringing
    answer[: len(burst)] += np.float32(0.3 + 0.5 * body.noise) * signal.peak(burst)
    return answer
