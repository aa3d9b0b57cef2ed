"""Tiny checkpoints of the text-to-audio models, each selected by its environment variable."""

import gc

import numpy as np
import pytest

from pipeline import backends
from pipeline.backends import SoundOptions, memory
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, synthesize

from ...support.checkpoints import audio as checkpoints

STEPS = SoundOptions(steps=2)
DURATION_S = 2.0
# Rounding of float32 arithmetic in another order, accumulated over the steps. The sounds have an RMS of 0.04 to 0.5.
TOLERANCE = 2e-5
MODELS = {
    "audioldm2": ("AUDIOLDM2_MODEL", "audioldm2"),
    "stable-audio-open": ("STABLE_AUDIO_MODEL", "stable_audio_open"),
    "stable-audio-3": ("STABLE_AUDIO_3_MODEL", "stable_audio_3"),
}


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A tiny checkpoint of each model."""
    root = tmp_path_factory.mktemp("checkpoints")
    built = {
        "audioldm2": checkpoints.build_audioldm2(root / "audioldm2"),
        "stable_audio_open": checkpoints.build_stable_audio_open(root / "stable_audio_open"),
        "stable_audio_3": checkpoints.build_stable_audio_3(root / "stable_audio_3"),
        "clap": checkpoints.build_clap(root / "clap"),
    }
    built["public_audioldm2"] = checkpoints.as_public_audioldm2(built["audioldm2"], root / "public_audioldm2")
    gc.freeze()
    yield built
    memory.forget_others()


@pytest.fixture(autouse=True)
def local_models(folders, monkeypatch):
    """Select every model by its environment variable, and keep nothing of the previous test except loaded models."""
    for variable, name in MODELS.values():
        monkeypatch.setenv(variable, str(folders[name]))
    monkeypatch.setenv("CLAP_MODEL", str(folders["clap"]))
    monkeypatch.setenv("DEVICE", "cpu")
    forget_stems()
    backends._instance.cache_clear()
    yield
    backends._instance.cache_clear()


@pytest.fixture
def two() -> Soundscape:
    """Two sources with captions of very different length."""
    river = Source(name="river", material="water over stone", action="rushing", timbre=("bright", "broadband"))
    return Soundscape(space="forest", sources=(river, Source(name="wind")))


def sound(soundscape: Soundscape, name: str, options: SoundOptions = STEPS, **more) -> list[np.ndarray]:
    stems = synthesize(soundscape, name, duration_s=DURATION_S, seed=1, options=options, **more)
    return [stem.clip.samples for stem in stems]


_plain: dict[str, list[np.ndarray]] = {}


def plain_sound(soundscape: Soundscape, name: str) -> list[np.ndarray]:
    """Return the sound of `two` that other ones are compared to, made once for each model."""
    if name not in _plain:
        _plain[name] = sound(soundscape, name)
        forget_stems()
    return _plain[name]


def the_request(name: str, options: SoundOptions = STEPS, source: Source | None = None) -> dict:
    _, model = backends.load_audio(name)
    source = source or Source(name="river", action="rushing")
    return model.request(Soundscape(sources=(source,)), source, options)
