"""Feet and hooves on the ground: heel, roll and toe, each of which excites the ground.

The grains of loose ground collide at random (Cook 1997); solid ground resonates with its modes.
"""

from dataclasses import dataclass

import numpy as np

from ..audio import Floats
from . import signal
from .ambience import indoors, outdoors
from .bodies import SOLID, Body, sole_press
from .creatures import spread
from .schedule import bouts, pace, rhythm
from .signal import RATE, seconds
from .voice import Voice


@dataclass(frozen=True)
class Ground:
    """The ground under a foot: the levels of its parts, and its loose grains."""

    thump: float  # the dull impact of the weight
    press: float  # sole and ground that yield
    tap: float  # modes of solid ground
    grind: float  # noise of the ground while the foot rolls over it
    grind_hz: tuple[float, float]
    crumbs: float = 0.0  # number of grains that a step moves
    crumb_hz: tuple[float, float] = (2000.0, 6000.0)
    crumb_decay_s: float = 0.002
    spread_s: float = 0.05  # how long one contact moves grains


GROUNDS = {
    "gravel": Ground(2.2, 0.5, 0.0, 2.0, (400, 4500), 45, (1300, 5500), 0.0022, 0.055),
    "snow": Ground(1.8, 0.4, 0.0, 2.0, (300, 2600), 15, (600, 2600), 0.0014, 0.075),
    "leaves": Ground(1.8, 0.4, 0.0, 2.4, (700, 6000), 30, (2200, 9000), 0.0010, 0.07),
    "sand": Ground(2.0, 0.4, 0.0, 2.0, (500, 5000), 40, (2500, 8000), 0.0006, 0.06),
    "earth": Ground(2.8, 0.8, 0.0, 1.2, (200, 1800), 8, (1200, 4000), 0.0012, 0.035),
    "stone": Ground(3.2, 0.5, 0.2, 2.2, (220, 1900), 6, (2000, 6000), 0.0010, 0.02),
    "wood": Ground(2.5, 0.5, 0.35, 1.8, (220, 1900)),
}
SOLES = ("leather", "rubber", "cloth")  # "shoes on stone" names the shoe first, but the ground makes the sound
LIKE = {"ice": "stone", "ceramic": "stone", "glass": "stone", "metal": "stone", "plastic": "wood",
        "paper": "leaves", "water": "earth", "air": "earth"}  # fmt: skip


def gravel(voice: Voice) -> Floats:
    """Steps on a gravel path."""
    return _steps(voice, "gravel")


def snow(voice: Voice) -> Floats:
    """Steps in snow, which creaks under pressure."""
    return _steps(voice, "snow")


def leaves(voice: Voice) -> Floats:
    """Steps through dry leaves."""
    return _steps(voice, "leaves")


def wood(voice: Voice) -> Floats:
    """Steps on boards."""
    return _steps(voice, "wood", within=True)


def stone(voice: Voice) -> Floats:
    """Steps on pavement or stone."""
    return _steps(voice, "stone")


def _steps(voice: Voice, usual: str, within: bool = False) -> Floats:
    name = usual if voice.material in ("", *SOLES) else voice.material
    ground = GROUNDS[LIKE.get(name, name)]
    solid = name if name in SOLID else usual
    floor = None
    if ground.tap:
        wide = solid == "wood"
        floor = Body.of(voice, solid, pitch=0.35 if wide else 0.9, ring=0.8 if wide else 0.3, modes=24, noise=4.0)
    touches = _touches(voice)
    track = np.zeros(voice.length, np.float32)
    # Sounds are reused, but at other levels and in other combinations, so that no repetition is audible.
    presses = {heel: [sole_press(voice, 1.0 if heel else 1.6) for _ in range(6)] for heel in (True, False)}
    grinds = [_grind(voice, ground) for _ in range(8)]
    for index, (time, force, heel) in enumerate(touches):
        signal.place(track, presses[heel][voice.rng.integers(6)], time, ground.press * force)
        if heel:
            signal.place(track, _thump(voice), time, ground.thump * force)
            signal.place(track, grinds[index // 3 % 8], time + 0.03, ground.grind * force * spread(voice, 0.6, 1.2))
        if floor:
            signal.place(track, floor.blow(voice.rng, force, attack_s=0.001), time, ground.tap)
    if ground.crumbs:
        track += _crumbs(voice, ground, touches)
    # Steps are soft, so the air of the place is not far below them.
    if within:
        return indoors(voice, track, decay_s=0.4, share=0.035, air_db=-19)
    return outdoors(voice, track, decay_s=0.5, share=0.019, air_db=-18)


def _touches(voice: Voice) -> list[tuple[float, float, bool]]:
    """Return (time, force, is heel) of all contacts: heel, ball and toe of one foot after the other."""
    touches = []
    for span in bouts(voice, (6.0, 12.0), (0.8, 2.0)):
        for index, time in enumerate(rhythm(voice, span, voice.params.get("interval_s", 0.57), 0.03)):
            force = spread(voice, 0.6, 1.0) * (0.85 if index % 2 else 1.0)  # nobody walks quite evenly
            roll_s = 0.13 * spread(voice, 0.8, 1.25) / pace(voice) ** 0.5
            touches += [(time, force, True), (time + spread(voice, 0.01, 0.05), force * spread(voice, 0.1, 0.5), False)]
            touches.append((time + roll_s, force * spread(voice, 0.2, 0.6), False))
    return touches


def _thump(voice: Voice) -> Floats:
    low_hz = spread(voice, 65, 95)
    return signal.modes([low_hz, low_hz * 2.1], [0.03, 0.018], [1.0, 0.5], attack_s=0.004)


def _grind(voice: Voice, ground: Ground) -> Floats:
    """Return the noise of the ground under a rolling foot, in many small slips, with a peak of 1."""
    length = seconds(0.2 / pace(voice) ** 0.5)
    share = np.linspace(0, 1, length)
    slips = np.exp(0.5 * (1 + ground.crumbs / 70) * voice.rng.standard_normal(length // 140 + 2))  # one every 3 ms
    level = np.minimum(share, 1 - share) * np.interp(np.arange(length), np.arange(len(slips)) * 140, slips)
    low, high = (hz * 1.4**voice.brightness for hz in ground.grind_hz)
    return signal.peak(signal.bandpass(voice.rng.standard_normal(length) * level, low, high))


def _crumbs(voice: Voice, ground: Ground, touches: list[tuple[float, float, bool]]) -> Floats:
    """Return all grains that the feet move, each a tiny damped knock."""
    rng, starts, forces = voice.rng, [np.zeros(0)], [np.zeros(0)]
    for time, force, heel in touches:
        count = rng.poisson(0.5 * ground.crumbs * 1.8**voice.density)
        starts.append(time + rng.gamma(1.6, ground.spread_s * (1.0 if heel else 1.4) / 1.6, count))
        forces.append(force * np.minimum(0.08 * (1 + rng.pareto(2.2, count)), 0.6))
    times, gains = np.concatenate(starts), np.concatenate(forces)
    low, high = np.log(np.array(ground.crumb_hz) * 1.3**voice.brightness)
    hz = np.exp(rng.uniform(low, high, len(times)))
    decays = ground.crumb_decay_s * np.exp(0.4 * rng.standard_normal(len(times))) * 1.5**-voice.roughness
    return signal.damped_tones(voice.length, times, hz, decays, 0.6 * gains * 1.3**voice.roughness)


# Hooves --------------------------------------------------------------------------------------------------------------

WALK, TROT = (0.0, 0.27, 0.5, 0.76), (0.0, 0.04, 0.5, 0.54)  # times of the four feet, in strides


def hooves(voice: Voice) -> Floats:
    """A horse on a hard road: hollow hooves clop on stone, at a trot or, when slow, at a walk."""
    walks = voice.params.get("walk", 0.0) > 0 or voice.speed < -0.3
    gait, stride_s = (WALK, 1.15) if walks else (TROT, 0.72)
    feet = voice.rng.uniform(0.85, 1.15, len(gait))
    track = np.zeros(voice.length, np.float32)
    for span in bouts(voice, (5.0, 8.0), (0.4, 1.2)):
        for stride in rhythm(voice, span, stride_s, 0.03):
            for beat, foot in zip(gait, feet, strict=True):
                time = stride + beat * stride_s / pace(voice) + voice.rng.normal(0, 0.008)
                signal.place(track, _clop(voice, foot), time, spread(voice, 0.6, 1.0))
    return outdoors(voice, track, decay_s=0.6, share=0.035, air_db=-17)


def _clop(voice: Voice, foot: float) -> Floats:
    """Return one step of a hoof: its hollow resonates like a cup on the ground, the iron clicks, the weight thuds."""
    soft = voice.material in ("earth", "sand", "snow", "leaves", "cloth", "water")
    size = seconds(0.15)
    time = np.arange(size, dtype=np.float32) / RATE
    hollow_hz = 1080 * foot * spread(voice, 0.93, 1.07) * 1.2**voice.brightness * (0.62 if soft else 1.0)
    puff = voice.rng.standard_normal(size) * np.exp(-time / 0.022) * (1 - np.exp(-time / 0.001))
    out = 2.0 * signal.peak(signal.bandpass(puff, hollow_hz / 1.09, hollow_hz * 1.09))
    edge = voice.rng.standard_normal(size) * np.exp(-time / 0.007) * (1 - np.exp(-time / 0.0008))
    low, high = (300, 2400) if soft else (600, 3800)
    out += 0.35 * 1.5**voice.roughness * signal.peak(signal.bandpass(edge, low, high))
    signal.place(out, _thump(voice), 0.0, 0.5 if soft else 0.25)
    return out
