"""Directions of sounds, pictures and words in the spaces of CLAP and CLIP, kept beside the results they belong to.

A result keeps them in coherence.npz as float16, some 2 KB a stem, under a key made of the model and of all that was
looked at. While the key fits nothing is computed again, and no model is loaded.
"""

import hashlib
import json
import tomllib
import zipfile
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from PIL import Image

from ..audio import read_wav
from ..backends.audio.clap import DOWNLOAD_GB as CLAP_GB
from ..backends.audio.clap import Clap
from ..backends.vision.clip import DOWNLOAD_GB as CLIP_GB
from ..backends.vision.clip import PictureText
from ..backends.weights import Weights, cached_folder
from ..files import sha256_of
from ..results.collection import Entry
from ..results.result import MIX, PICTURE, STEMS, write_file
from ..settings import Settings, has_package
from ..soundscape import Source

EMBEDDINGS = "coherence.npz"
REFERENCES = ".coherence.npz"  # directions of the reference texts, at the root of a tree

UNREADABLE = (OSError, soundfile.LibsndfileError)  # what reading a damaged picture or sound raises

Arrays = dict[str, np.ndarray]


class Space(Protocol):
    """A model that puts results and texts into one space."""

    name: str
    weights: Weights
    download_gb: float

    @property
    def model(self) -> Any: ...

    def content(self, entry: Entry) -> list[Any] | None:
        """Return all that the directions of a result depend on, as JSON data; None when the model has nothing to do."""
        ...

    def embed(self, entries: Sequence[Entry]) -> list[Arrays]:
        """Return the directions of each result."""
        ...


class Hearing:
    """CLAP: the mix and the scene, each stem and the words of its source."""

    name = "clap"
    download_gb = CLAP_GB

    def __init__(self, settings: Settings) -> None:
        self.model = Clap(settings)
        self.weights = Clap.weights(settings)

    def content(self, entry: Entry) -> list[Any] | None:
        stems = [[_sha256(entry, path), words_of(source)] for path, source in stems_of(entry)]
        return [_sha256(entry, entry.folder / MIX), scene_of(entry), stems]

    def embed(self, entries: Sequence[Entry]) -> list[Arrays]:
        stems = [stems_of(entry) for entry in entries]
        sounds, texts = [], []
        for entry, of_entry in zip(entries, stems):
            sounds += [read_wav(entry.folder / MIX), *(read_wav(path) for path, _ in of_entry)]
            texts += [scene_of(entry), *(words_of(source) for _, source in of_entry)]
        heard, read = self.model.audio_features(sounds), self.model.text_features(texts)
        found, first = [], 0
        for of_entry in stems:
            last = first + 1 + len(of_entry)
            found.append({"mix": heard[first], "scene": read[first], "stems": heard[first + 1 : last]})
            found[-1]["words"] = read[first + 1 : last]
            first = last
        return found


class Sight:
    """CLIP or SigLIP: the picture and the scene."""

    name = "clip"
    download_gb = CLIP_GB

    def __init__(self, settings: Settings) -> None:
        self.model = PictureText(settings)
        self.weights = PictureText.weights(settings)

    def content(self, entry: Entry) -> list[Any] | None:
        path = entry.folder / PICTURE
        return [_sha256(entry, path), scene_of(entry)] if path.is_file() else None

    def embed(self, entries: Sequence[Entry]) -> list[Arrays]:
        pictures = []
        for entry in entries:
            with Image.open(entry.folder / PICTURE) as picture:
                pictures.append(picture.convert("RGB"))
        seen = self.model.picture_features(pictures)
        read = self.model.text_features([scene_of(entry) for entry in entries])
        return [{"picture": picture, "scene": scene} for picture, scene in zip(seen, read)]


def is_here(weights: Weights) -> bool:
    """True when the weights need no download: a folder, or downloaded before."""
    return weights.is_local or (has_package("huggingface_hub") and cached_folder(weights) is not None)


# What is compared ----------------------------------------------------------------------------------------------------


def words_of(source: Source) -> str:
    """Return the words of a source as a caption: "river rushing, water over stone, bright, broadband"."""
    return ", ".join(filter(None, (f"{source.name} {source.action}".strip(), source.material, *source.timbre)))


def scene_of(entry: Entry) -> str:
    """Return the scene sentence, or where there is none what is heard in it."""
    soundscape = entry.soundscape
    return soundscape.scene.strip() or ", ".join(source.name for source in soundscape.sources if not source.mute)


def stems_of(entry: Entry) -> list[tuple[Path, Source]]:
    """Return each stem with its source; the number that begins its name is the place of the source."""
    found = []
    for path in sorted((entry.folder / STEMS).glob("[0-9][0-9]_*.wav")):
        place = int(path.name[:2]) - 1
        if 0 <= place < len(entry.soundscape.sources):
            found.append((path, entry.soundscape.sources[place]))
    return found


@cache
def reference_texts() -> dict[str, list[str]]:
    """Return the scenes and sounds that results are compared with where there are too few others."""
    return tomllib.loads(Path(__file__).with_name("references.toml").read_text(encoding="utf-8"))


# What is kept --------------------------------------------------------------------------------------------------------


def key_of(space: Space, content: Any) -> str:
    """Return the key of directions: the model, and all that was looked at."""
    text = json.dumps([1, space.weights.name, space.weights.mark, content], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_arrays(path: Path, space: str, key: str) -> Arrays | None:
    """Return the directions that a file keeps under a key, as float32; None when they are not there or not whole."""
    stored = _stored(path)
    if str(stored.get(f"{space}/key")) != key:
        return None
    return {
        name.partition("/")[2]: array.astype(np.float32)
        for name, array in stored.items()
        if name.startswith(f"{space}/") and name != f"{space}/key"
    }


def write_arrays(path: Path, space: str, key: str, arrays: Arrays) -> None:
    """Keep directions in a file beside those of the other model; written beside its place and renamed."""
    kept = {name: array for name, array in _stored(path).items() if not name.startswith(f"{space}/")}
    kept[f"{space}/key"] = np.array(key)
    kept |= {f"{space}/{name}": array.astype(np.float16) for name, array in arrays.items()}
    data = BytesIO()
    np.savez(data, allow_pickle=False, **kept)
    write_file(path, data.getvalue())


def _stored(path: Path) -> Arrays:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # a torn or foreign file is made anew
        return {}


def _sha256(entry: Entry, path: Path) -> str:
    """Return the hash of a file as the manifest has it; of one that was replaced since, its own."""
    noted = entry.manifest.get("files", {}).get(path.relative_to(entry.folder).as_posix(), {})
    if noted.get("sha256") and noted.get("bytes") == path.stat().st_size:
        return noted["sha256"]
    return sha256_of(path)
