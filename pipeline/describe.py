"""Picture -> Soundscape, by the vision backend that is chosen."""

from collections.abc import Sequence
from functools import partial

from PIL import Image

from . import backends
from .backends.vision.outcome import Outcome, outcome_of
from .soundscape import Soundscape


def describe(picture: Image.Image, backend: str = "", *, on_step: backends.OnStep | None = None) -> Soundscape:
    """Return what would be heard in the picture.

    `picture` is upright RGB, as `load_picture` gives it; `backend` is a key of `backends.VISION`, empty for the
    default. Raises SoundscapeError when the backend cannot run here or found no words for the picture.
    """
    _, vision = backends.load_vision(backend)
    return vision.describe(picture, on_step=on_step)


def describe_batch(
    pictures: Sequence[Image.Image], backend: str = "", *, on_step: backends.OnStep | None = None
) -> list[Outcome]:
    """Return for each picture what would be heard in it, or the SoundscapeError that says why nothing could be told.

    They are looked at together where the backend can. Raises SoundscapeError when it cannot run here at all.
    """
    _, vision = backends.load_vision(backend)
    together = getattr(vision, "describe_batch", None)
    if together:
        return together(pictures, on_step=on_step)
    return [outcome_of(partial(vision.describe, picture, on_step=on_step)) for picture in pictures]
