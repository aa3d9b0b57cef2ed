"""Safe reading of files from users, only regular ones up to a size limit, and atomic writing."""

import hashlib
import math
import secrets
import stat
from pathlib import Path

from .errors import SoundscapeError

MAX_MEDIA_BYTES = 200_000_000  # a sound of 10 minutes has 106 MB, a bundle of 60 s with eight stems as much
MAX_DOCUMENT_BYTES = 1024 * 1024  # of soundscapes, manifests and scores; ours are far smaller


def check_file(path: Path, limit_bytes: int | None = None) -> None:
    """Raise SoundscapeError when the file does not exist or must not be read. The file is not opened.

    Only regular files may be read, because a named pipe or a device might never end. `limit_bytes` is the maximum size.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        raise SoundscapeError(f"There is no file {path.name}, or it cannot be reached. Check the path.") from None
    if not stat.S_ISREG(found.st_mode):
        raise SoundscapeError(f"{path.name} is not a regular file. Choose another one.")
    check_size(path.name, found.st_size, limit_bytes)


def check_size(name: str, size_bytes: int, limit_bytes: int | None) -> None:
    """Raise SoundscapeError when a file is larger than the limit, if there is one."""
    if limit_bytes is not None and size_bytes > limit_bytes:
        size_mb = math.ceil(size_bytes / 1_000_000)
        raise SoundscapeError(f"{name} has {size_mb} MB. Choose a file of at most {limit_bytes // 1_000_000} MB.")


def read_file(path: Path, limit_bytes: int | None = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a file. Raises SoundscapeError like `check_file`, and when it cannot be read."""
    check_file(path, limit_bytes)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 hash of a file of any size. Raises SoundscapeError like `read_file`."""
    check_file(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def write_file(path: Path, data: bytes) -> Path:
    """Write a file atomically: to a temporary file, which is then renamed. Return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _unreadable(path: Path, error: OSError) -> SoundscapeError:
    return SoundscapeError(f"{path.name} cannot be read: {error.strerror}.")
