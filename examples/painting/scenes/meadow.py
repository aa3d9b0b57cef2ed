"""A flower meadow in June: bees among poppies and daisies, hills in the haze, a village church far away."""

import numpy as np

from .. import land, light, sky, trees
from ..canvas import Canvas
from ..colour import ramp, step, tone

SIZE = (1200, 800)
FIELD_TOP = 418


def compose(canvas: Canvas) -> None:
    sky.gradient(canvas, ["#4f8fcb", "#7fb2de", "#b5d5e6", "#e6e9d8"], [0, 140, 270, 372])
    _clouds(canvas)
    _hills(canvas)
    _village(canvas, 742, 391, 0.92)
    _field(canvas)
    _tree(canvas)


def _clouds(canvas: Canvas) -> None:
    rng = canvas.rng
    for x, y, wide in (
        (250, 150, 210),
        (880, 105, 250),
        (560, 262, 130),
        (1130, 250, 150),
        (60, 282, 120),
        (770, 305, 90),
    ):
        puff = np.zeros((canvas.h, canvas.w), np.float32)
        for _ in range(13):
            u = rng.uniform(-1, 1)
            r = wide * rng.uniform(0.16, 0.34) * (1.1 - abs(u) * 0.7)
            d = light.distance(canvas, x + u * wide * 0.8, y - (1 - u * u) * wide * 0.20 * rng.random(), 1.25)
            puff = np.maximum(puff, 1.25 - d / r)
        puff += 0.42 * canvas.noise(wide * 0.28, 5, 1.4) - 0.8 * step(0.06, 0.30, (canvas.y - y) / wide)
        density = step(0.05, 0.6, puff)
        lit = step(
            -0.30,
            0.42,
            density
            - canvas.warped(
                canvas.blurred(density, 5), np.full_like(density, -wide * 0.07), np.full_like(density, -wide * 0.13)
            )
            + 0.12,
        )
        canvas.mix(ramp(lit, ["#a9bcd2", "#dbe3ea", "#fffdf4"]), density * 0.94)
    canvas.direct(0.15, canvas.y < 330, 0.1)


def _hills(canvas: Canvas) -> None:
    x = canvas.x[0]
    for base, height, cell, colours in (
        (352, 26, 330, ["#8fb0c8", "#9fbccb"]),
        (372, 24, 260, ["#7fa3ab", "#9dbaa8"]),
        (392, 17, 300, ["#7da07a", "#a9bd82"]),
    ):
        line = base + height * canvas.curve(cell, 3, 0.4)
        patches = canvas.noise(26, 3, 5)
        canvas.mix(ramp(0.5 + 0.5 * patches, colours), land.below(canvas, line, 1.5))
    fields = step(-0.2, 0.25, canvas.noise(22, 2, 7))
    canvas.mix("#d8cf88", 0.65 * fields * step(372, 392, canvas.y) * step(425, 405, canvas.y))
    rng = canvas.rng
    for y, count in ((383, 50), (398, 60), (410, 70)):
        px = rng.uniform(0, 1200, count)
        size = rng.uniform(3, 8, count) * (0.5 + (y - 370) / 36)
        air = np.clip((424 - y) / 60, 0, 1)
        colour = tone("#47683f") * (1 - air) + tone("#8fae9a") * air
        canvas.dab(px, y + rng.normal(0, 2, count), size * 2.2, size, 0, colour, 0.9)


def _village(canvas: Canvas, x: float, y: float, s: float) -> None:
    rng = canvas.rng
    for offset, wide, tall in (
        (-92, 24, 11),
        (-62, 28, 14),
        (-34, 22, 11),
        (48, 26, 13),
        (78, 30, 12),
        (112, 22, 10),
        (-118, 20, 9),
    ):
        left, foot = x + offset * s, y + 14 * s + rng.uniform(-2, 4)
        wall = [(left, foot), (left, foot - tall * s), (left + wide * s, foot - tall * s), (left + wide * s, foot)]
        roof = [
            (left - 2 * s, foot - tall * s),
            (left + 5 * s, foot - (tall + 10) * s),
            (left + (wide - 5) * s, foot - (tall + 10) * s),
            (left + (wide + 2) * s, foot - tall * s),
        ]
        canvas.mix("#efe3cc", canvas.polygon(wall))
        canvas.mix(land.faded("#b5593c", "#b8c4c4", rng.uniform(0.2, 0.4)), canvas.polygon(roof))
    nave = [(x - 8 * s, y + 16 * s), (x - 8 * s, y - 6 * s), (x + 40 * s, y - 6 * s), (x + 40 * s, y + 16 * s)]
    canvas.mix("#f4ead6", canvas.polygon(nave))
    canvas.mix(
        "#94594a",
        canvas.polygon(
            [(x - 10 * s, y - 5 * s), (x - 2 * s, y - 20 * s), (x + 36 * s, y - 20 * s), (x + 42 * s, y - 5 * s)]
        ),
    )
    canvas.mix(
        ramp(step(x - 24 * s, x - 6 * s, canvas.x), ["#fbf3e2", "#c9c2bb"]),
        canvas.polygon(
            [(x - 24 * s, y + 16 * s), (x - 24 * s, y - 42 * s), (x - 6 * s, y - 42 * s), (x - 6 * s, y + 16 * s)]
        ),
    )
    canvas.mix("#5a6678", canvas.polygon([(x - 26 * s, y - 41 * s), (x - 15 * s, y - 92 * s), (x - 4 * s, y - 41 * s)]))
    canvas.mix("#4d5a66", canvas.ellipse(x - 15 * s, y - 30 * s, 3.2 * s, 3.2 * s))
    for offset, r in ((-140, 12), (-104, 10), (-48, 9), (26, 8), (66, 11), (132, 13), (150, 10), (-76, 8)):
        trees.crown(
            canvas, [(x + offset * s, y + 10 * s, r * s * 1.2, r * s)], "#44663f", "#6f9350", "#a9bf6c", leaf=3.2
        )
    canvas.detail = np.maximum(
        canvas.detail,
        canvas.blurred(canvas.polygon([(x - 150, y - 95), (x + 150, y - 95), (x + 150, y + 25), (x - 150, y + 25)]), 8),
    )


def _field(canvas: Canvas) -> None:
    line = FIELD_TOP + 7 * canvas.curve(300, 3)
    mask = land.below(canvas, line, 2)
    near = np.clip((canvas.y - FIELD_TOP) / (800 - FIELD_TOP), 0, 1)
    shadow = step(0.1, 0.7, canvas.noise(90, 3, 4.5)) * step(0.9, 0.2, near)
    colour = ramp(near + 0.12 * canvas.noise(60, 4, 3), ["#c3cf7c", "#a9bf5c", "#7fa146", "#4d7a36", "#2a5230"])
    canvas.mix(colour * (1 - 0.22 * shadow)[..., None], mask)
    canvas.direct(np.pi / 2, (near > 0.15) * 1.0, 0.5)
    canvas.direct(0.0, (near > 0) * (near <= 0.15), 0.5)
    rng = canvas.rng
    x, y, near = land.scatter(canvas, 5200, FIELD_TOP + 6, 830, 1.15)
    patch = canvas.noise(46, 4, 3.2)
    row, column = (np.clip(v * canvas.scale, 0, top - 1).astype(int) for v, top in ((y, canvas.h), (x, canvas.w)))
    here = patch[row, column]
    kind = np.digitize(here + rng.normal(0, 0.30, len(x)), [-0.62, -0.18, 0.30, 0.75])
    blades = ramp(rng.random(len(x)) * (1 - 0.35 * near), ["#2f5a2c", "#5f8a3a", "#a9bf58", "#dcd886"])
    land.grass(canvas, x, y + 10 * near, 8 + 62 * near**1.4, blades, 0.22, 1.4 + 2.0 * near, 0.75)
    petals = np.array(["#f4f2e6", "#f2c433", "#e8ead2", "#d8382c", "#5a6fd0"])
    flower = rng.random(len(x)) < 0.62
    fx, fy, fn = x[flower], y[flower] - 26 * near[flower] ** 1.4, near[flower]
    colours = np.stack([tone(c) for c in petals[kind[flower]]])
    size = 1.8 + 6.5 * fn**1.3
    canvas.dab(fx, fy, size * 1.3, size * 0.9, rng.uniform(-0.3, 0.3, len(fx)), colours, 0.9, 0.10, 0.02)


def _tree(canvas: Canvas) -> None:
    canvas.shade("#2c4a3a", 0.5 * canvas.ellipse(212, 478, 150, 13, soft=7))
    trees.trunk(canvas, [(196, 476), (186, 420), (190, 360), (206, 300)], [34, 22, 19, 14], "#3a2f26", "#8a7350", 1)
    for angle, y in ((2.3, 370), (0.8, 360), (1.4, 330)):
        for path, width in trees.branches(canvas, 190, y, angle, 50, 9, 2, []):
            canvas.mix("#3a2f26", canvas.lines(path, width=width))
    blobs = [
        (120, 330, 70, 48),
        (268, 325, 72, 50),
        (196, 262, 92, 62),
        (130, 272, 60, 46),
        (262, 262, 62, 46),
        (196, 205, 62, 42),
        (90, 372, 36, 24),
        (300, 372, 38, 24),
    ]
    trees.crown(canvas, blobs, "#22452c", "#4f7f36", "#bfcf62", sun=(0.55, -0.75), leaf=8, dense=1.1)


def _poppy(canvas: Canvas, x: float, y: float, size: float) -> None:
    petals = [(-0.45, -0.1, 0.3), (0.45, -0.12, -0.3), (0.0, 0.18, 0.0), (0.0, -0.30, 0.0)]
    for dx, dy, turn in petals:
        canvas.dab([x + dx * size], [y + dy * size], size * 1.15, size * 0.85, turn, "#d5301f", 0.95, 0.10, 0.03)
    canvas.dab(
        [x - 0.3 * size, x + 0.35 * size],
        [y - 0.42 * size, y - 0.36 * size],
        size * 0.7,
        size * 0.32,
        0.1,
        "#ff7a4e",
        0.85,
    )
    canvas.dab([x], [y + 0.02 * size], size * 0.34, size * 0.30, 0, "#2a1a22", 0.95)


def _daisy(canvas: Canvas, x: float, y: float, size: float) -> None:
    a = np.linspace(0, 2 * np.pi, 13)[:-1]
    canvas.dab(
        x + np.cos(a) * size * 0.55,
        y + np.sin(a) * size * 0.36,
        size * 0.8,
        size * 0.27,
        np.arctan2(np.sin(a) * 0.65, np.cos(a)),
        "#fbf9ef",
        0.95,
        0.05,
    )
    canvas.dab([x], [y], size * 0.42, size * 0.34, 0, "#f0b62a", 0.95)


def _cornflower(canvas: Canvas, x: float, y: float, size: float) -> None:
    a = np.linspace(-2.9, -0.2, 8)
    canvas.dab(
        x + np.cos(a) * size * 0.45, y + np.sin(a) * size * 0.42, size * 0.8, size * 0.28, a, "#4a63cf", 0.95, 0.15
    )
    canvas.dab([x], [y + size * 0.3], size * 0.5, size * 0.32, np.pi / 2, "#3c5a34", 0.9)


def finish(canvas: Canvas) -> None:
    """The nearest flowers, each with its stem, and the bees that visit them."""
    rng = canvas.rng
    n = 900
    x, y = rng.uniform(-10, 1210, n), np.sort(rng.uniform(640, 850, n))
    land.grass(canvas, x, y + 20, 70, ramp(rng.random(n), ["#1f4424", "#3f6f2e", "#7fa040", "#d3d47c"]), 0.25, 2.6, 0.8)
    kinds = (_poppy, _daisy, _cornflower)
    places = np.stack([rng.uniform(10, 1190, 88), np.sort(585 + 205 * rng.random(88) ** 0.8)], -1)
    for px, py in places:
        grown = (py - 540) / 250
        size = 9 + 17 * grown
        canvas.dab(
            [px + 1], [py + 30 * grown + 14], 60 * grown + 24, 2.4, np.pi / 2 + rng.normal(0, 0.06), "#4d7a34", 0.9
        )
        kind = rng.choice(3, p=[0.42, 0.36, 0.22])
        kinds[kind](canvas, px, py, size * (0.9 if kind else 1.1))
    for bx, by, size in ((455, 560, 11), (700, 606, 13), (880, 540, 9), (318, 640, 12), (1015, 628, 12), (590, 505, 7)):
        _bee(canvas, bx, by, size)
    canvas.mix("#3f4a5a", 0.8 * canvas.polygon(sky.bird(470, 118, 13), sky.bird(505, 136, 10), sky.bird(432, 140, 9)))
    light.bloom(canvas, 0.82, 0.08)


def _bee(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.dab(
        [x - size * 0.25, x + size * 0.3],
        [y - size * 0.55, y - size * 0.55],
        size * 0.95,
        size * 0.5,
        [1.0, -0.9],
        "#f4f6f2",
        0.7,
    )
    canvas.dab([x], [y], size * 1.25, size * 0.72, 0.15, "#d99a26", 0.97, 0.02)
    canvas.dab([x - size * 0.12, x + size * 0.25], [y, y + size * 0.04], size * 0.62, size * 0.18, 1.6, "#2a2018", 0.95)
    canvas.dab([x + size * 0.58], [y + size * 0.06], size * 0.5, size * 0.45, 0, "#33261c", 0.97)
