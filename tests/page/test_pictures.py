"""The picture on the page: browsers can show it, and jobs read the upload itself."""

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from pipeline.errors import SoundscapeError
from pipeline.page.form import job_of
from pipeline.page.pictures import shown, upload_of
from pipeline.picture import load_picture

pillow_heif.register_heif_opener()


@pytest.fixture
def saved(visitors_root):
    """Return what saves a red picture, blue at its left edge, as an upload."""

    def saved(name, orientation=1):
        path = visitors_root.parent / "a1b2" / name
        path.parent.mkdir(exist_ok=True)
        picture = Image.new("RGB", (120, 80), (200, 40, 30))
        picture.paste((20, 40, 200), (0, 0, 20, 80))
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(path, exif=exif.tobytes()) if orientation != 1 else picture.save(path)
        return path

    return saved


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif"])
def test_what_browsers_show_is_shown_as_it_is(saved, name):
    path = saved(name)
    assert shown(path) == path == upload_of(path)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "orientation"), [("a.heic", 1), ("a.tif", 1), ("a.bmp", 1), ("a.avif", 1), ("a.b.jpg", 6), ("a.png", 6)]
)
def test_anything_else_is_shown_as_an_upright_jpeg_and_read_as_it_was_uploaded(saved, name, orientation):
    path = saved(name, orientation)
    as_jpeg = shown(path)
    assert as_jpeg.suffix == ".jpg" and as_jpeg.stem == path.stem
    with Image.open(as_jpeg) as image:
        assert image.format == "JPEG" and not image.getexif()
        assert image.size == ((120, 80) if orientation == 1 else (80, 120))
        red, _, blue = image.getpixel((5, 40) if orientation == 1 else (40, 5))
    assert blue > 150 and red < 80, "the blue edge is on the left, or at the top once it is turned"
    assert upload_of(as_jpeg) == path
    assert np.array_equal(job_of(str(as_jpeg)).picture, load_picture(path)), "not a pixel is lost"


def test_a_picture_of_a_hundred_megapixels_is_shown_small(visitors_root):
    path = visitors_root.parent / "a1b2" / "wide.jpg"
    path.parent.mkdir()
    Image.new("L", (18_000, 10_000)).save(path)  # Pillow alone refuses it
    with Image.open(shown(path)) as image:
        assert image.size[0] == 2048
    assert upload_of(shown(path)) == path


def test_what_is_no_picture_is_refused_and_leaves_nothing(saved):
    path = saved("a.tif")
    path.write_bytes(path.read_bytes()[:99])
    with pytest.raises(SoundscapeError, match=r"a\.tif"):
        shown(path)
    assert list(path.parent.iterdir()) == [path]
