"""The cost of one warm job with the embedded pair: python -m tests.benchmarks.job

A 12-megapixel JPEG becomes a 10 s mix of five sources. The table shows the median of several runs. Each has another
seed, so no stem comes from the cache. The baseline, measured in the same run, is the sum of five stereo noises of 10 s,
written as a WAV file. Further measurements: how the cost grows with duration and number of sources, and whether memory
grows from job to job.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline import describe, mix, synthesize
from pipeline.audio import Clip, wav_bytes
from pipeline.job import Job, run
from pipeline.picture import load_picture
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems

RUNS = 5
NAMES = ("sea waves", "wind", "gulls", "motor boat", "church bell", "traffic", "birdsong", "steps on gravel")
GOALS_S = {"describe": 0.4, "sound": 0.8, "mix and files": 0.4}


def soundscape_of(n_sources: int) -> Soundscape:
    return Soundscape(space="street", sources=tuple(Source(name=name, distance_m=20) for name in NAMES[:n_sources]))


def photograph(path: Path) -> Path:
    """Write 4000 x 3000 pixels of fine detail, a file as large as a camera's."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).resize((4000, 3000), Image.BICUBIC)
    grain = rng.integers(-12, 12, (3000, 4000, 1))
    Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def median_s(action: Callable[[int], object], runs: int = RUNS) -> float:
    action(0)  # warm-up
    times = []
    for number in range(1, runs + 1):
        start = time.perf_counter()
        action(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def baseline() -> None:
    """Do the minimum of any mixer: add up five stereo noises of 10 s and write them."""
    rng = np.random.default_rng(0)
    total = sum(rng.standard_normal((2, 441_000), dtype=np.float32) for _ in range(5))
    wav_bytes(Clip(total * np.float32(0.05)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        path = photograph(place / "photograph.jpg")
        unit_s = median_s(lambda _: baseline())
        print(f"baseline, five noises added and written: {unit_s:.3f} s\n")
        stages = {"describe": median_s(lambda _: describe(load_picture(path), "tagger"))}
        stages |= stages_of_a_job(place)
        print("| stage | seconds | ratio to baseline | goal |\n| --- | ---: | ---: | ---: |")
        for name, seconds in stages.items():
            print(f"| {name} | {seconds:.2f} | {seconds / unit_s:.1f} | {GOALS_S[name]:.1f} |")

        print("\n| sources | duration | sound and mix | per source and second |\n| ---: | ---: | ---: | ---: |")
        for n_sources, duration_s in ((1, 10), (2, 10), (4, 10), (8, 10), (4, 20), (4, 40)):
            taken = median_s(lambda seed, n=n_sources, d=duration_s: mix_of(n, d, seed), 3)
            each_ms = 1000 * taken / n_sources / duration_s
            print(f"| {n_sources} | {duration_s} s | {taken:.2f} s | {each_ms:.1f} ms |")
    # In a fresh process.
    subprocess.run([sys.executable, "-m", __spec__.name, "--memory"], check=True)


def stages_of_a_job(place: Path) -> dict[str, float]:
    """Return the median seconds of "sound" and of "mix and files", as measured by the job itself."""
    job = Job(soundscape=soundscape_of(5), audio="procedural", duration_s=10)
    seconds = [run(replace(job, seed=seed), place / "result").report["seconds"] for seed in range(RUNS + 1)][1:]
    return {
        "sound": statistics.median(each["sound"] for each in seconds),
        "mix and files": statistics.median(each["mix"] + each["files"] for each in seconds),
    }


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


if __name__ == "__main__":
    memory() if "--memory" in sys.argv else main()
