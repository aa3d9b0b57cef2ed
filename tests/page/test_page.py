"""The page: the document in its views, the examples, and every control."""

import zipfile
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

import app
from pipeline.backends import SoundOptions
from pipeline.errors import SoundscapeError
from pipeline.page import document, views
from pipeline.page.document import Origin
from pipeline.page.form import job_of, seed_of
from pipeline.soundscape import Soundscape
from pipeline.synthesize import forget_stems

from ..conftest import noise
from ..support.page_server import RIVER, finished, visitor


def test_typing_updates_the_list_or_names_the_field():
    shown, problems = document.typed(RIVER)
    assert Soundscape.from_json(shown["json"]) == Soundscape.from_json(RIVER) and problems == ""
    broken = RIVER.replace("-6", "-600")
    still, problems = document.typed(broken)
    assert still == {"of": broken, "json": None}, "the page keeps what it shows"
    assert "<code>Sound 2, gain_db</code> must be at least -40" in problems


def test_what_is_understood_differently_is_noted_and_the_list_follows():
    quoted = RIVER.replace("-6", '"-6"')
    pasted = f"```json\n{quoted[:-1]},}}\n```"
    shown, note = document.typed(pasted)
    assert shown["of"] == pasted and Soundscape.from_json(shown["json"]) == Soundscape.from_json(RIVER)
    assert "Read with repairs: a code fence, trailing commas, a number in quotes." in note and 'class="quiet"' in note
    assert job_of(None, pasted).repairs in note and job_of(None, RIVER).repairs == ""


def test_every_example_opens_without_a_model(monkeypatch):
    def no_model(*_):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("pipeline.backends._load", no_model)
    assert len(app.examples()) >= 6
    for index, path in enumerate(app.examples()):
        picture, shown, note, refusal, *_ = app.on_example(SimpleNamespace(index=index))
        assert picture == str(path) and Soundscape.from_json(shown["json"]).sources
        assert shown["origin"] == {"picture": document.fingerprint(str(path)), "text": shown["json"], "vision": ""}
        assert note == refusal == ""


@pytest.mark.parametrize("index", [-1, 99, "../app"])
def test_only_examples_can_be_chosen(index):
    with pytest.raises(gr.Error, match="no such example"):
        app.on_example(SimpleNamespace(index=index))


def test_a_picture_is_part_of_the_result_when_the_document_was_written_for_it(visitors_root, tmp_path):
    pictures = [tmp_path / "one.png", tmp_path / "other.png"]
    for brightness, path in zip((40, 200), pictures):
        Image.new("RGB", (32, 32), (brightness,) * 3).save(path)
    origin = Origin(document.fingerprint(str(pictures[0])), RIVER)
    for path, belongs in zip(pictures, (True, False)):
        wishes = ("", 2, "1", False, *ADVANCED.values())
        values = finished(app.on_make(str(path), RIVER, origin, None, visitor(), lambda *_, **__: None, *wishes))
        assert ("picture.jpg" in zipfile.ZipFile(values[2]).namelist()) == belongs
        assert document.is_for(str(path), RIVER, origin) == belongs
        assert ("another picture" in document.note(str(path), RIVER, origin)) != belongs


def test_only_changes_of_the_visitor_count_as_edits():
    origin = Origin("", Soundscape.from_json(RIVER).to_json())
    assert not document.is_edited(RIVER, origin) and not document.is_edited(" ", origin)
    assert document.is_edited(RIVER.replace("-6", "-7"), origin) and document.is_edited(RIVER, Origin())
    assert document.is_edited(RIVER[:-5], origin), "a text with problems is work too"


@pytest.mark.parametrize("text", ["", None, "[1]", "{", "3", "[" * 100_000])
def test_an_origin_that_cannot_be_read_is_none(text):
    assert document.read_origin(text) == Origin()
    assert document.read_origin('{"picture": "p", "text": "t", "vision": "v"}') == Origin("p", "t", "v")


def test_the_report_names_the_model_of_a_description_that_nobody_edited():
    origin = Origin("", RIVER, "tagger")
    assert job_of(None, RIVER, origin).provenance["vision"]["backend"] == "tagger"
    assert job_of(None, RIVER.replace("-6", "-7"), origin).provenance == {}
    assert job_of(None, RIVER, Origin("", RIVER, "no such model")).provenance == job_of(None, RIVER).provenance == {}


def test_a_sound_of_a_known_name_has_its_usual_role_and_distance():
    assert document.usual("rain")["role"] == "bed" and document.usual("dog barking")["role"] != "bed"
    assert document.usual("rain")["distance_m"] > 0
    assert document.usual("zxqv") == document.usual("  ") == {}


ADVANCED = {"steps": 0, "guidance": 0, "negative": "", "candidates": 1, "precision": "", "prompts": ""}
MODEL = {"negative_prompt": "music", "prompt": "river rushing", "steps": 20, "guidance": 3.5, "precision": "float16"}


class Recorder:
    """An audio backend that records the options of each call."""

    max_duration_s, sample_rate = 60.0, 44_100

    def __init__(self):
        self.options = []

    def request(self, soundscape, source, options):
        return MODEL | {"prompt": options.prompts.get(0, f"{source.name} {source.action}".strip())}

    def synthesize(self, soundscape, sources, *, duration_s, seeds, on_step=None, options=None):
        self.options.append(options)
        return [noise(duration_s, seed=seed % 1000) for seed in seeds]


@pytest.fixture
def recorder(monkeypatch, visitors_root):
    from pipeline import backends

    recorder = Recorder()
    monkeypatch.setitem(backends.AUDIO, "recorder", "tests.page.test_page:Recorder")
    load, card = backends.load_audio, backends.card
    known = backends.Card("Recorder", "tests", "MIT")
    monkeypatch.setattr(backends, "load_audio", lambda name: (name, recorder) if name == "recorder" else load(name))
    monkeypatch.setattr(backends, "card", lambda name: known if name == "recorder" else card(name))
    forget_stems()
    yield recorder
    forget_stems()


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({}, SoundOptions()),
        (dict.fromkeys(ADVANCED), SoundOptions()),
        ({"steps": 50}, SoundOptions(steps=50)),
        ({"guidance": 2.5}, SoundOptions(guidance=2.5)),
        ({"negative": " hiss "}, SoundOptions(negative_prompt="hiss")),
        ({"candidates": 3}, SoundOptions(candidates=3)),
        ({"precision": "float32"}, SoundOptions(precision="float32")),
        ({"prompts": "a wide river\n\n"}, SoundOptions(prompts={0: "a wide river"})),
    ],
)
def test_every_advanced_control_changes_what_is_asked_for(recorder, change, options):
    advanced = list((ADVANCED | change).values())
    wishes = ("recorder", 2, "1", False, *advanced)
    finished(app.on_make(None, RIVER, Origin(), None, visitor(), lambda *_, **__: None, *wishes))
    assert recorder.options == [options]


def test_the_prompts_are_shown(recorder):
    assert app.on_prompts(RIVER, "recorder") == "river rushing\nwind"


def test_advanced_controls_are_shown_when_a_model_has_them(recorder):
    assert views.models(gr)[-1].visible
    from pipeline import backends

    del backends.AUDIO["recorder"]
    embedded = all(backends.card(name).reason for name in backends.AUDIO if name not in backends.EMBEDDED)
    assert views.models(gr)[-1].visible != embedded


@pytest.mark.parametrize(("text", "surprise", "seed"), [("7", False, 7), ("7", True, None), (" ", False, None)])
def test_the_seed_is_read_as_it_is_meant(text, surprise, seed):
    assert seed_of(text, surprise) == seed


@pytest.mark.parametrize("text", ["seven", "-1", "9" * 5000])
def test_a_seed_that_is_no_number_is_refused(text):
    with pytest.raises(SoundscapeError, match="whole number"):
        seed_of(text, False)


def test_only_backends_that_can_run_can_be_chosen_and_the_others_say_why(monkeypatch):
    from pipeline import backends

    class Giant:
        @classmethod
        def card(cls, settings):
            return backends.Card("Giant", "someone/giant", "MIT", download_gb=900, device="cuda", reason="No GPU here.")

    monkeypatch.setitem(backends.VISION, "giant", "tests.page.test_page:Giant")
    monkeypatch.setattr(
        backends, "card", lambda name, card=backends.card: Giant.card(None) if name == "giant" else card(name)
    )
    choices, notes, *_ = views.models(gr)
    names = [name for _, name in choices.choices]
    assert names[0] == "" and "tagger" in names and "giant" not in names
    assert "No GPU here." in notes and "900\u00a0GB to download" in notes
