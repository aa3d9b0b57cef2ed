"""One result: its folder, its ZIP bundle, and reading either.

A result is written to a temporary folder, which is then renamed. So a folder with a manifest is complete.
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
from ..checkpoint import checkpoint
from ..errors import SoundscapeError
from ..files import MAX_DOCUMENT_BYTES, open_file, read_file, write_file
from ..names import portable
from ..soundscape import Soundscape, Source
from ..synthesize import Stem

MIX = "mix.wav"
STEMS = "stems"
SOUNDSCAPE = "soundscape.json"
PROMPTS = "prompts.json"
MANIFEST = "manifest.json"
PICTURE = "picture.jpg"
JPEG_QUALITY = 90
BEFORE = "soundscape.before.json"  # the earlier description, after a different one replaced it
COHERENCE = ("coherence.json", "coherence.npz")  # scores of this sound by models; removed with it
OURS = {MIX, STEMS, SOUNDSCAPE, PROMPTS, MANIFEST, PICTURE, *COHERENCE}
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<kind>part|old)")  # names of unfinished and replaced files
_NOT_IN_NAMES = re.compile(r"[^a-z0-9\x80-\U0010ffff-]+")  # of ASCII
_STEM = re.compile(r"0[1-8]_(?P<words>.+)\.wav")
MAX_MANIFEST_BYTES = MAX_DOCUMENT_BYTES  # of a bundle from an unknown source
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_MEMBERS = 200  # of a ZIP; a result has about 15, and a user may have added some
_ENTRY_OF_ZIP = b"PK\x01\x02"


@dataclass(frozen=True)
class Finished:
    """A result that was read: the description, and the manifest, which says how the sound was made.

    `repairs` is a sentence that says what was understood differently in the description; "" for nothing.
    """

    soundscape: Soundscape
    manifest: dict[str, Any]
    repairs: str = ""


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
    """Write a result folder and return the manifest with the hashes of all files. An earlier result is replaced.

    Files that the user added are kept. So are different earlier descriptions, the last one as soundscape.before.json.
    """
    files = files_of(soundscape=soundscape, clip=clip, stems=stems, prompts=prompts, picture=picture)
    return write_files(folder, soundscape, files, manifest)


def files_of(
    *,
    soundscape: Soundscape,
    clip: Clip,
    stems: tuple[Stem, ...],
    prompts: list[dict[str, Any]],
    picture: Image.Image | None,
) -> dict[str, bytes]:
    """Return the files of a result, except its manifest, by their names in its folder."""
    files = {SOUNDSCAPE: soundscape.to_json().encode(), PROMPTS: _json_bytes(prompts), MIX: wav_bytes(clip)}
    for number, (name, stem) in enumerate(zip(stem_names(soundscape, stems), stems, strict=True), 1):
        # Each stem has different dither, so that the dither does not add up in a sum of the stems.
        files[f"{STEMS}/{name}"] = wav_bytes(stem.clip, dither_seed=number)
    if picture is not None:
        files[PICTURE] = _jpeg_bytes(picture)
    return files


def write_files(
    folder: Path, soundscape: Soundscape, files: dict[str, bytes], manifest: dict[str, Any]
) -> dict[str, Any]:
    """Write the files of `files_of` and the manifest like `write_result`."""
    hashes = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    manifest = manifest | {"files": hashes}
    with _replaced(folder) as place:
        (place / STEMS).mkdir(parents=True)
        for name, data in (files | {MANIFEST: _json_bytes(manifest)} | _earlier(folder, soundscape)).items():
            (place / name).write_bytes(data)
    return manifest


def write_soundscape(folder: Path, soundscape: Soundscape) -> Path:
    """Write or replace the description of a result and return its path. Other files are left as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, earlier in _earlier(folder, soundscape).items():
        write_file(folder / name, earlier)
    return write_file(folder / SOUNDSCAPE, soundscape.to_json().encode())


def holds(data: bytes, soundscape: Soundscape) -> bool:
    """Return whether the bytes hold this document. White space and explicit default values do not matter."""
    try:
        return Soundscape.from_json(data) == soundscape
    except SoundscapeError:
        return False


def _earlier(folder: Path, soundscape: Soundscape) -> dict[str, bytes]:
    """Return the description that `soundscape` will replace, with the name under which to keep it.

    An older one with that name is returned with a hash in its new name, because the user may have written it.
    """
    path, before = folder / SOUNDSCAPE, folder / BEFORE
    if not path.is_file() or holds(data := read_file(path), soundscape):
        return {}
    kept = {BEFORE: data}
    if before.is_file() and (older := read_file(before)) != data:
        kept |= {f"{before.stem}.{hashlib.sha256(older).hexdigest()[:8]}.json": older}
    return dict(reversed(kept.items()))  # the older one first, in case writing is interrupted


def write_bundle(folder: Path, path: Path) -> Path:
    """Write all files of a result folder into the ZIP `path` and return it. Equal folders give equal bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for each in sorted(folder.rglob("*")):
            checkpoint()
            if each.is_file():
                entry = zipfile.ZipInfo(each.relative_to(folder).as_posix())  # dated 1980, the earliest date of ZIP
                entry.compress_type = zipfile.ZIP_STORED if each.suffix == ".jpg" else zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                bundle.writestr(entry, each.read_bytes(), compresslevel=1)  # higher levels hardly shrink sound
    return write_file(path, file.getvalue())


def read_result(path: Path) -> Finished:
    """Read a result folder or a ZIP bundle. Raises SoundscapeError when it is neither, or damaged."""
    try:
        soundscape, repairs = Soundscape.read(_read_member(path, SOUNDSCAPE))
        return Finished(soundscape, json.loads(_read_member(path, MANIFEST)), repairs)
    except (KeyError, FileNotFoundError, NotADirectoryError):
        raise SoundscapeError(f"{path.name} is not a result: it has no {SOUNDSCAPE} or no {MANIFEST}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:  # all of zipfile's
        raise SoundscapeError(f"{path.name} is damaged and cannot be read. Use another copy of it.") from error


def check_entries(path: Path) -> None:
    """Raise SoundscapeError for a ZIP with too many entries, before zipfile reads them all into memory.

    Raises it for what is no regular file, too.
    """
    with open_file(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        count, place = 0, data.find(_ENTRY_OF_ZIP)
        while place >= 0 and count <= MAX_MEMBERS:
            count, place = count + 1, data.find(_ENTRY_OF_ZIP, place + 1)
    if count > MAX_MEMBERS:
        raise SoundscapeError(f"{path.name} holds more than {MAX_MEMBERS} files. Choose the ZIP of one result.")


def stem_names(soundscape: Soundscape, stems: tuple[Stem, ...]) -> list[str]:
    """Return one file name per stem, such as 01_river_rushing.wav. The number is that of the source in the document."""
    return [_stem_name(place + 1, stem.source) for place, stem in zip(places_of(soundscape, stems), stems)]


def places_of(soundscape: Soundscape, stems: tuple[Stem, ...]) -> list[int]:
    """Return the index of the source of each stem in the document."""
    places: dict[Source, list[int]] = {}
    for place, source in enumerate(soundscape.sources):
        places.setdefault(source, []).append(place)
    return [places[stem.source].pop(0) for stem in stems]


def _stem_name(number: int, source: Source) -> str:
    return f"{number:02d}_{safe_name(f'{source.name} {source.action}', 'source')}.wav"


def is_name_of(name: str, source: Source) -> bool:
    """Return whether the stem of the source has this file name. Earlier versions kept ASCII letters only."""
    words = f"{source.name} {source.action}"
    ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    return name[3:] in {f"{safe_name(each, 'source')}.wav" for each in (words, ascii_words)}


def is_stem(name: str) -> bool:
    """Return whether a file has such a name as `stem_names` gives."""
    match = _STEM.fullmatch(name)
    return match is not None and safe_name(match["words"], "") == match["words"]


def safe_name(text: str, otherwise: str) -> str:
    """Return the text as a portable file name, or `otherwise` when nothing is left.

    It has lower-case letters, marks and digits of all scripts, `-` and `_`.
    """
    return portable(_NOT_IN_NAMES.sub(" ", text.lower())) or otherwise


@contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder, which replaces `folder` at the end unless an exception was raised.

    Files in `folder` that the user added are moved into the new one.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    place, old = (folder.with_name(f".{folder.name}.{mark}.{kind}") for kind in ("part", "old"))
    try:
        yield place
        if _has_other_folders(folder):
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
        _move_user_files(old, folder)


def _has_other_folders(folder: Path) -> bool:
    """Return whether other folders are inside, such as dog/001 in dog. Another process may be writing there now."""
    return folder.is_dir() and any(each.is_dir() and each.name not in OURS for each in folder.iterdir())


def _move_into(place: Path, folder: Path) -> None:
    """Replace our files one by one, the manifest last: without it, a result does not count as finished."""
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder / STEMS, ignore_errors=True)
    made = sorted(each.name for each in place.iterdir() if each.name != MANIFEST)  # .before.json before .json
    for name in made:
        (place / name).replace(folder / name)
    for name in OURS.difference(made):
        (folder / name).unlink(missing_ok=True)
    (place / MANIFEST).replace(folder / MANIFEST)


def _move_user_files(old: Path, folder: Path) -> None:
    """Move the files that the user added from the replaced folder into the new one, and remove the rest."""
    for each in old.iterdir():
        if each.name not in OURS and not (folder / each.name).exists():
            each.rename(folder / each.name)
    shutil.rmtree(old, ignore_errors=True)


def repair(root: Path) -> None:
    """Clean up after killed runs below `root`: remove unfinished files, restore results that were being replaced."""
    for parent, folders, files in os.walk(root):
        here = Path(parent)
        for name in [*folders, *files]:
            match = _TEMPORARY.fullmatch(name)
            if match is None:
                continue
            path, final = here / name, here / match["name"]
            if match["kind"] == "old" and not final.exists():
                path.rename(final)
                folders.append(final.name)  # other results inside may have been interrupted too
            elif match["kind"] == "old":
                _move_user_files(path, final)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        folders[:] = [name for name in folders if name != STEMS and not _TEMPORARY.fullmatch(name)]


def _read_member(path: Path, name: str) -> bytes:
    file = path / name if path.is_dir() else path
    if not file.exists():
        raise FileNotFoundError(file)
    if path.is_dir():
        return read_file(file)
    check_entries(path)
    with open_file(path) as zipped, zipfile.ZipFile(zipped) as bundle:
        if bundle.getinfo(name).compress_type not in COMPRESSIONS:
            raise zipfile.BadZipFile("other compressions may take gigabytes of memory to undo")
        if bundle.getinfo(name).file_size > MAX_MANIFEST_BYTES:
            raise ValueError(f"{name} is too large")
        return bundle.read(name)


def _json_bytes(data: Any) -> bytes:
    # Bytes of file names that are not valid text are escaped.
    return json.dumps(data, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _jpeg_bytes(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
