"""What to do about pictures that kill their worker: out of memory, or a crash in a library, which nobody can catch.

A mark in OUT/.attempts lies there while a batch is being worked on. Whoever gets the batch after its worker was killed
finds the mark, and does the pictures one by one, each under a mark of its own, so that neighbours are not blamed. One
that was alone in DEATHS workers when they were killed is set aside. A worker killed by chance thus costs its batch
once, and an innocent picture is set aside only when chance hits it again, and again, while it is alone.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from typing import Any

from .storage import read_bytes, remove, write_bytes

FOLDER = ".attempts"
DEATHS = 2
SET_ASIDE = f"It was set aside: its worker was killed {DEATHS} times while it worked on this picture alone."

Row = dict[str, Any]  # of a picture; its "name" is no other one's
Work = Callable[[list[Row]], list[Row]]


def clear(out: Path) -> None:
    """Forget the marks of an earlier run, which may have been killed as a whole."""
    remove(out / FOLDER)


def carefully(out: Path, rows: list[Row], do: Work, set_aside: Callable[[Row], Row]) -> list[Row]:
    """Do the rows, together if nothing speaks against it, and return them in order.

    After this process was killed, call it again with the same rows in another one.
    """
    if len(rows) < 2:
        return [done for row in rows for done in _alone(out, row, do, set_aside)]
    batch = _mark(out, rows)
    if not _deaths(batch):
        with _marked(batch, rows, 1):
            return do(rows)
    done = [done for row in rows for done in _alone(out, row, do, set_aside)]
    remove(batch)
    return done


def _alone(out: Path, row: Row, do: Work, set_aside: Callable[[Row], Row]) -> list[Row]:
    mark = _mark(out, [row])
    deaths = _deaths(mark)
    if deaths >= DEATHS:  # its mark stays, for its batch may have to be done once more
        return [set_aside(row)]
    with _marked(mark, [row], deaths + 1):
        return do([row])


def _mark(out: Path, rows: list[Row]) -> Path:
    names = json.dumps([row["name"] for row in rows])
    return out / FOLDER / f"{hashlib.sha256(names.encode()).hexdigest()[:32]}.json"


def _deaths(mark: Path) -> int:
    try:
        return json.loads(read_bytes(mark))["attempts"]
    except FileNotFoundError:
        return 0


@contextmanager
def _marked(mark: Path, rows: list[Row], attempts: int) -> Iterator[None]:
    """Leave the mark there if and only if this process is killed."""
    who = {
        "pictures": [row["name"] for row in rows],
        "attempts": attempts,
        "host": gethostname(),
        "process": os.getpid(),
    }
    write_bytes(mark, json.dumps(who).encode())
    try:
        yield
    finally:
        remove(mark)
