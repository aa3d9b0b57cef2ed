"""What the models that embed sounds, pictures and texts share: unit vectors, and the windows of long sounds."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..audio import Clip, Samples, resample

Vectors = npt.NDArray[np.float32]


def windows_of(clip: Clip, sample_rate: int, window_s: float) -> list[Samples]:
    """Return the sound as mono at this rate, in equal windows of at most `window_s` seconds: shape (samples,)."""
    mono = resample(Clip(clip.samples.mean(axis=0, keepdims=True), clip.sample_rate), sample_rate).samples[0]
    return np.array_split(mono, max(1, math.ceil(len(mono) / (window_s * sample_rate))))


def unit(features: Vectors) -> Vectors:
    """Return the vectors, shape (..., width), with length 1."""
    vectors: Vectors = features / np.linalg.norm(features, axis=-1, keepdims=True)
    return vectors


def stacked(features: Sequence[Vectors]) -> Vectors:
    """Return vectors as one array: float32, shape (vectors, width)."""
    return np.stack(features).astype(np.float32) if features else np.zeros((0, 0), np.float32)
