"""Picture -> Soundscape, by the vision backend that is chosen."""

from PIL import Image

from . import backends
from .soundscape import Soundscape


def describe(picture: Image.Image, backend: str = "", *, on_step: backends.OnStep | None = None) -> Soundscape:
    """Return what would be heard in the picture.

    `picture` is upright RGB, as `load_picture` gives it; `backend` is a key of `backends.VISION`, empty for the
    default. Raises SoundscapeError when the backend cannot run here or found no words for the picture.
    """
    _, vision = backends.load_vision(backend)
    return vision.describe(picture, on_step=on_step)
