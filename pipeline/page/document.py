"""The document in the editor: its views, the picture that it was written for, and whether it was edited."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..files import sha256_of
from ..soundscape import Soundscape, Source
from . import fragments

ANOTHER_PICTURE = (
    "This was written for another picture. Press Describe for a new soundscape, or Make sound to keep this one."
)
LONGEST_NAME = 60


@dataclass(frozen=True)
class Origin:
    """Where a document comes from.

    `picture` is the fingerprint of its picture, `text` is its text before any edit, and `vision` is the backend that
    described the picture; each is "" if there is none.
    """

    picture: str = ""
    text: str = ""
    vision: str = ""


def fingerprint(picture: str | None) -> str:
    """Return the hash of the picture file; "" for none."""
    return sha256_of(Path(picture)) if picture else ""


def is_for(picture: str | None, text: str | None, origin: Origin) -> bool:
    """True if there is a document and it was written for this picture."""
    return bool(picture and (text or "").strip()) and origin.picture == fingerprint(picture)


def is_for_another(picture: str | None, text: str | None, origin: Origin) -> bool:
    """True if there are a document and a picture, and the document was written for a different picture."""
    return bool(picture and (text or "").strip() and origin.picture) and origin.picture != fingerprint(picture)


def is_edited(text: str | None, origin: Origin) -> bool:
    """True if the text holds the visitor's own work."""
    if not text or not text.strip():
        return False
    try:
        return not origin.text or Soundscape.from_json(text) != Soundscape.from_json(origin.text)
    except SoundscapeError:
        return True


def note(picture: str | None, text: str | None, origin: Origin) -> str:
    """Return the note above a document that does not belong to the picture, or nothing."""
    return fragments.notice(ANOTHER_PICTURE, "another-picture") if is_for_another(picture, text, origin) else ""


def shown(origin: Origin, what: str, redo: str = "") -> dict[str, Any]:
    """Return the value of the list of sounds for a new document, whose text is that of the origin.

    `redo`: the parts of its sounds to make again (see `form.redo_text`).
    """
    return {"json": origin.text, "what": what, "origin": asdict(origin), "redo": redo}


def typed(text: str) -> tuple[dict[str, Any], str]:
    """Return the values of the list of sounds and of the problems for a text `of` the editor.

    A text with problems has no "json". Instead of problems, a note says what was understood differently.
    """
    if not text.strip():
        return {"of": text, "json": ""}, ""
    try:
        soundscape, repairs = Soundscape.read(text)
        return {"of": text, "json": soundscape.to_json()}, fragments.notice(repairs, "quiet") if repairs else ""
    except SoundscapeError as error:
        return {"of": text, "json": None}, fragments.problems(str(error))


def read_origin(text: str | None) -> Origin:
    """Return the origin that the page holds as JSON; an empty one if it cannot be read."""
    try:
        fields = json.loads(text or "{}")
        return Origin(*(str(fields.get(name, "")) for name in ("picture", "text", "vision")))
    except (ValueError, AttributeError, RecursionError):
        return Origin()


def usual(name: str) -> dict[str, Any]:
    """Return the usual role and distance of a sound of this name; {} for an unknown one."""
    from ..kinds.catalogue import kind_of

    name = str(name).strip()[:LONGEST_NAME]
    kind = kind_of(Source(name=name)) if name else None
    return {"role": kind.role, "distance_m": kind.distance_m} if kind else {}
