"""The files in a folder and its subfolders: what people put there, without what systems put there for themselves."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..files import ICLOUD

# Thumbnails, indexes, waste baskets, earlier versions and metadata, in lower case. Names that begin with a dot are left
# out anyway; so are these: .Spotlight-V100, .Trashes, .fseventsd, .AppleDouble, .@__thumb, .thumbnails, .dropbox.cache,
# .stversions, ._photo.jpg
SYSTEM_FOLDERS = frozenset(
    {
        "@eadir",  # Synology
        "@recycle",  # QNAP
        "@recently-snapshot",
        "@sharebin",
        "@tmp",
        "#recycle",
        "#snapshot",
        "~snapshot",  # NetApp
        "$recycle.bin",  # Windows
        "$extend",
        "recycler",
        "recycled",
        "system volume information",
        "found.000",
        "__macosx",  # macOS
        "network trash folder",
        "temporary items",
        "thevolumesettingsfolder",
        "lost+found",  # Linux
        "lost.dir",  # Android
        "__pycache__",
    }
)
SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "picasa.ini"})
OTHER, LINKS, UNREADABLE = "of other kinds", "links not followed", "unreadable"  # what is passed over

_log = logging.getLogger("pipeline")


def is_of_system(name: str) -> bool:
    """Return whether a file or folder is hidden, or made by a system or a network drive."""
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS or name.lower() in SYSTEM_FILES


def sum_up(passed: "Counter[str]") -> str:
    """Return what was passed over as a sentence, "" if nothing was."""
    words = {
        OTHER: ("file of another kind", "files of other kinds"),
        LINKS: ("link to a folder not followed", "links to folders not followed"),
        UNREADABLE: ("folder that cannot be read", "folders that cannot be read"),
    }
    parts = [f"{passed[kind]:,} {words[kind][passed[kind] > 1]}" for kind in words if passed[kind]]
    return f"Passed over: {', '.join(parts)}." if parts else ""


def local_files(folder: Path, passed: "Counter[str] | None" = None) -> set[str]:
    """Return the files in a local folder and its subfolders as a/b/c. `passed` counts folders that were passed over.

    Links to folders are followed after all real folders, and no folder is read twice, so loops end. A folder that holds
    `folder` itself is not entered. A placeholder of iCloud is returned under the name of its file.
    """
    return set(_Walk(folder, Counter() if passed is None else passed).files())


@dataclass
class _Walk:
    root: Path
    passed: "Counter[str]"
    links: list[str] = field(default_factory=list)
    seen: set[tuple[int, int] | str] = field(default_factory=set)

    def files(self) -> Iterator[str]:
        above = {_identity(str(parent)) for parent in self.root.resolve().parents}
        yield from self._below("")
        while self.links:
            waiting, self.links = sorted(self.links), []
            for link in waiting:
                try:
                    is_new = _identity(str(self.root / link)) not in above | self.seen
                except OSError:
                    is_new = False
                if is_new:
                    yield from self._below(f"{link}/")
                else:
                    self.passed[LINKS] += 1

    def _below(self, start: str) -> Iterator[str]:
        waiting = [start]
        while waiting:
            start = waiting.pop()
            try:
                identity = _identity(str(self.root / start))
                if identity in self.seen:  # a second mount of the same folder
                    continue
                self.seen.add(identity)
                with os.scandir(self.root / start) as entries:
                    found = list(entries)
            except OSError as error:
                self.passed[UNREADABLE] += 1
                _log.warning("%s: skipped: %s", self.root / start, error.strerror)
                continue
            for entry in found:
                name = _file_of_placeholder(entry.name)
                if is_of_system(name):
                    continue
                if not _is_folder(entry):
                    yield start + name
                elif entry.is_symlink():
                    self.links.append(start + name)
                else:
                    waiting.append(f"{start}{name}/")


def _file_of_placeholder(name: str) -> str:
    """Return photo.jpg for .photo.jpg.icloud, and other names as they are."""
    return name[1 : -len(ICLOUD)] if name.startswith(".") and name.endswith(ICLOUD) else name


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False


def _identity(path: str) -> tuple[int, int] | str:
    """Return what is equal for all paths of one folder. Some network drives have no inodes."""
    found = os.stat(path)  # noqa: PTH116
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
