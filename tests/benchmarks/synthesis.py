"""The speed of the embedded synthesiser: `python tests/benchmarks/synthesis.py [--duration 10] [KIND ...]`.

Prints CPU seconds per second of sound of every kind (best of three runs after a warm-up), and the wall time of five
sources of ten seconds as in the app. Goals: 0.03 per kind, 0.8 s for the five sources.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline.backends.audio.procedural import Procedural
from pipeline.kinds.catalogue import all_kinds
from pipeline.procedural import synthesize_kind
from pipeline.procedural.models import model_of
from pipeline.soundscape import Soundscape, Source

GOAL_SHARE, GOAL_FIVE_S = 0.03, 0.8
FIVE = ("river", "wind in the trees", "birdsong", "footsteps on gravel", "church bell")


def cpu_share(kind, duration_s: float) -> float:
    """Return CPU seconds per second of sound."""
    synthesize_kind(kind, duration_s, 0)
    best = float("inf")
    for seed in (1, 2, 3):
        start = time.process_time()
        synthesize_kind(kind, duration_s, seed)
        best = min(best, time.process_time() - start)
    return best / duration_s


def five_sources_s() -> float:
    """Return the wall time of five sources of ten seconds, best of three."""
    sources = tuple(Source(name=name) for name in FIVE)
    soundscape, backend, best = Soundscape(sources=sources), Procedural(), float("inf")
    for run in range(3):
        start = time.perf_counter()
        backend.synthesize(soundscape, sources, duration_s=10.0, seeds=tuple(range(run, run + 5)))
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help="kinds or families; default all")
    parser.add_argument("--duration", type=float, default=10.0, metavar="SECONDS")
    chosen = parser.parse_args()
    kinds = [kind for kind in all_kinds() if not chosen.kinds or {kind.name, model_of(kind).family} & set(chosen.kinds)]
    print(f"{'kind':20s} {'family':10s} CPU s / s of sound (goal {GOAL_SHARE})")
    slow = 0
    for kind in kinds:
        share = cpu_share(kind, chosen.duration)
        slow += share > GOAL_SHARE
        print(
            f"{kind.name:20s} {model_of(kind).family:10s} {share:.4f}{'  over the goal' if share > GOAL_SHARE else ''}",
            flush=True,
        )
    print(f"{len(kinds)} kinds, {slow} over the goal")
    print(f"five sources x 10 s on two threads: {five_sources_s():.2f} s (goal {GOAL_FIVE_S} s)")


if __name__ == "__main__":
    main()
