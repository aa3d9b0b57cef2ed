"""The memory of the app after many jobs: python -m tests.benchmarks.soak FOLDER [--jobs 300] [--limit-mb 900]

The app is started as a person starts it. Two programs send the pictures of the folder, again and again with other
seeds, and get a sound of 10 s for each. The table shows the resident memory of the app. The exit status is 1 if it
exceeds the limit at the end.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from gradio_client import Client, handle_file

from ..support.page_server import serve, server_pid

SHOWN = (1, 10, 30, 100, 200, 300)
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process. Linux only."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(address: str, pid: int, pictures: list[Path], jobs: int, duration_s: float) -> float:
    """Do the jobs, two at once, print the memory on the way, and return it at the end in megabytes."""
    clients = [Client(address, verbose=False, download_files=False) for _ in range(2)]
    work = list(enumerate(islice(cycle(pictures), jobs), 1))

    def job(number: int, picture: Path) -> None:
        wishes = ("tagger", "procedural", duration_s, number)
        clients[number % 2].predict(handle_file(picture), *wishes, api_name="/image_to_soundscape")

    print(f"{'jobs':>6} {'resident MB':>12} {'s':>6}", flush=True)
    begin = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        for number, _ in enumerate(pool.map(lambda each: job(*each), work), 1):
            if number in SHOWN or number == jobs:
                print(f"{number:>6} {resident_mb(pid):>12.0f} {time.perf_counter() - begin:>6.0f}", flush=True)
    return resident_mb(pid)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of pictures")
    parser.add_argument("--jobs", type=int, default=300, help="number of jobs (default: 300)")
    parser.add_argument("--duration", type=float, default=10.0, help="seconds of sound of each (default: 10)")
    parser.add_argument("--limit-mb", type=float, default=900.0, help="greatest resident memory (default: 900)")
    arguments = parser.parse_args()
    pictures = sorted(path for path in arguments.folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not pictures:
        parser.error(f"{arguments.folder} holds no picture.")
    os.environ["STEM_CACHE_GB"] = "0"  # nothing from earlier runs
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log.txt") as address:
        used_mb = soak(address, server_pid(), pictures, arguments.jobs, arguments.duration)
    return int(used_mb > arguments.limit_mb)


if __name__ == "__main__":
    sys.exit(main())
