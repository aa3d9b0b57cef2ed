"""Land: ridges one behind another, grass, stones and flowers."""

import numpy as np

from .canvas import Canvas
from .colour import Colour, ramp, step, tone


def below(canvas: Canvas, line: np.ndarray, soft: float = 1.2) -> np.ndarray:
    """Return the mask of the area below y = line(x), where `line` has shape (w,)."""
    return step(-soft, soft, canvas.y - line[None, :])


def grass(canvas: Canvas, x, y, height, colours, lean=0.25, width=2.2, opacity=0.9) -> None:
    """Draw blades of grass that grow from x, y, in the given order: sort them by y."""
    n = len(x)
    angle = np.pi / 2 + canvas.rng.normal(0, lean, n)
    height = np.broadcast_to(height, n) * np.exp(canvas.rng.normal(0, 0.25, n))
    canvas.dab(
        x + np.cos(angle) * height / 2, y - np.abs(np.sin(angle)) * height / 2, height, width, np.pi - angle, colours,
        opacity=opacity, value=0.10, warmth=0.03,
    )  # fmt: skip


def stone(
    canvas: Canvas, x: float, y: float, rx: float, ry: float, light: Colour, dark: Colour, sun=(-0.6, -0.8)
) -> np.ndarray:
    """Draw a boulder with an uneven outline and lit planes; return its mask."""
    t = np.linspace(0, 2 * np.pi, 26)[:-1]
    wobble = 1 + 0.10 * np.interp(t, np.linspace(0, 2 * np.pi, 8), np.resize(canvas.rng.normal(0, 1, 7), 8))
    flat = np.where(np.sin(t) > 0, 0.72, 1.0)
    outline = np.stack([x + rx * wobble * np.cos(t), y + ry * flat * wobble * np.sin(t)], -1)
    mask = canvas.polygon(outline)
    grain = canvas.noise(max(10, ry * 0.7), 3, stretch=1.5)
    facing = ((canvas.x - x) / rx) * sun[0] + ((canvas.y - y) / ry) * sun[1] + 0.30 * grain
    canvas.mix(ramp(step(-0.7, 0.9, facing), [dark, light]), mask)
    return mask


def scatter(canvas: Canvas, count: int, top: float, foot: float, power: float = 1.6):
    """Return x, y and nearness (0 far .. 1 near) of things on a plain, denser far away and sorted from far to near."""
    near = np.sort(canvas.rng.random(count)) ** power
    return canvas.rng.uniform(-20, canvas.width + 20, count), top + near * (foot - top), near


def faded(colour: Colour, air: Colour, amount: float) -> np.ndarray:
    """Return a colour as seen through the air between (aerial perspective)."""
    return tone(colour) * (1 - amount) + tone(air) * amount
