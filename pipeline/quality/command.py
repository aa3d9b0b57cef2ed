"""python -m pipeline score RESULTS"""

import argparse
import json
import sys
from pathlib import Path

from ..command import ended
from .coherence import score_collection


def main(arguments: list[str]) -> int:
    """Run `python -m pipeline score`; return 0 when every result was scored by both models, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline score",
        description="Score how well sounds fit their words (CLAP), and words their picture (CLIP).",
    )
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder that holds the result folders, or one")
    parser.add_argument("--download", action="store_true", help="fetch models that are not on this machine")
    options = parser.parse_args(arguments)
    stopped = "Stopped. What was computed is kept; the same command goes on from there."
    return ended(lambda: _score(options), product="The scores", stopped=stopped)


def _score(options: argparse.Namespace) -> int:
    scored = score_collection(options.results, _show if sys.stderr.isatty() else None, download=options.download)
    for warning in scored.warnings:
        print(warning, file=sys.stderr)
    print(json.dumps({"results": scored.results, "computed": scored.computed}))
    return 1 if scored.warnings else 0


def _show(stage: str, done: int, total: int) -> None:
    print(f"\r{stage} {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
