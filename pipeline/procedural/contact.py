"""Solid objects that touch: single blows on bodies, and loose objects that collide at random (Cook 1997)."""

import numpy as np

from ..audio import Floats
from . import signal
from .ambience import indoors, outdoors
from .bodies import Body, body_of, sole_press
from .creatures import spread
from .schedule import bouts, events, pace, rhythm
from .signal import seconds
from .voice import Voice

Range = tuple[float, float]


def things(
    voice: Voice, name: str, count: int, pitch: Range, ring: Range, *, modes: int = 14, noise: float = 1.0
) -> list[Floats]:
    """Return one blow on each of `count` objects of a material; `pitch` and `ring` are ranges to draw from."""
    made = [
        Body.of(voice, name, pitch=spread(voice, *pitch), ring=spread(voice, *ring), modes=modes, noise=noise)
        for _ in range(count)
    ]
    return [body.blow(voice.rng) for body in made]


def _strew(
    voice: Voice, track: Floats, grains: list[Floats], times_s: Floats, gains: Floats | float, width: float = 0.3
) -> None:
    """Add a random grain to the stereo track at each time; the pans of the grains lie within ±`width`."""
    places = voice.rng.uniform(-width, width, len(grains))
    for time, gain in zip(times_s, np.broadcast_to(gains, len(times_s)), strict=True):
        which = int(voice.rng.integers(len(grains)))
        signal.place_panned(track, grains[which], time, gain, places[which])


def _stereo(voice: Voice) -> Floats:
    return np.zeros((2, voice.length), np.float32)


# Table and kitchen ---------------------------------------------------------------------------------------------------


def dishes(voice: Voice) -> Floats:
    """Plates, cups and cutlery being handled: clusters of clinks, sometimes a stack that is set down."""
    plates = things(voice, body_of(voice, "ceramic"), 10, (0.9, 2.8), (0.3, 0.9), noise=2.0, modes=18)
    plates += things(voice, body_of(voice, "ceramic"), 4, (0.6, 0.9), (0.3, 0.6), noise=2.5)  # stacks, dull
    steel = things(voice, "metal", 7, (2.5, 6.0), (0.03, 0.1), noise=4.0, modes=22)
    track = _stereo(voice)
    for start in events(voice, 0.8, length_s=0.8, evenness=2.0):
        count = 1 + voice.rng.poisson(3.5 * 1.7**voice.density)
        times = start + np.cumsum(voice.rng.gamma(1.3, 0.06 / pace(voice), count))
        gains = voice.rng.uniform(0.15, 1.0, count) ** 1.6 * spread(voice, 0.5, 1.0)
        _strew(voice, track, plates if voice.rng.random() < 0.65 else plates + steel, times, gains)
    return indoors(voice, track, decay_s=0.5, share=0.08, air_db=-29)


def cutlery(voice: Voice) -> Floats:
    """Knives, forks and spoons: thin bars of steel on plates and on one another."""
    steel = things(voice, "metal", 14, (2.0, 6.0), (0.03, 0.1), noise=4.0, modes=26)
    plates = things(voice, "ceramic", 6, (1.2, 2.8), (0.3, 0.8), noise=2.0, modes=18)
    track = _stereo(voice)
    for start in events(voice, 0.6, length_s=0.6, evenness=2.0):
        count = 1 + voice.rng.poisson(3.5 * 1.7**voice.density)
        times = start + np.cumsum(voice.rng.gamma(1.2, 0.045 / pace(voice), count))
        _strew(voice, track, steel, times, voice.rng.uniform(0.1, 1.0, count) ** 1.4)
        on_plate = times[voice.rng.random(count) < 0.6]
        _strew(voice, track, plates, on_plate, voice.rng.uniform(0.3, 0.9, len(on_plate)))
    return indoors(voice, track, decay_s=0.4, share=0.06)


def glasses(voice: Voice) -> Floats:
    """Glasses: two bowls touch once or twice, and feet are set down."""
    name = body_of(voice, "glass")
    bowls = things(voice, name, 8, (1.1, 2.8), (0.12, 0.3), noise=4.5, modes=20)
    feet = things(voice, name, 4, (0.8, 1.5), (0.1, 0.2), noise=5.0)
    track = _stereo(voice)
    for start in events(voice, 0.8, length_s=0.8, evenness=2.0):
        count = 2 + voice.rng.poisson(1.0)
        times = start + np.cumsum(np.append(0.0, voice.rng.gamma(1.5, 0.04, count - 1)))
        _strew(voice, track, bowls, times, spread(voice, 0.5, 1.0) * 0.7 ** np.arange(count))
        _strew(voice, track, bowls, times[:1] + 0.0006, 0.7)  # the other glass of the pair
        if voice.rng.random() < 0.5:
            _strew(voice, track, feet, times[-1:] + spread(voice, 0.15, 0.4), 0.5)
    return indoors(voice, track, decay_s=0.5, share=0.07, air_db=-28)


def chopping(voice: Voice) -> Floats:
    """A knife on a board: each cut crunches through something crisp before the blade hits the wood."""
    board = Body.of(voice, body_of(voice, "wood"), pitch=spread(voice, 0.5, 0.7), ring=0.35, modes=26, noise=5.0)
    thuds = [sole_press(voice, 1.2) for _ in range(4)]  # the table under the board
    track = np.zeros(voice.length, np.float32)
    for span in bouts(voice, (2.0, 4.0), (0.4, 1.2)):
        for time in rhythm(voice, span, 0.36, 0.12):
            size, force = seconds(spread(voice, 0.03, 0.06)), spread(voice, 0.5, 1.0)
            crumbs = np.exp(1.2 * voice.rng.standard_normal(size // 60 + 2))
            course = np.interp(np.arange(size), np.arange(len(crumbs)) * 60, crumbs) * np.linspace(0.2, 1.0, size)
            crunch = signal.bandpass(voice.rng.standard_normal(size) * course, 1500, 9000)
            cut = time + size / signal.RATE
            signal.place(track, signal.peak(crunch), time, 0.25 * 1.5**voice.roughness)
            signal.place(track, board.blow(voice.rng, force), cut)
            signal.place(track, thuds[voice.rng.integers(4)], cut, force)
    return indoors(voice, track, decay_s=0.4, share=0.1, air_db=-28)


# Clockwork and keys --------------------------------------------------------------------------------------------------


def clock(voice: Voice) -> Floats:
    """A clock: tick and tock of an escapement (the pallet drops, the wheel locks, the case resonates), very regular."""
    name = body_of(voice, "wood")
    ring = 0.25 if name == "wood" else 0.02  # a case of metal or glass is damped by its feet, or it would chime
    sides = []
    for pitch in (1.0, 0.86):
        pallet = Body.of(voice, "metal", pitch=6.5 * pitch, ring=0.012, noise=4.0)
        case = Body.of(voice, name, pitch=2.2 * pitch, ring=ring, noise=1.5)
        sides.append((pallet, case))
    track = np.zeros(voice.length, np.float32)
    whole = [(spread(voice, 0.02, 0.3), voice.duration_s)]
    for span in bouts(voice, (3.0, 5.0)) if voice.role == "one-shot" else whole:
        for index, time in enumerate(rhythm(voice, span, voice.params.get("interval_s", 0.5), 0.002)):
            pallet, case = sides[index % 2]
            gap = 0.008 + 0.003 * (index % 2)
            signal.place(track, pallet.blow(voice.rng, 0.35), time)
            signal.place(track, pallet.blow(voice.rng, 1.0), time + gap)
            signal.place(track, case.blow(voice.rng, 0.5), time + gap)
    return indoors(voice, track, decay_s=0.3, share=0.06, air_db=-40)


def keyboard(voice: Voice) -> Floats:
    """Typing: each key clacks when it is pressed and, softer, when it is released; words come in quick runs."""
    caps = [_key(voice, spread(voice, 0.8, 1.25)) for _ in range(12)] + [_key(voice, 0.55)]
    track = _stereo(voice)
    for start, end in bouts(voice, (2.5, 5.0), (0.4, 1.2)):
        time = start + spread(voice, 0.0, 0.2)
        while time < end:
            for _ in range(voice.rng.integers(3, 10)):
                key, pan = int(voice.rng.integers(12)), spread(voice, -0.3, 0.3)
                signal.place_panned(track, caps[key], time, spread(voice, 0.4, 1.0), pan)
                up = time + spread(voice, 0.06, 0.11)
                signal.place_panned(track, caps[(key + 3) % 12][: seconds(0.03)], up, spread(voice, 0.2, 0.4), pan)
                time += voice.rng.gamma(5.0, 0.026) / pace(voice)
            signal.place_panned(track, caps[12], time, 0.9, 0.0)  # the long key after a word
            time += voice.rng.gamma(3.0, 0.06) / pace(voice) * 1.6**-voice.density
    return indoors(voice, track, decay_s=0.25, share=0.09, air_db=-25)


def _key(voice: Voice, pitch: float) -> Floats:
    name = body_of(voice, "plastic")
    cap = Body.of(voice, name, pitch=3.8 * pitch, ring=0.22, noise=5.0, modes=18)
    board = Body.of(voice, name, pitch=0.6 * pitch, ring=0.5, noise=4.0, modes=18)
    out = np.zeros(seconds(0.08), np.float32)
    signal.place(out, cap.blow(voice.rng), 0.0, 0.25)
    signal.place(out, cap.blow(voice.rng), spread(voice, 0.006, 0.012), 1.0)
    signal.place(out, board.blow(voice.rng), 0.010, 0.6)
    return out * np.linspace(1, 0, len(out), dtype=np.float32)


# Tools ---------------------------------------------------------------------------------------------------------------


def hammer_metal(voice: Voice) -> Floats:
    """A hammer on a plate or bar of steel: hard ringing blows, some with a rebound."""
    bar = Body.of(voice, "metal", pitch=spread(voice, 0.8, 1.3), ring=spread(voice, 0.25, 0.45), modes=26, noise=4.0)
    return _hammering(voice, bar, 0.62, nail=False)


def hammer_wood(voice: Voice) -> Floats:
    """Nails driven into wood: the note of a nail rises as it goes in."""
    board = Body.of(voice, body_of(voice, "wood"), pitch=spread(voice, 0.5, 0.9), ring=0.8, modes=20, noise=4.0)
    return _hammering(voice, board, 0.5, nail=True)


def _hammering(voice: Voice, body: Body, interval_s: float, *, nail: bool) -> Floats:
    track = np.zeros(voice.length, np.float32)
    head = Body.of(voice, "metal", pitch=4.0, ring=0.03, noise=5.0)
    for span in bouts(voice, (2.5, 4.5), (0.6, 1.4)):
        times = rhythm(voice, span, interval_s, 0.07)
        for index, time in enumerate(times):
            force = spread(voice, 0.7, 1.0)
            signal.place(track, body.blow(voice.rng, force), time)
            signal.place(track, head.blow(voice.rng, 0.5 * force), time)
            if nail:
                note_hz = 2300 * (1.0 + 0.6 * index / len(times)) * np.array([1, 1.7, 2.9])
                tip = signal.modes(note_hz, [0.010, 0.007, 0.004], [1, 0.6, 0.5], rng=voice.rng)
                signal.place(track, tip, time, 0.35 * force)
            elif voice.rng.random() < 0.5:
                signal.place(track, body.blow(voice.rng, 0.15 * force), time + spread(voice, 0.1, 0.16))
    return outdoors(voice, track, decay_s=0.7, share=0.1, air_db=-29)


# Doors and knocks ----------------------------------------------------------------------------------------------------


def door(voice: Voice) -> Floats:
    """A door that falls shut: it thuds into its frame, rebounds and rattles, and the latch snaps."""
    name, rng = body_of(voice, "wood"), voice.rng
    latch = Body.of(voice, name, pitch=2.5, ring=0.2, noise=5.0)
    leaf = Body.of(voice, name, pitch=spread(voice, 0.2, 0.3), ring=1.2, modes=24, noise=2.5)
    frame = Body.of(voice, name, pitch=spread(voice, 0.6, 0.8), ring=0.6, noise=5.0)
    track = np.zeros(voice.length, np.float32)
    for start in events(voice, 1.4, length_s=0.9):
        force, shut = spread(voice, 0.7, 1.0), start + 0.035
        weight = signal.modes([spread(voice, 60, 95), 160.0], [0.04, 0.02], [1.0, 0.5], attack_s=0.004)
        signal.place(track, latch.blow(rng, 0.1), start)
        signal.place(track, weight, shut, 2.0 * force)
        signal.place(track, sole_press(voice, 0.8), shut, 1.5 * force)  # the air and the seal give way
        signal.place(track, leaf.blow(rng, force, attack_s=0.001), shut, 0.6)
        signal.place(track, frame.blow(rng, force), shut, 0.5)
        signal.place(track, frame.blow(rng, 0.35 * force), shut + spread(voice, 0.02, 0.045))
        signal.place(track, latch.blow(rng, 0.13), shut + spread(voice, 0.06, 0.12))
    return indoors(voice, track, decay_s=0.8, share=0.41, air_db=-30)


def knock(voice: Voice) -> Floats:
    """Knuckles on a door: three to five quick raps."""
    leaf = Body.of(voice, body_of(voice, "wood"), pitch=spread(voice, 0.4, 0.6), ring=0.4, modes=22, noise=1.5)
    track = np.zeros(voice.length, np.float32)
    for start in events(voice, 1.7, length_s=0.9):
        for index in range(voice.rng.integers(3, 6)):
            rap = leaf.blow(voice.rng, spread(voice, 0.7, 1.0), attack_s=0.0006)
            signal.place(track, rap, start + index * spread(voice, 0.15, 0.19) / pace(voice))
    return indoors(voice, track, decay_s=0.5, share=0.12, air_db=-28)


# Loose things: chance collisions -------------------------------------------------------------------------------------


def _collisions(voice: Voice, shakes: list[tuple[float, float, float]], rate_hz: float) -> tuple[Floats, Floats]:
    """Return times and gains of the collisions after each shake (start in s, decay in s, force)."""
    times, gains = [np.zeros(0)], [np.zeros(0)]
    for start, decay_s, force in shakes:
        count = voice.rng.poisson(rate_hz * decay_s * 2.0**voice.density)
        after = voice.rng.exponential(decay_s, count)
        times.append(start + after)
        gains.append(force * np.exp(-0.7 * after / decay_s) * voice.rng.uniform(0.05, 1.0, count) ** 2)
    return np.concatenate(times), np.concatenate(gains)


def _shakes(voice: Voice, interval_s: float, decay_s: float) -> list[tuple[float, float, float]]:
    return [
        (time, decay_s * spread(voice, 0.6, 1.5), spread(voice, 0.4, 1.0))
        for span in bouts(voice, (1.2, 3.0), (0.5, 1.4))
        for time in rhythm(voice, span, interval_s, 0.3)
    ]


def chain(voice: Voice) -> Floats:
    """A chain that is dragged and shaken: heavy links that damp one another, so they ring only briefly."""
    links = things(voice, "metal", 18, (1.5, 5.0), (0.02, 0.08), noise=5.0, modes=26)
    track = _stereo(voice)
    times, gains = _collisions(voice, _shakes(voice, 0.24, 0.11), 230)
    _strew(voice, track, links, times, gains, 0.4)
    return outdoors(voice, track, decay_s=0.4, share=0.034)


def coins(voice: Voice) -> Floats:
    """Coins that are dropped and counted: small discs that bounce and settle."""
    discs = things(voice, "metal", 14, (5, 12), (0.04, 0.16), noise=3.0, modes=16)
    track = _stereo(voice)
    for start in events(voice, 0.7, length_s=0.8, evenness=2.0):
        for _ in range(1 + voice.rng.poisson(1.5 * 2.0**voice.density)):
            bounces = np.arange(voice.rng.integers(3, 10))
            gaps = spread(voice, 0.05, 0.13) * 0.74**bounces  # every bounce takes a share of the energy
            times = start + spread(voice, 0.0, 0.35) + np.cumsum(gaps)
            disc = [discs[voice.rng.integers(len(discs))]]
            gains = voice.rng.uniform(0.5, 1.0, len(bounces)) * 0.8**bounces
            _strew(voice, track, disc, times, spread(voice, 0.4, 1.0) * gains)
    return indoors(voice, track, decay_s=0.35, share=0.024)


def keys(voice: Voice) -> Floats:
    """A jingling bunch of keys."""
    blades = things(voice, "metal", 20, (3.5, 9), (0.02, 0.07), noise=4.0, modes=22)
    track = _stereo(voice)
    times, gains = _collisions(voice, _shakes(voice, 0.17, 0.07), 230)
    _strew(voice, track, blades, times, gains, 0.2)
    return indoors(voice, track, decay_s=0.3, share=0.03)


def ball(voice: Voice) -> Floats:
    """A ball: dribbled for a while, then left to bounce, faster and softer."""
    track, rng = np.zeros(voice.length, np.float32), voice.rng
    size = spread(voice, 0.85, 1.15) * 1.2**voice.brightness
    floor = Body.of(voice, body_of(voice, "wood"), pitch=0.45, ring=0.45, modes=20, noise=3.0)
    slaps = [sole_press(voice, 1.0) for _ in range(5)]
    for start, end in bouts(voice, (4.0, 7.0), (0.4, 1.0)):
        times = list(rhythm(voice, (start, start + 0.75 * (end - start)), 0.62, 0.07))
        gains = [spread(voice, 0.7, 1.0) for _ in times]
        gap, gain = 0.5, 0.75
        while times and gap > 0.08 and times[-1] + gap < end:
            times.append(times[-1] + gap)
            gains.append(gain)
            gap, gain = gap * 0.8, gain * 0.8  # a bounce keeps 80 % of the speed
        for time, gain in zip(times, gains, strict=True):
            skin_hz = size * np.array([95, 170, 410, 860]) * (1 + 0.03 * rng.standard_normal(4))
            hollow = signal.modes(skin_hz, [0.025] * 4, [1, 0.5, 0.33, 0.25], rng=rng, attack_s=0.002)
            blow = signal.modes(size * np.array([80.0, 168.0]), [0.03, 0.018], [1.0, 0.5], attack_s=0.004)
            signal.place(track, slaps[rng.integers(5)], time, 1.0 * gain)
            signal.place(track, blow, time, 1.5 * gain)
            signal.place(track, hollow, time, 0.3 * gain)
            signal.place(track, floor.blow(rng, gain, attack_s=0.001), time, 0.3)
    return indoors(voice, track, decay_s=1.1, share=0.014, air_db=-26)
