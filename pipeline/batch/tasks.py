"""What there is to do: a task for each picture, soundscape and bundle, and the result that belongs to it."""

import hashlib
import os
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..picture import SUFFIXES
from ..results.collection import FAILURES
from ..results.result import BEFORE, MAX_NAME, OURS, PICTURE, SOUNDSCAPE
from . import storage
from .stage import Row

_TAKEN = {*OURS, BEFORE, FAILURES, "index.html", "summary.csv", "results.parquet"}  # what lies in and beside results
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no names for files on Windows


@dataclass(frozen=True)
class Task:
    """One picture, soundscape (JSON) or bundle (ZIP), and the result that belongs to it."""

    path: Path
    source: str  # what reports call it: its path under the folder that was given
    name: str  # of its result, under the folder of all results

    def row(self) -> Row:
        return {"picture": str(self.path), "source": self.source, "name": self.name}


def find_tasks(inputs: Sequence[str | Path], out: Path) -> list[Task]:
    """Return a task for each picture, soundscape and bundle; folders are searched for pictures.

    Results lie in `out` as the pictures lie in their folders. Of files whose results would have one name the first
    keeps it, and the others get a hash of their paths: so names hardly ever change when pictures come and go.
    """
    tasks: dict[str, Task] = {}
    sources: set[str] = set()
    files = [(path, source, whole, _name_in(path, out)) for path, source, whole in _once(_files(inputs))]
    wholes = {whole for _, _, whole, _ in files}
    root = Path(os.path.realpath(out)).as_posix() if storage.is_local(out) else str(out).rstrip("/")
    for path, source, whole, name in sorted(files, key=lambda file: bool(file[-1])):
        if name and name.casefold() in tasks:
            continue  # the description of a result whose picture was given too
        name = name or (_kept(path.parent.name) if path.name == SOUNDSCAPE else result_name(source))
        source = next(each for each in _sources(source, whole) if each not in sources)
        while name.casefold() in tasks or f"{root}/{name}/{PICTURE}" in wholes:  # which would be written over
            name += f"-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
        sources.add(source)
        tasks[name.casefold()] = Task(path, source, name)
    return list(tasks.values())


def chosen(tasks: list[Task], limit: int | None = None, shuffle: int | None = None) -> list[Task]:
    """Return the first `limit` tasks, of an order drawn from the seed `shuffle` when one is given."""
    if shuffle is not None:
        tasks = random.Random(shuffle).sample(tasks, len(tasks))
    return tasks[:limit]


def _files(inputs: Sequence[str | Path]) -> Iterator[tuple[Path, str]]:
    for each in inputs:
        path = storage.place(each)
        if path.is_dir():
            for picture in storage.pictures(path, SUFFIXES):
                yield picture, str(picture).removeprefix(str(path)).lstrip("/\\").replace(os.sep, "/")
        else:
            yield path, path.name


def _once(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str, str]]:
    """Give each file once, however its folder was written, and its whole path with it."""
    folders: dict[Path, str] = {}
    seen: set[str] = set()
    for path, source in files:
        whole = str(path)
        if storage.is_local(path):
            folder = folders.get(path.parent) or folders.setdefault(path.parent, os.path.realpath(path.parent))
            whole = Path(folder, path.name).as_posix()
        if whole not in seen:
            seen.add(whole)
            yield path, source, whole


def _sources(source: str, whole: str) -> Iterator[str]:
    """Give what reports may call a file: its path under the folder that was given, or under one around that."""
    yield source
    parts = whole.split("/")
    for start in range(len(parts) - source.count("/") - 2, -1, -1):
        yield "/".join(parts[start:])


def _name_in(path: Path, out: Path) -> str:
    """Return the name of the result that a soundscape lies in, where it goes back to; empty when it lies in none."""
    if path.name != SOUNDSCAPE or storage.is_local(path) != storage.is_local(out):
        return ""
    if storage.is_local(path):
        path, out = path.resolve(), out.resolve()
    folder, root = str(path.parent).replace(os.sep, "/"), str(out).replace(os.sep, "/").rstrip("/")
    return folder.removeprefix(f"{root}/") if folder.startswith(f"{root}/") else ""


def result_name(source: str) -> str:
    """Return the name of the result of a picture by its path in its folder: `dog/001` for `dog/001.jpg`."""
    return "/".join(_kept(part) for part in (source.rpartition(".")[0] or source).split("/"))


def _kept(part: str) -> str:
    """Return a name as it is, but for what some system takes amiss, or we keep for ourselves: hidden ones, _index."""
    kept = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", part))[:MAX_NAME].strip("._-") or "picture"
    return f"_{kept}" if kept.casefold() in _TAKEN or _DEVICE.fullmatch(kept) else kept
