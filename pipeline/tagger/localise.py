"""Where in the picture: from activation maps and region masks to boxes and distances."""

import math

import numpy as np

from ..soundscape import Box
from .evidence import Seen
from .regions import Grid

VIEW_HEIGHT = 0.8  # height of the view at 1 m, in metres: 2 tan(fov / 2) of a 35 mm equivalent lens of 30 mm
EYE_HEIGHT_M = 1.6


def activation(seen: Seen, classes: tuple[int, ...]) -> Grid:
    """Return how much each cell speaks for these classes, 0..1 (Zhou et al. 2016, class activation mapping)."""
    chances = seen.chances[list(classes)]
    weights = chances / max(float(chances.sum()), 1e-9)
    favour = np.tensordot(weights, seen.scores[list(classes)], 1) - seen.scores.mean(0)
    favour = favour - np.median(favour)
    share: Grid = np.clip(favour / max(float(favour.max()), 1e-6), 0, 1)
    return share.astype(np.float32)


def box_of_thing(seen: Seen, classes: tuple[int, ...]) -> Box | None:
    """Return the box of the thing that these classes name."""
    # Chosen on 47 photographs with boxes drawn by hand: higher thresholds keep only the heads of animals.
    return box_of(activation(seen, classes), threshold=0.15, tail=0.03)


def overlap(one: Box, other: Box) -> float:
    """Return the shared area of two boxes over the area that both cover."""
    across = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    down = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return across * down / (both - across * down)


def box_of(mask: Grid, threshold: float = 0.35, tail: float = 0.06) -> Box | None:
    """Return the box that holds nearly all of the mask's weight, None when there is nothing in it."""
    weight = np.where(mask >= threshold * float(mask.max(initial=0.0)), mask, 0.0)
    if float(weight.sum()) <= 1e-6:
        return None
    x0, x1 = _extent(weight.sum(0), tail)
    y0, y1 = _extent(weight.sum(1), tail)
    return (round(x0, 3), round(y0, 3), round(x1, 3), round(y1, 3))


def _extent(profile: Grid, tail: float) -> tuple[float, float]:
    """Return where a share `tail` of the profile lies on either side, interpolated within cells."""
    edges = np.linspace(0, 1, len(profile) + 1)
    cumulated = np.concatenate([[0.0], np.cumsum(profile) / profile.sum()])
    low, high = (float(np.interp(share, cumulated, edges)) for share in (tail, 1 - tail))
    if high - low < 0.02:  # a box has an extent, and a sound has a width
        low, high = max(0.0, low - 0.01), min(1.0, high + 0.01)
    return low, high


def distance_of_thing(box: Box, size_m: float) -> float:
    """Return how far away a thing of known height is that fills the box's height."""
    x0, y0, x1, y1 = box
    span = max(y1 - y0, 0.6 * (x1 - x0), 0.05)
    return _tidy(size_m / (VIEW_HEIGHT * span))


def distance_of_ground(box: Box, horizon: float, scale: float = 1.0) -> float:
    """Return how far away flat ground or water in that part of the picture lies, seen by someone standing."""
    _, y0, _, y1 = box
    # What lies below the horizon tells of it too: in mist the sky seems to go on into the water.
    below = max((y0 + y1) / 2 - min(horizon, y0), 0.03)
    return _tidy(scale * EYE_HEIGHT_M / (VIEW_HEIGHT * below))


def horizon_of(sky: Grid) -> float:
    """Return the height at which the sky ends, 0 at the top; 0.35 when there is none to speak of."""
    profile = sky.mean(1)
    if profile[: max(1, len(profile) // 8)].mean() < 0.3:
        return 0.35
    return float(np.clip(profile.sum() / len(profile), 0.1, 0.8))


def _tidy(distance_m: float) -> float:
    distance_m = min(1000.0, max(0.5, distance_m))
    digits = 1 - math.floor(math.log10(distance_m))
    return round(distance_m, max(0, digits))
