"""Pitched bodies: bells, chimes and horns. They sound one tone or a few, never a tune."""

import numpy as np

from ..audio import Floats
from . import signal
from .ambience import outdoors
from .creatures import called, spread
from .schedule import bouts, events, pace, rhythm
from .signal import seconds
from .vocal import envelope, glide
from .voice import Voice

# Partials of a tuned church bell: ratio to the prime, level, decay in seconds for a prime of 250 Hz
# (Rossing & Perrin 1987; Perrin, Charnley & de Pont 1983).
CHURCH_BELL = (
    (0.5, 0.50, 9.0),  # hum
    (1.0, 0.80, 5.5),  # prime
    (1.19, 0.85, 4.2),  # tierce, a minor third
    (1.5, 0.40, 3.0),  # quint
    (2.0, 1.00, 2.9),  # nominal
    (2.52, 0.40, 1.6),
    (2.66, 0.40, 1.4),
    (3.01, 0.45, 1.2),  # superquint
    (4.17, 0.35, 0.75),  # octave nominal
    (5.43, 0.28, 0.45),
    (6.79, 0.20, 0.3),
    (8.21, 0.14, 0.2),
)
_STROKES = 4  # of a one-shot bell, as it strikes the hour's four quarters
K5LA_HZ = (311.1, 370.0, 415.3, 493.9, 622.3)  # a common five-chime locomotive horn
TUBE_RATIOS = (1.0, 2.756, 5.404, 8.933)  # of a free bar or tube


def church_bell(voice: Voice) -> Floats:
    """A church bell that tolls slowly or strikes the quarters.

    Its partials are beating pairs, since no bell is quite round. It is some distance away, so strokes overlap with the
    echo of earlier ones.
    """
    prime_hz = voice.params.get("prime_hz", 480.0) * spread(voice, 0.85, 1.2) * 1.25**voice.brightness
    pairs = _beating_pairs(voice, np.array(CHURCH_BELL), prime_hz, ring=0.55 * (260.0 / prime_hz) ** 0.5)
    track = np.zeros(voice.length, np.float32)
    if voice.role == "one-shot":
        gaps = spread(voice, 1.5, 1.7) * np.arange(_STROKES)
        times = np.concatenate([start + gaps for start in events(voice, 3.0, length_s=7.0)])
        times = times[times < voice.duration_s]
    else:
        times = rhythm(voice, (spread(voice, 0.1, 0.5), voice.duration_s), voice.params.get("toll_s", 1.9), 0.02)
    tolls = [_struck_bell(voice, pairs) for _ in range(2)]
    for index, time in enumerate(times):
        signal.place(track, tolls[index % 2], time, spread(voice, 0.75, 1.0))
    return outdoors(voice, track, decay_s=3.0, share=0.65, air_db=-28)


def _beating_pairs(voice: Voice, partials: Floats, prime_hz: float, ring: float) -> Floats:
    """Return rows of frequency (Hz), level and decay (s): two rows per partial, which beat."""
    rows = []
    for ratio, level, decay_s in partials:
        beat_hz = spread(voice, 0.3, 1.6) * ratio**0.3
        hz = ratio * prime_hz * spread(voice, 0.997, 1.003)
        rows += [(hz, level, decay_s * ring), (hz + beat_hz, level * spread(voice, 0.3, 0.7), decay_s * ring)]
    return np.array(rows)


def _struck_bell(voice: Voice, pairs: Floats) -> Floats:
    hz, levels, decays = pairs.T
    # A hard clapper excites the high partials.
    hard = (hz / hz[2]) ** (0.15 + 0.3 * voice.roughness + 0.2 * voice.brightness)
    lengths = np.minimum(decays * 1.2, voice.duration_s)
    ring = signal.modes(hz, lengths / 1.2, levels * hard * voice.rng.uniform(0.85, 1.0, len(hz)), rng=voice.rng)
    clang = voice.rng.standard_normal(seconds(0.06)) * np.exp(-np.arange(seconds(0.06)) / seconds(0.009))
    signal.place(ring, signal.peak(signal.bandpass(clang, 1500, 7000)), 0.0, 0.25 * 2.0**voice.roughness)
    return ring


def small_bells(voice: Voice) -> Floats:
    """Small hand or harness bells: several little bells, shaken in bouts and struck many times per second."""
    bells = [
        signal.modes(
            spread(voice, 2300, 4200) * 1.3**voice.brightness * np.array([1.0, 1.52, 2.31, 3.1, 4.05]),
            np.array([0.32, 0.22, 0.16, 0.1, 0.07]) * 0.8,
            voice.rng.uniform(0.3, 1.0, 5),
            rng=voice.rng,
        )
        for _ in range(8)
    ]
    track = np.zeros((2, voice.length), np.float32)
    places = voice.rng.uniform(-0.6, 0.6, len(bells))
    for span in bouts(voice, (1.5, 3.5), (0.8, 2.0)):
        for shake in rhythm(voice, span, 0.19, 0.1):
            for _ in range(voice.rng.poisson(5 * 2.0**voice.density)):
                which = voice.rng.integers(len(bells))
                time = shake + voice.rng.normal(0, 0.022)
                signal.place_panned(track, bells[which], time, spread(voice, 0.1, 1.0) ** 1.5, places[which])
    return outdoors(voice, track, decay_s=0.5, share=0.046)


def wind_chime(voice: Voice) -> Floats:
    """A wind chime: gusts cause loose flurries of strikes, in random order, on tubes that are not tuned to a scale."""
    metal = voice.material not in ("wood", "glass", "stone", "ceramic")
    decay_s = {"wood": 0.09, "glass": 0.5, "stone": 0.1, "ceramic": 0.2}.get(voice.material, 2.2)
    base_hz = (620.0 if metal else 900.0) * 1.3**voice.brightness
    tubes = []
    for index in range(6):
        hz = base_hz * 1.17**index * spread(voice, 0.94, 1.06) * np.array(TUBE_RATIOS)
        decays = decay_s * (hz[0] / hz) ** 1.1
        tubes.append(signal.modes(hz, decays, [1, 0.7, 0.35, 0.2], rng=voice.rng))
    gusts = signal.drift(voice.rng, voice.length, 0.5)
    times = signal.times_following(voice.rng, 4.5 * 2.0 ** (voice.density + voice.speed) * gusts**2 + 0.15)
    track = np.zeros((2, voice.length), np.float32)
    for time in times:
        which = int(voice.rng.integers(len(tubes)))
        strength = gusts[min(seconds(time), voice.length - 1)]
        signal.place_panned(track, tubes[which], time, strength * spread(voice, 0.2, 1.0), which / 5 - 0.5)
    return outdoors(voice, track, decay_s=0.6, share=0.24)


# Horns ---------------------------------------------------------------------------------------------------------------


def _blast(voice: Voice, duration_s: float, tones_hz: list[float], *, buzz: float, rise_s: float, sag: float) -> Floats:
    """Return one blast of several diaphragm or reed horns.

    The gain of harmonic n is about n^-`buzz`; `sag` is by how much the pitch is lower at both ends.
    """
    length = seconds(duration_s)
    out = np.zeros(length, np.float32)
    rise, pitch = rise_s / duration_s, glide((1 - sag, 1.0, 1.0, 1.0, 1.0, 1.0, 1 - 1.5 * sag), length)
    partials = np.arange(1, 24) ** -(buzz - 0.4 * voice.brightness)
    for hz in tones_hz:
        unsteady = 1 + 0.003 * 3.0**voice.roughness * signal.wander(voice.rng, length, 18.0)
        phases = voice.rng.permutation(partials[3:])  # each diaphragm has its own resonances
        gains = np.concatenate([partials[:3], 0.5 * (phases + partials[3:])])
        out += signal.tone(hz * pitch * unsteady, length, gains)
    out = signal.unit(out) * (1 + 0.1 * 2.0**voice.roughness * signal.wander(voice.rng, length, 22.0))
    steam = signal.noise(voice.rng, length, [(100, -12), (300, 0), (1200, -4), (4000, -12), (9000, -24)])
    out = signal.mixed(out, np.float32(0.1 * 2.5**voice.roughness) * steam)
    return out * envelope(length, min(rise, 0.4), min(1.6 * rise, 0.4)).astype(np.float32)


def ship_horn(voice: Voice) -> Floats:
    """A ship's horn: long low blasts over water, with a late echo from the other shore.

    The usual pitch is that of a ship of 75 to 200 m: 130 to 350 Hz (collision regulations, annex III).
    """
    base_hz = voice.params.get("base_hz", 215.0) * spread(voice, 0.85, 1.12)

    def blast() -> Floats:
        duration_s = spread(voice, 2.2, 3.6) / pace(voice) ** 0.4
        return _blast(voice, duration_s, [base_hz], buzz=0.35, rise_s=0.3, sag=0.02)

    track = called(voice, blast, 0.7)
    signal.place(track, signal.lowpass(track.copy(), 600), 0.9, 0.2)
    sea = signal.noise(voice.rng, voice.length, [(60, -10), (300, 0), (1200, -3), (5000, -14), (12000, -30)])
    track += np.float32(0.1) * sea * (1 + 0.3 * signal.wander(voice.rng, voice.length, 0.8))
    return outdoors(voice, track, decay_s=2.8, share=0.33)


def train_horn(voice: Voice) -> Floats:
    """A train horn: long and short blasts of a chord of five air horns."""
    chord = np.array(K5LA_HZ) * spread(voice, 0.95, 1.05) * voice.rng.uniform(0.996, 1.004, len(K5LA_HZ))

    def blast() -> Floats:
        duration_s = voice.rng.choice([0.7, 1.6, 2.2]) * spread(voice, 0.9, 1.15) / pace(voice) ** 0.4
        return _blast(voice, duration_s, list(chord), buzz=0.55, rise_s=0.08, sag=0.02)

    running = signal.noise(voice.rng, voice.length, [(30, -6), (70, 0), (200, -4), (800, -14), (4000, -30)])
    running *= 1 + 0.2 * signal.wander(voice.rng, voice.length, 6.0)
    track = called(voice, blast, 0.8) + np.float32(0.12) * running  # the engine under the horn
    return outdoors(voice, track, decay_s=2.0, share=0.39)


def car_horn(voice: Voice) -> Floats:
    """A car horn at some distance: two electric horns a third apart."""
    base_hz = voice.params.get("base_hz", 410.0) * spread(voice, 0.93, 1.07)

    def blast() -> Floats:
        duration_s = voice.rng.choice([0.18, 0.35, 0.8]) * spread(voice, 0.85, 1.2) / pace(voice) ** 0.4
        return _blast(voice, duration_s, [base_hz, base_hz * 1.235], buzz=0.35, rise_s=0.012, sag=0.004)

    return outdoors(voice, called(voice, blast, 0.9), decay_s=1.3, share=0.58)
