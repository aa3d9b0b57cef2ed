"""Hear a picture.

    picture file --load_picture--> image
    image --describe--> Soundscape      what would be heard, as JSON that a person edits
    Soundscape --synthesize--> stems    one sound for each source
    stems --mix--> clip                 stereo, each source where the picture shows it

>>> from pipeline import Soundscape, describe, mix, synthesize            # doctest: +SKIP
>>> from pipeline.picture import load_picture                             # doctest: +SKIP
>>> soundscape = describe(load_picture("photo.jpg"), backend="tagger")    # doctest: +SKIP
>>> stems = synthesize(soundscape, backend="procedural", duration_s=10, seed=7)  # doctest: +SKIP
>>> clip = mix(soundscape, stems)                                         # doctest: +SKIP

`pipeline.job.run` does all of it and writes the result folder.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .describe import describe
    from .mix import mix
    from .soundscape import Soundscape, Source
    from .synthesize import synthesize

__all__ = ["Soundscape", "Source", "describe", "mix", "synthesize"]

_HOMES = {
    "Soundscape": ".soundscape",
    "Source": ".soundscape",
    "describe": ".describe",
    "synthesize": ".synthesize",
    "mix": ".mix",
}


def __getattr__(name: str) -> Any:
    """Import a name where it is first used, so that `import pipeline` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name], __name__), name)
