"""What a stage reads: files that were given, and the soundscapes in them."""

from pathlib import Path

from ..errors import SoundscapeError
from ..files import read_file
from ..job import SEED_LIMIT
from ..results.result import SOUNDSCAPE, read_result
from ..soundscape import Soundscape
from . import storage
from .stage import Row

DOCUMENTS = (".json", ".zip")


def read_document(path: Path) -> tuple[Soundscape, int | None]:
    """Read a soundscape (JSON), or the one in a bundle (ZIP) with the seed of its sound."""
    if path.suffix.lower() == ".zip":
        finished = read_result(path)
        return finished.soundscape, finished.manifest.get("seed")
    return soundscape_of(read_file(path), path.name), None


def soundscape_of(data: bytes, name: str) -> Soundscape:
    try:
        return Soundscape.from_json(data.decode("utf-8-sig"))  # with the mark that some editors begin with
    except UnicodeDecodeError as error:
        raise SoundscapeError(f"{name} cannot be read: {error}") from error


def seed_from(sha256: str) -> int:
    """Return the seed that a hash stands for."""
    return int(sha256[:8], 16) % SEED_LIMIT


def is_at(path: Path, document: Path) -> bool:
    """True when both are one file, however they were written."""
    if path.name != document.name or not storage.is_local(path):
        return path == document
    return path.resolve() == document.resolve()


def not_described(row: Row) -> SoundscapeError:
    return SoundscapeError(f"There is no {row['name']}/{SOUNDSCAPE}. Run without --skip-vlm first.")
