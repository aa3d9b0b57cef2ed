"""Overview of a tree of results: a static page, and tables for spreadsheets and data frames.

    python -m pipeline index results/

writes index.html, summary.csv and results.parquet into the tree. Another run draws only what is new or changed.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from ..results.collection import read_collection, read_failures
from .drawings import draw_missing
from .page import write_page
from .record import Columns, record
from .tables import write_tables

OnProgress = Callable[[str, int, int], None]  # (stage, done, total); total is 0 while it is unknown


def write_overview(root: Path, on_progress: OnProgress | None = None) -> Path:
    """Write the page and the tables of a tree of results; return the path of the page.

    Each file is replaced atomically: drawings first, then the page, then the tables. If the run is stopped, the old
    page keeps working, and the next run reuses finished drawings. Equal trees give equal bytes. Raises SoundscapeError
    when the folder does not exist. Exceptions of `on_progress` stop the run.
    """
    progress = on_progress or _no_progress
    columns = Columns()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        count = 0
        for count, entry in enumerate(read_collection(root), 1):
            row = record(entry, root)
            columns.add(row)
            spool.write(json.dumps(row) + "\n")
            progress("read", count, 0)
        draw_missing(root, _rows(spool), lambda done: progress("draw", done, count))
        progress("write", 0, 1)
        page = write_page(root, lambda: _rows(spool), count, list(read_failures(root)), columns)
        write_tables(root, lambda: _rows(spool), columns)
        progress("write", 1, 1)
    return page


def _rows(spool: IO[str]) -> Iterator[dict[str, Any]]:
    spool.seek(0)
    return map(json.loads, spool)


def _no_progress(stage: str, done: int, total: int) -> None:
    """Ignore the progress."""
