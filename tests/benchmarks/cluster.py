"""The overhead of Ray on one machine, compared with --workers: python -m tests.benchmarks.cluster [PICTURES]

Both ways process the same pictures (default: 120) with one process per core. Each way runs twice in a fresh process. In
the second run there is nothing to do, so its time is that of starting, checking and stopping. The difference of the two
runs is the time of the work itself.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.batch.cluster import in_cluster
from pipeline.batch.run import run_batch
from pipeline.batch.tasks import find_tasks
from pipeline.batch.workers import in_processes

from .batch import DURATION_S, ignore, paint, plan_of

PROCESSES = os.cpu_count()


def workers(pictures: Path, out: Path) -> None:
    def rows(tasks, plan):
        return in_processes(tasks, plan, PROCESSES)

    run_batch(find_tasks([pictures], out), plan_of(out), ignore, rows=rows)


def ray(pictures: Path, out: Path) -> None:
    run_batch(find_tasks([pictures], out), plan_of(out), ignore, rows=in_cluster)


WAYS = {"--workers": workers, "--ray": ray}


def timed(way: str, pictures: Path, out: Path) -> float:
    """Return the seconds that a way takes in a fresh process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.cluster", "--way", way, str(pictures), str(out)]
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--way"]:
        WAYS[arguments[1]](Path(arguments[2]), Path(arguments[3]))
        return 0
    count = int(arguments[0]) if arguments else 120
    with tempfile.TemporaryDirectory() as folder:
        pictures = paint(Path(folder, "pictures"), count)
        print(f"{count} pictures, {DURATION_S} s of sound each, {PROCESSES} processes\n")
        print("way          all, s   nothing to do, s   work, s  pictures per hour")
        work_s = {}
        for way in WAYS:
            out = Path(folder, way)
            whole_s, idle_s = timed(way, pictures, out), timed(way, pictures, out)
            work_s[way] = whole_s - idle_s
            rate = 3600 * count / work_s[way]
            print(f"{way:10} {whole_s:8.1f} {idle_s:18.1f} {work_s[way]:9.1f} {rate:18,.0f}", flush=True)
        print(f"\nwork, Ray against --workers: {work_s['--ray'] / work_s['--workers']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
