"""How soon `python app.py` serves its page, and how soon a picture is heard in it.

    python -m tests.benchmarks.page [--runs 7] [--limit 1.3] [--sound]

The time to the page is compared with that of a hello-world Gradio app. Both are started alternately. The minimum of the
runs counts, as in timeit, because longer times come from other load on the machine.

The time to the first sound is that in Chromium from the press of a button until a sample that is not silent leaves the
page, with 10 s of sound from the embedded pair. All is warm, and every run has another seed. The table shows the
quickest run, and the median of the ratios to the baseline of tests/benchmarks/job.py, which is measured before every
run. Where there is no Chromium, it is left out.

Prints two tables; the exit status is 1 if the ratio of the page exceeds the limit.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pipeline.soundscape import Soundscape, Source

from ..support.browser import CHROMIUM, FLAGS
from ..support.page_server import serve
from .job import baseline, seconds_of

HELLO = """
import gradio as gr
gr.Interface(lambda name: f"Hello {name}!", "text", "text", api_name="hello").launch(ssr_mode=False)
"""
PICTURE = Path(__file__).parents[2] / "examples" / "harbour.jpg"
NAMES = ("sea waves", "wind", "gulls", "motor boat", "church bell")
SETTLED_MS = 1500  # after a run
STAGES = ("sent", "received", "decoded", "started", "heard")
# What is pressed, and what is done to the page before.
WAYS = {
    "Hear this picture, described": ("#hear", "() => {}"),
    "Make sound, five sources": ("#make", "(text) => desk.state.arrive(JSON.parse(text), desk.state.origin())"),
    "Hear this picture, not described": ("#hear", "() => desk.state.arrive(null, { picture: '', text: '' })"),
}
# Notes the time of each stage, and of the first sample that is not silent, in the preview or in the file.
WATCH = """() => {
    window.marks = {};
    const mark = (name) => { window.marks[name] ??= performance.now(); };
    const { connect } = AudioNode.prototype;
    AudioNode.prototype.connect = function (target, ...rest) {
        if (target instanceof AudioDestinationNode && this.context instanceof AudioContext) {
            const tap = new AnalyserNode(this.context, { fftSize: 1024 });
            const samples = new Float32Array(tap.fftSize);
            connect.call(this, tap);
            setInterval(() => {
                tap.getFloatTimeDomainData(samples);
                if (samples.some((sample) => Math.abs(sample) > 1e-4)) mark("heard");
            }, 4);
        }
        return connect.call(this, target, ...rest);
    };
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
        this.addEventListener("playing", () => mark("heard"), { once: true });
        return play.call(this);
    };
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (...when) {
        if (this.context instanceof AudioContext) mark("started");
        return start.apply(this, when);
    };
    const { fetch } = window;
    window.fetch = function (input, ...rest) {
        if (String(input.url ?? input).includes("/queue/join")) mark("sent");
        return fetch.call(this, input, ...rest);
    };
    document.addEventListener("click", (event) => { if (event.target.closest("#hear, #make")) mark("press"); }, true);
    const ready = setInterval(() => {
        if (!window.desk?.transport) return;
        clearInterval(ready);
        const names = { loaded: "received", stems: "decoded" };
        desk.transport.subscribe(({ kind }) => { if (names[kind]) mark(names[kind]); });
    }, 20);
}"""


def seconds_to_page(*command: str) -> float:
    """Return the seconds from the start of the process until its page is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with serve(Path(folder) / "log.txt", *command):
            return time.perf_counter() - start


def table_of_pages(runs: int) -> float:
    """Print how soon the pages are served. Return the ratio of ours to a hello-world one."""
    commands = {"hello world": (sys.executable, "-c", HELLO), "app.py": (sys.executable, "app.py")}
    for command in commands.values():
        seconds_to_page(*command)  # warms up byte code and file caches of both
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seconds[name].append(seconds_to_page(*command))
    print(f"{'page served after':<18} {'least s':>9} {'median s':>9} {'most s':>9}")
    for name, each in seconds.items():
        print(f"{name:<18} {min(each):>9.2f} {statistics.median(each):>9.2f} {max(each):>9.2f}")
    return min(seconds["app.py"]) / min(seconds["hello world"])


def table_of_sounds(runs: int) -> None:
    """Print how soon a press of "Make sound" and of "Hear this picture" is heard, and where the time goes."""
    from playwright.sync_api import sync_playwright

    document = Soundscape(space="street", sources=tuple(Source(name=name, distance_m=20) for name in NAMES)).to_json()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder) / "log.txt") as address,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.add_init_script(f"({WATCH})()")
        page.goto(address)
        page.locator("#hear:enabled").wait_for()
        page.set_input_files("#picture input[type=file]", PICTURE)
        page.locator(".source").first.wait_for()
        print(f"\n{'milliseconds after the press':<32} " + " ".join(f"{stage:>9}" for stage in STAGES) + "     ratio")
        for name, (button, prepare) in WAYS.items():
            first_sound(page, button, prepare, document)  # warms up
            found, units_s = [], []
            for _ in range(runs):
                units_s.append(seconds_of(baseline)[0])
                found.append(first_sound(page, button, prepare, document))
            least = min(found, key=lambda marks: marks["heard"])
            parts = " ".join(f"{least[stage]:>9.0f}" if stage in least else " " * 9 for stage in STAGES)
            ratio = statistics.median(each["heard"] / 1000 / unit_s for each, unit_s in zip(found, units_s))
            print(f"{name:<32} {parts} {ratio:>9.1f}", flush=True)
        browser.close()


def first_sound(page, button: str, prepare: str, document: str) -> dict[str, float]:
    """Press the button and return the milliseconds until each stage."""
    page.evaluate(prepare, document)
    page.wait_for_timeout(SETTLED_MS)
    page.evaluate("() => { desk.transport.pause(); window.marks = {}; }")
    page.wait_for_timeout(100)  # until it is silent
    page.evaluate("() => { window.marks = {}; }")
    page.click(button)
    page.wait_for_function("window.marks.heard")
    page.locator("#make:enabled").wait_for()
    marks = page.evaluate("window.marks")
    return {name: at - marks["press"] for name, at in marks.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="of each (default: 7)")
    parser.add_argument("--limit", type=float, default=1.3, help="greatest ratio of the page (default: 1.3)")
    parser.add_argument("--sound", action="store_true", help="measure only the first sound")
    arguments = parser.parse_args()
    ratio = 0.0 if arguments.sound else table_of_pages(arguments.runs)
    if not arguments.sound:
        print(f"ratio of the least: {ratio:.2f} (limit {arguments.limit:g})")
    if CHROMIUM.exists():
        table_of_sounds(arguments.runs)
    return int(ratio > arguments.limit)


if __name__ == "__main__":
    sys.exit(main())
