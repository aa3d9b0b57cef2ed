"""The cost of the overview of a tree: writing, rewriting, bytes, memory, and opening it from disk in Chromium.

    python -m tests.benchmarks.overview [--counts 100 1000 5000] [--runs 5]

Every figure is a ratio to a baseline. Both are measured alternately, and the minimum of all runs counts:
writing    to decoding the pictures and sounds of the same results (1200 x 800 JPEG, 10 s of stereo), all different
again      to parsing the JSON files of the same results
memory     peak of the process, to a process that only loads the same modules
opening    until the last result is listed, to opening an empty page
searching  to opening an empty page
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.audio import Clip, read_wav, wav_bytes
from pipeline.overview import write_overview
from pipeline.results.collection import INDEX

from ..support.browser import CHROMIUM, FLAGS
from ..support.trees import make_tree

DRAWN = 24  # results of full size: enough to measure the cost of one
EMPTY = "<!doctype html><title>Empty</title><body data-ready>"
SEARCH = """async () => { const start = performance.now();
    for (const q of ["k", "kettle", "kettle 42", ""]) change({ q });
    await new Promise(requestAnimationFrame); return (performance.now() - start) / 4000; }"""
# VmHWM instead of getrusage, whose maximum includes that of the parent process if it is larger.
MEMORY = """import re, sys; from pathlib import Path; from pipeline.overview import write_overview
import pyarrow.parquet, soundfile; from pipeline.results.spectrogram import spectrogram
if len(sys.argv) > 1: write_overview(Path(sys.argv[1]))
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])"""


def least(runs: int, *works: Callable[[], None]) -> list[float]:
    """Return the minimum CPU seconds of each piece of work, run alternately."""
    taken = [[] for _ in works]
    for _ in range(runs):
        for times, work in zip(taken, works):
            before = cpu_s()
            work()
            times.append(cpu_s() - before)
    return [min(times) for times in taken]


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def make_true_size(root: Path, count: int) -> None:
    """Write results with pictures and sounds of realistic size."""
    make_tree(root, count, different=True)
    for number, folder in enumerate(sorted(path.parent for path in root.rglob("mix.wav"))):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((1200, 800), Image.Resampling.BICUBIC).save(folder / "picture.jpg", quality=90)
        samples = 0.1 * rng.standard_normal((2, 441_000), dtype=np.float32)
        (folder / "mix.wav").write_bytes(wav_bytes(Clip(samples)))


def decode(root: Path) -> None:
    for path in sorted(root.rglob("mix.wav")):
        read_wav(path)
        Image.open(path.with_name("picture.jpg")).load()


def parse(root: Path) -> None:
    for path in root.rglob("*.json"):
        json.loads(path.read_bytes())


def write_anew(root: Path) -> None:
    shutil.rmtree(root / INDEX, ignore_errors=True)
    write_overview(root)


def measure_writing(folder: Path, runs: int) -> None:
    make_true_size(folder, DRAWN)
    bare, anew = least(runs, lambda: decode(folder), lambda: write_anew(folder))
    each_ms = 1000 * anew / DRAWN
    print(f"writing, all drawn   {each_ms:8.2f} ms CPU per result  {anew / bare:6.2f} x decoding picture and sound")


def measure_again(folder: Path, count: int, runs: int) -> None:
    bare, again = least(runs, lambda: parse(folder), lambda: write_overview(folder))
    each_ms = 1000 * again / count
    print(f"{count:>6} written again {each_ms:8.2f} ms CPU per result  {again / bare:6.2f} x parsing the JSON")


def measure_memory(folder: Path, count: int) -> None:
    bare, full = (
        int(subprocess.run([sys.executable, "-c", MEMORY, *each], check=True, capture_output=True).stdout)
        for each in ([], [str(folder)])
    )
    print(f"{count:>6} memory        {full / 1024:8.0f} MB                  {full / bare:6.2f} x the modules alone")


def measure_page(browser, folder: Path, count: int, runs: int) -> None:
    (folder / "empty.html").write_text(EMPTY)
    scripts = sum(path.stat().st_size for path in (folder / INDEX).glob("*.js"))
    page_bytes = (folder / "index.html").stat().st_size
    print(f"{count:>6} page          {(page_bytes + scripts) / 1e6:8.2f} MB, {scripts / count:.0f} bytes per result")
    empty, opening, searching = [], [], []
    for _ in range(runs):
        empty.append(seconds_to_open(browser, folder / "empty.html")[0])
        seconds, page_search = seconds_to_open(browser, folder / "index.html", SEARCH)
        opening.append(seconds)
        searching.append(page_search)
    for name, each in (("opening", opening), ("searching", searching)):
        ratio = min(each) / min(empty)
        print(f"{count:>6} {name:<13} {1000 * min(each):8.0f} ms                  {ratio:6.2f} x an empty page")


def seconds_to_open(browser, path: Path, then: str = "0") -> tuple[float, float]:
    """Return the seconds until the page is ready, and the result of a script run afterwards."""
    page = browser.new_page()
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.locator("body[data-ready]").wait_for(state="attached", timeout=120_000)
    taken = time.perf_counter() - start
    said = page.evaluate(then)
    page.close()
    return taken, said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        measure_writing(Path(place) / "true", arguments.runs)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        for count in arguments.counts:
            folder = make_tree(Path(place) / str(count), count)
            write_overview(folder)
            measure_again(folder, count, arguments.runs)
            measure_memory(folder, count)
            measure_page(browser, folder, count, arguments.runs)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
