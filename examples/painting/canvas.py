"""The canvas: a picture in design units (pixels at full size), so that the same scene can be drawn at any scale."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from . import brushes
from .colour import Colour, jittered, tone

Points = Sequence[tuple[float, float]] | np.ndarray


def resized(values: np.ndarray, width: int, height: int, box: tuple | None = None) -> np.ndarray:
    """Resample a 2-d float array, or the part of it in `box`, bicubically."""
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box))


def sampled(values: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Sample an (h, w[, 3]) array bilinearly at fractional columns and rows, clamped at its edges."""
    h, w = values.shape[:2]
    column, row = np.clip(column, 0, w - 1.001), np.clip(row, 0, h - 1.001)
    left, top = column.astype(np.int32), row.astype(np.int32)
    across, down = (column - left).astype(np.float32), (row - top).astype(np.float32)
    if values.ndim == 3:
        across, down = across[..., None], down[..., None]
    upper = values[top, left] * (1 - across) + values[top, left + 1] * across
    lower = values[top + 1, left] * (1 - across) + values[top + 1, left + 1] * across
    return upper * (1 - down) + lower * down


class Canvas:
    """A painting in progress.

    `rgb` is (h, w, 3) float32 in 0..1. `x` and `y` hold each pixel's position in design units. `flow` (radians) and
    `flow_weight` guide the direction of the brush strokes; `detail` (0..1) asks for finer ones. All random draws are in
    design units, so they do not depend on the scale.
    """

    def __init__(self, width: int, height: int, scale: float, seed: int):
        self.width, self.height, self.scale = width, height, scale
        self.w, self.h = round(width * scale), round(height * scale)
        self.rng = np.random.default_rng(seed)
        rows, columns = np.mgrid[0 : self.h, 0 : self.w].astype(np.float32)
        self.x, self.y = (columns + 0.5) / scale, (rows + 0.5) / scale
        self.rgb = np.zeros((self.h, self.w, 3), np.float32)
        self.flow = np.zeros((self.h, self.w), np.float32)
        self.flow_weight = np.full((self.h, self.w), 0.02, np.float32)
        self.detail = np.zeros((self.h, self.w), np.float32)
        self.kept: dict[str, np.ndarray] = {}  # masks that a scene's compose() stores for its finish()

    # Fields ----------------------------------------------------------------------------------------------------------

    def noise(self, cell: float, octaves: int = 4, stretch: float = 1.0, gain: float = 0.5) -> np.ndarray:
        """Return fractal value noise, about -1..1. The largest features are `cell` high and `stretch` times as wide."""
        total, amplitude, power = np.zeros((self.h, self.w), np.float32), 1.0, 0.0
        for _ in range(octaves):
            columns, rows = self.width / (cell * stretch), self.height / cell
            lattice = self.rng.uniform(-1, 1, (int(rows) + 5, int(columns) + 5))
            if cell * self.scale > 0.7:  # finer than a pixel would only be aliasing
                total += amplitude * resized(lattice, self.w, self.h, (1, 1, 1 + columns, 1 + rows))
            power += amplitude**2
            amplitude, cell = amplitude * gain, cell / 2
        return total / np.float32(np.sqrt(power) * 0.8)

    def curve(self, cell: float, octaves: int = 4, gain: float = 0.5) -> np.ndarray:
        """One-dimensional noise along x, about -1..1, shape (w,)."""
        knots = np.linspace(0, self.width, 4096)
        total, amplitude, power = np.zeros(4096), 1.0, 0.0
        for _ in range(octaves):
            values = self.rng.uniform(-1, 1, int(self.width / cell) + 4)
            place = knots / cell
            left = place.astype(int)
            t = place - left
            t = t * t * (3 - 2 * t)
            total += amplitude * (values[left] * (1 - t) + values[left + 1] * t)
            power += amplitude**2
            amplitude, cell = amplitude * gain, cell / 2
        return np.interp(self.x[0], knots, total / np.sqrt(power) / 0.6).astype(np.float32)

    def warped(self, values: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Sample `values` at positions displaced by dx, dy design units."""
        return sampled(values, (self.x + dx) * self.scale - 0.5, (self.y + dy) * self.scale - 0.5)

    def blurred(self, values: np.ndarray, sigma: float) -> np.ndarray:
        """Blur an (h, w[, 3]) array by a Gaussian of `sigma` design units."""
        return blurred(values, sigma * self.scale)

    # Masks -----------------------------------------------------------------------------------------------------------

    def _mask(self, shapes: list[np.ndarray], width: float | None, soft: float) -> np.ndarray:
        """Draw shapes at twice the size and shrink them, for smooth edges. Only the area they cover is drawn."""
        mask = np.zeros((self.h, self.w), np.float32)
        points = np.concatenate(shapes)
        border = (width or 0) * self.scale + 2
        left, top = np.maximum(np.floor(points.min(0) * self.scale - border), 0).astype(int)
        right, bottom = np.minimum(np.ceil(points.max(0) * self.scale + border), (self.w, self.h)).astype(int)
        if left >= right or top >= bottom:
            return mask
        image = Image.new("L", (int(right - left) * 2, int(bottom - top) * 2))
        draw = ImageDraw.Draw(image)
        for shape in shapes:
            pixels = [tuple(point) for point in (shape * self.scale - (left, top)) * 2]
            if width is None:
                draw.polygon(pixels, fill=255)
            else:
                thick = width * self.scale * 2
                draw.line(pixels, fill=round(255 * min(1.0, thick / 2)), width=max(2, round(thick)), joint="curve")
        small = image.resize((int(right - left), int(bottom - top)), Image.Resampling.BOX)
        mask[top:bottom, left:right] = np.asarray(small, np.float32) / 255
        return self.blurred(mask, soft) if soft else mask

    def polygon(self, *shapes: Points, soft: float = 0.0) -> np.ndarray:
        """Return the mask of filled polygons."""
        return self._mask([np.asarray(shape, float) for shape in shapes], None, soft)

    def lines(self, *paths: Points, width: float = 2.0, soft: float = 0.0) -> np.ndarray:
        """Return the mask of open paths. Lines thinner than a pixel become fainter instead."""
        return self._mask([np.asarray(path, float) for path in paths], width, soft)

    def ellipse(self, x: float, y: float, rx: float, ry: float, soft: float = 0.0) -> np.ndarray:
        t = np.linspace(0, 2 * np.pi, 73)
        return self.polygon(np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], -1), soft=soft)

    # Paint -----------------------------------------------------------------------------------------------------------

    def mix(self, colour: Colour, mask: np.ndarray | float = 1.0) -> None:
        """Blend a colour, or an (h, w, 3) picture, into the canvas by the mask."""
        here, paint, cover = self._part(colour, mask)
        self.rgb[here] += (paint - self.rgb[here]) * cover

    def screen(self, colour: Colour, mask: np.ndarray) -> None:
        """Add light of a colour by the mask (screen blending), never above white."""
        here, paint, cover = self._part(colour, mask)
        self.rgb[here] = 1 - (1 - self.rgb[here]) * (1 - np.clip(paint * cover, 0, 1))

    def shade(self, colour: Colour, mask: np.ndarray) -> None:
        """Glaze: multiply by a colour, by the mask."""
        here, paint, cover = self._part(colour, mask)
        self.rgb[here] *= 1 - cover * (1 - paint)

    def _part(self, colour: Colour, mask: np.ndarray | float) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """Return the bounding box of a mask, with colour and mask inside it. It saves time: most masks are small."""
        paint = tone(colour)
        mask = np.broadcast_to(np.asarray(mask, np.float32), (self.h, self.w))
        touched = mask > 0.002
        rows, columns = np.flatnonzero(touched.any(1)), np.flatnonzero(touched.any(0))
        if not len(rows):
            return np.s_[0:0, 0:0], tone("#000000"), np.zeros((0, 0, 1), np.float32)
        here = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return here, paint[here] if paint.ndim == 3 else paint, mask[here][..., None]

    def direct(self, angle: np.ndarray | float, mask: np.ndarray | float, weight: float = 1.0) -> None:
        """Set the direction of the brush strokes, by the mask."""
        mask = np.asarray(mask, np.float32)
        self.flow = np.where(mask > 0.5, np.float32(angle), self.flow)
        self.flow_weight = np.where(mask > 0.5, np.float32(weight), self.flow_weight)

    def dab(self, x, y, length, width, angle, colours, opacity=0.9, value=0.05, warmth=0.02) -> None:
        """Paint n brush dabs in order. Arguments are numbers or have n entries (colours n x 3), in design units."""
        n = len(x)
        colours = np.broadcast_to(np.atleast_2d(tone(colours)), (n, 3))
        colours = jittered(self.rng, colours, value, warmth)
        fields = [np.broadcast_to(np.asarray(each, float), n) for each in (length, width, angle, opacity)]
        variants = self.rng.integers(0, brushes.VARIANTS, n)
        brushes.stamp(self.rgb, None, self.scale, x, y, *fields, colours, variants)


def blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a Gaussian of `sigma` pixels. Wide blurs work on a reduced copy, which is faster and looks the same."""
    if sigma < 0.3:
        return values
    if values.ndim == 3:
        return np.stack([blurred(values[..., channel], sigma) for channel in range(values.shape[2])], -1)
    h, w = values.shape
    factor = max(1, int(sigma / 2.5))
    small = values
    if factor > 1:
        small = resized(values, max(2, w // factor), max(2, h // factor))
    radius = int(np.ceil(3 * sigma / factor))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) * factor / sigma) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for _ in range(2):
        padded = np.pad(small, ((radius, radius), (0, 0)), mode="edge")
        small = sum(weight * padded[i : i + len(small)] for i, weight in enumerate(kernel)).T
    return resized(small, w, h) if factor > 1 else small
