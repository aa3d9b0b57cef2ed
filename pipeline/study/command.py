"""The command `python -m pipeline study RESULTS... --out report/`."""

import argparse
import sys
from pathlib import Path

from ..command import ended
from ..errors import SoundscapeError

DEFAULT_OUT = Path("report")


def main(arguments: list[str]) -> int:
    """Make a report of result trees. Return 0, or 1 after printing an error to stderr. Wrong usage exits with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.listen is not None and len(options.listen) not in (0, 2):
        parser.error("--listen takes two groups, or none when there are only two")
    return ended(lambda: _study(options), product="The report")


def _study(options: argparse.Namespace) -> int:
    for line in _report(options):
        print(line, file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline study",
        description="Compare the results of several models on the same pictures, and measure how well picture and sound"
        " agree.",
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="one or more folders of results")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="FOLDER", help="folder for the report (default: report/)"
    )
    parser.add_argument(
        "--ratings",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="CSV",
        help="answers of listeners: files saved by the listening page, or tables with the columns group, result,"
        " listener and rating",
    )
    parser.add_argument(
        "--listen",
        nargs="*",
        metavar="GROUP",
        help="also make a blind listening page for two groups; name them as in the report, by number or by folder",
    )
    parser.add_argument(
        "--pictures", type=_count, metavar="N", help="most pictures on the listening page (default: 20)"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="NUMBER", help="seed of all random choices (default: 7)")
    return parser


def _report(options: argparse.Namespace) -> list[str]:
    """Write the report and, if requested, the listening page. Return the messages for the user."""
    from .groups import find_group
    from .listening import FOLDER, PICTURES, write_listening_page
    from .pages import count
    from .ratings import KEY
    from .report import write_report
    from .study import make_study

    if options.out.resolve() in {root.resolve() for root in options.results}:
        raise SoundscapeError("The report would replace the overview of these results. Choose another folder: --out")
    study = make_study(options.results, ratings=options.ratings, keys=[options.out / KEY], seed=options.seed)
    notes: list[str] = []
    if options.listen is not None:
        names = options.listen or ["1", "2"]
        if not options.listen and len(study.groups) != 2:
            if len(study.groups) == 1:
                raise SoundscapeError(
                    "A listening page compares two groups, but there is only one. Name two folders of results."
                )
            labels = ", ".join(f"{number}: {group.label}" for number, group in enumerate(study.groups, 1))
            raise SoundscapeError(f"Name the two groups to listen to after --listen. There are {labels}.")
        first, second = (find_group(study.groups, name) for name in names)
        if first is second:
            raise SoundscapeError("A listening page needs two different groups. Name two of them after --listen.")
        limit = options.pictures or PICTURES
        listening = write_listening_page(options.out, first, second, seed=options.seed, limit=limit)
        notes = [
            f"{listening.path}: {count(listening.pictures, 'picture')}. Give {listening.path.name} and the folder"
            f" {FOLDER}/ to the listeners, but not {KEY}.",
            *listening.cautions,
        ]
    page = write_report(study, options.out)
    counts = f"{count(len(study.groups), 'group')}, {count(len(study.comparisons), 'comparison')}"
    return [f"{page}: {counts}.", *notes]


def _count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)
