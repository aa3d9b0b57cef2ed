"""Source of the descriptions: a vision backend that runs now, or files written earlier."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .. import backends
from ..batch.tasks import find_tasks, result_name
from ..errors import SoundscapeError, did_you_mean
from ..files import read_file
from ..picture import SUFFIXES, load_picture
from ..results.result import SOUNDSCAPE
from ..soundscape import Soundscape

CHOICES = 10  # pictures that are compared with the name of a missing one


@dataclass(frozen=True)
class Document:
    """The description of a picture, or the reason why there is none; `seconds` is the time to describe it."""

    picture: str
    soundscape: Soundscape | None
    error: str = ""
    seconds: float | None = None


def describe_all(folder: Path, names: list[str], vision: str) -> Iterator[Document]:
    """Describe the named pictures now.

    Raises SoundscapeError, before any is described, when a picture is missing or the backend cannot run here.
    """
    paths = {name: _picture(folder, name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        there = [_without_ending(picture) for picture in _pictures(folder)][:CHOICES]
        near = did_you_mean(_without_ending(missing[0]), there) if there else ""
        raise SoundscapeError(f"{folder} has no picture {_listed(missing)}, but the labels name it.{near}")
    _, backend = backends.load_vision(vision)
    return (_described(backend, name, path) for name, path in paths.items() if path)


def read_all(folder: Path, names: list[str], results: Path) -> Iterator[Document]:
    """Read the descriptions of these pictures from a result tree, or from a folder of NAME.json files.

    Raises SoundscapeError when the folder does not exist.
    """
    if not results.is_dir():
        raise SoundscapeError(f"There is no folder {results}.")
    # Results are named as by a run over this folder: a.jpg and a.png have separate results.
    results_of = {task.source: task.name for task in find_tasks([folder], results)}
    pictures = {name: _picture(folder, name) for name in names}
    for name, path in pictures.items():
        source = path.relative_to(folder).as_posix() if path else name
        yield _read(results, name, results_of.get(source) or result_name(f"{_without_ending(name)}.jpg"))


def _described(backend: backends.VisionBackend, name: str, path: Path) -> Document:
    start = time.perf_counter()
    try:
        soundscape = backend.describe(load_picture(path))
    except SoundscapeError as error:
        return Document(name, None, str(error))
    return Document(name, soundscape, seconds=time.perf_counter() - start)


def _read(results: Path, name: str, result: str) -> Document:
    stem = _without_ending(name)
    places = [f"{result}/{SOUNDSCAPE}", f"{stem}/{SOUNDSCAPE}", f"{name}.json", f"{stem}.json"]
    path = next((results / place for place in places if (results / place).is_file()), None)
    if path is None:
        return Document(name, None, f"{results.name} has no {stem}.json and no {places[0]}.")
    try:
        return Document(name, Soundscape.from_json(read_file(path)))
    except SoundscapeError as error:
        return Document(name, None, f"{path.relative_to(results).as_posix()}: {error}")


def _picture(folder: Path, name: str) -> Path | None:
    """Return the file of a picture, None when it does not exist. The name may lack the file ending."""
    path = folder / name
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return None
    found = [each for each in sorted(path.parent.iterdir()) if each.stem == path.name and _is_picture(each)]
    if len(found) > 1:
        raise SoundscapeError(f"{name} may be {' or '.join(each.name for each in found)}: add the file ending.")
    return found[0] if found else None


def _pictures(folder: Path) -> list[str]:
    return sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if _is_picture(each))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _without_ending(name: str) -> str:
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.suffix.lower() in SUFFIXES else name


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
