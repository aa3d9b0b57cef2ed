"""The files that stages read: pictures, soundscapes and bundles."""

import logging
from pathlib import Path

from ..errors import SoundscapeError
from ..files import read_file
from ..job import SEED_LIMIT
from ..results.result import SOUNDSCAPE, read_result
from ..soundscape import Soundscape
from . import storage
from .stage import Row
from .storage import Place

DOCUMENTS = (".json", ".zip")

_log = logging.getLogger("pipeline")


def read_document(path: Path) -> tuple[Soundscape, int | None]:
    """Return the soundscape of a JSON file without a seed, or that of a ZIP bundle with the seed of its sound.

    Logs what was understood differently in it. Raises SoundscapeError when it cannot be read.
    """
    if path.suffix.lower() == ".zip":
        finished = read_result(path)
        soundscape, repairs, seed = finished.soundscape, finished.repairs, finished.manifest.get("seed")
    else:
        (soundscape, repairs), seed = Soundscape.read(read_file(path)), None
    if repairs:
        _log.warning("%s: %s", path.name, repairs)
    return soundscape, seed


def seed_from(sha256: str) -> int:
    """Return a seed derived from a hash."""
    return int(sha256[:8], 16) % SEED_LIMIT


def is_same_file(path: Place, other: Place) -> bool:
    """Return whether both paths lead to the same file."""
    if path.name != other.name or not storage.is_local(path):
        return path == other
    return path.resolve() == other.resolve()


def missing_description(row: Row) -> SoundscapeError:
    return SoundscapeError(f"There is no {row['name']}/{SOUNDSCAPE} yet. Run without --skip-vlm first.")
