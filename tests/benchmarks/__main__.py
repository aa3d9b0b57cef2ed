"""Measure the figures of docs/figures.md anew: `python -m tests.benchmarks [--only WORD]`.

Runs the benchmarks that the page names, one after the other, and prints what each prints under its command. That takes
about an hour on two cores. Benchmarks that need a GPU or a folder of your own are listed, not run.
"""

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/figures.md"
BY_HAND = ("tests.benchmarks.gpu", "FOLDER")


def commands(page: str) -> list[str]:
    """Return the benchmarks that the page names, in its order."""
    return list(dict.fromkeys(re.findall(r"`(python -m tests\.benchmarks\.[^`]+)`", page)))


def machine() -> str:
    """Return what the figures depend on."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scipy", "gradio"))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}, load {load}"


def main() -> int:
    """Print the tables, and return 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the benchmarks whose command has this word")
    chosen = parser.parse_args()
    found = [each for each in commands(PAGE.read_text("utf-8")) if chosen.only in each]
    failed = []
    for command in found:
        if any(word in command for word in BY_HAND):
            print(f"\n## {command}\n\nNot run: needs a GPU or a folder of pictures.", flush=True)
            continue
        print(f"\n## {command}\n\n{machine()}\n", flush=True)
        ran = subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=ROOT)
        failed += [command] if ran.returncode else []
    print(f"\n{len(found)} benchmarks." + (f" Failed: {', '.join(failed)}." if failed else ""))
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
