"""The command `python -m pipeline score RESULTS`."""

import argparse
import json
import sys
from pathlib import Path

from ..command import ended
from .coherence import score_collection


def main(arguments: list[str]) -> int:
    """Run `python -m pipeline score`; return 0 when every model scored every result, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline score",
        description="Score how well the sounds fit their words (CLAP), and the words their picture (CLIP).",
    )
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="folder of result folders, or a single result folder"
    )
    parser.add_argument("--download", action="store_true", help="download models that are not on this machine")
    parser.add_argument(
        "--pe-av", action="store_true", help="also score how well the sounds fit their pictures (PE-AV, a large model)"
    )
    options = parser.parse_args(arguments)
    stopped = "Stopped. Run the same command again to continue: finished work is kept."
    return ended(lambda: _score(options), product="The scores", stopped=stopped)


def _score(options: argparse.Namespace) -> int:
    show = _show if sys.stderr.isatty() else None
    scored = score_collection(options.results, show, download=options.download, pe_av=options.pe_av)
    for warning in scored.warnings:
        print(warning, file=sys.stderr)
    print(json.dumps({"results": scored.results, "computed": scored.computed}))
    return 1 if scored.warnings else 0


def _show(stage: str, done: int, total: int) -> None:
    print(f"\r{stage} {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
