"""Spectrogram of a sound as a picture: level over time and frequency."""

import numpy as np
from PIL import Image
from scipy import fft

from ..audio import SAMPLE_RATE_HZ, Samples

WIDTH, HEIGHT = 420, 140  # pixels
LOW_HZ, HIGH_HZ = 40.0, 18_000.0
_WINDOW = 2048  # samples, 46 ms
_RANGE_DB = 70.0  # from the loudest point down to black
_SILENT_DB = 30.0  # quieter sounds are not brightened up to white; about 54 dB below a full-scale tone of 1 kHz

# Black, violet, red, yellow, white: anchors of a colour scale whose lightness grows evenly.
_COLOURS = np.array([[2, 2, 12], [60, 15, 110], [180, 45, 100], [245, 130, 50], [252, 250, 200]], dtype=float)


def spectrogram(samples: Samples) -> Image.Image:
    """Draw the level of a sound, shape (channels, samples), over time and logarithmic frequency."""
    mono = np.pad(samples.mean(axis=0), _WINDOW // 2)
    starts = np.linspace(0, len(mono) - _WINDOW, WIDTH).astype(int)
    frames = mono[starts[:, None] + np.arange(_WINDOW)] * np.hanning(_WINDOW).astype(np.float32)
    power = np.abs(fft.rfft(frames, axis=1)) ** 2
    edges_hz = np.geomspace(LOW_HZ, HIGH_HZ, HEIGHT)
    at = edges_hz * (_WINDOW / SAMPLE_RATE_HZ)
    low = np.floor(at).astype(int)
    rows = power[:, low] * (1 - (at - low)) + power[:, low + 1] * (at - low)
    # Raise the level by 3 dB per octave, as with bands of equal width in octaves: pink noise then looks even.
    level_db = 10 * np.log10(rows * edges_hz + 1e-12)
    shade = np.clip((level_db - max(level_db.max(), _SILENT_DB)) / _RANGE_DB + 1.0, 0.0, 1.0).T[::-1]
    scale = np.linspace(0, 1, len(_COLOURS))
    channels = [np.interp(shade, scale, _COLOURS[:, channel]) for channel in range(3)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))
