"""The command `python -m pipeline index RESULTS`."""

import argparse
import sys
from pathlib import Path

from ..command import ended
from ..errors import SoundscapeError
from ..results.collection import read_collection, read_failures
from . import write_overview
from .page import PAGE


def main(arguments: list[str]) -> int:
    """Run `python -m pipeline index`; return 0 when the overview is written."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline index", description="Write a page and tables that show all results of a folder."
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder of result folders")
    root = parser.parse_args(arguments).results
    stopped = "Stopped. Run the same command again to continue: finished drawings are kept."
    return ended(lambda: _index(root), product="The overview", stopped=stopped)


def _index(root: Path) -> int:
    _refuse_other_folders(root)
    print(write_overview(root, _show if sys.stderr.isatty() else None))
    return 0


def _refuse_other_folders(root: Path) -> None:
    """Raise SoundscapeError for a folder without results: write no page into, say, a folder of pictures."""
    if not (root / PAGE).exists() and not any(read_failures(root)) and not any(read_collection(root)):
        raise SoundscapeError(f"{root.absolute().name} holds no finished results.")


def _show(stage: str, done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r\x1b[K{stage} {done}{f'/{total}' if total else ''}", end=end, file=sys.stderr, flush=True)
