"""The app as a person starts it: a separate process on a free port of this machine."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

from pipeline.page import scratch

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120
RIVER = '{"scene": "A river", "sources": [{"name": "river", "action": "rushing"}, {"name": "wind", "gain_db": -6}]}'


def uploaded(*paths: Path) -> SimpleNamespace:
    """Copy files to where Gradio keeps uploads, and return the event of the page that names them."""
    place = Path(tempfile.mkdtemp(dir=scratch.own().folder))
    return SimpleNamespace(paths=[str(shutil.copy(path, place)) for path in paths])


def visitor(name: str = "visitor") -> SimpleNamespace:
    """Return a stand-in for the gr.Request of a visitor."""
    return SimpleNamespace(session_hash=name)


def finished(values: Iterator[list]) -> list:
    """Return the last values of a handler that first shows what can be heard already."""
    *_, last = values
    return last


def free_port() -> int:
    """Return a free port. Each worker of pytest-xdist uses different ports, so no two servers take the same one."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + worker % 60 * 200  # below those that the system gives to clients
    for port in random.sample(range(first, first + 200), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("There is no free port.")


def server_pid() -> int:
    """Return the process of the app that this process serves. Linux only."""
    (pid,) = map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())
    return pid


@contextmanager
def serve(log: Path, *command: str) -> Iterator[str]:
    """Start `python app.py`, or another command that reads GRADIO_SERVER_PORT. Yield its address once it answers."""
    port = free_port()
    environment = os.environ | {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
    environment["GRADIO_TEMP_DIR"] = str(log.parent / "gradio")
    with log.open("wb") as output:
        command = command or (sys.executable, "app.py")
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server, log)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until the page is served."""
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(log.read_text())
