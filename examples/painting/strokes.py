"""The painterly pass: thousands of strokes, from broad to fine, along the forms of a composition.

After Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes" (SIGGRAPH 1998): finer brushes paint
only where the painting still differs from the composition. Strokes follow the structure tensor and the scene's flow.
They end at edges, as in Litwinowicz, "Processing images and video for an impressionist effect" (SIGGRAPH 1997).
"""

from dataclasses import dataclass

import numpy as np

from . import brushes
from .canvas import Canvas, blurred
from .colour import jittered, luminance


@dataclass(frozen=True)
class Brush:
    """One layer of strokes. Width and spacing are in design units; only errors above the threshold are painted over."""

    width: float
    spacing: float
    threshold: float
    length: float = 4.0  # in widths
    opacity: float = 0.9


EDGE = 0.09  # a mean difference of RGB that counts as an edge

LAYERS = (
    Brush(44, 16, 0.0, 3.0, 0.85),
    Brush(22, 9, 0.018, 3.6, 0.85),
    Brush(11, 5.5, 0.030, 4.2, 0.85),
    Brush(6, 3.6, 0.040, 4.2, 0.85),
    Brush(3.4, 2.4, 0.050, 4.0, 0.9),
)


def paint(
    canvas: Canvas, layers: tuple[Brush, ...] = LAYERS, value: float = 0.035, warmth: float = 0.012
) -> np.ndarray:
    """Repaint the canvas in strokes and return the height of the paint, (h, w), for `light.relief`."""
    composition = canvas.rgb
    angle = _directions(canvas, composition)
    painting = canvas.blurred(composition, 14)
    height = np.full((canvas.h, canvas.w), 0.5, np.float32)
    for brush in layers:
        x, y, jitter = _places(canvas, brush.spacing)
        n = len(x)
        variants = canvas.rng.integers(0, brushes.VARIANTS, n)
        order = canvas.rng.random(n)
        varied = canvas.rng.normal(0, 1, (n, 2))
        if brush.width * canvas.scale < 1.2:
            jittered(canvas.rng, np.zeros((n, 3), np.float32), value, warmth)  # the same draws at any scale
            continue
        reference = canvas.blurred(composition, brush.width * 0.22)
        error = np.abs(reference - painting).mean(-1)
        error = blurred(error, brush.width * 0.25 * canvas.scale) * (1 + 2.0 * canvas.detail)
        row = np.clip((y * canvas.scale).astype(int), 0, canvas.h - 1)
        column = np.clip((x * canvas.scale).astype(int), 0, canvas.w - 1)
        colours = jittered(canvas.rng, reference[row, column], value, warmth)
        wanted = np.flatnonzero(error[row, column] >= brush.threshold * (0.7 + 0.6 * jitter))
        # Shuffled: sorted strokes (broad and light below, small and dark above) would look scratched.
        wanted = wanted[np.argsort(order[wanted])]
        length = (
            brush.width
            * brush.length
            * np.exp(0.25 * varied[wanted, 0])
            / (1 + 0.8 * canvas.detail[row, column][wanted])
        )
        width = brush.width * np.exp(0.15 * varied[wanted, 1])
        turned = angle[row, column][wanted] + 0.12 * varied[wanted, 1]
        length = _clipped(canvas, reference, x[wanted], y[wanted], length, width, turned)
        opacity = np.full(len(wanted), brush.opacity)
        brushes.stamp(
            painting, height, canvas.scale, x[wanted], y[wanted], length, width, turned, opacity,
            colours[wanted], variants[wanted],
        )  # fmt: skip
    canvas.rgb = painting
    return height


def _clipped(canvas: Canvas, reference: np.ndarray, x, y, length, width, angle) -> np.ndarray:
    """Shorten strokes that cross an edge, where the colour at an end differs from that in the middle."""

    def at(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        row = np.clip((py * canvas.scale).astype(int), 0, canvas.h - 1)
        return reference[row, np.clip((px * canvas.scale).astype(int), 0, canvas.w - 1)]

    middle, allowed = at(x, y), np.full(len(x), 0.18)
    reaching = np.ones(len(x), bool)
    for part in (0.25, 0.36, 0.5):
        dx, dy = part * length * np.cos(angle), part * length * np.sin(angle)
        change = np.maximum(np.abs(at(x + dx, y + dy) - middle), np.abs(at(x - dx, y - dy) - middle)).mean(-1)
        reaching &= change < EDGE
        allowed = np.where(reaching, part, allowed)
    return np.maximum(length * allowed * 2, width * 1.2)


def _places(canvas: Canvas, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the points of a jittered grid, with a random number for each."""
    x, y = np.meshgrid(np.arange(0, canvas.width + spacing, spacing), np.arange(0, canvas.height + spacing, spacing))
    random = canvas.rng.random((3, x.size))
    return x.ravel() + spacing * (random[0] - 0.5), y.ravel() + spacing * (random[1] - 0.5), random[2]


def _directions(canvas: Canvas, rgb: np.ndarray) -> np.ndarray:
    """Return the angle of the brush at each pixel: along edges, and along the scene's flow elsewhere."""
    light = canvas.blurred(luminance(rgb), 1.6)
    down, across = np.gradient(light)
    gain = 1 / canvas.scale**2
    xx, yy, xy = (canvas.blurred(product, 5) * 900 / gain for product in (across**2, down**2, across * down))
    # In double angles, the direction of an edge (eigenvector of the smaller eigenvalue) is minus that of the gradient.
    cosine, sine = yy - xx, -2 * xy
    cosine += canvas.flow_weight * np.cos(2 * canvas.flow)
    sine += canvas.flow_weight * np.sin(2 * canvas.flow)
    cosine, sine = canvas.blurred(cosine, 3), canvas.blurred(sine, 3)
    return 0.5 * np.arctan2(sine, cosine)
