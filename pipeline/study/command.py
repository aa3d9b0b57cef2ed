"""python -m pipeline study RESULTS... --out report/"""

import argparse
import sys
from pathlib import Path

from ..command import ended
from ..errors import SoundscapeError

DEFAULT_OUT = Path("report")


def main(arguments: list[str]) -> int:
    """Make a report of result trees; return 0, or 1 with a sentence on standard error. Wrong usage exits with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.listen is not None and len(options.listen) not in (0, 2):
        parser.error("--listen takes two groups, or none where there are only two")
    return ended(lambda: _study(options), product="The report")


def _study(options: argparse.Namespace) -> int:
    for line in _report(options):
        print(line, file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline study",
        description="Compare what models made of the same pictures, and how well picture and sound agree.",
    )
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folder of results, one or several")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, metavar="FOLDER", help="where the report goes (report/)"
    )
    parser.add_argument(
        "--ratings",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="CSV",
        help="what people said: files of the listening page, or tables with group, result, listener and rating",
    )
    parser.add_argument(
        "--listen",
        nargs="*",
        metavar="GROUP",
        help="also make a blind listening page for two groups, named as in the report, by number or by folder",
    )
    parser.add_argument("--pictures", type=_count, metavar="N", help="at most N pictures on the listening page (20)")
    parser.add_argument(
        "--seed", type=int, default=7, metavar="NUMBER", help="of everything that is drawn by chance (7)"
    )
    return parser


def _report(options: argparse.Namespace) -> list[str]:
    """Do what was asked, and return what to tell."""
    from .groups import find_group
    from .listening import FOLDER, PICTURES, write_listening_page
    from .pages import count
    from .ratings import KEY
    from .report import write_report
    from .study import make_study

    if options.out.resolve() in {root.resolve() for root in options.results}:
        raise SoundscapeError("The report would replace the overview of these results. Give it a folder of its own.")
    study = make_study(options.results, ratings=options.ratings, keys=[options.out / KEY], seed=options.seed)
    told = []
    if options.listen is not None:
        names = options.listen or ["1", "2"]
        if not options.listen and len(study.groups) != 2:
            if len(study.groups) == 1:
                raise SoundscapeError("A listening page compares two groups, and here is only one. Name two folders.")
            labels = ", ".join(f"{number}: {group.label}" for number, group in enumerate(study.groups, 1))
            raise SoundscapeError(f"Name the two groups to listen to. There are {labels}.")
        first, second = (find_group(study.groups, name) for name in names)
        if first is second:
            raise SoundscapeError("To compare by ear, name two different groups.")
        limit = options.pictures or PICTURES
        listening = write_listening_page(options.out, first, second, seed=options.seed, limit=limit)
        told = [
            f"{listening.path}: {count(listening.pictures, 'picture')}. Hand out {listening.path.name} with the folder"
            f" {FOLDER}/, and keep {KEY} to yourself.",
            *listening.cautions,
        ]
    page = write_report(study, options.out)
    counts = f"{count(len(study.groups), 'group')}, {count(len(study.comparisons), 'comparison')}"
    return [f"{page}: {counts}.", *told]


def _count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)
