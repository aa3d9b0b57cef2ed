"""A small photograph with known colours, and JPEGs of any size that take no time to make."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image


def photograph(width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """Return an RGB picture that uses the whole range, with some flat colours."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height - 2)], -1)
    pixels[: height // 4, : width // 4] = (200, 60, 40)
    pixels[height // 2 :, width // 2 : width * 3 // 4] = (30, 90, 200)
    return pixels.astype(np.uint8)


def difference(picture: Image.Image, wanted: npt.NDArray[np.uint8]) -> float:
    """Return the mean difference of all values, from 0 to 255."""
    assert picture.mode == "RGB" and picture.size == wanted.shape[1::-1]
    return float(np.abs(np.asarray(picture).astype(int) - wanted).mean())


def tall_jpeg(width: int, height: int, colour: tuple[int, int, int] = (200, 60, 40)) -> bytes:
    """Return a JPEG of one colour. Sixteen lines are encoded once and repeated, so 200 megapixels take 0.1 s."""
    file = io.BytesIO()
    Image.new("RGB", (width, 16), colour).save(file, "JPEG", restart_marker_rows=1, subsampling=2)
    data = file.getvalue()
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    start = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4])
    header = data[: frame + 5] + height.to_bytes(2) + data[frame + 7 : start]
    rows, line = -(-height // 16), data[start:-2]
    return header + b"".join(line + bytes([0xFF, 0xD0 + number % 8]) for number in range(rows - 1)) + line + data[-2:]
