"""Birds: songs of whistled syllables, and the rough calls of larger birds.

The syrinx of a songbird makes an almost pure tone whose pitch and level glide (Fletcher 1992). Crows, gulls, ducks and
fowl have a rougher source and a resonant trachea.
"""

import numpy as np

from ..audio import Floats
from . import signal
from .ambience import outdoors
from .creatures import called, lengthened, manners, spread
from .schedule import bouts, events, pace, rhythm
from .signal import RATE, seconds
from .vocal import Glide, cry, envelope, glide, loud
from .voice import Voice

# Songbirds -----------------------------------------------------------------------------------------------------------


def whistle(
    voice: Voice, duration_s: float, pitch_hz: Glide, *, trill_hz: float = 0.0, trill: float = 0.0, beats: float = 0.0
) -> Floats:
    """Return one whistled syllable, a gliding tone; `trill` modulates its pitch, `beats` its level, at `trill_hz`."""
    length = max(seconds(duration_s), 64)
    time = np.arange(length) / RATE
    pitch = glide(pitch_hz, length) * (1 + trill * np.sin(2 * np.pi * trill_hz * time))
    octave = 0.06 * 3.0**voice.brightness
    level = envelope(length, 0.2, 0.35) * (1 - beats * (0.5 - 0.5 * np.cos(2 * np.pi * trill_hz * time)))
    rough = max(voice.roughness, 0.0)
    if rough > 0:
        level = level * (
            1
            + 0.6 * rough * np.interp(time, time[:: RATE // 400], voice.rng.standard_normal(len(time[:: RATE // 400])))
        )
    return (signal.tone(pitch, length, (1.0, octave, octave / 3)) * level).astype(np.float32)


def _rest(duration_s: float) -> Floats:
    return np.zeros(seconds(duration_s), np.float32)


def _warbler(voice: Voice, high: float) -> list[Floats]:
    """Return a hurried series of varied sweeps that descends in pitch, as of a willow warbler or chaffinch."""
    parts = []
    for share in np.linspace(0, 1, voice.rng.integers(7, 14)):
        base = 4600 * high * (1 - 0.35 * share) * spread(voice, 0.92, 1.08)
        bend = spread(voice, 0.75, 1.35)
        parts += [whistle(voice, spread(voice, 0.05, 0.11), (base * bend, base, base / bend**0.5)), _rest(0.03)]
    return parts


def _tit(voice: Voice, high: float) -> list[Floats]:
    """Return two notes, high and low, repeated, as of a great tit."""
    upper, lower = 5200 * high, 3900 * high * spread(voice, 0.97, 1.03)
    pair = [(upper * 1.04, upper, upper * 0.98), (lower * 1.05, lower, lower)]
    parts = []
    for _ in range(voice.rng.integers(3, 6)):
        parts += [whistle(voice, 0.11, pair[0]), _rest(0.04), whistle(voice, 0.15, pair[1]), _rest(0.06)]
    return parts


def _blackbird(voice: Voice, high: float) -> list[Floats]:
    """Return slow fluted phrases in a low range with a thin scratchy end, as of a blackbird."""
    parts = []
    for _ in range(voice.rng.integers(3, 6)):
        base = spread(voice, 1900, 2900) * high
        points = base * np.array([1.0, spread(voice, 0.85, 1.2), spread(voice, 0.85, 1.25), spread(voice, 0.8, 1.1)])
        parts += [whistle(voice, spread(voice, 0.14, 0.3), points), _rest(spread(voice, 0.02, 0.06))]
    for _ in range(voice.rng.integers(1, 4)):
        base = spread(voice, 4500, 6500) * high
        parts += [0.35 * whistle(voice, 0.07, (base, base * 0.8), trill_hz=90, trill=0.06, beats=0.7), _rest(0.02)]
    return parts


def _trill(voice: Voice, high: float) -> list[Floats]:
    """Return one short sweep repeated fast, as of a wren or serin."""
    base, rate_hz = spread(voice, 4200, 6200) * high, spread(voice, 13, 22) * pace(voice) ** 0.5
    sweep = whistle(voice, 0.7 / rate_hz, (base * 1.2, base, base * 0.85))
    return [part for _ in range(voice.rng.integers(9, 20)) for part in (sweep, _rest(0.3 / rate_hz))]


def _sparrow(voice: Voice, high: float) -> list[Floats]:
    """Return single chirps that rise and fall within a tenth of a second, as of a sparrow."""
    parts = []
    for _ in range(voice.rng.integers(2, 6)):
        base = spread(voice, 3000, 3900) * high
        chirp = whistle(
            voice,
            spread(voice, 0.07, 0.12),
            (base * 0.9, base * 1.35, base * 1.2, base * 0.8),
            trill_hz=130,
            trill=0.03,
        )
        parts += [chirp, _rest(spread(voice, 0.12, 0.35))]
    return parts


SONGS = (_warbler, _tit, _blackbird, _trill, _sparrow)


def birdsong(voice: Voice) -> Floats:
    """Several birds of different species, near and far, each with its songs and pauses."""
    count = max(2, round(voice.params.get("birds", 5) * 1.8**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    order = voice.rng.permutation(len(SONGS))
    for index in range(count):
        song = SONGS[order[index % len(SONGS)]]
        high = spread(voice, 0.88, 1.12) * 1.12**voice.brightness
        near, pan = (1.0 if index == 0 else spread(voice, 0.12, 0.7)), spread(voice, -0.9, 0.9)
        phrases = [np.concatenate(song(voice, high)) for _ in range(3)]
        time = spread(voice, 0.0, 1.5)
        while time < voice.duration_s - 0.3:
            phrase = phrases[voice.rng.integers(len(phrases))]
            signal.place_panned(track, phrase, time, near * spread(voice, 0.8, 1.0), pan)
            time += len(phrase) / RATE + spread(voice, 0.5, 2.6) / pace(voice)
    return outdoors(voice, track * _coming_and_going(voice), decay_s=1.1, air_db=-38, share=0.18)


def _coming_and_going(voice: Voice) -> Floats:
    """Return the level of the song over time: 1 for a bed, else spans with soft ends."""
    if voice.role == "bed":
        return np.ones(voice.length, np.float32)
    level = np.zeros(voice.length, np.float32)
    for start, end in bouts(voice, (3.0, 6.0), (0.6, 2.0)):
        level[seconds(start) : seconds(end)] = 1.0
    ramp = np.hanning(seconds(0.1)).astype(np.float32)
    return np.clip(signal.convolve(level, ramp / ramp.sum()), 0.0, 1.0)


# Gulls, crows, owls --------------------------------------------------------------------------------------------------


def gulls(voice: Voice) -> Floats:
    """Herring gulls: long calls of falling, yelping notes from several birds."""
    count = max(2, round(3 * 2**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    for index in range(count):
        high, near = spread(voice, 0.85, 1.15), 1.0 if index == 0 else spread(voice, 0.15, 0.6)
        pan = spread(voice, -0.9, 0.9)
        notes = [_gull_note(voice, high) for _ in range(6)]
        for start, end in bouts(voice, (1.6, 3.2), (0.8, 2.5)):
            start += spread(voice, 0.0, 0.5)
            while start < end:
                note = notes[voice.rng.integers(len(notes))]
                signal.place_panned(track, note, start, near * spread(voice, 0.7, 1.0), pan)
                start += len(note) / RATE + spread(voice, 0.03, 0.14)
    return outdoors(voice, track, decay_s=1.2, share=0.14)


def _gull_note(voice: Voice, high: float) -> Floats:
    return cry(
        voice.rng,
        lengthened(voice, 0.25, 0.48),
        np.array([1000, 1650, 1850, 1600, 1200]) * high,
        [(1800, 2600, 2800, 2500, 2000), (3300, 3600, 3600, 3500), 5200, 7000],
        level=(0.4, 1.0, 1.0, 0.8, 0.3),
        attack=0.15,
        release=0.35,
        shimmer=0.12,
        subharmonic=0.3,
        sharpness=5.0,
        **manners(voice, breath=0.06, jitter=0.012, tilt_db=-1.0),
    )


def crow(voice: Voice) -> Floats:
    """Caws in groups of two to four: a harsh, pulsing source below 500 Hz through a short windpipe."""
    size = spread(voice, 0.92, 1.1)

    def caws() -> Floats:
        parts = []
        for _ in range(voice.rng.integers(2, 5)):
            parts += [spread(voice, 0.8, 1.0) * _caw(voice, size), _rest(spread(voice, 0.12, 0.3) / pace(voice))]
        return np.concatenate(parts)

    return outdoors(voice, called(voice, caws, 0.9), decay_s=1.2, share=0.42)


def _caw(voice: Voice, size: float) -> Floats:
    return cry(
        voice.rng,
        lengthened(voice, 0.24, 0.4),
        np.array([470, 590, 600, 550, 440]) / size,
        [np.array([1100, 1350, 1350, 1150]) / size, np.array([1700, 1950, 1900, 1750]) / size, 2900 / size, 4800],
        level=(0.6, 1.0, 1.0, 0.8, 0.3),
        attack=0.08,
        release=0.3,
        shimmer=0.4,
        subharmonic=0.45,
        sharpness=6.0,
        **manners(voice, breath=0.16, jitter=0.04, tilt_db=-1.5),
    )


def owl(voice: Voice) -> Floats:
    """Tawny owls at night: one hoots (a long note, then a quavering one), another calls sharp ke-wicks."""
    high = spread(voice, 0.92, 1.08)

    def calls() -> Floats:
        return _kewicks(voice, high) if voice.rng.random() < 0.85 else _hoots(voice, high)

    return outdoors(voice, called(voice, calls, 0.6), decay_s=1.6, share=0.2, air_db=-34)


def _hoots(voice: Voice, high: float) -> Floats:
    first = _hoot(voice, 0.7, np.array([760, 915, 912, 895, 790]) * high, 0.0)
    last = _hoot(voice, 1.1, np.array([760, 840, 860, 850, 740]) * high, 0.03)
    soft = 0.2 * _hoot(voice, 0.15, np.array([700, 760, 700]) * high, 0.0)
    return np.concatenate([first, _rest(spread(voice, 0.5, 0.9)), soft, _rest(0.3), last])


def _kewicks(voice: Voice, high: float) -> Floats:
    runs = [(_kewick(voice, high), _rest(spread(voice, 0.2, 0.5))) for _ in range(voice.rng.integers(3, 7))]
    return np.concatenate([part for run in runs for part in run])


def _kewick(voice: Voice, high: float) -> Floats:
    return cry(
        voice.rng,
        lengthened(voice, 0.25, 0.42),
        np.array([1000, 1650, 1850, 1650, 1300]) * high,
        [(1800, 2600, 2800, 2500, 2000), 3500, 5200, 7000],
        level=(0.4, 1.0, 1.0, 0.8, 0.3),
        attack=0.15,
        release=0.3,
        shimmer=0.12,
        subharmonic=0.1,
        sharpness=5.0,
        **manners(voice, breath=0.06, jitter=0.01, tilt_db=-1.0),
    )


def _hoot(voice: Voice, duration_s: float, pitch_hz: Floats, quaver: float) -> Floats:
    length = seconds(duration_s / pace(voice) ** 0.4)
    time = np.arange(length) / RATE
    shake = np.sin(2 * np.pi * 6.5 * time)
    bright = 2.0**voice.brightness
    tone = signal.tone(
        glide(pitch_hz, length) * (1 + quaver * shake), length, (1, 0.22 * bright, 0.1 * bright, 0.03 * bright)
    )
    breath = signal.noise(voice.rng, length, [(300, -30), (800, 0), (1600, -10), (4000, -30)])
    level = envelope(length, 0.12, 0.35) * (1 + 6 * quaver * shake)
    return loud((tone + 0.04 * 3.0**voice.roughness * breath) * level)


# Ducks and fowl ------------------------------------------------------------------------------------------------------


def pigeon(voice: Voice) -> Floats:
    """A pigeon on a ledge: soft rolling coos in phrases of five."""
    low = spread(voice, 0.9, 1.1)

    def phrase() -> Floats:
        parts = []
        for length_s, pitch in ((0.2, 1.0), (0.42, 1.12), (0.3, 1.0), (0.18, 0.95), (0.25, 0.92)):
            curve = np.array([330, 370, 375, 365, 330]) * low * pitch
            parts += [_hoot(voice, length_s, curve, 0.0), _rest(spread(voice, 0.06, 0.14))]
        return np.concatenate(parts)

    return outdoors(voice, called(voice, phrase, 0.5), decay_s=0.5, share=0.15, air_db=-30)


def wings(voice: Voice) -> Floats:
    """A bird that takes off: fast wing beats, each a soft clap of feathers and a puff of air."""
    track = np.zeros(voice.length, np.float32)
    puffs = [_wing_beat(voice) for _ in range(6)]
    for start in events(voice, 2.6, length_s=1.5):
        length_s = spread(voice, 0.8, 1.8)
        times = rhythm(voice, (start, start + length_s), 0.12, 0.1)
        swell = np.interp(times, start + length_s * np.array([0.0, 0.3, 1.0]), [0.5, 1.0, 0.1])
        for time, force in zip(times, swell, strict=True):
            signal.place(track, puffs[voice.rng.integers(6)], time, force * spread(voice, 0.7, 1.0))
    return outdoors(voice, track, decay_s=0.5, share=0.04, air_db=-20)


def _wing_beat(voice: Voice) -> Floats:
    """Return one wing beat: the down stroke claps, the up stroke only brushes."""
    size = seconds(0.12)
    time = np.arange(size) / RATE
    down = np.exp(-(((time - 0.04) / 0.022) ** 2)) + 0.5 * np.exp(-(((time - 0.08) / 0.018) ** 2))
    lift = 1.4**voice.brightness
    feathers = [(80, -40), (250, -24), (800 * lift, -6), (2500 * lift, -2), (6000 * lift, -12), (14000, -30)]
    return signal.peak(signal.noise(voice.rng, size, feathers) * down.astype(np.float32))


def duck(voice: Voice) -> Floats:
    """Ducks: series of quacks that start loud and long and fade, from a strongly pulsed nasal source."""

    def run() -> Floats:
        parts, size = [], spread(voice, 0.92, 1.1)
        for fade in np.linspace(1.0, 0.45, voice.rng.integers(3, 8)):
            parts += [fade * _quack(voice, size, 0.16 + 0.14 * fade), _rest(spread(voice, 0.06, 0.16) / pace(voice))]
        return np.concatenate(parts)

    return outdoors(voice, called(voice, run, 0.7), decay_s=0.5, share=0.05)


def _quack(voice: Voice, size: float, duration_s: float) -> Floats:
    return cry(
        voice.rng,
        duration_s / pace(voice) ** 0.4,
        np.array([165, 195, 200, 185, 160]) / size * spread(voice, 0.93, 1.07),
        [np.array([1150, 1300, 1280, 1200]) / size, np.array([2000, 2150, 2150, 2050]) / size, 2550 / size, 5000, 6300],
        level=(0.5, 1.0, 1.0, 0.8, 0.4),
        attack=0.08,
        release=0.25,
        shimmer=0.3,
        subharmonic=0.35,
        sharpness=7.0,
        **manners(voice, breath=0.1, jitter=0.03, tilt_db=0.0),
    )


def rooster(voice: Voice) -> Floats:
    """A rooster: a crow of four syllables, the last one long and falling (cock-a-doodle-doo)."""
    high = spread(voice, 0.92, 1.08)

    def crowing() -> Floats:
        return np.concatenate(
            [
                0.5 * _crowed(voice, 0.2, np.array([640, 720, 690]) * high, 0.25),
                _rest(0.08),
                0.8 * _crowed(voice, 0.17, np.array([720, 900, 760]) * high, 0.05),
                _rest(0.03),
                0.9 * _crowed(voice, 0.35, np.array([780, 850, 730]) * high, 0.12),
                _crowed(voice, spread(voice, 0.8, 1.2), np.array([720, 730, 722, 715, 700, 640]) * high, 0.04),
            ]
        )

    return outdoors(voice, called(voice, crowing, 1.0), decay_s=1.0, share=0.047, air_db=-29)


def _crowed(voice: Voice, duration_s: float, pitch_hz: Floats, breath: float) -> Floats:
    return cry(
        voice.rng,
        duration_s / pace(voice) ** 0.4,
        pitch_hz,
        [(850, 1250, 1400, 1400, 1100), (2300, 2500, 2500, 2400, 2300), 3400, 4700, 6200],
        level=(0.5, 1.0, 1.0, 0.9, 0.5),
        attack=0.08,
        release=0.15,
        shimmer=0.1,
        subharmonic=0.2,
        sharpness=14.0,
        **manners(voice, breath=breath, jitter=0.008, tilt_db=-1.5),
    )


def chickens(voice: Voice) -> Floats:
    """Hens in a yard: clucks in runs, and drawn-out contented notes."""
    count = max(2, round(3 * 2**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    for index in range(count):
        high, near = spread(voice, 0.85, 1.15), 1.0 if index == 0 else spread(voice, 0.2, 0.7)
        pan = spread(voice, -0.8, 0.8)
        clucks = [_cluck(voice, high, spread(voice, 0.06, 0.1)) for _ in range(6)]
        drawn = [_cluck(voice, high, spread(voice, 0.2, 0.35)) for _ in range(2)]
        for start, end in bouts(voice, (2.0, 4.5), (0.6, 2.0)):
            start += spread(voice, 0.0, 0.5)
            while start < end:
                notes = drawn if voice.rng.random() < 0.08 else clucks
                note = notes[voice.rng.integers(len(notes))]
                signal.place_panned(track, note, start, near * spread(voice, 0.5, 1.0), pan)
                start += len(note) / RATE + spread(voice, 0.18, 0.6) / pace(voice)
    return outdoors(voice, track, decay_s=0.5, share=0.019)


def _cluck(voice: Voice, high: float, duration_s: float) -> Floats:
    return cry(
        voice.rng,
        duration_s,
        np.array([260, 340, 300, 240]) * high,
        [(1100, 1400, 1250), (2200, 2600, 2400), 3600, 5000],
        level=(0.8, 1.0, 0.6, 0.25),
        attack=0.1,
        release=0.45,
        shimmer=0.25,
        subharmonic=0.15,
        sharpness=12.0,
        **manners(voice, breath=0.14, jitter=0.03, tilt_db=0.0),
    )
