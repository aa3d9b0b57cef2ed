"""The overhead of a batch run over its bare stages: python -m tests.benchmarks.batch [PICTURES]

The same pictures (default: 90 small ones) are processed by a loop over the bare stages, then by a batch run with one
process and with two. Each way runs in a fresh process. The table shows pictures per hour and the ratio to the bare
stages. Goal: the batch run takes at most 5 % longer. Further measurements: the time of a run with nothing to do, and
the growth of memory from 100 to 2,000 pictures with short sounds.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.batch.run import run_batch
from pipeline.batch.stage import Plan
from pipeline.batch.tasks import find_tasks
from pipeline.batch.workers import in_processes
from pipeline.job import Job, run
from pipeline.picture import load_picture

from .job import resident_mb

DURATION_S = 10
OVERHEAD_GOAL = 1.05
GROWTH_GOAL = 1.1


def paint(folder: Path, count: int) -> Path:
    """Write pictures similar to photographs: large areas with some detail."""
    folder.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        areas = Image.fromarray(rng.integers(0, 255, (4, 6, 3), np.uint8)).resize((960, 640), Image.Resampling.BICUBIC)
        grain = rng.integers(-8, 8, (640, 960, 1))
        Image.fromarray(np.clip(np.asarray(areas) + grain, 0, 255).astype(np.uint8)).save(folder / f"{number:04}.jpg")
    return folder


def bare(pictures: Path, out: Path) -> None:
    for path in sorted(pictures.iterdir()):
        run(Job(load_picture(path), None, "tagger", "procedural", DURATION_S, 7), out / path.stem)


def plan_of(out: Path, duration_s: float = DURATION_S) -> Plan:
    return Plan(out, "tagger", "procedural", duration_s, 7)


def ignore(row: dict) -> None:
    """Ignore a row."""


def batch(pictures: Path, out: Path) -> None:
    run_batch(find_tasks([pictures], out), plan_of(out), ignore)


def two_workers(pictures: Path, out: Path) -> None:
    run_batch(find_tasks([pictures], out), plan_of(out), ignore, rows=lambda tasks, plan: in_processes(tasks, plan, 2))


def memory(pictures: Path, out: Path) -> dict[int, float]:
    """Return the resident megabytes after 100, 500, 1,000 and 2,000 pictures of short sounds."""
    found, done = {}, 0

    def count(row: dict) -> None:
        nonlocal done
        done += 1
        if done in (100, 500, 1000, 2000):
            found[done] = resident_mb()

    # The same folder again and again, with all results made again each time.
    for seed in range(-(-2000 // len(list(pictures.iterdir())))):
        plan = Plan(out, "tagger", "procedural", 2, seed, again=True)
        run_batch(find_tasks([pictures], out), plan, count)
    return found


WAYS = {"bare stages": bare, "batch": batch, "batch, 2 workers": two_workers}


def timed(way: str, pictures: Path, out: Path) -> float:
    """Return the seconds that a way takes in a fresh process, including loading."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.batch", "--way", way, str(pictures), str(out)]
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--way"]:
        WAYS[arguments[1]](Path(arguments[2]), Path(arguments[3]))
        return 0
    if arguments[:1] == ["--memory"]:
        print(json.dumps(memory(Path(arguments[1]), Path(arguments[2]))))
        return 0
    count = int(arguments[0]) if arguments else 90
    with tempfile.TemporaryDirectory() as folder:
        pictures = paint(Path(folder, "pictures"), count)
        print(f"{count} pictures, {DURATION_S} s of sound each\n")
        print("way                   seconds  pictures per hour   ratio to the bare stages")
        seconds = {way: timed(way, pictures, Path(folder, f"out{place}")) for place, way in enumerate(WAYS)}
        for way, spent_s in seconds.items():
            goal = f"   goal <= {OVERHEAD_GOAL}" if way == "batch" else ""
            ratio = spent_s / seconds["bare stages"]
            print(f"{way:20} {spent_s:8.1f} {3600 * count / spent_s:18,.0f} {ratio:10.2f}{goal}")
        again_s = timed("batch", pictures, Path(folder, "out1"))
        print(f"{'batch, all finished':20} {again_s:8.1f} {3600 * count / again_s:18,.0f}")
        command = [sys.executable, "-m", "tests.benchmarks.batch", "--memory", str(pictures), str(Path(folder, "many"))]
        grown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print("\nresident memory after " + ", ".join(f"{number} pictures: {mb:.0f} MB" for number, mb in grown.items()))
        print(f"2,000 against 100: {grown['2000'] / grown['100']:.2f}   goal <= {GROWTH_GOAL}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
