"""A beach after sundown: afterglow over the sea, surf running up wet sand, dune grass."""

import numpy as np

from .. import land, light, sky, water
from ..canvas import Canvas
from ..colour import ramp, step

SIZE = (1200, 800)
HORIZON = 372
SUN = (470, 352)
AFTERGLOW = ["#3f5286", "#6d6f9f", "#a77f9d", "#dd9488", "#f5b578", "#fbd28c", "#fde3a8"]


def compose(canvas: Canvas) -> None:
    sky.gradient(canvas, AFTERGLOW, [0, 90, 170, 235, 290, 335, 372])
    light.glow(canvas, *SUN, 190, "#ffb45a", 0.55, stretch=1.7)
    _clouds(canvas)
    light.glow(canvas, *SUN, 60, "#ffe9a8", 0.9, stretch=1.3)
    canvas.mix("#fff3c8", canvas.ellipse(*SUN, 19, 19, soft=1.2))
    headland = canvas.curve(160, 5)
    far = HORIZON - 46 * step(780, 1130, canvas.x[0]) - 16 * headland * step(740, 1000, canvas.x[0])
    canvas.mix("#8a6a86", land.below(canvas, far) * step(730, 800, canvas.x))
    near = HORIZON - 84 * step(1000, 1200, canvas.x[0]) - 12 * canvas.curve(90, 5) * step(980, 1100, canvas.x[0])
    canvas.mix("#5f4e72", land.below(canvas, near) * step(965, 1010, canvas.x))
    _sea(canvas)
    _dune(canvas)


def _clouds(canvas: Canvas) -> None:
    field = sky.cloud_field(canvas, 90, 5.5, warp=0.35)
    height = canvas.y / HORIZON
    cover = 0.25 + 0.5 * np.abs(height - 0.45)
    near_sun = np.exp(-((light.distance(canvas, *SUN, 2.2) / 320) ** 2))
    density = step(0, 0.55, field - cover)
    lit = step(-0.1, 0.5, density - canvas.warped(density, np.zeros_like(density), np.full_like(density, 16)) + 0.22)
    top = ramp(near_sun, ["#6f6590", "#a9738a", "#c9786f"])
    under = ramp(near_sun, ["#c98a92", "#f79f73", "#ffd58a"])
    canvas.mix(top + (under - top) * lit[..., None], density * 0.85 * step(1.02, 0.86, height))
    canvas.direct(0.04, canvas.y < HORIZON, 0.5)


def _sea(canvas: Canvas) -> None:
    water_mask = step(HORIZON - 1, HORIZON + 1, canvas.y)
    waves = water.ripples(canvas, HORIZON, count=34, stretch=7)
    near = water.depth(canvas, HORIZON)
    mirrored = water.reflect(canvas, HORIZON, waves, 60, "#4a6290", 0.85)
    deep = ramp(
        near + 0.03 * waves, ["#c98a90", "#a07fa6", "#7072a4", "#4a6494", "#3f6488"], [0, 0.10, 0.22, 0.36, 0.55]
    )
    share = (0.30 + 0.34 * step(0.0, 0.35, near))[..., None]
    colour = mirrored * (1 - share) + deep * share
    canvas.mix(colour * (0.95 + 0.20 * waves * step(0, 0.12, near))[..., None], water_mask)
    canvas.shade("#8a6a94", 0.45 * np.exp(-(((canvas.y - HORIZON - 2) / 3.5) ** 2)))
    path = np.exp(-(((canvas.x - SUN[0]) / (36 + 150 * near)) ** 2)) * step(0.5, 0.05, near)
    canvas.screen("#ffc878", 0.50 * path * water_mask * np.clip(0.6 + 0.5 * waves, 0, 1))
    canvas.direct(0.0, water_mask, 1.2)
    for y, wobble, size in ((404, 2, 4), (430, 3, 7), (462, 5, 11), (505, 8, 17)):
        _breaker(canvas, y + wobble * canvas.curve(330, 3), size)
    _beach(canvas)


def _breaker(canvas: Canvas, crest: np.ndarray, size: float) -> None:
    """A wave about to break: a dark face below a lit crest, with foam where it has broken."""
    presence = step(-0.35, 0.15, canvas.curve(300, 2))
    broken = presence * step(-0.1, 0.5, canvas.curve(220, 2))
    d = (canvas.y - crest[None, :]) / size
    near_sun = np.exp(-(((canvas.x - SUN[0]) / 300) ** 2))
    face = step(-0.15, 0.15, d) * step(1.5, 0.5, d) * presence
    canvas.mix(ramp(near_sun, ["#35507c", "#7a6a86"]), 0.75 * face)
    canvas.mix(ramp(near_sun, ["#7a86ac", "#e0a07c"]), 0.5 * np.exp(-(((d - 0.25) / 0.22) ** 2)) * presence)
    canvas.mix(ramp(near_sun, ["#e8c4be", "#fff0c8"]), 0.9 * np.exp(-(((d + 0.05) / 0.16) ** 2)) * presence)
    water.foam(canvas, crest + size * 0.1, size * 1.1, "#f6dccc", 0.92 * broken)
    water.foam(canvas, crest + size * 1.5, size * 0.8, "#e6c4c2", 0.45 * presence)


def _beach(canvas: Canvas) -> None:
    """Wet sand that mirrors the sky, with the last sheet of foam, and dry sand in front."""
    x = canvas.x[0]
    edge = 590 + 26 * np.sin(x / 190 + 0.6) + 9 * canvas.curve(150, 4) - 0.05 * (x - 600)
    wet = step(-2, 2, canvas.y - edge[None, :])
    mirror_row = np.clip(HORIZON - (canvas.y - edge[None, :]) * 1.5 - 12, 0, HORIZON)
    glow = ramp(mirror_row + 8 * canvas.noise(40, 3, 6), AFTERGLOW, [0, 90, 170, 235, 290, 335, 372])
    shine = np.exp(-(((canvas.x - SUN[0]) / 210) ** 2))[..., None]
    sand = ramp(step(0, 210, canvas.y - edge[None, :]), ["#8a6a76", "#75584f", "#5a433d"])
    mixed = sand * 0.5 + glow * 0.5
    canvas.mix(mixed + shine * (np.array([0.98, 0.72, 0.45]) - mixed) * 0.45, wet)
    water.foam(canvas, edge - 6, 26, "#fbe6d4", 0.95)
    second = edge + 44 + 14 * canvas.curve(210, 4)
    canvas.mix(
        "#f3d3c2", 0.5 * np.exp(-(((canvas.y - second[None, :]) / 2.5) ** 2)) * step(-0.3, 0.4, canvas.noise(60, 3, 3))
    )
    dry = 712 - 0.10 * (x - 300) + 16 * canvas.curve(260, 4)
    grain = canvas.noise(20, 5, stretch=5)
    colour = ramp(0.5 + 0.3 * grain, ["#5d474a", "#8a6a5c", "#c0957a"])
    canvas.mix(colour, step(-14, 16, canvas.y - dry[None, :]))
    _footprints(canvas)


def _footprints(canvas: Canvas) -> None:
    for i in range(15):
        t = i / 14
        x = 250 + 250 * t**1.3 + (9 if i % 2 else -9) * (1.6 - t)
        y = 795 - 150 * t**0.8
        size = 9.5 * (1.25 - 0.75 * t)
        canvas.shade("#5b4450", 0.75 * canvas.ellipse(x, y, size * 0.62, size * 0.40, soft=1.0))
        canvas.screen("#e0a078", 0.25 * canvas.ellipse(x, y + size * 0.5, size * 0.6, size * 0.14, soft=1.2))


def _dune(canvas: Canvas) -> None:
    """Dune with marram grass at the right, dark against the afterglow."""
    line = 800 - 190 * step(760, 1230, canvas.x[0]) + 10 * canvas.curve(120, 4)
    mask = land.below(canvas, line, 4) * step(720, 790, canvas.x)
    colour = ramp(
        step(-0.6, 1.0, canvas.noise(50, 5, 2.5) - (canvas.y - line[None, :]) / 130), ["#33293a", "#5d4648", "#a87d66"]
    )
    canvas.mix(colour, mask)
    canvas.direct(np.pi / 2 - 0.15, canvas.blurred(mask, 12) > 0.2, 0.7)
    _marram(canvas, 900, 3.0, 62)


def _marram(canvas: Canvas, count: int, width: float, tall: float) -> None:
    """Tufts of beach grass, bent by the wind from the sea; some blades catch the last light."""
    rng = canvas.rng
    x = 1225 - 440 * rng.random(count) ** 1.3
    foot = 806 - 190 * step(760, 1230, x) + rng.uniform(0, 190, count) * rng.random(count)
    order = np.argsort(foot)
    x, foot, shade = x[order], foot[order], rng.random(count)
    colours = ramp(shade, ["#221d2e", "#3d3342", "#6f5a4c", "#e0a472"], [0, 0.5, 0.82, 1])
    land.grass(canvas, x, foot, tall, colours, lean=0.33, width=width)


def finish(canvas: Canvas) -> None:
    water.glitter(canvas, SUN[0], HORIZON, 560, 62, 420, "#ffe0a0")
    water.glitter(canvas, SUN[0] + 4, HORIZON, 520, 20, 160, "#fff4d6")
    canvas.mix("#fff4d0", canvas.ellipse(*SUN, 18, 18, soft=0.8) * step(HORIZON + 1, HORIZON - 1, canvas.y))
    gulls = [(655, 150, 32, 0.5, 0.1), (728, 200, 22, 0.45, -0.12), (588, 214, 16, 0.55, 0.05)]
    gulls += [(300, 150, 19, 0.4, 0.2), (790, 128, 14, 0.5, -0.1)]
    canvas.mix("#3e3a5a", 0.92 * canvas.polygon(*[sky.bird(*gull) for gull in gulls]))
    _marram(canvas, 420, 1.9, 84)
    light.bloom(canvas, 0.72, 0.16)
