"""What a Gradio Space has: the packages that its image installs, the variables that it sets, and the running app.

Sources: the build logs of Spaces with gradio 6 (June and July 2026) for the packages; the Hub's "Spaces Overview" and
the image that Spaces are built from for the variables (https://huggingface.co/docs/hub/spaces-overview). Linux only.
"""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gradio_client import Client, handle_file
from packaging.utils import canonicalize_name

from .page_server import ROOT, free_port, wait_for

HOST = "someone-image-to-soundscape.hf.space"
PROXY = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}  # what the Hub's proxy sends
BASE = ("datasets", "huggingface-hub>=0.30", "hf-transfer>=0.1.4", "protobuf<4", "click<8.1")  # in the image already
BESIDE = ("uvicorn>=0.14.0", "websockets>=10.4", "spaces")  # installed together with requirements.txt
CPU_BASIC_CORES = 2
NOWHERE = "http://127.0.0.1:9"  # the discard port, where no hub answers

VARIABLES = {
    "SYSTEM": "spaces",
    "SPACE_ID": "someone/image-to-soundscape",
    "SPACE_HOST": HOST,
    "SPACE_AUTHOR_NAME": "someone",
    "SPACE_REPO_NAME": "image-to-soundscape",
    "SPACE_TITLE": "Image to Soundscape",
    "ACCELERATOR": "none",
    "CPU_CORES": str(CPU_BASIC_CORES),
    "MEMORY": "16Gi",
    "GRADIO_SERVER_NAME": "0.0.0.0",
    "GRADIO_NUM_PORTS": "1",
    "GRADIO_ALLOW_FLAGGING": "never",
    "GRADIO_THEME": "huggingface",
    "GRADIO_SSR_MODE": "true",
    "HF_HUB_ENABLE_HF_TRANSFER": "1",
    "PYTHONUNBUFFERED": "1",
    "TQDM_POSITION": "-1",
    "TQDM_MININTERVAL": "1",
}
KEPT = ("PATH", "LANG", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # of this machine


@dataclass(frozen=True)
class Environment:
    """A virtual environment with what a Space installs."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin/python")

    def run(self, *arguments: str) -> str:
        """Run its Python and return what it prints. Raises RuntimeError with the last lines of what went wrong."""
        command = [self.python, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=kept())
        if done.returncode:
            raise RuntimeError(" ".join((done.stderr or done.stdout).strip().splitlines()[-5:]))
        return done.stdout

    def install(self, sdk_version: str) -> None:
        """Install the packages in the order in which a Space installs them."""
        pip = ("-m", "pip", "install", "-q", "--no-cache-dir")
        self.run(*pip, "-U", "pip")
        self.run(*pip, *BASE)
        self.run(*pip, "-r", "requirements.txt", f"gradio[oauth,mcp]=={sdk_version}", *BESIDE)

    def versions(self) -> dict[str, str]:
        """Return the version of every installed package."""
        lines = (line.partition("==") for line in self.run("-m", "pip", "freeze").splitlines())
        return {canonicalize_name(name): version for name, _, version in lines}

    def conflicts(self) -> list[str]:
        """Return the conflicts that pip finds, without those of `datasets`, which the app does not use."""
        done = subprocess.run([self.python, "-m", "pip", "check"], capture_output=True, text=True, env=kept())
        return [line for line in done.stdout.splitlines() if done.returncode and not line.startswith("datasets ")]


@dataclass(frozen=True)
class Space:
    """The running app, reached as through the Hub's proxy."""

    address: str
    process: subprocess.Popen[bytes]
    log_path: Path
    app: Path
    start_s: float
    files_before: frozenset[Path] = field(repr=False)

    def page(self, host: str = HOST) -> str:
        request = urllib.request.Request(self.address, headers=PROXY | {"Host": host})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def call(self, picture: Path, vision: str = "", audio: str = "", duration_s: float = 10) -> tuple[str, ...]:
        """Call /image_to_soundscape: the document, the paths of mix and bundle, and the report."""
        files = tempfile.mkdtemp(dir=self.app.parent)
        client = Client(self.address, headers=PROXY, verbose=False, download_files=files)
        return client.predict(handle_file(picture), vision, audio, duration_s, 7, api_name="/image_to_soundscape")

    def refusal(self, picture: Path, **wishes: str) -> str:
        """Return the words with which a call is refused."""
        try:
            self.call(picture, **wishes)
        except Exception as error:  # of several classes, by what failed
            return str(error)
        raise AssertionError("the call was answered")

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def written(self) -> list[str]:
        """Return the files that the app wrote into its own folder, compiled Python left out."""
        return sorted(path.relative_to(self.app).as_posix() for path in files_in(self.app) - self.files_before)

    def memory_mb(self) -> tuple[float, float]:
        """Return the resident memory of the app's processes, and the part of it that is no file of the disk."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_status_mb(pid, "VmRSS") for pid in pids), sum(_status_mb(pid, "RssAnon") for pid in pids)


@contextmanager
def running(environment: Environment, folder: Path, **variables: str) -> Iterator[Space]:
    """Copy the repository as a Space does and start the app there, with two processor cores and these variables."""
    app = folder / "home/user/app"
    copy_repository(app)
    port, log_path = free_port(), folder / "log.txt"
    values = kept() | VARIABLES | {"HOME": str(app.parent), "PYTHONPATH": str(app), "HF_ENDPOINT": NOWHERE}
    values |= {"GRADIO_SERVER_PORT": str(port), "TMPDIR": str(folder / "tmp")} | variables
    (folder / "tmp").mkdir()
    before, begin_s = files_in(app), time.monotonic()
    with log_path.open("wb") as log:
        process = subprocess.Popen([environment.python, "app.py"], cwd=app, env=values, stdout=log, stderr=log)
    try:
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:CPU_BASIC_CORES])
        wait_for(f"http://127.0.0.1:{port}", process, log_path)
        start_s = time.monotonic() - begin_s
        yield Space(f"http://127.0.0.1:{port}", process, log_path, app, start_s, frozenset(before))
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a disk of this size at the folder. Raises RuntimeError where that is not allowed (it needs root)."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        raise RuntimeError("no small disk can be mounted here: run this as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def kept() -> dict[str, str]:
    """Return the few variables of this machine that a Space's processes get here."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def copy_repository(app: Path) -> None:
    """Copy the files that git tracks, which are those that a push brings to a Space."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, tracked.stdout.split("\0")):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, app / name)


def files_in(folder: Path) -> frozenset[Path]:
    return frozenset(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    own = [int(line) for line in found.stdout.split()]
    return own + [grandchild for child in own for grandchild in _children(child)]


def _status_mb(pid: int, name: str) -> float:
    """Return a figure of /proc in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))
