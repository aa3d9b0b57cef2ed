"""Sound as arrays, with one convention everywhere: float32, shape (channels, samples), full scale ±1.

Arrays are transposed only for libraries with another convention: in this module for soundfile and soxr, and in
`mixing/loudness.py` for pyloudnorm.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from .checkpoint import checkpoint
from .files import check_file

Samples = npt.NDArray[np.float32]  # shape (channels, samples), full scale at +-1
Floats = npt.NDArray[np.floating[Any]]  # any array of real numbers, single or double precision

SAMPLE_RATE_HZ = 44_100  # of every mix: the rate of a CD and of Stable Audio
FADE_S = 0.010  # long enough to avoid a click, too short to be heard as a fade


@dataclass(frozen=True)
class Clip:
    """A piece of sound: float32 samples, shape (channels, samples), and their sample rate in hertz.

    `notes` tell the user what is worth knowing about how it was made. Raises ValueError for another dtype or shape.
    """

    samples: Samples
    sample_rate: int = SAMPLE_RATE_HZ
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            shape, dtype = self.samples.shape, self.samples.dtype
            raise ValueError(f"a clip holds float32 samples of shape (channels, samples), not {dtype} of shape {shape}")

    @property
    def duration_s(self) -> float:
        return float(self.samples.shape[1] / self.sample_rate)


def db_to_gain(level_db: float) -> float:
    """Return the amplitude factor that changes the level by `level_db` decibels."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float) -> float:
    """Return the level in decibels of an amplitude factor; silence is -inf."""
    return 20.0 * float(np.log10(gain)) if gain > 0 else -math.inf


def fade_ends(samples: Samples, sample_rate: int, fade_s: float = FADE_S) -> Samples:
    """Return samples, shape (channels, samples), with a raised-cosine fade at both ends, so that neither clicks."""
    length = min(round(fade_s * sample_rate), samples.shape[1] // 2)
    if length == 0:
        return samples
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
    faded = samples.copy()
    faded[:, :length] *= ramp
    faded[:, -length:] *= ramp[::-1]
    return faded


def resample(clip: Clip, sample_rate: int) -> Clip:
    """Return the clip at another sample rate (soxr, high quality)."""
    if clip.sample_rate == sample_rate:
        return clip
    import soxr

    resampled = soxr.resample(clip.samples.T, clip.sample_rate, sample_rate, quality="HQ")
    return Clip(np.ascontiguousarray(resampled.T, dtype=np.float32), sample_rate)


def fit_length(samples: Samples, length: int) -> Samples:
    """Return samples, shape (channels, samples), cut or padded with silence at the end to `length` samples."""
    have = samples.shape[1]
    return samples[:, :length] if have >= length else np.pad(samples, ((0, 0), (0, length - have)))


def wav_bytes(clip: Clip, *, dither_seed: int = 0) -> bytes:
    """Return the clip as a 16-bit PCM WAV file.

    Triangular dither of two least significant bits peak to peak (Lipshitz, Wannamaker & Vanderkooy 1992) keeps quiet
    tails free of distortion. The dither is seeded, so the same clip gives the same bytes.
    """
    checkpoint()
    rng = np.random.default_rng(dither_seed)
    noise = rng.random(clip.samples.shape, dtype=np.float32) - rng.random(clip.samples.shape, dtype=np.float32)
    steps = np.clip(np.rint(clip.samples * 32767.0 + noise), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, steps.T, clip.sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def read_wav(path: Path) -> Clip:
    """Read a sound file in any format that libsndfile supports. Raises SoundscapeError for what is no regular file."""
    check_file(path)
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Clip(np.ascontiguousarray(samples.T), sample_rate)
