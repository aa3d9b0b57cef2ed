"""TIFF: the page that is the picture, and the many kinds of pixels that Pillow cannot read or reads wrongly.

The tags are those of TIFF 6.0, with the sample formats and GDAL_NODATA (https://gdal.org/drivers/raster/gtiff.html).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from PIL import Image

from .levels import Bytes, Pixels, eight_bit
from .limits import MAX_PIXELS, check_decoded, check_pixels

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # little and big endian, classic and BigTIFF
MAX_PAGES = 64  # that are searched for the picture
CODECS = (1, 5, 7, 8, 32946, 32773, 34887, 34925, 50000)  # none, LZW, JPEG, Deflate, PackBits, LERC, LZMA, ZSTD
NEGATIVE, GREY, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9  # photometric interpretations
KINDS = {NEGATIVE: 1, GREY: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}  # with their channels
UNSIGNED, FLOAT, COMPLEX = 1, 3, (5, 6)  # sample formats
JPEG, UNCOMPRESSED = 7, 1
ASSOCIATED, UNASSOCIATED = 1, 2  # alpha, multiplied into the colours or not
ORIENTATION, OLD_SUBFILE, PROFILE, GDAL_NODATA = 274, 255, 34675, 42113  # tags

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it reports every odd tag of a file as an error


@dataclass(frozen=True)
class Found:
    """The page that is the picture: a frame for Pillow, or the picture if Pillow cannot read it."""

    frame: int = 0
    image: Image.Image | None = None


def read(file: BinaryIO) -> Found:
    """Return the picture in a TIFF. Raises SoundscapeError when it is too large, and many errors when it is damaged."""
    from tifffile import TiffFile

    try:
        file.seek(0)
        document = TiffFile(file)
        pages = list(_pages(document))
        place, page = pages[0]
    except Exception:  # perhaps Pillow can read it
        return Found()
    if _is_reduced(page):
        place, page = max(((each, other) for each, other in pages if _may_be_it(other)), key=_size, default=pages[0])
    if place is not None and (_is_for_pillow(page) or page.compression not in CODECS):
        return Found(frame=place)
    return Found(image=_decoded(page))


def _pages(document: "TiffFile") -> Iterator[tuple[int | None, "TiffPage"]]:
    """Yield the pages with their frames; those below another page have none. If the first is the picture, only that."""
    count = 0
    for frame in range(MAX_PAGES):
        try:
            page = cast("TiffPage", document.pages[frame])
            below = list(page.pages or ())[:MAX_PAGES]
        except Exception:  # the end, or a damaged page: those before are still of use
            if not frame:
                raise
            return
        yield frame, page
        if frame == 0 and not _is_reduced(page):
            return
        for each in below:
            yield None, cast("TiffPage", each)
        count += 1 + len(below)
        if count >= MAX_PAGES:
            return


def _is_reduced(page: "TiffPage") -> bool:
    old = page.tags.get(OLD_SUBFILE)
    return bool(page.subfiletype & 1) or (old is not None and old.value == 2)


def _may_be_it(page: "TiffPage") -> bool:
    is_mask = bool(page.subfiletype & 4)
    return page.photometric in KINDS and not is_mask and page.imagewidth * page.imagelength <= MAX_PIXELS


def _size(found: tuple[int | None, "TiffPage"]) -> tuple[bool, int, bool]:
    place, page = found
    return not _is_reduced(page), page.imagewidth * page.imagelength, place is not None


def _is_for_pillow(page: "TiffPage") -> bool:
    """Return whether Pillow reads these pixels rightly: 8 bits and fewer, not signed."""
    bits = _bits(page)
    if page.photometric == YCBCR and page.compression == UNCOMPRESSED:
        return False
    return bits <= 8 and page.sampleformat == UNSIGNED and (bits == 8 or page.samplesperpixel == 1)


def _bits(page: "TiffPage") -> int:
    bits = page.bitspersample
    return bits if isinstance(bits, int) else max(bits)


def _decoded(page: "TiffPage") -> Image.Image:
    check_pixels((page.imagewidth, page.imagelength))
    check_decoded(page.nbytes)
    if page.photometric not in KINDS:
        raise ValueError(f"photometric interpretation {page.photometric}")
    pixels: Pixels = page.asarray(maxworkers=1).reshape(page.shaped)[:, 0]
    # (planes, rows, columns, channels of a plane) -> (rows, columns, channels)
    pixels = np.moveaxis(pixels[..., 0], 0, -1) if len(pixels) > 1 else pixels[0]
    if page.sampleformat in COMPLEX:
        pixels = np.abs(pixels)
    image = _image(page, pixels)
    if PROFILE in page.tags:
        image.info["icc_profile"] = page.tags[PROFILE].value
    if ORIENTATION in page.tags:
        exif = Image.Exif()
        exif[ORIENTATION] = int(page.tags[ORIENTATION].value)
        image.info["exif"] = exif.tobytes()
    return image


def _image(page: "TiffPage", pixels: Pixels) -> Image.Image:
    kind: int = page.photometric
    colours, bits = pixels[..., : KINDS[kind]], _bits(page)
    if kind == YCBCR and page.compression == JPEG:
        kind = RGB  # converted by the decoder
    if kind == PALETTE:
        palette = (np.moveaxis(cast(Pixels, page.colormap), 0, -1) >> 8).astype(np.uint8)
        return Image.fromarray(palette[colours[..., 0]])
    if kind in (CIELAB, ICCLAB):
        return Image.fromarray(_lab(colours, is_signed=kind == CIELAB), "LAB")
    if kind in (CMYK, YCBCR):
        image = Image.fromarray(_whole_range(colours, bits), "CMYK" if kind == CMYK else "YCbCr")
        return image if kind == CMYK else image.convert("RGB")
    light = eight_bit(colours, bits=bits, is_negative=kind == NEGATIVE, no_data=_no_data(page))
    extra = page.extrasamples[0] if page.extrasamples else 0
    if extra not in (ASSOCIATED, UNASSOCIATED) or pixels.shape[-1] <= KINDS[kind]:
        return Image.fromarray(light if kind == RGB else light[..., 0])
    alpha = _whole_range(pixels[..., KINDS[kind] : KINDS[kind] + 1], bits)
    mode = "RGBA" if kind == RGB else "LA"
    raw = mode if extra == UNASSOCIATED else mode.replace("A", "a")
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombytes(raw, size, np.concatenate([light, alpha], axis=-1).tobytes()).convert(mode)


def _whole_range(pixels: Pixels, bits: int) -> Bytes:
    """Return 8 bits of values that use the whole range of their type: inks, and transparency."""
    white = 1.0 if pixels.dtype.kind == "f" else 2.0**bits - 1
    scaled: Bytes = np.clip(pixels * (255 / white) + 0.5, 0, 255).astype(np.uint8)
    return scaled


def _lab(pixels: Pixels, is_signed: bool) -> Bytes:
    """Return L, a and b with 8 bits, as Pillow reads them: a and b are signed."""
    wide = pixels.astype(np.int64) >> (8 * pixels.dtype.itemsize - 8)
    wide[..., 1:] -= 0 if is_signed else 128
    return (wide & 0xFF).astype(np.uint8)


def _no_data(page: "TiffPage") -> float | None:
    tag = page.tags.get(GDAL_NODATA)
    try:
        return None if tag is None else float(cast(Any, tag.value))
    except (TypeError, ValueError):
        return None
