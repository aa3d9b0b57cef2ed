"""Tiny checkpoints of the vision models, each selected by its environment variable."""

import gc

import numpy as np
import pytest
from PIL import Image

from pipeline import backends
from pipeline.backends import memory
from pipeline.soundscape import Soundscape

from ...support.checkpoints import vision

QWENS = {
    "Qwen2.5-VL": vision.build_qwen2_5_vl,
    "Qwen2.5-VL as published": vision.build_legacy_qwen2_5_vl,
    "Qwen3-VL": vision.build_qwen3_vl,
    "Qwen3.5": vision.build_qwen3_5,
}


def picture(width=160, height=120, seed=0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Return the folder of a tiny checkpoint, which is built once: checkpoint(build, seed)."""
    folders = {}

    def of(build, seed=0):
        if (build, seed) not in folders:
            folders[build, seed] = build(tmp_path_factory.mktemp(build.__name__), seed)
            gc.freeze()
        return folders[build, seed]

    yield of
    memory.forget_others()


@pytest.fixture
def use(monkeypatch):
    """Set an environment variable to a folder, as a user would: use("QWEN_VL_MODEL", folder)."""
    monkeypatch.setenv("DEVICE", "cpu")

    def point(variable, folder):
        monkeypatch.setenv(variable, str(folder))
        backends._instance.cache_clear()

    yield point
    backends._instance.cache_clear()


def is_valid(soundscape: Soundscape) -> bool:
    return Soundscape.from_json(soundscape.to_json()) == soundscape and bool(soundscape.sources)
