"""Pixels of any number type -> 8 bits, between the values that are black and white in them.

Photographs use a whole range, such as 0 to 4095 or 0 to 1. Measured values, such as heights, use any; then the usual
values are stretched from black to white, and single extreme ones are ignored.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

SAMPLE = 1_000_000  # values from which the window is estimated
OUTLIERS = 1e-4  # share of values at either end that do not count, such as hot pixels
NO_DATA = (-999.0, -9999.0, -99999.0, -32767.0, -32768.0)  # values that stand for missing ones, if the smallest
HUGE = 1e30  # nothing that is measured; -3.4e38 stands for missing values too
WHITES = tuple(2.0**bits - 1 for bits in (8, 10, 12, 14, 16, 24, 32))  # of sensors and formats
ROWS = 256  # scaled at a time, which saves memory


def eight_bit(pixels: Pixels, *, bits: int = 0, is_negative: bool = False, no_data: float | None = None) -> Bytes:
    """Return the pixels, shape (rows, ...), between black and white.

    `bits` is the number of bits used, if not all of the type. In a negative, the smallest value is white. Missing
    values (`no_data`, NaN and minus infinity) are black.
    """
    with np.errstate(all="ignore"):
        missing = _missing_values(pixels, no_data)
        black, white = _window(_sample(pixels, missing), pixels.dtype, bits)
        scaled = np.empty(pixels.shape, np.uint8)
        for start in range(0, len(pixels), ROWS):
            part = slice(start, start + ROWS)
            values = (pixels[part].astype(np.float64) - black) * (255 / max(white - black, 1e-30))
            values = np.clip(np.nan_to_num(values, nan=0, posinf=255, neginf=0), 0, 255)
            rows = (values + 0.5).astype(np.uint8)
            rows = 255 - rows if is_negative else rows
            rows[_is_missing(pixels[part], missing)] = 0
            scaled[part] = rows
    return scaled


def _missing_values(pixels: Pixels, no_data: float | None) -> list[float]:
    found = [] if no_data is None else [no_data, float(np.float32(no_data))]
    if pixels.dtype.kind in "if" and pixels.size:
        smallest = float(np.fmin.reduce(pixels, axis=None))  # ignores NaN
        found += [smallest] if smallest in NO_DATA else []
    return found


def _is_missing(pixels: Pixels, missing: list[float]) -> npt.NDArray[np.bool_]:
    found = np.isin(pixels, missing)
    if pixels.dtype.kind == "f":
        found |= np.isnan(pixels) | (np.abs(pixels) > HUGE) & np.isfinite(pixels)
    return found


def _sample(pixels: Pixels, missing: list[float]) -> npt.NDArray[np.float64]:
    """Return some of the finite values, sorted."""
    step = max(1, pixels.size // SAMPLE) | 1
    step += 2 * (step % 3 == 0)  # all channels have their turn
    values = pixels.reshape(-1)[::step]
    values = values[np.isfinite(values) & ~_is_missing(values, missing)]
    return np.sort(values.astype(np.float64))


def _window(ordered: npt.NDArray[np.float64], kind: "np.dtype[Any]", bits: int) -> tuple[float, float]:
    """Return the values of black and white."""
    if not len(ordered):
        return 0.0, 1.0
    dropped = min(int(np.ceil(len(ordered) * OUTLIERS)), (len(ordered) - 1) // 2)
    low, high = float(ordered[dropped]), float(ordered[-1 - dropped])
    if kind.kind == "u" and kind.itemsize <= 2:
        full = 2.0 ** (bits or 8 * kind.itemsize) - 1
        return 0.0, next((white for white in WHITES if high <= white < full), full) if full == WHITES[4] else full
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        if low < 0 and high - low >= 2.0 ** (8 * kind.itemsize - 1):
            return float(limits.min), float(limits.max)
        whites = sorted({*WHITES, float(limits.max)})
    elif low > -0.05 * high and 0.1 <= high <= 1.05:
        return 0.0, 1.0
    else:
        whites = list(WHITES[:5])
    white = next((white for white in whites if high <= 1.05 * white), 0.0)
    if low >= -0.05 * high and low <= white / 2 <= high:
        return 0.0, white
    return _usual(ordered)


def _usual(ordered: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the smallest and the largest value that is not far from most others."""
    at2, at98 = np.percentile(ordered, (2, 98))
    reach = 2 * (at98 - at2)
    usual = ordered[(ordered >= at2 - reach) & (ordered <= at98 + reach)]
    if usual[0] == usual[-1]:
        usual = ordered
    return float(usual[0]), float(usual[-1])
