"""A flower meadow in June: bees among poppies and daisies, hills in the haze, a village church far away."""

import numpy as np

from .. import land, light, sky, trees
from ..canvas import Canvas
from ..colour import ramp, step, tone

SIZE = (1200, 800)
FIELD_TOP = 418
CLOUDS = (  # x, height of the base, half width, height
    (60, 318, 90, 26),
    (640, 322, 110, 30),
    (980, 312, 120, 34),
    (470, 262, 130, 56),
    (1110, 236, 120, 62),
    (815, 196, 210, 112),
    (330, 120, 150, 60),
)


def compose(canvas: Canvas) -> None:
    sky.gradient(canvas, ["#4f8fcb", "#7fb2de", "#b5d5e6", "#e6e9d8"], [0, 140, 270, 372])
    _clouds(canvas)
    _hills(canvas)
    _village(canvas, 742, 391, 0.92)
    _field(canvas)
    _tree(canvas)


def _clouds(canvas: Canvas) -> None:
    """Fair-weather clouds: flat below, heaped above, white on the side of the sun (left)."""
    rng = canvas.rng
    veil = sky.cloud_field(canvas, 60, 6.0, warp=0.4, octaves=3)
    canvas.mix("#eef3f2", 0.55 * step(0.3, 1.4, veil))
    for x, base, wide, tall in CLOUDS:
        n = int(110 + wide * 0.9)
        u = np.clip(rng.normal(0, 0.40, n), -0.9, 0.9) * rng.uniform(0.9, 1.05, n)
        lumps = 0.30 * np.sin(u * 5.0 + x) + 0.16 * np.sin(u * 13.0 + 2 * x)
        heap = (1 - np.abs(u) ** 1.6) * (0.70 + lumps)
        v = rng.random(n) ** 0.8 * heap
        shade = np.clip(0.10 + 0.95 * v / np.maximum(heap, 0.15) - 0.25 * u + rng.normal(0, 0.08, n), 0, 1)
        order = np.argsort(shade + rng.normal(0, 0.12, n))
        u, v, shade = u[order], v[order], shade[order]
        size = tall * 0.42 * (0.55 + 0.6 * rng.random(n)) * (1.05 - 0.45 * np.abs(u))
        colours = ramp(shade, ["#93a9c6", "#b9c8d8", "#efe9dc", "#fffdf4"])
        canvas.dab(x + u * wide, base - v * tall, size * 1.5, size, rng.normal(0, 0.3, n), colours, 0.55, 0.015, 0.006)
    canvas.direct(0.15, canvas.y < 330, 0.15)


def _hills(canvas: Canvas) -> None:
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
    _path(canvas)
    rng = canvas.rng
    x, y, near = land.scatter(canvas, 3200, FIELD_TOP + 30, 830, 1.0)
    off_path = np.abs(x - _path_middle(y)) > _path_width(y) * 0.5
    x, y, near = x[off_path], y[off_path], near[off_path]
    blades = ramp(rng.random(len(x)) * (1 - 0.35 * near), ["#2f5a2c", "#5f8a3a", "#a9bf58", "#dcd886"])
    land.grass(canvas, x, y + 10 * near, 8 + 62 * near**1.4, blades, 0.22, 1.4 + 2.0 * near, 0.75)


def _path_middle(y):
    t = np.clip((y - FIELD_TOP) / 382, 0, 1.1)
    return 700 - 60 * t + 150 * np.sin(t * 3.6) * t**0.6


def _path_width(y):
    return 3 + 78 * np.clip((y - FIELD_TOP) / 382, 0, 1.1) ** 1.3


def _path(canvas: Canvas) -> None:
    """A trodden path that leads toward the village."""
    side = np.abs(canvas.x - _path_middle(canvas.y)) / _path_width(canvas.y) + 0.10 * canvas.noise(16, 4, 2)
    mask = step(0.56, 0.44, side) * step(FIELD_TOP + 2, FIELD_TOP + 10, canvas.y)
    canvas.mix(ramp(0.5 + 0.35 * canvas.noise(14, 4, 4), ["#a8895c", "#cdb07c", "#ecd8a6"]), mask * 0.9)
    middle = step(0.16, 0.04, side) * step(470, 560, canvas.y)
    canvas.mix("#7f9a48", 0.6 * middle)
    canvas.direct(0.0, mask, 0.5)


def _flowers(canvas: Canvas) -> None:
    """Drifts of flowers over the whole field, painted after the strokes, which would cover them."""
    rng = canvas.rng
    x, y, near = land.scatter(canvas, 5600, FIELD_TOP + 14, 760, 1.1)
    patch = canvas.noise(60, 4, 3.4)
    row, column = (np.clip(v * canvas.scale, 0, top - 1).astype(int) for v, top in ((y, canvas.h), (x, canvas.w)))
    here = patch[row, column] + rng.normal(0, 0.26, len(x))
    before_tree = (x < 170) & (y < 535)
    grows = ~before_tree & (np.abs(here) > 0.22) & (np.abs(x - _path_middle(y)) > _path_width(y) * 0.62)
    kind = np.digitize(here, [-0.9, -0.5, 0.0, 0.75])
    petals = tone(["#5f78d6", "#f4c838", "#f6f3e6", "#dc3c2a", "#f08a5a"])
    size = 1.4 + 6.0 * near**1.25
    turn = rng.uniform(-0.4, 0.4, len(x))
    # Hidden rather than left out, so that the following random draws are the same at any scale.
    canvas.dab(x, y, size * 1.5, size, turn, petals[kind] * 0.82, 0.9 * grows, 0.10, 0.02)
    canvas.dab(
        x - 0.15 * size, y - 0.25 * size, size * 0.8, size * 0.45, turn, petals[kind] * 1.06, 0.8 * grows, 0.06, 0.02
    )


def _tree(canvas: Canvas) -> None:
    """An oak at the left that frames the view."""
    canvas.shade("#24452f", 0.55 * canvas.ellipse(150, 520, 240, 20, soft=9))
    trees.trunk(canvas, [(86, 520), (104, 462), (104, 400), (116, 300)], [74, 46, 40, 30], "#33291f", "#8f7750", 1)
    for x, y, angle in ((104, 400, 2.4), (106, 390, 0.7), (112, 330, 1.3)):
        for path, width in trees.branches(canvas, x, y, angle, 74, 15, 2, []):
            canvas.mix("#33291f", canvas.lines(path, width=width))
    rng = canvas.rng
    far = [(rng.uniform(-60, 290), rng.uniform(90, 380), rng.uniform(34, 60), rng.uniform(24, 40)) for _ in range(15)]
    trees.crown(canvas, far, "#1d3f28", "#32612f", "#5f8a3a", sun=(0.5, -0.7), leaf=9)
    rim = [
        (30, 150, 86, 58),
        (140, 120, 90, 56),
        (236, 178, 72, 50),
        (292, 250, 52, 40),
        (262, 322, 62, 40),
        (176, 250, 84, 56),
    ]
    rim += [
        (60, 250, 84, 58),
        (-20, 310, 70, 54),
        (150, 340, 66, 36),
        (318, 300, 34, 24),
        (220, 108, 50, 34),
        (60, 92, 60, 34),
        (30, 378, 60, 30),
    ]
    trees.crown(canvas, rim, "#1f442a", "#467a33", "#c3cf62", sun=(0.55, -0.7), leaf=8.5, dense=0.85)


def _poppy(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A poppy, more or less turned away: back petals in shade, two in front with the light through them."""
    rng = canvas.rng
    turn, open_ = rng.normal(0, 0.25), rng.uniform(0.45, 1.0)
    wide = size * (0.75 + 0.35 * open_)
    canvas.dab(
        [x - 0.25 * wide, x + 0.28 * wide],
        [y - 0.30 * size] * 2,
        wide * 1.1,
        size * 0.8,
        [turn + 0.3, turn - 0.3],
        "#a81e1a",
        0.95,
    )
    if open_ > 0.7:
        canvas.dab([x], [y - 0.12 * size], size * 0.5, size * 0.34, turn, "#241620", 0.95)
    px, py = np.array([-0.34, 0.36, 0.02]), np.array([0.10, 0.08, 0.24])
    lean = turn + np.array([0.55, -0.55, 0.0])
    red = ["#d92f1e", "#cf2a1e", "#e23a22"]
    canvas.dab(x + px * wide, y + py * size, wide * 0.95, size * 0.72, lean, red, 0.95, 0.08)
    px, py = np.array([-0.40, 0.26]), np.array([0.02, 0.10])
    canvas.dab(x + px * wide, y + py * size, wide * 0.5, size * 0.22, lean[:2], "#ff7f55", 0.8)


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
    _flowers(canvas)
    n = 900
    x, y = rng.uniform(-10, 1210, n), np.sort(rng.uniform(660, 850, n))
    land.grass(canvas, x, y + 20, 70, ramp(rng.random(n), ["#1f4424", "#3f6f2e", "#7fa040", "#d3d47c"]), 0.25, 2.6, 0.8)
    kinds = (_poppy, _daisy, _cornflower)
    for py in np.sort(600 + 190 * rng.random(120) ** 0.8):
        px = rng.choice([rng.uniform(-10, 1210), rng.normal(230, 120), rng.normal(980, 120)])
        if abs(px - _path_middle(py)) < _path_width(py) * 0.7:
            continue
        grown = (py - 540) / 250
        size = (8 + 15 * grown) * rng.uniform(0.75, 1.25)
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
