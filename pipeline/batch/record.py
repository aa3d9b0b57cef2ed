"""What the first stage writes down of each description, so that a later run knows whether it still holds."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..soundscape import Soundscape
from . import storage

DESCRIPTIONS = ".descriptions"  # under the folder of all results: what each description was made from, and by whom


@dataclass(frozen=True)
class Record:
    """What a description was made from, and by whom. `key` stands for all that decided it."""

    key: str
    sha256: str  # of the picture file, or of the file that the description was read from
    vision: dict[str, Any] | None = None
    soundscape: str = ""  # hash of the description as it was made: a person may have edited it since
    seed: int | None = None  # that a bundle brought, or of the name of a soundscape file
    seconds: float = 0.0

    @classmethod
    def read(cls, out: Path, name: str) -> "Record | None":
        """Return the record of a result, None when there is none or it is torn."""
        try:
            return cls(**json.loads(storage.read_bytes(_record_path(out, name))))
        except (SoundscapeError, FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def is_of(self, soundscape: Soundscape) -> bool:
        """True for the description as it was made."""
        return digest(soundscape.to_json()) == self.soundscape

    def write(self, out: Path, name: str) -> None:
        storage.write_bytes(_record_path(out, name), json.dumps(vars(self), indent=2).encode())


def _record_path(out: Path, name: str) -> Path:
    return out / DESCRIPTIONS / f"{name}.json"


def digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
