"""Records of descriptions: what each was made from, so that a later run knows whether it is still valid."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ..errors import SoundscapeError
from ..soundscape import Soundscape
from . import storage
from .storage import Place

DESCRIPTIONS = ".descriptions"  # folder of the records, below the output folder


@dataclass(frozen=True)
class Record:
    """What a description was made from, and by which model. `key` is its cache key."""

    key: str
    sha256: str  # of the picture file, or of the file that held the description
    vision: dict[str, Any] | None = None
    soundscape: str = ""  # hash of the original description, which the user may have edited since
    seed: int | None = None  # from a bundle, or derived from the name of a soundscape file
    seconds: float = 0.0

    @classmethod
    def read(cls, out: Place, name: str) -> "Record | None":
        """Return the record of a result, None when it is missing or damaged."""
        try:
            return cls(**json.loads(storage.read_bytes(_record_path(out, name))))
        except (SoundscapeError, FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def is_of(self, soundscape: Soundscape) -> bool:
        """Return whether this is the original description, not edited."""
        return digest(soundscape.to_json()) == self.soundscape

    def write(self, out: Place, name: str) -> None:
        storage.write_bytes(_record_path(out, name), json.dumps(vars(self), indent=2).encode())


def _record_path(out: Place, name: str) -> Place:
    return out / DESCRIPTIONS / f"{name}.json"


def digest(*parts: Any) -> str:
    """Return the SHA-256 hash of JSON data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
