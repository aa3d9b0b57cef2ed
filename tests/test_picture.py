"""Pictures: accepted formats become upright RGB without metadata; other files are refused with a reason."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.errors import SoundscapeError
from pipeline.picture import ACCEPTED, MAX_SIDE_PX, load_picture


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    return image


def saved(tmp_path, image: Image.Image, name: str, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def close(pixel, wanted, tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, wanted))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tiff", "heic", "avif"])
def test_every_accepted_format_is_read(tmp_path, suffix):
    if suffix == "heic":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    loaded = load_picture(saved(tmp_path, picture(), f"a.{suffix}"))
    assert (loaded.mode, loaded.size) == ("RGB", (60, 40))
    assert close(loaded.getpixel((10, 20)), (255, 0, 0), 40)
    assert close(loaded.getpixel((50, 20)), (0, 0, 255), 40)


def test_the_content_decides_the_format_and_not_the_name(tmp_path):
    path = saved(tmp_path, picture(), "a.png").rename(tmp_path / "a.dat")
    assert load_picture(path).size == (60, 40)


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    for name in ("a.gif", "a.webp", "a.tiff"):
        path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
        assert close(load_picture(path).getpixel((4, 4)), (255, 0, 0), 30), name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    loaded = load_picture(saved(tmp_path, picture(), "a.jpg", exif=exif, quality=95))
    assert loaded.size == ((60, 40) if orientation <= 4 else (40, 60))
    assert not loaded.getexif()


def test_location_and_camera_are_removed(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8825)[1] = "N"
    path = saved(tmp_path, picture(), "a.jpg", exif=exif, comment=b"private")
    loaded = load_picture(path)
    assert (dict(loaded.getexif()), loaded.info) == ({}, {})
    again = io.BytesIO()
    loaded.save(again, "JPEG")
    assert b"camera" not in again.getvalue() and b"private" not in again.getvalue()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_blended_with_white(tmp_path, mode):
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 5, 10))
    loaded = load_picture(saved(tmp_path, image.convert(mode), "a.png"))
    assert close(loaded.getpixel((8, 5)), (255, 255, 255))
    assert close(loaded.getpixel((2, 5)), (0, 0, 0))


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, suffix):
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    loaded = load_picture(saved(tmp_path, Image.fromarray(ramp), f"a.{suffix}"))
    assert close(loaded.getpixel((32, 4)), (129, 129, 129), 3)
    assert loaded.getpixel((63, 4)) == (255, 255, 255)


def test_float_pixels_are_scaled_to_their_range(tmp_path):
    ramp = np.tile(np.linspace(-1, 3, 64).astype(np.float32), (8, 1))
    loaded = load_picture(saved(tmp_path, Image.fromarray(ramp), "a.tiff"))
    assert loaded.getpixel((0, 0)) == (0, 0, 0) and loaded.getpixel((63, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "LAB"])
def test_other_colour_models_become_rgb(tmp_path, mode):
    image = Image.new("RGB", (10, 10), "white")
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        image = image.convert(mode)
    assert close(load_picture(saved(tmp_path, image, "a.tiff")).getpixel((5, 5)), (255, 255, 255), 3)


def test_a_palette_keeps_its_colours(tmp_path):
    image = picture().quantize(2)
    assert close(load_picture(saved(tmp_path, image, "a.gif")).getpixel((50, 20)), (0, 0, 255))


def test_a_broken_colour_profile_is_ignored(tmp_path):
    path = saved(tmp_path, picture(), "a.png", icc_profile=b"nonsense")
    assert close(load_picture(path).getpixel((10, 20)), (255, 0, 0))


def test_the_longest_side_is_limited(tmp_path):
    loaded = load_picture(saved(tmp_path, picture(5000, 1000), "a.jpg"))
    assert max(loaded.size) <= MAX_SIDE_PX and abs(loaded.width / loaded.height - 5) < 0.02
    assert load_picture(saved(tmp_path, picture(3000, 30), "a.png")).size == (2048, 20)
    assert load_picture(saved(tmp_path, picture(3000, 1), "b.png")).size == (2048, 1)


def test_too_many_pixels_are_refused_from_the_header_alone(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side in (7_000, 60_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        path = tmp_path / "bomb.png"  # without any pixels: decoding would give another error
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
        with pytest.raises(SoundscapeError, match="at most 40 megapixels"):
            load_picture(path)


def refusal(path) -> str:
    with pytest.raises(SoundscapeError) as caught:
        load_picture(path)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_other_files_are_refused_with_the_accepted_formats(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert all(name in refusal(path) for name in ACCEPTED)
    assert str(tmp_path) not in refusal(path)


def test_other_formats_of_pillow_are_refused(tmp_path):
    assert "notes.ico is not a picture" in refusal(saved(tmp_path, picture(), "notes.ico"))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tiff"])
def test_a_truncated_file_is_refused_as_damaged(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    whole = saved(tmp_path, Image.fromarray(noise), f"a.{suffix}").read_bytes()
    path = tmp_path / f"half.{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    assert refusal(path).startswith(f"half.{suffix} is ")


def test_folders_and_missing_files_are_refused(tmp_path):
    assert "is not a regular file" in refusal(tmp_path)
    assert "There is no file nothing.jpg" in refusal(tmp_path / "nothing.jpg")


def test_only_regular_files_below_the_size_limit_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with (tmp_path / "large.tif").open("wb") as file:
        file.truncate(2_000_000_000)  # sparse, takes no space on the disk
    for name, words in (
        ("pipe.jpg", "pipe.jpg is not a regular file"),
        ("large.tif", "large.tif has 2000 MB. Choose a file of at most 40 MB"),
    ):
        with pytest.raises(SoundscapeError, match=words):
            load_picture(tmp_path / name)
    with pytest.raises(SoundscapeError, match="zero is not a regular file"):
        load_picture("/dev/zero")
