"""Picture -> Soundscape, by the chosen vision backend."""

from collections.abc import Callable, Sequence
from functools import partial

from PIL import Image

from . import backends
from .backends.vision.outcome import Outcome, outcome_of
from .soundscape import Soundscape


def describe(picture: Image.Image, backend: str = "", *, on_step: backends.OnStep | None = None) -> Soundscape:
    """Return what would be heard in the picture.

    `picture` is upright RGB, as `load_picture` returns it. `backend` is a key of `backends.VISION`; empty means the
    default. Raises SoundscapeError if the backend cannot run here or cannot describe the picture.
    """
    _, vision = backends.load_vision(backend)
    return vision.describe(picture, on_step=on_step)


def describe_batch(
    pictures: Sequence[Image.Image], backend: str = "", *, on_step: backends.OnStep | None = None
) -> list[Outcome]:
    """Return one outcome per picture: its soundscape, or the SoundscapeError that says why there is none.

    Backends that support batches get all pictures in one call. Raises SoundscapeError if the backend cannot run here.
    """
    _, vision = backends.load_vision(backend)
    in_one_call: Callable[..., list[Outcome]] | None = getattr(vision, "describe_batch", None)
    if in_one_call:
        return in_one_call(pictures, on_step=on_step)
    return [outcome_of(partial(vision.describe, picture, on_step=on_step)) for picture in pictures]
