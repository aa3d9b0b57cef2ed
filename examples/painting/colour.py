"""Colours as float RGB in 0..1, mixed in the gamma space of the display, which resembles mixing paint."""

import numpy as np

Colour = str | list[str] | tuple | np.ndarray


def tone(colour: Colour) -> np.ndarray:
    """Return a colour such as "#d9a566" as float32 RGB, a list of colours as (n, 3). Arrays are returned unchanged."""
    if isinstance(colour, str):
        return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
    if isinstance(colour, list) and isinstance(colour[0], str):
        return np.stack([tone(each) for each in colour])
    return np.asarray(colour, np.float32)


def ramp(position: np.ndarray, colours: list[str], stops: list[float] | None = None) -> np.ndarray:
    """Map positions (0..1 without stops) to colours. The result has one more axis, of length 3."""
    palette = tone(colours)
    stops = np.linspace(0, 1, len(colours)) if stops is None else stops
    channels = [np.interp(position, stops, palette[:, channel]) for channel in range(3)]
    return np.stack(channels, -1).astype(np.float32)


def step(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high` (falls when low > high)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def luminance(rgb: np.ndarray) -> np.ndarray:
    return rgb @ np.array([0.30, 0.59, 0.11], np.float32)


def jittered(rng: np.random.Generator, colours: np.ndarray, value: float, warmth: float) -> np.ndarray:
    """Vary n colours (n, 3) in lightness and warmth, as in unevenly mixed paint."""
    n = len(colours)
    lighter = rng.normal(0, value, (n, 1))
    warmer = rng.normal(0, warmth, (n, 1)) * np.array([1.0, 0.1, -0.9])
    return np.clip(colours * (1 + lighter) + 0.35 * lighter * colours + warmer, 0, 1).astype(np.float32)
