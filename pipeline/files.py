"""Reading files that somebody names: regular files only, up to a size, and large ones in blocks."""

import hashlib
import math
import stat
from pathlib import Path

from .errors import SoundscapeError

MAX_DOCUMENT_BYTES = 1024 * 1024  # soundscapes, manifests, scores: ours are far smaller


def check_file(path: Path, limit_bytes: int | None = None) -> None:
    """Raise SoundscapeError when there is no such file, or one that must not be opened. Nothing is opened.

    A named pipe or a device might never end. `limit_bytes` is the largest size that makes sense for the file.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        raise SoundscapeError(f"There is no file {path.name}, or it cannot be reached.") from None
    if not stat.S_ISREG(found.st_mode):
        raise SoundscapeError(f"{path.name} is no regular file, so it is not read.")
    if limit_bytes is not None and found.st_size > limit_bytes:
        size_mb = math.ceil(found.st_size / 1_000_000)
        raise SoundscapeError(f"{path.name} has {size_mb} MB. It may have at most {limit_bytes // 1_000_000} MB.")


def read_file(path: Path, limit_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a file. Raises SoundscapeError as `check_file` does, and when it cannot be read."""
    check_file(path, limit_bytes)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def sha256_of(path: Path) -> str:
    """Return the hash of a file of any size, which is read in blocks. Raises SoundscapeError as `read_file` does."""
    check_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SoundscapeError:
    return SoundscapeError(f"{path.name} cannot be read: {error.strerror}.")
