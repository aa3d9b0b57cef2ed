"""The app, started as a user does it: as a separate process, on a free local port."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 60
RIVER = '{"scene": "A river", "sources": [{"name": "river", "action": "rushing"}, {"name": "wind", "gain_db": -6}]}'


def visitor(name: str = "visitor") -> SimpleNamespace:
    """Return the request object that a handler gets."""
    return SimpleNamespace(session_hash=name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serve(log: Path, *command: str) -> Iterator[str]:
    """Start `python app.py`, or another command that uses GRADIO_SERVER_PORT, and yield its address once it answers."""
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
