"""The command `python -m pipeline gold FOLDER`. Scores go to stdout, errors to stderr."""

import argparse
import sys
from pathlib import Path

from .. import backends
from ..command import ended
from ..errors import SoundscapeError
from .documents import describe_all, read_all
from .labels import read_labels
from .report import LEGEND, picture_lines, summary_lines, write_csv
from .scoring import judge


def main(arguments: list[str]) -> int:
    """Score descriptions. Return 0 when every picture had a description, 1 when some had none, 2 for other errors."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.vision and options.vision not in backends.VISION:
        parser.error(f"there is no vision backend '{options.vision}'; choices: {', '.join(backends.VISION)}")
    if options.csv and not options.csv.parent.is_dir():  # check before the work, which may take hours
        parser.error(f"there is no folder {options.csv.parent} for {options.csv.name}")
    return ended(lambda: _score(options), failed=2)


def _score(options: argparse.Namespace) -> int:
    labels = read_labels(options.folder)
    names = list(labels)
    documents = (
        read_all(options.folder, names, options.results)
        if options.results
        else describe_all(options.folder, names, options.vision)
    )
    verdicts = []
    for document in documents:
        judged = judge(
            document.picture,
            document.soundscape,
            labels[document.picture],
            error=document.error,
            seconds=document.seconds,
        )
        verdicts.append(judged)
        print(*picture_lines(judged), sep="\n", flush=True)
    print(f"{'':28} {LEGEND}\n")
    print(*summary_lines(verdicts), sep="\n")
    if options.csv:
        try:
            summary = write_csv(options.csv, verdicts)
        except OSError as error:
            raise SoundscapeError(f"{options.csv} cannot be written: {error.strerror}.") from error
        print(f"written: {options.csv}, {summary}", file=sys.stderr)
    return 1 if any(verdict.error for verdict in verdicts) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline gold",
        description="Score how well descriptions name the sounds of labelled pictures.",
        epilog="For the format of gold.json and the measures, run: python -m pydoc pipeline.gold",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pictures and their gold.json")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--vision",
        default="",
        metavar="NAME",
        help=f"describe the pictures now with this model: {', '.join(backends.VISION)}",
    )
    source.add_argument(
        "--results",
        type=Path,
        metavar="RESULTS",
        help="score earlier descriptions: a folder of results, or of NAME.json files",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write a table with one row per picture, and FILE-summary.csv with one row per measure",
    )
    return parser
