"""A street at night in the rain: lit windows, lamps and a tram, all doubled in the wet stones."""

from itertools import pairwise

import numpy as np

from .. import light
from ..canvas import Canvas, sampled
from ..colour import ramp, step, tone

SIZE = (900, 1200)
EYE = (500, 585)  # the vanishing point
NEAR_Y = 1010  # foot of the walls in the picture plane
LEFT, RIGHT = -70, 985  # where the walls meet the picture plane
TRAM_FOOT = 792
WARM = ["#ffb04a", "#ffd282", "#ffe7b4", "#ff9a3c"]


def at(x: float, height: float, far: float) -> tuple[float, float]:
    """Project a point: x and height in the picture plane, `far` in distances of that plane behind it."""
    t = far / (1 + far)
    return x + (EYE[0] - x) * t, NEAR_Y - height + (EYE[1] - NEAR_Y + height) * t


def compose(canvas: Canvas) -> None:
    murk = canvas.y + 30 * canvas.noise(160, 5, 1.6)
    canvas.rgb = ramp(murk, ["#0e1a30", "#18304a", "#2d4f66", "#6f8487", "#c9a878"], [-60, 200, 380, 520, 640])
    light.glow(canvas, EYE[0], EYE[1] - 20, 190, "#ffc887", 0.55)
    _far_end(canvas)
    _facades(
        canvas,
        LEFT,
        [(9.0, 4.2, 1180), (4.2, 2.4, 1010), (2.4, 1.25, 1240), (1.25, 0.55, 1090), (0.55, -0.2, 1330)],
        "left",
    )
    _facades(
        canvas,
        RIGHT,
        [(9.0, 4.6, 1090), (4.6, 2.2, 1270), (2.2, 1.1, 1020), (1.1, 0.45, 1200), (0.45, -0.2, 1100)],
        "right",
    )
    light.mist(canvas, 600, 120, "#8d8f88", 0.22)
    _street(canvas)
    _lamps(canvas)
    _tram(canvas)
    _walker(canvas, 262, 880, 172)
    _walker(canvas, 702, 742, 88)


def _far_end(canvas: Canvas) -> None:
    tower = [(478, 596), (478, 430), (486, 424), (495, 372), (504, 424), (512, 430), (512, 596)]
    canvas.mix(
        "#566d78",
        0.8 * canvas.polygon(tower, [(420, 600), (420, 520), (470, 505), (530, 512), (580, 530), (580, 600)], soft=1.5),
    )


def _facades(canvas: Canvas, x: float, houses: list[tuple[float, float, float]], side: str) -> None:
    """Houses along one wall, far ones first: each (far end, near end, height)."""
    rng = canvas.rng
    for far, near, tall in houses:
        air = np.clip(far / 9, 0, 1) ** 0.6
        base = (
            tone(rng.choice(["#1b2a3f", "#22303f", "#2a2c3c", "#1d3140"])) * (1 - 0.55 * air)
            + tone("#6f7f80") * 0.55 * air
        )
        wall = canvas.polygon([at(x, -30, far), at(x, tall, far), at(x, tall, near), at(x, -30, near)])
        texture = 1 + 0.16 * canvas.noise(40, 4, 0.8)
        lift = step(700, -100, np.abs(canvas.y - 640)) * 0.5
        canvas.mix(base * (texture * (0.85 + lift))[..., None], wall)
        canvas.mix(base * 1.5, canvas.lines([at(x, tall, far), at(x, tall, near)], width=9 / (1 + near)))
        canvas.mix(base * 1.35, canvas.lines([at(x, 250, far), at(x, 250, near)], width=7 / (1 + near)))
        columns = np.linspace(near, far, 5)
        for level in np.arange(300, tall - 90, 165):
            for a, b in pairwise(columns):
                _window(
                    canvas, x, a + (b - a) * 0.28, a + (b - a) * 0.74, level, level + 104, base, rng.random() < 0.36
                )
        _shop(canvas, x, near, far, base)


def _window(canvas: Canvas, x, near, far, low, high, base, lit: bool) -> None:
    pane = canvas.polygon([at(x, low, near), at(x, high, near), at(x, high, far), at(x, low, far)])
    if lit:
        colour = tone(canvas.rng.choice(WARM)) * canvas.rng.uniform(0.6, 1.0)
        canvas.mix(colour, pane * 0.95)
        middle, y = at(x, (low + high) / 2, (near + far) / 2)
        light.glow(canvas, middle, y, 70 / (1 + near), colour, 0.28)
    else:
        canvas.mix(base * 0.5 + tone("#31566e") * 0.25, pane)
    bar = (near + far) / 2
    frame = [
        [at(x, low, bar), at(x, high, bar)],
        [at(x, low + (high - low) * 0.6, near), at(x, low + (high - low) * 0.6, far)],
    ]
    canvas.mix(base * 0.7, canvas.lines(*frame, width=5 / (1 + near)))
    canvas.mix(base * 1.6, canvas.lines([at(x, low - 5, near), at(x, low - 5, far)], width=7 / (1 + near)))


def _shop(canvas: Canvas, x: float, near: float, far: float, base: np.ndarray) -> None:
    rng = canvas.rng
    near, far = near + (far - near) * 0.1, near + (far - near) * 0.9
    pane = canvas.polygon([at(x, 20, near), at(x, 180, near), at(x, 180, far), at(x, 20, far)])
    colour = tone(rng.choice(["#ffc56a", "#ffdf9e", "#ff9d54", "#e8c88a"]))
    wares = canvas.noise(46, 3, 0.8)
    canvas.mix(colour * (0.82 + 0.25 * wares[..., None]), pane)
    posts = [[at(x, 20, z), at(x, 180, z)] for z in np.linspace(near, far, 5)]
    canvas.mix(base * 0.6, canvas.lines(*posts, width=9 / (1 + near)))
    awning = tone(rng.choice(["#7c2f2c", "#2f5a56", "#8a5a2c"]))
    inward = 70 if x < 450 else -70
    canvas.mix(
        awning, canvas.polygon([at(x, 215, near), at(x, 215, far), at(x + inward, 178, far), at(x + inward, 178, near)])
    )
    middle, y = at(x, 90, (near + far) / 2)
    light.glow(canvas, middle, y, 190 / (1 + near), colour, 0.42)


def _street(canvas: Canvas) -> None:
    """Wet stones: every column mirrors the wall above, stretched downwards and broken up by the setts."""
    x, y = canvas.x, canvas.y
    slope_left, slope_right = (NEAR_Y - EYE[1]) / (EYE[0] - LEFT), (NEAR_Y - EYE[1]) / (RIGHT - EYE[0])
    foot = EYE[1] + np.where(x < EYE[0], (EYE[0] - x) * slope_left, (x - EYE[0]) * slope_right)
    ground = step(-1, 2, y - foot)
    below = np.maximum(y - EYE[1], 1)

    setts = canvas.noise(13, 3, 2.4) * step(0, 240, below) + 0.5 * canvas.noise(34, 3, 2.2)
    shift = setts * 26 * np.clip(below / 400, 0, 1.2)
    row = (2 * foot - y + shift) * canvas.scale - 0.5
    mirrored = sampled(canvas.rgb, (x + 0.5 * shift) * canvas.scale - 0.5, row)
    small = np.stack([canvas.blurred(mirrored[..., c], 3) for c in range(3)], -1)
    stone = ramp(0.5 + 0.32 * setts, ["#0d1622", "#1c2c3a", "#33495a"])
    wet = 0.62 + 0.22 * canvas.noise(120, 4, 2.2)
    canvas.mix(stone * (1 - wet[..., None]) + small * np.clip(wet, 0.2, 0.95)[..., None], ground)
    canvas.direct(0.0, ground, 0.35)
    sheen = np.exp(-(((x - EYE[0]) / (30 + below * 0.25)) ** 2)) * np.exp(-below / 230)
    canvas.screen("#ffcf94", 0.55 * sheen * ground * (0.75 + 0.3 * setts))
    for track in (-250, -80, 150, 320):
        path = [at(EYE[0] + track, 0, z) for z in (-0.35, 0, 0.5, 1.5, 4, 12)]
        canvas.mix("#0c141d", ground * canvas.lines(path, width=5))
        canvas.screen("#c9b08a", 0.55 * ground * canvas.lines([(px + 3, py) for px, py in path], width=2.2, soft=0.6))
    for edge in (150, -0):
        left = [at(LEFT + 150 + edge, 0, z) for z in (-0.4, 0, 1, 3, 9)]
        canvas.screen("#8fa6ac", 0.16 * ground * canvas.lines(left, width=4, soft=1))


def _lamps(canvas: Canvas) -> None:
    for x, places in ((90, (5.2, 2.9, 1.55, 0.72)), (850, (6.0, 3.4, 1.9, 0.98))):
        for far in places:
            size = 1 / (1 + far)
            (fx, fy), (_, top) = at(x, 0, far), at(x, 560, far)
            canvas.mix("#101820", canvas.lines([(fx, fy), (fx, top)], width=max(2.0, 15 * size)))
            canvas.mix("#101820", canvas.polygon([(fx - 26 * size, fy), (fx - 10 * size, fy - 90 * size),
                                                  (fx + 10 * size, fy - 90 * size), (fx + 26 * size, fy)]))  # fmt: skip
            lantern = [
                (fx - 17 * size, top),
                (fx - 27 * size, top - 70 * size),
                (fx + 27 * size, top - 70 * size),
                (fx + 17 * size, top),
            ]
            canvas.mix("#fff0c0", canvas.polygon(lantern))
            cap = [(fx - 34 * size, top - 68 * size), (fx, top - 104 * size), (fx + 34 * size, top - 68 * size)]
            canvas.mix("#101820", canvas.polygon(cap))
            light.glow(canvas, fx, top - 35 * size, 230 * size + 22, "#ffc46a", 0.85)
            _streak(canvas, fx, fy, fy + (fy - top) * 0.95, 34 * size + 5, "#ffc46a", 0.75)


def _streak(canvas: Canvas, x: float, top: float, foot: float, width: float, colour: str, strength: float) -> None:
    """The reflection of a light: a long, broken column on the wet stones, brightest at the far end."""
    along = (canvas.y - top) / (foot - top)
    column = np.exp(-(((canvas.x - x) / (width * (0.6 + 0.5 * np.clip(along, 0, 2)))) ** 2))
    fall = step(0.0, 0.25, along) * step(1.35, 0.55, along)
    canvas.screen(colour, strength * column * fall * np.clip(0.65 + 0.45 * canvas.noise(15, 3, 3), 0, 1))


def _tram(canvas: Canvas) -> None:
    x0, x1, top, foot = 462, 640, 498, TRAM_FOOT
    side = [(x0, top + 12), (x0 - 34, top + 48), (x0 - 34, foot - 62), (x0, foot - 8)]
    front = [
        (x0, top + 14),
        (x0 + 22, top - 4),
        (x1 - 22, top - 4),
        (x1, top + 14),
        (x1, foot - 22),
        (x1 - 14, foot),
        (x0 + 14, foot),
        (x0, foot - 22),
    ]
    before = canvas.rgb.copy()
    canvas.mix("#4f1c1c", canvas.polygon(side))
    canvas.mix(
        "#f7c777",
        0.8 * canvas.polygon([(x0 - 4, top + 52), (x0 - 30, top + 76), (x0 - 30, top + 152), (x0 - 4, top + 150)]),
    )
    body = canvas.polygon(front)
    sheen = step(x0, x1, canvas.x + 20 * canvas.noise(60, 3))
    canvas.mix(ramp(sheen, ["#8f2a26", "#c0413a", "#7a2221"]), body)
    cream = canvas.polygon(
        [(x0, top + 14), (x0 + 22, top - 4), (x1 - 22, top - 4), (x1, top + 14), (x1, top + 168), (x0, top + 168)]
    )
    canvas.mix(ramp(sheen, ["#b79a6b", "#ead3a2", "#a5875c"]), cream)
    panes = [[(x0 + 14, top + 56), (x0 + 62, top + 54), (x0 + 62, top + 150), (x0 + 14, top + 150)],
             [(x0 + 68, top + 54), (x1 - 68, top + 54), (x1 - 68, top + 150), (x0 + 68, top + 150)],
             [(x1 - 62, top + 54), (x1 - 14, top + 56), (x1 - 14, top + 150), (x1 - 62, top + 150)]]  # fmt: skip
    glass = canvas.polygon(*panes)
    canvas.mix(
        ramp(step(top + 40, top + 160, canvas.y + 14 * canvas.noise(30, 3)), ["#ffe6ae", "#ffca74", "#8f5b33"]), glass
    )
    driver = canvas.polygon(
        [
            (x0 + 76, top + 150),
            (x0 + 80, top + 112),
            (x0 + 100, top + 104),
            (x0 + 118, top + 114),
            (x0 + 122, top + 150),
        ]
    )
    canvas.mix("#3b2722", 0.85 * np.maximum(driver, canvas.ellipse(x0 + 99, top + 92, 12, 15)))
    canvas.mix(
        "#fff3c8", canvas.polygon([(x0 + 46, top + 12), (x1 - 46, top + 12), (x1 - 46, top + 40), (x0 + 46, top + 40)])
    )
    canvas.mix(
        "#2a1a18",
        canvas.polygon([(x0 + 10, foot - 26), (x1 - 10, foot - 26), (x1 - 18, foot + 2), (x0 + 18, foot + 2)]),
    )
    canvas.mix(
        "#d9b178",
        canvas.lines([(x0 + 2, top + 172), (x1 - 2, top + 172)], [(x0 + 2, foot - 60), (x1 - 2, foot - 60)], width=4),
    )
    pole = [
        [(x0 + 90, top - 4), (x0 + 70, top - 46), (x0 + 112, top - 78)],
        [(x0 + 70, top - 78), (x0 + 150, top - 78)],
    ]
    canvas.mix("#0f1720", canvas.lines(*pole, width=4))
    tram = np.clip(np.abs(canvas.rgb - before).max(-1) * 30, 0, 1)
    below = np.maximum(canvas.y - foot, 0)
    ripple = canvas.noise(12, 3, 3) * (4 + below * 0.12)
    column, row = (canvas.x + 0.6 * ripple) * canvas.scale - 0.5, (2 * foot - canvas.y + ripple) * canvas.scale - 0.5
    cover = sampled(tram, column, row) * step(0, 3, canvas.y - foot) * np.exp(-below / 330)
    canvas.mix(sampled(canvas.rgb, column, row) * 0.8, 0.72 * cover)
    canvas.shade("#05080c", 0.7 * canvas.ellipse((x0 + x1) / 2, foot + 3, 96, 9, soft=4))
    for lamp in (x0 + 36, x1 - 36):
        canvas.mix("#fffbe6", canvas.ellipse(lamp, foot - 84, 12, 12))
        light.glow(canvas, lamp, foot - 84, 56, "#fff0c4", 0.75)
        _streak(canvas, lamp, foot + 10, foot + 300, 24, "#fff0c4", 0.85)
    light.glow(canvas, (x0 + x1) / 2, top + 26, 44, "#ffe6a8", 0.25)
    canvas.detail = np.maximum(canvas.detail, 0.6 * canvas.blurred(tram, 4))


def _walker(canvas: Canvas, x: float, foot: float, tall: float) -> None:
    """Someone under an umbrella, seen against the light."""
    s = tall / 172
    coat = [(-19, -40), (-22, -76), (-17, -112), (-7, -124), (9, -124), (18, -110), (23, -72), (22, -38)]
    legs = [
        [(-13, -42), (-17, -6), (-22, 0), (-8, 0), (-1, -42)],
        [(2, -42), (10, -8), (9, -2), (22, -2), (17, -12), (15, -42)],
    ]
    shapes = [[(x + px * s, foot + py * s) for px, py in part] for part in (coat, *legs)]
    t = np.linspace(np.pi, 2 * np.pi, 25)
    dome = [(x + 6 * s + 66 * s * np.cos(a), foot - 138 * s + 52 * s * np.sin(a)) for a in t]
    scallops = [
        (x + 6 * s + (66 - 132 * i / 24) * s, foot - (138 - 7 * abs(np.sin(i / 24 * np.pi * 4))) * s) for i in range(25)
    ]
    figure = np.maximum(canvas.polygon(*shapes), canvas.ellipse(x + s, foot - 132 * s, 11 * s, 14 * s))
    umbrella = canvas.polygon(dome + scallops)
    for mask, colour, rim in ((figure, "#141b26", "#d59a5a"), (umbrella, "#3a1f2a", "#f0a862")):
        canvas.mix(colour, mask)
        canvas.mix(
            rim, mask * (1 - canvas.warped(mask, np.full_like(mask, 4 * s), np.full_like(mask, -2.5 * s))) * 0.85
        )
    both = np.maximum(figure, umbrella)
    below = np.maximum(canvas.y - foot, 0)
    ripple = canvas.noise(12, 3, 3) * (3 + below * 0.10)
    row = (2 * foot - canvas.y + ripple) * canvas.scale - 0.5
    cover = sampled(both, (canvas.x + 0.5 * ripple) * canvas.scale - 0.5, row) * step(-1, 2, canvas.y - foot)
    canvas.mix("#131b27", 0.55 * cover * np.exp(-below / (170 * s)))
    canvas.detail = np.maximum(canvas.detail, 0.7 * canvas.blurred(both, 3))


def finish(canvas: Canvas) -> None:
    rng = canvas.rng
    wires = [[at(x, 700, z) for z in (-0.62, -0.3, 0, 0.6, 2, 6)] for x in (400, 620)]
    canvas.mix("#0e1722", 0.7 * canvas.lines(*wires, width=1.8))
    n = 520
    x, y = rng.uniform(-20, 920, n), rng.uniform(-40, 1220, n)
    length = rng.uniform(22, 70, n)
    warm = np.exp(-((np.hypot(x - 520, y - 600) / 330) ** 2))[:, None]
    colours = tone("#9fb9c6") * (1 - warm) + tone("#ffe2b4") * warm
    canvas.dab(x, y, length, 1.3, np.pi / 2 + 0.12, colours, opacity=rng.uniform(0.10, 0.42, n))
    for _ in range(46):
        t = rng.random()
        y0, x0 = 860 + 330 * t, rng.uniform(60, 860)
        wide = 7 + 13 * t
        ring = canvas.ellipse(x0, y0, wide, wide * 0.3) - canvas.ellipse(x0, y0, wide - 1.6, wide * 0.3 - 1.2)
        canvas.screen("#cfdbe0", 0.35 * np.clip(ring, 0, 1))
    light.bloom(canvas, 0.64, 0.20)
