"""A kitchen in the early sun: a steaming cup on the table, dishes, a kettle, the clock on the wall."""

import numpy as np

from .. import light, trees
from ..canvas import Canvas
from ..colour import ramp, step, tone

SIZE = (1200, 800)
WINDOW = (118, 52, 560, 452)  # x0 y0 x1 y1
TABLE = 548


def compose(canvas: Canvas) -> None:
    _wall(canvas)
    _garden(canvas)
    _frame(canvas)
    _curtains(canvas)
    _clock(canvas, 858, 172, 82)
    _shelf(canvas)
    _table(canvas)
    _dishes(canvas)
    _kettle(canvas, 1010, 640)
    _cup(canvas, 640, 668, 1.25)
    _beams(canvas)


def _wall(canvas: Canvas) -> None:
    plaster = canvas.noise(120, 6, 1.2)
    canvas.rgb = ramp(step(80, 1250, canvas.x) + 0.09 * plaster, ["#6f7f86", "#8f9590", "#a89f90", "#9a8672"])
    canvas.direct(0.8, np.ones_like(canvas.x), 0.06)
    # The low sun throws the window onto the wall: skewed panes of light.
    panes = []
    for column in range(2):
        for row in range(2):
            x, y = 690 + column * 168, 118 + row * 176 + column * 34
            panes.append([(x, y), (x + 150, y + 30), (x + 150, y + 186), (x, y + 156)])
    patch = canvas.polygon(*panes, soft=5) * (0.82 + 0.22 * canvas.noise(60, 4))
    leaves = step(0.15, 0.75, canvas.noise(46, 4, 1.4)) * step(980, 700, canvas.x)
    canvas.mix("#ffd994", 0.80 * patch * (1 - 0.55 * leaves))


def _garden(canvas: Canvas) -> None:
    x0, y0, x1, y1 = WINDOW
    opening = canvas.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    before = canvas.rgb.copy()
    haze = canvas.y + 26 * canvas.noise(90, 4)
    canvas.mix(ramp(haze, ["#cfe2e4", "#f8f0cf", "#fbe5a8", "#b9c478", "#7f9f57"], [40, 170, 270, 345, 470]))
    blobs = [(150, 250, 90, 90), (250, 300, 80, 50), (520, 230, 80, 110), (430, 320, 90, 44), (330, 350, 110, 36)]
    trees.crown(canvas, blobs, "#6f9460", "#a9bd6a", "#f6eda6", sun=(-0.2, -0.7), leaf=13, dense=0.8)
    trees.crown(
        canvas,
        [(130, 420, 120, 46), (330, 430, 130, 36), (520, 425, 90, 42)],
        "#4a7347",
        "#86a552",
        "#e5e08a",
        sun=(0, -0.8),
        leaf=11,
        dense=0.7,
    )
    canvas.rgb = canvas.blurred(canvas.rgb, 4)
    light.glow(canvas, 262, 168, 170, "#fff4c8", 0.9)
    canvas.rgb = before + (canvas.rgb - before) * opening[..., None]


def _frame(canvas: Canvas) -> None:
    x0, y0, x1, y1 = WINDOW
    middle, rail = (x0 + x1) / 2, y0 + 150
    outer = canvas.lines([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0 - 8)], width=24)
    bars = canvas.lines([(middle, y0), (middle, y1)], width=17)
    thin = canvas.lines([(x0, rail), (x1, rail)], width=9)
    shade = step(0.2, 0.8, np.abs((canvas.x - x0) / (x1 - x0) - 0.35))
    wood = ramp(shade + 0.08 * canvas.noise(20, 3), ["#e8dcc0", "#b3b0a4", "#7d8488"])
    for mask in (thin, bars, outer):
        canvas.mix(wood, mask)
        edge = mask * (1 - canvas.warped(mask, np.full_like(mask, -3.0), np.full_like(mask, -3.0)))
        canvas.mix("#fff3cf", 0.8 * edge)
    sill = canvas.polygon([(x0 - 34, y1 + 6), (x1 + 34, y1 + 6), (x1 + 56, y1 + 34), (x0 - 56, y1 + 34)])
    canvas.mix(ramp(step(x0, x1, canvas.x), ["#fff0cc", "#e9d9b6", "#b5aa98"]), sill)
    canvas.mix(
        "#6f7478", canvas.polygon([(x0 - 56, y1 + 34), (x1 + 56, y1 + 34), (x1 + 52, y1 + 46), (x0 - 52, y1 + 46)])
    )
    _pot(canvas, 470, y1 + 20)
    canvas.detail = np.maximum(canvas.detail, 0.4 * canvas.blurred(np.maximum(outer, bars), 3))


def _pot(canvas: Canvas, x: float, foot: float) -> None:
    """A geranium on the sill; the light shines through its leaves."""
    canvas.shade("#8a7a66", 0.5 * canvas.ellipse(x + 26, foot, 56, 7, soft=4))
    side = ramp(step(-30, 34, canvas.x - x), ["#f0a066", "#b8603a", "#6f3a2c"])
    canvas.mix(side, canvas.polygon([(x - 27, foot - 50), (x + 27, foot - 50), (x + 19, foot), (x - 19, foot)]))
    canvas.mix(
        side * 1.06,
        canvas.polygon([(x - 31, foot - 62), (x + 31, foot - 62), (x + 29, foot - 47), (x - 29, foot - 47)]),
    )
    blobs = [
        (x, foot - 92, 46, 32),
        (x - 30, foot - 84, 28, 22),
        (x + 32, foot - 86, 28, 22),
        (x + 6, foot - 122, 30, 22),
    ]
    trees.crown(canvas, blobs, "#2c4f2f", "#5f8f3c", "#d3dc7a", sun=(-0.7, -0.5), leaf=8)
    rng = canvas.rng
    for cx, cy in ((x - 22, foot - 128), (x + 18, foot - 142), (x + 40, foot - 112)):
        a = rng.uniform(0, 2 * np.pi, 26)
        r = rng.random(26) * 12
        canvas.dab(
            cx + r * np.cos(a),
            cy + r * np.sin(a) * 0.8,
            6,
            5,
            a,
            ramp(rng.random(26), ["#a82a34", "#e2504a", "#ff9a86"]),
        )


def _curtains(canvas: Canvas) -> None:
    """Linen curtains that glow where the sun is behind them."""
    for inner, outer, top_in in ((150, 34, 196), (532, 650, 486)):
        t = np.linspace(0, 1, 15)
        edge = top_in + (inner - top_in) * t**1.4 + 7 * np.sin(t * 5)
        y = 22 + 470 * t
        shape = canvas.polygon([(outer, 22), *zip(edge, y, strict=True), (outer, 492)])
        across = (canvas.x - outer) / (inner - outer)
        folds = np.sin(across * 19 + 1.5 * np.sin(canvas.y / 130) + 1.2 * canvas.noise(160, 2, 0.3))
        through = step(0.1, 1.0, across)
        lit = 0.22 + 0.52 * through + 0.22 * folds
        canvas.mix(ramp(lit, ["#7d7a74", "#b8ab94", "#efd9ac", "#fff3cf"]), shape * (0.95 - 0.12 * through))
        canvas.direct(np.pi / 2, shape, 0.8)
    canvas.mix("#4a3c34", canvas.lines([(20, 22), (672, 22)], width=9))
    canvas.mix("#c9a678", canvas.lines([(20, 19), (672, 19)], width=2.4))


def _clock(canvas: Canvas, x: float, y: float, r: float) -> None:
    canvas.shade("#6a6258", 0.55 * canvas.ellipse(x + 13, y + 15, r * 1.03, r * 1.03, soft=9))
    canvas.mix(
        ramp(step(-r, r, canvas.x - x + canvas.y - y), ["#c98f56", "#7f4f32", "#4a2e24"]), canvas.ellipse(x, y, r, r)
    )
    face = canvas.ellipse(x, y, r * 0.84, r * 0.84)
    canvas.mix(ramp(step(-r, r, canvas.x - x), ["#fff4da", "#f3e3c2", "#d3c1a4"]), face)
    for hour in range(12):
        a = hour * np.pi / 6
        inner = 0.66 if hour % 3 else 0.60
        mark = [
            (x + r * inner * np.sin(a), y - r * inner * np.cos(a)),
            (x + r * 0.75 * np.sin(a), y - r * 0.75 * np.cos(a)),
        ]
        canvas.mix("#3a302c", canvas.lines(mark, width=3 if hour % 3 else 5))
    canvas.detail = np.maximum(canvas.detail, canvas.ellipse(x, y, r * 1.05, r * 1.05))


def _shelf(canvas: Canvas) -> None:
    """A shelf on the right: jars and hanging cups."""
    canvas.shade("#6f6658", 0.5 * canvas.polygon([(1010, 330), (1205, 330), (1205, 372), (1024, 366)], soft=9))
    for x, wide, tall, colour in (
        (1030, 42, 68, "#b9784a"),
        (1082, 46, 88, "#8fa39a"),
        (1138, 40, 60, "#d9b46e"),
        (1184, 40, 80, "#7a8a94"),
    ):
        jar = canvas.polygon([(x, 318), (x, 318 - tall), (x + wide, 318 - tall), (x + wide, 318)])
        round_ = 1.25 - 0.65 * step(0, wide, canvas.x - x)
        canvas.mix(tone(colour) * round_[..., None], jar)
        canvas.mix(
            "#4f3a2e",
            canvas.polygon(
                [(x - 2, 318 - tall), (x - 2, 306 - tall), (x + wide + 2, 306 - tall), (x + wide + 2, 318 - tall)]
            ),
        )
        canvas.mix("#fff2d0", 0.7 * canvas.lines([(x + 7, 310), (x + 7, 328 - tall)], width=3, soft=1))
    canvas.mix(
        ramp(step(316, 334, canvas.y), ["#d9a86e", "#5a3a2a"]),
        canvas.polygon([(1006, 316), (1205, 316), (1205, 333), (1006, 333)]),
    )


def _table(canvas: Canvas) -> None:
    top = step(TABLE - 1, TABLE + 1, canvas.y)
    below = np.maximum(canvas.y - TABLE, 0)
    boards = np.abs(np.sin(((canvas.x - 520) / (1 + below / 300)) * np.pi / 150))
    grain = canvas.noise(16, 5, 9)
    lit = 0.42 + 0.20 * grain + 0.30 * np.exp(-(((canvas.x - 520 - below * 0.8) / 330) ** 2))
    canvas.mix(ramp(lit, ["#4a2c1f", "#8a5635", "#c48a54", "#edc084"]), top)
    canvas.shade("#5a3a2c", 0.55 * top * step(0.05, 0.0, boards))
    light_patch = canvas.polygon(
        [(330, 800), (400, 566), (560, 566), (600, 800)], [(640, 800), (588, 566), (740, 566), (880, 800)], soft=9
    )
    canvas.mix("#ffdca0", 0.50 * light_patch * top * (0.85 + 0.3 * grain))
    canvas.mix("#ffe9bd", 0.7 * np.exp(-(((canvas.y - TABLE - 2) / 2.5) ** 2)) * step(1000, 300, canvas.x))
    canvas.direct(0.0, top, 0.7)
    canvas.shade("#5f5a5a", 0.35 * step(TABLE - 60, TABLE, canvas.y) * (1 - top))


def _bowl(canvas: Canvas, x, rim, foot, rx, colours, inside) -> None:
    """A round vessel, as if turned on a potter's wheel, from the height of its rim to that of its foot."""
    t = np.linspace(0, np.pi, 31)
    body = [(x + rx * np.cos(a), rim + (foot - rim) * np.sin(a) ** 0.7) for a in t]
    canvas.mix(ramp(step(-rx, rx, canvas.x - x), colours), canvas.polygon([(x + rx, rim), *body, (x - rx, rim)]))
    canvas.mix(ramp(step(-rx, rx, canvas.x - x), inside), canvas.ellipse(x, rim, rx, rx * 0.24))


def _dishes(canvas: Canvas) -> None:
    x = 300
    canvas.shade("#3a2a2a", 0.6 * canvas.ellipse(x + 46, 684, 180, 22, soft=9))
    for i in range(6):
        y, rx = 682 - i * 9.5, 132 - i * 1.5
        canvas.mix("#8a8d93", canvas.ellipse(x, y + 6, rx * 0.9, rx * 0.20))
        canvas.mix(
            ramp(step(-rx, rx, canvas.x - x), ["#fffaf0", "#e9ddc8", "#a9a29a"]), canvas.ellipse(x, y, rx, rx * 0.22)
        )
        rim = np.clip(canvas.ellipse(x, y, rx - 5, rx * 0.22 - 2) - canvas.ellipse(x, y, rx - 8, rx * 0.22 - 4), 0, 1)
        canvas.mix("#3f6a8f", 0.8 * rim)
    _bowl(canvas, x + 4, 578, 630, 88, ["#cfe0e6", "#5f90ac", "#2c5470"], ["#4a7088", "#9fc0c8", "#e9f0e4"])
    _bowl(canvas, x - 2, 553, 604, 74, ["#fff4dc", "#e0cfae", "#9a8c7a"], ["#a99c88", "#dfd2b8", "#fff6dc"])
    canvas.detail = np.maximum(canvas.detail, canvas.ellipse(x, 630, 150, 100, soft=8))
    spoon = canvas.lines([(466, 726), (556, 694)], width=6)
    canvas.shade("#4a2c1f", 0.5 * canvas.lines([(468, 733), (560, 701)], width=8, soft=3))
    canvas.mix("#d9d6cc", np.maximum(spoon, canvas.ellipse(458, 729, 22, 11)))
    canvas.mix("#fffdf0", canvas.lines([(470, 723), (552, 693)], width=1.8))
    canvas.mix("#8d8f90", canvas.ellipse(457, 730, 14, 6))


def _kettle(canvas: Canvas, x: float, foot: float) -> None:
    """An enamel kettle."""
    canvas.shade("#3a2620", 0.65 * canvas.ellipse(x + 52, foot - 2, 170, 20, soft=10))
    outline = [
        (-96, -8),
        (-106, -44),
        (-84, -104),
        (-46, -132),
        (46, -132),
        (84, -104),
        (106, -44),
        (96, -8),
        (78, 2),
        (-78, 2),
    ]
    t = np.linspace(0, 1, len(outline))
    fine = np.linspace(0, 1, 60)
    px, py = (np.interp(fine, t, np.array(outline, float)[:, axis]) for axis in (0, 1))
    body = canvas.polygon(np.stack([x + px, foot + py], -1), soft=1.2)
    spout = canvas.polygon(
        [
            (x - 78, foot - 60),
            (x - 128, foot - 112),
            (x - 156, foot - 122),
            (x - 150, foot - 106),
            (x - 124, foot - 76),
            (x - 84, foot - 18),
        ],
        soft=0.8,
    )
    turn = (canvas.x - x) / 104 + 0.10 * canvas.noise(40, 3)
    enamel = ramp(step(-1.1, 1.1, turn), ["#dff0ea", "#7fb0a4", "#2f6a68", "#163a40", "#2a5254"])
    canvas.mix(enamel, np.maximum(body, spout))
    canvas.mix(
        "#fffdf0",
        0.85 * canvas.lines([(x - 62, foot - 106), (x - 82, foot - 62), (x - 84, foot - 34)], width=7, soft=2.5),
    )
    canvas.mix("#ffcf8a", 0.5 * body * step(foot - 34, foot, canvas.y) * step(0.4, -0.6, turn))
    lid = canvas.ellipse(x, foot - 132, 50, 11)
    canvas.mix(ramp(step(-50, 50, canvas.x - x), ["#e8f4ec", "#5f968c", "#163a40"]), lid)
    canvas.mix("#20262a", canvas.ellipse(x, foot - 147, 13, 10))
    a = np.linspace(np.pi * 1.06, np.pi * 1.94, 25)
    arch = np.stack([x + 84 * np.cos(a), foot - 108 + 112 * np.sin(a)], -1)
    canvas.mix("#2a2422", canvas.lines(arch, width=12))
    canvas.mix("#d9a06a", canvas.lines(arch[3:14] + np.array([-1, -4]), width=3))
    canvas.detail = np.maximum(canvas.detail, 0.8 * canvas.blurred(np.maximum(body, spout), 4))


def _cup(canvas: Canvas, x: float, foot: float, s: float) -> None:
    canvas.shade("#4a2c1f", 0.6 * canvas.ellipse(x + 52 * s, foot + 8 * s, 132 * s, 24 * s, soft=8))
    canvas.mix("#a39a90", canvas.ellipse(x, foot + 9 * s, 112 * s, 30 * s))
    canvas.mix(
        ramp(step(-110 * s, 110 * s, canvas.x - x), ["#fffaf0", "#f0e4cc", "#b3a797"]),
        canvas.ellipse(x, foot + 3 * s, 114 * s, 30 * s),
    )
    canvas.shade("#b9a58c", 0.8 * canvas.ellipse(x + 14 * s, foot + 6 * s, 74 * s, 17 * s, soft=4))
    a = np.linspace(-1.35, 1.35, 25)
    handle = np.stack([x + 66 * s + 34 * s * np.cos(a), foot - 58 * s + 30 * s * np.sin(a)], -1)
    canvas.mix("#c9b8a0", canvas.lines(handle, width=13 * s))
    canvas.mix("#f6ead2", canvas.lines(handle[:14] - 2 * s, width=5 * s))
    colours = ["#fffdf4", "#f4e8d0", "#cdbba2", "#938474"]
    _bowl(canvas, x, foot - 92 * s, foot + 6 * s, 72 * s, colours, ["#b5a690", "#e2d5bc", "#fff8e4"])
    canvas.mix("#2c160e", canvas.ellipse(x, foot - 88 * s, 63 * s, 13 * s))
    canvas.mix("#8a5430", 0.9 * canvas.ellipse(x - 16 * s, foot - 87 * s, 34 * s, 6 * s, soft=2.5))
    stripe = canvas.polygon(
        [
            (x - 90 * s, foot - 64 * s),
            (x + 90 * s, foot - 64 * s),
            (x + 90 * s, foot - 56 * s),
            (x - 90 * s, foot - 56 * s),
        ]
    )
    curve = canvas.warped(
        stripe, np.zeros_like(stripe), -14 * s * np.sqrt(np.clip(1 - ((canvas.x - x) / (72 * s)) ** 2, 0, 1))
    )
    canvas.mix("#3f6a8f", 0.85 * curve * (np.abs(canvas.x - x) < 70 * s))
    canvas.detail = np.maximum(canvas.detail, canvas.ellipse(x + 14, foot - 36 * s, 130 * s, 90 * s, soft=8))


def _beams(canvas: Canvas) -> None:
    shafts = canvas.polygon(
        [(150, 80), (330, 60), (900, 560), (560, 700)], [(350, 80), (540, 60), (1120, 500), (960, 600)], soft=34
    )
    canvas.screen("#ffdf9e", 0.17 * shafts * (0.8 + 0.3 * canvas.noise(140, 3)))
    canvas.shade("#54504e", 0.35 * step(820, 1250, canvas.x) * step(300, 800, canvas.y))


def finish(canvas: Canvas) -> None:
    _hands(canvas, 858, 172, 82)
    _steam(canvas, 640, 548)
    rng = canvas.rng
    n = 110
    t = rng.random(n)
    x, y = 220 + 640 * t + rng.normal(0, 90, n), 130 + 400 * t + rng.normal(0, 60, n)
    canvas.dab(x, y, 2.4, 2.4, 0, "#fff4cc", opacity=rng.uniform(0.1, 0.6, n))
    light.bloom(canvas, 0.76, 0.16)


def _hands(canvas: Canvas, x: float, y: float, r: float) -> None:
    """A wall clock at ten past seven."""
    for turn, reach, width in ((7 + 1 / 6, 0.42, 6), (2, 0.62, 4)):
        a = turn * np.pi / 6
        tail = (x - r * 0.12 * np.sin(a), y + r * 0.12 * np.cos(a))
        canvas.mix("#2c2420", canvas.lines([tail, (x + r * reach * np.sin(a), y - r * reach * np.cos(a))], width=width))
    canvas.mix("#a83a2c", canvas.lines([(x - 8, y + 12), (x + r * 0.38, y - r * 0.56)], width=1.8))
    canvas.mix("#2c2420", canvas.ellipse(x, y, 5, 5))


def _steam(canvas: Canvas, x: float, foot: float) -> None:
    """Ribbons of steam that part and thin as they rise, and catch the light."""
    rise = np.clip((foot - canvas.y) / 250, 0, 1.2)
    drift = 44 * rise * canvas.noise(110, 3, 0.7) + 20 * rise**0.5 * np.sin(canvas.y / 34)
    off = canvas.x - x - drift
    body = np.zeros_like(rise)
    for centre, wide in ((-22, 13), (6, 16), (30, 11)):
        spread = wide * (0.7 + 1.5 * rise)
        body += np.exp(-(((off - centre * (0.7 + 1.3 * rise)) / spread) ** 2))
    body *= step(-0.02, 0.10, rise) * step(1.05, 0.25, rise) * np.clip(0.75 + 0.45 * canvas.noise(60, 4, 0.5), 0, 1)
    canvas.screen("#fff6e2", canvas.blurred(0.80 * body, 3))
