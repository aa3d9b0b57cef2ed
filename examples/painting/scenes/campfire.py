"""A camp fire by a lake at night, under the Milky Way, pines around it lit from below."""

import numpy as np

from .. import land, light, sky, terrain, trees, water
from ..canvas import Canvas
from ..colour import ramp, step
from ..terrain import Peak

SIZE = (1200, 800)
FIRE = (610, 655)
SHORE = 498


def compose(canvas: Canvas) -> None:
    sky.gradient(canvas, ["#070d24", "#0d1b3d", "#173259", "#2c5573", "#5d8489"], [0, 140, 290, 420, SHORE])
    _milky_way(canvas)
    _mountains(canvas)
    _lake(canvas)
    _ground(canvas)
    _pines(canvas)
    _tent(canvas)
    _hearth(canvas)


def _milky_way(canvas: Canvas) -> None:
    along = (canvas.x - 300) * 0.80 + (canvas.y - 300) * -0.60
    across = (canvas.x - 760) * 0.60 + (canvas.y - 120) * 0.80
    band = np.exp(-((across / (95 + 22 * canvas.noise(200, 3))) ** 2))
    cloud = 0.80 + 0.30 * canvas.noise(85, 6, 1.2)
    dust = step(0.2, 1.2, 0.6 * canvas.noise(46, 6, 1.4) + 0.75 * np.exp(-((across / 24) ** 2)))
    strength = np.clip(band * cloud * (1 - 0.6 * dust), 0, 1) * step(480, 250, canvas.y)
    canvas.screen(ramp(step(-500, 500, along), ["#8f9cc8", "#d6c3bd"]), 0.50 * strength)
    canvas.direct(-0.64, band > 0.1, 0.25)


def _mountains(canvas: Canvas) -> None:
    """Snow peaks that glimmer in the starlight, and the wood on the other shore."""
    peaks = [
        Peak(-0.10, 0.6, 0.62, 0.5),
        Peak(0.2, 0.9, 0.66, 0.5),
        Peak(-0.5, 0.8, 0.6, 0.5),
        Peak(0.65, 0.7, 0.6, 0.5),
    ]
    relief = terrain.view(canvas, peaks, SHORE + 2, 330, (0.6, 0.3), rough=0.5)
    snow = ["#2a4769", "#47688c", "#7f9cb8"]
    terrain.paint(canvas, relief, 0.10, snow, ["#142a47", "#1f3a58", "#3a5674"], "#35587a")
    canvas.mix("#1c3a55", 0.5 * relief.cover * step(400, 500, canvas.y))
    open_sky = 1 - relief.cover
    rng = canvas.rng
    for rise, colour in ((9, "#16304a"), (0, "#0d2034")):
        px = np.sort(rng.uniform(-10, 1210, 170))
        height = rng.uniform(16, 38, 170) * (1 + 0.5 * np.abs(px - 600) / 600)
        row = trees.pine_line(canvas, px, np.full(170, SHORE - rise - 2.0), height)
        canvas.mix(
            colour,
            np.maximum(row, step(SHORE - rise - 12, SHORE - rise - 8, canvas.y)) * step(SHORE, SHORE - 2, canvas.y),
        )
    canvas.kept["sky"] = open_sky * step(SHORE - 60, SHORE - 110, canvas.y)


def _lake(canvas: Canvas) -> None:
    mask = step(SHORE - 1, SHORE + 1, canvas.y)
    waves = water.ripples(canvas, SHORE, count=26, stretch=7)
    mirrored = water.reflect(canvas, SHORE, waves, 40, "#14304a", 0.85)
    canvas.mix(mirrored * (1 + 0.10 * waves)[..., None], mask)
    canvas.direct(0.0, mask, 1.2)
    light.mist(canvas, SHORE + 3, 12, "#7fa0a4", 0.5, 60)
    column = np.exp(-(((canvas.x - FIRE[0]) / 60) ** 2)) * step(SHORE + 10, 600, canvas.y)
    canvas.screen("#ff9a4a", 0.28 * column * mask * np.clip(0.6 + 0.4 * waves, 0, 1))


def _ground(canvas: Canvas) -> None:
    x = canvas.x[0]
    bank = 586 - 46 * np.abs((x - 600) / 600) ** 1.6 + 9 * canvas.curve(120, 5)
    mask = land.below(canvas, bank, 2)
    lit = np.exp(-((light.distance(canvas, FIRE[0], FIRE[1] + 30, 2.4) / 92) ** 1.05))
    texture = canvas.noise(30, 5, 2.8)
    canvas.mix(
        ramp(
            lit + 0.09 * texture,
            ["#0a1220", "#141a26", "#3d2721", "#8a4a26", "#dd8638", "#ffc673"],
            [0, 0.06, 0.2, 0.45, 0.72, 1],
        ),
        mask,
    )
    canvas.direct(0.0, mask, 0.5)
    rng = canvas.rng
    gx, gy, near = land.scatter(canvas, 1500, 575, 815, 0.9)
    d = np.hypot((gx - FIRE[0]) / 2.3, gy - FIRE[1] - 25)
    keep = (d > 42) & (gy > np.interp(gx, x, bank) + 4)
    shade = np.exp(-((d[keep] / 92) ** 1.05)) + rng.normal(0, 0.05, keep.sum())
    land.grass(
        canvas,
        gx[keep],
        gy[keep],
        8 + 16 * near[keep],
        ramp(shade, ["#0b1420", "#1a2226", "#4a3a20", "#a8702c", "#f0b050"], [0, 0.08, 0.25, 0.5, 0.9]),
        0.4,
        2.0,
        0.8,
    )


PINES = ((300, 560, 250), (880, 562, 205), (60, 560, 330), (1150, 570, 360), (232, 580, 400), (985, 585, 430),
         (140, 640, 610), (1085, 650, 640), (-8, 690, 720), (1214, 690, 700))  # fmt: skip


def _pines(canvas: Canvas) -> None:
    """Tall pines at both sides, nearly black above, warm where the fire reaches them."""
    rng = canvas.rng
    before = canvas.rgb.copy()
    for x, foot, height in PINES:
        sun = 1.0 if x < FIRE[0] else -1.0
        trees.pine(canvas, x, foot, height, "#060e1a", "#13263a", sun, 0.5)
        n = int(height * 0.7)
        level = rng.random(n) ** 0.5
        reach = height * 0.19 * level
        side = rng.uniform(0.0, 1, n) * sun
        px, py = x + side * reach, foot - height * (1 - level) + np.abs(side) * reach * 0.32
        warm = 1.5 * np.exp(-np.hypot(px - FIRE[0], (py - FIRE[1]) * 1.2) / 165) * (0.30 + np.abs(side))
        keep = warm > 0.10
        colours = ramp(np.clip(warm[keep], 0, 1), ["#141f2a", "#4f3420", "#b06a2a", "#ffb860"])
        length = np.maximum(4, reach[keep] * 0.40)
        canvas.dab(px[keep], py[keep], length, length * 0.24, sun * 0.45, colours, opacity=0.8)
    covered = np.abs(canvas.rgb - before).max(-1) > 0.02
    canvas.kept["sky"] = canvas.kept["sky"] * step(0.25, 0.0, canvas.blurred(covered.astype(np.float32), 2))


def _tent(canvas: Canvas) -> None:
    """A small tent, a lantern inside, its near side lit by the fire."""
    peak, foot = (338, 548), 676
    left, right, back = (246, 668), (420, foot), (262, 560)
    canvas.shade("#000000", 0.55 * canvas.ellipse(332, 678, 118, 13, soft=7))
    canvas.mix(ramp(step(240, 340, canvas.x), ["#3b2a2a", "#6f4424"]), canvas.polygon([back, peak, left, (206, 652)]))
    glow = np.exp(-((light.distance(canvas, 345, 640) / 80) ** 2))
    canvas.mix(
        ramp(glow + 0.06 * canvas.noise(30, 3), ["#8a4420", "#d98a36", "#ffd583"]), canvas.polygon([peak, left, right])
    )
    canvas.mix("#fff0b8", canvas.polygon([(342, 572), (322, 673), (366, 675)], soft=1.5))
    canvas.mix("#54301c", canvas.lines([peak, left], [peak, right], [peak, back], width=2.5))
    canvas.mix("#3b2a2a", canvas.lines([peak, (470, 690)], [back, (172, 668)], width=1.4))
    light.glow(canvas, 344, 632, 84, "#ffb456", 0.4)


def _hearth(canvas: Canvas) -> None:
    fx, fy = FIRE
    light.glow(canvas, fx, fy - 40, 125, "#ff8a34", 0.65)
    rng = canvas.rng
    for x, y, length, turn in ((fx - 185, fy + 62, 150, 0.10), (fx + 205, fy + 52, 160, -0.14)):
        _log_seat(canvas, x, y, length, turn)
    for angle in np.linspace(np.pi, 2 * np.pi, 8):
        _ring_stone(canvas, angle)
    _flames(canvas)
    for x0, y0, x1, y1 in (
        (fx - 66, fy + 14, fx + 34, fy - 24),
        (fx + 66, fy + 14, fx - 34, fy - 26),
        (fx - 48, fy + 22, fx + 52, fy + 6),
    ):
        canvas.mix("#1a0d0a", canvas.lines([(x0, y0), (x1, y1)], width=15))
        canvas.mix("#ff8a2e", 0.75 * canvas.lines([(x0 + 8, y0 - 7), (x1, y1 - 6)], width=3.5, soft=1))
    ember = step(0.2, 1.0, canvas.noise(9, 3, 1.6)) * canvas.ellipse(fx, fy + 14, 62, 15, soft=4)
    canvas.mix("#ff7a22", 0.9 * ember)
    for angle in np.linspace(0.05, np.pi - 0.05, 8) + rng.normal(0, 0.03, 8):
        _ring_stone(canvas, angle)
    canvas.detail = np.maximum(canvas.detail, 0.6 * canvas.ellipse(fx, fy - 40, 150, 120, soft=20))


def _log_seat(canvas: Canvas, x: float, y: float, length: float, turn: float) -> None:
    dx, dy = length / 2, length / 2 * turn
    canvas.shade("#000000", 0.5 * canvas.ellipse(x, y + 18, length * 0.58, 11, soft=5))
    shape = canvas.lines([(x - dx, y - dy), (x + dx, y + dy)], width=34)
    middle = y + (canvas.x - x) * turn
    toward = 1 if x < FIRE[0] else -1
    lit = step(14, -18, canvas.y - middle) * (
        0.45 + 0.55 * step(-dx, dx, toward * (canvas.x - x))
    ) + 0.10 * canvas.noise(12, 3, 4)
    canvas.mix(ramp(lit, ["#140e12", "#4a2a1c", "#b4692f", "#ffbf6c"]), shape)
    end = x + dx * toward
    canvas.mix("#e39a4c", canvas.ellipse(end, y + dy * toward, 9, 17))
    canvas.mix("#9a5a2c", canvas.ellipse(end, y + dy * toward, 5, 10))


def _ring_stone(canvas: Canvas, angle: float) -> None:
    x, y = FIRE[0] + 96 * np.cos(angle), FIRE[1] + 16 + 32 * np.sin(angle)
    sun = (-np.cos(angle), -0.4 - 0.5 * np.sin(angle))
    land.stone(canvas, x, y, 21, 16, "#ffb566" if np.sin(angle) < 0.5 else "#b06a3c", "#1b1518", sun)


def _flames(canvas: Canvas) -> None:
    """Tongues of flame: a hot body, torn upwards by noise that stretches with height."""
    fx, fy = FIRE
    h = np.clip((fy + 14 - canvas.y) / 205, 0, 1.3)
    sway = 26 * h * canvas.noise(90, 3, 0.7) + 13 * h * canvas.noise(34, 3, 0.6)
    off = (canvas.x - fx + sway) / 66
    tongues = 0.30 * canvas.noise(60, 4, 0.36) * (0.25 + h)
    wide = np.clip(0.92 - h**0.85, 0, 1) ** 0.75 * (0.55 + 1.35 * np.sqrt(np.clip(h, 0, 1)))
    heat = wide - np.abs(off) + tongues
    heat = np.where(h > 0, heat - 0.9 * step(0.62, 1.05, h) - step(0.75, 1.1, np.abs(off)), -1)
    colour = ramp(
        heat + 0.16 * (0.5 - h), ["#b8321a", "#f0641e", "#ffa02c", "#ffd75a", "#fff6c8"], [0.02, 0.16, 0.34, 0.56, 0.85]
    )
    canvas.mix(colour, step(0.0, 0.10, heat))
    canvas.screen("#ff7a2a", 0.5 * canvas.blurred(step(0.0, 0.2, heat), 14))
    canvas.direct(np.pi / 2, heat > 0, 0.5)


def finish(canvas: Canvas) -> None:
    rng = canvas.rng
    n = 90
    rise = rng.random(n) ** 1.5
    x = FIRE[0] + rng.normal(0, 22 + 120 * rise, n) + 60 * rise
    y = FIRE[1] - 60 - 430 * rise
    canvas.dab(
        x,
        y,
        3 + 4 * (1 - rise),
        2.0,
        rng.normal(1.5, 0.5, n),
        ramp(rise, ["#fff0b0", "#ffb04a", "#ff7430"]),
        opacity=1 - 0.7 * rise,
    )
    _stars(canvas)
    canvas.mix("#04070d", canvas.polygon(_owl(914, 281)))
    canvas.mix("#04070d", canvas.lines([(982, 318), (950, 310), (905, 304), (878, 296)], width=4.5))
    canvas.dab([911.0, 918.0], [269.0, 269.0], 2.6, 2.6, 0, "#f6c25a", opacity=0.95)
    light.bloom(canvas, 0.62, 0.28)


def _stars(canvas: Canvas) -> None:
    """Stars where the sky is open; far more, and finer, along the Milky Way."""
    rng = canvas.rng
    n = 1500
    t, off = rng.uniform(-900, 800, n), rng.normal(0, 66, n)
    x = np.concatenate([rng.uniform(0, canvas.width, 700), 760 + 0.80 * t + 0.60 * off])
    y = np.concatenate([rng.uniform(0, 440, 700), 120 - 0.60 * t + 0.80 * off])
    size = 1.1 + 2.6 * rng.random(len(x)) ** 9
    bright = rng.uniform(0.2, 0.9, len(x)) ** 1.3
    row = np.clip((y * canvas.scale).astype(int), 0, canvas.h - 1)
    column = np.clip((x * canvas.scale).astype(int), 0, canvas.w - 1)
    bright = bright * canvas.kept["sky"][row, column] * ((y > 0) & (x > 0))
    canvas.dab(x, y, size, size, 0.0, "#f1f0ea", opacity=bright, value=0.05, warmth=0.06)
    for sx, sy, r in ((540, 96, 5), (428, 214, 4), (700, 262, 4), (884, 84, 5), (640, 44, 4)):
        light.glow(canvas, sx, sy, r, "#e8eeff", 0.7)


def _owl(x: float, y: float) -> np.ndarray:
    outline = [
        (-8, 16),
        (-10, 2),
        (-9, -10),
        (-10, -19),
        (-5, -15),
        (0, -16),
        (5, -15),
        (10, -19),
        (9, -10),
        (10, 2),
        (8, 16),
        (2, 24),
        (-2, 24),
    ]
    return np.array(outline, float) + np.array([x, y])
