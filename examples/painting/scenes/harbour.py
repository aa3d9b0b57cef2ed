"""A fishing harbour on a bright morning: two boats at their moorings, quay, houses, a lighthouse, gulls."""

import numpy as np

from .. import land, light, sky, water
from ..canvas import Canvas
from ..colour import ramp, step

SIZE = (1200, 800)
WATER = 430


def compose(canvas: Canvas) -> None:
    sky.gradient(canvas, ["#6fa3c9", "#a3c6d8", "#d9e2d8", "#f6e3c3", "#fbdcb0"], [0, 130, 260, 350, 425])
    light.glow(canvas, 130, 330, 260, "#ffe2a8", 0.5, stretch=1.5)
    field = sky.cloud_field(canvas, 100, 3.0, warp=0.5)
    sky.lit_clouds(canvas, field, 0.15 + 0.55 * step(60, 360, canvas.y), (-26, -10), "#fffaf0", "#b4c3d0", 0.8, 0.85)
    _hills(canvas)
    _lighthouse(canvas, 985, 418)
    _houses(canvas)
    waves = _water(canvas)
    _mooring_poles(canvas, waves)
    _fishing_boat(canvas, 770, 560, 0.74, waves, ("#7f2620", "#c2452f", "#ec8a56"), flip=-1)
    _fishing_boat(canvas, 430, 640, 1.12, waves, ("#173f5c", "#2f74a0", "#7fc0d8"), flip=1)
    _quay(canvas)


def _hills(canvas: Canvas) -> None:
    x = canvas.x[0]
    for base, rise, colour in ((404, 40, "#a9bfc8"), (414, 30, "#8faeb0")):
        line = base - rise * step(850, 250, x) * (0.8 + 0.3 * canvas.curve(200, 4)) + 3 * canvas.curve(60, 3)
        canvas.mix(colour, land.below(canvas, line) * step(WATER + 2, WATER, canvas.y))
    hill = 425 - 118 * np.exp(-(((x - 130) / 260) ** 2)) + 8 * canvas.curve(80, 5)
    green = ramp(0.5 + 0.35 * canvas.noise(36, 5, 1.6) - (canvas.y - 330) / 500, ["#4f7356", "#86a368", "#c3c888"])
    canvas.mix(green, land.below(canvas, hill, 2) * step(WATER + 2, WATER, canvas.y))


def _lighthouse(canvas: Canvas, x: float, foot: float) -> None:
    """A lighthouse at the end of a stone mole."""
    rough = 3 * canvas.curve(26, 3)
    mole = (
        step(-1, 1, canvas.y - (foot - 2 + rough[None, :]))
        * step(WATER + 7, WATER + 4, canvas.y)
        * step(770, 800, canvas.x)
    )
    canvas.mix(ramp(0.5 + 0.4 * canvas.noise(12, 3, 2), ["#5f6468", "#b3a894"]), mole)
    top = foot - 172
    shaft = [(x - 21, foot), (x - 13, top), (x + 13, top), (x + 21, foot)]
    side = (canvas.x - x) / 20
    white = ramp(step(-1, 1, side), ["#fff8e8", "#e9e0d6", "#a9adb8"])
    red = ramp(step(-1, 1, side), ["#e2583e", "#bb3a30", "#7a2a30"])
    tower = canvas.polygon(shaft)
    canvas.mix(white, tower)
    bands = np.floor((canvas.y - top) / 34) % 2 == 1
    canvas.mix(red, tower * bands)
    canvas.mix("#3f4a54", canvas.polygon([(x - 21, top + 2), (x - 21, top - 5), (x + 21, top - 5), (x + 21, top + 2)]))
    canvas.mix(
        "#fff0bc", canvas.polygon([(x - 10, top - 5), (x - 10, top - 27), (x + 10, top - 27), (x + 10, top - 5)])
    )
    canvas.mix("#a8352c", canvas.polygon([(x - 14, top - 26), (x, top - 46), (x + 14, top - 26)]))
    canvas.mix("#f2ead8", canvas.polygon([(x + 22, foot), (x + 22, foot - 20), (x + 62, foot - 20), (x + 62, foot)]))
    canvas.mix(
        "#a04a38", canvas.polygon([(x + 18, foot - 19), (x + 30, foot - 36), (x + 56, foot - 36), (x + 66, foot - 19)])
    )
    light.glow(canvas, x, top - 16, 26, "#ffedb0", 0.5)
    canvas.detail = np.maximum(canvas.detail, canvas.blurred(np.maximum(tower, canvas.ellipse(x, top - 20, 26, 30)), 3))


ROOFS = ["#a4503a", "#8a4a3e", "#6f6a72", "#b5623f"]
AIR = "#dfe0d4"


def _houses(canvas: Canvas) -> None:
    """A row of painted houses along the far quay, all different, paler towards the right."""
    rng = canvas.rng
    walls = ["#f0cf9a", "#e8a488", "#f4ead2", "#a8c4c4", "#e9b96e", "#f2d8c8", "#c98a76", "#dfe3cf", "#efc2a0"] * 2
    x = -34.0
    while x < 690:
        wide, tall = rng.uniform(42, 84), rng.uniform(54, 112) * (1 - 0.0004 * x)
        _house(canvas, x, wide, tall, walls.pop(), 0.08 + 0.24 * x / 700)
        x += wide + rng.uniform(-6, 2)
    quay = canvas.polygon([(-5, WATER - 8), (745, WATER - 6), (760, WATER + 4), (-5, WATER + 6)])
    canvas.mix(ramp(0.5 + 0.4 * canvas.noise(10, 3, 3), ["#7d7a74", "#c9bda4"]), quay)
    row = step(300, 330, canvas.y) * step(WATER, WATER - 10, canvas.y) * step(740, 700, canvas.x)
    canvas.detail = np.maximum(canvas.detail, 0.5 * row)


def _house(canvas: Canvas, x: float, wide: float, tall: float, wall: str, air: float) -> None:
    rng = canvas.rng
    foot, top = WATER - 6, WATER - 6 - tall

    def block(left, upper, across, high):
        return [(left, upper + high), (left, upper), (left + across, upper), (left + across, upper + high)]

    face = canvas.polygon(block(x, top, wide, tall))
    canvas.mix(land.faded(wall, AIR, air), face)
    canvas.shade("#8d8fb0", 0.45 * face * step(x + wide * 0.35, x + wide * 1.1, canvas.x))
    colour, rise = land.faded(rng.choice(ROOFS), AIR, air), rng.uniform(17, 32)
    if rng.random() < 0.5:  # gable facing the water
        canvas.mix(
            land.faded(wall, AIR, air) * 0.97,
            canvas.polygon([(x, top + 1), (x + wide / 2, top - rise), (x + wide, top + 1)]),
        )
        slopes = [
            [(x - 4, top + 3), (x + wide / 2, top - rise - 2)],
            [(x + wide / 2, top - rise - 2), (x + wide + 4, top + 3)],
        ]
        canvas.mix(colour * 1.15, canvas.lines(slopes[0], width=7))
        canvas.mix(colour * 0.85, canvas.lines(slopes[1], width=7))
        canvas.mix(land.faded("#46606f", AIR, air), canvas.ellipse(x + wide / 2, top - rise * 0.3, 4, 5))
    else:
        eaves = [(x - 3, top + 2), (x + 6, top - rise * 0.8), (x + wide - 6, top - rise * 0.8), (x + wide + 3, top + 2)]
        canvas.mix(ramp(step(x, x + wide, canvas.x), [colour * 1.2, colour * 0.85]), canvas.polygon(eaves))
        dormer = x + wide * rng.uniform(0.3, 0.55)
        canvas.mix(land.faded("#f4ead2", AIR, air), canvas.polygon(block(dormer, top - rise * 0.55, 11, rise * 0.45)))
        canvas.mix(land.faded("#46606f", AIR, air), canvas.polygon(block(dormer + 3, top - rise * 0.45, 5, rise * 0.3)))
    chimney = x + wide * rng.uniform(0.62, 0.8)
    canvas.mix(land.faded("#8a5a48", AIR, air), canvas.polygon(block(chimney, top - rise * 0.9 - 8, 7, rise * 0.6)))
    columns = max(2, int(wide / 20))
    panes, shutters = [], []
    for wy in np.arange(top + 9, foot - 26, 23):
        for wx in np.linspace(x + 8, x + wide - 16, columns):
            panes.append(block(wx, wy, 8, 13))
            shutters += [block(wx - 3.5, wy, 3, 13), block(wx + 8.5, wy, 3, 13)]
    canvas.mix(land.faded("#46606f", AIR, air), canvas.polygon(*panes))
    if rng.random() < 0.6:
        canvas.mix(
            land.faded(rng.choice(["#4f7f7a", "#7a3f38", "#f4f0e2", "#3f5f8a"]), AIR, air), canvas.polygon(*shutters)
        )
    canvas.mix(land.faded("#5a3a30", AIR, air), canvas.polygon(block(x + wide * 0.45, foot - 19, 11, 19)))
    if rng.random() < 0.5:
        awning = [(x + 4, foot - 22), (x + wide - 4, foot - 22), (x + wide, foot - 14), (x, foot - 14)]
        canvas.mix(land.faded(rng.choice(["#c4503a", "#e9dcb4", "#3f7a86"]), AIR, air), canvas.polygon(awning))


def _water(canvas: Canvas) -> np.ndarray:
    mask = step(WATER + 3, WATER + 6, canvas.y)
    waves = water.ripples(canvas, WATER, count=30, stretch=5)
    near = water.depth(canvas, WATER)
    mirrored = water.reflect(canvas, WATER + 4, waves, 62, "#4f8fa0", 0.85)
    deep = ramp(near, ["#b5cfcb", "#6fa5ae", "#37748a", "#245a72"])
    canvas.mix(
        (mirrored * (1 - 0.5 * near[..., None]) + deep * 0.5 * near[..., None]) * (1 + 0.12 * waves)[..., None], mask
    )
    canvas.direct(0.0, mask, 1.1)
    return waves


def _mooring_poles(canvas: Canvas, waves: np.ndarray) -> None:
    for x, foot, tall in ((1120, 560, 120), (1052, 520, 84), (640, 500, 62)):
        pole = canvas.lines([(x, foot), (x + 2, foot - tall)], width=tall * 0.11)
        canvas.mix(ramp(step(-6, 6, canvas.x - x), ["#c9a878", "#54423a"]), pole)
        canvas.mix("#f2efe2", canvas.ellipse(x + 2, foot - tall, tall * 0.06, tall * 0.03))
        water.mirror(canvas, pole, foot, waves, 8, "#2f6a80", 0.75)


def _fishing_boat(canvas: Canvas, x, y, s, waves, paint, flip) -> None:
    """A wooden boat in profile: sheer hull, wheelhouse, mast with boom, nets aft."""

    def at(*points):
        return [(x + flip * px * s, y + py * s) for px, py in points]

    t = np.linspace(0, 1, 25)
    sheer = np.stack([-165 + 345 * t, -52 + 26 * np.sin(np.pi * t * 0.9) - 58 * t**3.2], -1)
    keel = [(148, 0), (120, 8), (-120, 10), (-152, 4)]
    hull = canvas.polygon(at(*sheer, *keel))
    across, down = (canvas.x - x) / s, (canvas.y - y) / s
    grain = canvas.noise(10, 3, 8)
    lit = step(40, -70, down) * 0.55 + 0.35 * step(190, -190, across) + 0.12 * grain
    mast_lines = at((-20, -70), (-14, -330)), at((92, -62), (94, -236))
    canvas.mix("#6f4a30", canvas.lines(*mast_lines, width=7 * s))
    canvas.mix("#e0b47e", canvas.lines(*[[(px - 2 * s, py) for px, py in path] for path in mast_lines], width=2.4 * s))
    boom = canvas.lines(at((-16, -104), (-132, -176)), at((-20, -250), (12, -250)), width=4.5 * s)
    canvas.mix("#7d5636", boom)
    bundle = canvas.polygon(at((-138, -62), (-120, -88), (-84, -92), (-58, -74), (-50, -50), (-140, -50)))
    canvas.mix(ramp(0.5 + 0.45 * canvas.noise(9, 3, 1.5), ["#2f5a4c", "#6fa07c", "#d9c27a"]), bundle)
    house = canvas.polygon(at((-6, -44), (-6, -120), (66, -120), (72, -44)))
    canvas.mix(ramp(step(-40, 90, flip * across * flip), ["#fff6e2", "#e9ddc6", "#b5b4b8"]), house)
    roof = canvas.polygon(at((-16, -118), (-12, -132), (72, -132), (78, -118)))
    canvas.mix(paint[1], roof)
    for left in (4, 28, 50):
        canvas.mix("#3d5a6c", canvas.polygon(at((left, -106), (left + 16, -106), (left + 17, -84), (left, -84))))
        canvas.mix("#cfe0e0", canvas.lines(at((left + 3, -88), (left + 11, -104)), width=2 * s))
    canvas.mix("#5a3f30", canvas.polygon(at((22, -44), (22, -78), (42, -78), (42, -44))))
    canvas.mix(ramp(lit, list(paint)), hull)
    canvas.mix("#f6efdc", canvas.lines(at(*sheer), width=7 * s))
    canvas.mix("#f6efdc", 0.85 * canvas.lines(at(*[(px, py + 17) for px, py in sheer[1:-2]]), width=2.6 * s))
    below_line = step(-13, -11, down + 2 * np.sin(across * 0.03)) * hull
    canvas.mix(ramp(lit, ["#3a1f22", "#7f3a30"]), below_line)
    for px in (-96, -38, 108):
        canvas.mix("#20282c", canvas.ellipse(*at((px, -24))[0], 9 * s, 11 * s))
        canvas.mix("#a39a86", canvas.ellipse(*at((px, -24))[0], 4 * s, 5 * s))
    boat = np.maximum.reduce([hull, house, roof, bundle, boom, canvas.lines(*mast_lines, width=7 * s)])
    water.mirror(canvas, boat, y + 6 * s, waves, 11 * s, "#2f6a80", 0.85)
    canvas.shade("#163846", 0.5 * canvas.ellipse(x, y + 8 * s, 150 * s, 6 * s, soft=3))
    canvas.detail = np.maximum(canvas.detail, 0.7 * canvas.blurred(boat, 3))
    canvas.direct(0.05 * flip, hull, 0.5)


def _quay(canvas: Canvas) -> None:
    """The quay in the foreground: worn stone, a bollard with its rope, a stack of crates, a coil of rope."""
    edge = [(520, 812), (700, 742), (1205, 664), (1205, 812)]
    top = canvas.polygon(edge)
    slabs = canvas.noise(46, 4, 2.4)
    canvas.mix(ramp(0.55 + 0.25 * slabs - (canvas.y - 720) / 400, ["#5d5450", "#a39078", "#e2cda6"]), top)
    joints = [[(700 + i * 126, 742 - i * 19.5), (590 + i * 165, 812 + 10)] for i in range(1, 6)]
    canvas.shade("#6a5a58", 0.6 * top * canvas.lines([(560, 806), (1205, 708)], *joints, width=3))
    face = canvas.polygon([(520, 812), (700, 742), (1205, 664), (1205, 678), (704, 758), (548, 818)])
    canvas.mix(ramp(0.5 + 0.4 * canvas.noise(12, 3, 2), ["#4a4444", "#8f7f6c"]), face)
    canvas.shade("#4a4450", 0.5 * canvas.ellipse(800, 762, 48, 11, soft=5))
    canvas.mix(
        ramp(step(-22, 24, canvas.x - 786), ["#5f6a70", "#39424a", "#1b2228"]),
        canvas.polygon([(768, 760), (773, 716), (801, 716), (806, 760)]),
    )
    canvas.mix(ramp(step(-26, 28, canvas.x - 786), ["#8d979a", "#39424a"]), canvas.ellipse(787, 714, 25, 9))
    _crates(canvas)
    for ring in range(5):
        r = 44 - ring * 8
        loop = canvas.ellipse(915, 772, r, r * 0.34) - canvas.ellipse(915, 772, r - 5, (r - 5) * 0.34)
        canvas.mix("#d9b777" if ring % 2 else "#a9844f", np.clip(loop, 0, 1))
    canvas.detail = np.maximum(canvas.detail, 0.5 * canvas.blurred(top, 4))


def _crates(canvas: Canvas) -> None:
    """Three slatted fish boxes, one on top of two; the upper one is full of ice and fish."""
    canvas.shade("#4a4450", 0.55 * canvas.ellipse(1090, 778, 150, 20, soft=9))
    for x, foot, wide, tall in ((972, 778, 116, 50), (1096, 774, 122, 52), (1028, 726, 122, 50)):
        top, lean = foot - tall, 26
        lid = canvas.polygon([(x, top), (x + lean, top - 22), (x + wide + lean, top - 24), (x + wide, top - 2)])
        flank = canvas.polygon(
            [(x + wide, foot - 2), (x + wide, top - 2), (x + wide + lean, top - 24), (x + wide + lean, foot - 24)]
        )
        canvas.mix("#4f3222", canvas.polygon([(x, foot), (x, top), (x + wide, top - 2), (x + wide, foot - 2)]))
        canvas.mix("#5f3c28", flank)
        for i in range(3):
            y0 = top + 2 + i * tall / 3
            slat = [(x, y0), (x + wide, y0 - 2), (x + wide, y0 + tall / 3 - 6), (x, y0 + tall / 3 - 4)]
            canvas.mix(
                ramp(step(x, x + wide, canvas.x + 20 * canvas.noise(20, 2, 4)), ["#dba868", "#a8743f"]),
                canvas.polygon(slat),
            )
            canvas.mix("#f6d9a0", canvas.lines([(x, y0 + 1), (x + wide, y0 - 1)], width=2))
        canvas.mix(
            "#c08a50",
            canvas.lines([(x + 5, top), (x + 5, foot)], [(x + wide - 5, top - 2), (x + wide - 5, foot - 2)], width=8),
        )
        canvas.mix("#3a4a52", lid)
        rng = canvas.rng
        n = 46
        u, v = rng.random(n), np.sort(rng.random(n))
        px, py = x + 8 + u * (wide - 14) + lean * (1 - v), top - 21 + v * 19
        canvas.dab(
            px, py, 17, 5.5, rng.normal(-0.1, 0.3, n), ramp(rng.random(n), ["#5f7886", "#a9bcc4", "#f4f6f0"]), 0.95
        )
        canvas.mix(
            "#e2b878",
            canvas.lines(
                [(x, top), (x + lean, top - 22), (x + wide + lean, top - 24), (x + wide, top - 2), (x, top)], width=3
            ),
        )


def finish(canvas: Canvas) -> None:
    t = np.linspace(0, 1, 30)
    rope = np.stack([612 + 172 * t, 552 + 172 * t + 300 * t * (1 - t) * 0.9], -1)
    canvas.mix("#7a5a38", canvas.lines(rope + np.array([0, 1.5]), width=3.6))
    canvas.mix("#e3c085", canvas.lines(rope, width=2.4))
    for x, y, s, flip in ((770, 560, 0.74, -1), (430, 640, 1.12, 1)):
        stays = [
            [(-14, -330), (176, -84)],
            [(-14, -330), (-160, -56)],
            [(94, -236), (176, -84)],
            [(-132, -176), (-14, -330)],
            [(-132, -176), (-126, -90)],
            [(-14, -330), (94, -236)],
        ]
        paths = [[(x + flip * px * s, y + py * s) for px, py in path] for path in stays]
        canvas.mix("#4a4540", 0.8 * canvas.lines(*paths, width=1.5))
        flag = [(-14, -330), (-46, -322), (-16, -312)]
        canvas.mix("#d9482f", canvas.polygon([(x + flip * px * s, y + py * s) for px, py in flag]))
    _gulls(canvas)
    water.glitter(canvas, 150, WATER + 6, 780, 130, 260, "#fff3d0")
    light.bloom(canvas, 0.80, 0.10)


def _gulls(canvas: Canvas) -> None:
    for x, y, span, lift, tilt in (
        (610, 168, 40, 0.42, 0.12),
        (742, 112, 30, 0.5, -0.1),
        (540, 96, 22, 0.4, 0.1),
        (858, 196, 25, 0.45, 0.05),
        (690, 236, 18, 0.5, -0.08),
        (1100, 150, 20, 0.4, 0.1),
    ):
        shape = canvas.polygon(sky.bird(x, y, span, lift, tilt))
        canvas.mix("#f8f7f0", shape)
        tips = np.abs(canvas.x - x) > span * 0.72
        canvas.mix("#4a525c", shape * tips)
        canvas.mix("#f8f7f0", canvas.ellipse(x, y + span * 0.02, span * 0.17, span * 0.09))
        canvas.mix("#8d99a6", 0.8 * canvas.ellipse(x, y + span * 0.07, span * 0.14, span * 0.04))
