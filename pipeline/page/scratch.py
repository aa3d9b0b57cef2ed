"""The scratch folder of this process: everything that visitors upload, open and make, up to a size limit.

Each process has its own folder that only its user can read, so several people can run the app on one machine. Gradio
keeps its uploads there too. The folder is deleted when the process ends. A folder that a killed process left is deleted
at the next start.
"""

import atexit
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import SoundscapeError
from ..settings import read_settings

PREFIX = "image-to-soundscape-"
LOCK = ".lock"
VISITORS = "visitors"  # has a folder per visitor; everything else in the scratch folder belongs to Gradio
KEPT_S = 6 * 3600  # longer than a long queue and an evening of editing
IN_USE_S = 600  # younger files may belong to a running job, or someone may be listening to them
YOUNG_S = 60  # a process takes less than this from creating its folder to locking it
USUAL_LIMIT_BYTES = 2_000_000_000

NOT_HERE = "This file was not uploaded, or it has been deleted. Upload it and try again."
NO_ROOM = "There is no room for more files at the moment. Please try again in ten minutes."


@dataclass(frozen=True)
class _Entry:
    """A unit of deletion: an upload, or one result of a visitor."""

    path: Path
    bytes: int
    changed: float  # seconds since the epoch


class Scratch:
    """A folder whose files take at most `limit_bytes` together. The oldest are deleted to make room."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._reserved_bytes = 0
        self._lock = threading.Lock()

    @property
    def visitors(self) -> Path:
        return self.folder / VISITORS

    def find(self, name: object) -> Path:
        """Return the file that a request names. Only this method decides which files a request may name.

        The file must be a regular file in this folder, and no part of its path may be a link. The folders have names
        that cannot be guessed, so visitors can only name files that this app gave them. Raises SoundscapeError with the
        same sentence for everything else, and never accesses a path outside this folder.
        """
        try:
            path = os.path.normpath(name) if isinstance(name, str) else ""
            is_inside = Path(path).is_relative_to(self.folder) and os.path.realpath(path) == path
            if is_inside and stat.S_ISREG(os.lstat(path).st_mode):
                return Path(path)
        except (OSError, ValueError):
            pass
        raise SoundscapeError(NOT_HERE)

    @contextmanager
    def room_for(self, size_bytes: int) -> Iterator[None]:
        """Reserve room for files of this size while they are written. Raises SoundscapeError if there is none."""
        with self._lock:
            self._make_room(size_bytes)
            self._reserved_bytes += size_bytes
        try:
            yield
        finally:
            with self._lock:
                self._reserved_bytes -= size_bytes

    def _make_room(self, size_bytes: int) -> None:
        """Delete entries that are too old, then the oldest that are not in use, until the size fits."""
        entries = sorted(self._entries(), key=lambda entry: entry.changed)
        left = sum(entry.bytes for entry in entries) + self._reserved_bytes + size_bytes
        for entry in entries:
            age_s = time.time() - entry.changed
            if age_s > KEPT_S or (left > self._limit_bytes and age_s > IN_USE_S):
                _delete(entry.path)
                left -= entry.bytes
        if left > self._limit_bytes:
            raise SoundscapeError(NO_ROOM)

    def _entries(self) -> Iterator[_Entry]:
        for path in self.folder.iterdir():
            if path.name == VISITORS:
                yield from (_entry(result) for visitor in _children(path) for result in _children(visitor))
            elif path.name != LOCK:
                yield _entry(path)


def _children(folder: Path) -> list[Path]:
    with suppress(OSError):  # it was deleted meanwhile
        return list(folder.iterdir())
    return []


def _entry(path: Path) -> _Entry:
    size_bytes, changed = 0, 0.0
    for each in (path, *path.rglob("*")):
        with suppress(OSError):
            found = each.lstat()
            changed = max(changed, found.st_mtime)
            size_bytes += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return _Entry(path, size_bytes, changed)


def bytes_in(folder: Path) -> int:
    """Return the size of the files in a folder."""
    return _entry(folder).bytes


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


# The folder of this process -------------------------------------------------------------------------------------------


@cache
def own() -> Scratch:
    """Return the scratch folder of this process. The first call creates it and makes Gradio use it."""
    base = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    base.mkdir(parents=True, exist_ok=True)
    _delete_left_behind(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base)).resolve()  # 0700
    lock = FileLock(folder / LOCK)
    lock.acquire()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    atexit.register(_end, folder, lock, os.getpid())
    return Scratch(folder, _limit_bytes(folder))


def _limit_bytes(folder: Path) -> int:
    """Return the limit that SCRATCH_GB sets, else 2 GB, or a tenth of the free disk if that is less."""
    wanted = read_settings().scratch_gb
    if not wanted:
        return min(USUAL_LIMIT_BYTES, shutil.disk_usage(folder).free // 10)
    try:
        limit_bytes = float(wanted) * 1e9
        if 0 < limit_bytes < float("inf"):
            return int(limit_bytes)
    except ValueError:
        pass
    raise SoundscapeError(f"SCRATCH_GB must be a number of gigabytes above 0, such as 2. It is '{wanted}'.")


def _end(folder: Path, lock: FileLock, process: int) -> None:
    if os.getpid() == process:  # not in the forked workers of ZeroGPU
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _delete_left_behind(base: Path) -> None:
    """Delete the folders of killed processes. Their locks are free."""
    for folder in base.glob(f"{PREFIX}*"):
        try:
            is_young = time.time() - folder.stat().st_mtime < YOUNG_S
            if is_young or folder.is_symlink() or not folder.is_dir() or not os.access(folder, os.W_OK):
                continue
            with FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):
            continue
