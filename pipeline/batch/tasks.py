"""The tasks of a run: one per picture, soundscape or bundle, and the name of its result."""

import hashlib
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..names import folded, is_device, portable
from ..picture import NEW_SUFFIXES, SUFFIXES
from ..results.collection import REPORTS
from ..results.result import BEFORE, OURS, PICTURE, SOUNDSCAPE
from . import earlier, storage
from .stage import Row
from .storage import Place

_RESERVED = {*OURS, BEFORE, *REPORTS}  # files in and beside results


@dataclass(frozen=True)
class Task:
    """One picture, soundscape (JSON) or bundle (ZIP), and the name of its result."""

    path: Place
    source: str  # its path below the input folder, as reports show it
    name: str  # of its result, below the output folder

    def row(self) -> Row:
        return {"picture": str(self.path), "source": self.source, "name": self.name}


def find_tasks(inputs: "Sequence[str | Place]", out: Place, passed: "Counter[str] | None" = None) -> list[Task]:
    """Return one task per picture, soundscape and bundle. Folders are searched for pictures.

    The results in `out` mirror the folders of the pictures. If several results would have the same name, the first one
    gets it, and the others get a hash of their path as well. So names rarely change when pictures are added or removed.
    `passed` gets the numbers of files and folders in them that were passed over, by kind.
    """
    tasks: dict[str, Task] = {}
    sources: set[str] = set()
    files = [(path, source, full, _result_of(path, out)) for path, source, full in _unique(_files(inputs, passed))]
    files.sort(key=lambda file: bool(file[-1]))
    order = {full: place for place, (_, _, full, _) in enumerate(files)}
    places = {}
    root = Path(os.path.realpath(out)).as_posix() if storage.is_local(out) else str(out).rstrip("/")
    for path, source, full, name in sorted(files, key=lambda file: (bool(file[-1]), _is_new(file[0]))):
        if name and folded(name) in tasks:
            continue  # its picture is an input too
        source = next(each for each in _sources(source, full) if each not in sources)
        name = name or earlier.name_in(out, path, source) or _name_of(path, source)
        while folded(name) in tasks or f"{root}/{name}/{PICTURE}" in order:  # an input would be overwritten
            name += f"-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
        sources.add(source)
        tasks[folded(name)] = Task(path, source, name)
        places[source] = order[full]
    return sorted(tasks.values(), key=lambda task: places[task.source])


def _is_new(path: Place) -> bool:
    """Return whether earlier versions did not find the file. It does not take the name of another one's result."""
    return path.name.lower().endswith(NEW_SUFFIXES)


def _name_of(path: Place, source: str) -> str:
    return _safe_name(path.parent.name) if path.name == SOUNDSCAPE else result_name(source)


def select(tasks: list[Task], limit: int | None = None, shuffle: int | None = None) -> list[Task]:
    """Return the first `limit` tasks, in random order if `shuffle`, a seed, is given."""
    if shuffle is not None:
        tasks = random.Random(shuffle).sample(tasks, len(tasks))
    return tasks[:limit]


def _files(inputs: "Sequence[str | Place]", passed: "Counter[str] | None") -> Iterator[tuple[Place, str]]:
    """Yield each input file with its source."""
    for each in inputs:
        path = storage.place(each)
        if _is_folder(path):
            for picture in storage.pictures(path, SUFFIXES, passed):
                yield picture, str(picture).removeprefix(str(path)).lstrip("/\\").replace(os.sep, "/")
        else:
            yield path, path.name


def _is_folder(path: Place) -> bool:
    try:
        return path.is_dir()
    except PermissionError:  # an input that cannot be read is reported when its turn comes
        return False


def _unique(files: Iterable[tuple[Place, str]]) -> Iterator[tuple[Place, str, str]]:
    """Yield each file once, with its full path, even if it was given under several paths."""
    folders: dict[Path, str] = {}
    seen: set[str] = set()
    for path, source in files:
        full = str(path)
        if storage.is_local(path):
            folder = folders.get(path.parent) or folders.setdefault(path.parent, os.path.realpath(path.parent))
            full = Path(folder, path.name).as_posix()
        if full not in seen:
            seen.add(full)
            yield path, source, full


def _sources(source: str, full: str) -> Iterator[str]:
    """Yield possible sources of a file: its path below the input folder, then below each parent of that folder."""
    yield source
    parts = full.split("/")
    for start in range(len(parts) - source.count("/") - 2, -1, -1):
        yield "/".join(parts[start:])


def _result_of(path: Place, out: Place) -> str:
    """Return the name of the result whose folder holds this soundscape, "" if there is none."""
    if path.name != SOUNDSCAPE or storage.is_local(path) != storage.is_local(out):
        return ""
    if storage.is_local(path):
        path, out = path.resolve(), out.resolve()
    folder, root = str(path.parent).replace(os.sep, "/"), str(out).replace(os.sep, "/").rstrip("/")
    return folder.removeprefix(f"{root}/") if folder.startswith(f"{root}/") else ""


def result_name(source: str) -> str:
    """Return the name of the result of a source: `dog/001` for `dog/001.jpg`."""
    return "/".join(_safe_name(part) for part in (source.rpartition(".")[0] or source).split("/"))


def _safe_name(part: str) -> str:
    """Return the name without characters that some systems reject, and changed if it is hidden or reserved."""
    safe = portable(part) or "picture"
    return f"_{safe}" if safe.casefold() in _RESERVED or is_device(safe) else safe
