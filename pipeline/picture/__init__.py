"""Picture file -> upright RGB image without metadata.

limits   how many pixels a picture may have
jpeg     very large JPEGs, and those whose end is missing
tiff     the kinds of TIFF that Pillow cannot read
levels   numbers of any type -> 8 bits
colour   colours of any mode and profile -> sRGB
"""

import io
import logging
import threading
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import SoundscapeError
from ..files import open_file
from . import jpeg, tiff
from .colour import over_white, to_rgb
from .limits import MAX_PIXELS, check_pixels, too_large

MAX_FILE_BYTES = 40_000_000
MAX_SIDE_PX = 2048
ACCEPTED = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "HEIC", "AVIF")
# Endings of files that a folder is searched for. The content decides what a file is.
FIRST_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
NEW_SUFFIXES = (".jpe", ".jfif", ".jfi", ".pjpeg", ".mpo", ".apng", ".dib", ".hif", ".heics", ".heifs", ".avifs")
SUFFIXES = FIRST_SUFFIXES + NEW_SUFFIXES
_PILLOW_NAMES = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")

_WARNINGS = "warnings"  # key in `Image.info`

# A large picture takes hundreds of megabytes while it is decoded, so only two are decoded at a time.
_decoding = threading.BoundedSemaphore(2)

_log = logging.getLogger(__name__)

__all__ = [
    "ACCEPTED",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE_PX",
    "NEW_SUFFIXES",
    "SUFFIXES",
    "load_picture",
    "warnings_of",
]


def load_picture(path: str | Path) -> Image.Image:
    """Return the picture as RGB, upright, its longest side at most 2048 px, without metadata.

    The file size is checked before the file is opened, and the number of pixels before anything is decoded. If a part
    is missing, `warnings_of` says so. Raises SoundscapeError when the file is not a
    picture, is damaged or too large.
    """
    path = Path(path)
    with open_file(path, MAX_FILE_BYTES) as file:
        _register_heif()
        try:
            with warnings.catch_warnings(), _decoding:
                warnings.simplefilter("ignore")  # our limits are lower than Pillow's, which only warns
                return _loaded(file, path.name)
        except SoundscapeError:
            raise
        except Image.DecompressionBombError:
            raise too_large() from None
        except UnidentifiedImageError:
            formats = f"{', '.join(ACCEPTED[:-1])} or {ACCEPTED[-1]}"
            raise SoundscapeError(f"{path.name} is not a picture that can be read here. Use {formats}.") from None
        except Exception as error:  # the readers raise many kinds of errors for damaged files
            _log.info("A picture could not be decoded: %r", error)
            message = f"{path.name} is damaged and cannot be read. Save it again, or use another."
            raise SoundscapeError(message) from error


def warnings_of(picture: Image.Image | None) -> tuple[str, ...]:
    """Return sentences about a picture from `load_picture`, such as that a part of it is missing."""
    found: tuple[str, ...] = picture.info.get(_WARNINGS, ()) if picture else ()
    return found


def _register_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _loaded(file: BinaryIO, name: str) -> Image.Image:
    with _opened(file) as image:
        try:
            image.load()
        except OSError:
            if image.format not in ("JPEG", "MPO"):
                raise
            return _without_end(file, name)
        return _upright_rgb(image)


def _opened(file: BinaryIO) -> Image.Image:
    """Return the picture before it is decoded, with a size that is allowed."""
    start = file.read(4)
    if start in tiff.STARTS:
        found = tiff.read(file)
        if found.image:
            return found.image
    elif start.startswith(jpeg.START):
        frame = jpeg.frame_of(file)
        if frame and jpeg.is_oversized(frame):
            return jpeg.open_oversized(file, MAX_SIDE_PX)
    file.seek(0)
    image = Image.open(file, formats=_PILLOW_NAMES)
    if start in tiff.STARTS:
        image.seek(found.frame)
    check_pixels(image.size)
    # A large JPEG is decoded at half or a quarter of its size, which is faster.
    image.draft("RGB", (MAX_SIDE_PX // 2, MAX_SIDE_PX // 2))
    return image


def _without_end(file: BinaryIO, name: str) -> Image.Image:
    """Return a JPEG whose last bytes are missing. Raises OSError when more than some lines are."""
    file.seek(0)
    with _opened(io.BytesIO(file.read() + jpeg.END)) as image:
        image.load()
        present = jpeg.lines_present(image)
        if present < jpeg.MIN_LINES:
            raise OSError(f"{present:.0%} of the lines are there")
        picture = _upright_rgb(image)
    picture.info[_WARNINGS] = (f"The end of {name} is missing. The rest of the picture was used.",)
    return picture


def _upright_rgb(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    image = _eight_bit(image)
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    rgb = over_white(image) if image.has_transparency_data else to_rgb(image)
    clean = Image.new("RGB", rgb.size)  # a new image carries no metadata
    clean.paste(rgb)
    return clean


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the image with 8 bits per channel. Of 16-bit pixels, Pillow would keep the darkest only."""
    if image.mode in ("P", "PA"):  # resizing would interpolate palette indices, which gives wrong colours
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.array(image, dtype=np.float32)
    values *= 255 / (65535.0 if values.max() > 255 else 255.0)  # in place: another copy takes 160 MB
    scaled = Image.fromarray(np.clip(values, 0, 255, out=values).astype(np.uint8))
    scaled.info = image.info
    return scaled
