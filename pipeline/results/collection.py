"""The reader of result trees, for the overview, the study and the app.

It reads only the small JSON files, one result at a time, so thousands of results take little time and memory.
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..files import read_file
from ..soundscape import Soundscape
from .result import MANIFEST, MAX_MANIFEST_BYTES, MIX, SOUNDSCAPE, STEMS, read_result

COHERENCE = "coherence.json"  # scores by CLAP, CLIP and PE-AV, in the result folder
FAILURES = "failures.jsonl"  # at the root of the tree: one line per picture that failed
REPORTS = (FAILURES, "index.html", "summary.csv", "results.parquet")  # files at the root of the tree
INDEX = "_index"  # folder with the files of the overview page; no result has this name

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One complete result: its folder, its name in the tree ("dog/001"), and the content of its JSON files."""

    folder: Path
    name: str
    soundscape: Soundscape
    manifest: dict[str, Any]
    coherence: dict[str, Any] | None = None


def read_collection(root: Path) -> Iterator[Entry]:
    """Yield the results below `root`, sorted by path. If `root` is a result itself, it is the only one.

    Incomplete and damaged results are skipped and logged. Raises SoundscapeError when the folder does not exist.
    """
    if not root.is_dir():
        raise SoundscapeError(f"There is no folder {root}. Check the path.")
    return _entries(root)


def read_failures(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the pictures that failed, each with `picture`, `stage` and `error`. Invalid lines are skipped."""
    path = root / FAILURES
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                failure = json.loads(line)
            except (ValueError, RecursionError):
                failure = None
            if isinstance(failure, dict):
                yield failure
            elif line.strip():
                _log.warning("%s, line %d: skipped because it is incomplete", FAILURES, number)


def _entries(root: Path) -> Iterator[Entry]:
    for folder in _folders(root):
        name = folder.relative_to(root).as_posix()
        try:
            entry = _read_entry(folder, root.resolve().name if folder == root else name)
        except SoundscapeError as error:
            _log.warning("%s: skipped: %s", name, " ".join(str(error).split()))
            continue
        if entry:
            yield entry


def _folders(folder: Path) -> Iterator[Path]:
    """Yield the folder and all subfolders, sorted by path. Links are not followed; they may form a cycle."""
    yield folder
    try:
        with os.scandir(folder) as found:
            names = sorted(each.name for each in found if each.is_dir(follow_symlinks=False) and _may_hold(each.name))
    except OSError as error:
        _log.warning("%s: skipped: %s", folder.name, error.strerror)
        return
    for name in names:
        yield from _folders(folder / name)


def _may_hold(name: str) -> bool:
    return name not in (STEMS, INDEX) and not name.startswith(".")


def _read_entry(folder: Path, name: str) -> Entry | None:
    """Return the result in a folder, None if the folder holds no result, or a description without sound.

    Raises SoundscapeError when a file is missing or damaged.
    """
    sizes = {each: size for each in (SOUNDSCAPE, MANIFEST, MIX) if (size := _size(folder / each)) is not None}
    if MANIFEST not in sizes and MIX not in sizes:
        if SOUNDSCAPE in sizes:
            _log.info("%s: skipped: it has a description and no sound yet", name)
        return None
    for each in (SOUNDSCAPE, MANIFEST, MIX):
        if each not in sizes:
            raise SoundscapeError(f"{each} is missing.")
    if max(sizes[SOUNDSCAPE], sizes[MANIFEST]) > MAX_MANIFEST_BYTES:
        raise SoundscapeError(f"It is damaged: {SOUNDSCAPE} or {MANIFEST} is too large.")
    finished = read_result(folder)
    if not isinstance(finished.manifest, dict):
        raise SoundscapeError(f"Its {MANIFEST} is damaged.")
    return Entry(folder, name, finished.soundscape, finished.manifest, _coherence(folder, name))


def _size(path: Path) -> int | None:
    """Return the size in bytes of a file, None when there is no such file."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def _coherence(folder: Path, name: str) -> dict[str, Any] | None:
    path = folder / COHERENCE
    if not path.is_file():
        return None
    try:
        scores = json.loads(read_file(path))
    except (SoundscapeError, ValueError, RecursionError):
        scores = None
    if not isinstance(scores, dict):
        _log.warning("%s: %s is damaged and was ignored", name, COHERENCE)
        return None
    return scores
