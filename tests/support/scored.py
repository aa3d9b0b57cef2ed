"""Result folders to score, with their own sounds and pictures."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.audio import Clip, wav_bytes
from pipeline.soundscape import Soundscape, Source

from ..conftest import RATE, noise

SCENES = ("rain on a street at night", "waves on a rocky shore", "a mountain river under pines", "a small kitchen")


def tone(hz: float, duration_s: float = 0.4) -> Clip:
    wave = 0.2 * np.sin(2 * np.pi * hz * np.arange(round(duration_s * RATE)) / RATE)
    return Clip(np.stack([wave, wave]).astype(np.float32))


def write_result(folder: Path, number: int, *, picture: bool = True, scene: str | None = None) -> None:
    """Write a result folder as the pipeline does, with its own sounds."""
    (folder / "stems").mkdir(parents=True)
    sources = (Source(name="rain", action=f"falling {number}"), Source(name="clock", material="brass", mute=True))
    sources += (Source(name="birds", action="calling", timbre=("bright",)),)
    soundscape = Soundscape(scene=SCENES[number % 4] if scene is None else scene, sources=sources)
    files = {"mix.wav": noise(0.4, channels=2, seed=number), "stems/01_rain.wav": tone(200 + 300 * number)}
    files["stems/03_birds.wav"] = noise(0.4, channels=2, seed=50 + number)
    for name, clip in files.items():
        (folder / name).write_bytes(wav_bytes(clip))
    if picture:
        rng = np.random.default_rng(number)
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(folder / "picture.jpg")
    (folder / "soundscape.json").write_text(soundscape.to_json())
    (folder / "manifest.json").write_text(json.dumps({"format": 1}))


def report_of(root: Path, name: str) -> dict:
    return json.loads((root / name / "coherence.json").read_text())
