"""Insects: trains of clicks and pulses through small hard resonators, and wings.

Crickets rub a file of teeth (a pulse a stroke) at the resonance of the wing; cicadas buckle ribs one after another into
the hollow abdomen (Bennet-Clark 1999); bees and flies are heard by the harmonics of their wing beat.
"""

import numpy as np

from . import signal
from .ambience import outdoors
from .creatures import spread
from .schedule import pace, presence, rhythm
from .signal import RATE, seconds
from .vocal import fold_pulses, through_tract
from .voice import Voice


def crickets(voice: Voice) -> np.ndarray:
    """Field crickets, each with chirps of three to five pulses at its own pace, before a far choir of trilling ones."""
    count = max(2, round(voice.params.get("insects", 6) * 2.2**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    for index in range(count):
        carrier_hz = spread(voice, 4300, 5000) * 1.18**voice.brightness
        pulse_hz, pulses = spread(voice, 24, 32) * pace(voice) ** 0.3, voice.rng.integers(3, 6)
        chirps = [_chirp(voice, carrier_hz, pulse_hz, pulses) for _ in range(3)]
        near, pan = (1.0 if index == 0 else spread(voice, 0.1, 0.6)), spread(voice, -0.95, 0.95)
        for start, end in _calling(voice, index):
            for time in rhythm(voice, (start, end), 1 / spread(voice, 1.7, 3.0), 0.03):
                chirp = chirps[voice.rng.integers(len(chirps))]
                signal.place_panned(track, chirp, time, near * spread(voice, 0.85, 1.0), pan)
    for channel in track:
        channel += 0.05 * 2.0**voice.density * _trilling(voice)
    return outdoors(voice, track, decay_s=0.6, share=0.1, air_db=-34)


def _calling(voice: Voice, index: int) -> list[tuple[float, float]]:
    """Return the spans in which one insect calls: the first all the time, others with stops."""
    if index == 0 or voice.rng.random() < 0.4:
        return [(spread(voice, 0, 0.4), voice.duration_s)]
    stop = spread(voice, 0.3, 0.7) * voice.duration_s
    return [(spread(voice, 0, 1.0), stop), (stop + spread(voice, 0.8, 2.5), voice.duration_s)]


def _chirp(voice: Voice, carrier_hz: float, pulse_hz: float, pulses: int) -> np.ndarray:
    """Return one chirp: pulses that grow, each a stroke whose pitch sinks a little as the wings close."""
    length = seconds(pulses / pulse_hz)
    phase = np.arange(length) / RATE * pulse_hz
    stroke, within = np.floor(phase), np.minimum(phase % 1 / 0.62, 1.0)  # wings open again for 0.38 of a stroke
    level = np.sin(np.pi * within) ** (0.8 * 0.6**voice.roughness) * (0.55 + 0.45 * np.minimum(stroke / 2, 1))
    pitch = carrier_hz * (1.012 - 0.025 * within) * spread(voice, 0.995, 1.005)
    return signal.tone(pitch, length, (1.0, 0.05 * 3.0**voice.roughness)) * level.astype(np.float32)


def _trilling(voice: Voice) -> np.ndarray:
    """Return the far choir of one side: unbroken trills of a few tree crickets that come and go."""
    out = np.zeros(voice.length, np.float32)
    time = np.arange(voice.length, dtype=np.float32) / RATE
    for _ in range(2):
        carrier_hz, rate_hz = spread(voice, 2800, 4200), spread(voice, 38, 58) * pace(voice) ** 0.3
        beat = 0.5 - 0.5 * np.cos(np.float32(2 * np.pi * rate_hz) * time)
        tone = np.sin(np.float32(2 * np.pi * carrier_hz) * time + np.float32(spread(voice, 0, 6.28)))
        out += tone * beat * signal.drift(voice.rng, voice.length, 0.3, 0.3, 1.0)
    return out


def cicadas(voice: Voice) -> np.ndarray:
    """Cicadas in trees: click trains of tens of ribs a buckling through the abdomen, swelling and sinking."""
    count = max(2, round(4 * 2.0**voice.density))
    ribs = [_ribs(voice) for _ in range(count)]
    track = np.zeros((2, voice.length), np.float32)
    for index, (times, gains) in enumerate(ribs):
        abdomen_hz = spread(voice, 4200, 6400) * 1.2**voice.brightness
        modes = signal.modes(
            abdomen_hz * np.array([0.62, 1.0, 1.13, 1.7]), [0.0008, 0.0018, 0.0015, 0.0006], [0.2, 1, 0.7, 0.25]
        )
        near, pan = (1.0 if index == 0 else spread(voice, 0.2, 0.6)), spread(voice, -0.95, 0.95)
        clicks = signal.impulses(voice.length, times, gains)
        song = signal.convolve(clicks, modes)
        signal.place_panned(track, song, 0.0, near, pan)
    return outdoors(voice, track * presence(voice), decay_s=0.6, share=0.12, air_db=-34)


def _ribs(voice: Voice) -> tuple[np.ndarray, np.ndarray]:
    """Return times and gains of the clicks: bursts of a few ribs at 100 to 200 buckles a second, in slow swells."""
    buckle_hz = spread(voice, 110, 190) * pace(voice) ** 0.5
    starts = np.cumsum((1 + 0.04 * voice.rng.standard_normal(int(voice.duration_s * buckle_hz) + 1)) / buckle_hz)
    ribs = np.arange(voice.rng.integers(3, 6)) / spread(voice, 1100, 1600)
    times = (starts[:, None] + ribs).ravel()
    swell_hz, depth = spread(voice, 0.25, 0.6) * pace(voice), spread(voice, 0.4, 0.8)
    swell = 1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * swell_hz * times + spread(voice, 0, 6.28)))
    shake = 0.25 * 2.5**voice.roughness * voice.rng.standard_normal(len(times))
    return times, swell * np.maximum(1 + shake, 0)


# Wings ---------------------------------------------------------------------------------------------------------------


def bees(voice: Voice) -> np.ndarray:
    """Bees at work: wing beats near 230 Hz that pass by, hover and settle, before the hum of the others."""
    count = max(2, round(voice.params.get("insects", 6) * 2.0**voice.density))
    return _winged(voice, count, voice.params.get("wing_hz", 225.0), visits_hz=0.5)


def flies(voice: Voice) -> np.ndarray:
    """One to three flies: a wing beat that turns, darts and comes close."""
    count = max(1, round(voice.params.get("insects", 2) * 2.0**voice.density))
    return _winged(voice, count, voice.params.get("wing_hz", 190.0), visits_hz=0.9)


def _winged(voice: Voice, count: int, wing_hz: float, visits_hz: float) -> np.ndarray:
    sides = np.zeros((2, voice.length), np.float32)
    rate = visits_hz * pace(voice)
    for index in range(count):
        darts = signal.wander(voice.rng, voice.length, 1.5 * rate)
        unrest = signal.wander(voice.rng, voice.length, 14.0)
        pitch = wing_hz * spread(voice, 0.85, 1.18) * (1 + 0.035 * darts + 0.006 * 2.5**voice.roughness * unrest)
        beats = fold_pulses(np.maximum(pitch, 40), voice.rng, jitter=0.01, shimmer=0.08, subharmonic=0.12)
        near = np.exp(1.1 * signal.wander(voice.rng, voice.length, rate) + 0.5 * darts)
        near = np.minimum(near, 5.0) * (1.0 if index == 0 else spread(voice, 0.2, 0.7))
        side = np.tanh(signal.wander(voice.rng, voice.length, 0.5 * rate))
        sides += beats * near * np.sqrt(np.stack([1 - 0.9 * side, 1 + 0.9 * side]))
    rough = max(voice.roughness, 0.0)
    body = [(260, 300), 700, 1500, 2700, 4200]  # wing, thorax: broad resonances
    heard = [through_tract(side, body, sharpness=1.6, tilt_db=-2.5 + 4 * voice.brightness + rough) for side in sides]
    return outdoors(voice, np.stack(heard) * presence(voice), decay_s=0.3, share=0.04, air_db=-36)
