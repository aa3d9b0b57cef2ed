"""JPEG: very large ones, which are decoded at a fraction of their size, and those whose end is missing."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import jpeg_factory

from ..errors import SoundscapeError
from .limits import MAX_PIXELS, check_pixels

START, END = b"\xff\xd8\xff", b"\xff\xd9"
MAX_JPEG_PIXELS = 200_000_000
# libjpeg keeps the coefficients of a picture whose colours or details come in several scans, at any size of the output.
MAX_COEFFICIENT_BYTES = 240_000_000  # 40 megapixels without subsampling, 80 with the usual one
MIN_LINES = 0.9  # that must be there if the end is missing

MAX_SEGMENTS, MAX_JUNK_BYTES = 10_000, 65_536  # of a header, and between two of its segments

_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # baseline, extended, progressive; the kinds that can be decoded smaller
_PROGRESSIVE = (0xC2, 0xCA)
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
_SCAN = 0xDA


@dataclass(frozen=True)
class Frame:
    """The size of a picture, and the memory that libjpeg needs for its coefficients; 0 if it needs none."""

    size: tuple[int, int]
    coefficient_bytes: int


def frame_of(file: BinaryIO) -> Frame | None:
    """Return what the header says, None if it is of another kind or damaged. The file is read from its beginning."""
    file.seek(len(START) - 1)
    frame: tuple[int, bytes] | None = None
    for _ in range(MAX_SEGMENTS):
        marker = _next_marker(file)
        if not marker:
            return None
        if marker in _WITHOUT_LENGTH:
            continue
        content = file.read(max(0, int.from_bytes(file.read(2)) - 2))
        if marker in _FRAMES and len(content) >= 6:
            frame = marker, content
        elif marker == _SCAN:
            return _frame(*frame, channels_in_scan=content[0]) if frame and content else None
    return None


def _next_marker(file: BinaryIO) -> int:
    """Return the second byte of the next marker, 0 if there is none nearby."""
    before = b""
    for _ in range(MAX_JUNK_BYTES):
        byte = file.read(1)
        if not byte:
            return 0
        if before == b"\xff" and byte not in (b"\xff", b"\0"):
            return byte[0]
        before = byte
    return 0


def _frame(marker: int, content: bytes, channels_in_scan: int) -> Frame:
    height, width, channels = int.from_bytes(content[1:3]), int.from_bytes(content[3:5]), content[5]
    factors = [divmod(byte, 16) for byte in content[7 : 6 + 3 * channels : 3]]
    widest, highest = (max((max(1, each[axis]) for each in factors), default=1) for axis in (0, 1))
    blocks = sum(-(-width // (8 * widest)) * across * -(-height // (8 * highest)) * down for across, down in factors)
    is_kept = marker in _PROGRESSIVE or channels_in_scan < channels
    return Frame((width, height), blocks * 64 * 2 if is_kept else 0)


def is_oversized(frame: Frame) -> bool:
    """Return whether the picture must be decoded smaller. Raises SoundscapeError when it cannot."""
    if frame.size[0] * frame.size[1] <= MAX_PIXELS:
        return False
    check_pixels(frame.size, MAX_JPEG_PIXELS)
    if frame.coefficient_bytes > MAX_COEFFICIENT_BYTES:
        raise SoundscapeError(
            f"This JPEG of {frame.size[0]} x {frame.size[1]} is a progressive one, which takes too much memory. "
            "Save it as a baseline (standard) JPEG, or make it smaller."
        )
    return True


def open_oversized(file: BinaryIO, side_px: int) -> Image.Image:
    """Open a JPEG so that it is decoded at a fraction of its size, still large enough for `side_px`.

    Pillow's own limit, which is lower than ours, is not used.
    """
    file.seek(0)
    image = jpeg_factory(file)
    width, height = image.size
    enough = max(min(width, height) * 2, width, height) // side_px
    fraction = next((each for each in (8, 4, 2) if each <= enough), 1)
    while width * height > MAX_PIXELS * fraction**2:
        fraction *= 2
    image.draft("RGB", (width // fraction, height // fraction))
    check_pixels(image.size)
    return image


def lines_present(image: Image.Image) -> float:
    """Return the share of lines that were decoded. libjpeg fills missing ones with grey."""
    pixels = np.asarray(image).reshape(image.height, -1)
    is_present = ((pixels < 127) | (pixels > 129)).any(axis=1)
    return float(np.flatnonzero(is_present).max(initial=-1) + 1) / image.height
