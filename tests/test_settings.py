"""Settings from environment variables, and which backends are offered."""

import json
from importlib.resources import files
from typing import ClassVar

import pytest
from spaces.zero import config

from pipeline import backends
from pipeline.backends import Card, machine
from pipeline.backends.work import SPEEDS
from pipeline.errors import SoundscapeError
from pipeline.settings import Settings, accelerator, on_zero_gpu, read_settings


def test_nothing_set_gives_the_defaults():
    assert read_settings({}) == Settings()
    assert read_settings({"QWEN_VL_MODEL": "  "}) == Settings()


def test_every_variable_is_read_under_its_own_name():
    environment = {name.upper(): f"value of {name}" for name in vars(Settings())}
    assert vars(read_settings(environment)) == {name: f"value of {name}" for name in vars(Settings())}


def test_the_older_name_of_the_token_is_read_and_the_token_is_never_printed():
    assert read_settings({"HUGGING_FACE_TOKEN": "hf_old"}).hf_token == "hf_old"
    both = read_settings({"HUGGING_FACE_TOKEN": "hf_old", "HF_TOKEN": "hf_new"})
    assert both.hf_token == "hf_new" and "hf_new" not in repr(both)


def test_a_device_can_be_demanded():
    assert accelerator(Settings(device="mps")) == "mps"
    assert accelerator(Settings()) in ("cpu", "cuda", "mps")


def test_zero_gpu_is_known_by_its_variable():
    assert on_zero_gpu({"SPACES_ZERO_GPU": "true"}) and not on_zero_gpu({})


@pytest.mark.parametrize("name", list(backends.VISION | backends.AUDIO))
def test_every_backend_has_a_card_without_being_loaded(name):
    card = backends.card(name)
    assert card.title and card.model and card.licence and card.download_gb >= 0


def test_without_a_gpu_the_embedded_pair_is_the_default(monkeypatch):
    monkeypatch.setattr(backends, "accelerator", lambda: "cpu")
    monkeypatch.delenv("VISION_BACKEND", raising=False)
    monkeypatch.delenv("AUDIO_BACKEND", raising=False)
    assert (backends.default_vision(), backends.default_audio()) == ("tagger", "procedural")


def test_with_a_gpu_the_first_that_can_run_is_the_default(monkeypatch):
    monkeypatch.setattr(backends, "accelerator", lambda: "cuda")
    cards = dict.fromkeys(backends.AUDIO, Card("x", "x", "x", reason="gated"))
    first, *_, last = backends.AUDIO
    monkeypatch.setattr(backends, "card", cards.get)
    cards[last] = Card("x", "x", "x")
    assert backends.default_audio() == last
    cards[first] = Card("x", "x", "x")
    assert backends.default_audio() == first


def test_the_environment_chooses_the_default(monkeypatch):
    monkeypatch.setenv("AUDIO_BACKEND", "audioldm2")
    assert backends.default_audio() == "audioldm2"


def test_a_backend_that_cannot_run_is_refused_with_its_reason_and_never_replaced(monkeypatch):
    monkeypatch.setattr(backends, "card", lambda name: Card("x", "x", "x", reason="accept the licence first"))
    with pytest.raises(SoundscapeError, match="procedural cannot run here: accept the licence first"):
        backends.load_audio("procedural")


class FakeModel:
    """A model on ZeroGPU that loads, or fails with the error in `faults`. Those of Stability are gated."""

    loaded: ClassVar[list[str]] = []
    faults: ClassVar[dict[str, Exception]] = {}

    def __init__(self, name):
        self.name = name

    def card(self, settings):
        reason = "gated" if self.name.startswith("stable-audio") else ""
        return Card(self.name, "m", "l", device="cuda", reason=reason, note="The first use downloads 9 GB.")

    def load(self, on_step=None):
        if self.name in self.faults:
            raise self.faults[self.name]
        self.loaded.append(self.name)


@pytest.fixture
def space(monkeypatch):
    """A ZeroGPU Space with fake models."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    for name in ("_class_of", "_instance"):
        monkeypatch.setattr(backends, name, FakeModel)
    monkeypatch.setattr(backends, "_started", {})
    monkeypatch.setattr(FakeModel, "loaded", [])
    monkeypatch.setattr(FakeModel, "faults", {})
    return FakeModel


def test_a_space_loads_the_two_defaults_at_start_and_says_that_others_take_gpu_time(space):
    backends.load_at_start()
    assert space.loaded == ["qwen2.5-vl", "audioldm2"]
    assert backends.card("qwen2.5-vl").note == "", "nothing is left to download"
    assert backends.card("blip").note == (
        "The first use downloads 9 GB. It is loaded in each call, which takes GPU time."
    )
    assert [backends.is_loaded_at_start(name) for name in ("audioldm2", "blip")] == [True, False]


def test_a_setting_names_more_models_to_load_at_start(space, monkeypatch, caplog):
    monkeypatch.setenv("PRELOAD", "blip, stable-audio-open, audioldm, tagger")
    backends.load_at_start()
    assert space.loaded == ["blip", "qwen2.5-vl", "audioldm2"]
    assert "no model 'audioldm'" in caplog.text and "Did you mean 'audioldm2'?" in caplog.text
    assert backends.card("stable-audio-open").reason == "gated"


@pytest.mark.parametrize("error", [SoundscapeError("The disk is too full."), RuntimeError("shapes differ")])
def test_a_model_that_could_not_be_loaded_at_start_is_not_offered_and_the_next_best_is_the_default(space, error):
    space.faults["qwen2.5-vl"] = error
    backends.load_at_start()
    assert space.loaded == ["blip", "audioldm2"] and backends.default_vision() == "blip"
    reason = backends.card("qwen2.5-vl").reason
    assert reason.startswith("it could not be loaded when the Space started")
    assert ("The disk is too full." in reason) == isinstance(error, SoundscapeError)
    with pytest.raises(SoundscapeError, match="could not be loaded"):
        backends.load_vision("qwen2.5-vl")


def test_a_default_that_the_settings_name_is_never_replaced(space, monkeypatch):
    monkeypatch.setenv("VISION_BACKEND", "qwen2.5-vl")
    space.faults["qwen2.5-vl"] = RuntimeError("shapes differ")
    backends.load_at_start()
    assert backends.default_vision() == "qwen2.5-vl" and space.loaded == ["audioldm2"]


def test_the_memory_of_a_call_and_its_gpu_are_those_that_the_package_spaces_names(space, monkeypatch):
    cards = json.loads(files("spaces.zero").joinpath("configs.json").read_text())
    for card in cards:
        machine._lent_gpu.cache_clear()
        monkeypatch.setattr(config, "get_config", lambda card=card: card)
        gpu, share = machine.gpu(), 1 if card["xlarge_threshold"] is None else 2
        assert gpu.name == card["model"] and gpu.name in SPEEDS, "the card is in our table"
        assert machine.memory_gb("cuda") == pytest.approx(card["memory"] / share / 1e9)
    machine._lent_gpu.cache_clear()
