"""A tree of results, read one at a time: what the overview, the study and the app look through.

Only the small JSON files are read, so that thousands of results cost little time and no memory.
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

COHERENCE = "coherence.json"  # scores by models, in the result folder
FAILURES = "failures.jsonl"  # of the whole tree: one line for each picture that could not be done
INDEX = "_index"  # what the overview needs beside its page; no result has that name

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One whole result: its folder, its name within the tree ("dog/001"), and what its JSON files say."""

    folder: Path
    name: str
    soundscape: Soundscape
    manifest: dict[str, Any]
    coherence: dict[str, Any] | None = None


def read_collection(root: Path) -> Iterator[Entry]:
    """Give the results below `root`, in the order of their paths; a root that is a result itself is the only one.

    What is no whole result is skipped, with a line in the log. Raises SoundscapeError when there is no such folder.
    """
    if not root.is_dir():
        raise SoundscapeError(f"There is no folder {root}.")
    return _entries(root)


def read_failures(root: Path) -> Iterator[dict[str, Any]]:
    """Give the pictures that could not be done: `picture`, `stage` and `error` each. Torn lines are skipped."""
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
                _log.warning("%s, line %d: skipped, it is not whole", FAILURES, number)


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
    """Give the folder and all below it in the order of their paths, without following links, which may go round."""
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
    """Return the result in a folder, None when it is a folder of results, or a description that waits for its sound.

    Raises SoundscapeError when something in it is missing or damaged.
    """
    sizes = {each: _size(folder / each) for each in (SOUNDSCAPE, MANIFEST, MIX)}
    if sizes[MANIFEST] is None and sizes[MIX] is None:
        if sizes[SOUNDSCAPE] is not None:
            _log.info("%s: skipped: it is described and not heard yet", name)
        return None
    for each, size in sizes.items():
        if size is None:
            raise SoundscapeError(f"There is no {each} in it.")
    if max(sizes[SOUNDSCAPE], sizes[MANIFEST]) > MAX_MANIFEST_BYTES:
        raise SoundscapeError("It is damaged: a description or manifest is not that large.")
    finished = read_result(folder)
    if not isinstance(finished.manifest, dict):
        raise SoundscapeError(f"Its {MANIFEST} is damaged.")
    return Entry(folder, name, finished.soundscape, finished.manifest, _coherence(folder, name))


def _size(path: Path) -> int | None:
    """Return the bytes of a file, None when there is none."""
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
        _log.warning("%s: its %s cannot be read and is left out", name, COHERENCE)
        return None
    return scores
