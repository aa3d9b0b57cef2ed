"""Where pictures are read and results are written: a local folder, or any file system that fsspec knows (s3://, gs://).

A local place is a pathlib.Path, any other one a UPath of universal_pathlib, which looks the same. A remote result is
made in a temporary folder and uploaded, manifest.json last: a result without its manifest is not finished.
"""

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import url2pathname

from ..errors import SoundscapeError
from ..files import read_file, sha256_of
from ..results.collection import INDEX
from ..results.result import BEFORE, MANIFEST, OURS, PICTURE, PROMPTS, SOUNDSCAPE, STEMS, write_file

REQUIREMENTS = "requirements-batch.txt"
LOCAL_PROTOCOLS = ("file", "local")
OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf")
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}  # drivers
FETCHED = (SOUNDSCAPE, BEFORE, PROMPTS, MANIFEST, PICTURE)  # of a remote result that is remade; its sound is made again

_log = logging.getLogger("pipeline")


def place(text: str | Path) -> Path:
    """Return the place that is meant: a Path for a local one, a UPath for an address such as s3://bucket/folder.

    Raises SoundscapeError when a package that reaches it is missing, or nobody knows that kind of address.
    """
    if not isinstance(text, str):
        return text
    protocol, mark, rest = text.partition("://")
    if not mark:
        return Path(text)
    if protocol in LOCAL_PROTOCOLS:
        return Path(url2pathname(rest.removeprefix("localhost")))
    try:
        from upath import UPath
    except ImportError as error:
        message = f"{text} cannot be reached without universal_pathlib. Run: pip install -r {REQUIREMENTS}"
        raise SoundscapeError(message) from error
    # A listing that is kept would hide what other processes write meanwhile.
    options = {"use_listings_cache": False} if protocol in OBJECT_STORES else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that nobody has tested it with this file system
            remote = UPath(text, **options)
            _ = remote.fs  # imports the driver
        return remote
    except ImportError as error:
        package = PACKAGES.get(protocol)
        remedy = f"Run: pip install {package}" if package else str(error)
        raise SoundscapeError(f"{text} cannot be reached. {remedy}") from error
    except Exception as error:  # each file system has errors of its own
        raise SoundscapeError(f"{text} cannot be reached: {error}") from error


def is_local(path: Path) -> bool:
    """True when the files lie on this machine and can be opened by path."""
    return isinstance(path, Path)


def read_bytes(path: Path) -> bytes:
    """Read a document. Raises FileNotFoundError when there is none, and SoundscapeError when it cannot be reached."""
    if is_local(path):
        if not path.exists():
            raise FileNotFoundError(path)
        return read_file(path)
    with _told(path, "read"):
        return path.fs.cat_file(path.path)


def sha256(path: Path) -> str:
    """Return the hash of a file of any size. Raises SoundscapeError when it cannot be read."""
    with local_copy(path) as local:
        return sha256_of(local)


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file with its folders, so that nobody ever reads half of it; return its path."""
    if is_local(path):
        return write_file(path, data)
    with _told(path, "written"):
        _in_folder(path.parent, lambda: path.fs.pipe_file(path.path, data))
    return path


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing happens when it is not there."""
    if not is_local(path):
        with _told(path, "removed"):
            path.fs.invalidate_cache()
            if path.fs.exists(path.path):
                path.fs.rm(path.path, recursive=True)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder, sorted; none when there is no such folder."""
    if is_local(folder):
        return sorted(each.name for each in folder.iterdir() if each.is_file()) if folder.is_dir() else []
    with _told(folder, "read"):
        return sorted(_remote_files(folder, maxdepth=1))


def pictures(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return every picture in a folder and the folders in it, sorted by path.

    Hidden files, hidden folders and what belongs to results are left out: results may lie among the pictures.
    """
    found = _local_files(folder) if is_local(folder) else _listed(folder)
    chosen = [name for name in found if name.lower().endswith(suffixes) and not _is_part_of_result(name, found)]
    return [folder / name for name in sorted(chosen, key=lambda name: name.split("/"))]


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """Give a local file: the file itself, or for this while a download of the same name."""
    if is_local(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, path.name)
        try:
            with _told(path, "read"):
                path.fs.get_file(path.path, str(local))
        except FileNotFoundError:
            raise SoundscapeError(f"There is no file {path}.") from None
        yield local


@contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """Give a local folder in which to make or change the result that belongs in `folder`.

    A remote one is uploaded when all went well. Its stems are not fetched: stems in it are those of a new result, whose
    manifest comes last, and which takes the place of all that was there.
    """
    if is_local(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        local = Path(temporary, folder.name)
        local.mkdir()
        for name, data in _fetched(folder).items():
            (local / name).write_bytes(data)
        before = _hashes(local)
        yield local
        after = _hashes(local)
        with _told(folder, "written"):
            _upload(local, folder, [name for name in sorted(after) if before.get(name) != after[name]])


def _fetched(folder: Path) -> dict[str, bytes]:
    files = {}
    for name in FETCHED:
        try:
            files[name] = read_bytes(folder / name)
        except FileNotFoundError:
            continue
    return files


def _hashes(folder: Path) -> dict[str, str]:
    return {name: sha256_of(folder / name) for name in _local_files(folder)}


def _upload(local: Path, folder: Path, changed: list[str]) -> None:
    """Upload what changed. Without its manifest a result is not finished, so that goes first and comes last."""
    is_new = (local / STEMS).is_dir()
    if is_new:
        remove(folder / MANIFEST)
    first = [name for name in changed if name != MANIFEST]
    if first:
        sources, targets = [str(local / name) for name in first], [(folder / name).path for name in first]
        _in_folder(folder / STEMS if is_new else folder, lambda: folder.fs.put(sources, targets))
    if is_new:
        there = {*OURS.intersection(names(folder)), *(f"{STEMS}/{name}" for name in names(folder / STEMS))}
        for name in there - _local_files(local):
            remove(folder / name)
    if MANIFEST in changed:
        folder.fs.put_file(str(local / MANIFEST), (folder / MANIFEST).path)


def _in_folder(folder: Path, write: Callable[[], object]) -> None:
    """Write; make the folder only when it is missed. Object stores have none, and would make a bucket instead."""
    try:
        write()
    except FileNotFoundError:
        if folder.protocol in OBJECT_STORES:
            raise
        folder.fs.makedirs(folder.path, exist_ok=True)
        write()


def _local_files(folder: Path) -> set[str]:
    """Return the files in a folder and the folders in it as a/b/c, hidden ones left out."""
    found: set[str] = set()
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        start = Path(parent).relative_to(folder)
        found.update((start / name).as_posix() for name in files if not name.startswith("."))
    return found


def _unreadable(error: OSError) -> None:
    _log.warning("%s: skipped: %s", error.filename, error.strerror)


def _listed(folder: Path) -> set[str]:
    with _told(folder, "read"):
        found = _remote_files(folder)
    return {name for name in found if not any(part.startswith(".") for part in name.split("/"))}


def _remote_files(folder: Path, maxdepth: int | None = None) -> set[str]:
    """One listing, which an object store gives for a whole tree at once."""
    folder.fs.invalidate_cache()
    root = folder.fs._strip_protocol(folder.path).rstrip("/")
    found = folder.fs.find(root, maxdepth=maxdepth)
    return {name.removeprefix(root).lstrip("/") for name in found if name.rstrip("/") != root}


def _is_part_of_result(name: str, found: set[str]) -> bool:
    """True for the copy of the picture in a result, and for thumbnails beside an index.html."""
    *folders, last = name.split("/")
    if last == PICTURE and "/".join([*folders, SOUNDSCAPE]) in found:
        return True
    starts = [folders[:depth] for depth, folder in enumerate(folders) if folder == INDEX]
    return any("/".join([*start, "index.html"]) in found for start in starts)


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """Turn the errors of remote file systems, which have classes of their own, into sentences."""
    try:
        yield
    except SoundscapeError:
        raise
    except Exception as error:
        if what == "read" and isinstance(error, FileNotFoundError):
            raise
        raise SoundscapeError(f"{path} could not be {what}: {error or type(error).__name__}") from error
