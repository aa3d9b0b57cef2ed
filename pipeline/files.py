"""Safe reading of files from users, only regular ones up to a size limit, and atomic writing."""

import errno
import hashlib
import math
import os
import secrets
import stat
from io import BufferedReader
from pathlib import Path

from .errors import SoundscapeError

MAX_MEDIA_BYTES = 200_000_000  # a sound of 10 minutes has 106 MB, a bundle of 60 s with eight stems as much
MAX_DOCUMENT_BYTES = 1024 * 1024  # of soundscapes, manifests and scores; ours are far smaller

# Marks of a file whose content is only in the cloud. Reading it would start a download, or never end without a network.
_WINDOWS_RECALL = 0x1000 | 0x40000 | 0x400000  # FILE_ATTRIBUTE_OFFLINE, _RECALL_ON_OPEN, _RECALL_ON_DATA_ACCESS
_MACOS_DATALESS = 0x40000000  # SF_DATALESS
ICLOUD = ".icloud"  # before macOS 14, `.photo.jpg.icloud` stands for photo.jpg

# A pipe without a writer would block the program as soon as it is opened.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FULL_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)


def is_full_disk(error: BaseException) -> bool:
    """True when the disk, or the share of it that this user may fill, is full."""
    return isinstance(error, OSError) and error.errno in _FULL_DISK_ERRORS


def check_file(path: Path, limit_bytes: int | None = None) -> None:
    """Raise SoundscapeError when the file does not exist or must not be read. The file is not opened.

    Only regular files may be read, because a named pipe or a device might never end. Nor may a file be read whose
    content is only in the cloud. `limit_bytes` is the maximum size.
    """
    try:
        _check(path, path.stat(), limit_bytes)
    except (OSError, ValueError) as error:
        raise _missing(path, error) from None


def _check(path: Path, found: os.stat_result, limit_bytes: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SoundscapeError(f"{path.name} is not a regular file. Choose another one.")
    attributes, flags = getattr(found, "st_file_attributes", 0), getattr(found, "st_flags", 0)
    if attributes & _WINDOWS_RECALL or flags & _MACOS_DATALESS:
        raise _in_the_cloud(path)
    check_size(path.name, found.st_size, limit_bytes)


def check_size(name: str, size_bytes: int, limit_bytes: int | None) -> None:
    """Raise SoundscapeError when a file is larger than the limit, if there is one."""
    if limit_bytes is not None and size_bytes > limit_bytes:
        size_mb = math.ceil(size_bytes / 1_000_000)
        raise SoundscapeError(f"{name} has {size_mb} MB. Choose a file of at most {limit_bytes // 1_000_000} MB.")


def open_file(path: Path, limit_bytes: int | None = None) -> BufferedReader:
    """Open a file for reading. Raises SoundscapeError like `check_file`, and when it cannot be opened.

    The checks are repeated on the open file, in case another one took its place. Opening never blocks.
    """
    check_file(path, limit_bytes)
    try:
        file = open(path, "rb", opener=lambda name, _: os.open(name, _READ))  # noqa: SIM115
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        _check(path, os.fstat(file.fileno()), limit_bytes)
    except BaseException:
        file.close()
        raise
    return file


def read_file(path: Path, limit_bytes: int | None = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a file. Raises SoundscapeError like `open_file`, and when it cannot be read."""
    try:
        with open_file(path, limit_bytes) as file:
            return file.read()
    except OSError as error:
        raise _unreadable(path, error) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 hash of a file of any size. Raises SoundscapeError like `read_file`."""
    try:
        with open_file(path) as file:
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


def _missing(path: Path, error: OSError | ValueError) -> SoundscapeError:
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return _unreadable(path, error)
    if isinstance(error, FileNotFoundError) and path.with_name(f".{path.name}{ICLOUD}").exists():
        return _in_the_cloud(path)
    return SoundscapeError(f"There is no file {path.name}, or it cannot be reached. Check the path.")


def _in_the_cloud(path: Path) -> SoundscapeError:
    return SoundscapeError(f"{path.name} is only in the cloud. Download it to this computer, then try again.")


def _unreadable(path: Path, error: OSError) -> SoundscapeError:
    return SoundscapeError(f"{path.name} cannot be read: {error.strerror}.")
