"""Thumbnails and spectrograms. Their names are hashes of what they show, so an existing file is up to date."""

import hashlib
import io
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import SoundscapeError
from ..files import write_file
from ..picture import load_picture
from ..results.collection import INDEX
from ..results.result import MIX, PICTURE

THUMBNAIL_PX = (600, 600)  # twice the width of a card, for high-density screens
QUALITY, METHOD = 75, 2  # WebP: a third of the default's time for about 7 % more bytes
OURS = re.compile(r"[0-9a-f]{24}\.(webp|js)|\..+\.part")

_log = logging.getLogger(__name__)


def thumbnail_name(sha256: str) -> str:
    """Return the path, relative to the index folder, of the thumbnail of the picture with this hash."""
    return _name(f"thumbnail {THUMBNAIL_PX} {QUALITY}", sha256)


def spectrogram_name(sha256: str) -> str:
    """Return the path, relative to the index folder, of the spectrogram of the sound with this hash."""
    return _name(f"spectrogram {QUALITY}", sha256)


def _name(kind: str, sha256: str) -> str:
    digest = hashlib.blake2b(f"{kind} {sha256}".encode("utf-8", "replace"), digest_size=12).hexdigest()
    return f"{digest[:2]}/{digest}.webp"  # 256 folders: a single folder with a million files would be slow


def draw_missing(root: Path, rows: Iterable[dict[str, Any]], on_done: Callable[[int], None]) -> None:
    """Draw the missing files of each record; `on_done` gets the number of finished ones. Skip damaged files."""
    workers = min(os.cpu_count() or 1, 8)  # threads: decoding, FFTs and encoding release the GIL
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[None]] = deque()
        done = 0
        try:
            for row in rows:
                waiting.append(pool.submit(_draw, root, row))
                while len(waiting) > 4 * workers:  # bounds the queue, and with it the memory
                    waiting.popleft().result()
                    done += 1
                    on_done(done)
            while waiting:
                waiting.popleft().result()
                done += 1
                on_done(done)
        finally:
            for each in waiting:
                each.cancel()


def forget_others(root: Path, kept: set[str]) -> None:
    """Remove the files in the index folder that an earlier overview wrote and that are not in `kept`."""
    for path in _files(root / INDEX):
        if OURS.fullmatch(path.name) and path.relative_to(root / INDEX).as_posix() not in kept:
            path.unlink(missing_ok=True)


def _draw(root: Path, row: dict[str, Any]) -> None:
    folder = root / row["path"]
    for name, drawing, source in (
        (row["thumbnail"], _thumbnail, folder / PICTURE),
        (row["spectrogram"], _spectrogram, folder / MIX),
    ):
        place = root / INDEX / name
        if name and not place.is_file():
            try:
                data = drawing(source)
            except (SoundscapeError, OSError, ValueError, RuntimeError) as error:
                _log.warning("%s: %s cannot be drawn: %s", row["name"], source.name, type(error).__name__)
            else:
                write_file(place, data)


def _thumbnail(path: Path) -> bytes:
    picture = load_picture(path)
    picture.thumbnail(THUMBNAIL_PX, Image.Resampling.LANCZOS)
    return _webp(picture)


def _spectrogram(path: Path) -> bytes:
    from ..audio import read_wav
    from ..results.spectrogram import spectrogram

    return _webp(spectrogram(read_wav(path).samples))


def _webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=METHOD)
    return file.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for place, _, names in os.walk(folder):
            yield from (Path(place) / name for name in names)
