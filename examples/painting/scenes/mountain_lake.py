"""A lake under snow peaks in the early light; a rowing boat drifts, mist lies along the shore."""

import numpy as np

from .. import land, light, sky, terrain, trees, water
from ..canvas import Canvas
from ..colour import ramp, step
from ..terrain import Peak

SIZE = (1200, 800)
SHORE = 452


def compose(canvas: Canvas) -> None:
    sky.gradient(canvas, ["#6f9cc6", "#9dbfd8", "#cfd9dc", "#f1dcc8", "#f8d3b4"], [0, 110, 220, 320, 430])
    field = sky.cloud_field(canvas, 110, 3.6, warp=0.4)
    sky.lit_clouds(canvas, field, 0.25 + 0.5 * step(40, 330, canvas.y), (-22, -14), "#fff3e4", "#b9c2d4", 0.7, 0.8)
    _peaks(canvas)
    _woods(canvas)
    waves = _lake(canvas)
    _boat(canvas, 742, 604, 1.0, waves)
    _shore(canvas)


def _peaks(canvas: Canvas) -> None:
    """The range in the first sun: gold on the left of each ridge, blue in its shadow."""
    peaks = [
        Peak(-0.13, 0.55, 1.00, 0.62),
        Peak(0.10, 0.75, 0.80, 0.55),
        Peak(-0.62, 0.60, 0.72, 0.55),
        Peak(0.62, 0.42, 0.74, 0.50),
        Peak(0.98, 0.90, 0.95, 0.60),
        Peak(-1.15, 1.20, 1.00, 0.70),
        Peak(0.30, 1.60, 0.95, 0.60),
    ]
    relief = terrain.view(canvas, peaks, SHORE + 4, 560, (0.62, 0.30), rough=0.50)
    snow = ["#6f8fc0", "#a3b9da", "#f1d9c6", "#fff0dc"]
    rock = ["#41506f", "#6f7490", "#b89a8c", "#dcbca0"]
    terrain.paint(canvas, relief, 0.13, snow, rock, "#c9d6e2")
    valley = step(300, 470, canvas.y) * relief.cover
    canvas.mix("#d3dadb", 0.55 * valley)
    canvas.direct(np.where(relief.light > 0.5, 2.2, 0.9), relief.cover, 0.15)
    canvas.detail = np.maximum(canvas.detail, 0.5 * relief.cover)


def _woods(canvas: Canvas) -> None:
    rng = canvas.rng
    x = canvas.x[0]
    slope = 436 - 62 * step(420, -40, x) - 84 * step(760, 1240, x) + 10 * canvas.curve(100, 4)
    canvas.mix(
        ramp(step(360, 456, canvas.y), ["#5d7a86", "#7c9690"]),
        land.below(canvas, slope) * step(SHORE + 3, SHORE, canvas.y),
    )
    light.mist(canvas, 428, 20, "#e6e2d8", 0.5)
    for count, colour, tall, rise in ((190, "#5f7f84", 30, 46), (150, "#3f6268", 42, 22), (110, "#274a4c", 52, 4)):
        px = np.sort(rng.uniform(-20, 1220, count))
        keep = rng.random(count) < np.clip(np.abs(px - 590) / 240, 0.45, 1)
        px = px[keep]
        foot = SHORE + 1 - rise * np.clip(np.abs(px - 590) / 600, 0.05, 1) * rng.uniform(0.6, 1.2, len(px))
        height = tall * rng.uniform(0.6, 1.25, len(px)) * (0.65 + 0.6 * np.abs(px - 590) / 600)
        mask = trees.pine_line(canvas, px, foot, height)
        fill = land.below(canvas, np.interp(x, px, foot)) * step(SHORE + 2, SHORE, canvas.y)
        fill *= step(60, 330, np.abs(x - 590))[None, :]
        canvas.mix(colour, np.maximum(mask * step(SHORE + 2, SHORE, canvas.y), fill))
        canvas.mix("#c9c08e", 0.35 * mask * (1 - canvas.warped(mask, np.full_like(mask, -2.5), np.zeros_like(mask))))
    for px in (28, 72, 118, 166, 1104, 1150, 1196):
        tall = rng.uniform(105, 165)
        trees.pine(canvas, px, SHORE + rng.uniform(-2, 8), tall, "#17383a", "#8f9a62", -1.0, 0.55)
    light.mist(canvas, SHORE - 5, 11, "#efe6da", 0.62, 70)


def _lake(canvas: Canvas) -> np.ndarray:
    mask = step(SHORE - 1, SHORE + 1, canvas.y)
    waves = water.ripples(canvas, SHORE, count=30, stretch=8)
    near = water.depth(canvas, SHORE)
    calm = step(-0.2, 0.9, canvas.noise(150, 3, 5))
    mirrored = water.reflect(canvas, SHORE, waves, 30 + 34 * calm, "#3f6f86", 0.90)
    deep = ramp(near, ["#b9c9cc", "#6f9fb0", "#2f6478", "#1d4a5c"])
    mixed = mirrored * (1 - 0.42 * near[..., None]) + deep * 0.42 * near[..., None]
    canvas.mix(mixed * (1 + 0.07 * waves)[..., None], mask)
    breeze = step(0.35, 0.9, canvas.noise(34, 4, 14)) * step(0.02, 0.1, near) * step(0.8, 0.35, near)
    canvas.mix("#dfe9ea", 0.5 * breeze * mask)
    canvas.direct(0.0, mask, 1.3)
    return waves


def _boat(canvas: Canvas, x: float, y: float, s: float, waves: np.ndarray) -> None:
    """A clinker-built rowing boat seen from a little above, oars shipped."""

    def at(*points):
        return [(x + px * s, y + py * s) for px, py in points]

    t = np.linspace(0, 1, 21)
    rim_far = np.stack([-128 + 256 * t, -34 - 16 * (2 * t - 1) ** 2 - 15 * np.sin(np.pi * t) * 0.4], -1)
    rim_near = np.stack([-128 + 256 * t, -50 + 34 * np.sin(np.pi * t) ** 0.8], -1)
    keel = np.stack([-104 + 204 * t, 2 + 9 * np.sin(np.pi * t)], -1)
    inside, side = canvas.polygon(at(*rim_far, *rim_near[::-1])), canvas.polygon(at(*rim_near, *keel[::-1]))
    grain = canvas.noise(14, 3, 6)
    canvas.mix(ramp(0.45 + 0.3 * grain - (canvas.x - x) / 420, ["#4a2c22", "#8a5636", "#c98f5a"]), inside)
    canvas.shade("#3a2a34", inside * step(-40, -16, (canvas.y - y) / s) * 0.6)
    for offset, wide in ((-62, 26), (8, 28), (70, 22)):
        canvas.mix(
            "#d9a870",
            canvas.polygon(at((offset, -46), (offset + wide, -46), (offset + wide + 3, -24), (offset - 3, -24))),
        )
    planks = (canvas.y - y) / s + 40 - 30 * np.sqrt(np.clip(1 - ((canvas.x - x) / (128 * s)) ** 2, 0, 1))
    lit = step(150, -130, (canvas.x - x) / s) * 0.75 + 0.12 * grain
    canvas.mix(ramp(lit, ["#5f1f1e", "#a83a2c", "#e2734a"]), side)
    canvas.shade("#6b3030", side * 0.55 * step(0.72, 0.98, np.abs(np.sin(planks * np.pi / 13))))
    canvas.mix("#f6ead6", canvas.lines(at(*rim_near), at(*rim_far), width=4.2 * s))
    canvas.mix("#e3b987", canvas.lines(at((-30, -52), (150, -20)), at((-52, -44), (-190, 8)), width=3.4 * s))
    blade = canvas.polygon(
        at((-178, 0), (-214, 8), (-216, 15), (-182, 9)), at((140, -24), (172, -18), (170, -11), (140, -17))
    )
    canvas.mix("#e3b987", blade)
    boat = np.maximum.reduce([inside, side, blade])
    canvas.detail = np.maximum(canvas.detail, 0.8 * canvas.blurred(boat, 3))
    water.mirror(canvas, boat, y + 8 * s, waves, 9, "#1d4a5c", 0.85)
    canvas.shade("#16303c", 0.55 * canvas.ellipse(x, y + 9 * s, 112 * s, 6 * s, soft=3))


def _shore(canvas: Canvas) -> None:
    """Stones and reeds at the near shore, in shadow."""
    rng = canvas.rng
    x = canvas.x[0]
    bank = 812 - 120 * step(430, -60, x) + 8 * canvas.curve(90, 4)
    canvas.mix(ramp(0.4 + 0.3 * canvas.noise(30, 5, 2), ["#22302e", "#4a5443", "#857c5c"]), land.below(canvas, bank, 3))
    for px, py, size in (
        (60, 742, 52),
        (150, 762, 40),
        (238, 772, 30),
        (318, 792, 34),
        (395, 806, 22),
        (478, 800, 15),
        (20, 790, 46),
        (205, 806, 38),
        (552, 772, 11),
        (432, 760, 13),
    ):
        canvas.shade("#142a32", 0.55 * canvas.ellipse(px + 4, py + size * 0.42, size * 1.15, size * 0.24, soft=3))
        land.stone(canvas, px, py, size, size * 0.62, "#c9bfae", "#333d44", (-0.55, -0.8))
    n = 190
    px = rng.uniform(-10, 1, n) + 330 * rng.random(n) ** 2
    py = np.interp(px, x, bank) + rng.uniform(-6, 50, n)
    order = np.argsort(py)
    land.grass(canvas, px[order], py[order], 70, ramp(rng.random(n), ["#1f3a30", "#4f6a3c", "#b8ad62"]), 0.22, 2.6)


def finish(canvas: Canvas) -> None:
    rng = canvas.rng
    n = 150
    px = 300 * rng.random(n) ** 2 - 5
    land.grass(
        canvas,
        px,
        800 - 60 * rng.random(n) * (1 - px / 330),
        96,
        ramp(rng.random(n), ["#1a332c", "#5a7040", "#d8c878"]),
        0.2,
        1.8,
    )
    canvas.mix("#47566a", 0.85 * canvas.polygon(sky.bird(402, 128, 15), sky.bird(438, 146, 11), sky.bird(371, 152, 9)))
    n = 240
    near = rng.random(n) ** 1.4
    canvas.dab(
        rng.uniform(0, 1200, n),
        SHORE + 8 + 340 * near,
        8 + 34 * near,
        1.1 + 1.2 * near,
        0,
        "#f4ecdf",
        opacity=0.12 + 0.3 * rng.random(n),
    )
    light.bloom(canvas, 0.78, 0.10)
