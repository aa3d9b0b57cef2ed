"""The results in a folder tree of this machine, listed on the page if the app was started with that folder."""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..results.collection import Entry, read_collection
from ..results.result import PICTURE
from . import fragments

SHOWN_AT_ONCE = 24
READ_AGAIN_S = 30  # a batch may be adding results
MAX_QUERY = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """One result on the page. A search looks through `words`."""

    folder: Path
    name: str
    scene: str
    words: str


class Shelf:
    """The results below a folder. They are read on the first look, and again once READ_AGAIN_S have passed."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise SoundscapeError(f"There is no folder {root}. Give the folder that holds the results of a run.")
        self._root = root
        self._items: dict[str, Item] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Read the tree in advance; thousands of results take seconds."""
        if not self._all(may_read=True):
            _log.warning("%s holds no finished results yet. They appear on the page once there are some.", self._root)

    def look(self, asked: Any) -> dict[str, Any]:
        """Return the number of results that contain all words of the query, and the items of one page of them.

        `asked` comes from a browser: {"query": text, "start": index of the first item}.
        """
        query, start = (asked.get("query"), asked.get("start")) if isinstance(asked, dict) else (None, None)
        if not isinstance(query, str) or not isinstance(start, int) or start < 0:
            return {"total": 0, "items": []}
        wanted = query[:MAX_QUERY].lower().split()
        found = [item for item in self._all(may_read=start == 0).values() if all(word in item.words for word in wanted)]
        return {"total": len(found), "items": [_shown(item) for item in found[start : start + SHOWN_AT_ONCE]]}

    def folder_of(self, name: Any) -> Path:
        """Return the folder of the result with that name. Raises SoundscapeError if there is none."""
        item = self._all(may_read=False).get(name) if isinstance(name, str) else None
        if item is None:
            raise SoundscapeError("There is no such result any more. Please reload the page.")
        return item.folder

    def _all(self, may_read: bool) -> dict[str, Item]:
        with self._lock:
            age_s = time.monotonic() - self._read_at
            if age_s > READ_AGAIN_S and (may_read or not self._items):
                self._items = {entry.name: _item(entry) for entry in read_collection(self._root)}
                self._read_at = time.monotonic()
                _log.info("%d results in %s", len(self._items), self._root.name)
            return self._items


def _item(entry: Entry) -> Item:
    soundscape = entry.soundscape
    words = [entry.name, soundscape.scene, soundscape.mood, soundscape.space]
    words += [f"{source.name} {source.material} {source.action}" for source in soundscape.sources]
    return Item(entry.folder, entry.name, soundscape.scene, " ".join(words).lower())


def _shown(item: Item) -> dict[str, str]:
    return {"name": item.name, "scene": item.scene, "thumbnail": _thumbnail_of(item.folder / PICTURE)}


def _thumbnail_of(path: Path) -> str:
    try:
        return _thumbnail(path, path.stat().st_mtime_ns)
    except OSError:
        return ""  # a result may have no picture


@lru_cache(maxsize=1000)
def _thumbnail(path: Path, changed_ns: int) -> str:
    """Return the thumbnail of a picture; `changed_ns` makes a changed picture another one."""
    try:
        return fragments.thumbnail(path)
    except SoundscapeError as error:
        _log.info("No thumbnail of %s: %s", path.parent.name, error)
        return ""
