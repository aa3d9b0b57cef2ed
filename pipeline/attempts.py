"""What to do about pictures that kill their worker: out of memory, or a crash in a library, which nobody can catch.

A mark in OUT/.attempts lies there while a batch is being worked on. Whoever gets the batch after its worker was killed
finds the mark, and does the pictures one by one, each under a mark of its own, so that neighbours are not blamed. One
that was alone in DEATHS workers when they were killed is set aside. A worker killed by chance thus costs its batch
once, and an innocent picture is set aside only when chance hits it again, and again, while it is alone.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from .storage import read_bytes, remove, write_bytes

FOLDER = ".attempts"
DEATHS = 2
SET_ASIDE = f"It was set aside: its worker was killed {DEATHS} times while it worked on this picture alone."


class Named(Protocol):
    """A task whose name no other task of the run has."""

    @property
    def name(self) -> str: ...


Task = TypeVar("Task", bound=Named)
Row = TypeVar("Row")


def clear(out: Path) -> None:
    """Forget the marks of an earlier run, which may have been killed as a whole."""
    remove(out / FOLDER)


def carefully(
    out: Path, tasks: list[Task], do: Callable[[list[Task]], list[Row]], set_aside: Callable[[Task], Row]
) -> list[Row]:
    """Do the tasks, together if nothing speaks against it, and return their rows in order.

    After this process was killed, call it again with the same tasks in another one.
    """
    if len(tasks) < 2:
        return [row for task in tasks for row in _alone(out, task, do, set_aside)]
    batch = _mark(out, tasks)
    if not _deaths(batch):
        with _marked(batch, tasks, 1):
            return do(tasks)
    rows = [row for task in tasks for row in _alone(out, task, do, set_aside)]
    remove(batch)
    return rows


def _alone(out: Path, task: Task, do: Callable[[list[Task]], list[Row]], set_aside: Callable[[Task], Row]) -> list[Row]:
    mark = _mark(out, [task])
    deaths = _deaths(mark)
    if deaths >= DEATHS:  # its mark stays, for its batch may have to be done once more
        return [set_aside(task)]
    with _marked(mark, [task], deaths + 1):
        return do([task])


def _mark(out: Path, tasks: list[Task]) -> Path:
    names = json.dumps([task.name for task in tasks])
    return out / FOLDER / f"{hashlib.sha256(names.encode()).hexdigest()[:32]}.json"


def _deaths(mark: Path) -> int:
    try:
        return json.loads(read_bytes(mark))["attempts"]
    except FileNotFoundError:
        return 0


@contextmanager
def _marked(mark: Path, tasks: list[Task], attempts: int) -> Iterator[None]:
    """Leave the mark there if and only if this process is killed."""
    write_bytes(mark, json.dumps({"pictures": [task.name for task in tasks], "attempts": attempts}).encode())
    try:
        yield
    finally:
        remove(mark)
