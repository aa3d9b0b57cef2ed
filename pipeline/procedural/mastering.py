"""The last steps of every stem: brightness and roughness, which work alike for all kinds, then level and fades."""

import numpy as np

from ..audio import FADE_S, Floats, Samples, db_to_gain, fade_ends
from . import schedule, signal
from .signal import RATE
from .voice import Voice

LEVEL_DB = -23.0  # loudness of the loudest 0.4 s, relative to full scale: the target of EBU R 128 leaves headroom
PEAK = 0.9
_TILT_DB_PER_OCTAVE = 3.0  # at brightness 1: between "behind a wall" and "bare metal", still natural
_PIVOT_HZ = 800.0
_COURSE_S = 0.01  # resolution of the level that `textured` preserves
_BLOCK_S = 0.4  # momentary loudness (EBU Tech 3341)

# ITU-R BS.1770-4 gives K-weighting as biquads for 48 kHz. At 44.1 kHz, a shelf and a high-pass with the same corner
# frequencies are close enough.
_K_HIGHPASS_HZ, _K_SHELF_HZ, _K_SHELF_DB = 38.0, 1500.0, 4.0


def finish(raw: Floats, voice: Voice, *, comes_and_goes: bool) -> Samples:
    """Return the stem, float32 (channels, samples): role and qualities applied, no DC, at its level, with faded ends.

    `comes_and_goes` fades the sound in and out unless its role is a bed.
    """
    samples: Floats = np.atleast_2d(raw).astype(np.float32, copy=False)
    if samples.shape[1] < voice.length:
        samples = np.pad(samples, ((0, 0), (0, voice.length - samples.shape[1])))
    samples = samples[:, : voice.length]
    if comes_and_goes and voice.role != "bed":
        samples = samples * schedule.presence(voice)
    samples = coloured(samples, voice.brightness)
    samples = textured(samples, voice.roughness)
    samples = signal.highpass(samples, 20.0)
    return fade_ends(levelled(samples).astype(np.float32, copy=False), RATE, FADE_S)


def coloured(samples: Floats, brightness: float) -> Floats:
    """Return the signal with its spectrum tilted around 800 Hz: up if bright, down if dark."""
    if abs(brightness) < 0.01:
        return samples
    tilt = _TILT_DB_PER_OCTAVE * brightness
    # Most of the tilt is above the pivot: a muffled sound loses its highs but gains no rumble.
    return signal.shaped(samples, [(_PIVOT_HZ / 8, -tilt), (_PIVOT_HZ, 0.0), (_PIVOT_HZ * 16, 4 * tilt)])


def textured(samples: Floats, roughness: float) -> Floats:
    """Return the signal with a rougher waveform (overdriven, like a close microphone) or a softer one.

    The level over time is preserved: a rough bark is no louder between two barks.
    """
    if abs(roughness) < 0.01:
        return samples
    if roughness > 0:
        level = 3.0 * _course(samples)
        return level * np.tanh(np.float32(1.0 + 3.0 * roughness) * samples / level)
    # Softer: cut the highs and compress the peaks.
    soft = signal.lowpass(samples, 12_000.0 * 0.4**-roughness, order=1)
    level = 4.0 * _course(soft)
    return level * np.arctan(soft / level * np.float32(1.0 - roughness)) / np.float32(1.0 - roughness)


def _course(samples: Floats) -> Floats:
    """Return the RMS around each sample over all channels, always above 0; an attack has its full level at once."""
    step = signal.seconds(_COURSE_S)
    power = np.square(samples).mean(axis=0)
    steps = np.pad(power, (0, -len(power) % step)).reshape(-1, step).mean(axis=1)
    around = np.max(np.lib.stride_tricks.sliding_window_view(np.pad(steps, 1, mode="edge"), 3), axis=1)
    level = np.sqrt(around) + 1e-3 * np.sqrt(steps.max()) + np.float32(1e-9)
    return signal.joined(np.append(level, level[-1]), step, len(power))


def levelled(samples: Floats) -> Floats:
    """Return the signal with its loudest 0.4 s at `LEVEL_DB`, or lower where a peak would exceed `PEAK`."""
    loudness = loudest_block(samples)
    if loudness < 1e-9:
        return samples
    gain = db_to_gain(LEVEL_DB) / loudness
    top = float(np.abs(samples).max())
    return samples * np.float32(min(gain, PEAK / top))


def loudest_block(samples: Floats) -> float:
    """Return the RMS (all channels, roughly K-weighted) of the loudest block of 0.4 s."""
    heard = signal.highpass(samples, _K_HIGHPASS_HZ)
    shelf = db_to_gain(_K_SHELF_DB) - 1.0
    heard += np.float32(shelf) * signal.highpass(samples, _K_SHELF_HZ, order=1)
    power = np.einsum("cs,cs->s", heard, heard, dtype=np.float64) / len(heard)
    block = min(signal.seconds(_BLOCK_S), len(power))
    totals = np.concatenate([[0.0], np.cumsum(power)])
    sums = totals[block:] - totals[:-block]
    return float(np.sqrt(max(sums.max(), 0.0) / block))
