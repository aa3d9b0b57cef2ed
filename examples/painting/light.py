"""Light: glow, shafts, mist, bloom, the relief of the paint and the weave of the canvas."""

import numpy as np

from .canvas import Canvas
from .colour import Colour, luminance, step


def distance(canvas: Canvas, x: float, y: float, stretch: float = 1.0) -> np.ndarray:
    """Return the distance from a point in design units. `stretch` > 1 makes the rings wider than high."""
    return np.hypot((canvas.x - x) / stretch, canvas.y - y)


def glow(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, strength=0.6, stretch=1.0) -> None:
    """Add the halo of a light: bright in the middle, fading out softly up to four radii."""
    reach = 4 * radius * canvas.scale
    top, left = (max(0, int(place)) for place in (y * canvas.scale - reach, x * canvas.scale - reach * stretch))
    here = np.s_[top : max(0, int(y * canvas.scale + reach)), left : max(0, int(x * canvas.scale + reach * stretch))]
    d = np.hypot((canvas.x[here] - x) / stretch, canvas.y[here] - y) / radius
    halo = np.zeros((canvas.h, canvas.w), np.float32)
    halo[here] = strength * (0.65 * np.exp(-(d**2)) + 0.35 / (1 + (2.2 * d) ** 3) * step(4, 1, d))
    canvas.screen(colour, halo)


def shafts(canvas: Canvas, x: float, y: float, beams, colour: Colour, strength: float, soft: float = 16) -> None:
    """Add light beams from a point outside the picture. `beams` are (foot x, foot y, width at the foot)."""
    wedges = [
        [(x - wide * 0.1, y), (x + wide * 0.1, y), (fx + wide / 2, fy), (fx - wide / 2, fy)] for fx, fy, wide in beams
    ]
    total = sum(canvas.polygon(wedge, soft=soft) for wedge in wedges)
    lowest = max(fy for _, fy, _ in beams)
    fade = step(lowest + 10, lowest - 420, canvas.y) * (0.75 + 0.3 * canvas.noise(90, 4))
    canvas.screen(colour, np.clip(strength * total * fade, 0, 0.8))


def mist(canvas: Canvas, y: float, thickness: float, colour: Colour, strength: float, cell: float = 90) -> None:
    """Add a bank of uneven mist at a height."""
    wisps = 0.65 + 0.5 * canvas.noise(cell, 4, stretch=4)
    canvas.mix(colour, np.clip(strength * np.exp(-(((canvas.y - y) / thickness) ** 2)) * wisps, 0, 0.95))


def bloom(canvas: Canvas, threshold: float, strength: float, sigma: float = 14) -> None:
    """Add bloom: bright areas glow beyond their edges."""
    bright = canvas.rgb * step(threshold, 1.0, luminance(canvas.rgb))[..., None]
    halo = canvas.blurred(bright, sigma) + 0.6 * canvas.blurred(bright, sigma * 3)
    canvas.rgb = 1 - (1 - np.clip(canvas.rgb, 0, 1)) * (1 - np.clip(strength * halo, 0, 0.9))


def relief(canvas: Canvas, height: np.ndarray, strength: float = 0.05, weave: float = 0.010) -> None:
    """Light the relief of the paint from the upper left, with the weave of the canvas."""
    height = canvas.blurred(height, 0.7)
    down, across = np.gradient(height)
    slope = np.clip(-(across + down), -0.5, 0.5)
    cloth = np.sin(canvas.x * 2.1) * np.sin(canvas.y * 2.1) * (0.6 + 0.4 * canvas.noise(60, 2))
    canvas.rgb *= (1 + 2 * strength * slope + (weave * cloth if canvas.scale > 0.7 else 0))[..., None]


def vignette(canvas: Canvas, strength: float = 0.22) -> None:
    """Darken the corners slightly, which keeps the eye on the picture."""
    d = np.hypot((canvas.x / canvas.width - 0.5) / 0.72, (canvas.y / canvas.height - 0.5) / 0.72)
    canvas.rgb *= (1 - strength * step(0.55, 1.15, d))[..., None]
