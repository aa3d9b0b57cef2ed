"""Dry stems that were made before, by a key of everything that decides their sound: in memory, and on disk.

Several processes may use the same folder: files are written beside and renamed, and a file that vanishes is made again.
"""

import hashlib
import io
import json
import math
import os
import shutil
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from ..audio import Clip
from ..files import write_file
from ..settings import Settings, read_settings

MEMORY_BYTES = 170_000_000  # the eight stems of a scene of 60 s, or 48 stems of 10 s, in stereo
DISK_GB = 1.0
KEPT_S = 30 * 24 * 3600.0
LEFT_FREE_BYTES = 10**9  # for results and weights, which matter more
SWEPT_EVERY_BYTES = 50_000_000  # written by this process
GIGABYTE = 10**9


class MemoryCache:
    """A thread-safe cache that keeps the most recently used clips, up to a number of bytes."""

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> Clip | None:
        with self._lock:
            if key in self._clips:
                self._clips.move_to_end(key)
            return self._clips.get(key)

    def put(self, key: str, clip: Clip) -> None:
        clip.samples.setflags(write=False)  # later jobs share it
        with self._lock:
            if key in self._clips:
                return
            self._clips[key] = clip
            self._bytes += clip.samples.nbytes
            self._shrink()

    def limit(self, limit_bytes: int) -> None:
        """Change the limit, and drop the clips that exceed it."""
        with self._lock:
            self._limit_bytes = limit_bytes
            self._shrink()

    def clear(self) -> None:
        with self._lock:
            self._clips.clear()
            self._bytes = 0

    def _shrink(self) -> None:
        while self._bytes > self._limit_bytes:
            self._bytes -= self._clips.popitem(last=False)[1].samples.nbytes


class DiskCache:
    """Keeps clips as files in a folder, the most recently used ones, up to a number of bytes and an age.

    It never raises: what cannot be read is missing, and what cannot be written is not kept.
    """

    def __init__(self, folder: Path, limit_bytes: float) -> None:
        self._folder, self.limit_bytes = folder, limit_bytes
        self._written = SWEPT_EVERY_BYTES  # sweep at the first write: earlier processes may have left much
        self.allowance_bytes = math.inf  # that this process may still write

    def get(self, key: str) -> Clip | None:
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                clip = Clip(arrays["samples"], int(arrays["sample_rate"]), tuple(json.loads(str(arrays["notes"]))))
            os.utime(path)  # it was used
        except Exception:  # a damaged file can make numpy and zipfile raise almost anything
            return None
        return clip

    def put(self, key: str, clip: Clip) -> None:
        if clip.samples.nbytes > min(self.limit_bytes, self.allowance_bytes):
            return
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # other users must not hear them
            if shutil.disk_usage(self._folder).free < LEFT_FREE_BYTES:
                return
            write_file(self._path(key), _bytes_of(clip))
            self._written += clip.samples.nbytes
            self.allowance_bytes -= clip.samples.nbytes
        if self._written >= SWEPT_EVERY_BYTES:
            self._written = 0
            self.sweep()

    def sweep(self) -> None:
        """Delete what is too old, and the longest unused files above the limit."""
        found = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                entry = path.stat()
                found.append((entry.st_mtime, entry.st_size, path))
        total, oldest = 0, time.time() - KEPT_S
        for used, size, path in sorted(found, reverse=True):
            total += size
            if used < oldest or total > self.limit_bytes:
                with suppress(OSError):
                    path.unlink()

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / name[:2] / f"{name}.npz"


def fill_once() -> None:
    """Let this process write a tenth of the limit at most, so that a long batch does not replace what others keep."""
    kept = disk_cache()
    if kept:
        kept.allowance_bytes = 0.1 * kept.limit_bytes


def disk_cache(settings: Settings | None = None) -> DiskCache | None:
    """Return the cache on disk, or None if STEM_CACHE_GB is 0 or the machine has no folder for caches."""
    size = (settings or read_settings()).stem_cache_gb
    try:
        limit_gb = float(size) if size else DISK_GB
    except ValueError:
        limit_gb = DISK_GB
    folder = _cache_folder()
    return _disk_cache(folder, limit_gb * GIGABYTE) if limit_gb > 0 and folder else None


@cache  # it counts what this process has written
def _disk_cache(folder: Path, limit_bytes: float) -> DiskCache:
    return DiskCache(folder, limit_bytes)


def _cache_folder() -> Path | None:
    """Return the folder of this program in the user's cache, by the conventions of each system."""
    try:
        home = Path.home()
    except RuntimeError:  # no home, as in some containers
        return None
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "image-to-soundscape" / "stems"


def _bytes_of(clip: Clip) -> bytes:
    file = io.BytesIO()
    np.savez(file, samples=clip.samples, sample_rate=clip.sample_rate, notes=json.dumps(clip.notes))
    return file.getvalue()
