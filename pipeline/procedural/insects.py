"""Insects: trains of clicks and pulses through small hard resonators, and wings.

Crickets rub a file of teeth at the resonance of the wing, one pulse per stroke. Cicadas buckle ribs one after another
into their hollow abdomen (Bennet-Clark 1999). Bees and flies sound by the harmonics of their wing beat.
"""

import numpy as np

from ..audio import Floats
from . import signal
from .ambience import outdoors
from .creatures import spread
from .schedule import pace, presence, rhythm
from .signal import RATE, seconds
from .vocal import fold_pulses
from .voice import Voice


def crickets(voice: Voice) -> Floats:
    """Field crickets, each with chirps of three to five pulses at its own pace, before a distant trilling choir."""
    count = max(2, round(voice.params.get("insects", 6) * 2.2**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    for index in range(count):
        carrier_hz = spread(voice, 4300, 5000) * 1.18**voice.brightness
        pulse_hz, pulses = spread(voice, 24, 32) * pace(voice) ** 0.3, int(voice.rng.integers(3, 6))
        chirps = [_chirp(voice, carrier_hz, pulse_hz, pulses) for _ in range(3)]
        near, pan = (1.0 if index == 0 else spread(voice, 0.05, 0.4)), spread(voice, -0.95, 0.95)
        for start, end in _calling(voice, index):
            for time in rhythm(voice, (start, end), 1 / spread(voice, 1.7, 3.0), 0.03):
                chirp = chirps[voice.rng.integers(len(chirps))]
                signal.place_panned(track, chirp, time, near * spread(voice, 0.85, 1.0), pan)
    track += 0.07 * 2.0**voice.density * _choir(voice)
    return outdoors(voice, track, decay_s=0.6, share=0.011, air_db=-29)


def _calling(voice: Voice, index: int) -> list[tuple[float, float]]:
    """Return the spans in which one insect calls: the first one always, others with a pause."""
    if index == 0 or voice.rng.random() < 0.4:
        return [(spread(voice, 0, 0.4), voice.duration_s)]
    stop = spread(voice, 0.3, 0.7) * voice.duration_s
    return [(spread(voice, 0, 1.0), stop), (stop + spread(voice, 0.8, 2.5), voice.duration_s)]


def _chirp(voice: Voice, carrier_hz: float, pulse_hz: float, pulses: int) -> Floats:
    """Return one chirp of growing pulses; each is a stroke whose pitch falls slightly as the wings close."""
    length = seconds(pulses / pulse_hz)
    phase = np.arange(length) / RATE * pulse_hz
    stroke, within = np.floor(phase), np.minimum(phase % 1 / 0.62, 1.0)  # the wings open again during 38 % of a stroke
    level = np.sin(np.pi * within) ** (0.8 * 0.6**voice.roughness) * (0.55 + 0.45 * np.minimum(stroke / 2, 1))
    teeth = signal.stretch(voice.rng.standard_normal(pulses * 6), length)  # the teeth of the file differ
    pitch = carrier_hz * (1.012 - 0.025 * within + (0.008 + 0.004 * voice.roughness) * teeth)
    chirp: Floats = signal.tone(pitch, length, (1.0, 0.05 * 3.0**voice.roughness)) * level.astype(np.float32)
    return chirp


def _choir(voice: Voice) -> Floats:
    """Return the distant choir, stereo: hundreds of trills blend into a narrow band of noise that swells and fades."""
    low_hz = spread(voice, 3900, 4300) * 1.18**voice.brightness
    ridge = [
        (low_hz * 0.8, -50),
        (low_hz * 0.96, -9),
        (low_hz, 0),
        (low_hz * 1.1, -2),
        (low_hz * 1.18, -14),
        (7000, -50),
    ]
    out = signal.noise(voice.rng, voice.length, ridge, channels=2)
    return out * (0.6 + 0.4 * signal.drift(voice.rng, voice.length, 2.0 * pace(voice), 0.0, 1.5))


def cicadas(voice: Voice) -> Floats:
    """Cicadas in trees: click trains of buckling ribs through the abdomen, which swell and fade."""
    count = max(2, round(4 * 2.0**voice.density))
    ribs = [_ribs(voice) for _ in range(count)]
    track = np.zeros((2, voice.length), np.float32)
    for index, (times, gains) in enumerate(ribs):
        abdomen_hz = spread(voice, 4200, 6400) * 1.2**voice.brightness
        modes = signal.modes(
            abdomen_hz * np.array([0.62, 1.0, 1.13, 1.7]), [0.0024, 0.0054, 0.0045, 0.0018], [0.2, 1, 0.7, 0.25]
        )
        near, pan = (1.0 if index == 0 else spread(voice, 0.3, 0.8)), spread(voice, -0.95, 0.95)
        clicks = signal.impulses(voice.length, times, gains)
        song = signal.convolve(clicks, modes)
        signal.place_panned(track, song, 0.0, near, pan)
    # Those in the other trees blend into a band of noise.
    far = [(2200, -40), (4000, -10), (5000, 0), (6400, -3), (7800, -14), (11000, -40)]
    track += np.float32(signal.rms(track)) * signal.noise(voice.rng, voice.length, far, channels=2)
    return outdoors(voice, track * presence(voice), decay_s=0.6, air_db=-34, share=0.04)


def _ribs(voice: Voice) -> tuple[Floats, Floats]:
    """Return times and gains of the clicks: bursts of a few ribs, 260 to 420 per second, in slow swells."""
    buckle_hz = spread(voice, 260, 420) * pace(voice) ** 0.5
    starts = np.cumsum((1 + 0.04 * voice.rng.standard_normal(int(voice.duration_s * buckle_hz) + 1)) / buckle_hz)
    ribs = np.arange(voice.rng.integers(3, 6)) / spread(voice, 1100, 1600)
    times = (starts[:, None] + ribs).ravel()
    swell_hz, depth = spread(voice, 0.25, 0.6) * pace(voice), spread(voice, 0.4, 0.8)
    swell = 1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * swell_hz * times + spread(voice, 0, 6.28)))
    shake = 0.25 * 2.5**voice.roughness * voice.rng.standard_normal(len(times))
    return times, swell * np.maximum(1 + shake, 0)


# Wings ---------------------------------------------------------------------------------------------------------------


# A wing radiates as a dipole, so the fundamental is weak; the thorax adds broad resonances.
WING_CURVE = [(60, -30), (180, -4), (260, 0), (700, -3), (1600, -6), (3500, -12), (7000, -24), (16000, -45)]


def bees(voice: Voice) -> Floats:
    """Bees at work: wing beats near 230 Hz that pass, hover and settle, before the hum of the others."""
    count = max(2, round(voice.params.get("insects", 5) * 2.0**voice.density))
    return _winged(voice, count, voice.params.get("wing_hz", 225.0), visits_hz=0.5)


def flies(voice: Voice) -> Floats:
    """One to three flies: a wing beat that turns, darts and comes close."""
    count = max(1, round(voice.params.get("insects", 2) * 2.0**voice.density))
    return _winged(voice, count, voice.params.get("wing_hz", 190.0), visits_hz=0.9)


def _winged(voice: Voice, count: int, wing_hz: float, visits_hz: float) -> Floats:
    sides = np.zeros((2, voice.length), np.float32)
    rate = visits_hz * pace(voice)
    for index in range(count):
        darts = signal.wander(voice.rng, voice.length, 2.5 * rate)
        unrest = signal.wander(voice.rng, voice.length, 25.0)
        pitch = wing_hz * spread(voice, 0.85, 1.18) * (1 + 0.06 * darts + 0.012 * 2.5**voice.roughness * unrest)
        beats = fold_pulses(np.maximum(pitch, 40), voice.rng, jitter=0.025, shimmer=0.15, subharmonic=0.1)
        # A single insect stays close enough to be heard all the time.
        reach = 1.3 if count > 1 else 0.8
        near = np.exp(reach * signal.wander(voice.rng, voice.length, rate) + 0.4 * darts)
        near = np.minimum(near, 6.0) * (1.0 if index == 0 else spread(voice, 0.2, 0.7))
        side = np.tanh(signal.wander(voice.rng, voice.length, 0.5 * rate))
        sides += beats * near * np.sqrt(np.stack([1 - 0.9 * side, 1 + 0.9 * side]))
    tilt = 3.0 * voice.brightness  # dB per octave
    heard = signal.shaped(sides, [(hz, level + tilt * np.log2(hz / 500)) for hz, level in WING_CURVE])
    return outdoors(voice, heard * presence(voice), decay_s=0.3, share=0.12, air_db=-32)
