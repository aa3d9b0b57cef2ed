"""Settings from environment variables, and which backends are offered."""

import pytest

from pipeline import backends
from pipeline.backends import Card
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


def test_all_real_models_that_can_run_are_loaded_at_start_and_one_that_fails_stops_nothing(monkeypatch):
    loaded = []

    class Model:
        def __init__(self, name):
            self.name = name

        def load(self):
            if self.name == "blip":
                raise SoundscapeError("no network")
            if self.name == "stable-audio-3":
                raise RuntimeError("shapes differ")
            loaded.append(self.name)

    reasons = {"stable-audio-open": "gated"}
    monkeypatch.setattr(backends, "card", lambda name: Card("x", "x", "x", reason=reasons.get(name, "")))
    monkeypatch.setattr(backends, "_instance", Model)
    backends.load_real_models()
    assert loaded == ["qwen2.5-vl", "audioldm2"]
