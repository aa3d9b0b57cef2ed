"""The picture on the page: the file that the browser shows, and the file that is read.

Browsers cannot show every picture that is read here. In place of such a picture, the page shows an upright JPEG. Jobs
read the upload all the same, so that their results are the same as those of the command line.
"""

import warnings
from io import BytesIO
from pathlib import Path

from PIL import Image

from ..files import write_file
from ..picture import load_picture
from . import scratch

SHOWN = "shown"  # a folder in that of the upload, so that both are deleted together
SHOWN_BY_BROWSERS = ("JPEG", "MPO", "PNG", "WEBP", "GIF")  # Pillow's names; MPO is a JPEG with a second picture
MOST_PX = 4096  # longest side; phones cannot show pictures of a hundred megapixels
QUALITY = 92
ORIENTATION = 0x0112  # EXIF tag; 1 is upright


def shown(upload: Path) -> Path:
    """Return the file to show for the upload: the upload, or an upright JPEG of the same name in a folder beside it.

    Raises SoundscapeError when it cannot be read.
    """
    picture = load_picture(upload)
    if _is_shown_by_browsers(upload):
        return upload
    jpeg = BytesIO()
    picture.save(jpeg, "JPEG", quality=QUALITY)
    with scratch.own().room_for(jpeg.tell()):
        return write_file(upload.parent / SHOWN / f"{upload.stem}.jpg", jpeg.getvalue())


def upload_of(path: str | Path) -> Path:
    """Return the upload that a file shows; the file itself if it is no JPEG that `shown` made."""
    path = Path(path)
    if path.parent.name != SHOWN:
        return path
    # Uploads of the same content have the same folder: whichever comes first is the same picture.
    return next((each for each in sorted(path.parent.parent.iterdir()) if each.is_file()), path)


def _is_shown_by_browsers(upload: Path) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(upload) as image:
            is_upright = image.getexif().get(ORIENTATION, 1) == 1
            return image.format in SHOWN_BY_BROWSERS and is_upright and max(image.size) <= MOST_PX
    except (OSError, Image.DecompressionBombError):  # `load_picture` reads more than Pillow alone
        return False
