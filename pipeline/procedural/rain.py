"""Rain: drops of many sizes that hit the ground, leaves, a roof or a window.

The number of drops decreases with their diameter as exp(-4.1 R^-0.21 D), R in mm/h, D in mm (Marshall & Palmer 1948).
Near drops are heard one by one. The distant ones add up to noise, whose spectrum is the mean of their impacts.
"""

from dataclasses import dataclass

import numpy as np

from ..audio import Floats
from ..kinds.attributes import Material, material
from . import schedule, signal
from .bubbles import many_bubbles
from .voice import Voice


@dataclass(frozen=True)
class _SizeClass:
    """Drops of similar size: their share of all drops, and the burst of noise of an impact."""

    share: float  # of the number of drops at 10 mm/h
    growth: float  # exponent by which the share grows with the intensity of the rain
    decay_s: float
    loud: float
    curve: signal.Curve


# Small drops are frequent, short and bright; large ones are rare, long and low. The impact lasts about as long as a
# drop takes to fall through its own diameter, D / v = 0.3 .. 0.7 ms; the film that it throws up lasts several times
# longer.
_SIZES = (
    _SizeClass(0.62, 0.0, 0.0006, 0.35, signal.band(3500, 12000, 9)),
    _SizeClass(0.30, 0.7, 0.0014, 0.8, signal.band(1500, 8000, 9)),
    _SizeClass(0.08, 1.4, 0.0032, 1.6, signal.band(500, 4500, 9)),
)


def _distance_gains(rng: np.random.Generator, count: int, reach: float = 80.0) -> Floats:
    """Return the gains 1/r of drops spread evenly over the ground, with r from 1 to sqrt(1 + reach)."""
    return 1.0 / np.sqrt(1.0 + reach * rng.random(count))


def diameters_mm(rng: np.random.Generator, count: int, rain_mm_h: float) -> Floats:
    """Return random diameters of arriving drops: Marshall-Palmer weighted by the fall speed, which grows as D^0.67."""
    return np.clip(rng.gamma(1.67, 1.0 / (4.1 * rain_mm_h**-0.21), count), 0.3, 5.5)


def drop_impacts(voice: Voice, rate_hz: float, *, rain_mm_h: float = 10.0, level: Floats | None = None) -> Floats:
    """Return separately audible impacts on hard wet ground, stereo; `level` scales the rate over time."""
    rng, length = voice.rng, voice.length
    out = np.zeros((2, length), np.float32)
    for size in _SIZES:
        rate = np.full(length, 0.5 * rate_hz * size.share * (rain_mm_h / 10.0) ** size.growth, np.float32)
        burst = signal.noise(rng, length, size.curve)
        for channel in out:  # the sides have different drops, so both can use the same noise
            times = signal.times_following(rng, rate if level is None else rate * level)
            gains = size.loud * _distance_gains(rng, len(times)) * rng.gamma(2.0, 0.5, len(times))
            channel += burst * signal.one_pole(signal.impulses(length, times, gains), size.decay_s)
    return signal.wide(out[0], out[1], 0.7)


def on_ground(voice: Voice) -> Floats:
    """Rain on open ground: the hiss of countless distant drops, the patter of near ones, and plips from puddles."""
    rng, length = voice.rng, voice.length
    heavy = voice.setting("heavy", 0.5) + 0.35 * voice.density
    weight = 8.0 * (heavy - 0.5)  # large drops sound lower
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
    """Rain under a roof, behind a window, in a tent or among leaves: every drop hits a panel, which resonates.

    The words of the source select the material of the panel, else the setting `surface`, an index into `_SURFACES`.
    Further settings: `heavy`, the intensity of the rain; `panel`, the size of the panel relative to an object that fits
    in two hands; `near`, the share of its sound; `shut`, how much it muffles the rain outside.
    """
    rng, length = voice.rng, voice.length
    heavy = voice.setting("heavy", 0.5) + 0.4 * voice.density
    body = material(voice.material if voice.material in _SURFACES else _SURFACES[int(voice.setting("surface", 0))])
    times = signal.poisson_times(rng, voice.duration_s, 1000.0 * 4.0**heavy)
    count = len(times)
    force = diameters_mm(rng, count, 12.0) * _distance_gains(rng, count, 15.0)
    sides, zone = rng.random(count), rng.integers(0, 3, count)
    out = np.zeros((2, length), np.float32)
    for number in range(3):  # three places on the panel, each with its own modes
        mine = zone == number
        answer = _panel(voice, body, voice.setting("panel", 3.0) * rng.uniform(0.8, 1.25))
        for channel, share in enumerate((sides[mine], 1.0 - sides[mine])):
            hits = signal.impulses(length, times[mine], force[mine] * np.sqrt(share))
            out[channel] += signal.convolve(hits, answer)
    # The rain outside is dull behind a roof or a pane; an open window or a tent lets more of its highs in.
    shut = voice.setting("shut", 0.5)
    outside = signal.shaped(on_ground(voice), [(300, 0), (1500, -9 * shut), (5000, -20 * shut), (12000, -30 * shut)])
    return np.float32(voice.setting("near", 0.55)) * signal.unit(out) + signal.unit(outside)


def _panel(voice: Voice, body: Material, size: float) -> Floats:
    """Return the response of a panel to a drop: a dull burst, and dense modes that ring as the material allows."""
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
