"""Trees of many small results, made quickly: the files of a run, with sounds of a tenth of a second."""

import hashlib
import io
import json
from functools import cache
from pathlib import Path

from PIL import Image

from pipeline.audio import wav_bytes
from pipeline.soundscape import Soundscape, Source

from ..conftest import noise

PLACES = {"river": "forest", "tram": "street", "kettle": "room", "waves": "open", "organ": "hall"}
FIGURES = {"high_band_db": -9.5, "stereo_correlation": 0.7, "steady_tone_share": 0.01}


def make_tree(root: Path, count: int, *, different: bool = False) -> Path:
    """Write `count` results. Unless `different`, all have the same sound and picture, so that little is drawn."""
    for number in range(count):
        name = list(PLACES)[number % len(PLACES)]
        source = Source(name=name, action="sounding", evidence="visible", confidence=0.5, box=(0.1, 0.1, 0.6, 0.8))
        second = Source(name=f"bird {number % 7}", action="singing", confidence=0.25)
        scene = f"A {name} at the place number {number}, seen from the bank in the last light of a long day"
        soundscape = Soundscape(scene=scene, mood="calm", space=PLACES[name], sources=(source, second))
        write_small(root / f"set{number % 3}" / f"{number:05d}", soundscape, variant=number if different else 0)
    return root


def write_small(folder: Path, soundscape: Soundscape, *, variant: int = 0, sound_s: float = 0.1, **manifest) -> Path:
    """Write one result. `variant` decides its sound and picture; `manifest` adds to its manifest."""
    files = {
        "mix.wav": _sound(variant, sound_s),
        "picture.jpg": _picture(variant),
        "soundscape.json": soundscape.to_json().encode(),
    }
    names = [f"stems/{place:02d}_stem.wav" for place in range(1, len(soundscape.sources) + 1)]
    files |= dict.fromkeys(names, files["mix.wav"])
    files["prompts.json"] = json.dumps([{"prompt": f"{source.name}, close"} for source in soundscape.sources]).encode()
    number = int(folder.name) if folder.name.isdigit() else 0
    facts = {
        "vision": {"backend": "tagger", "model": "EfficientNet-Lite0"},
        "audio": {"backend": "procedural", "model": "pipeline.procedural"},
        "duration_s": sound_s,
        "seed": 7,
        "loudness_lufs": -20.0,
        "true_peak_dbtp": -3.5,
        "warnings": [],
        "seconds": {"describe": 0.2, "sound": 0.3, "mix": 0.1},
        "checks": {name: round(value * (1 + number / 1000), 6) for name, value in FIGURES.items()} | {"problems": []},
        "senses": {"picture": {"brightness": 0.4}, "sound": {"centroid_hz": 900.0 + number}},
        "files": {name: {"bytes": len(data), "sha256": _hash(data)} for name, data in files.items()},
    }
    (folder / "stems").mkdir(parents=True, exist_ok=True)
    for name, data in (files | {"manifest.json": json.dumps(facts | manifest).encode()}).items():
        (folder / name).write_bytes(data)
    return folder


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _sound(variant: int, duration_s: float) -> bytes:
    return wav_bytes(noise(duration_s, channels=2, seed=variant))


@cache
def _picture(variant: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (90, 60), (variant * 37 % 256, variant % 256, 120)).save(file, "JPEG")
    return file.getvalue()
