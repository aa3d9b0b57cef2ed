"""Picture file -> upright RGB image without metadata."""

import logging
import threading
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import SoundscapeError
from ..files import check_file

MAX_FILE_BYTES = 40_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE_PX = 2048
ACCEPTED = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "HEIC", "AVIF")
# Endings of files that a folder is searched for. The content decides what a file is.
FIRST_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
NEW_SUFFIXES = (".jpe", ".jfif", ".jfi", ".pjpeg", ".mpo", ".apng", ".dib", ".hif", ".heics", ".heifs", ".avifs")
SUFFIXES = FIRST_SUFFIXES + NEW_SUFFIXES
_PILLOW_NAMES = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")

# A large picture takes hundreds of megabytes while it is decoded, so only two are decoded at a time.
_decoding = threading.BoundedSemaphore(2)

_log = logging.getLogger(__name__)


def load_picture(path: str | Path) -> Image.Image:
    """Return the picture as RGB, upright, its longest side at most 2048 px, without metadata.

    The file size is checked before the file is opened, and the number of pixels before anything is decoded. Raises
    SoundscapeError when the file is not a picture, is damaged or too large.
    """
    path = Path(path)
    check_file(path, MAX_FILE_BYTES)
    _register_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our limits are lower than Pillow's, which only warns
            with _decoding, Image.open(path, formats=_PILLOW_NAMES) as image:
                _check_size(image.size)
                return _upright_rgb(image)
    except SoundscapeError:
        raise
    except Image.DecompressionBombError:
        raise SoundscapeError(_too_large()) from None
    except UnidentifiedImageError:
        formats = f"{', '.join(ACCEPTED[:-1])} or {ACCEPTED[-1]}"
        raise SoundscapeError(f"{path.name} is not a picture that can be read here. Use {formats}.") from None
    except Exception as error:  # Pillow's readers raise many kinds of errors for damaged files
        _log.info("A picture could not be decoded: %r", error)
        raise SoundscapeError(f"{path.name} is damaged and cannot be read. Save it again, or use another.") from error


def _register_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise SoundscapeError(_too_large(size))


def _too_large(size: tuple[int, int] | None = None) -> str:
    this = f"This one has {size[0]} x {size[1]}. " if size else ""
    return f"A picture may have at most {MAX_PIXELS // 1_000_000} megapixels. {this}Make it smaller and try again."


def _upright_rgb(image: Image.Image) -> Image.Image:
    # A large JPEG is decoded at half or a quarter of its size, which is faster.
    image.draft("RGB", (MAX_SIDE_PX // 2, MAX_SIDE_PX // 2))
    image = ImageOps.exif_transpose(image)
    image = _eight_bit(image)
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    rgb = _over_white(image) if image.has_transparency_data else _to_rgb(image)
    clean = Image.new("RGB", rgb.size)  # a new image carries no metadata
    clean.paste(rgb)
    return clean


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the image with 8 bits per channel. 16-bit, 32-bit and float pixels are scaled; Pillow would clip them."""
    if image.mode in ("P", "PA"):  # resizing would interpolate palette indices, which gives wrong colours
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.array(image, dtype=np.float32), copy=False)
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
    else:
        low, high = 0.0, 65535.0 if values.max() > 255 else 255.0
    values -= low  # in place: another copy of 40 megapixels takes 160 MB
    values /= max(high - low, 1e-9)
    np.clip(values, 0, 1, out=values)
    values *= 255
    return Image.fromarray(values.astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert to sRGB, with the embedded colour profile if there is one (CMYK and wide-gamut pictures)."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("CMYK", "RGB"):
        converted = _by_profile(image, profile)
        if converted is not None:
            return converted
    return image.convert("RGB")


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    import io

    from PIL import ImageCms

    try:
        return ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError) as error:  # the picture is still usable without a valid profile
        _log.info("A colour profile was ignored: %s", error)
        return None
