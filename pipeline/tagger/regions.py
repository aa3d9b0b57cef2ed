"""Masks and looks of a picture, from colour, texture and position alone.

Everything is measured on a grid of cells, each a few pixels wide. A mask is an array (rows, columns) of shares 0..1. A
look is one number 0..1 for the whole picture; the conditions of the vocabulary use it by its name.
"""

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..audio import Floats

Grid = Floats  # shape (rows, columns)

CELL_PX = 6
LONGEST_SIDE_PX = 192  # enough for texture, and few enough pixels to take 15 ms
SHORE_DIP = 0.03  # least difference in brightness, 0..1, by which a far shore is darker than sky and water


@dataclass(frozen=True)
class Cells:
    """The picture as cells; every array has the shape (rows, columns)."""

    hue: Grid  # 0..1 around the colour circle, 0 is red
    saturation: Grid
    value: Grid  # the brightest channel
    blueness: Grid  # blue minus red
    rise: Grid  # mean step in brightness between pixels above one another: horizontal lines
    run: Grid  # mean step in brightness between pixels side by side: vertical lines
    still: Grid  # share of pixels without any step, which is high only in drawings
    height: Grid  # 0 at the top of the picture, 1 at the bottom

    @property
    def texture(self) -> Grid:
        return np.hypot(self.rise, self.run)


@dataclass(frozen=True)
class Regions:
    """Soft masks and looks by name."""

    masks: dict[str, Grid]
    looks: dict[str, float]
    colour: str  # the name of the dominant colour


@overload
def ramp(values: float | np.floating[Any], start: float, end: float) -> float: ...
@overload
def ramp(values: Grid, start: float, end: float) -> Grid: ...
def ramp(values: Grid | float | np.floating[Any], start: float, end: float) -> Grid | float:
    """Return values mapped linearly from 0 at `start` to 1 at `end`, clipped; `start` may be above `end`."""
    share: Grid | float = np.clip((values - start) / (end - start), 0.0, 1.0)
    return share


def analyse(picture: Image.Image) -> Regions:
    """Return the regions and looks of an RGB picture of any size."""
    cells = _cells(picture)
    masks = _masks(cells)
    return Regions(masks, _looks(cells, masks), _colour(cells))


# Cells ---------------------------------------------------------------------------------------------------------------


def _cells(picture: Image.Image) -> Cells:
    scale = LONGEST_SIDE_PX / max(picture.size)
    columns, rows = (max(2, round(side * scale / CELL_PX)) for side in picture.size)
    small = picture.resize((columns * CELL_PX, rows * CELL_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    rgb = np.asarray(small, np.float32) / 255
    grey = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))

    def pool(pixels: Grid) -> Grid:
        cells: Grid = pixels.reshape(rows, CELL_PX, columns, CELL_PX).mean((1, 3))
        return cells

    hue, saturation, value = _hsv(rgb)
    turn = 2 * np.pi * hue
    mean_turn = np.arctan2(pool(np.sin(turn) * saturation), pool(np.cos(turn) * saturation))
    return Cells(
        hue=(mean_turn / (2 * np.pi)) % 1,
        saturation=pool(saturation),
        value=pool(value),
        blueness=pool(rgb[..., 2] - rgb[..., 0]),
        rise=pool(down),
        run=pool(across),
        still=pool((down + across < 1 / 255).astype(np.float32)),
        height=np.repeat(np.linspace(0, 1, rows, dtype=np.float32)[:, None], columns, axis=1),
    )


def _hsv(rgb: Grid) -> tuple[Grid, Grid, Grid]:
    high, low = rgb.max(-1), rgb.min(-1)
    span = high - low
    safe = np.maximum(span, 1e-6)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sector = np.where(
        high == red,
        ((green - blue) / safe) % 6,
        np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    # The saturation of nearly black pixels is meaningless.
    saturation = span / np.maximum(high, 1e-6) * ramp(high, 0.02, 0.12)
    return sector / 6, saturation, high


# The upper ends of the ranges of hue, 0..1, that have these names in everyday English.
COLOURS = (
    (0.035, "red"),
    (0.105, "orange"),
    (0.18, "yellow"),
    (0.43, "green"),
    (0.52, "turquoise"),
    (0.69, "blue"),
    (0.82, "violet"),
    (0.95, "pink"),
    (1.0, "red"),
)


def _colour(cells: Cells) -> str:
    """Return the name of the dominant colour. Green counts less, as it is mostly the background."""
    weight = cells.saturation**2 * cells.value
    if float(cells.saturation.mean()) < 0.08:
        brightness = float(cells.value.mean())
        return "white" if brightness > 0.8 else "grey" if brightness > 0.2 else "black"
    amounts: dict[str, float] = {}
    low = 0.0
    for high, name in COLOURS:
        inside = (cells.hue >= low) & (cells.hue < high)
        amounts[name] = amounts.get(name, 0.0) + float(weight[inside].sum()) * (0.4 if name == "green" else 1.0)
        low = high
    return max(amounts, key=amounts.__getitem__)


# Masks ---------------------------------------------------------------------------------------------------------------


def _masks(cells: Cells) -> dict[str, Grid]:
    hue, saturation, value, height = cells.hue, cells.saturation, cells.value, cells.height
    texture = cells.texture
    smooth = ramp(texture, 0.075, 0.02)
    rough = ramp(texture, 0.015, 0.06)
    grey = ramp(saturation, 0.25, 0.1)
    blue = ramp(np.abs(hue - 0.58), 0.14, 0.07) * ramp(saturation, 0.08, 0.2)
    green = ramp(np.abs(hue - 0.28), 0.13, 0.09) * ramp(saturation, 0.1, 0.25) * ramp(value, 0.06, 0.2)
    yellow = ramp(np.abs(hue - 0.11), 0.07, 0.04) * ramp(saturation, 0.1, 0.2)
    orange = np.maximum(ramp(np.abs(hue - 0.06), 0.06, 0.04), ramp(np.abs(hue - 0.99), 0.05, 0.03))
    orange = orange * ramp(saturation, 0.35, 0.55)
    violet = ramp(np.abs(hue - 0.78), 0.16, 0.1) * ramp(saturation, 0.08, 0.2)

    sky_colour = np.maximum.reduce(
        [blue, grey * ramp(value, 0.1, 0.5), violet, (yellow + orange) * ramp(height, 0.75, 0.4), ramp(value, 0.2, 0.1)]
    )
    # Clouds have edges, but never as sharp as things on the ground.
    cloudy = ramp(texture, 0.16, 0.07) * np.maximum(blue, grey * ramp(value, 0.5, 0.7))
    sky = _hanging_from_the_top(np.maximum(smooth, cloudy) * np.clip(1.2 * sky_colour, 0, 1) * (1 - green))
    below_sky = 1 - sky
    like_sky = _like(cells, sky)
    flat_lines = ramp(cells.rise / (texture + 1e-3), 0.55, 0.75)
    water_colour = np.maximum.reduce([blue, ramp(np.abs(hue - 0.5), 0.1, 0.05) * ramp(saturation, 0.1, 0.3), like_sky])
    water = below_sky * water_colour * (1 - green) * ramp(height, 0.15, 0.35) * np.maximum(smooth, flat_lines)
    vegetation = green * (0.6 + 0.4 * rough) * below_sky
    sand = yellow * ramp(saturation, 0.7, 0.5) * ramp(value, 0.35, 0.55) * ramp(texture, 0.09, 0.05) * below_sky
    snow = ramp(value, 0.72, 0.88) * ramp(saturation, 0.16, 0.07) * below_sky * ramp(height, 0.2, 0.5)
    glow = np.maximum(orange, yellow) * ramp(value, 0.7, 0.92) * ramp(saturation, 0.3, 0.55)
    ground = ramp(height, 0.5, 0.75) * below_sky
    return {
        "sky": sky,
        "water": water,
        "vegetation": vegetation,
        "grass": vegetation * ramp(height, 0.3, 0.55) + 0.6 * yellow * rough * ramp(height, 0.4, 0.6),
        "trees": vegetation * ramp(value, 0.65, 0.4),
        "sand": sand * ramp(height, 0.3, 0.6),
        "snow": snow,
        "rock": ramp(saturation, 0.4, 0.2) * rough * below_sky * ramp(value, 0.1, 0.3) * ramp(value, 0.95, 0.8),
        "built": _straight(cells) * below_sky * (1 - green),
        "autumn": np.maximum(orange, yellow * ramp(saturation, 0.4, 0.6)) * rough * below_sky,
        "ground": ground,
        "glow": glow,
        "flame": _heaviest_patch(glow),
        "vivid_spot": ramp(saturation, 0.45, 0.75) * ramp(value, 0.35, 0.6) * (1 - green) * below_sky,
        "all": np.ones_like(sky),
    }


def _hanging_from_the_top(share: Grid) -> Grid:
    """Return the mask without what is not connected to the top edge in its column: the sky ends at the first thing."""
    soft = np.maximum(share, (np.roll(share, 1, 1) + np.roll(share, -1, 1)) / 2)
    soft[1:] = np.maximum(soft[1:], 0.8 * soft[:-1])  # a twig or a gull does not end the sky
    return np.minimum.accumulate(soft, axis=0) * ramp(share, 0.0, 0.3)


def _like(cells: Cells, sky: Grid) -> Grid:
    """Return how similar the colour of each cell is to the sky, which smooth water mirrors slightly darker."""
    weight = float(sky.sum())
    if weight < 0.06 * sky.size:
        return np.zeros_like(sky)

    def mean(values: Grid) -> float:
        return float((values * sky).sum() / weight)

    apart = np.hypot(cells.blueness - mean(cells.blueness), 0.6 * (cells.saturation - mean(cells.saturation)))
    darker = mean(cells.value) - cells.value
    share: Grid = ramp(apart, 0.3, 0.12) * ramp(darker, 0.55, 0.3) * ramp(darker, -0.35, -0.15)
    return share


def _heaviest_patch(mask: Grid) -> Grid:
    """Return the mask with only its heaviest connected patch: the fire, but not the tent that it lights."""
    inside = mask > 0.3 * float(mask.max(initial=0.0))
    labels = np.pad(np.where(inside, 1 + np.arange(mask.size).reshape(mask.shape), 0), 1)
    rows, columns = mask.shape
    while True:  # each cell takes the highest label among its neighbours until nothing changes
        around = [labels[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
        spread = np.pad(np.maximum.reduce(around) * inside, 1)
        if np.array_equal(spread, labels):
            break
        labels = spread
    weights = np.bincount(labels[1:-1, 1:-1].ravel(), weights=(mask * inside).ravel())
    return np.where(inside & (labels[1:-1, 1:-1] == int(weights.argmax())), mask, 0.0).astype(np.float32)


def _straight(cells: Cells) -> Grid:
    """Return how strictly horizontal or vertical the lines are, as in walls, windows and kerbs."""
    most, least = np.maximum(cells.rise, cells.run), np.minimum(cells.rise, cells.run)
    return ramp(most / (least + 0.004), 1.3, 2.2) * ramp(cells.texture, 0.03, 0.08)


# Looks ---------------------------------------------------------------------------------------------------------------


def _looks(cells: Cells, masks: dict[str, Grid]) -> dict[str, float]:
    value, saturation, texture = cells.value, cells.saturation, cells.texture

    def share(values: Grid | npt.NDArray[np.bool]) -> float:
        return float(np.mean(values))

    def within(values: Grid, mask: Grid) -> float:
        return float((values * mask).sum() / max(float(mask.sum()), 1e-6))

    brightness = share(value)
    spread = max(float(np.ptp(values)) for values in (value, saturation, cells.blueness))
    contrast = float(np.percentile(value, 95) - np.percentile(value, 5))
    warm = ramp(np.abs((cells.hue + 0.1) % 1 - 0.14), 0.14, 0.08) * ramp(saturation, 0.2, 0.45)
    blue = ramp(np.abs(cells.hue - 0.58), 0.14, 0.07) * ramp(saturation, 0.15, 0.3)
    sky, water = masks["sky"], masks["water"]
    dark = ramp(value, 0.3, 0.15)
    spots = ramp(value, 0.8, 0.95) * ramp(texture, 0.02, 0.08)
    lower = ramp(cells.height, 0.55, 0.75)
    upright = ramp(cells.run / (cells.rise + 0.01), 1.2, 2.0) * ramp(texture, 0.02, 0.05)
    warm_spots = warm * ramp(value, 0.8, 0.97) * ramp(saturation, 0.15, 0.35)
    flame = warm * ramp(value, 0.7, 0.95) * ramp(saturation, 0.3, 0.5)
    dark_top = ramp(float(np.median(value[: max(1, len(value) // 3)])), 0.55, 0.35)
    lights = min(1.0, 25 * share(spots)) * ramp(share(dark), 0.25, 0.5)
    sharp_share = share(texture > 0.04)
    sky_share = share(sky)
    sky_value, sky_saturation = within(value, sky), within(saturation, sky)
    cloudiness = np.sqrt(within((value - sky_value) ** 2, sky))
    # Violet, pink and orange: colours that the sky has only near sunrise and sunset.
    pink = ramp(np.abs((cells.hue + 0.1) % 1 - 0.94), 0.2, 0.14) * ramp(saturation, 0.08, 0.16)
    # After sunset, the sky is a uniform deep blue and nothing is bright.
    blue_hour = within(ramp(np.abs(cells.hue - 0.6), 0.1, 0.06) * ramp(saturation, 0.35, 0.5), sky) * ramp(
        float(np.percentile(value, 95)), 0.78, 0.71
    )
    border = np.concatenate([value[0], value[-1], value[:, 0], value[:, -1]])
    border_texture = np.concatenate([texture[0], texture[-1], texture[:, 0], texture[:, -1]])
    return {
        name: float(look)
        for name, look in {
            "sky": sky_share,
            "water": share(water),
            "rough_water": ramp(within(texture, water), 0.015, 0.07),
            "sheet": ramp(_median(texture, water), 0.04, 0.02) * ramp(share(water), 0.03, 0.1),
            "calm_water": ramp(within(texture, water), 0.03, 0.01) * ramp(share(water), 0.03, 0.1),
            "far_shore": ramp(_far_shore(cells, sky), 0.05, 0.3),
            "vegetation": share(masks["vegetation"]),
            "grass": share(masks["grass"]),
            "trees": share(masks["trees"]),
            "sand": share(masks["sand"]),
            "snow": share(masks["snow"]),
            "rock": share(masks["rock"]),
            "built": share(masks["built"]),
            "autumn": share(masks["autumn"]),
            "glow": share(masks["glow"]),
            "vivid_spot": share(masks["vivid_spot"]),
            "blue": share(blue),
            "blue_sky": within(blue, sky) * ramp(sky_share, 0.05, 0.12),
            "aqua": share(ramp(np.abs(cells.hue - 0.53), 0.13, 0.09) * ramp(saturation, 0.2, 0.4)),
            "dry_ground": share(masks["autumn"] + masks["sand"]),
            "night": ramp(share(dark), 0.4, 0.75) * ramp(np.median(value), 0.4, 0.25),
            "dim": ramp(brightness, 0.5, 0.25),
            "bright": ramp(brightness, 0.55, 0.8),
            "sunset": ramp(within(warm, ramp(cells.height, 0.8, 0.5) * ramp(value, 0.3, 0.6)), 0.12, 0.4)
            * ramp(sky_share, 0.08, 0.2),
            "storm": ramp(sky_saturation, 0.65, 0.45)
            * ramp(sky_value, 0.6, 0.5)
            * ramp(sky_value, 0.15, 0.25)
            * ramp(cloudiness, 0.03, 0.07)
            * ramp(sky_share, 0.2, 0.4),
            "twilight": max(ramp(within(pink, sky), 0.15, 0.3), ramp(blue_hour, 0.4, 0.7)) * ramp(sky_share, 0.2, 0.35),
            "overcast": ramp(sky_saturation, 0.2, 0.1) * ramp(sky_share, 0.1, 0.25) * ramp(brightness, 0.35, 0.5),
            "fog": ramp(contrast, 0.5, 0.25) * ramp(share(saturation), 0.3, 0.15) * ramp(brightness, 0.3, 0.5),
            "vivid": ramp(share(saturation), 0.3, 0.6),
            "mono": ramp(float(np.percentile(saturation, 95)), 0.12, 0.05),
            "macro": ramp(sharp_share, 0.6, 0.3) * ramp(sharp_share, 0.0, 0.05) * ramp(sky_share, 0.3, 0.1),
            "busy": ramp(share(texture), 0.03, 0.09),
            "plain": ramp(spread, 0.08, 0.03),
            "drawn": ramp(share(cells.still), 0.4, 0.75),
            "lights": lights,
            "lamps": min(1.0, 50 * share(warm_spots)) * dark_top,  # lamps on a fiftieth of the picture are many
            "ember": _ember(flame * lower, flame) * ramp(float(np.median(value[: max(1, len(value) // 3)])), 0.45, 0.3),
            "uprights": share(upright),
            "wet": ramp(50 * share(warm_spots) * dark_top, 0.1, 0.3) * ramp(within(upright, lower), 0.05, 0.12),
            "white_ground": ramp(float(np.percentile(border, 15)), 0.85, 0.95)
            * ramp(float(np.percentile(border_texture, 80)), 0.02, 0.008),
            "black_ground": ramp(float(np.percentile(border, 85)), 0.15, 0.06),
        }.items()
    }


def _far_shore(cells: Cells, sky: Grid) -> float:
    """Return the share of columns in which a darker strip separates the sky from the water that mirrors it."""
    value, (rows, columns) = cells.value, sky.shape
    seen = 0
    for column in range(columns):
        below = np.flatnonzero(sky[:, column] < 0.5)
        end = int(below[0]) if len(below) else rows
        dips = [
            min(value[max(0, row - 3) : row, column].max(), value[row + 1 : row + 4, column].max()) - value[row, column]
            for row in range(max(1, end - 2), min(rows - 1, end + 4))
        ]
        seen += max(dips, default=0.0) > SHORE_DIP
    return float(seen / columns)


def _median(values: Grid, mask: Grid) -> float:
    """Return the median weighted by a mask; 0 where the mask is empty."""
    order = values.ravel().argsort()
    cumulated = mask.ravel()[order].cumsum()
    return float(values.ravel()[order][np.searchsorted(cumulated, cumulated[-1] / 2)]) if cumulated[-1] > 0 else 0.0


def _ember(low: Grid, flame: Grid) -> float:
    """Return how much a small, bright, warm spot low in the picture looks like a fire; a sunset is higher up."""
    share = float(flame.mean())
    mostly_low = ramp(float(low.sum()) / max(float(flame.sum()), 1e-6), 0.4, 0.7)
    return float(low.max() * mostly_low * ramp(share, 0.001, 0.004) * ramp(share, 0.09, 0.05))
