"""Mountains in relief: a height field seen in perspective, with light, cast shadows, snow and rock."""

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .colour import Colour, ramp, step, tone


@dataclass(frozen=True)
class Peak:
    """A mountain: position across and behind (in widths of the near edge), height and breadth."""

    across: float
    behind: float
    height: float
    breadth: float


@dataclass(frozen=True)
class Terrain:
    """The visible land as (h, w) fields, zero where there is sky."""

    cover: np.ndarray  # 1 where there is land
    far: np.ndarray  # 0 near .. 1 far
    light: np.ndarray  # 0 in shadow .. 1 facing the sun
    steep: np.ndarray  # slope
    height: np.ndarray  # 0 at the foot .. about 1 at the highest summit


SLICES = 420
DEPTH = 2.2  # of the land in view, in widths of its near edge


def view(canvas: Canvas, peaks: list[Peak], foot: float, tall: float, sun: tuple[float, float], rough=0.5) -> Terrain:
    """Return the view of a range with its foot at height `foot`. A summit of height 1 at depth 1 is `tall` units high.

    `sun` is the slope of the light, (down per unit to the right, share that comes from the front).
    """
    columns = np.linspace(0, canvas.width, 1200)
    depth = np.linspace(1.0, 1.0 + DEPTH, SLICES)[:, None]
    across = (columns[None, :] / canvas.width - 0.5) * depth
    behind = np.broadcast_to(depth - 1, across.shape)
    envelope = np.zeros_like(across)
    for peak in peaks:
        d = np.hypot(across - peak.across, (behind - peak.behind) * 0.8) / peak.breadth
        cone = peak.height * np.clip(1 - d, 0, None) ** 1.25
        envelope = np.maximum(envelope, cone) + 0.25 * np.minimum(envelope, cone)
    warp = _fractal(canvas, across * 2.2, behind * 2.2, 3)
    ridged = _fractal(canvas, across * 2.6 + 0.35 * warp, behind * 2.6 + 0.35 * warp, 8, ridged=True)
    height = envelope * (1 - rough + rough * 1.5 * ridged)
    lit = _light(across, behind, height, sun)
    slope = np.hypot(*_gradient(across, height))
    crest = foot - tall * height / depth**0.85

    index = np.full((canvas.h, len(columns)), -1, np.int32)
    rows = canvas.y[:, :1]
    for k in range(SLICES - 1, -1, -1):  # from far to near, each hiding what is behind it
        index[rows >= crest[k][None, :]] = k
    pick = np.clip((canvas.x[0] / canvas.width * 1199).round().astype(int), 0, 1199)
    index = index[:, pick]
    cover = ((index >= 0) & (canvas.y < foot)).astype(np.float32)
    index = np.maximum(index, 0)
    fields = (field[index, pick[None, :]].astype(np.float32) * cover for field in (behind / DEPTH, lit, slope, height))
    return Terrain(cover, *fields)


def _gradient(across: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope of the land to the right and to the back."""
    return np.gradient(height, axis=1) / np.gradient(across, axis=1), np.gradient(height, axis=0) * SLICES / DEPTH


def _light(across: np.ndarray, behind: np.ndarray, height: np.ndarray, sun: tuple[float, float]) -> np.ndarray:
    """Shade by the slope towards the sun on the left, and by the shadows that ridges cast to the right."""
    fall, front = sun
    rise, back = _gradient(across, height)
    facing = (rise - front * back + fall) / np.sqrt(1 + rise**2 + back**2)
    edge = np.maximum.accumulate(height + across * fall, axis=1) - across * fall
    shadow = step(0.004, 0.03, edge - height)
    return step(-0.15, 0.85, facing) * (1 - 0.85 * shadow)


def _fractal(canvas: Canvas, u: np.ndarray, v: np.ndarray, octaves: int, ridged: bool = False) -> np.ndarray:
    """Return fractal noise at the given points. `ridged` folds it into crests, 0..1."""
    total, amplitude, weight, power = np.zeros_like(u), 1.0, 1.0, 0.0
    for octave in range(octaves):
        tile = canvas.rng.uniform(-1, 1, (64, 64))
        x, y = u * 2**octave + 17.3 * octave, v * 2**octave + 5.1 * octave
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        dx, dy = x - left, y - top
        dx, dy = dx**3 * (dx * (6 * dx - 15) + 10), dy**3 * (dy * (6 * dy - 15) + 10)
        a, b = tile[top % 64, left % 64], tile[top % 64, (left + 1) % 64]
        c, d = tile[(top + 1) % 64, left % 64], tile[(top + 1) % 64, (left + 1) % 64]
        value = (a * (1 - dx) + b * dx) * (1 - dy) + (c * (1 - dx) + d * dx) * dy
        if ridged:
            value = (1 - np.abs(value)) ** 2 * weight
            weight = np.clip(value * 1.6, 0, 1)
        total, power, amplitude = total + amplitude * value, power + amplitude, amplitude * 0.5
    return total / power


def paint(canvas: Canvas, terrain: Terrain, snow_line: float, snow: list[str], rock: list[str], air: Colour) -> None:
    """Colour a range: snow above the snow line where it is not too steep, rock elsewhere, paler with distance."""
    uneven = 0.12 * canvas.noise(40, 4)
    lies = step(-0.10, 0.12, terrain.height - snow_line + uneven) * step(4.2, 2.4, terrain.steep + 8 * uneven)
    colour = ramp(terrain.light, rock)
    colour += (ramp(terrain.light, snow) - colour) * lies[..., None]
    haze = (0.10 + 0.55 * terrain.far)[..., None]
    canvas.mix(colour * (1 - haze) + tone(air) * haze, terrain.cover)
