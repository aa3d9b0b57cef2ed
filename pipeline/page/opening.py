"""Opens an earlier result that a visitor uploads: its ZIP bundle, or the files of its folder.

The upload is not trusted. Only files that belong to a result are read, each up to a size limit, and they are written
under fixed names.
"""

import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from ..errors import SoundscapeError
from ..files import open_file
from ..picture import load_picture
from ..results.collection import COHERENCE
from ..results.manifest import differences, report_in
from ..results.result import (
    BEFORE,
    COMPRESSIONS,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MIX,
    PICTURE,
    PROMPTS,
    SOUNDSCAPE,
    STEMS,
    check_entries,
    is_stem,
)
from ..soundscape import Soundscape

if TYPE_CHECKING:
    from ..job import Result

MAX_SOUND_BYTES = 32_000_000  # 60 s of stereo take 11 MB
MAX_PICTURE_BYTES = 30_000_000
MAX_BYTES = 200_000_000  # together
CHUNK_BYTES = 1 << 20
LIMITS = dict.fromkeys((SOUNDSCAPE, MANIFEST, PROMPTS, COHERENCE, BEFORE), MAX_MANIFEST_BYTES)
LIMITS |= {PICTURE: MAX_PICTURE_BYTES, MIX: MAX_SOUND_BYTES}

WHAT_TO_OPEN = "Choose the ZIP that this app made, or the folder of one result."

Opener = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Opened:
    """A result in a folder of the visitor. `has_sound` is False if it is only a description."""

    result: "Result"
    has_sound: bool

    @property
    def picture(self) -> str | None:
        path = self.result.folder / PICTURE
        return str(path) if path.is_file() else None


def open_result(given: Sequence[str | Path], place: Path) -> Opened:
    """Copy the files of a result to `place`, a folder that does not exist yet, and read them.

    `given` is a ZIP, a folder, a single soundscape file, or the files of one result. Raises SoundscapeError if it is
    not a result, is damaged or is too large; then `place` does not exist.
    """
    paths = [Path(each) for each in given]
    if not paths:
        raise SoundscapeError(f"Nothing was chosen. {WHAT_TO_OPEN}")
    try:
        with _members(paths) as members:
            _copy(members, place)
        return _read(place)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        shutil.rmtree(place, ignore_errors=True)
        words = f"{paths[0].name} cannot be read. It is damaged, or locked with a password."
        raise SoundscapeError(words) from error  # zipfile raises all of these
    except SoundscapeError:
        shutil.rmtree(place, ignore_errors=True)
        raise


def bytes_of(given: Sequence[str | Path]) -> int:
    """Return what the result takes once it is copied. A ZIP is never read beyond the sizes that it states."""
    size_bytes = 0
    for path in map(Path, given):
        try:
            if path.is_file() and zipfile.is_zipfile(path):  # reading a pipe would never end
                check_entries(path)
                with zipfile.ZipFile(path) as bundle:
                    size_bytes += sum(each.file_size for each in bundle.infolist())
            else:
                size_bytes += sum(each.stat().st_size for each in (path, *path.rglob("*")))
        except (zipfile.BadZipFile, OSError, ValueError):  # `open_result` says what is wrong with it
            continue
    return min(size_bytes, MAX_BYTES)


# From the upload to the files of one result ---------------------------------------------------------------------------


@contextmanager
def _members(given: list[Path]) -> Iterator[dict[str, Opener]]:
    """Yield a function per file of the result that opens it, by the file's name in the result."""
    zips = [path for path in given if path.suffix.lower() == ".zip"]
    if len(zips) > 1:
        raise SoundscapeError("Choose one ZIP at a time.")
    if zips:
        check_entries(zips[0])
        with zipfile.ZipFile(zips[0]) as bundle:
            if any(each.compress_type not in COMPRESSIONS for each in bundle.infolist()):
                raise zipfile.BadZipFile("other compressions may take gigabytes of memory to undo")
            yield _of_one_result({each.filename: partial(bundle.open, each) for each in bundle.infolist()})
    elif given[0].is_dir():
        paths = [path for path in (*given[0].glob("*.*"), *(given[0] / STEMS).glob("*.wav")) if path.is_file()]
        yield _of_one_result({path.relative_to(given[0]).as_posix(): _opener(path) for path in paths})
    elif len(given) == 1 and given[0].suffix.lower() == ".json" and given[0].name not in LIMITS:
        yield {SOUNDSCAPE: _opener(given[0])}  # a soundscape under another name
    else:
        yield _of_one_result({path.name: _opener(path) for path in given})


def _opener(path: Path) -> Opener:
    return lambda: open_file(path)


def _of_one_result(openers: dict[str, Opener]) -> dict[str, Opener]:
    """Return the files that belong to a result. All of them may be in a subfolder, beside the one soundscape."""
    openers = {unicodedata.normalize("NFC", name): opener for name, opener in openers.items()}  # macOS writes NFD
    tops = [PurePosixPath(name).parent for name in openers if PurePosixPath(name).name == SOUNDSCAPE]
    if not tops:
        raise SoundscapeError(f"There is no {SOUNDSCAPE} in it. {WHAT_TO_OPEN}")
    if len(tops) > 1:
        raise SoundscapeError(f"There are {len(tops)} results in it. Choose one of them.")
    found = {}
    for name, opener in openers.items():
        path = PurePosixPath(name)
        if path.parent == tops[0] and path.name in LIMITS:
            found[path.name] = opener
        elif path.parent in (tops[0], tops[0] / STEMS) and is_stem(path.name):
            found[f"{STEMS}/{path.name}"] = opener
    return found


# From the files of one result to a folder of the visitor --------------------------------------------------------------


def _copy(members: dict[str, Opener], place: Path) -> None:
    left = MAX_BYTES
    (place / STEMS).mkdir(parents=True)
    for name, opener in members.items():
        limit = min(left, LIMITS.get(name, MAX_SOUND_BYTES))
        with opener() as source, (place / name).open("wb") as target:
            left -= _copy_up_to(limit, source, target, name)


def _copy_up_to(limit: int, source: IO[bytes], target: IO[bytes], name: str) -> int:
    """Copy the file and return its size in bytes. The size in the ZIP's header is not trusted."""
    count = 0
    while chunk := source.read(CHUNK_BYTES):
        count += len(chunk)
        if count > limit:
            raise SoundscapeError(f"{name} is too large. It may have at most {limit / 1e6:.0f} MB.")
        target.write(chunk)
    return count


def _read(place: Path) -> Opened:
    from ..job import Result

    soundscape, repairs = _soundscape(place / SOUNDSCAPE)
    report = report_in(place)
    report["warnings"] += [repairs] if repairs else []
    report["warnings"] += differences(place, report)
    if (place / PICTURE).is_file():
        load_picture(place / PICTURE)
    for path in (place / MIX, *(place / STEMS).iterdir()):
        if path.is_file():
            _check_sound(path)
    return Opened(Result(place, soundscape, report), (place / MIX).is_file())


def _soundscape(path: Path) -> tuple[Soundscape, str]:
    try:
        return Soundscape.read(path.read_bytes())
    except SoundscapeError as error:
        raise SoundscapeError(f"{path.name} has problems. {error}") from None


def _check_sound(path: Path) -> None:
    import soundfile

    try:
        sound = soundfile.info(path)
    except soundfile.LibsndfileError:
        raise SoundscapeError(f"{path.name} is not a sound that can be played here.") from None
    if sound.format not in ("WAV", "WAVEX") or sound.channels > 2 or not sound.frames:
        raise SoundscapeError(f"{path.name} is not a mono or stereo WAV file.")
