"""How soon `python app.py` serves its page, compared with a hello-world Gradio app.

    python -m tests.benchmarks.page [--runs 7] [--limit 1.3]

Both are started alternately. The minimum of the runs counts, as in timeit, because longer times come from other load on
the machine. Prints a table; the exit status is 1 if the ratio exceeds the limit.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from ..support.page_server import serve

HELLO = """
import gradio as gr
gr.Interface(lambda name: f"Hello {name}!", "text", "text", api_name="hello").launch(ssr_mode=False)
"""


def seconds_to_page(*command: str) -> float:
    """Return the seconds from the start of the process until its page is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with serve(Path(folder) / "log.txt", *command):
            return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="of each (default: 7)")
    parser.add_argument("--limit", type=float, default=1.3, help="greatest ratio (default: 1.3)")
    arguments = parser.parse_args()
    commands = {"hello world": (sys.executable, "-c", HELLO), "app.py": (sys.executable, "app.py")}
    for command in commands.values():
        seconds_to_page(*command)  # warms up byte code and file caches of both
    seconds = {name: [] for name in commands}
    for _ in range(arguments.runs):
        for name, command in commands.items():
            seconds[name].append(seconds_to_page(*command))
    print(f"{'page served after':<18} {'least s':>9} {'median s':>9} {'most s':>9}")
    for name, each in seconds.items():
        print(f"{name:<18} {min(each):>9.2f} {statistics.median(each):>9.2f} {max(each):>9.2f}")
    ratio = min(seconds["app.py"]) / min(seconds["hello world"])
    print(f"ratio of the least: {ratio:.2f} (limit {arguments.limit:g})")
    return int(ratio > arguments.limit)


if __name__ == "__main__":
    sys.exit(main())
