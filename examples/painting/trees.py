"""Trees: pines of drooping dabs, broad crowns of clustered leaves, trunks with a lit side, bare branches."""

import numpy as np

from .canvas import Canvas
from .colour import Colour, ramp, step, tone


def pine(canvas: Canvas, x: float, foot: float, height: float, dark: Colour, light: Colour, sun=-1.0, lit=0.5) -> None:
    """Paint a conifer: tiers of drooping dabs below a spire, lighter on the side of the sun (-1 left, 1 right)."""
    rng = canvas.rng
    n = int(110 + height * 1.5)
    level = np.sort(rng.random(n)) ** 0.75  # 0 top .. 1 foot
    tiers = 0.70 + 0.30 * ((level * (7 + height / 60)) % 1)
    reach = height * (0.012 + 0.19 * level**0.85) * tiers
    side = rng.uniform(-1, 1, n)
    px, py = x + side * reach, foot - height * (1 - level) + np.abs(side) * reach * 0.32
    length = np.maximum(3.0, reach * 0.6) * np.exp(rng.normal(0, 0.2, n))
    shine = np.clip(0.5 + 0.5 * sun * side, 0, 1) * lit * rng.uniform(0.3, 1, n)
    canvas.mix(dark, canvas.polygon([(x - height * 0.002, foot - height), (x + height * 0.002, foot - height),
                                     (x + height * 0.018, foot), (x - height * 0.018, foot)]))  # fmt: skip
    colours = tone(dark) * (1 - shine[:, None]) + tone(light) * shine[:, None]
    canvas.dab(px, py, length, np.maximum(1.6, length * 0.28), np.sign(side) * 0.42, colours, 0.92, 0.08, 0.015)


def pine_line(canvas: Canvas, x, foot, height) -> np.ndarray:
    """Return the mask of a distant row of conifers, outlines only."""
    shapes = []
    for px, py, tall in zip(x, foot, height, strict=True):
        wide = tall * 0.17
        steps = np.linspace(0, 1, max(4, int(tall / 7)))
        right = [(px + wide * s * (0.75 if i % 2 else 1.12), py - tall * (1 - s)) for i, s in enumerate(steps)]
        left = [(px - wide * s * (1.12 if i % 2 else 0.75), py - tall * (1 - s)) for i, s in enumerate(steps)]
        shapes.append([*right, (px, py + 6), *left[::-1]])
    return canvas.polygon(*shapes)


def crown(
    canvas: Canvas, blobs, dark: Colour, mid: Colour, light: Colour, sun=(-0.6, -0.8), leaf=9.0, dense=1.0
) -> None:
    """Paint foliage in clumps, `blobs` of (x, y, rx, ry), each shaded as a round form: dark below, lit on top."""
    rng = canvas.rng
    places, shades = [], []
    for x, y, rx, ry in blobs:
        n = int(dense * rx * ry / (leaf**2) * 5.0) + 6
        radius, turn = np.sqrt(rng.random(n)) * 1.05, rng.uniform(0, 2 * np.pi, n)
        u, v = radius * np.cos(turn), radius * np.sin(turn)
        bulge = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
        shade = 0.42 + 0.42 * (u * sun[0] + v * sun[1]) + 0.12 * bulge + rng.normal(0, 0.12, n)
        places.append(np.stack([x + u * rx, y + v * ry], -1))
        shades.append(shade)
    place, shade = np.concatenate(places), np.concatenate(shades)
    # Dark leaves first and light ones last, but not strictly: the crown would look like a smooth ball.
    order = np.argsort(shade + rng.normal(0, 0.16, len(shade)))
    place, shade = place[order], np.clip(shade[order], 0, 1)
    n = len(shade)
    size = leaf * np.exp(rng.normal(0, 0.28, n))
    colours = ramp(shade, [dark, mid, light])
    canvas.dab(place[:, 0], place[:, 1], size * 1.5, size * 0.8, rng.uniform(0, np.pi, n), colours, 0.9, 0.07, 0.02)


def trunk(canvas: Canvas, path, widths, dark: Colour, light: Colour, sun=-1.0, rim: Colour | None = None) -> np.ndarray:
    """Paint a trunk or limb along a path of points, with a width at each; return its mask."""
    path, widths = np.asarray(path, float), np.asarray(widths, float)
    tangent = np.gradient(path, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-6)[:, None]
    mask = canvas.polygon(
        np.concatenate([path + normal * widths[:, None] / 2, (path - normal * widths[:, None] / 2)[::-1]])
    )
    order = np.argsort(path[:, 1])
    middle = np.interp(canvas.y[:, 0], path[order, 1], path[order, 0])[:, None]
    wide = np.interp(canvas.y[:, 0], path[order, 1], widths[order])[:, None]
    side = (canvas.x - middle) / np.maximum(wide / 2, 1)
    bark = canvas.noise(26, 4, stretch=0.22)
    lit = step(-0.9, 1.1, sun * side + 0.35 * bark)
    canvas.mix(ramp(lit, [dark, light]), mask)
    if rim is not None:
        canvas.mix(rim, mask * step(0.55, 0.95, sun * side + 0.1 * bark) * 0.8)
    canvas.direct(np.pi / 2, mask, 0.6)
    return mask


def branches(
    canvas: Canvas, x: float, y: float, angle: float, length: float, width: float, depth: int, out: list
) -> list:
    """Grow bare branches by recursion; `out` collects (path, width)."""
    rng = canvas.rng
    bend = rng.normal(0, 0.18)
    t = np.linspace(0, 1, 5)
    turn = angle + bend * t
    px = x + np.concatenate([[0], np.cumsum(np.cos(turn[1:]) * length / 4)])
    py = y - np.concatenate([[0], np.cumsum(np.sin(turn[1:]) * length / 4)])
    out.append((np.stack([px, py], -1), width))
    if depth > 0:
        for side in (-1, 1) if rng.random() < 0.8 else (-1, 0.2, 1):
            spread = side * rng.uniform(0.28, 0.62)
            branches(
                canvas,
                px[-1],
                py[-1],
                turn[-1] + spread,
                length * rng.uniform(0.62, 0.85),
                width * 0.64,
                depth - 1,
                out,
            )
    return out
