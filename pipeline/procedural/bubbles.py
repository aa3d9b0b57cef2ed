"""Bubbles in water, of which streams, drips and puddles are made.

After van den Doel (2005), "Physically based models for liquid sounds": a bubble of radius r metres rings at
3 / r hertz and its damping is 0.13 / r + 0.0072 r^-1.5 a second.
"""

import numpy as np

from . import signal
from .voice import Voice


def bubbles(
    voice: Voice,
    times_s: np.ndarray,
    radii_m: np.ndarray,
    gains: np.ndarray,
    *,
    rise: float = 0.1,
    width: float = 0.7,
    thickness: float = 1.0,
) -> np.ndarray:
    """Return ringing bubbles, stereo.

    `rise` is the share by which their pitch grows during one damping time, `thickness` how much faster than in water
    they are damped (mud, stew).
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


def bubble_radii(
    rng: np.random.Generator, count: int, low_hz: float, high_hz: float, steepness: float = 1.0
) -> np.ndarray:
    """Return bubble radii in metres whose pitches lie between two bounds; `steepness` > 1 makes small ones commoner."""
    octaves = np.log2(high_hz / low_hz)
    return 3.0 / (low_hz * 2.0 ** (octaves * rng.random(count) ** (1.0 / steepness)))


def many_bubbles(
    voice: Voice,
    rate_hz: np.ndarray | float,
    low_hz: float,
    high_hz: float,
    *,
    rise: float = 0.1,
    steepness: float = 1.0,
) -> np.ndarray:
    """Return bubbles at chance times. Loudness grows with the radius, and depth varies from bubble to bubble."""
    rate = np.broadcast_to(np.asarray(rate_hz, np.float32), voice.length)
    times = signal.times_following(voice.rng, rate)
    radii = bubble_radii(voice.rng, len(times), low_hz, high_hz, steepness)
    gains = (radii / radii.max(initial=1e-3)) ** 0.6 * voice.rng.random(len(times)) ** 2
    return bubbles(voice, times, radii, gains, rise=rise)
