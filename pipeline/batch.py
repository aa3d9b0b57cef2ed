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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from . import storage
from .errors import SoundscapeError
from .job import OnProgress
from .picture import SUFFIXES
from .results import MAX_NAME, SOUNDSCAPE, mend
from .stages import Plan, Row, Task

FAILURES = "failures.jsonl"
LOCK = ".lock"
WINDOW = 256  # pictures that real models describe before they are sounded: where only one fits, it is swapped seldom


# What there is to do --------------------------------------------------------------------------------------------------


def find_tasks(inputs: Sequence[str | Path], out: Path) -> list[Task]:
    """Return a task for each picture, soundscape and bundle; folders are searched for pictures.

    Results lie in `out` as the pictures lie in their folders. Of files whose results would have one name the first
    keeps it, and the others get a hash of their paths: so names stay when other pictures come and go.
    """
    tasks: dict[str, Task] = {}
    for path, source in dict.fromkeys(_files(inputs)):
        name = _name(path, source, out)
        if name.casefold() in tasks:
            name += f"-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
        tasks.setdefault(name.casefold(), Task(path, source, name))
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


def _name(path: Path, source: str, out: Path) -> str:
    """Return the name of a result: that of the picture, with the folders it is in."""
    if path.name == SOUNDSCAPE:  # one that lies in its result goes back there
        inside = storage.is_local(path) and storage.is_local(out) and path.resolve().is_relative_to(out.resolve())
        return path.resolve().parent.relative_to(out.resolve()).as_posix() if inside else _kept(path.parent.name)
    return result_name(source)


def result_name(source: str) -> str:
    """Return the name of the result of a picture by its path in its folder: `dog/001` for `dog/001.jpg`."""
    return "/".join(_kept(part) for part in source.rpartition(".")[0].split("/"))


def _kept(part: str) -> str:
    """Return a name as it is, but for what some system takes amiss, or we keep for ourselves: hidden ones, _index."""
    kept = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", part))[:MAX_NAME].strip("._-")
    return kept or "picture"


# One run --------------------------------------------------------------------------------------------------------------


def run_batch(
    tasks: Sequence[Task],
    plan: Plan,
    tell: Callable[[Row], None],
    *,
    rows: Callable[[Sequence[Task], Plan], Iterable[Row]] | None = None,
) -> bool:
    """Do all tasks, tell the row of each as it ends, and return whether every one succeeded.

    `rows` does the work: on this process by default, on others as `workers` and `cluster` do it. Raises
    SoundscapeError when a backend cannot run here, or another run is at work in the same folder.
    """
    with _alone_in(plan.out):
        failures = _Failures(plan.out, tasks)
        try:
            for row in (rows or in_this_process)(tasks, plan):
                failures.note(row)
                tell(row)
        finally:
            failures.close()
        return not failures.of_this_run


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

    def __init__(self, out: Path, tasks: Sequence[Task]) -> None:
        self._path = out / FAILURES
        self.of_this_run: list[Row] = []
        tried = {task.source for task in tasks}
        self._earlier = [row for row in self._read() if row["picture"] not in tried]
        self._write(self._earlier)

    def note(self, row: Row) -> None:
        if "error" not in row:
            return
        failure = {"picture": row["source"], "stage": row["stage"], "error": row["error"]}
        self.of_this_run.append(failure)
        if storage.is_local(self._path):  # so that a killed run has told what it knew
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_line(failure))

    def close(self) -> None:
        """Write the lines in the order of the pictures, whichever way they were worked through."""
        self._write(sorted(self._earlier + self.of_this_run, key=lambda row: row["picture"]))

    def _read(self) -> list[Row]:
        try:
            lines = storage.read_bytes(self._path).decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        return [row for line in lines if (row := _whole(line))]

    def _write(self, rows: list[Row]) -> None:
        if rows:
            storage.write_bytes(self._path, "".join(map(_line, rows)).encode())
        else:
            storage.remove(self._path)


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _whole(line: str) -> Row | None:
    """Return the row of a line, None for one that was torn."""
    try:
        row = json.loads(line)
        return row if {"picture", "stage", "error"} <= row.keys() else None
    except (ValueError, AttributeError):
        return None
