"""Results under the names of earlier versions, which replaced the vowel signs of many scripts by `_`."""

import hashlib
import json
import os
import re
import unicodedata
from typing import Any

from ..errors import SoundscapeError
from ..names import portable
from ..results.result import MANIFEST, SOUNDSCAPE
from . import storage
from .record import Record
from .storage import Place


def name_in(out: Place, path: Place, source: str) -> str:
    """Return the earlier name of the result of `source` if `out` has that result, else "".

    Only names with such signs have changed, and nothing is read for the others.
    """
    parts = (source.rpartition(".")[0] or source).split("/")
    earlier = [_earlier(part) for part in parts]
    if path.name == SOUNDSCAPE or all(portable(part) == each for part, each in zip(parts, earlier)):
        return ""
    name = "/".join(each or "picture" for each in earlier)
    with_hash = f"{name}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
    return next((each for each in (with_hash, name) if _is_of(out, each, path, source)), "")


def _earlier(part: str) -> str:
    return re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", part))[:60].strip("._-")


def _is_of(out: Place, name: str, path: Place, source: str) -> bool:
    """Return whether the result was made from this picture: by its manifest, else by the record of its description."""
    try:
        manifest: Any = json.loads(storage.read_bytes(out / name / MANIFEST))
        found: Any = manifest["input"]["path"]
        return bool(found == source)
    except (SoundscapeError, OSError, ValueError, LookupError, TypeError):
        record = Record.read(out, name)
    try:
        return record is not None and record.sha256 == storage.sha256(path)
    except SoundscapeError:
        return False
