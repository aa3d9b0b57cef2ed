"""Water: reflections that ripple, waves in perspective, glitter."""

import numpy as np

from .canvas import Canvas, sampled
from .colour import Colour, step, tone


def depth(canvas: Canvas, horizon: float) -> np.ndarray:
    """Return the nearness of the water: 0 at the horizon, 1 at the bottom of the picture."""
    return np.clip((canvas.y - horizon) / (canvas.height - horizon), 0, 1)


def ripples(canvas: Canvas, horizon: float, count: float = 30, stretch: float = 5, octaves: int = 4) -> np.ndarray:
    """Return noise in the plane of the water, about -1..1: `count` ripples down to the bottom, finer far away."""
    below = np.maximum(canvas.y - horizon, 0) / (canvas.height - horizon)
    near = 0.045
    v = np.log((below + near) / near) / np.log((1 + near) / near)
    u = (canvas.x / canvas.width - 0.5) / (below + near) * canvas.width / (canvas.height * stretch)
    total, amplitude = np.zeros_like(v), 1.0
    for octave in range(octaves):
        size = 128
        tile = np.pad(canvas.rng.uniform(-1, 1, (size, size)).astype(np.float32), (0, 2), mode="wrap")
        frequency = count * 2**octave
        total += amplitude * sampled(tile, (u * frequency / 4) % size, (v * frequency) % size)
        amplitude *= 0.6
    return total


def reflect(canvas: Canvas, horizon: float, waves: np.ndarray, sway: float, tint: Colour, strength=0.9) -> np.ndarray:
    """Return the picture above the horizon mirrored in water. `sway` is the displacement by waves at the bottom."""
    below = np.maximum(canvas.y - horizon, 0)
    near = depth(canvas, horizon)
    shift = waves * sway * (0.08 + near**0.8)
    row = (horizon - below * 0.98 + shift) * canvas.scale - 0.5
    row = np.minimum(row, (horizon - 1.5) * canvas.scale - 0.5)
    column = (canvas.x + 0.35 * shift) * canvas.scale - 0.5
    mirrored = sampled(canvas.rgb, column, np.maximum(row, 0))
    return mirrored * strength + (1 - strength) * tone(tint)


def glitter(canvas: Canvas, x: float, horizon: float, foot: float, spread: float, count: int, colour: Colour) -> None:
    """Paint the glitter of the sun or a lamp on water: flat dabs, denser in the middle, wider and larger when near."""
    rng = canvas.rng
    near = rng.random(count) ** 1.3
    y = horizon + 2 + near * (foot - horizon)
    wide = spread * (0.25 + near)
    px = x + rng.normal(0, 0.5, count) * wide
    fade = np.exp(-(((px - x) / wide) ** 2)) * (0.95 - 0.45 * near)
    length = (5 + 26 * near) * np.exp(rng.normal(0, 0.3, count))
    canvas.dab(
        px, y, length, 1.2 + 3.2 * near, rng.normal(0, 0.04, count), colour, opacity=fade, value=0.06, warmth=0.02
    )


def foam(canvas: Canvas, line: np.ndarray, thickness: float, colour: Colour, opacity=0.9) -> np.ndarray:
    """Paint broken foam along y = line(x), shape (w,), with density `opacity` (a number or (w,)); return its mask."""
    d = canvas.y - line[None, :]
    lace = canvas.noise(max(8, thickness * 1.2), 4, stretch=2.6)
    mask = step(-0.12 * thickness, 0.1 * thickness, d) * step(1.0, 0.0, d / thickness + 0.55 * lace)
    mask = np.clip(mask * (1.0 + 0.3 * lace), 0, 1) * opacity
    canvas.mix(colour, mask)
    return mask


def mirror(
    canvas: Canvas, mask: np.ndarray, base: float, waves: np.ndarray, sway: float, tint: Colour, strength=0.8
) -> None:
    """Paint the reflection of a thing that floats or stands at height `base`. `mask` is the mask of the thing."""
    below = np.maximum(canvas.y - base, 0)
    shift = waves * sway * (0.25 + below / 160)
    row, column = (2 * base - canvas.y + shift) * canvas.scale - 0.5, (canvas.x + 0.6 * shift) * canvas.scale - 0.5
    cover = sampled(mask, column, row) * step(-0.5, 1.5, canvas.y - base) * np.exp(-below / 420)
    colour = sampled(canvas.rgb, column, row)
    canvas.mix(colour * 0.82 + tone(tint) * 0.18, cover * strength)
