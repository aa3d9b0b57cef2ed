"""Pictures that kill their worker: out of memory, or a crash in a library. No exception can be caught then.

A marker file in OUT/.attempts exists while a batch is being worked on. A worker that gets the batch after a kill finds
the marker and does the pictures one by one, each with its own marker, so that no other picture is blamed. A picture is
set aside when DEATHS workers were killed while they worked on it alone. A worker that is killed by chance thus costs
its batch a second try, and an innocent picture is set aside only if chance hits it again and again while it is alone.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import gethostname

from .stage import Row
from .storage import Place, read_bytes, remove, write_bytes

FOLDER = ".attempts"
DEATHS = 2
SET_ASIDE = (
    f"This picture was skipped: its worker was killed {DEATHS} times while it processed only this picture. "
    "The machine may have run out of memory. Run the command again, or make the picture smaller."
)

Work = Callable[[list[Row]], list[Row]]


def clear(out: Place) -> None:
    """Remove the markers of an earlier run, which may have been killed as a whole."""
    remove(out / FOLDER)


def run_marked(out: Place, rows: list[Row], work: Work, set_aside: Callable[[Row], Row]) -> list[Row]:
    """Do the work for the rows, together unless a worker was killed before, and return the rows in order.

    If this process is killed, call it again with the same rows in another process.
    """
    if len(rows) < 2:
        return [done for row in rows for done in _run_alone(out, row, work, set_aside)]
    marker = _marker_of(out, rows)
    if not _deaths(marker):
        with _marked(marker, rows, 1):
            return work(rows)
    finished = [done for row in rows for done in _run_alone(out, row, work, set_aside)]
    remove(marker)
    return finished


def _run_alone(out: Place, row: Row, work: Work, set_aside: Callable[[Row], Row]) -> list[Row]:
    marker = _marker_of(out, [row])
    deaths = _deaths(marker)
    if deaths >= DEATHS:  # the marker stays, because the batch may have to be repeated
        return [set_aside(row)]
    with _marked(marker, [row], deaths + 1):
        return work([row])


def _marker_of(out: Place, rows: list[Row]) -> Place:
    names = json.dumps([row["name"] for row in rows])
    return out / FOLDER / f"{hashlib.sha256(names.encode()).hexdigest()[:32]}.json"


def _deaths(marker: Place) -> int:
    try:
        attempts: int = json.loads(read_bytes(marker))["attempts"]
    except FileNotFoundError:
        return 0
    return attempts


@contextmanager
def _marked(marker: Place, rows: list[Row], attempts: int) -> Iterator[None]:
    """Keep a marker file while the work is done. It is left behind only if this process is killed."""
    content = {
        "pictures": [row["name"] for row in rows],
        "attempts": attempts,
        "host": gethostname(),
        "process": os.getpid(),
    }
    write_bytes(marker, json.dumps(content).encode())
    try:
        yield
    finally:
        remove(marker)
