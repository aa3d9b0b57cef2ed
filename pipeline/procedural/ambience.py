"""The surroundings of a single sound: its reflections, and the quiet air of the place far below it."""

import numpy as np

from ..audio import Floats
from . import signal
from .voice import Voice

OPEN_AIR = [(20, -30), (90, 0), (400, -7), (1500, -13), (5000, -22), (14000, -40)]  # a field on a still day
ROOM_TONE = [(20, -20), (60, 0), (200, -6), (800, -16), (3000, -28), (12000, -44)]  # a quiet room

QUIET_DB = -38.0  # level of the air relative to the loud parts of the sound


def outdoors(
    voice: Voice, samples: Floats, *, decay_s: float = 0.7, share: float = 0.01, air_db: float = QUIET_DB
) -> Floats:
    """Return a mono or stereo sound with diffuse reflections and the air of a field; shape (2, samples)."""
    return _within(voice, samples, OPEN_AIR, decay_s, share, air_db)


def indoors(
    voice: Voice, samples: Floats, *, decay_s: float = 0.3, share: float = 0.02, air_db: float = QUIET_DB
) -> Floats:
    """Return a mono or stereo sound with the reflections and the tone of a quiet room; shape (2, samples)."""
    return _within(voice, samples, ROOM_TONE, decay_s, share, air_db)


def _within(voice: Voice, samples: Floats, curve: signal.Curve, decay_s: float, share: float, air_db: float) -> Floats:
    wet = signal.airy(samples, voice.rng, decay_s, share)
    return wet + air(voice, loudness(samples), curve, air_db)


def air(voice: Voice, level: float, curve: signal.Curve, air_db: float) -> Floats:
    """Return the noise of the place, shape (2, samples), at `air_db` (negative) relative to the level."""
    noise = signal.noise(voice.rng, voice.length, curve, channels=2)
    return noise * np.float32(level * 10 ** (air_db / 20))


def loudness(samples: Floats) -> float:
    """Return the RMS of the loudest tenth of the sound, measured in blocks of 50 ms."""
    mono = samples.mean(axis=0) if samples.ndim == 2 else samples
    piece = signal.seconds(0.05)
    count = max(len(mono) // piece, 1)
    powers = np.sort(np.mean(np.square(mono[: count * piece].reshape(count, -1), dtype=np.float64), axis=1))
    return float(np.sqrt(powers[-max(count // 10, 1) :].mean()))
