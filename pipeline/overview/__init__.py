"""Overview of a tree of results: a static page, and tables for spreadsheets and data frames.

    python -m pipeline index results/

writes index.html, summary.csv and results.parquet into the tree. Another run draws only what is new or changed.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from ..collection import read_collection, read_failures
from ..errors import SoundscapeError
from .drawings import draw_missing
from .page import PAGE, write_page
from .record import Columns, record
from .tables import write_tables

OnProgress = Callable[[str, int, int], None]  # (stage, done, total); total is 0 while it is unknown
INTERRUPTED = 130  # exit status of a command stopped by Ctrl-C


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


def main(arguments: list[str]) -> int:
    """Run `python -m pipeline index`; return 0 when the overview is written."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline index", description="Write a page and tables that show all results of a folder."
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder of result folders")
    root = parser.parse_args(arguments).results
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        _refuse_other_folders(root)
        print(write_overview(root, _show if sys.stderr.isatty() else None))
    except SoundscapeError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The overview could not be written: {error.strerror} ({error.filename}).", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to continue: finished drawings are kept.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _refuse_other_folders(root: Path) -> None:
    """Raise SoundscapeError for a folder without results: write no page into, say, a folder of pictures."""
    if not (root / PAGE).exists() and not any(read_failures(root)) and not any(read_collection(root)):
        raise SoundscapeError(f"{root.absolute().name} holds no finished results.")


def _rows(spool: IO[str]) -> Iterator[dict[str, Any]]:
    spool.seek(0)
    return map(json.loads, spool)


def _show(stage: str, done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r\x1b[K{stage} {done}{f'/{total}' if total else ''}", end=end, file=sys.stderr, flush=True)


def _no_progress(stage: str, done: int, total: int) -> None:
    """Ignore the progress."""
