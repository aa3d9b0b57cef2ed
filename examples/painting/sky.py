"""Skies: gradients, clouds and the birds in them."""

import numpy as np

from .canvas import Canvas
from .colour import Colour, ramp, step


def gradient(canvas: Canvas, colours: list[str], stops: list[float]) -> None:
    """Fill the canvas with a vertical gradient. The stops are heights in design units."""
    wander = 10 * canvas.noise(220, 3, stretch=3)
    canvas.rgb = ramp(canvas.y + wander, colours, stops)


def cloud_field(canvas: Canvas, cell: float, stretch: float, warp: float = 0.5, octaves: int = 6) -> np.ndarray:
    """Return billowing noise, about -1..1: fractal noise displaced by other noise."""
    base = canvas.noise(cell, octaves, stretch)
    dx, dy = canvas.noise(cell * 0.8, 4, stretch), canvas.noise(cell * 0.8, 4, stretch)
    return canvas.warped(base, warp * cell * stretch * dx, warp * cell * dy)


def lit_clouds(canvas: Canvas, field, cover, sun, light: Colour, shade: Colour, softness=0.5, opacity=0.9) -> None:
    """Draw clouds where `field` exceeds `cover` (number or array), lit from the direction `sun` = (dx, dy)."""
    density = step(0, softness, field - cover)
    dx, dy = sun
    toward = canvas.blurred(density, 4)
    away = canvas.warped(toward, np.full_like(toward, dx), np.full_like(toward, dy))
    lit = step(-0.35, 0.55, toward - away + 0.25 * (1 - toward))
    colour = ramp(lit, [shade, light])
    canvas.mix(colour, density * opacity)


def bird(x: float, y: float, span: float, lift: float = 0.35, tilt: float = 0.0) -> np.ndarray:
    """Return the outline of a flying gull, (n, 2)."""
    t = np.linspace(-1, 1, 21)
    top = -lift * span * (np.abs(np.sin(np.abs(t) * 2.2)) * 0.9 - 0.55 * np.abs(t)) + tilt * span * t
    thick = span * 0.075 * (1 - np.abs(t)) ** 0.7 + 0.3
    upper = np.stack([x + span * t, y + top], -1)
    lower = np.stack([x + span * t, y + top + thick], -1)[::-1]
    return np.concatenate([upper, lower])
