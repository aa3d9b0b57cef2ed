"""Bubbles in water: the elements of streams, drips and puddles.

They follow van den Doel (2005), "Physically based models for liquid sounds": a bubble with a radius of r metres rings
at 3 / r hertz, with a damping of 0.13 / r + 0.0072 r^-1.5 per second.
"""

import numpy as np

from ..audio import Floats
from . import signal
from .voice import Voice


def bubbles(
    voice: Voice,
    times_s: Floats,
    radii_m: Floats,
    gains: Floats,
    *,
    rise: float = 0.1,
    width: float = 0.7,
    thickness: float = 1.0,
) -> Floats:
    """Return ringing bubbles, stereo.

    `rise` is the relative growth of their pitch during one damping time, `width` the range of their pans, `thickness`
    the damping relative to water (higher for mud or stew).
    """
    count = len(times_s)
    damping = (0.13 / radii_m + 0.0072 * radii_m**-1.5) * thickness
    rises = rise * damping * voice.rng.random(count) ** 2
    return signal.damped_tones(
        voice.length,
        times_s,
        3.0 / radii_m,
        1.0 / damping,
        gains,
        rises_per_s=rises,
        attack_s=0.0006,
        pans=width * voice.rng.uniform(-1, 1, count),
    )


def bubble_radii(rng: np.random.Generator, count: int, low_hz: float, high_hz: float, steepness: float = 1.0) -> Floats:
    """Return random bubble radii in metres for a range of pitches; a `steepness` above 1 gives more small bubbles."""
    octaves = np.log2(high_hz / low_hz)
    radii: Floats = 3.0 / (low_hz * 2.0 ** (octaves * rng.random(count) ** (1.0 / steepness)))
    return radii


def many_bubbles(
    voice: Voice,
    rate_hz: Floats | float,
    low_hz: float,
    high_hz: float,
    *,
    rise: float = 0.1,
    steepness: float = 1.0,
) -> Floats:
    """Return bubbles at random times. Their loudness grows with the radius and varies with their random depth."""
    rate = np.broadcast_to(np.asarray(rate_hz, np.float32), voice.length)
    times = signal.times_following(voice.rng, rate)
    radii = bubble_radii(voice.rng, len(times), low_hz, high_hz, steepness)
    gains = (radii / radii.max(initial=1e-3)) ** 0.6 * voice.rng.random(len(times)) ** 2
    return bubbles(voice, times, radii, gains, rise=rise)
