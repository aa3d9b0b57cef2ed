"""Embeddings of sounds, pictures and texts by CLAP, CLIP and PE-AV, cached beside the results that they belong to.

The cache of a result is coherence.npz: float16, about 2 KB per stem. Its cache key covers the model and all of its
inputs; while the key matches, no model is loaded.
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
import numpy.typing as npt
import soundfile

from ..audio import read_wav
from ..backends.audio.clap import DOWNLOAD_GB as CLAP_GB
from ..backends.audio.clap import Clap
from ..backends.download import cached_folder
from ..backends.pe_av import DOWNLOAD_GB as PE_AV_GB
from ..backends.pe_av import PeAv
from ..backends.vision.clip import DOWNLOAD_GB as CLIP_GB
from ..backends.vision.clip import PictureText
from ..backends.weights import Weights
from ..errors import SoundscapeError
from ..files import sha256_of, write_file
from ..picture import load_picture
from ..results.collection import Entry
from ..results.result import MIX, PICTURE, STEMS
from ..settings import Settings, has_package
from ..soundscape import Source

EMBEDDINGS = "coherence.npz"
REFERENCES = ".coherence.npz"  # embeddings of the reference texts, at the root of a tree

UNREADABLE = (SoundscapeError, OSError, soundfile.LibsndfileError)  # raised when a picture or a sound is damaged

Arrays = dict[str, npt.NDArray[Any]]  # unit embeddings by name, float32: one, or one per row; a file also holds keys


class Space(Protocol):
    """A model that embeds results and texts in one vector space."""

    name: str
    weights: Weights
    download_gb: float
    reads_texts: bool  # False: results are ranked among each other only, without reference texts
    is_wanted: bool  # False: only what is cached is used

    @property
    def model(self) -> Any: ...

    def content(self, entry: Entry) -> list[Any] | None:
        """Return all inputs of a result's embeddings as JSON data, None when the result has none for this model."""
        ...

    def embed(self, entries: Sequence[Entry]) -> list[Arrays]:
        """Return the embeddings of each result."""
        ...


class Hearing:
    """CLAP: embeds the mix and the scene, and each stem with the words of its source."""

    name = "clap"
    download_gb = CLAP_GB
    reads_texts = is_wanted = True

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
    """CLIP or SigLIP: embeds the picture and the scene."""

    name = "clip"
    download_gb = CLIP_GB
    reads_texts = is_wanted = True

    def __init__(self, settings: Settings) -> None:
        self.model = PictureText(settings)
        self.weights = PictureText.weights(settings)

    def content(self, entry: Entry) -> list[Any] | None:
        path = entry.folder / PICTURE
        return [_sha256(entry, path), scene_of(entry)] if path.is_file() else None

    def embed(self, entries: Sequence[Entry]) -> list[Arrays]:
        pictures = [load_picture(entry.folder / PICTURE) for entry in entries]
        seen = self.model.picture_features(pictures)
        read = self.model.text_features([scene_of(entry) for entry in entries])
        return [{"picture": picture, "scene": scene} for picture, scene in zip(seen, read)]


class Correspondence:
    """PE-AV: embeds the picture and the mix. Used if PE_AV_MODEL is set or with `is_wanted`."""

    name = "pe_av"
    download_gb = PE_AV_GB
    reads_texts = False

    def __init__(self, settings: Settings, *, is_wanted: bool = False) -> None:
        self.model = PeAv(settings)
        self.weights = PeAv.weights(settings)
        self.is_wanted = is_wanted or bool(settings.pe_av_model)

    def content(self, entry: Entry) -> list[Any] | None:
        path = entry.folder / PICTURE
        return [_sha256(entry, path), _sha256(entry, entry.folder / MIX)] if path.is_file() else None

    def embed(self, entries: Sequence[Entry]) -> list[Arrays]:
        seen = self.model.picture_features([load_picture(entry.folder / PICTURE) for entry in entries])
        heard = self.model.audio_features([read_wav(entry.folder / MIX) for entry in entries])
        return [{"picture": picture, "mix": mix} for picture, mix in zip(seen, heard)]


def is_here(weights: Weights) -> bool:
    """Return whether the weights are on this machine: in a local folder or in the download cache."""
    return weights.is_local or (has_package("huggingface_hub") and cached_folder(weights) is not None)


# What is compared ----------------------------------------------------------------------------------------------------


def words_of(source: Source) -> str:
    """Return a source as a caption: "river rushing, water over stone, bright, broadband"."""
    return ", ".join(filter(None, (f"{source.name} {source.action}".strip(), source.material, *source.timbre)))


def scene_of(entry: Entry) -> str:
    """Return the scene sentence; without one, the names of the sources that are not muted."""
    soundscape = entry.soundscape
    return soundscape.scene.strip() or ", ".join(source.name for source in soundscape.sources if not source.mute)


def stems_of(entry: Entry) -> list[tuple[Path, Source]]:
    """Return each stem with its source. A stem's file name begins with the place of its source in the document."""
    found = []
    for path in sorted((entry.folder / STEMS).glob("[0-9][0-9]_*.wav")):
        place = int(path.name[:2]) - 1
        if 0 <= place < len(entry.soundscape.sources):
            found.append((path, entry.soundscape.sources[place]))
    return found


@cache
def reference_texts() -> dict[str, list[str]]:
    """Return the "scenes" and "sounds" that results are also compared with when there are few other results."""
    return tomllib.loads(Path(__file__).with_name("references.toml").read_text(encoding="utf-8"))


# What is kept --------------------------------------------------------------------------------------------------------


def key_of(space: Space, content: Any) -> str:
    """Return the cache key of embeddings: a hash of the model and of its inputs."""
    text = json.dumps([1, space.weights.name, space.weights.mark, content], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_arrays(path: Path, space: str, key: str) -> Arrays | None:
    """Return the embeddings that a file holds under this key, as float32; None when they are missing or damaged."""
    stored = _stored(path)
    if str(stored.get(f"{space}/key")) != key:
        return None
    return {
        name.partition("/")[2]: array.astype(np.float32)
        for name, array in stored.items()
        if name.startswith(f"{space}/") and name != f"{space}/key"
    }


def write_arrays(path: Path, space: str, key: str, arrays: Arrays) -> Arrays:
    """Add embeddings to a file, which keeps those of the other models and is replaced atomically.

    Return the embeddings as `read_arrays` will: rounded to float16.
    """
    kept = {name: array for name, array in _stored(path).items() if not name.startswith(f"{space}/")}
    kept[f"{space}/key"] = np.array(key)
    rounded = {name: array.astype(np.float16) for name, array in arrays.items()}
    kept |= {f"{space}/{name}": array for name, array in rounded.items()}
    data = BytesIO()
    np.savez(data, allow_pickle=False, **kept)
    write_file(path, data.getvalue())
    return {name: array.astype(np.float32) for name, array in rounded.items()}


def _stored(path: Path) -> Arrays:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # damaged or foreign: write it anew
        return {}


def _sha256(entry: Entry, path: Path) -> str:
    """Return the SHA-256 of a file: from the manifest, or computed when the file's size has changed since."""
    noted = entry.manifest.get("files", {}).get(path.relative_to(entry.folder).as_posix(), {})
    if noted.get("sha256") and noted.get("bytes") == path.stat().st_size:
        return str(noted["sha256"])
    return sha256_of(path)
