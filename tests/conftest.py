"""What several test files share."""

import gc
import os

# Nothing here may reach for the network, and tiny models are quickest on one thread.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["STEM_CACHE_GB"] = "0"  # no test may find what another process made

import numpy as np
import pytest

from pipeline.audio import Clip
from pipeline.soundscape import Soundscape, Source

from .support.browser import browser, context, photograph, visit  # noqa: F401  fixtures
from .support.page_server import serve

RATE = 44_100


def noise(duration_s: float = 2.0, *, channels: int = 1, level: float = 0.1, seed: int = 0) -> Clip:
    """White noise of a known RMS."""
    rng = np.random.default_rng(seed)
    samples = level * rng.standard_normal((channels, round(duration_s * RATE)))
    return Clip(samples.astype(np.float32), RATE)


@pytest.fixture(scope="module", autouse=True)
def modules_set_aside():
    """Spare the garbage collector what was imported before: a walk through all of torch and pytest takes half a second.

    The pipeline asks for a collection whenever it forgets a model. Fixtures that import more freeze it too.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def soundscape() -> Soundscape:
    """A mountain river with a jay and one far thunder."""
    river = Source(
        name="river",
        material="water over stone",
        action="rushing",
        timbre=("bright", "broadband"),
        box=(0.1, 0.55, 0.9, 1.0),
        distance_m=6,
        evidence="visible",
        confidence=0.92,
    )
    birds = Source(name="birdsong", action="singing", role="recurring", box=(0.7, 0.0, 0.9, 0.2), distance_m=20)
    thunder = Source(name="thunder", action="rolling", role="one-shot", distance_m=600, gain_db=-3)
    return Soundscape(scene="A river over boulders", mood="calm", space="forest", sources=(river, birds, thunder))


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory):
    """Where the app of `address` keeps its log and its scratch folder."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def address(server_folder):
    """Where the app is served, as a person starts it."""
    with serve(server_folder / "log.txt") as address:
        yield address


@pytest.fixture(scope="session")
def server_scratch(address, server_folder):
    """The scratch folder of the app of `address`."""
    (folder,) = (server_folder / "gradio").glob("image-to-soundscape-*")
    return folder


@pytest.fixture
def visitors_root(tmp_path, monkeypatch):
    """Keep what visitors make in a folder of this test."""
    from pipeline.page import scratch

    own = scratch.Scratch(tmp_path / "scratch", 1_000_000_000)
    own.visitors.mkdir(parents=True)
    monkeypatch.setattr(scratch, "own", lambda: own)
    return own.visitors
