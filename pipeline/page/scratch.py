"""The scratch folder of this process: everything that visitors upload, open and make, up to a size limit.

Each process has its own folder that only its user can read, so several people can run the app on one machine. Gradio
keeps its uploads there too. The folder is deleted when the process ends. A folder that a killed process left is deleted
at the next start.
"""

import atexit
import math
import os
import re
import shutil
import stat
import sys
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
TICKET = ".ticket"
VISITORS = "visitors"  # has a folder per visitor
SPACES = "spaces"  # impulse responses for the page, 2 MB; everything else in the scratch folder belongs to Gradio
TIDIED_EVERY_S = 1800
KEPT_S = 6 * 3600  # longer than a long queue and an evening of editing
IN_USE_S = 600  # younger files may belong to a running job, or someone may be listening to them
YOUNG_S = 60  # a process takes less than this from creating its folder to locking it
USUAL_LIMIT_BYTES = 2_000_000_000
MAX_ENTRIES = 5000  # every write scans all of them
BLOCK_BYTES = 4096  # what the smallest file or folder takes on most disks

_HALF_UPLOAD = re.compile(r"tmp[a-z0-9_]{8}")  # Gradio renames it when all of it has arrived
_NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")  # as mkdtemp makes it

NOT_HERE = "This file was not uploaded, or it has been deleted. Upload it and try again."
TOO_MUCH = "This needs {:.0f} MB, and the app has room for {:.0f} MB of files. Choose a shorter sound or smaller files."
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
        self._reserved_bytes = self._uploads = 0
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
            is_inside = is_inside and not Path(path).name.startswith(".")
            if is_inside and stat.S_ISREG(os.lstat(path).st_mode):
                return Path(path)
        except (OSError, ValueError):
            pass
        raise SoundscapeError(NOT_HERE)

    @contextmanager
    def room_for(self, size_bytes: int) -> Iterator[None]:
        """Reserve room for files of this size while they are written. Raises SoundscapeError if there is none."""
        size_bytes = max(0, size_bytes)
        with self._lock:
            self._make_room(size_bytes)
            self._reserved_bytes += size_bytes
        try:
            yield
        finally:
            with self._lock:
                self._reserved_bytes -= size_bytes

    @contextmanager
    def upload(self) -> Iterator[None]:
        """Delete what uploads left that were refused or broke off, once no other upload is being written."""
        with self._lock:
            self._uploads += 1
        try:
            yield
        finally:
            with self._lock:
                self._uploads -= 1
                for path in _children(self.folder) if not self._uploads else ():
                    if _HALF_UPLOAD.fullmatch(path.name) and path.is_file():
                        _delete(path)

    def _make_room(self, size_bytes: int) -> None:
        """Delete entries that are too old, then the oldest that are not in use, until the size fits.

        Raises SoundscapeError when it cannot fit; then nothing is deleted that is not too old.
        """
        if size_bytes > self._limit_bytes:
            raise SoundscapeError(TOO_MUCH.format(size_bytes / 1e6, self._limit_bytes / 1e6))
        entries = [entry for entry in self._entries() if not self._is_deleted_for_age(entry)]
        excess_bytes = sum(entry.bytes for entry in entries) + self._reserved_bytes + size_bytes - self._limit_bytes
        entries = [entry for entry in entries if entry.path.suffix != TICKET]  # a ticket ends with its job
        excess_count = len(entries) - MAX_ENTRIES
        chosen = []
        for entry in sorted(entries, key=lambda entry: entry.changed):
            if (excess_bytes <= 0 and excess_count <= 0) or _age_s(entry) <= IN_USE_S:
                break
            chosen.append(entry)
            excess_bytes, excess_count = excess_bytes - entry.bytes, excess_count - 1
        if excess_bytes > 0 or excess_count > 0:
            raise SoundscapeError(NO_ROOM)
        for entry in chosen:
            _delete(entry.path)

    def _is_deleted_for_age(self, entry: _Entry) -> bool:
        if _age_s(entry) <= KEPT_S:
            return False
        _delete(entry.path)
        return True

    def _entries(self) -> Iterator[_Entry]:
        for path in self.folder.iterdir():
            if path.name != VISITORS:
                if path.name not in (LOCK, SPACES):
                    yield _entry(path)
                continue
            for visitor in _children(path):
                results = _children(visitor)
                yield from map(_entry, results or [visitor])


def _age_s(entry: _Entry) -> float:
    return time.time() - entry.changed


def _children(folder: Path) -> list[Path]:
    with suppress(OSError):  # it was deleted meanwhile
        return list(folder.iterdir())
    return []


def _entry(path: Path) -> _Entry:
    size_bytes, changed = 0, 0.0
    inside = (Path(folder, name) for folder, folders, files in os.walk(path) for name in (*folders, *files))
    for each in (path, *inside):
        with suppress(OSError):  # it was deleted meanwhile
            found = each.lstat()
            changed = max(changed, found.st_mtime)
            size_bytes += max(1, math.ceil(found.st_size / BLOCK_BYTES)) * BLOCK_BYTES
    return _Entry(path, size_bytes, changed or time.time())


def bytes_in(folder: Path) -> int:
    """Return what a folder and all that is in it take on the disk."""
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
    _started_by()
    base = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    base.mkdir(parents=True, exist_ok=True)
    _delete_left_behind(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base)).resolve()  # 0700
    lock = FileLock(folder / LOCK)
    lock.acquire()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    atexit.register(_end, folder, lock)
    again = threading.Timer(2 * YOUNG_S, _delete_left_behind, [base])  # what was left just now is too young
    again.daemon = True
    again.start()
    return Scratch(folder, _limit_bytes(folder))


def end(*_: object) -> None:
    """Delete the scratch folder and end the process, as a signal handler before anybody is served."""
    if is_ours():
        delete()
    sys.exit(0)


def delete() -> None:
    """Delete the scratch folder of this process."""
    shutil.rmtree(own().folder, ignore_errors=True)


def is_ours() -> bool:
    """Return False in the forked workers of ZeroGPU."""
    return os.getpid() == _started_by()


@cache
def _started_by() -> int:
    return os.getpid()


def keep_tidy() -> None:
    """Delete again and again what is too old, also while nobody uses the app."""
    while True:
        time.sleep(TIDIED_EVERY_S)
        with suppress(SoundscapeError), own().room_for(0):
            pass


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


def _end(folder: Path, lock: FileLock) -> None:
    if is_ours():
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _delete_left_behind(base: Path) -> None:
    """Delete the folders of killed processes of this user. Their locks are free."""
    for folder in base.glob(f"{PREFIX}*"):
        try:
            if _is_ours(folder) and time.time() - folder.stat().st_mtime > YOUNG_S:
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):
            continue


def _is_ours(folder: Path) -> bool:
    """True for a folder that `own` made for this user. Others may have a name that begins like ours."""
    found = folder.lstat()
    is_private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    is_mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return is_private and is_mine and bool(_NAME.fullmatch(folder.name)) and (folder / LOCK).is_file()
