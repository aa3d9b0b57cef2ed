"""Sensory figures of picture and sound (brightness, side, density, warmth), and whether the two agree.

No model is needed. glossary.toml defines each figure with its source, and the four relations between picture and sound
with the studies that found them in people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..audio import Clip, Samples
from .glossary import read_data
from .spectra import POWER_FLOOR, Frequencies, Power, band_edges_hz, band_powers, frequencies_hz, power_frames

Pixels = npt.NDArray[np.uint8]  # sRGB, shape (height, width, 3)
Plane = npt.NDArray[np.float32]  # one value per pixel, shape (height, width); of L*a*b* three planes in front

LONG_SIDE_PX = 256  # finer detail is texture, not the edge of an object
EDGE_CONTRAST = 5.0  # steps of lightness L* (0..100) from one pixel to the next
WARM_HUE_DEGREES = 50.0  # the warmest hue, orange (Ou et al. 2004)

WINDOW, HOP = 1024, 512  # samples
ONSET_BANDS = 20
ONSET_STEP = 0.12  # an onset raises the loudness by this share of its mean within 23 ms; white noise stays below
ONSET_GAP_S = 0.06  # onsets closer than this count as one
SURROUNDINGS_S = 0.25  # to each side of an onset, which must stand out from them
LOW_HZ, HIGH_HZ = 500.0, 2000.0
MOST_DB = 60.0  # limit of the ratio of low to high; that of a pure tone is arbitrary

FEWEST = 10  # results; with fewer, a rank correlation says next to nothing and its interval is unreliable
LEVEL = 0.95  # of the confidence intervals


@dataclass(frozen=True)
class Pair:
    """A figure of the picture and one of the sound that people match, with the reason and the sources."""

    name: str
    label: str
    picture: str
    sound: str
    why: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """Spearman's rank correlation of a pair over `n` results, with its 95 % interval and the p-value of no relation.

    `rho` is None when it is undefined. Interval and p are None for fewer than `FEWEST` results. `note` says why.
    """

    name: str
    rho: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    note: str = ""


class HasManifest(Protocol):
    """A result as `pipeline.results.collection` reads it."""

    @property
    def manifest(self) -> Mapping[str, Any]: ...


@cache
def relations() -> tuple[Pair, ...]:
    """Return the four pairs, best evidence first."""
    return tuple(
        Pair(name, each["label"], each["picture"], each["sound"], each["why"], tuple(each["sources"]))
        for name, each in read_data()["relations"].items()
    )


# The picture ---------------------------------------------------------------------------------------------------------


def of_picture(picture: Image.Image) -> dict[str, float]:
    """Return brightness and busyness (0..1), balance (-1 left .. 1 right) and warmth (-1 cold .. 1 warm)."""
    lab = _lab(_small(picture.convert("RGB")))
    lightness, a, b = lab
    return {
        "brightness": _rounded(float(lightness.mean()) / 100, 4),
        "balance": _rounded(_weight_balance(lab), 4),
        "busyness": _rounded(_edge_share(lightness), 4),
        "warmth": _rounded(_warmth(a, b), 4),
    }


def _small(picture: Image.Image) -> Pixels:
    """Return the picture with its longer side reduced to `LONG_SIDE_PX`: uint8, shape (height, width, 3)."""
    scale = LONG_SIDE_PX / max(picture.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX, reducing_gap=1.5)
    return np.asarray(picture)


@cache
def _linear_of_byte() -> npt.NDArray[np.float32]:
    """Return the linear light (0..1) of every sRGB byte (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


_XYZ_OF_RGB = np.array(  # sRGB, each row divided by the white of D65
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
) / np.array([[0.95047], [1.0], [1.08883]])


def _lab(rgb: Pixels) -> Plane:
    """Return CIE L*a*b* of sRGB bytes, shape (3, height, width)."""
    xyz = _linear_of_byte()[rgb] @ _XYZ_OF_RGB.T.astype(np.float32)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)))


def _weight_balance(lab: Plane) -> float:
    """Return the centre of visual weight, -1 left .. 1 right. A pixel weighs its distance from the mean colour."""
    weight = np.sqrt(np.square(lab - lab.mean(axis=(1, 2), keepdims=True)).sum(axis=0)).sum(axis=0)
    total, width = float(weight.sum()), weight.size
    if total < 0.5 * lab[0].size:  # nothing stands out: on average half a step of colour, which is invisible
        return 0.0
    place = (2 * np.arange(width) + 1) / width - 1
    return float(weight @ place) / total


def _edge_share(lightness: Plane) -> float:
    if min(lightness.shape) < 2:
        return 0.0
    across, along = np.gradient(lightness)
    return float(np.mean(np.hypot(across, along) > EDGE_CONTRAST))


def _warmth(a: Plane, b: Plane) -> float:
    """Return the mean chroma from cold (-1) to warm (1). 1 is a chroma of 100, about the sRGB maximum."""
    towards = np.deg2rad(WARM_HUE_DEGREES)
    return float(np.clip(np.mean(a * np.cos(towards) + b * np.sin(towards)) / 100, -1, 1))


# The sound -----------------------------------------------------------------------------------------------------------


def of_sound(clip: Clip) -> dict[str, float | None]:
    """Return centroid_hz, balance (-1 left .. 1 right), onsets_per_s and low_high_db.

    The centroid and the ratio of low to high are None for silence.
    """
    power = power_frames(clip, WINDOW, HOP)
    frequency_hz = frequencies_hz(clip, WINDOW)
    spectrum = power.mean(axis=0)
    is_silent = float(spectrum.sum()) < POWER_FLOOR
    return {
        "centroid_hz": None if is_silent else _rounded(_centroid_hz(spectrum, frequency_hz), 1),
        "balance": _rounded(_side_balance(clip.samples), 4),
        "onsets_per_s": 0.0 if is_silent else _rounded(_onsets(power, clip) / clip.duration_s, 3),
        "low_high_db": None if is_silent else _rounded(_low_high_db(spectrum, frequency_hz), 2),
    }


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0  # turns -0.0 into 0.0


def _centroid_hz(spectrum: Power, frequency_hz: Frequencies) -> float:
    amplitude = np.sqrt(spectrum)
    return float(amplitude @ frequency_hz / amplitude.sum())


def _side_balance(samples: Samples) -> float:
    if samples.shape[0] != 2:
        return 0.0
    left, right = (float(np.vdot(channel, channel)) for channel in samples)
    return (right - left) / (right + left) if left + right > 0 else 0.0


def _low_high_db(spectrum: Power, frequency_hz: Frequencies) -> float:
    low = float(spectrum[(frequency_hz >= 20) & (frequency_hz < LOW_HZ)].sum())
    high = float(spectrum[frequency_hz > HIGH_HZ].sum())
    return float(np.clip(10 * np.log10((low + POWER_FLOOR) / (high + POWER_FLOOR)), -MOST_DB, MOST_DB))


def _onsets(power: Power, clip: Clip) -> int:
    """Count the onsets: peaks of the spectral flux, the growth of loudness summed over all bands."""
    from scipy.ndimage import maximum_filter1d, median_filter

    rate = clip.sample_rate / HOP
    edges_hz = band_edges_hz(60.0, min(16_000.0, clip.sample_rate / 2), ONSET_BANDS)
    course = np.sqrt(np.sqrt(band_powers(power, frequencies_hz(clip, WINDOW), edges_hz)))
    level = float(course.sum(axis=1).mean())
    if len(course) < 4 or level <= 0:
        return 0
    growth = np.maximum(course[2:] - course[:-2], 0).sum(axis=1) / level
    usual = median_filter(growth, 2 * round(SURROUNDINGS_S * rate) + 1, mode="nearest")
    highest = maximum_filter1d(growth, 2 * round(ONSET_GAP_S * rate / 2) + 1)
    return int(np.count_nonzero((growth == highest) & (growth - usual > ONSET_STEP)))


# Together ------------------------------------------------------------------------------------------------------------


def relate(entries: Iterable[HasManifest]) -> list[Relation]:
    """Return the correlation of each of the four pairs over a collection. Results without senses are skipped."""
    senses = [each.manifest.get("senses") or {} for each in entries]
    both = [(each["picture"], each["sound"]) for each in senses if each.get("picture") and each.get("sound")]
    return [
        rank_correlation(
            pair.name,
            [picture.get(pair.picture) for picture, _ in both],
            [sound.get(pair.sound) for _, sound in both],
        )
        for pair in relations()
    ]


def rank_correlation(name: str, one: Sequence[float | None], other: Sequence[float | None]) -> Relation:
    """Return Spearman's rank correlation of two figures, over the places where neither is None.

    The interval is Fisher's z with the variance (1 + rho^2 / 2) / (n - 3) of Bonett & Wright (2000). p is SciPy's, from
    the t distribution.
    """
    pairs = np.array([(a, b) for a, b in zip(one, other) if a is not None and b is not None], dtype=float)
    n = len(pairs)
    if n < 3:
        return Relation(name, None, None, None, None, n, f"Too few results to compare: {n}.")
    if np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return Relation(name, None, None, None, None, n, "One of the two is the same in every result.")
    from scipy.stats import norm, spearmanr

    found = spearmanr(pairs[:, 0], pairs[:, 1])
    rho = float(np.clip(found.statistic, -1, 1))
    if n < FEWEST:
        note = f"Too few results to rule out chance: {n}, at least {FEWEST} are needed."
        return Relation(name, rho, None, None, None, n, note)
    reach = float(norm.ppf(0.5 + LEVEL / 2)) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    z = np.arctanh(np.clip(rho, -1 + 1e-9, 1 - 1e-9))
    return Relation(name, rho, float(np.tanh(z - reach)), float(np.tanh(z + reach)), float(found.pvalue), n)
