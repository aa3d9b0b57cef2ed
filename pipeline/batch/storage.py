"""Storage of pictures and results: local folders, and every file system that fsspec supports (s3://, gs:// ...).

A `Place` is a pathlib.Path for a local file, and a UPath of universal_pathlib for a remote one. Both have the same
methods. A remote result is made in a temporary folder and then uploaded, manifest.json last: a result without its
manifest is not finished.
"""

import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.request import url2pathname

from ..errors import SoundscapeError
from ..files import MAX_DOCUMENT_BYTES, MAX_MEDIA_BYTES, check_file, check_size, read_file, sha256_of, write_file
from ..results.collection import INDEX, REPORTS
from ..results.result import BEFORE, MANIFEST, OURS, PICTURE, PROMPTS, SOUNDSCAPE, STEMS
from .listing import OTHER, is_of_system, local_files

if TYPE_CHECKING:  # universal_pathlib is optional
    from typing_extensions import TypeIs
    from upath import UPath

Place: TypeAlias = "Path | UPath"

REQUIREMENTS = "requirements-batch.txt"
LOCAL_PROTOCOLS = ("file", "local")
OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf")
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}  # drivers
DOWNLOADED = (SOUNDSCAPE, BEFORE, PROMPTS, MANIFEST, PICTURE)  # of a remote result; its sound is always made again


def place(text: "str | Place") -> Place:
    """Return the Path of a local file, or the UPath of an address such as s3://bucket/folder.

    Raises SoundscapeError when a package is missing, or the kind of address is unknown.
    """
    if not isinstance(text, str):
        return text
    protocol, separator, rest = text.partition("://")
    if not separator:
        return Path(text)
    if protocol in LOCAL_PROTOCOLS:
        return Path(url2pathname(rest.removeprefix("localhost")))
    try:
        from upath import UPath
    except ImportError as error:
        message = f"{text} cannot be reached without universal_pathlib. Run: pip install -r {REQUIREMENTS}"
        raise SoundscapeError(message) from error
    # A cached listing would hide files that other processes write.
    options: dict[str, Any] = {"use_listings_cache": False} if protocol in OBJECT_STORES else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # UPath warns about file systems that it has not been tested with
            remote: UPath = UPath(text, **options)
            _ = remote.fs  # imports the driver
        return remote
    except ImportError as error:
        package = PACKAGES.get(protocol)
        remedy = f"Run: pip install {package}" if package else str(error)
        raise SoundscapeError(f"{text} cannot be reached. {remedy}") from error
    except Exception as error:  # each file system raises its own errors
        raise SoundscapeError(f"{text} cannot be reached: {error}") from error


def is_local(path: Place) -> "TypeIs[Path]":
    """Return whether the file is on this machine and can be opened by its path."""
    return isinstance(path, Path)


def read_bytes(path: Place, limit_bytes: int | None = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a file, by default of a document.

    Raises FileNotFoundError, and SoundscapeError when it is larger than the limit or cannot be read.
    """
    if is_local(path):
        if not path.exists():
            raise FileNotFoundError(path)
        return read_file(path, limit_bytes)
    with _plain_errors(path, "read"):
        data: bytes = path.fs.cat_file(path.path) if _is_within(path, limit_bytes) else _up_to(path, limit_bytes)
        return data


def _is_within(path: "UPath", limit_bytes: int | None) -> bool:
    """Return whether a remote file is known to be small enough. Some file systems know no sizes.

    Raises SoundscapeError when it is too large, before it is downloaded.
    """
    if limit_bytes is None:
        return True
    size_bytes = path.fs.info(path.path).get("size")
    check_size(path.name, size_bytes or 0, limit_bytes)
    return size_bytes is not None


def _up_to(path: "UPath", limit_bytes: int | None) -> bytes:
    """Return the bytes of a remote file of unknown size. Raises SoundscapeError after the limit."""
    with path.fs.open(path.path, "rb") as file:
        data: bytes = file.read((limit_bytes or 0) + 1)
    check_size(path.name, len(data), limit_bytes)
    return data


def sha256(path: Place) -> str:
    """Return the hash of a file of any size. Raises SoundscapeError when it cannot be read."""
    with local_copy(path) as local:
        return sha256_of(local)


def write_bytes(path: Place, data: bytes) -> Place:
    """Write a file atomically, make its folders, and return its path."""
    if is_local(path):
        return write_file(path, data)
    with _plain_errors(path, "written"):
        _in_folder(path.parent, lambda: path.fs.pipe_file(path.path, data))
    return path


def remove(path: Place) -> None:
    """Remove a file, or a folder and all its contents. A missing one is no error."""
    if not is_local(path):
        with _plain_errors(path, "removed"):
            path.fs.invalidate_cache()
            if path.fs.exists(path.path):
                path.fs.rm(path.path, recursive=True)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def names(folder: Place) -> list[str]:
    """Return the sorted names of the files in a folder; an empty list when the folder does not exist."""
    if is_local(folder):
        return sorted(each.name for each in folder.iterdir() if each.is_file()) if folder.is_dir() else []
    with _plain_errors(folder, "read"):
        return sorted(_remote_files(folder, maxdepth=1))


def pictures(folder: Place, suffixes: tuple[str, ...], passed: "Counter[str] | None" = None) -> list[Place]:
    """Return all pictures in a folder and its subfolders, sorted by path. `passed` counts what was passed over.

    Hidden files and folders, those of systems, and the files of results are left out and not counted, because results
    may be in the same folder.
    """
    passed = Counter() if passed is None else passed
    found = local_files(folder, passed) if is_local(folder) else _listed(folder)
    chosen = {name for name in found if name.lower().endswith(suffixes) and not _is_part_of_result(name, found)}
    results = {name.removesuffix(SOUNDSCAPE) for name in found if f"/{name}".endswith(f"/{SOUNDSCAPE}")}
    passed[OTHER] += sum(not _is_written(name, results) for name in found - chosen)
    return [folder / name for name in sorted(chosen, key=lambda name: name.split("/"))]


def _is_written(name: str, results: set[str]) -> bool:
    """Return whether a file belongs to a result, or to the reports beside results."""
    *folders, last = name.split("/")
    starts = {"".join(f"{each}/" for each in folders[:depth]) for depth in range(len(folders) + 1)}
    return last in REPORTS or INDEX in folders or not results.isdisjoint(starts)


@contextmanager
def local_copy(path: Place, limit_bytes: int | None = None) -> Iterator[Path]:
    """Yield a local file: the file itself, or a temporary download with the same name.

    Raises SoundscapeError when the file must not be read, or is larger than the limit. Then it is not downloaded.
    """
    if is_local(path):
        check_file(path, limit_bytes)
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, path.name)
        try:
            with _plain_errors(path, "read"):
                if _is_within(path, limit_bytes):
                    path.fs.get_file(path.path, str(local))
                else:
                    local.write_bytes(_up_to(path, limit_bytes))
        except FileNotFoundError:
            raise SoundscapeError(f"There is no file {path}.") from None
        yield local


@contextmanager
def working_folder(folder: Place) -> Iterator[Path]:
    """Yield a local folder in which to make or change the result that belongs in `folder`.

    A remote result is uploaded at the end, unless an exception was raised. Its stems are not downloaded: a folder that
    holds stems at the end holds a new result, which replaces the old one and whose manifest is uploaded last.
    """
    if is_local(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        local = Path(temporary, folder.name)
        local.mkdir()
        for name, data in _downloaded(folder).items():
            (local / name).write_bytes(data)
        before = _hashes(local)
        yield local
        after = _hashes(local)
        with _plain_errors(folder, "written"):
            _upload(local, folder, [name for name in sorted(after) if before.get(name) != after[name]])


def _downloaded(folder: "UPath") -> dict[str, bytes]:
    files = {}
    for name in DOWNLOADED:
        try:
            files[name] = read_bytes(folder / name, MAX_MEDIA_BYTES)
        except FileNotFoundError:
            continue
    return files


def _hashes(folder: Path) -> dict[str, str]:
    return {name: sha256_of(folder / name) for name in local_files(folder)}


def _upload(local: Path, folder: "UPath", changed: list[str]) -> None:
    """Upload the changed files. A new result first loses its old manifest, and gets the new one last."""
    is_new = (local / STEMS).is_dir()
    if is_new:
        remove(folder / MANIFEST)
    first = [name for name in changed if name != MANIFEST]
    if first:
        sources, targets = [str(local / name) for name in first], [(folder / name).path for name in first]
        _in_folder(folder / STEMS if is_new else folder, lambda: folder.fs.put(sources, targets))
    if is_new:
        existing = {*OURS.intersection(names(folder)), *(f"{STEMS}/{name}" for name in names(folder / STEMS))}
        for name in existing - local_files(local):
            remove(folder / name)
    if MANIFEST in changed:
        folder.fs.put_file(str(local / MANIFEST), (folder / MANIFEST).path)


def _in_folder(folder: "UPath", write: Callable[[], object]) -> None:
    """Call `write`, and make the folder only if it is missing. In an object store that would make a bucket instead."""
    try:
        write()
    except FileNotFoundError:
        if folder.protocol in OBJECT_STORES:
            raise
        folder.fs.makedirs(folder.path, exist_ok=True)
        write()


def _listed(folder: "UPath") -> set[str]:
    with _plain_errors(folder, "read"):
        found = _remote_files(folder)
    return {name for name in found if not any(map(is_of_system, name.split("/")))}


def _remote_files(folder: "UPath", maxdepth: int | None = None) -> set[str]:
    """Return the files below a folder with a single listing, which an object store gives for a whole tree."""
    folder.fs.invalidate_cache()
    root = folder.fs._strip_protocol(folder.path).rstrip("/")
    found = folder.fs.find(root, maxdepth=maxdepth)
    return {name.removeprefix(root).lstrip("/") for name in found if name.rstrip("/") != root}


def _is_part_of_result(name: str, found: set[str]) -> bool:
    """Return whether a picture is the copy in a result folder, or a thumbnail beside an index.html."""
    *folders, last = name.split("/")
    if last == PICTURE and "/".join([*folders, SOUNDSCAPE]) in found:
        return True
    starts = [folders[:depth] for depth, folder in enumerate(folders) if folder == INDEX]
    return any("/".join([*start, "index.html"]) in found for start in starts)


@contextmanager
def _plain_errors(path: Place, what: str) -> Iterator[None]:
    """Raise every error of a remote file system as SoundscapeError. A missing file stays FileNotFoundError on reading.

    Each file system has its own classes of errors.
    """
    try:
        yield
    except SoundscapeError:
        raise
    except Exception as error:
        if what == "read" and isinstance(error, FileNotFoundError):
            raise
        raise SoundscapeError(f"{path} could not be {what}: {error or type(error).__name__}") from error
