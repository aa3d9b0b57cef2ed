"""A stream among mossy stones in a wood in the morning; sunbeams come through the mist."""

import numpy as np

from .. import land, light, trees, water
from ..canvas import Canvas
from ..colour import ramp, step

SIZE = (900, 1200)
SUN = (700, -220)  # above the picture
BEAMS = ((60, 760, 30), (175, 840, 46), (300, 900, 24), (395, 960, 60), (520, 900, 26), (610, 860, 40))


def compose(canvas: Canvas) -> None:
    haze = np.exp(-((light.distance(canvas, 520, 330, 0.8) / 400) ** 2))
    canvas.rgb = ramp(
        haze + 0.10 * canvas.noise(120, 5), ["#1f3d30", "#4f7a48", "#b9b964", "#fbe7a0"], [0, 0.3, 0.7, 1.02]
    )
    _far_woods(canvas)
    light.shafts(canvas, *SUN, BEAMS, "#ffe59a", 0.34)
    ground = _ground(canvas)
    _stream(canvas, ground)
    _near_trees(canvas)
    _undergrowth(canvas)
    light.shafts(canvas, *SUN, BEAMS, "#ffe08a", 0.30, soft=7)


def _far_woods(canvas: Canvas) -> None:
    rng = canvas.rng
    for row, (count, wide, colour, foot) in enumerate(
        [(26, 9, "#cfc787", 560), (20, 14, "#9aa860", 590), (14, 20, "#5f7d46", 620)]
    ):
        paths = []
        for x in rng.uniform(0, 900, count):
            lean = rng.normal(0, 18)
            paths.append([(x, foot), (x + lean * 0.5, 300), (x + lean, -20)])
        for path in paths:
            mask = canvas.lines(path, width=wide * rng.uniform(0.5, 1.2), soft=3 - row)
            canvas.mix(colour, 0.75 * mask * step(720, 420, canvas.y))
        n = 900
        x, y = rng.uniform(-20, 920, n), rng.uniform(-20, 470, n) ** 1.0
        bright = np.exp(-((np.hypot((x - 520) / 0.8, y - 330) / 380) ** 2)) + rng.normal(0, 0.12, n)
        keep = rng.random(n) < 0.35 + 0.65 * np.clip(np.abs(x - 500) / 420 + (250 - y) / 500, 0, 1)
        palette = [
            ["#8a9f58", "#d6d488", "#fff3b8"],
            ["#4a6f40", "#a9b95c", "#f6e898"],
            ["#23462f", "#6f9448", "#e4dc7c"],
        ][row]
        size = 13 + 4 * row
        canvas.dab(
            x[keep],
            y[keep],
            size * 1.4,
            size * 0.8,
            rng.uniform(0, np.pi, keep.sum()),
            ramp(bright[keep], palette),
            0.75,
        )


def _ground(canvas: Canvas) -> np.ndarray:
    line = 560 + 34 * np.abs((canvas.x[0] - 500) / 450) ** 1.5 * -1 + 12 * canvas.curve(140, 5)
    mask = land.below(canvas, line, 6)
    d = (canvas.y - line[None, :]) / 640
    tone = (
        0.62
        - 0.55 * d
        + 0.22 * canvas.noise(70, 5, 2.0)
        + 0.25 * np.exp(-(((canvas.x - 520) / 240) ** 2)) * step(0.5, 0, d)
    )
    canvas.mix(ramp(tone, ["#101f1a", "#233c24", "#4f7030", "#b0b04c", "#f2e48c"]), mask)
    return line


def _middle(y: np.ndarray) -> np.ndarray:
    """The stream's middle line: it winds toward the viewer."""
    t = np.maximum(y - 560, 0) / 640
    return 505 - 40 * t + (34 + 95 * t) * np.sin(t**0.7 * 7.6 + 0.4)


def _half_width(y: np.ndarray) -> np.ndarray:
    t = np.clip((y - 556) / 640, 0, 1)
    return 16 + 245 * t**1.15


def _stream(canvas: Canvas, ground: np.ndarray) -> None:
    side = (canvas.x - _middle(canvas.y)) / (_half_width(canvas.y) * (1 + 0.16 * canvas.noise(60, 4, 1.5)))
    mask = step(1.04, 0.96, np.abs(side)) * step(556, 566, canvas.y)
    t = np.clip((canvas.y - 556) / 640, 0, 1)
    waves = water.ripples(canvas, 540, count=26, stretch=2.6)
    mirrored = water.reflect(canvas, 566, waves, 90, "#22382c", 0.75)
    deep = ramp(t + 0.05 * waves, ["#fdf3bc", "#c9c47c", "#6f8a58", "#35564a", "#1c3634"], [0, 0.10, 0.26, 0.55, 1])
    share = (0.62 - 0.17 * step(0, 0.4, t))[..., None]
    canvas.mix(mirrored * (1 - share) + deep * share, mask)
    canvas.screen("#ffe9a0", 0.55 * mask * step(0.22, 0.0, t) * np.clip(0.8 + 0.3 * waves, 0, 1))
    bank = np.exp(-(((np.abs(side) - 1.02) / 0.06) ** 2)) * step(560, 600, canvas.y)
    canvas.shade("#3a3a2a", bank * 0.75)
    canvas.direct(0.0, mask, 0.9)
    for y, drop in ((640, 12), (720, 20), (835, 32), (985, 46)):
        _fall(canvas, y, drop)
    _stones(canvas)


def _fall(canvas: Canvas, y: float, drop: float) -> None:
    """A step of white water across the stream."""
    x = canvas.x[0]
    middle, wide = _middle(np.float64(y)), _half_width(np.float64(y))
    lip = y + drop * 0.35 * canvas.curve(70, 3) + 8 * ((x - middle) / wide) ** 2
    inside = step(1.0, 0.82, np.abs(x - middle) / wide)[None, :]
    d = (canvas.y - lip[None, :]) / drop
    threads = 0.55 + 0.6 * canvas.noise(drop * 1.1, 4, stretch=0.22)
    white = step(-0.12, 0.05, d) * step(1.5, 0.7, d) * np.clip(threads, 0, 1) * inside
    canvas.shade("#46604e", 0.6 * step(-0.9, -0.1, d) * step(0.1, 0.0, d) * inside)
    canvas.mix("#eef4e2", np.clip(white, 0, 0.95))
    churn = np.exp(-(((d - 1.15) / 0.42) ** 2)) * inside * np.clip(0.55 + 0.7 * canvas.noise(16, 3, 2), 0, 1)
    canvas.mix("#f7fbef", np.clip(churn, 0, 0.95))
    canvas.direct(np.pi / 2, white > 0.25, 1.0)


def _stones(canvas: Canvas) -> None:
    rng = canvas.rng
    for y in np.sort(rng.uniform(590, 1180, 58)):
        t = (y - 560) / 640
        side = rng.choice([-1, 1]) * (rng.uniform(0.75, 1.15) if rng.random() < 0.8 else rng.uniform(0.1, 0.6))
        x = _middle(y) + side * _half_width(y)
        size = (8 + 62 * t**1.1) * rng.uniform(0.5, 1.15)
        canvas.shade(
            "#22302a", 0.6 * canvas.ellipse(x + size * 0.1, y + size * 0.36, size * 1.1, size * 0.28, soft=size * 0.1)
        )
        fade = np.clip(1 - 1.6 * t, 0, 1)
        mask = land.stone(
            canvas, x, y, size, size * 0.66, land.faded("#a9a58c", "#e9e7b0", 0.5 * fade),
            land.faded("#2a2f2b", "#8fa565", 0.6 * fade), sun=(0.3, -0.9),
        )  # fmt: skip
        moss = step(0.15, 0.9, -(canvas.y - y) / (size * 0.66) + 0.45 * canvas.noise(24, 3)) * mask
        canvas.mix(
            ramp(0.5 + 0.5 * canvas.noise(18, 3), ["#4d6b2b", "#a3b84c"]), moss * (0.75 if abs(side) > 0.7 else 0.35)
        )
        canvas.mix(
            "#f2f6ea",
            0.55 * canvas.ellipse(x, y + size * 0.42, size * 0.95, size * 0.07, soft=1.5) * (abs(side) < 0.95),
        )


def _near_trees(canvas: Canvas) -> None:
    rng = canvas.rng
    trees.trunk(
        canvas, [(820, 830), (800, 560), (812, 250), (835, -30)], [120, 74, 62, 56], "#1d1d18", "#5f5a40", -1, "#d9cf86"
    )
    trees.trunk(
        canvas, [(60, 900), (96, 620), (88, 300), (70, -30)], [150, 92, 80, 70], "#171a16", "#4c4b36", 1, "#c7c27a"
    )
    trees.trunk(
        canvas, [(262, 640), (250, 400), (262, 180), (258, -30)], [44, 28, 24, 22], "#33402c", "#75754c", 1, "#e5df9a"
    )
    trees.trunk(
        canvas, [(700, 640), (690, 420), (676, 180), (690, -30)], [40, 24, 22, 20], "#3a4830", "#7f8052", -1, "#eee7a4"
    )
    for x, y, angle in (
        (835, 250, 2.5),
        (800, 130, 2.7),
        (80, 240, 0.5),
        (95, 380, 0.3),
        (255, 250, 0.6),
        (680, 190, 2.2),
    ):
        limbs = trees.branches(canvas, x, y, angle, 90, 10, 2, [])
        for path, width in limbs:
            canvas.mix("#26291e", 0.9 * canvas.lines(path, width=width))
        tips = [(*path[-1], rng.uniform(22, 38), rng.uniform(12, 20)) for path, width in limbs if width < 7]
        trees.crown(canvas, tips, "#2f5a30", "#7fa040", "#f0e888", sun=(0.4, -0.6), leaf=8, dense=0.6)
    blobs = [
        (40, 60, 190, 110),
        (190, 20, 150, 80),
        (880, 70, 170, 120),
        (760, 10, 160, 70),
        (10, 220, 90, 80),
        (890, 260, 80, 90),
    ]
    trees.crown(canvas, blobs, "#1b3a24", "#3f6a34", "#b9cc66", sun=(0.2, -0.5), leaf=14, dense=1.5)
    trees.crown(
        canvas,
        [(400, 10, 130, 50), (560, -5, 120, 36)],
        "#55803f",
        "#a3c25e",
        "#f3f0a0",
        sun=(0.2, -0.5),
        leaf=13,
        dense=0.6,
    )


def _undergrowth(canvas: Canvas) -> None:
    """Ferns and moss on both banks, darker and larger toward the viewer."""
    rng = canvas.rng
    for _ in range(64):
        t = rng.random() ** 0.8
        y = 590 + 600 * t
        side = rng.choice([-1, 1])
        x = _middle(y) + side * (_half_width(y) * 1.12 + rng.uniform(5, 60 + 240 * t))
        _fern(canvas, x, y, 26 + 92 * t, 1 - t)


def _fern(canvas: Canvas, x: float, y: float, size: float, far: float) -> None:
    rng = canvas.rng
    shine = np.exp(-(((x - 520) / 300) ** 2))
    for angle in rng.uniform(0.25, np.pi - 0.25, 8):
        t = np.linspace(0.08, 1, 16)
        reach = size * rng.uniform(0.7, 1.1)
        fx = x + np.cos(angle) * reach * t
        fy = y - np.sin(angle) * reach * t + reach * 0.55 * t**2 * (0.5 + np.abs(np.cos(angle)))
        leaf = reach * 0.26 * (1 - t * 0.8)
        colours = ramp(
            np.clip(0.15 + 0.5 * t + 0.3 * shine + 0.25 * far, 0, 1), ["#1c3320", "#3d6630", "#7fa044", "#d8dc84"]
        )
        heading = np.arctan2(np.gradient(fy), np.gradient(fx))
        for turn in (0.9, -0.9):
            lx, ly = fx + np.cos(heading + turn) * leaf * 0.45, fy + np.sin(heading + turn) * leaf * 0.45
            canvas.dab(lx, ly, leaf, np.maximum(1.6, leaf * 0.30), heading + turn, colours, 0.9)


def finish(canvas: Canvas) -> None:
    rng = canvas.rng
    n = 260
    y = rng.uniform(570, 1190, n)
    t = (y - 560) / 640
    x = _middle(y) + rng.uniform(-0.8, 0.8, n) * _half_width(y)
    canvas.dab(x, y, 5 + 22 * t, 1.2 + 2 * t, rng.normal(0, 0.1, n), "#f4f6dc", opacity=rng.uniform(0.15, 0.6, n))
    motes = 90
    canvas.dab(
        rng.uniform(200, 800, motes),
        rng.uniform(150, 800, motes),
        2.6,
        2.6,
        0,
        "#fff6c0",
        opacity=rng.uniform(0.2, 0.8, motes),
    )
    light.shafts(canvas, *SUN, BEAMS, "#ffe9a8", 0.13, soft=6)
    light.bloom(canvas, 0.70, 0.16)
