"""The arguments of the end points, read from whatever JSON a program sends.

An argument that is missing or null has its default value. Everything else of a wrong type is refused with the sentence
of the command line. So the values reach Gradio, which words no errors, in the types that it expects.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..errors import SoundscapeError, did_you_mean
from .form import USUAL_DURATION_S, duration_s_of, whole_seed_of

NO_PICTURE = (
    'The picture must be an uploaded file. In Python, send handle_file("photo.jpg"). Over HTTP, upload it to '
    '/gradio_api/upload and send {"path": ...} with the path of the answer.'
)


def read(end_point: str, sent: Sequence[Any]) -> list[Any]:
    """Return one value per parameter of the end point. Raises SoundscapeError for values that it cannot take."""
    readers = list(READERS[end_point].values())
    if len(sent) > len(readers):
        names = ", ".join(READERS[end_point])
        raise SoundscapeError(f"/{end_point} takes at most {len(readers)} values ({names}), not {len(sent)}.")
    missing = [None] * (len(readers) - len(sent))
    return [reader(value) for reader, value in zip(readers, [*sent, *missing], strict=True)]


def _picture(value: Any) -> dict[str, Any]:
    """Return the reference to an upload in the form that Gradio reads. Whether the file exists is checked later."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        raise SoundscapeError(NO_PICTURE)
    return {"path": value["path"], "meta": {"_type": "gradio.FileData"}}


def _document(value: Any) -> str:
    """Return the document as text. A program may send it as an object too."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _backend(kind: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return (value or "").strip()
    from .. import backends

    names = backends.VISION if kind == "vision" else backends.AUDIO
    raise SoundscapeError(f"The {kind} backend must be a name.{did_you_mean('', list(names))}")


def _duration_s(value: Any) -> float:
    return USUAL_DURATION_S if value is None else duration_s_of(value)


Readers = dict[str, Callable[[Any], Any]]
_SOUND: Readers = {"audio_backend": partial(_backend, "audio"), "duration_s": _duration_s, "seed": whole_seed_of}
_LOOK: Readers = {"picture": _picture, "vision_backend": partial(_backend, "vision")}

# For each end point, its parameters in order and what reads them.
READERS: dict[str, Readers] = {
    "describe": _LOOK,
    "render": {"soundscape_json": _document, **_SOUND},
    "image_to_soundscape": _LOOK | _SOUND,
}
