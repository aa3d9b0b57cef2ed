"""Feet and hooves on the ground: heel, roll and toe, each stirring up what the ground is made of.

The crumbs of loose ground collide by chance (Cook 1997); solid ground answers with its modes.
"""

from dataclasses import dataclass

import numpy as np

from . import signal
from .ambience import indoors, outdoors
from .bodies import SOLID, Body
from .creatures import spread
from .schedule import bouts, pace, rhythm
from .signal import RATE, seconds
from .voice import Voice


@dataclass(frozen=True)
class Ground:
    """What a foot meets: levels of its parts, and the crumbs that it grinds."""

    thump: float  # the dull blow of the weight
    tap: float  # the hard sole on solid ground
    crumbs: float  # number of crumbs a step moves
    crumb_hz: tuple[float, float] = (2000.0, 6000.0)
    crumb_decay_s: float = 0.002
    grind: float = 0.0  # noise of what is ground or pressed together
    grind_hz: tuple[float, float] = (800.0, 5000.0)
    spread_s: float = 0.05  # how long one contact goes on


GROUNDS = {
    "gravel": Ground(0.25, 0.0, 130, (1500, 6500), 0.0022, 0.45, (900, 7000), 0.055),
    "snow": Ground(0.35, 0.0, 90, (700, 3200), 0.0014, 0.9, (500, 3800), 0.075),
    "leaves": Ground(0.2, 0.0, 70, (2200, 9000), 0.0010, 0.6, (1800, 9000), 0.07),
    "sand": Ground(0.4, 0.0, 60, (2500, 8000), 0.0006, 0.7, (600, 6000), 0.06),
    "earth": Ground(0.9, 0.15, 12, (1200, 4000), 0.0012, 0.3, (300, 2500), 0.035),
    "stone": Ground(0.35, 1.0, 5, (2000, 6000), 0.0010, 0.10, (900, 6000), 0.02),
    "wood": Ground(0.8, 0.8, 0, (1000, 4000), 0.0010, 0.06, (600, 4000), 0.02),
}
LIKE = {"ice": "stone", "ceramic": "stone", "glass": "stone", "metal": "stone", "plastic": "wood", "cloth": "earth",
        "rubber": "earth", "leather": "wood", "paper": "leaves", "water": "earth", "air": "earth"}  # fmt: skip


def gravel(voice: Voice) -> np.ndarray:
    """Steps on a gravel path."""
    return _steps(voice, "gravel")


def snow(voice: Voice) -> np.ndarray:
    """Steps in snow, which creaks as it is pressed together."""
    return _steps(voice, "snow")


def leaves(voice: Voice) -> np.ndarray:
    """Steps through dry leaves."""
    return _steps(voice, "leaves")


def wood(voice: Voice) -> np.ndarray:
    """Steps on boards."""
    return _steps(voice, "wood", within=True)


def stone(voice: Voice) -> np.ndarray:
    """Steps on pavement or stone."""
    return _steps(voice, "stone")


def _steps(voice: Voice, usual: str, within: bool = False) -> np.ndarray:
    name = voice.material or usual
    ground = GROUNDS[LIKE.get(name, name)]
    solid = name if name in SOLID else usual
    sole = Body.of(voice, "leather", pitch=2.0, ring=0.5, noise=3.0)
    floor = Body.of(
        voice,
        solid if ground.tap else "earth",
        pitch=0.35 if solid == "wood" else 0.8,
        ring=0.9 if solid == "wood" else 0.6,
        modes=24,
        noise=4.0,
    )
    track = np.zeros(voice.length, np.float32)
    touches = []  # (time, level, length factor)
    for span in bouts(voice, (4.0, 7.0), (0.5, 1.5)):
        for index, time in enumerate(rhythm(voice, span, voice.params.get("interval_s", 0.56), 0.025)):
            force = spread(voice, 0.75, 1.0) * (0.92 if index % 2 else 1.0)
            toe = time + spread(voice, 0.09, 0.13) / pace(voice) ** 0.5
            touches += [(time, force, 1.0), (toe, force * spread(voice, 0.3, 0.55), 1.4)]
    for time, force, longer in touches:
        heel = longer == 1.0
        signal.place(track, _thump(voice), time, ground.thump * force * (1.0 if heel else 0.3))
        if ground.tap:
            signal.place(track, floor.blow(voice.rng, force, attack_s=0.0 if heel else 0.001), time, ground.tap)
            signal.place(track, sole.blow(voice.rng, 0.5 * force), time, ground.tap)
        if ground.grind:
            signal.place(track, _grind(voice, ground, longer), time, ground.grind * force)
    if ground.crumbs and touches:
        track += _crumbs(voice, ground, touches)
    around = indoors if within else outdoors
    return around(voice, track, decay_s=0.6, share=0.14)


def _thump(voice: Voice) -> np.ndarray:
    low_hz = spread(voice, 65, 95)
    return signal.modes([low_hz, low_hz * 2.1], [0.03, 0.018], [1.0, 0.5], attack_s=0.004)


def _grind(voice: Voice, ground: Ground, longer: float) -> np.ndarray:
    """Return a grain of the noise of ground pressed together: it comes in many small slips."""
    length = seconds(4.5 * ground.spread_s * longer)
    time = np.arange(length) / RATE
    level = (1 - np.exp(-time / 0.006)) * np.exp(-time / (ground.spread_s * longer))
    slips = np.exp(0.7 * voice.rng.standard_normal(length // 90 + 2))  # one every 2 ms
    level *= np.interp(time, np.arange(len(slips)) * 90 / RATE, slips)
    low, high = (hz * 1.4**voice.brightness for hz in ground.grind_hz)
    return signal.peak(signal.bandpass(voice.rng.standard_normal(length) * level, low, high))


def _crumbs(voice: Voice, ground: Ground, touches: list[tuple[float, float, float]]) -> np.ndarray:
    """Return all crumbs that the feet move: each a tiny damped knock."""
    rng, times, gains = voice.rng, [], []
    for time, force, longer in touches:
        count = rng.poisson(0.5 * ground.crumbs * longer * 1.8**voice.density)
        times.append(time + rng.gamma(1.6, ground.spread_s * longer / 1.6, count))
        gains.append(force * np.minimum(0.12 * (1 + rng.pareto(1.7, count)), 1.0))
    times, gains = np.concatenate(times), np.concatenate(gains)
    low, high = np.log(np.array(ground.crumb_hz) * 1.3**voice.brightness)
    hz = np.exp(rng.uniform(low, high, len(times)))
    decays = ground.crumb_decay_s * np.exp(0.4 * rng.standard_normal(len(times))) * 1.5**-voice.roughness
    return signal.damped_tones(voice.length, times, hz, decays, 0.6 * gains * 1.3**voice.roughness)


# Hooves --------------------------------------------------------------------------------------------------------------

GAITS = {1.0: (0.0, 0.27, 0.5, 0.76), 2.0: (0.0, 0.03, 0.5, 0.53)}  # walk: four beats; trot: two pairs


def hooves(voice: Voice) -> np.ndarray:
    """A horse on a hard road: hollow cups of horn that clop on stone, four beats a stride."""
    gait = GAITS[voice.params.get("gait", 1.0)]
    stride_s = voice.params.get("stride_s", 1.0)
    feet = [spread(voice, 0.88, 1.12) for _ in gait]
    road = Body.of(voice, "stone", pitch=0.8, ring=0.8, modes=20, noise=5.0)
    track = np.zeros(voice.length, np.float32)
    for span in bouts(voice, (4.0, 7.0), (0.5, 1.5)):
        for stride in rhythm(voice, span, stride_s, 0.02):
            for beat, foot in zip(gait, feet, strict=True):
                time = stride + (beat + voice.rng.normal(0, 0.006)) * stride_s / pace(voice)
                signal.place(track, _clop(voice, foot, road), time, spread(voice, 0.6, 1.0))
    return outdoors(voice, track, decay_s=0.7, share=0.1)


def _clop(voice: Voice, foot: float, road: Body) -> np.ndarray:
    soft = voice.material in ("earth", "sand", "snow", "leaves", "cloth")
    cup = Body.of(
        voice, "wood", pitch=2.1 * foot * (0.45 if soft else 1.0), ring=0.35, modes=18, noise=3.0
    )  # horn is a fibrous stuff, as wood is
    out = np.zeros(seconds(0.2), np.float32)
    signal.place(out, cup.blow(voice.rng, 0.6 if soft else 1.0), 0.0)
    signal.place(out, road.blow(voice.rng), 0.0, 0.15 if soft else 0.7 * 1.4**voice.roughness)
    signal.place(out, _thump(voice), 0.0, 0.8 if soft else 0.25)
    return out
