"""The cost of one warm job with the embedded pair: python -m tests.benchmarks.job

A 12-megapixel JPEG becomes a 10 s mix of five sources. Each run has another seed, and the cache of stems is empty at
the start, so no stem is kept by accident. Each table shows medians of several runs.

The machine may be busy, so what counts is the ratio to a baseline, which is measured before every run: five stereo
noises of 10 s are added up and written as a WAV file. A goal in seconds becomes a ratio by the time that the baseline
takes on the quiet machine of docs/figures.md. The ratio of processor time depends least on the load. Two cores take at
least half of it.
"""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

from pipeline import describe, job, mix, synthesize
from pipeline.audio import Clip, wav_bytes
from pipeline.job import Job, Result, run
from pipeline.mixing.mix import mixdown
from pipeline.page import preview
from pipeline.picture import load_picture
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems

RUNS = 5
NAMES = ("sea waves", "wind", "gulls", "motor boat", "church bell", "traffic", "birdsong", "steps on gravel")
QUIET_BASELINE_S = 0.057  # on the quiet machine of docs/figures.md


@dataclass(frozen=True)
class Cost:
    """Seconds, and the ratios of wall-clock and processor time to the baseline: medians of all runs."""

    seconds: float
    ratio: float
    work: float


def cost(action: Callable[[int], object], runs: int = RUNS, *, before: Callable[[int], object] | None = None) -> Cost:
    """Measure an action that takes the number of the run. `before`, if given, prepares each run and is not measured."""
    taken = []
    for number in range(runs + 1):
        if before:
            before(number)
        (unit_s, unit_cpu_s), (seconds, cpu_s) = seconds_of(baseline), seconds_of(partial(action, number))
        taken.append((seconds, seconds / unit_s, cpu_s / unit_cpu_s))
    return Cost(*(statistics.median(each) for each in zip(*taken[1:])))  # the first one warms up


def seconds_of(action: Callable[[], object]) -> tuple[float, float]:
    """Return the wall-clock and the processor time of an action."""
    start, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - start, time.process_time() - cpu


def baseline() -> None:
    """Do the minimum of any mixer: add up five stereo noises of 10 s and write them."""
    rng = np.random.default_rng(0)
    total = sum(rng.standard_normal((2, 441_000), dtype=np.float32) for _ in range(5))
    wav_bytes(Clip(total * np.float32(0.05)))


def soundscape_of(n_sources: int) -> Soundscape:
    return Soundscape(space="street", sources=tuple(Source(name=name, distance_m=20) for name in NAMES[:n_sources]))


def photograph(path: Path) -> Path:
    """Write 4000 x 3000 pixels of fine detail, a file as large as a camera's."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).resize((4000, 3000), Image.BICUBIC)
    grain = rng.integers(-12, 12, (3000, 4000, 1))
    Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, XDG_CACHE_HOME=f"{folder}/cache"):
        place = Path(folder)
        path = photograph(place / "photograph.jpg")
        load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
        unit_s = statistics.median(seconds_of(baseline)[0] for _ in range(RUNS))
        print(f"baseline, five noises added and written: {unit_s:.3f} s; load of the machine: {load}")
        costs_of_jobs(place, path)
        costs_of_edits()
        profile(place, path)
        growth()
    # In a fresh process.
    subprocess.run([sys.executable, "-m", __spec__.name, "--memory"], check=True)


def costs_of_jobs(place: Path, path: Path) -> None:
    """Print what a picture and its sound cost, up to the files."""
    wanted = Job(soundscape=soundscape_of(5), audio="procedural", duration_s=10)
    heard: list[float] = []

    def sound(seed: int) -> None:
        run(replace(wanted, seed=seed), place / "result")

    def first_sound(seed: int) -> None:
        start = time.perf_counter()
        run(replace(wanted, seed=1000 + seed), place / "result", on_stems=lambda *made: written(place, start, *made))

    def written(place: Path, start: float, *made: Any) -> None:
        preview.write(dry_folder(place), *made)
        heard.append(time.perf_counter() - start)

    heading("from a picture to its files")
    described = cost(lambda _: describe(load_picture(path), "tagger"))
    row("describe a JPEG of 12 megapixels", described, 0.28)
    row("five stems of 10 s, mix and files", cost(sound), 0.6)
    whole = cost(first_sound)
    first_s = statistics.median(heard[1:])
    first = Cost(first_s, first_s / whole.seconds * whole.ratio, math.nan)
    row("the same until the dry stems are written", first)
    both = Cost(described.seconds + first.seconds, described.ratio + first.ratio, math.nan)
    row("from the picture until the dry stems are written: the page can play", both, 0.8)


def costs_of_edits() -> None:
    """Print what a change costs when everything else is kept."""
    eight = soundscape_of(8)

    def made(soundscape: Soundscape, seed: int, duration_s: float = 10.0) -> Any:
        return synthesize(soundscape, "procedural", duration_s=duration_s, seed=seed)

    def new_takes(seed: int) -> None:  # one of each source: some kinds of sound cost more than others
        for place in range(8):
            sources = [source.model_copy(update={"take": int(place == at)}) for at, source in enumerate(eight.sources)]
            made(eight.model_copy(update={"sources": tuple(sources)}), seed)

    everything = cost(lambda seed: made(eight, 2000 + seed))
    takes = cost(new_takes, before=lambda seed: made(eight, seed))
    long = made(eight, 1, 30.0)
    moved = eight.model_copy(update={"space": "hall"})
    heading("a change in eight sources")
    row("all stems of 10 s", everything)
    row(
        "a new take of one, mean of all eight",
        Cost(takes.seconds / 8, takes.ratio / 8, takes.work / 8),
        everything.ratio / 8,
        "",
    )
    row("a new mix of stems of 30 s in another space", cost(lambda _: mixdown(moved, long)), 0.3)


def heading(name: str) -> None:
    print(f"\n| {name} | seconds | ratio to baseline | goal | ratio of processor time |")
    print("| --- | ---: | ---: | ---: | ---: |")


def row(name: str, found: Cost, goal: float | None = None, unit: str = "s") -> None:
    """Print a cost and its goal, which is in seconds on the quiet machine, or a ratio when there is no unit."""
    ratio = goal and (goal / QUIET_BASELINE_S if unit else goal)
    shown = f"{ratio:.1f} ({goal:g} s)" if ratio and unit else f"{ratio:.1f}" if ratio else ""
    work = "" if math.isnan(found.work) else f"{found.work:.1f}"
    print(f"| {name} | {found.seconds:.2f} | {found.ratio:.1f} | {shown} | {work} |")


def dry_folder(place: Path) -> Path:
    folder = place / preview.FOLDER
    folder.mkdir(exist_ok=True)
    return folder


# Where the time goes --------------------------------------------------------------------------------------------------

STAGES = {
    "load_picture": "decode the picture",
    "describe": "describe it: network, regions and words",
    "synthesize": "make the stems",
    "dry_stems": "repair and measure the dry stems",
    "write": "write the dry stems for the page: it can play now",
    "mixdown_of": "place the stems, and bring the mix to its level",
    "files_of": "encode WAV files and picture; in parallel: checks and senses",
    "write_files": "finish the checks, hash and write the files",
    "write_bundle": "write the ZIP bundle",
}


def profile(place: Path, path: Path) -> None:
    """Print the stages of one job in their order, and how many cores each uses."""
    taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
    watched = [(job, name) for name in ("describe", "synthesize", "dry_stems", "mixdown_of", "files_of", "write_files")]
    with ExitStack() as stack:
        for module, name in [*watched, (preview, "write"), (sys.modules[__name__], "load_picture")]:
            stack.enter_context(timed(module, name, taken))
        stack.enter_context(timed(Result, "write_bundle", taken))
        for seed in range(RUNS + 1):
            picture = load_picture(path)
            job.describe(picture, "tagger")
            wanted = Job(picture, soundscape_of(5), audio="procedural", duration_s=10, seed=3000 + seed)
            run(wanted, place / "result", on_stems=lambda *made: preview.write(dry_folder(place), *made)).write_bundle()
    wall_s, cpu_s = ([statistics.median(run[at] for run in taken[name][1:]) for name in STAGES] for at in (0, 1))
    print("\n| stage | share of the time | processor time |\n| --- | ---: | ---: |")
    for name, wall, cpu in zip(STAGES.values(), wall_s, cpu_s):
        print(f"| {name} | {100 * wall / sum(wall_s):.0f} % | {1000 * cpu:.0f} ms |")


@contextmanager
def timed(owner: ModuleType | type, name: str, taken: dict[str, list[tuple[float, float]]]) -> Iterator[None]:
    """Add the wall-clock and the processor time of each call of a function."""
    original = getattr(owner, name)

    def watched(*given: Any, **named: Any) -> Any:
        start, cpu = time.perf_counter(), time.process_time()
        try:
            return original(*given, **named)
        finally:
            taken[name].append((time.perf_counter() - start, time.process_time() - cpu))

    with patch.object(owner, name, watched):
        yield


# Growth ---------------------------------------------------------------------------------------------------------------


def growth() -> None:
    """Print how the cost grows with the duration and the number of sources."""
    print("\n| sources | duration | stems and mix | ratio per source and 10 s |\n| ---: | ---: | ---: | ---: |")
    for n_sources, duration_s in ((1, 10), (2, 10), (4, 10), (8, 10), (4, 20), (4, 40)):
        found = cost(lambda seed, n=n_sources, d=duration_s: mix_of(n, d, 4000 + seed), 3)
        each = 10 * found.ratio / n_sources / duration_s
        print(f"| {n_sources} | {duration_s} s | {found.seconds:.2f} s | {each:.1f} |")


def mix_of(n_sources: int, duration_s: float, seed: int) -> Clip:
    soundscape = Soundscape(sources=soundscape_of(1).sources * n_sources)  # all of one kind, for comparison
    forget_stems()
    return mix(soundscape, synthesize(soundscape, "procedural", duration_s=duration_s, seed=seed))


def memory() -> None:
    """Print the memory during thirty jobs, from picture to files, in one process."""
    used_mb = []
    with tempfile.TemporaryDirectory() as folder:
        path = photograph(Path(folder) / "photograph.jpg")
        for seed in range(30):
            run(Job(load_picture(path), None, "tagger", "procedural", 10.0, seed), Path(folder) / "result")
            used_mb.append(resident_mb())
    after = ", ".join(f"{used_mb[jobs - 1]:.0f} MB after {jobs}" for jobs in (1, 10, 30))
    print(f"\nresident memory by number of jobs: {after}")


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    memory() if "--memory" in sys.argv else main()
