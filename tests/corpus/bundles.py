"""ZIP bundles: a result as the app writes it, the same packed by other programs, and archives that attack."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from pipeline.audio import Clip, wav_bytes
from pipeline.job import Job, run
from pipeline.soundscape import Soundscape

from .documents import TEXT

STEM = "stems/01_river_rushing.wav"


@cache
def members() -> dict[str, bytes]:
    """The files of a small result."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "river"
        picture = Image.new("RGB", (60, 40), (40, 90, 160))
        run(Job(picture, Soundscape.from_json(TEXT), audio="procedural", duration_s=2, seed=7), folder)
        found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return {name: path.read_bytes() for name, path in found.items()}


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as bundle:
        for name, data in files.items():
            bundle.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return file.getvalue()


def short_sound() -> bytes:
    """A WAV of a hundredth of a second."""
    return wav_bytes(Clip(np.zeros((2, 441), np.float32)))


def with_more(**files: bytes) -> bytes:
    return packed(members() | files)


def without(*names: str) -> bytes:
    return packed({name: data for name, data in members().items() if name not in names})


def with_other(name: str, data: bytes) -> bytes:
    return packed(members() | {name: data})


def twice() -> bytes:
    """Two entries of one name: readers disagree about which counts."""
    data = packed(members() | {"soundscape.jsom": TEXT.replace("river", "motor").encode()})
    return data.replace(b"soundscape.jsom", b"soundscape.json")


def locked() -> bytes:
    """Every entry claims to be encrypted."""
    data = bytearray(packed(members()))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(mark)
        while start >= 0:
            data[start + place] |= 1
            start = data.find(mark, start + 4)
    return bytes(data)


def lying() -> bytes:
    """The directory states a size of 10 bytes for a document of 20 MB."""
    data = bytearray(packed(members() | {"soundscape.json": b" " * 20_000_000}))
    start = data.find(b"PK\x01\x02")
    while start >= 0:
        (length,) = struct.unpack_from("<H", data, start + 28)
        if data[start + 46 : start + 46 + length] == b"soundscape.json":
            struct.pack_into("<I", data, start + 24, 10)
        start = data.find(b"PK\x01\x02", start + 4)
    return bytes(data)


def crowded() -> bytes:
    return packed({f"{number}.txt": b"" for number in range(60_000)}, zipfile.ZIP_STORED)


FILES: dict[str, Callable[[], bytes]] = {
    "plain.zip": lambda: packed(members()),
    "stored.zip": lambda: packed(members(), zipfile.ZIP_STORED),
    "short_sounds.zip": lambda: packed(members() | {"mix.wav": short_sound(), STEM: short_sound()}),
    "subfolder.zip": lambda: packed({f"my result/{name}": data for name, data in members().items()}),
    "macos.zip": lambda: with_more(**{"__MACOSX/._soundscape.jpg": b"\0\5\26\7", ".DS_Store": bytes(100)}),
    "description_only.zip": lambda: packed({"soundscape.json": TEXT.encode()}),
    "no_mix.zip": partial(without, "mix.wav"),
    "no_stem.zip": partial(without, STEM),
    "no_picture.zip": partial(without, "picture.jpg"),
    "pasted_document.zip": partial(with_other, "soundscape.json", f"```json\n{TEXT}\n```".encode()),
    "extra.zip": lambda: with_more(**{"notes.txt": b"mine", "run.sh": b"rm -rf /"}),
    "climbing.zip": lambda: with_more(**{"../../evil.json": b"{}", "/etc/evil.json": b"{}", "C:\\evil.json": b"{}"}),
    "link.zip": lambda: with_other("stems/02_link.wav", b"/etc/passwd"),
    "no_document.zip": partial(without, "soundscape.json"),
    "two_results.zip": lambda: packed({f"{top}/soundscape.json": TEXT.encode() for top in "ab"}),
    "twice.zip": twice,
    "bad_document.zip": partial(with_other, "soundscape.json", b'{"sources": []}'),
    "bad_picture.zip": partial(with_other, "picture.jpg", b"not a picture"),
    "bad_mix.zip": partial(with_other, "mix.wav", b"not a sound"),
    "bad_stem.zip": partial(with_other, STEM, b"RIFF\xff\xff\xff\xffWAVE"),
    "bomb.zip": partial(with_other, "mix.wav", bytes(40_000_000)),
    "lying.zip": lying,
    "crowded.zip": crowded,
    "lzma.zip": lambda: packed(members(), zipfile.ZIP_LZMA),
    "locked.zip": locked,
    "half.zip": lambda: packed(members())[:5000],
    "empty.zip": bytes,
    "no_entries.zip": lambda: packed({}),
    "text.zip": lambda: b"not a ZIP",
    "nested.zip": lambda: packed({"result.zip": packed(members())}),
}


def manifest() -> dict:
    """The manifest of the small result."""
    return json.loads(members()["manifest.json"])
