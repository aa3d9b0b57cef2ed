"""Things that rub: stick-slip friction (creaks, saws, ropes), brushing and rolling."""

import numpy as np

from ..audio import Floats
from ..kinds.attributes import material
from . import signal
from .ambience import indoors, outdoors
from .bodies import Body, body_of
from .contact import things
from .creatures import spread
from .schedule import bouts, events, pace, rhythm
from .signal import RATE, seconds
from .vocal import Glide, glide
from .voice import Voice


def _slips(voice: Voice, duration_s: float, rate_hz: Glide, unevenness: float) -> Floats:
    """Return stick-slip pulses at a gliding rate; `unevenness` is the relative deviation of their intervals."""
    length = seconds(duration_s)
    turns = np.cumsum(glide(rate_hz, length)) / RATE
    steps = np.maximum(1 + unevenness * voice.rng.standard_normal(int(turns[-1]) + 1), 0.15)
    marks = np.cumsum(steps)
    marks = marks[marks < turns[-1]]
    times = np.searchsorted(turns, marks) / RATE
    # The longer it sticks, the harder it slips.
    return signal.impulses(length, times, steps[: len(marks)] * voice.rng.uniform(0.6, 1.0, len(marks)))


def _panel(voice: Voice, usual: str, low_hz: float, high_hz: float, count: int = 9, ring: float = 1.0) -> Floats:
    """Return the impulse response of a large object: modes between two frequencies, with decays of its material."""
    stuff = material(body_of(voice, usual))
    hz = np.sort(np.exp(voice.rng.uniform(np.log(low_hz), np.log(high_hz), count))) * 1.2**voice.brightness
    decays = ring * stuff.decay_s * (stuff.frequency_hz / hz) ** (0.6 * stuff.damping)
    gains = voice.rng.uniform(0.4, 1.0, count) * (hz / low_hz) ** (-0.35 + 0.3 * voice.roughness)
    return signal.modes(hz, decays, gains, rng=voice.rng)


def creak(voice: Voice) -> Floats:
    """Wood under strain, a hinge or a floorboard: slips that accelerate to a groan and slow down again."""
    track = np.zeros(voice.length, np.float32)
    # In a hollow object many loose boards resonate, so there is no single note.
    hollow = max(-voice.brightness, 0.0)
    wood = Body.of(voice, body_of(voice, "wood"), pitch=1.2, ring=0.8 * 0.65**hollow, modes=24, noise=2.5 * 2.2**hollow)
    for start in events(voice, 1.4, length_s=1.2):
        signal.place(track, _one_creak(voice, wood, spread(voice, 10, 30)), start, spread(voice, 0.5, 1.0))
    return indoors(voice, track, decay_s=0.5, share=0.13, air_db=-29)


def _one_creak(voice: Voice, body: Body, slips_hz: float) -> Floats:
    """Return one creak with a peak of 1: each slip is a separate blow on the body."""
    duration_s = spread(voice, 0.5, 1.4) / pace(voice) ** 0.7
    bend = slips_hz * pace(voice) ** 0.5 * np.array([0.4, 0.9, 1.2, 1.0, 0.5]) * voice.rng.uniform(0.8, 1.25, 5)
    pulses = _slips(voice, duration_s, bend, 0.25 * 1.5**voice.roughness)
    at = np.flatnonzero(pulses)
    level = glide((0.25, 0.9, 1.0, 0.8, 0.2), len(pulses))[at] * pulses[at]
    level *= np.exp(0.6 * voice.rng.standard_normal(len(at)))
    blows = [body.blow(voice.rng, spread(voice, 0.4, 1.0)) for _ in range(6)]
    out = np.zeros(len(pulses) + len(blows[0]), np.float32)
    for place, gain in zip(at, level, strict=True):
        signal.place(out, blows[voice.rng.integers(6)], place / RATE, gain)
    return signal.peak(out)


def rigging(voice: Voice) -> Floats:
    """A boat at its berth: halyards clank on a hollow mast, and ropes creak in the swell."""
    track = np.zeros(voice.length, np.float32)
    mast = Body.of(voice, "metal", pitch=spread(voice, 0.8, 1.2), ring=0.12, modes=26, noise=4.0)
    shackle = Body.of(voice, "metal", pitch=4, ring=0.05, noise=4.0)
    ropes = Body.of(voice, "wood", pitch=0.9, ring=0.8, modes=24, noise=2.5)
    for start in events(voice, 1.5, length_s=1.0):
        signal.place(track, _one_creak(voice, ropes, spread(voice, 10, 25)), start, spread(voice, 0.5, 0.9))
    for span in bouts(voice, (2.0, 4.5), (0.5, 1.5)):
        for time in rhythm(voice, span, 0.6, 0.22):
            signal.place(track, mast.blow(voice.rng, spread(voice, 0.4, 1.0)), time, spread(voice, 0.2, 0.6))
            signal.place(track, shackle.blow(voice.rng, 0.2), time)
    lapping = signal.noise(voice.rng, voice.length, [(80, -12), (350, 0), (1200, -6), (4000, -20)])
    track += np.float32(0.06) * lapping * np.exp(0.8 * signal.wander(voice.rng, voice.length, 1.2))
    return outdoors(voice, track, decay_s=0.5, share=0.14)


def saw(voice: Voice) -> Floats:
    """A hand saw in wood: fast teeth; push strokes bite, pull strokes clear."""
    track = np.zeros(voice.length, np.float32)
    board = _panel(voice, "wood", 420, 7000, 80, 0.25)
    for span in bouts(voice, (3.5, 6.0), (0.6, 1.5)):
        for index, time in enumerate(rhythm(voice, span, 0.4, 0.04)):
            push = index % 2 == 0
            signal.place(track, _stroke(voice, board, push), time, spread(voice, 0.85, 1.0) * (1.0 if push else 0.7))
    return outdoors(voice, track, decay_s=0.4, share=0.12, air_db=-24)


def _stroke(voice: Voice, board: Floats, push: bool) -> Floats:
    length = seconds(0.42 / pace(voice))
    speed = np.sin(np.pi * np.linspace(0, 1, length)) ** 0.6
    rate_hz = np.maximum(speed[:: length // 12] * (850 if push else 935) * pace(voice), 30)
    teeth = _slips(voice, length / RATE, rate_hz, 0.1)
    grip = np.repeat(np.exp(0.5 * voice.rng.standard_normal(length // 400 + 1)), 400)[:length]
    dust = voice.rng.standard_normal(length) * grip * speed**1.5
    bite = signal.convolve(((teeth * grip) * speed**1.5).astype(np.float32), board)
    share = 0.15 * 1.6**voice.roughness  # share of the sawdust noise relative to the ringing board
    return signal.unit(bite) + np.float32(share) * signal.unit(signal.highpass(dust, 1500 * 1.6**voice.brightness))


# Brushing and sliding ------------------------------------------------------------------------------------------------


def broom(voice: Voice) -> Floats:
    """A broom on the ground: bristles drag, carry grit along and flick up at the end."""
    track = np.zeros(voice.length, np.float32)
    for span in bouts(voice, (3.0, 6.0), (0.6, 1.5)):
        for time in rhythm(voice, span, 0.85, 0.06):
            length = seconds(spread(voice, 0.42, 0.6) / pace(voice))
            level = glide((0.0, 0.5, 0.9, 1.0, 0.25, 0.0), length).clip(0)
            bristles = np.exp(0.3 * 1.8**voice.roughness * voice.rng.standard_normal(length // 60 + 2))
            level = level * np.interp(np.arange(length), np.arange(len(bristles)) * 60, bristles)
            low, high = 400 * 1.5**voice.brightness, 4000 * 1.4**voice.brightness
            sweep = signal.bandpass(voice.rng.standard_normal(length) * level, low, high)
            signal.place(track, signal.unit(sweep), time, spread(voice, 0.7, 1.0))
    return outdoors(voice, track, decay_s=0.4, share=0.07, air_db=-18)


def page(voice: Voice) -> Floats:
    """Turning pages: a finger slides, the sheet bends and flaps over, and its fibres crackle."""
    track = np.zeros(voice.length, np.float32)
    for start in events(voice, 1.5, length_s=1.2):
        length = seconds(spread(voice, 0.8, 1.4) / pace(voice) ** 0.6)
        share = np.linspace(0, 1, length)
        slide = 0.35 * np.exp(-(((share - 0.2) / 0.13) ** 2))
        flap = np.exp(-(((share - spread(voice, 0.6, 0.7)) / 0.09) ** 2))
        crackle = np.exp(1.1 * voice.rng.standard_normal(length // 150 + 2))
        level = (slide + flap) * np.interp(np.arange(length), np.arange(len(crackle)) * 150, crackle)
        sheet = signal.bandpass(voice.rng.standard_normal(length) * level, 900 * 1.4**voice.brightness, 8000)
        count = voice.rng.poisson(45 * 2.0**voice.roughness)
        folds = voice.rng.normal(0.55, 0.2, count) * length / RATE
        snaps = signal.noise_bursts(
            voice.rng, length, folds, voice.rng.exponential(1.0, count), 0.0012, [(1500, -6), (4000, 0), (9000, -6)]
        )
        signal.place(track, signal.unit(sheet) + 0.5 * snaps, start, spread(voice, 0.6, 1.0))
    return indoors(voice, track, decay_s=0.35, share=0.06, air_db=-23)


def cloth(voice: Voice) -> Floats:
    """Clothes of a person who moves: folds slide over one another, and threads softly catch and release."""
    track = np.zeros((2, voice.length), np.float32)
    for span in bouts(voice, (1.5, 3.5), (0.6, 2.0)):
        for time in rhythm(voice, span, 0.28, 0.5):
            length = seconds(spread(voice, 0.15, 0.45) / pace(voice) ** 0.5)
            threads = np.exp(0.3 * 1.5**voice.roughness * voice.rng.standard_normal(length // 110 + 2))
            level = glide((0.0, 0.7, 1.0, spread(voice, 0.2, 0.8), 0.5, 0.0), length).clip(0)
            level = (level * np.interp(np.arange(length), np.arange(len(threads)) * 110, threads)).astype(np.float32)
            lift = 1.4**voice.brightness * spread(voice, 0.8, 1.25)
            weave = [(600 * lift, -16), (2000 * lift, -4), (5000 * lift, 0), (13000, -12)]
            fold = signal.noise(voice.rng, length, weave) * level
            signal.place_panned(track, fold, time, spread(voice, 0.3, 1.0), spread(voice, -0.3, 0.3))
    return indoors(voice, track, decay_s=0.25, share=0.03, air_db=-20)


# Rolling -------------------------------------------------------------------------------------------------------------


def wheels(voice: Voice) -> Floats:
    """Wooden wheels with iron tyres on a rough road: rumble, knocks over stones, an axle that creaks at each turn."""
    rng, rate = voice.rng, pace(voice)
    uneven = np.exp(0.4 * signal.wander(rng, voice.length, 5.0 * rate))
    rumble = (
        signal.noise(rng, voice.length, [(25, -12), (60, 0), (220, -3), (700, -12), (3000, -26), (9000, -44)]) * uneven
    )
    knocks = signal.times_following(rng, 11 * rate * 2.0**voice.density * uneven)
    body = things(voice, "wood", 8, (0.25, 0.9), (0.5, 0.9), noise=3.0)
    track = np.float32(0.22) * rumble
    for time in knocks:
        signal.place(track, body[rng.integers(len(body))], time, spread(voice, 0.1, 1.0) ** 1.5)
    axle = _panel(voice, "wood", 700, 2600, 6, 0.6)
    for time in rhythm(voice, (0.2, voice.duration_s), 1.5, 0.03):
        pulses = _slips(voice, 0.3 / rate, np.array([160, 260, 210]) * rate**0.5, 0.06)
        signal.place(track, signal.peak(signal.convolve(pulses, axle)), time, 0.22 * 1.6**voice.roughness)
    return outdoors(voice, track, decay_s=0.4, share=0.11)
