"""Mammals and frogs: vocal folds, and a mouth that opens and closes.

Pitches, formants and durations were measured on recordings of the animals (autocorrelation and linear prediction).
"""

from collections.abc import Callable

import numpy as np

from ..audio import Floats
from . import signal
from .ambience import outdoors
from .schedule import bouts, events, pace
from .vocal import cry, loud
from .voice import Voice


def manners(voice: Voice, *, breath: float = 0.0, jitter: float = 0.0, tilt_db: float = -6.0) -> dict[str, float]:
    """Return the settings of `cry` that depend on the words: a bright voice has more highs, a rough one more noise."""
    rough = voice.roughness
    return {
        "breath": float(np.clip(breath + 0.12 * rough, 0.0, 0.9)),
        "jitter": jitter * 2.0**rough,
        "tilt_db": tilt_db + 3.0 * voice.brightness,
    }


def spread(voice: Voice, low: float, high: float) -> float:
    """Return a uniform random number between `low` and `high`."""
    return float(voice.rng.uniform(low, high))


def lengthened(voice: Voice, low_s: float, high_s: float) -> float:
    """Return a random duration of a call in seconds, shorter at a higher speed."""
    return float(spread(voice, low_s, high_s) / pace(voice) ** 0.4)


def called(voice: Voice, call: Callable[[], Floats], pause_s: float) -> Floats:
    """Return a mono track of successive calls; `call()` makes each one anew, so none repeats."""
    track = np.zeros(voice.length, np.float32)
    if voice.role == "one-shot":
        for time in events(voice, 1.0, length_s=1.5):
            signal.place(track, call(), time)
        return track
    pause = pause_s * 2.0**-voice.density * (0.6 if voice.role == "bed" else 1.0)
    time = spread(voice, 0.05, 0.4)
    while True:
        sound = call()
        if time > 0.5 and time + 0.7 * len(sound) / signal.RATE > voice.duration_s:
            return track
        signal.place(track, sound, time, spread(voice, 0.75, 1.0))
        # The next call usually follows soon, sometimes much later.
        time += len(sound) / signal.RATE + pause * (0.3 + voice.rng.exponential())


# Dogs and cats -------------------------------------------------------------------------------------------------------


# Formants of a jaw that opens and shuts.
JAW_HZ = ((720, 1060, 1100, 800), (1300, 1500, 1500, 1350), (2000, 2200, 2200, 2100), 3400, 4700)


def dog(voice: Voice) -> Floats:
    """Barks in groups of two to four: the pitch leaps up as the jaw opens, and the throat overblows into noise."""
    size = voice.params.get("size", 1.0) * spread(voice, 0.9, 1.12)
    track = np.zeros(voice.length, np.float32)
    for start in events(voice, 1.9, length_s=1.2):
        for _ in range(voice.rng.integers(2, 5)):
            length = lengthened(voice, 0.13, 0.2)
            signal.place(track, _bark(voice, size, length), start, spread(voice, 0.7, 1.0))
            start += length + spread(voice, 0.08, 0.28) / pace(voice)
    return outdoors(voice, track, share=0.23)


def _bark(voice: Voice, size: float, length_s: float) -> Floats:
    high = spread(voice, 0.9, 1.1) / size
    return cry(
        voice.rng,
        length_s,
        np.array([400, 660, 690, 560]) * high,
        [np.asarray(track) / size**0.6 for track in JAW_HZ],
        level=(0.4, 1.0, 0.8, 0.35),
        attack=0.08,
        release=0.3,
        shimmer=0.2,
        subharmonic=0.1 + 0.25 * max(voice.roughness, 0.0),
        sharpness=8.0,
        **manners(voice, breath=0.16, jitter=0.022, tilt_db=-1.0),
    )


# The mouth opens from a hum to a wide "a" and closes: m-e-a-o-w.
MEOW_HZ = ((300, 600, 1400, 1200, 700), (1400, 2500, 2300, 1900, 1200), 3400, 5000, 6500)


def cat(voice: Voice) -> Floats:
    """Meows: the mouth opens and closes around a long arched tone."""
    high = spread(voice, 0.88, 1.05)

    def meow() -> Floats:
        return cry(
            voice.rng,
            lengthened(voice, 0.55, 1.0),
            np.array([560, 720, 800, 760, 590]) * high * spread(voice, 0.95, 1.06),
            MEOW_HZ,
            level=(0.3, 0.8, 1.0, 0.8, 0.3),
            attack=0.15,
            release=0.35,
            vibrato_hz=6.0,
            vibrato=0.015,
            shimmer=0.15,
            subharmonic=0.1,
            **manners(voice, breath=0.12, jitter=0.01, tilt_db=-3.0),
        )

    return outdoors(voice, called(voice, meow, 0.9), decay_s=0.4, share=0.2)


# Farm animals --------------------------------------------------------------------------------------------------------


def cow(voice: Voice) -> Floats:
    """Moos: a closed hum that opens into a strong, slightly rough tone an octave above the chest."""
    deep, rough = spread(voice, 0.88, 1.1), 0.1 * max(voice.roughness, 0.0)

    def moo() -> Floats:
        return cry(
            voice.rng,
            lengthened(voice, 1.2, 2.0),
            np.array([120, 150, 195, 235, 255, 250, 225, 170]) * deep,
            [(240, 270, 290, 290, 285, 270), (700, 850, 1060, 1140, 1140, 1080), 1900, 2850, 3250, 5000],
            level=(0.12, 0.22, 0.5, 1.0, 1.0, 0.95, 0.8),
            attack=0.08,
            release=0.08,
            breath=(0.25 + rough, 0.15 + rough, 0.05 + rough, 0.04 + rough),
            jitter=0.004 * 3.0**voice.roughness,
            shimmer=0.06,
            subharmonic=0.3,  # two folds out of step: every second pulse is weaker, so the octave is strong
            sharpness=7.0,
            tilt_db=-0.5 + 2.0 * voice.brightness,
        )

    return outdoors(voice, called(voice, moo, 1.0), decay_s=1.0, share=0.12)


NASAL_HZ = ((450, 750, 800, 600), (1150, 1330, 1300, 1150), (1900, 2330, 2320, 2000), 2800, 3700, 4800)  # formants


def sheep(voice: Voice) -> Floats:
    """Bleats of several sheep: a nasal, strongly trembling voice."""
    sizes = voice.rng.uniform(0.0, 1.0, 4)  # from ewe to lamb: lambs have shorter heads and call an octave higher
    flock = [(0.85 + 1.1 * size, 0.95 + 0.25 * size) for size in sizes]

    def bleat() -> Floats:
        high, mouth = flock[voice.rng.integers(len(flock))]
        return cry(
            voice.rng,
            lengthened(voice, 0.5, 0.95),
            np.array([138, 163, 158, 150, 130]) * high,
            [np.asarray(track) * mouth for track in NASAL_HZ],
            level=(0.5, 1.0, 0.95, 0.85, 0.5),
            attack=0.06,
            release=0.25,
            shimmer=0.1,
            subharmonic=0.08,
            vibrato_hz=spread(voice, 9.0, 12.0),
            vibrato=0.13,
            sharpness=10.0,
            **manners(voice, breath=0.06, jitter=0.008, tilt_db=1.0),
        )

    return outdoors(voice, called(voice, bleat, 0.6), share=0.06)


def pig(voice: Voice) -> Floats:
    """Grunts in runs: slow, irregular flapping of the snout through two low resonances."""
    track = np.zeros(voice.length, np.float32)
    for start, end in bouts(voice, (2.5, 5.0), (0.3, 0.9)):
        while start < end:
            length = lengthened(voice, 0.14, 0.26)
            signal.place(track, _grunt(voice, length), start, spread(voice, 0.4, 1.0))
            start += length + spread(voice, 0.08, 0.4) / pace(voice)
    return outdoors(voice, track, decay_s=0.4, share=0.08)


def _grunt(voice: Voice, length_s: float) -> Floats:
    nose = spread(voice, 0.9, 1.12)
    return cry(
        voice.rng,
        length_s,
        np.array([60, 95, 85, 55]) * spread(voice, 0.8, 1.4),
        [np.array([400, 480, 430, 370]) * nose, np.array([1150, 1150, 1100, 1070]) * nose, 1400, 3600, 5600],
        level=(0.5, 1.0, 0.8, 0.4),
        attack=0.15,
        release=0.4,
        shimmer=0.5,
        subharmonic=0.3,
        sharpness=5.0,
        **manners(voice, breath=0.4, jitter=0.16, tilt_db=-1.0),
    )


WHINNY_HZ = (400, (700, 740, 720), (1150, 1250, 1350, 1480, 1480, 1350, 1250), (2550, 2700, 2650), 3250, 4800)


def horse(voice: Voice) -> Floats:
    """Horses: falling, shaking whinnies, and snorts through fluttering lips."""

    def whinny_or_snort() -> Floats:
        return _snort(voice) if voice.rng.random() < 0.15 else _whinny(voice)

    return outdoors(voice, called(voice, whinny_or_snort, 0.5), decay_s=1.2, share=0.15)


def _whinny(voice: Voice) -> Floats:
    high = spread(voice, 0.85, 1.15)
    return cry(
        voice.rng,
        lengthened(voice, 1.1, 1.7),
        np.array([660, 790, 840, 860, 950, 1080, 950, 800, 700]) * high,
        WHINNY_HZ,
        level=(0.3, 0.6, 0.8, 1.0, 1.0, 0.8, 0.45, 0.3, 0.15),
        attack=0.08,
        release=0.3,
        shimmer=0.25,
        subharmonic=0.1,
        vibrato_hz=spread(voice, 9.0, 11.5),
        vibrato=0.22,
        sharpness=14.0,
        **manners(voice, breath=0.4, jitter=0.03, tilt_db=1.0),
    )


def _snort(voice: Voice) -> Floats:
    length = lengthened(voice, 0.5, 0.9)
    return cry(
        voice.rng,
        length,
        (30, 26, 20, 16),
        [500, 1300, 2400, 4200, 6500],
        level=(0.6, 1.0, 0.6, 0.2),
        attack=0.08,
        release=0.5,
        breath=0.75,
        jitter=0.12,
        shimmer=0.4,
        vibrato_hz=spread(voice, 18.0, 26.0),
        vibrato=0.35,
        sharpness=2.5,
        tilt_db=-2.0 + 3.0 * voice.brightness,
    )


def growl(voice: Voice) -> Floats:
    """Growls and roars of a large cat: vocal folds that beat slowly and irregularly in a long, wide throat."""
    deep = spread(voice, 0.85, 1.15) / voice.params.get("size", 1.0)

    def roar() -> Floats:
        return cry(
            voice.rng,
            lengthened(voice, 1.1, 2.2),
            np.array([46, 60, 62, 56, 46]) * deep,
            [(300, 370, 400, 360, 310), (800, 900, 930, 860, 800), 1700, 2500, 3500],
            level=(0.4, 0.9, 1.0, 0.8, 0.4),
            attack=0.15,
            release=0.35,
            shimmer=0.15,
            sharpness=7.0,
            **manners(voice, breath=0.6, jitter=0.02, tilt_db=-3.0),
        )

    return outdoors(voice, called(voice, roar, 0.8), decay_s=1.2, share=0.12, air_db=-31)


def wolf(voice: Voice) -> Floats:
    """Distant wolves at night: howls that break upwards, hold and sink, each answered by another wolf."""

    def howl() -> Floats:
        high = spread(voice, 0.8, 1.3)
        return cry(
            voice.rng,
            lengthened(voice, 1.3, 2.2),
            np.array([330, 350, 520, 545, 540, 535, 530, 520, 420, 360]) * high,
            [np.array([480, 700, 760, 740, 700, 560]) * high**0.3, 1250, 2500, 3600],
            level=(0.3, 0.8, 1.0, 1.0, 0.9, 0.7, 0.3),
            attack=0.12,
            release=0.3,
            vibrato_hz=4.5,
            vibrato=(0.0, 0.004, 0.012),
            **manners(voice, breath=0.1, jitter=0.02, tilt_db=-4.0),
        )

    return outdoors(voice, called(voice, howl, 0.5), decay_s=2.2, share=0.4, air_db=-34)


# Frogs ---------------------------------------------------------------------------------------------------------------


def frogs(voice: Voice) -> Floats:
    """A pond with two kinds of frogs: each repeats its croak and the others answer."""
    count = max(2, round(4 * 2**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    for index in range(count):
        size, near = spread(voice, 0.8, 1.25), 1.0 if index == 0 else spread(voice, 0.12, 0.6)
        pan = spread(voice, -0.9, 0.9)
        croaks = [(_pulsed if index % 3 == 1 else _rattled)(voice, size) for _ in range(4)]
        for start, end in bouts(voice, (2.0, 5.0), (0.6, 2.5)):
            start += spread(voice, 0.0, 0.5)
            while start < end:
                croak = croaks[voice.rng.integers(len(croaks))]
                signal.place_panned(track, croak, start, near * spread(voice, 0.7, 1.0), pan)
                start += len(croak) / signal.RATE + spread(voice, 0.25, 0.6) / pace(voice)
    return outdoors(voice, track, decay_s=0.5, share=0.09, air_db=-34)


def _rattled(voice: Voice, size: float) -> Floats:
    """Return a croak of pulses that can be heard one by one, as of a tree frog."""
    return cry(
        voice.rng,
        lengthened(voice, 0.3, 0.6),
        np.array([45, 50, 47]) / size * pace(voice) ** 0.5,
        [np.array([900, 1050, 1100]) / size, np.array([1950, 2150, 2150]) / size, 3200 / size],
        level=(0.6, 1.0, 0.8),
        attack=0.1,
        release=0.2,
        shimmer=0.18,
        sharpness=9.0,
        **manners(voice, breath=0.07, jitter=0.02, tilt_db=0.0),
    )


def _pulsed(voice: Voice, size: float) -> Floats:
    """Return a train of four to seven short notes that grow louder, as of a water frog."""
    notes = []
    for level in np.linspace(0.5, 1.0, voice.rng.integers(4, 8)):
        note = cry(
            voice.rng,
            0.055 * size / pace(voice) ** 0.5,
            np.array([500, 470, 430]) / size,
            [np.array([1650, 1900, 1750]) / size, 2700 / size, np.array([4100, 3800, 3750]) / size],
            level=(0.4, 1.0, 0.3),
            attack=0.25,
            release=0.5,
            shimmer=0.2,
            sharpness=7.0,
            **manners(voice, breath=0.15, jitter=0.03, tilt_db=-2.0),
        )
        notes += [level * note, np.zeros(signal.seconds(0.02 / pace(voice)), np.float32)]
    return loud(np.concatenate(notes))
