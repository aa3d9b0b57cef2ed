"""Picture files: left half red, right half blue, in many formats, and files that only pretend to be pictures."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SIZE = (96, 64)
ORIENTATION = 0x0112


def two_halves(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 30, 200), (size[0] // 2, 0, *size))
    return image.convert(mode)


def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = SIZE, **options: Any) -> bytes:
    if kind == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    file = io.BytesIO()
    two_halves(mode, size).save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved("JPEG", exif=exif, quality=95)


def animated(kind: str) -> bytes:
    return saved(kind, save_all=True, append_images=[Image.new("RGB", SIZE, "lime")])


def cut(make: Callable[[], bytes], share: float) -> bytes:
    data = make()
    return data[: int(len(data) * share)]


def without_end() -> bytes:
    """A JPEG whose end mark is missing, as a broken transfer leaves it."""
    return saved("JPEG", size=(960, 640), quality=95)[:-2]


def flipped(make: Callable[[], bytes], every: int) -> bytes:
    data = bytearray(make())
    for place in range(every, len(data), every):
        data[place] ^= 0xFF
    return bytes(data)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, rows: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def gif_of(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes([0x80, 0, 0, 255, 0, 0, 0, 0, 255, 0x3B])


def bmp_of(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def tiff_of(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF")
    return file.getvalue()


def ramp(dtype: Any, top: float) -> np.ndarray:
    return np.tile(np.linspace(0, top, SIZE[0]), (SIZE[1], 1)).astype(dtype)


def hot() -> np.ndarray:
    """A ramp of floats with one infinite pixel and one that is not a number."""
    pixels = ramp(np.float32, 1.0)
    pixels[0, 0], pixels[5, 5] = np.inf, np.nan
    return pixels


def profiled(profile: bytes, mode: str = "RGB") -> bytes:
    return saved("JPEG", mode, icc_profile=profile, quality=95)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def text_chunk_bomb() -> bytes:
    """A PNG with a compressed text of 20 MB."""
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))
    return saved("PNG").replace(chunk(b"IEND", b""), bomb + chunk(b"IEND", b""))


def lab() -> bytes:
    """Two halves in CIELAB, which Pillow converts by a profile only."""
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    file = io.BytesIO()
    converted = ImageCms.applyTransform(two_halves(), to_lab)
    assert converted is not None
    converted.save(file, "TIFF")
    return file.getvalue()


def sixteen_bits() -> bytes:
    """A PNG of 16 bits."""
    file = io.BytesIO()
    Image.fromarray(ramp(np.uint16, 65535)).save(file, "PNG")
    return file.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    # What people have
    "plain.jpg": partial(saved, "JPEG", quality=95),
    "progressive.jpg": partial(saved, "JPEG", progressive=True, quality=95),
    "grey.jpg": partial(saved, "JPEG", "L", quality=95),
    "cmyk.jpg": partial(saved, "JPEG", "CMYK", quality=95),
    **{f"turned_{number}.jpg": partial(turned, number) for number in range(1, 9)},
    "turned_99.jpg": partial(turned, 99),
    "profile.jpg": lambda: profiled(srgb()),
    "profile_garbage.jpg": partial(profiled, b"no profile" * 100),
    "profile_of_another_mode.jpg": lambda: profiled(srgb(), "CMYK"),
    "exif_garbage.jpg": partial(saved, "JPEG", exif=b"Exif\0\0" + b"\xff" * 400, quality=95),
    "no_end.jpg": without_end,
    **{f"{mode}.png".lower(): partial(saved, "PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},
    "sixteen.png": sixteen_bits,
    "animated.png": partial(animated, "PNG"),
    "animated.gif": partial(animated, "GIF"),
    "animated.webp": partial(animated, "WEBP"),
    "lossless.webp": partial(saved, "WEBP", lossless=True),
    "plain.bmp": partial(saved, "BMP"),
    "plain.heic": partial(saved, "HEIF", quality=95),
    "plain.avif": partial(saved, "AVIF", quality=95),
    "deflate.tif": partial(saved, "TIFF", compression="tiff_deflate"),
    "lzw.tif": partial(saved, "TIFF", "L", compression="tiff_lzw"),
    "fax.tif": partial(saved, "TIFF", "1", compression="group4"),
    "cmyk.tif": partial(saved, "TIFF", "CMYK"),
    "lab.tif": lab,
    "sixteen.tif": lambda: tiff_of(ramp(np.uint16, 65535)),
    "long.tif": lambda: tiff_of(ramp(np.int32, 2_000_000)),
    "float.tif": lambda: tiff_of(ramp(np.float32, 1.0)),
    "hot.tif": lambda: tiff_of(hot()),
    "wide.png": partial(saved, "PNG", "L", (30_000, 1)),
    "one_pixel.png": partial(saved, "PNG", "RGB", (1, 1)),
    # What is named as if it were a picture
    "empty.jpg": bytes,
    "zeros.jpg": partial(bytes, 4096),
    "text.jpg": lambda: b"This is not a picture.\n" * 10,
    "page.png": lambda: b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>",
    "drawing.svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "document.pdf": lambda: b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
    "drawing.eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n%%EOF",
    "archive.jpg": lambda: zipped("plain.jpg", saved("JPEG")),
    "packed.jpg": lambda: gzip.compress(saved("JPEG"), mtime=0),
    "sound.jpg": lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(24),
    "photoshop.psd": lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 96, 8, 3) + bytes(12),
    # What is damaged
    "half.jpg": partial(cut, partial(saved, "JPEG", size=(960, 640)), 0.5),
    "half.png": partial(cut, partial(saved, "PNG", size=(960, 640)), 0.5),
    "half.webp": partial(cut, partial(saved, "WEBP", size=(960, 640)), 0.5),
    "half.tif": partial(cut, partial(saved, "TIFF"), 0.5),
    "half.heic": partial(cut, partial(saved, "HEIF"), 0.5),
    "flipped.png": partial(flipped, partial(saved, "PNG"), 40),
    "flipped.tif": partial(flipped, partial(saved, "TIFF", compression="tiff_lzw"), 9),
    "header_only.jpg": lambda: saved("JPEG")[:20],
    "checksum.png": lambda: saved("PNG").replace(b"IDAT", b"IDAU"),
    # What would cost too much
    "bomb.png": lambda: png_of(30_000, 30_000, bytes(1000)),
    "bomb_max.png": lambda: png_of(2**31 - 1, 2**31 - 1, b""),
    "bomb_zero.png": lambda: png_of(0, 0, b""),
    "bomb_text.png": text_chunk_bomb,
    "bomb.gif": lambda: gif_of(65_535, 65_535),
    "bomb.bmp": lambda: bmp_of(60_000, 60_000),
    "bomb_negative.bmp": lambda: bmp_of(-5, -5),
}
