"""The folder of one result, its ZIP bundle, and the way back from either.

A result is written beside its place and renamed, so a folder that is there with its manifest is whole.
"""

import hashlib
import io
import json
import mmap
import os
import re
import secrets
import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ..audio import Clip, wav_bytes
from ..errors import SoundscapeError
from ..files import MAX_DOCUMENT_BYTES, check_file, read_file
from ..soundscape import Soundscape, Source
from ..synthesize import Stem

MIX = "mix.wav"
STEMS = "stems"
SOUNDSCAPE = "soundscape.json"
PROMPTS = "prompts.json"
MANIFEST = "manifest.json"
PICTURE = "picture.jpg"
JPEG_QUALITY = 90
BEFORE = "soundscape.before.json"  # the description that stood here before, when another one took its place
COHERENCE = ("coherence.json", "coherence.npz")  # scores by models: of the sound that is there, so they go with it
OURS = {MIX, STEMS, SOUNDSCAPE, PROMPTS, MANIFEST, PICTURE, *COHERENCE}
MAX_NAME = 60  # characters: well below what every file system and ZIP reader takes
_BESIDE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<kind>part|old)")  # where things are written at first
MAX_MANIFEST_BYTES = MAX_DOCUMENT_BYTES  # read from a bundle that somebody hands us
MAX_MEMBERS = 200  # of a ZIP; a result has 15, whoever packs its folder anew adds some
_ENTRY_OF_ZIP = b"PK\x01\x02"


@dataclass(frozen=True)
class Finished:
    """What was written before: the document, and how the sound was made."""

    soundscape: Soundscape
    manifest: dict[str, Any]


def write_result(
    folder: Path,
    *,
    soundscape: Soundscape,
    clip: Clip,
    stems: tuple[Stem, ...],
    prompts: list[dict[str, Any]],
    manifest: dict[str, Any],
    picture: Image.Image | None,
) -> dict[str, Any]:
    """Write the whole folder, in place of a result that was there, and return the manifest with the files' hashes.

    Files that are not ours stay, and so do earlier descriptions that differ, the last one as soundscape.before.json.
    """
    files = {SOUNDSCAPE: soundscape.to_json().encode(), PROMPTS: _json_bytes(prompts), MIX: wav_bytes(clip)}
    for number, (name, stem) in enumerate(zip(stem_names(soundscape, stems), stems, strict=True), 1):
        # Each has dither of its own, so that it does not add up when somebody adds up the stems.
        files[f"{STEMS}/{name}"] = wav_bytes(stem.clip, dither_seed=number)
    if picture is not None:
        files[PICTURE] = _jpeg_bytes(picture)
    hashes = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    manifest = manifest | {"files": hashes}
    with _beside(folder) as place:
        (place / STEMS).mkdir(parents=True)
        for name, data in (files | {MANIFEST: _json_bytes(manifest)} | _earlier(folder, soundscape)).items():
            (place / name).write_bytes(data)
    return manifest


def write_soundscape(folder: Path, soundscape: Soundscape) -> Path:
    """Write or replace the document of a result, leaving its other files as they are; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, earlier in _earlier(folder, soundscape).items():
        write_file(folder / name, earlier)
    return write_file(folder / SOUNDSCAPE, soundscape.to_json().encode())


def says(data: bytes, soundscape: Soundscape) -> bool:
    """True when the bytes are this document, with whatever white space and defaults."""
    try:
        return Soundscape.from_json(data.decode("utf-8-sig")) == soundscape
    except (SoundscapeError, UnicodeDecodeError):
        return False


def _earlier(folder: Path, soundscape: Soundscape) -> dict[str, bytes]:
    """Return the description that is about to be replaced by another one, under the name that keeps it.

    The one that had this name gets a hash in its name: a person may have written it.
    """
    path, before = folder / SOUNDSCAPE, folder / BEFORE
    if not path.is_file() or says(data := read_file(path), soundscape):
        return {}
    kept = {BEFORE: data}
    if before.is_file() and (older := read_file(before)) != data:
        kept |= {f"{before.stem}.{hashlib.sha256(older).hexdigest()[:8]}.json": older}
    return dict(reversed(kept.items()))  # the older one first, should it be broken off


def write_bundle(folder: Path, path: Path) -> Path:
    """Write everything in a result folder into one ZIP, `path`, and return it. Equal folders give equal bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for each in sorted(folder.rglob("*")):
            if each.is_file():
                entry = zipfile.ZipInfo(each.relative_to(folder).as_posix())  # dated 1980, as ZIP begins
                entry.compress_type = zipfile.ZIP_STORED if each.suffix == ".jpg" else zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                bundle.writestr(entry, each.read_bytes(), compresslevel=1)  # sound hardly shrinks further
    return write_file(path, file.getvalue())


def read_result(path: Path) -> Finished:
    """Read back a result folder or a ZIP bundle. Raises SoundscapeError when it is neither, or is damaged."""
    try:
        return Finished(
            Soundscape.from_json(_read_member(path, SOUNDSCAPE).decode()),
            json.loads(_read_member(path, MANIFEST)),
        )
    except (KeyError, FileNotFoundError, NotADirectoryError):
        raise SoundscapeError(f"{path.name} is no result: it holds no {SOUNDSCAPE} or no {MANIFEST}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:  # all of zipfile's
        raise SoundscapeError(f"{path.name} is damaged and cannot be read.") from error


def check_entries(path: Path) -> None:
    """Refuse a ZIP of very many entries before zipfile reads them all into memory; each begins with a mark."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        count, place = 0, data.find(_ENTRY_OF_ZIP)
        while place >= 0 and count <= MAX_MEMBERS:
            count, place = count + 1, data.find(_ENTRY_OF_ZIP, place + 1)
    if count > MAX_MEMBERS:
        raise SoundscapeError(f"{path.name} holds more than {MAX_MEMBERS} files. Give the ZIP of one result.")


def stem_names(soundscape: Soundscape, stems: tuple[Stem, ...]) -> list[str]:
    """Return a file name for each stem, such as 01_river_rushing.wav, numbered by its place in the document."""
    places: dict[Source, list[int]] = {}
    for number, source in enumerate(soundscape.sources, 1):
        places.setdefault(source, []).append(number)
    return [_stem_name(places[stem.source].pop(0), stem.source) for stem in stems]


def _stem_name(number: int, source: Source) -> str:
    return f"{number:02d}_{safe_name(f'{source.name} {source.action}', 'source')}.wav"


def safe_name(text: str, otherwise: str) -> str:
    """Return text as a file name of a-z, 0-9, - and _ that every system takes; `otherwise` when nothing is left."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9-]+", "_", ascii_text)[:MAX_NAME].strip("_-") or otherwise


def write_file(path: Path, data: bytes) -> Path:
    """Write a file beside its place and rename it, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Give a place beside `folder` to write into; it takes the folder's name when everything went well.

    What lay in the folder and is not ours moves along.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    place, old = (folder.with_name(f".{folder.name}.{mark}.{kind}") for kind in ("part", "old"))
    try:
        yield place
        if _is_shared(folder):
            _move_into(place, folder)
            return
        if folder.exists():
            folder.rename(old)
        place.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if old.exists():
        _move_foreign(old, folder)


def _is_shared(folder: Path) -> bool:
    """True when other folders lie in it: dog/001 in that of dog, where another process may be at work right now."""
    return folder.is_dir() and any(each.is_dir() and each.name not in OURS for each in folder.iterdir())


def _move_into(place: Path, folder: Path) -> None:
    """Replace what is ours file by file, the manifest last: without it a result is not finished."""
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder / STEMS, ignore_errors=True)
    made = sorted(each.name for each in place.iterdir() if each.name != MANIFEST)  # .before.json before .json
    for name in made:
        (place / name).replace(folder / name)
    for name in OURS.difference(made):
        (folder / name).unlink(missing_ok=True)
    (place / MANIFEST).replace(folder / MANIFEST)


def _move_foreign(old: Path, folder: Path) -> None:
    """Move what is not ours from the earlier folder into the one that took its place."""
    for each in old.iterdir():
        if each.name not in OURS and not (folder / each.name).exists():
            each.rename(folder / each.name)
    shutil.rmtree(old, ignore_errors=True)


def mend(root: Path) -> None:
    """Put right what runs that were killed left below `root`: half-written places, and results on their way."""
    for parent, folders, files in os.walk(root):
        here = Path(parent)
        for name in [*folders, *files]:
            left = _BESIDE.fullmatch(name)
            if left is None:
                continue
            path, final = here / name, here / left["name"]
            if left["kind"] == "old" and not final.exists():
                path.rename(final)
                folders.append(final.name)  # in it others may lie that were on their way
            elif left["kind"] == "old":
                _move_foreign(path, final)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        folders[:] = [name for name in folders if name != STEMS and not _BESIDE.fullmatch(name)]


def _read_member(path: Path, name: str) -> bytes:
    file = path / name if path.is_dir() else path
    if not file.exists():
        raise FileNotFoundError(file)
    if path.is_dir():
        return read_file(file)
    check_file(path)
    check_entries(path)
    with zipfile.ZipFile(path) as bundle:
        if bundle.getinfo(name).file_size > MAX_MANIFEST_BYTES:
            raise ValueError(f"{name} is too large")
        return bundle.read(name)


def _json_bytes(data: Any) -> bytes:
    # With escapes for what is no character: names of files may hold any bytes.
    return json.dumps(data, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _jpeg_bytes(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
