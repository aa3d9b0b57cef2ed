"""JPEG: very large ones are decoded smaller, and a missing end costs no more than the lines that are missing."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import SoundscapeError
from pipeline.job import Job, run
from pipeline.picture import SUFFIXES, jpeg, load_picture, warnings_of
from pipeline.picture.limits import MAX_PIXELS
from pipeline.soundscape import Soundscape

from .support.photograph import difference, photograph, tall_jpeg

PHOTOGRAPH = photograph(320, 240)
COLOUR = (200, 60, 40)


def written(tmp_path, data: bytes, name: str = "a.jpg"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def encoded(pixels=PHOTOGRAPH, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


# Large ones -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "loaded"),
    [((8064, 6048), (2016, 1512)), ((16320, 12240), (2040, 1530)), ((40000, 4992), (2048, 256)), ((65000, 720), None)],
)
def test_large_jpegs_are_decoded_at_a_fraction_of_their_size(tmp_path, size, loaded, monkeypatch):
    decoded = []
    shrink = Image.Image.thumbnail

    def noted(image, *arguments, **options):
        decoded.append(image.size)
        shrink(image, *arguments, **options)

    monkeypatch.setattr(Image.Image, "thumbnail", noted)
    picture = load_picture(written(tmp_path, tall_jpeg(*size, COLOUR)))
    assert loaded is None or picture.size == loaded
    assert max(picture.size) <= 2048 and abs(picture.width / picture.height / (size[0] / size[1]) - 1) < 0.02
    assert decoded[0][0] * decoded[0][1] <= MAX_PIXELS / 2
    assert np.abs(np.asarray(picture, int) - COLOUR).max() <= 3


def test_a_large_jpeg_is_upright(tmp_path):
    data = tall_jpeg(9600, 4800)
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes()
    turned = data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2) + block + data[2:]
    assert load_picture(written(tmp_path, turned)).size == (1024, 2048)


def test_more_than_200_megapixels_are_refused(tmp_path):
    with pytest.raises(SoundscapeError, match=r"at most 200 megapixels\. This one has 16320 x 12800"):
        load_picture(written(tmp_path, tall_jpeg(16320, 12800)))


def header(kind: int, width: int, height: int, factors: tuple[int, ...], in_scan: int) -> bytes:
    channels = b"".join(bytes([number, factor, 0]) for number, factor in enumerate(factors))
    frame = bytes([8]) + height.to_bytes(2) + width.to_bytes(2) + bytes([len(factors)]) + channels
    scan = bytes([in_scan]) + bytes(2 * in_scan + 3)
    segments = ((kind, frame), (0xDA, scan))
    return b"\xff\xd8" + b"".join(bytes([0xFF, code]) + (len(data) + 2).to_bytes(2) + data for code, data in segments)


@pytest.mark.parametrize(
    ("kind", "factors", "in_scan", "samples"),
    [
        (0xC0, (0x22, 0x11, 0x11), 3, 0),
        (0xC2, (0x22, 0x11, 0x11), 3, 1.5),
        (0xC2, (0x11, 0x11, 0x11), 3, 3),
        (0xC2, (0x11,), 1, 1),
        (0xC0, (0x22, 0x11, 0x11), 1, 1.5),
        (0xC0, (0x11, 0x11, 0x11, 0x11), 1, 4),
    ],
)
def test_the_memory_for_several_scans_is_bounded(tmp_path, kind, factors, in_scan, samples):
    frame = jpeg.frame_of(io.BytesIO(header(kind, 1600, 800, factors, in_scan)))
    assert frame == jpeg.Frame((1600, 800), int(1600 * 800 * samples * 2))
    path = written(tmp_path, header(kind, 16000, 12000, factors, in_scan))
    with pytest.raises(SoundscapeError, match="progressive one" if samples else "damaged"):
        load_picture(path)


def test_a_progressive_jpeg_up_to_the_limit_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(jpeg, "MAX_PIXELS", 50_000)
    assert difference(load_picture(written(tmp_path, encoded(progressive=True))), np.asarray(half())) < 6
    monkeypatch.setattr(jpeg, "MAX_COEFFICIENT_BYTES", 100_000)
    with pytest.raises(SoundscapeError, match="progressive one"):
        load_picture(written(tmp_path, encoded(progressive=True)))


def half() -> Image.Image:
    return Image.fromarray(PHOTOGRAPH).resize((160, 120), Image.Resampling.BOX)


@pytest.mark.parametrize("data", [b"", b"\0" * 200_000, b"\xff" * 200_000, b"\xff\xe1\0\2" * 20_000, b"\xff\xda"])
def test_a_header_without_an_end_is_given_up(data):
    assert jpeg.frame_of(io.BytesIO(jpeg.START + data)) is None


# Without an end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}, {"subsampling": 0}])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_mark_is_shown(tmp_path, options, missing):
    data = encoded(**options)
    whole = load_picture(written(tmp_path, data))
    picture = load_picture(written(tmp_path, data[:-missing], "cut.jpg"))
    assert difference(picture, np.asarray(whole)) == 0
    assert warnings_of(picture) == ("The end of cut.jpg is missing. The rest of the picture was used.",)
    assert warnings_of(whole) == () and warnings_of(None) == ()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_nine_of_ten_lines_must_be_there(tmp_path, mode):
    noise = np.random.default_rng(0).integers(0, 255, (320, 160, 3), np.uint8)
    data = encoded(noise, mode)
    picture = load_picture(written(tmp_path, data[: int(len(data) * 0.96)]))
    whole = np.asarray(load_picture(written(tmp_path, data, "whole.jpg")))
    assert np.array_equal(np.asarray(picture)[:280], whole[:280]) and warnings_of(picture)
    with pytest.raises(SoundscapeError, match=r"a\.jpg is damaged"):
        load_picture(written(tmp_path, data[: int(len(data) * 0.8)]))


def test_a_dark_or_grey_end_is_no_missing_one(tmp_path):
    for value in (0, 100, 255):
        pixels = PHOTOGRAPH.copy()
        pixels[120:] = value
        assert warnings_of(load_picture(written(tmp_path, encoded(pixels)[:-2])))


def test_the_warning_is_in_the_report(tmp_path):
    picture = load_picture(written(tmp_path, encoded()[:-2]))
    soundscape = Soundscape.from_json('{"sources": [{"name": "wind", "role": "bed"}]}')
    report = run(Job(picture, soundscape, audio="procedural", duration_s=2, seed=7), tmp_path / "result").report
    assert "The end of a.jpg is missing. The rest of the picture was used." in report["warnings"]


# Names and pipes ------------------------------------------------------------------------------------------------------


def test_files_of_cameras_and_browsers_are_found_by_their_endings():
    wanted = {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".heic", ".heif", ".hif", ".heics", ".avif"}
    assert wanted <= set(SUFFIXES) and all(each == each.lower() for each in SUFFIXES)


def test_a_pair_of_pictures_gives_the_first(tmp_path):
    first, second = Image.fromarray(PHOTOGRAPH), Image.new("RGB", (320, 240), "lime")
    first.save(tmp_path / "a.mpo", save_all=True, append_images=[second], quality=95)
    assert difference(load_picture(tmp_path / "a.mpo"), PHOTOGRAPH) < 3


def test_a_pipe_that_takes_the_place_of_a_picture_does_not_block(tmp_path, monkeypatch):
    path = written(tmp_path, encoded())
    real = os.open

    def replaced(name, flags, *mode):
        if str(name) == str(path):
            path.unlink()
            os.mkfifo(path)
        return real(name, flags, *mode)

    monkeypatch.setattr(os, "open", replaced)
    with pytest.raises(SoundscapeError, match="not a regular file"):
        load_picture(path)
