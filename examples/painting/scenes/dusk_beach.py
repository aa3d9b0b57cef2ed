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
    above = canvas.y < HORIZON
    waves = water.ripples(canvas, HORIZON, count=34, stretch=7)
    near = water.depth(canvas, HORIZON)
    mirrored = water.reflect(canvas, HORIZON, waves, 70, "#38567f", 0.72)
    mirrored = (
        mirrored * (1 - 0.35 * step(0.0, 0.5, near))[..., None] + ramp(near, ["#c99a8c", "#6f7fa0", "#54719a"]) * 0.3
    )
    mirrored *= (1 + 0.16 * waves * step(0, 0.2, near))[..., None]
    canvas.mix(mirrored, ~above * 1.0)
    canvas.direct(0.0, ~above, 1.2)
    for y, wobble, thick in ((424, 3, 4), (462, 5, 7), (512, 9, 13)):
        _breaker(canvas, y + wobble * canvas.curve(300, 3), thick)
    _beach(canvas)


def _breaker(canvas: Canvas, crest: np.ndarray, size: float) -> None:
    """A wave about to fall: a dark face below a lit crest, foam in front, broken along its length."""
    presence = step(-0.5, 0.25, canvas.curve(260, 3))
    d = canvas.y - crest[None, :]
    face = np.exp(-(((d - size * 0.6) / (size * 0.8)) ** 2)) * presence
    canvas.shade("#4c5a80", face * 0.7)
    crest_light = np.exp(-(((d + size * 0.25) / (size * 0.32)) ** 2)) * presence
    near_sun = np.exp(-(((canvas.x - SUN[0]) / 380) ** 2))
    canvas.mix(ramp(near_sun, ["#d9b3b4", "#ffe2ae"]), crest_light * 0.9)
    water.foam(canvas, crest + size * 0.9, size * 0.9, "#efd0c4", 0.75 * presence[None, :].mean())


def _beach(canvas: Canvas) -> None:
    """Wet sand that mirrors the sky, the last sheet of foam upon it, dry sand in front."""
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
    grain = canvas.noise(26, 5, stretch=3)
    colour = ramp(0.5 + 0.4 * grain, ["#4d3b3f", "#7d6154", "#b38a6c"])
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
    mask = land.below(canvas, line, 4)
    colour = ramp(
        step(-0.6, 1.0, canvas.noise(50, 5, 2.5) - (canvas.y - line[None, :]) / 130), ["#33293a", "#5d4648", "#a87d66"]
    )
    canvas.mix(colour, mask)
    rng = canvas.rng
    x = rng.uniform(800, 1215, 520)
    foot = np.interp(x, canvas.x[0], line) + rng.uniform(-2, 90, 520) ** 1.0
    order = np.argsort(foot)
    x, foot = x[order], foot[order]
    shade = rng.random(520)
    land.grass(canvas, x, foot, 58, ramp(shade, ["#2c2636", "#4a3d48", "#7b6450"]), lean=0.34, width=3.0)
    lit = rng.random(520) < 0.16
    land.grass(canvas, x[lit], foot[lit] - 4, 62, "#e2a877", lean=0.30, width=2.0, opacity=0.7)


def finish(canvas: Canvas) -> None:
    water.glitter(canvas, SUN[0], HORIZON, 560, 62, 420, "#ffe0a0")
    water.glitter(canvas, SUN[0] + 4, HORIZON, 520, 20, 160, "#fff4d6")
    gulls = [
        (655, 150, 25, 0.5, 0.1),
        (720, 196, 17, 0.45, -0.12),
        (588, 214, 13, 0.55, 0.05),
        (300, 120, 15, 0.4, 0.2),
    ]
    gulls += [(790, 128, 12, 0.5, -0.1)]
    canvas.mix("#3e3a5a", 0.92 * canvas.polygon(*[sky.bird(*gull) for gull in gulls]))
    rng = canvas.rng
    x = rng.uniform(830, 1210, 120)
    foot = 800 - 170 * step(760, 1230, x) + rng.uniform(0, 90, 120)
    land.grass(canvas, x, foot, 84, ramp(rng.random(120), ["#241f30", "#3c3140", "#c48f68"]), lean=0.36, width=1.8)
    light.bloom(canvas, 0.72, 0.16)
