"""Boxes and distances, from activation maps and region masks."""

import math

import numpy as np

from ..soundscape import Box
from .evidence import Seen
from .regions import Grid

VIEW_HEIGHT = 0.8  # height of the view at 1 m, in metres: 2 tan(fov / 2) for a 30 mm lens (35 mm equivalent)
EYE_HEIGHT_M = 1.6


def activation(seen: Seen, classes: tuple[int, ...]) -> Grid:
    """Return the class activation map of these classes, 0..1 (Zhou et al. 2016)."""
    chances = seen.chances[list(classes)]
    weights = chances / max(float(chances.sum()), 1e-9)
    favour = np.tensordot(weights, seen.scores[list(classes)], 1) - seen.scores.mean(0)
    favour = favour - np.median(favour)
    share: Grid = np.clip(favour / max(float(favour.max()), 1e-6), 0, 1)
    return share.astype(np.float32)


def box_of_thing(seen: Seen, classes: tuple[int, ...]) -> Box | None:
    """Return the box of the thing that these classes name."""
    # Tuned on 47 photographs with drawn boxes. Higher thresholds keep only the heads of animals.
    return box_of(activation(seen, classes), threshold=0.15, tail=0.03)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union."""
    across = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    down = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return across * down / (both - across * down)


def box_of(mask: Grid, threshold: float = 0.35, tail: float = 0.06) -> Box | None:
    """Return the box that contains nearly all of the mask's weight; None for an empty mask."""
    weight = np.where(mask >= threshold * float(mask.max(initial=0.0)), mask, 0.0)
    if float(weight.sum()) <= 1e-6:
        return None
    x0, x1 = _extent(weight.sum(0), tail)
    y0, y1 = _extent(weight.sum(1), tail)
    return (round(x0, 3), round(y0, 3), round(x1, 3), round(y1, 3))


def _extent(profile: Grid, tail: float) -> tuple[float, float]:
    """Return the two positions beyond which a share `tail` of the profile lies, interpolated within cells."""
    edges = np.linspace(0, 1, len(profile) + 1)
    cumulated = np.concatenate([[0.0], np.cumsum(profile) / profile.sum()])
    low, high = (float(np.interp(share, cumulated, edges)) for share in (tail, 1 - tail))
    if high - low < 0.02:  # a box must not be empty
        low, high = max(0.0, low - 0.01), min(1.0, high + 0.01)
    return low, high


def distance_of_thing(box: Box, size_m: float) -> float:
    """Return the distance in metres of a thing of known height that fills the box."""
    x0, y0, x1, y1 = box
    span = max(y1 - y0, 0.6 * (x1 - x0), 0.05)
    return _tidy(size_m / (VIEW_HEIGHT * span))


def distance_of_ground(box: Box, horizon: float, scale: float = 1.0) -> float:
    """Return the distance in metres of flat ground or water in the box, seen by a standing person."""
    _, y0, _, y1 = box
    # The horizon is not below the box, though in mist the sky seems to extend into the water.
    below = max((y0 + y1) / 2 - min(horizon, y0), 0.03)
    return _tidy(scale * EYE_HEIGHT_M / (VIEW_HEIGHT * below))


def horizon_of(sky: Grid) -> float:
    """Return the lower end of the sky, 0 at the top of the picture; 0.35 when there is hardly any sky."""
    profile = sky.mean(1)
    if profile[: max(1, len(profile) // 8)].mean() < 0.3:
        return 0.35
    return float(np.clip(profile.sum() / len(profile), 0.1, 0.8))


def _tidy(distance_m: float) -> float:
    distance_m = min(1000.0, max(0.5, distance_m))
    digits = 1 - math.floor(math.log10(distance_m))
    return round(distance_m, max(0, digits))
