"""Solid things that touch: struck bodies as sums of modes (van den Doel & Pai 1998), loose ones as chance collisions.

Frequencies, decays and hardness of a body come from the table of materials (Klatzky, Pai & Krotkov 2000).
"""

import numpy as np

from . import signal
from .ambience import indoors, outdoors
from .creatures import spread
from .schedule import bouts, events, pace, rhythm
from .signal import RATE, seconds
from .voice import Voice
from .words import material


SOLID = ("wood", "metal", "glass", "ceramic", "stone", "plastic", "ice")


def body_of(voice: Voice, usual: str) -> str:
    """Return the material that the words name, where it is one that rings when struck, else the usual one."""
    return voice.material if voice.material in SOLID else usual


def struck(
    voice: Voice,
    stuff_name: str,
    *,
    pitch: float = 1.0,
    ring: float = 1.0,
    stray: float = 0.03,
    contact_s: float = 0.0015,
    contact: float = 1.0,
) -> np.ndarray:
    """Return the sound of one blow, of peak 1, on a body of the given material.

    `pitch` and `ring` are factors on the frequencies and decays of a thing one can hold in two hands; `stray` is the
    deviation of the modes, `contact_s` the length and `contact` the level of the noise of touching.
    """
    stuff, rng = material(stuff_name), voice.rng
    ratios = np.array(stuff.ratios)
    hz = stuff.frequency_hz * ratios * pitch * (1 + stray * rng.standard_normal(len(ratios))) * 1.2**voice.brightness
    decays = stuff.decay_s * ring * ratios**-stuff.damping
    hard = np.clip(stuff.hardness + 0.25 * voice.roughness + 0.2 * voice.brightness, 0.05, 1.3)
    gains = rng.uniform(0.4, 1.0, len(ratios)) * ratios ** (-1.6 * (1.1 - hard))
    body = signal.modes(hz, decays, gains, rng=rng, attack_s=0.0001 + 0.0012 * (1.1 - min(hard, 1.0)))
    length = max(len(body), seconds(9 * contact_s))
    out = np.zeros(length, np.float32)
    signal.place(out, body, 0.0)
    noise = _touch(rng, contact_s, 900 + 7000 * hard)
    signal.place(out, noise, 0.0, contact * stuff.noise * 2.0**voice.roughness)
    return signal.peak(out)


def _touch(rng: np.random.Generator, decay_s: float, top_hz: float) -> np.ndarray:
    """Return the noise of two surfaces meeting, of peak 1."""
    size = seconds(9 * decay_s)
    noise = rng.standard_normal(size) * np.exp(-np.arange(size) / (decay_s * RATE))
    return signal.peak(signal.bandpass(noise, 250, top_hz))


def _strew(voice: Voice, track: np.ndarray, bodies: list[np.ndarray], times_s, gains, width: float = 0.3) -> None:
    """Place a random one of the bodies at each time; the track is stereo, the things lie within `width`."""
    places = voice.rng.uniform(-width, width, len(bodies))
    for time, gain in zip(times_s, np.broadcast_to(gains, len(times_s)), strict=True):
        which = int(voice.rng.integers(len(bodies)))
        signal.place_panned(track, bodies[which], time, gain, places[which])


def _stereo(voice: Voice) -> np.ndarray:
    return np.zeros((2, voice.length), np.float32)


# Table and kitchen ---------------------------------------------------------------------------------------------------


def dishes(voice: Voice) -> np.ndarray:
    """Plates, cups and cutlery being handled: clusters of clinks, a stack set down now and then."""
    plates = [struck(voice, "ceramic", pitch=spread(voice, 1.3, 3.2), ring=spread(voice, 0.5, 1.3)) for _ in range(9)]
    steel = [_cutlery(voice) for _ in range(7)]
    track = _stereo(voice)
    for start in events(voice, 0.75, length_s=0.8, evenness=2.0):
        count = 1 + voice.rng.poisson(3.0 * 1.7**voice.density)
        times = start + np.cumsum(voice.rng.gamma(1.5, 0.05 / pace(voice), count))
        gains = voice.rng.uniform(0.15, 1.0, count) ** 1.4 * spread(voice, 0.5, 1.0)
        _strew(voice, track, plates if voice.rng.random() < 0.6 else steel, times, gains)
    return indoors(voice, track, decay_s=0.45, share=0.1)


def cutlery(voice: Voice) -> np.ndarray:
    """Knives, forks and spoons: thin bars of steel on plates and on one another."""
    steel = [_cutlery(voice) for _ in range(12)]
    plates = [struck(voice, "ceramic", pitch=spread(voice, 1.6, 3.0), ring=0.6) for _ in range(4)]
    track = _stereo(voice)
    for start in events(voice, 0.6, length_s=0.6, evenness=2.0):
        count = 1 + voice.rng.poisson(3.5 * 1.7**voice.density)
        times = start + np.cumsum(voice.rng.gamma(1.2, 0.045 / pace(voice), count))
        _strew(voice, track, steel, times, voice.rng.uniform(0.1, 1.0, count) ** 1.4)
        if voice.rng.random() < 0.5:
            _strew(voice, track, plates, times[:1], 0.5)
    return indoors(voice, track, decay_s=0.4, share=0.08)


def _cutlery(voice: Voice) -> np.ndarray:
    return struck(
        voice, "metal", pitch=spread(voice, 3.5, 7.0), ring=spread(voice, 0.12, 0.35), contact=2.5, contact_s=0.001
    )


def glasses(voice: Voice) -> np.ndarray:
    """Glasses that clink: two bowls touch once or twice and ring on."""
    bowls = [struck(voice, "glass", pitch=spread(voice, 0.9, 2.1), ring=spread(voice, 0.8, 1.8)) for _ in range(8)]
    track = _stereo(voice)
    for start in events(voice, 0.9, length_s=0.8, evenness=2.0):
        count = 2 + voice.rng.poisson(0.7)
        times = start + np.cumsum(np.append(0.0, voice.rng.gamma(2.0, 0.035, count - 1)))
        _strew(voice, track, bowls, times, spread(voice, 0.5, 1.0) * 0.6 ** np.arange(count))
        _strew(voice, track, bowls, times[:1] + 0.0004, 0.7)  # the other glass of the pair
    return indoors(voice, track, decay_s=0.45, share=0.08)


# Clockwork and keys --------------------------------------------------------------------------------------------------


def clock(voice: Voice) -> np.ndarray:
    """An escapement, tick and tock: the pallet drops, the wheel locks, the case answers; even to a hundredth."""
    interval_s = voice.params.get("interval_s", 0.5)
    cases = [struck(voice, "wood", pitch=p * spread(voice, 0.95, 1.05), ring=0.35, contact=0.6) for p in (3.4, 2.9)]
    metal = [struck(voice, "metal", pitch=p, ring=0.02, contact=4.0, contact_s=0.0007) for p in (5.6, 4.7)]
    track = np.zeros(voice.length, np.float32)
    spans = bouts(voice, (voice.duration_s, voice.duration_s + 1), (0, 0)) if voice.role != "one-shot" else bouts(voice)
    for span in spans:
        for index, time in enumerate(rhythm(voice, span, interval_s, 0.002)):
            side = index % 2
            signal.place(track, metal[side], time, 0.5)
            signal.place(track, metal[side], time + 0.006 + 0.002 * side, 1.0)
            signal.place(track, cases[side], time + 0.006 + 0.002 * side, 0.6)
    return indoors(voice, track, decay_s=0.3, share=0.08)


def keyboard(voice: Voice) -> np.ndarray:
    """Typing: each key clacks when it bottoms out and again, softer, when it comes up; words in quick runs."""
    keys = [_key(voice, spread(voice, 0.8, 1.25)) for _ in range(10)] + [_key(voice, 0.5)]
    track = _stereo(voice)
    for start, end in bouts(voice, (2.0, 4.5), (0.5, 1.5)):
        time = start + spread(voice, 0.0, 0.2)
        while time < end:
            for _ in range(voice.rng.integers(3, 10)):
                key, pan = int(voice.rng.integers(10)), spread(voice, -0.3, 0.3)
                hold_s = spread(voice, 0.06, 0.11)
                signal.place_panned(track, keys[key], time, spread(voice, 0.5, 1.0), pan)
                signal.place_panned(track, keys[(key + 3) % 10], time + hold_s, spread(voice, 0.2, 0.35), pan)
                time += voice.rng.gamma(7.0, 0.02) / pace(voice)
            signal.place_panned(track, keys[10], time, 0.9, 0.0)  # the long key after a word
            time += voice.rng.gamma(3.0, 0.06) / pace(voice) * 1.6**-voice.density
    return indoors(voice, track, decay_s=0.25, share=0.06)


def _key(voice: Voice, pitch: float) -> np.ndarray:
    cap = struck(voice, "plastic", pitch=5.5 * pitch, ring=0.25, contact=2.0, contact_s=0.0016)
    board = struck(voice, "plastic", pitch=1.1 * pitch, ring=0.7, contact=0.3)
    out = np.zeros(seconds(0.08), np.float32)
    signal.place(out, cap, 0.0, 0.35)
    signal.place(out, cap, 0.008, 1.0)
    signal.place(out, board, 0.009, 0.35)
    return out


# Tools ---------------------------------------------------------------------------------------------------------------


def hammer_metal(voice: Voice) -> np.ndarray:
    """A hammer on an anvil or a plate of steel: a hard blow that rings, a rebound after it."""
    return _hammering(voice, "metal", pitch=spread(voice, 0.9, 1.5), ring=0.9, interval_s=0.62, sinking=0.0)


def hammer_wood(voice: Voice) -> np.ndarray:
    """Nails driven into wood: the nail's note rises as less of it stands out."""
    return _hammering(voice, "wood", pitch=spread(voice, 0.7, 1.1), ring=1.0, interval_s=0.55, sinking=0.6)


def _hammering(voice: Voice, stuff: str, *, pitch: float, ring: float, interval_s: float, sinking: float) -> np.ndarray:
    track = np.zeros(voice.length, np.float32)
    for span in bouts(voice, (2.5, 4.0), (0.8, 1.8)):
        times = rhythm(voice, span, interval_s, 0.07)
        for index, time in enumerate(times):
            force = spread(voice, 0.75, 1.0)
            signal.place(track, struck(voice, stuff, pitch=pitch, ring=ring, stray=0.01, contact=1.4), time, force)
            if sinking:
                nail = 1.0 + sinking * index / max(len(times), 1)
                tip = signal.modes(2400 * nail * np.array([1, 1.7, 2.9]), [0.012, 0.008, 0.005], [1, 0.6, 0.5])
                signal.place(track, tip, time, 0.5 * force)
            elif voice.rng.random() < 0.6:
                signal.place(track, struck(voice, stuff, pitch=pitch, ring=ring, stray=0.01), time + 0.13, 0.15 * force)
    return outdoors(voice, track, decay_s=0.6, share=0.1)


# Doors and knocks ----------------------------------------------------------------------------------------------------


def door(voice: Voice) -> np.ndarray:
    """A door that falls to: the latch clicks, the leaf thuds in its frame, the latch springs out."""
    track = np.zeros(voice.length, np.float32)
    for start in events(voice, 2.6, length_s=0.8):
        heavy = spread(voice, 0.8, 1.1)
        click = struck(voice, "metal", pitch=3.6, ring=0.05, contact=3.0)
        leaf = struck(voice, "wood", pitch=0.28 * heavy, ring=1.7, contact=1.6, contact_s=0.006)
        frame = struck(voice, "wood", pitch=0.9 * heavy, ring=0.9, contact=1.2, contact_s=0.003)
        air = signal.lowpass(voice.rng.standard_normal(seconds(0.3)) * np.exp(-np.arange(seconds(0.3)) / 2600), 140)
        force = spread(voice, 0.7, 1.0)
        signal.place(track, click, start, 0.2)
        signal.place(track, leaf, start + 0.03, force)
        signal.place(track, frame, start + 0.032, 0.7 * force)
        signal.place(track, signal.peak(air), start + 0.03, 0.8 * force)
        signal.place(track, click, start + spread(voice, 0.08, 0.14), 0.45)
    return indoors(voice, track, decay_s=0.7, share=0.14)


def knock(voice: Voice) -> np.ndarray:
    """Knuckles on a door: three or four quick raps."""
    track = np.zeros(voice.length, np.float32)
    for start in events(voice, 1.9, length_s=0.9):
        for index in range(voice.rng.integers(3, 6)):
            rap = struck(voice, "wood", pitch=spread(voice, 0.75, 0.82), ring=0.9, stray=0.01, contact=0.7)
            signal.place(track, rap, start + index * 0.19 / pace(voice), spread(voice, 0.75, 1.0))
    return indoors(voice, track, decay_s=0.45, share=0.12)


# Loose things: chance collisions (Cook 1997) --------------------------------------------------------------------------


def _collisions(
    voice: Voice, shakes: list[tuple[float, float, float]], rate_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return times and gains of collisions that each shake (start, decay in s, force) stirs up and that die away."""
    times, gains = [], []
    for start, decay_s, force in shakes:
        count = voice.rng.poisson(rate_hz * decay_s * 2.0**voice.density)
        after = voice.rng.exponential(decay_s, count)
        times.append(start + after)
        gains.append(force * np.exp(-0.7 * after / decay_s) * voice.rng.uniform(0.05, 1.0, count) ** 2)
    return (np.concatenate(times), np.concatenate(gains)) if times else (np.zeros(0), np.zeros(0))


def _shakes(voice: Voice, interval_s: float, decay_s: float) -> list[tuple[float, float, float]]:
    return [
        (time, decay_s * spread(voice, 0.6, 1.5), spread(voice, 0.4, 1.0))
        for span in bouts(voice, (1.2, 3.0), (0.5, 1.6))
        for time in rhythm(voice, span, interval_s, 0.3)
    ]


def chain(voice: Voice) -> np.ndarray:
    """A chain dragged and shaken: heavy links that knock and lie on one another, so they ring only shortly."""
    links = [
        struck(voice, "metal", pitch=spread(voice, 2.2, 5.5), ring=spread(voice, 0.08, 0.25), contact=2.0)
        for _ in range(16)
    ]
    track = _stereo(voice)
    times, gains = _collisions(voice, _shakes(voice, 0.3, 0.13), 150)
    _strew(voice, track, links, times, gains, 0.4)
    return outdoors(voice, track, decay_s=0.4)


def coins(voice: Voice) -> np.ndarray:
    """Coins dropped and counted: bright little discs that spin and settle."""
    discs = [
        struck(voice, "metal", pitch=spread(voice, 8, 14), ring=spread(voice, 0.15, 0.5), contact=1.5)
        for _ in range(12)
    ]
    track = _stereo(voice)
    for start in events(voice, 0.8, length_s=0.8, evenness=2.0):
        for _ in range(1 + voice.rng.poisson(1.5 * 2.0**voice.density)):
            bounces = np.arange(voice.rng.integers(3, 9))
            gaps = spread(voice, 0.06, 0.14) * 0.72**bounces  # every bounce takes a share of the energy
            first = start + spread(voice, 0.0, 0.35)
            disc = [discs[voice.rng.integers(len(discs))]]
            _strew(voice, track, disc, first + np.cumsum(gaps) - gaps[0], spread(voice, 0.4, 1.0) * 0.75**bounces)
    return indoors(voice, track, decay_s=0.35, share=0.06)


def keys(voice: Voice) -> np.ndarray:
    """A bunch of keys that is jingled."""
    blades = [
        struck(voice, "metal", pitch=spread(voice, 5, 12), ring=spread(voice, 0.08, 0.3), contact=1.5)
        for _ in range(14)
    ]
    track = _stereo(voice)
    times, gains = _collisions(voice, _shakes(voice, 0.2, 0.08), 110)
    _strew(voice, track, blades, times, gains, 0.2)
    return indoors(voice, track, decay_s=0.3, share=0.05)


def ball(voice: Voice) -> np.ndarray:
    """A ball: dribbled in bouts, then left to bounce out, faster and softer."""
    track = np.zeros(voice.length, np.float32)
    pitch = spread(voice, 0.8, 1.15)
    for start, end in bouts(voice, (2.5, 4.5), (0.5, 1.2)):
        times = list(rhythm(voice, (start, start + 0.6 * (end - start)), 0.55, 0.05))
        gains = [spread(voice, 0.8, 1.0) for _ in times]
        gap, gain = 0.5, 0.8
        while times and gap > 0.05 and times[-1] + gap < end:
            times.append(times[-1] + gap)
            gains.append(gain)
            gap, gain = gap * 0.8, gain * 0.8
        for time, gain in zip(times, gains, strict=True):
            skin = struck(
                voice, "rubber", pitch=pitch * spread(voice, 0.98, 1.02), ring=1.2, contact=1.2, contact_s=0.004
            )
            hollow = signal.modes(
                pitch * np.array([180, 310, 830, 1240]), [0.05, 0.04, 0.03, 0.02], [1, 0.8, 0.35, 0.25]
            )
            signal.place(track, skin, time, gain)
            signal.place(track, hollow, time, 0.8 * gain)
    return indoors(voice, track, decay_s=0.9, share=0.12)
