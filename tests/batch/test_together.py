"""Models that take several pictures per call."""

from dataclasses import replace

import pytest
from PIL import Image

from pipeline import backends
from pipeline.batch.stage import Plan
from pipeline.errors import SoundscapeError
from pipeline.soundscape import Soundscape
from pipeline.synthesize import forget_stems

from ..conftest import RATE, noise
from ..support.runs import go, made, paint, tree


class Together:
    """A vision and audio backend with batches. A picture that is entirely red breaks its batch."""

    max_duration_s, sample_rate = 47.0, RATE

    def __init__(self):
        self.calls = []

    @classmethod
    def card(cls, settings):
        return backends.Card("Together", "none", "none")

    def describe_batch(self, pictures, *, on_step=None):
        self.calls.append(("describe", len(pictures)))
        if any(picture.getextrema() == ((255, 255), (0, 0), (0, 0)) for picture in pictures):
            raise RuntimeError("red")
        return [Soundscape.from_json('{"sources": [{"name": "rain"}, {"name": "wind"}]}') for _ in pictures]

    def request(self, soundscape, source, options):
        return {"prompt": source.name}

    def synthesize(self, soundscape, sources, *, duration_s, seeds, on_step=None, options=None):
        self.calls.append(("synthesize", len(sources)))
        return [noise(duration_s, seed=seed % 2**32) for seed in seeds]

    def render(self, requests, *, duration_s, seeds, on_step=None):
        self.calls.append(("render", len(requests)))
        return [noise(duration_s, seed=seed % 2**32) for seed in seeds]


@pytest.fixture
def together(monkeypatch):
    backend = Together()
    for registry in (backends.VISION, backends.AUDIO):
        monkeypatch.setitem(registry, "together", "nowhere:Together")
    monkeypatch.setattr(backends, "_class_of", lambda name: Together)
    monkeypatch.setattr(backends, "_instance", lambda name: backend)
    forget_stems()
    yield backend
    forget_stems()


def test_pictures_and_stems_are_made_in_batches_across_pictures(together, tmp_path):
    for number in range(11):
        paint(tmp_path / f"pictures/{number}.png", number)
    plan = Plan(tmp_path / "out", "together", "together", 2)
    assert len(made(go(tmp_path / "pictures", plan))) == 11
    assert together.calls == [("describe", 8), ("describe", 3), ("render", 16), ("render", 6)]


def test_a_picture_that_breaks_its_batch_does_not_affect_the_others(together, tmp_path):
    for number in range(3):
        paint(tmp_path / f"pictures/{number}.png", number)
    Image.new("RGB", (9, 9), (255, 0, 0)).save(tmp_path / "pictures/red.png")
    rows = go(tmp_path / "pictures", Plan(tmp_path / "out", "together", "together", 2))
    assert len(made(rows)) == 3
    assert [(row["name"], row["stage"]) for row in rows if "error" in row] == [("red", "describe")]


def test_a_model_that_cannot_be_loaded_is_reported_once_and_not_for_each_picture(together, pictures, tmp_path):
    def load(on_step=None):
        raise SoundscapeError("The weights are not complete.")

    together.load = load
    with pytest.raises(SoundscapeError, match="not complete"):
        go(pictures, Plan(tmp_path / "out", "together", "together", 2))
    assert not (tmp_path / "out/failures.jsonl").exists()


def test_stems_made_in_a_batch_equal_stems_made_alone(together, tmp_path):
    for number in range(2):
        paint(tmp_path / f"pictures/{number}.png", number)
    plan = Plan(tmp_path / "together", "together", "together", 2)
    go(tmp_path / "pictures", plan)
    forget_stems()
    together.render = None
    alone = replace(plan, out=tmp_path / "alone")
    go(tmp_path / "pictures", alone)
    assert tree(alone.out) == tree(plan.out)
