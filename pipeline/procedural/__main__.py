"""`python -m pipeline.procedural --gallery FOLDER`: write a page with a player and a spectrogram of every kind."""

import argparse
import sys
from pathlib import Path

from ..kinds.catalogue import all_kinds
from .gallery import write_gallery
from .models import model_of


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipeline.procedural", description=__doc__)
    parser.add_argument("--gallery", metavar="FOLDER", type=Path, required=True, help="where to write index.html")
    parser.add_argument("--duration", metavar="SECONDS", type=float, default=8.0, help="length per sound (default 8)")
    parser.add_argument("--seeds", metavar="N", type=int, nargs="+", default=[1, 2, 3], help="one sound per seed")
    parser.add_argument("--only", metavar="KIND", nargs="+", default=[], help="kinds or families (default all)")
    chosen = parser.parse_args(arguments)
    kinds = [kind for kind in all_kinds() if not chosen.only or {kind.name, model_of(kind).family} & set(chosen.only)]
    if not kinds:
        parser.error(f"there is no such kind or family; choose from: {', '.join(kind.name for kind in all_kinds())}")
    if not 1.0 <= chosen.duration <= 60.0:
        parser.error("the duration must be between 1 and 60 seconds")

    def tell(done: int) -> None:
        print(f"\r{done} of {len(kinds)} kinds", end="", file=sys.stderr, flush=True)

    page = write_gallery(chosen.gallery, kinds, tuple(chosen.seeds), chosen.duration, tell)
    print(file=sys.stderr)
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
