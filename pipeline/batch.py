"""Folders of pictures: each becomes a result, only what changed is made, and a bad picture stops nothing.

A run may be killed at any moment. The next one finds what is finished and goes on; it leaves the same tree as a run
that nothing disturbed.
"""

import hashlib
import json
import os
import random
import re
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from . import storage
from .collection import FAILURES
from .errors import SoundscapeError
from .job import OnProgress
from .picture import SUFFIXES
from .results import BEFORE, MAX_NAME, OURS, PICTURE, SOUNDSCAPE, mend
from .stages import Plan, Row, Task

LOCK = ".lock"
_TAKEN = {*OURS, BEFORE, FAILURES, "index.html", "summary.csv", "results.parquet"}  # what lies in and beside results
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no names for files on Windows
WINDOW = 256  # pictures that real models describe before they are sounded: where only one fits, it is swapped seldom


# What there is to do --------------------------------------------------------------------------------------------------


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


# One run --------------------------------------------------------------------------------------------------------------


def run_batch(
    tasks: Sequence[Task],
    plan: Plan,
    tell: Callable[[Row], None],
    *,
    rows: Callable[[Sequence[Task], Plan], Iterable[Row]] | None = None,
    finish: Callable[[], None] | None = None,
) -> bool:
    """Do all tasks, tell the row of each as it ends, and return whether every one succeeded.

    `rows` does the work: on this process by default, on others as `workers` and `cluster` do it. `finish` is called at
    the end, before another run may write to the folder. Raises SoundscapeError when a backend cannot run here, or
    another run is at work in the same folder.
    """
    with _alone_in(plan.out):
        failures = _Failures(plan.out)
        with ExitStack() as ending:
            ending.callback(failures.close)
            work = iter((rows or in_this_process)(tasks, plan))
            if isinstance(work, Generator):  # its processes end before another run may write here
                ending.callback(work.close)
            for row in work:
                failures.note(row)
                tell(row)
        if finish:
            finish()
        return not failures.count


def in_this_process(tasks: Sequence[Task], plan: Plan, on_progress: OnProgress | None = None) -> Iterator[Row]:
    """Do the tasks one after the other, in groups where the models gain from it."""
    *before, last = plan.stages()
    embedded = all(stage.together == 1 for stage in (*before, last))
    for window in _groups(tasks, 1 if embedded else WINDOW):
        rows = [task.row() for task in window]
        for stage in before:
            rows = [row for group in _groups(rows, stage.together) for row in stage(group, on_progress)]
        for group in _groups(rows, last.together):
            yield from last(group, on_progress)


def _groups(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# Files of the whole run -----------------------------------------------------------------------------------------------


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Hold the folder of all results, and put right what a killed run left in it."""
    if not storage.is_local(out):
        yield
        return
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)  # the system lets go of it when its process dies
    except Timeout:
        raise SoundscapeError(f"Another run writes to {out}. Wait until it ends, or choose another folder.") from None
    with ExitStack() as ending:
        ending.callback(lock.release)
        ending.callback((out / LOCK).unlink, missing_ok=True)
        mend(out)
        yield


class _Failures:
    """failures.jsonl: one line for each picture that failed when it was tried last, with its reason."""

    def __init__(self, out: Path) -> None:
        self._path = out / FAILURES
        self.count = 0  # in this run
        self._failures = {failure["picture"]: failure for failure in self._read()}
        self._write()

    def note(self, row: Row) -> None:
        if "error" not in row:
            self._failures.pop(row["source"], None)
            return
        self.count += 1
        failure = {"picture": row["source"], "stage": row["stage"], "error": row["error"]}
        self._failures[row["source"]] = failure
        if storage.is_local(self._path):  # so that a killed run has told what it knew
            with self._path.open("ab") as file:
                file.write(_line(failure))

    def close(self) -> None:
        self._write()

    def _read(self) -> list[Row]:
        try:
            lines = storage.read_bytes(self._path).decode("utf-8", "replace").split("\n")
        except FileNotFoundError:
            return []
        return [row for line in lines if (row := _whole(line))]

    def _write(self) -> None:
        """Write the lines in the order of the pictures, whichever way they were worked through."""
        if self._failures:
            ordered = sorted(self._failures.values(), key=lambda failure: failure["picture"])
            storage.write_bytes(self._path, b"".join(map(_line, ordered)))
        else:
            storage.remove(self._path)


def _line(row: Row) -> bytes:
    """Return a line of JSON, with escapes for what is no character: names of files may hold any bytes."""
    return f"{json.dumps(row, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")


def _whole(line: str) -> Row | None:
    """Return the row of a line, None for one that was torn."""
    try:
        row = json.loads(line)
        return row if all(isinstance(row[key], str) for key in ("picture", "stage", "error")) else None
    except (ValueError, LookupError, TypeError):
        return None
