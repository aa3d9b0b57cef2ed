"""Bristle brushes: a stamp per stroke, with the height of the paint that the stroke leaves."""

from functools import lru_cache

import numpy as np

SIZES = 6  # brush sizes per factor of e
ANGLES = 24  # per half turn
VARIANTS = 4


def stamp(rgb, height, scale, x, y, length, width, angle, opacity, colours, variants) -> None:
    """Paint n strokes in order on `rgb` and, if given, on `height`, the height of the paint."""
    h, w = rgb.shape[:2]
    columns, rows = np.round(np.asarray(x) * scale).astype(int), np.round(np.asarray(y) * scale).astype(int)
    # Sizes are rounded to steps of about a sixth, so that a few thousand stamps suffice for all strokes.
    widths = np.round(np.log(np.maximum(np.asarray(width) * scale, 0.8)) * SIZES).astype(int)
    lengths = np.round(np.log(np.maximum(np.asarray(length) * scale, 0.8)) * SIZES).astype(int)
    # A stroke thinner than a pixel covers only a part of it.
    covers = np.minimum(np.asarray(width) * scale / 0.8, 1) * np.minimum(np.asarray(length) * scale / 0.8, 1) * opacity
    turns = np.round(np.asarray(angle) / np.pi * ANGLES).astype(int) % ANGLES
    for i in range(len(columns)):
        alpha, paint, half = _stroke(int(lengths[i]), int(widths[i]), int(turns[i]), int(variants[i]))
        top, left = rows[i] - half, columns[i] - half
        bottom, right = top + 2 * half + 1, left + 2 * half + 1
        if top < 0 or left < 0 or bottom > h or right > w:
            if bottom <= 0 or right <= 0 or top >= h or left >= w:
                continue
            inside = np.s_[max(0, -top) : h - top, max(0, -left) : w - left]
            alpha, paint = alpha[inside], paint[inside]
            top, left, bottom, right = max(0, top), max(0, left), min(h, bottom), min(w, right)
        cover = alpha * np.float32(covers[i])
        area = rgb[top:bottom, left:right]
        area += cover[..., None] * (colours[i] - area)
        if height is not None:
            relief = height[top:bottom, left:right]
            relief += cover * (paint - relief)


@lru_cache(maxsize=8192)
def _stroke(length: int, width: int, turn: int, variant: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Make a stroke of bristles. Each bristle has its own start, end and load of paint.

    Returns alpha and paint height, both (n, n) float32, and their half size.
    """
    long, wide = float(np.exp(length / SIZES)), float(np.exp(width / SIZES))
    angle = turn * np.pi / ANGLES
    half = int(np.ceil((long + wide) / 2)) + 1
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = -columns * np.sin(angle) + rows * np.cos(angle)
    bend = (variant - (VARIANTS - 1) / 2) / VARIANTS * 0.28
    across = across + bend * (along**2 / max(long, 1) - long / 8)

    rng = np.random.default_rng([variant, abs(length), abs(width), turn])
    bristles = max(3, int(wide / 1.3))
    place = (across / wide + 0.5) * bristles
    number = np.arange(bristles + 1)
    load = np.interp(place, number, rng.uniform(0.55, 1.0, bristles + 1))
    begin = np.interp(place, number, rng.uniform(-0.5, -0.36, bristles + 1)) * long
    end = np.interp(place, number, rng.uniform(0.28, 0.5, bristles + 1)) * long
    soft = max(0.8, wide * 0.10)
    ends = np.clip((along - begin) / soft + 0.5, 0, 1) * np.clip((end - along) / soft + 0.5, 0, 1)
    round_ends = np.clip((np.hypot(np.maximum(np.abs(along) - (long - wide) / 2, 0), across) - wide / 2) / -soft, 0, 1)
    sides = np.clip((wide / 2 - np.abs(across)) / soft + 0.5, 0, 1)
    # Small dabs are round, long strokes ragged; a drying brush carries less at its end.
    shape = np.where(long < 1.6 * wide, round_ends, ends * sides)
    drying = 1 - 0.25 * np.clip(along / long + 0.5, 0, 1)
    alpha = shape * (0.35 + 0.65 * load) * drying
    ridge = 0.5 * np.exp(-(((np.abs(across) - wide * 0.42) / max(1.0, wide * 0.1)) ** 2))
    return alpha.astype(np.float32), (load + ridge).astype(np.float32), half
