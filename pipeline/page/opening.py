"""An earlier result that is handed back: the ZIP that the app gave, or the files of its folder.

Nothing in it is trusted: only files that a result has are read, each up to a limit, and written under our own names.
"""

import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from ..errors import SoundscapeError
from ..picture import load_picture
from ..results.collection import COHERENCE
from ..results.result import (
    BEFORE,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MIX,
    PICTURE,
    PROMPTS,
    SOUNDSCAPE,
    STEMS,
    check_entries,
)
from ..soundscape import Soundscape
from .manifest import differences, report_in

if TYPE_CHECKING:
    from ..job import Result

MAX_SOUND_BYTES = 32_000_000  # 60 s of stereo take 11 MB
MAX_PICTURE_BYTES = 30_000_000
MAX_BYTES = 200_000_000  # together
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
CHUNK_BYTES = 1 << 20
LIMITS = dict.fromkeys((SOUNDSCAPE, MANIFEST, PROMPTS, COHERENCE, BEFORE), MAX_MANIFEST_BYTES)
LIMITS |= {PICTURE: MAX_PICTURE_BYTES, MIX: MAX_SOUND_BYTES}

_STEM = re.compile(r"0[1-8]_[a-z0-9_-]{1,60}\.wav")

Opener = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Opened:
    """A result that lies in a folder of ours. `has_sound` is false of one that is only a description."""

    result: "Result"
    has_sound: bool

    @property
    def picture(self) -> str | None:
        path = self.result.folder / PICTURE
        return str(path) if path.is_file() else None


def open_result(given: list[str | Path], place: Path) -> Opened:
    """Copy what is given to the folder `place`, which does not exist yet, and read it.

    `given` is a ZIP, a folder, a soundscape alone, or several files of one result. Raises SoundscapeError when it is
    no result, or is damaged or too large; then nothing is left at `place`.
    """
    paths = [Path(each) for each in given]
    if not paths:
        raise SoundscapeError("Nothing was given. Choose the ZIP that this app made, or the folder of one result.")
    try:
        with _members(paths) as members:
            _copy(members, place)
        return _read(place)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        shutil.rmtree(place, ignore_errors=True)
        words = f"{paths[0].name} cannot be read: it is damaged, or locked with a password."
        raise SoundscapeError(words) from error  # zipfile raises all these
    except SoundscapeError:
        shutil.rmtree(place, ignore_errors=True)
        raise


# What is given -> the files of one result -----------------------------------------------------------------------------


@contextmanager
def _members(given: list[Path]) -> Iterator[dict[str, Opener]]:
    """Give the files of the result by the names that they have in it."""
    zips = [path for path in given if path.suffix.lower() == ".zip"]
    if len(zips) > 1:
        raise SoundscapeError("Give one ZIP at a time.")
    if zips:
        check_entries(zips[0])
        with zipfile.ZipFile(zips[0]) as bundle:
            if any(each.compress_type not in COMPRESSIONS for each in bundle.infolist()):
                raise zipfile.BadZipFile("others may take gigabytes to undo")
            yield _of_one_result({each.filename: partial(bundle.open, each) for each in bundle.infolist()})
    elif given[0].is_dir():
        paths = [path for path in (*given[0].glob("*.*"), *(given[0] / STEMS).glob("*.wav")) if path.is_file()]
        yield _of_one_result({path.relative_to(given[0]).as_posix(): partial(path.open, "rb") for path in paths})
    elif len(given) == 1 and given[0].suffix.lower() == ".json" and given[0].name not in LIMITS:
        yield {SOUNDSCAPE: partial(given[0].open, "rb")}  # a soundscape under a name of its own
    else:
        yield _of_one_result({path.name: partial(path.open, "rb") for path in given})


def _of_one_result(openers: dict[str, Opener]) -> dict[str, Opener]:
    """Choose the files that a result has, and that lie beside the one soundscape; they may lie in a folder."""
    tops = [PurePosixPath(name).parent for name in openers if PurePosixPath(name).name == SOUNDSCAPE]
    if not tops:
        raise SoundscapeError(
            f"There is no {SOUNDSCAPE} in it. Give the ZIP that this app made, or all files of one result folder."
        )
    if len(tops) > 1:
        raise SoundscapeError(f"There are {len(tops)} results in it. Give one at a time.")
    found = {}
    for name, opener in openers.items():
        path = PurePosixPath(name)
        if path.parent == tops[0] and path.name in LIMITS:
            found[path.name] = opener
        elif path.parent in (tops[0], tops[0] / STEMS) and _STEM.fullmatch(path.name):
            found[f"{STEMS}/{path.name}"] = opener
    return found


# The files of one result -> our folder --------------------------------------------------------------------------------


def _copy(members: dict[str, Opener], place: Path) -> None:
    left = MAX_BYTES
    (place / STEMS).mkdir(parents=True)
    for name, opener in members.items():
        limit = min(left, LIMITS.get(name, MAX_SOUND_BYTES))
        with opener() as source, (place / name).open("wb") as target:
            left -= _copy_up_to(limit, source, target, name)


def _copy_up_to(limit: int, source: IO[bytes], target: IO[bytes], name: str) -> int:
    """Copy the file and return its bytes. What its header says of its size is not believed."""
    count = 0
    while chunk := source.read(CHUNK_BYTES):
        count += len(chunk)
        if count > limit:
            raise SoundscapeError(f"{name} is larger than one of this app can be ({limit / 1e6:.0f} MB).")
        target.write(chunk)
    return count


def _read(place: Path) -> Opened:
    from ..job import Result

    soundscape = _soundscape(place / SOUNDSCAPE)
    report = report_in(place)
    report["warnings"] += differences(place, report)
    if (place / PICTURE).is_file():
        load_picture(place / PICTURE)
    for path in (place / MIX, *(place / STEMS).iterdir()):
        if path.is_file():
            _check_sound(path)
    return Opened(Result(place, soundscape, report), (place / MIX).is_file())


def _soundscape(path: Path) -> Soundscape:
    try:
        return Soundscape.from_json(path.read_text("utf-8"))
    except SoundscapeError as error:
        raise SoundscapeError(f"{path.name} has problems. {error}") from None


def _check_sound(path: Path) -> None:
    import soundfile

    try:
        sound = soundfile.info(path)
    except soundfile.LibsndfileError:
        raise SoundscapeError(f"{path.name} is no sound that can be played here.") from None
    if sound.format not in ("WAV", "WAVEX") or sound.channels > 2 or not sound.frames:
        raise SoundscapeError(f"{path.name} is not the mono or stereo WAV that this app writes.")
