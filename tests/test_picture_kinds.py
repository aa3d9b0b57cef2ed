"""The same photograph looks the same, whatever the depth, the number type, the colour model and the profile."""

import io
import itertools

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from pipeline.errors import SoundscapeError
from pipeline.picture import load_picture
from pipeline.picture.levels import eight_bit

from .support.photograph import difference, photograph

PHOTOGRAPH = photograph()
GREY = np.asarray(Image.fromarray(PHOTOGRAPH).convert("L"))
GREY_RGB = np.stack([GREY] * 3, -1)


def tiff(tmp_path, pixels, **options):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, **options)
    return load_picture(path)


# TIFF: depths and number types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "white"),
    [
        *[("u1", 255), ("u2", 65535), ("u2", 16383), ("u2", 4095), ("u4", 2**32 - 1), ("u4", 65535)],
        *[("i2", 32767), ("i4", 2**31 - 1), ("i2", 4095)],
        *[("f2", 1), ("f4", 1), ("f8", 1), ("f4", 255), ("f8", 65535)],
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_every_number_type_looks_the_same(tmp_path, kind, white, order):
    for pixels, wanted, kinds in ((GREY, GREY_RGB, "minisblack"), (PHOTOGRAPH, PHOTOGRAPH, "rgb")):
        scaled = (pixels * (white / 255)).astype(order + kind)
        assert difference(tiff(tmp_path, scaled, photometric=kinds, byteorder=order), wanted) < 0.6


def test_signed_bytes_are_centred(tmp_path):
    pixels = (GREY.astype(int) - 128).astype(np.int8)
    assert difference(tiff(tmp_path, pixels, photometric="minisblack"), GREY_RGB) < 0.1


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_packed_bits_are_scaled_to_their_range(tmp_path, bits):
    white = 2**bits - 1
    levels = np.round(GREY / 255 * white)
    pixels = levels.astype(np.uint16 if bits > 8 else np.uint8)
    wanted = np.stack([np.round(levels / white * 255).astype(np.uint8)] * 3, -1)
    assert difference(tiff(tmp_path, pixels, photometric="minisblack", bitspersample=bits), wanted) < 0.6


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"planarconfig": "separate"}])
def test_every_layout_is_read(tmp_path, compression, layout):
    for factor, kind in ((1, np.uint8), (257, np.uint16), (1 / 255, np.float32)):
        pixels = (PHOTOGRAPH * np.float64(factor)).astype(kind)
        pixels = np.moveaxis(pixels, -1, 0) if "planarconfig" in layout else pixels
        loaded = tiff(tmp_path, pixels, photometric="rgb", compression=compression, **layout)
        assert difference(loaded, PHOTOGRAPH) < 0.1, kind


# TIFF: colour models --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "factor"), [(np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)])
def test_negatives_are_inverted(tmp_path, kind, factor):
    assert (
        difference(tiff(tmp_path, ((255 - GREY) * np.float64(factor)).astype(kind), photometric="miniswhite"), GREY_RGB)
        < 0.1
    )


def test_palettes_with_16_bit_indices_keep_their_colours(tmp_path):
    colours = np.zeros((3, 65536), np.uint16)
    colours[:, :256] = np.random.default_rng(0).integers(0, 65535, (3, 256))
    loaded = tiff(tmp_path, GREY.astype(np.uint16), photometric="palette", colormap=colours)
    assert difference(loaded, (np.moveaxis(colours, 0, -1)[GREY] >> 8).astype(np.uint8)) < 1


@pytest.mark.parametrize("factor", [1, 257])
def test_inks_become_colours(tmp_path, factor):
    inks = np.asarray(Image.fromarray(PHOTOGRAPH).convert("CMYK")).astype(np.uint8 if factor == 1 else np.uint16)
    assert difference(tiff(tmp_path, inks * factor, photometric="separated"), PHOTOGRAPH) < 0.1


@pytest.mark.parametrize("bits", [8, 16])
def test_lab_colours_become_rgb(tmp_path, bits):
    lab = ImageCms.profileToProfile(
        Image.fromarray(PHOTOGRAPH), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    channels = [np.asarray(each).astype(np.int16) for each in lab.split()]
    pixels = np.stack([channels[0], channels[1] - 128, channels[2] - 128], -1)
    pixels = pixels.astype(np.uint8) if bits == 8 else (pixels.astype(np.int32) * 256).astype(np.uint16)
    loaded = tiff(tmp_path, pixels, photometric="cielab")
    assert difference(loaded, np.asarray(lab.convert("RGB"))) < 1 and difference(loaded, PHOTOGRAPH) < 2


def test_uncompressed_ycbcr_becomes_rgb(tmp_path):
    Image.fromarray(PHOTOGRAPH).convert("YCbCr").save(tmp_path / "a.tif")
    assert difference(load_picture(tmp_path / "a.tif"), PHOTOGRAPH) < 2


@pytest.mark.parametrize(("kind", "factor"), [(np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_transparent_tiffs_are_blended_with_white(tmp_path, kind, factor, alpha):
    share = np.where(np.arange(64) < 32, 255, 51)[None, :, None] * np.ones((48, 1, 1))
    wanted = (PHOTOGRAPH * share / 255 + 255 - share).astype(np.uint8)
    colours = PHOTOGRAPH * share / 255 if alpha == "assocalpha" else PHOTOGRAPH
    pixels = (np.concatenate([colours, share], -1) * factor).astype(kind)
    assert difference(tiff(tmp_path, pixels, photometric="rgb", extrasamples=[alpha]), wanted) < 2


# Likely values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan, 1e9, -1e9, 3.4e38])
def test_one_odd_pixel_changes_nothing_else(tmp_path, odd):
    pixels = (GREY / 255).astype(np.float32)
    pixels[3, 3] = odd
    assert difference(tiff(tmp_path, pixels, photometric="minisblack"), GREY_RGB) < 0.2


def test_one_hot_pixel_of_a_12_bit_sensor_changes_nothing_else(tmp_path):
    pixels = GREY.astype(np.uint16) * 16
    pixels[3, 3] = 65535
    assert difference(tiff(tmp_path, pixels, photometric="minisblack"), GREY_RGB) < 1


@pytest.mark.parametrize(
    ("value", "is_tagged"), [(-9999, True), (-9999, False), (-3.4028235e38, False), (1e38, False), (-1, True)]
)
def test_missing_values_are_black_and_the_others_keep_their_contrast(tmp_path, value, is_tagged):
    heights = 1000 + GREY.astype(np.float32) * 4
    heights[:20] = value
    tags = [(42113, "s", 0, str(value), True)] if is_tagged else []
    loaded = np.asarray(tiff(tmp_path, heights, photometric="minisblack", extratags=tags))
    assert loaded[:20].max() == 0
    assert loaded[20:].min() == 0 and loaded[20:].max() == 255
    assert np.corrcoef(loaded[20:, :, 0].ravel(), GREY[20:].ravel())[0, 1] > 0.999


def test_a_night_photograph_stays_dark():
    night = np.zeros((100, 100), np.uint16)
    night[40:42, 40:50] = 65535  # lamps
    night[60:, :] = 3000
    assert eight_bit(night).max() == 255 and eight_bit(night)[80, 80] == 12


@pytest.mark.parametrize("value", [0.0, 0.5, 7.0, np.nan, np.inf])
def test_a_picture_of_one_value_is_no_error(value):
    assert eight_bit(np.full((4, 4), value, np.float32)).shape == (4, 4)
    assert eight_bit(np.full((1, 1), 0.5, np.float32))[0, 0] == 128


# Pages ----------------------------------------------------------------------------------------------------------------


def pages(path, *given):
    with tifffile.TiffWriter(path) as file:
        for pixels, subfile in given:
            file.write(pixels, photometric="rgb", subfiletype=subfile)
    return load_picture(path)


def test_a_thumbnail_gives_way_to_the_picture(tmp_path):
    small, other = PHOTOGRAPH[::4, ::4], np.zeros((200, 200, 3), np.uint8)
    assert difference(pages(tmp_path / "a.tif", (small, 1), (PHOTOGRAPH, 0)), PHOTOGRAPH) == 0
    wide = PHOTOGRAPH.astype(np.uint16) * 257
    assert difference(pages(tmp_path / "b.tif", (small, 1), (wide, 0)), PHOTOGRAPH) == 0
    assert difference(pages(tmp_path / "c.tif", (PHOTOGRAPH, 0), (other, 0)), PHOTOGRAPH) == 0, "a document"
    with tifffile.TiffWriter(tmp_path / "d.tif") as file:
        file.write(small, photometric="rgb", subfiletype=1)
        file.write(np.ones((200, 200), bool), photometric="minisblack", subfiletype=5)
        file.write(PHOTOGRAPH, photometric="rgb", subfiletype=0)
    assert difference(load_picture(tmp_path / "d.tif"), PHOTOGRAPH) == 0, "the mask of the thumbnail is larger"
    with tifffile.TiffWriter(tmp_path / "e.tif") as file:
        file.write(small, photometric="rgb", subfiletype=1, subifds=1)
        file.write(PHOTOGRAPH, photometric="rgb")
    assert difference(load_picture(tmp_path / "e.tif"), PHOTOGRAPH) == 0, "below the thumbnail"


def test_deep_tiffs_are_upright(tmp_path):
    turned = np.rot90(PHOTOGRAPH.astype(np.uint16) * 257)  # orientation 6 turns it back
    loaded = tiff(tmp_path, np.ascontiguousarray(turned), photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert difference(loaded, PHOTOGRAPH) == 0


def test_deep_tiffs_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_, **__: pytest.fail("it was decoded"))
    for size, kind, words in (
        ((7000, 7000), np.uint16, "at most 40 megapixels"),
        ((6000, 6000, 3), np.float64, "takes 864 MB of memory"),
    ):
        path = tmp_path / "large.tif"
        blank = (bytes(100) for _ in itertools.repeat(0))
        tifffile.imwrite(path, blank, shape=size, dtype=kind, rowsperstrip=1000, compression="deflate")
        with pytest.raises(SoundscapeError, match=words):
            load_picture(path)


# Profiles -------------------------------------------------------------------------------------------------------------


def profile(gamma: float, is_grey: bool) -> bytes:
    """Return a colour profile with this gamma, and the colours of Adobe RGB (1998)."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4) + int(gamma * 256).to_bytes(2) + bytes(2)
    xyz = {
        "rXYZ": (0.60974, 0.31111, 0.01947),
        "gXYZ": (0.20528, 0.62567, 0.06087),
        "bXYZ": (0.14919, 0.06322, 0.74457),
        "wtpt": (0.9642, 1.0, 0.8249),
    }
    tags = {name: b"XYZ " + bytes(4) + b"".join(map(_fixed_point, values)) for name, values in xyz.items()}
    tags = {"wtpt": tags["wtpt"], "kTRC": curve} if is_grey else tags | dict.fromkeys(("rTRC", "gTRC", "bTRC"), curve)
    table, data, place = len(tags).to_bytes(4), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name.encode() + (place + len(data)).to_bytes(4) + len(content).to_bytes(4)
        data += content
    space = b"GRAY" if is_grey else b"RGB "
    head = bytes(8) + bytes([2, 64, 0, 0]) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(map(_fixed_point, xyz["wtpt"])) + bytes(48)
    return (place + len(data)).to_bytes(4) + head[4:128] + table + data


def _fixed_point(value: float) -> bytes:
    return round(value * 65536).to_bytes(4, signed=True)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_profiles_are_used_in_every_mode(tmp_path, mode):
    icc = profile(1.0, mode in ("L", "LA"))
    image = Image.new("RGB", (8, 8), (55, 55, 55))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "a.png", icc_profile=icc)
    loaded = load_picture(tmp_path / "a.png")
    assert all(abs(value - 128) <= 2 for value in loaded.getpixel((4, 4))), "linear light of 0.216 is 128 in sRGB"


def test_wide_colours_are_converted_with_transparency_and_16_bits(tmp_path):
    icc = profile(2.2, is_grey=False)
    flat = np.full((8, 8, 4), (60, 200, 60, 255), np.uint8)
    wanted = Image.fromarray(flat[..., :3])
    wanted = ImageCms.profileToProfile(
        wanted, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
    )
    wanted = np.asarray(wanted)
    assert wanted[0, 0, 0] < 20, "green of Adobe RGB is beyond that of sRGB"
    for pixels in (flat, flat[..., :3], flat[..., :3].astype(np.uint16) * 257):
        extra = {"extrasamples": ["unassalpha"]} if pixels.shape[2] == 4 else {}
        assert difference(tiff(tmp_path, pixels, photometric="rgb", iccprofile=icc, **extra), wanted) < 1


def test_a_grey_picture_may_have_the_profile_of_a_colour_camera(tmp_path):
    Image.new("L", (8, 8), 55).save(tmp_path / "a.png", icc_profile=profile(1.0, is_grey=False))
    assert abs(load_picture(tmp_path / "a.png").getpixel((4, 4))[0] - 128) <= 2


def test_a_profile_of_other_colours_is_ignored(tmp_path):
    Image.new("RGB", (8, 8), (200, 60, 40)).save(tmp_path / "a.png", icc_profile=profile(1.0, is_grey=True))
    assert load_picture(tmp_path / "a.png").getpixel((4, 4)) == (200, 60, 40)
