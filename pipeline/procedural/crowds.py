"""Groups of people: a murmur without intelligible words, applause, distant children.

The voices are glottal pulses through random vowels (Peterson & Barney 1952), so they speak no language.
"""

import numpy as np
from scipy import fft

from ..audio import Floats
from ..checkpoint import checkpoint
from . import signal
from .ambience import outdoors
from .creatures import spread
from .schedule import bouts, pace, presence
from .signal import RATE, seconds
from .vocal import cry, fold_pulses, through_tract
from .voice import Voice

LOW_RATE = RATE // 4  # sample rate of voices, which have little above 5 kHz: a quarter of the work
VOWELS_HZ = np.array(  # F1, F2, F3 of men
    [
        (730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410),
        (300, 870, 2240), (640, 1190, 2390), (490, 1350, 1690), (390, 1990, 2550),
    ]
)  # fmt: skip
TALKERS = 7  # distinct voices; the crowd is made of their copies, shifted in time and scaled in pitch and size


def crowd(voice: Voice) -> Floats:
    """The murmur of many people who talk at once, in a large room or a street."""
    copies = max(TALKERS, round(voice.params.get("people", 26) * 2.0**voice.density))
    full = _murmur(voice, np.geomspace(0.95, 1.85, TALKERS), copies)
    hall = signal.noise(voice.rng, voice.length, HALL_CURVE, channels=2)
    return full * presence(voice) + np.float32(0.02 * signal.rms(full)) * hall


HALL_CURVE = [(40, -6), (150, 0), (600, -6), (2500, -16), (9000, -36)]


def _murmur(voice: Voice, highs: Floats, copies: int) -> Floats:
    """Return many shifted copies of a few voices, shape (2, samples); `highs` are pitches relative to a man's."""
    length = voice.length // 4 + 1
    babblers = [_babble(voice, length, high) for high in highs]
    sides = np.zeros((2, length), np.float32)
    for index in range(copies):
        checkpoint()
        babble, size = babblers[index % len(babblers)], spread(voice, 0.9, 1.12)
        at = (np.arange(length) * size + spread(voice, 0, length)) % (length - 1)
        other = np.interp(at, np.arange(length), babble).astype(np.float32)
        if voice.rng.random() < 0.5:
            other = other[::-1]  # reversed, a vowel remains a vowel, but a word does not remain a word
        angle = spread(voice, 0.1, 0.9) * np.pi / 2
        near = np.exp(0.45 * voice.rng.standard_normal())
        sides += np.float32(near) * np.array([[np.cos(angle)], [np.sin(angle)]], np.float32) * other
    return _upsampled(_smear(voice, sides), voice.length)


def _babble(voice: Voice, length: int, high: float) -> Floats:
    """Return one voice of random syllables at LOW_RATE; `high` is its pitch relative to a man's."""
    checkpoint()
    rng, rate = voice.rng, LOW_RATE / 64  # of the control points
    count = length // 64 + 8
    time, starts, marks = 0.0, [], []
    while time < length / LOW_RATE:
        for _ in range(rng.integers(3, 12)):  # a breath
            starts.append(time)
            marks.append((rng.integers(len(VOWELS_HZ)), rng.uniform(0.5, 1.0), rng.uniform(0.75, 1.4)))
            time += rng.uniform(0.11, 0.26) / pace(voice) ** 0.5
        starts.append(time)
        marks.append((rng.integers(len(VOWELS_HZ)), 0.0, 1.0))
        time += rng.uniform(0.1, 0.7)
    frames = np.arange(count) / rate
    which = np.clip(np.searchsorted(starts, frames, side="right") - 1, 0, len(starts) - 1)
    lengths = np.diff(np.append(starts, time))
    within = (frames - np.asarray(starts)[which]) / lengths[which]
    vowels, levels, pitches = (np.asarray(each) for each in zip(*marks, strict=True))
    level = levels[which] * (0.12 + 0.88 * np.sin(np.pi * np.clip(within, 0, 1)) ** 0.8)
    mouth = VOWELS_HZ[vowels][which].astype(float) * high**0.25
    kernel = np.hanning(9)[1:-1]
    mouth = np.stack([np.convolve(track, kernel / kernel.sum(), "same") for track in mouth.T])
    mouth[:, :4], mouth[:, -4:] = mouth[:, 4:5], mouth[:, -5:-4]
    pitch = 112 * high * np.interp(frames, starts, pitches) * (1 - 0.1 * within)
    grid = np.arange(length) / 64
    source = fold_pulses(np.interp(grid, np.arange(count), pitch), rng, jitter=0.012, shimmer=0.1, rate=LOW_RATE)
    breath = 0.08 * 3.0**voice.roughness * rng.standard_normal(length, dtype=np.float32)
    source = ((source + breath) * np.interp(grid, np.arange(count), level)).astype(np.float32)
    tilt_db = -5.0 + 3.0 * voice.brightness
    return signal.unit(through_tract(source, [*mouth, 3500, 4500], sharpness=9.0, tilt_db=tilt_db, rate=LOW_RATE))


def _smear(voice: Voice, sides: Floats) -> Floats:
    """Return both channels with the reflections of a large room, which blur the syllables."""
    size = LOW_RATE
    time = np.arange(size) / LOW_RATE
    tail = voice.rng.standard_normal((2, size)) * np.exp(-6.9 * time / 0.9) * (1 - np.exp(-time / 0.01))
    tail = (tail / np.sqrt(np.mean(np.sum(tail**2, axis=1)))).astype(np.float32)
    return 0.85 * sides + 0.5 * signal.convolve(sides[::-1], tail)


def _upsampled(sides: Floats, length: int) -> Floats:
    """Return a signal resampled from LOW_RATE to RATE."""
    size = fft.next_fast_len(sides.shape[-1], real=True)
    spectrum = fft.rfft(sides, size)
    return (
        4 * fft.irfft(np.pad(spectrum, ((0, 0), (0, 4 * size // 2 + 1 - spectrum.shape[-1]))), 4 * size)[..., :length]
    )


# Hands ---------------------------------------------------------------------------------------------------------------


# The spectrum of many distant claps.
FAR_HANDS = [(150, -30), (500, -8), (1000, 0), (2200, -1), (4500, -9), (9000, -22), (16000, -40)]


def applause(voice: Voice) -> Floats:
    """Many people clapping, who differ in pace, hands and place."""
    people = max(8, round(voice.params.get("people", 76) * 2.0**voice.density))
    rows = np.zeros((5, voice.length), np.float32)  # rows of seats, from left to right
    for index in range(people):
        hands = [_clap(voice) for _ in range(2)]
        interval_s = 1 / (spread(voice, 3.0, 4.8) * pace(voice) ** 0.5)
        count = int(voice.duration_s / interval_s) + 1
        times = np.cumsum(interval_s * (1 + 0.06 * voice.rng.standard_normal(count))) - spread(voice, 0.0, interval_s)
        gains = np.exp(0.3 * voice.rng.standard_normal()) * voice.rng.uniform(0.6, 1.0, count)
        for stroke, (time, gain) in enumerate(zip(times, gains, strict=True)):
            signal.place(rows[index % 5], hands[stroke % 2], time, gain)
    pans = np.linspace(0.08, 0.92, 5) * np.pi / 2
    track = np.stack([np.cos(pans), np.sin(pans)]).astype(np.float32) @ rows
    far = signal.noise(voice.rng, voice.length, FAR_HANDS, channels=2)
    track += signal.rms(track) * np.float32(0.25 * 1.3**voice.density) * far
    return outdoors(voice, track * presence(voice), decay_s=1.2, share=0.67, air_db=-46)


def _clap(voice: Voice) -> Floats:
    """Return one clap: a puff of air through the hollow between two palms, which is a narrow resonance (Repp 1987)."""
    hollow_hz = spread(voice, 650, 1800) * 1.3**voice.brightness
    size = seconds(0.035)
    time = np.arange(size) / RATE
    puff = voice.rng.standard_normal(size) * (np.exp(-time / 0.0035) + 0.15 * np.exp(-time / 0.010))
    width = 1.22 * 1.25**voice.roughness  # flat, stiff hands have no hollow
    return signal.unit(signal.bandpass(puff, hollow_hz / width, hollow_hz * width * 1.05))


# Children ------------------------------------------------------------------------------------------------------------


def children(voice: Voice) -> Floats:
    """Children who play at some distance: overlapping wordless calls and shrieks, with echoes."""
    count = max(3, round(7 * 2.0**voice.density))
    track = np.zeros((2, voice.length), np.float32)
    for _ in range(count):
        high, near, pan = spread(voice, 0.85, 1.25), spread(voice, 0.3, 1.0), spread(voice, -0.9, 0.9)
        calls = [_child(voice, high) for _ in range(5)]
        for start, end in bouts(voice, (1.0, 2.5), (0.4, 2.0)):
            start += spread(voice, 0.0, 0.8)
            while start < end:
                call = calls[voice.rng.integers(5)]
                signal.place_panned(track, call, start, near * spread(voice, 0.3, 1.0), pan)
                start += len(call) / RATE + spread(voice, 0.05, 0.4) / pace(voice)
    chatter = _murmur(voice, np.array([2.6, 3.2]), max(4, round(6 * 2.0**voice.density)))
    track += np.float32(0.1 * signal.rms(track) / signal.rms(chatter)) * chatter
    return outdoors(voice, signal.lowpass(track, 5500, 1), decay_s=1.4, share=0.74, air_db=-30)


def _child(voice: Voice, high: float) -> Floats:
    vowels = VOWELS_HZ[voice.rng.integers(len(VOWELS_HZ), size=voice.rng.integers(2, 4))] * 1.35
    tune = 430 * high * voice.rng.uniform(0.8, 1.9, 4)
    return cry(
        voice.rng,
        spread(voice, 0.2, 0.7),
        tune,
        [*vowels.T, 4300, 5400],
        level=(0.5, 1.0, 0.9, 0.4),
        attack=0.15,
        release=0.3,
        breath=0.1,
        jitter=0.012,
        shimmer=0.1,
        tilt_db=-4.0 + 3 * voice.brightness,
    )
