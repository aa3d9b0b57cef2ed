"""The document in the editor: what is shown of it, for which picture it was written, and whether it was edited."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..soundscape import Soundscape, Source
from . import fragments, layout

ANOTHER_PICTURE = "This was written for another picture. Describe this one, or make its sound all the same."
LONGEST_NAME = 60


@dataclass(frozen=True)
class Origin:
    """Where a document comes from: the fingerprint of its picture ("" for none) and its text before any edit."""

    picture: str = ""
    text: str = ""


def fingerprint(picture: str | None) -> str:
    """Return what tells a picture file from others, whatever it is called; "" for none."""
    if not picture:
        return ""
    with Path(picture).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_for(picture: str | None, text: str | None, origin: Origin) -> bool:
    """True when there is a document that was written for this very picture."""
    return bool(picture and (text or "").strip()) and origin.picture == fingerprint(picture)


def is_for_another(picture: str | None, text: str | None, origin: Origin) -> bool:
    """True when there is a document that was written for another picture than the one that is shown."""
    return bool(picture and (text or "").strip() and origin.picture) and origin.picture != fingerprint(picture)


def is_edited(text: str | None, origin: Origin) -> bool:
    """True when the text holds work by hand."""
    if not (text or "").strip():
        return False
    try:
        return not origin.text or Soundscape.from_json(text) != Soundscape.from_json(origin.text)
    except SoundscapeError:
        return True


def note(picture: str | None, text: str | None, origin: Origin) -> str:
    """Return the note above a document that does not belong to the picture, or nothing."""
    return fragments.notice(ANOTHER_PICTURE, "another-picture") if is_for_another(picture, text, origin) else ""


def views(soundscape: Soundscape) -> list[Any]:
    """Values of the editor, the friendly view and the problems."""
    text = soundscape.to_json()
    return [layout(text), {"json": text, "broken": False}, ""]


def typed(text: str, shown: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the friendly view of what is typed, or what is wrong with it."""
    if not text.strip():
        return {"json": "", "broken": False}, ""
    try:
        return {"json": Soundscape.from_json(text).to_json(), "broken": False}, ""
    except SoundscapeError as error:
        # Not `shown` itself: what a visitor sends is never given back as it came, since it might name a file.
        return {"json": str(shown["json"]), "broken": True}, fragments.problems(str(error))


def usual(name: str) -> dict[str, Any]:
    """Return role and distance that a sound of this name usually has; nothing for one that nobody knows."""
    from ..kinds.catalogue import kind_of

    name = str(name).strip()[:LONGEST_NAME]
    kind = kind_of(Source(name=name)) if name else None
    return {"role": kind.role, "distance_m": kind.distance_m} if kind else {}
