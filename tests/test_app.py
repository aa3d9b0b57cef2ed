"""The app: its three end points as programs call them, what it keeps of a visitor, and what it refuses."""

import io
import json
import os
import pickle
import re
import subprocess
import sys
import time
import wave
import zipfile
from contextvars import copy_context
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio.context import LocalContext
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
from pipeline.backends import Card, SoundOptions
from pipeline.errors import SoundscapeError
from pipeline.job import Job
from pipeline.page import document, fragments, layout, visitors
from pipeline.page.document import Origin
from pipeline.page.wishes import seed_of
from pipeline.soundscape import Soundscape
from pipeline.synthesize import forget_stems

from .conftest import noise
from .page_server import ROOT, serve

END_POINTS = {
    "/describe": ["picture", "vision_backend"],
    "/render": ["soundscape_json", "audio_backend", "duration_s", "seed"],
    "/image_to_soundscape": ["picture", "vision_backend", "audio_backend", "duration_s", "seed"],
}
RIVER = '{"scene": "A river", "sources": [{"name": "river", "action": "rushing"}, {"name": "wind", "gain_db": -6}]}'


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """Blue sky over blue water over sand, as a JPEG."""
    path = tmp_path_factory.mktemp("pictures") / "beach.jpg"
    beach = Image.new("RGB", (600, 400), (120, 170, 230))
    beach.paste((30, 90, 150), (0, 180, 600, 300))
    beach.paste((220, 200, 150), (0, 300, 600, 400))
    beach.save(path)
    return handle_file(path)


def visitor(name: str = "visitor") -> SimpleNamespace:
    return SimpleNamespace(session_hash=name)


# End points -----------------------------------------------------------------------------------------------------------


def test_programs_see_the_three_end_points_and_nothing_else(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    parameters = {name: [each["parameter_name"] for each in api["parameters"]] for name, api in named.items()}
    assert parameters == END_POINTS


def test_describe_gives_a_soundscape(client, picture):
    soundscape = Soundscape.from_json(client.predict(picture, "", api_name="/describe"))
    assert 1 <= len(soundscape.sources) <= 8 and soundscape.scene


def test_render_gives_a_mix_a_bundle_and_a_report(client):
    mix, bundle, report = client.predict(RIVER, "procedural", 3, 7, api_name="/render")
    with wave.open(mix) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 44_100, 3 * 44_100)
    names = zipfile.ZipFile(bundle).namelist()
    assert {"mix.wav", "soundscape.json", "manifest.json"} <= set(names)
    assert sum(name.startswith("stems/") for name in names) == 2
    assert zipfile.ZipFile(bundle).read("mix.wav") == Path(mix).read_bytes()
    assert report["audio"]["backend"] == "procedural" and report["seed"] == 7
    assert report["loudness_lufs"] == pytest.approx(-20, abs=0.5) and set(report["seconds"]) >= {
        "sound",
        "mix",
        "files",
    }


def test_the_seed_decides_the_sound_and_no_seed_is_a_random_one(client):
    def render(seed):
        mix, _, report = client.predict(RIVER, "", 2, seed, api_name="/render")
        return Path(mix).read_bytes(), report["seed"]

    first, again, other = render(7), render(7), render(8)
    assert first == again and first[0] != other[0]
    assert client.predict(RIVER, "", None, 7, api_name="/render")[2]["duration_s"] == 10, "no duration is the usual one"
    chosen, seed = render(None)
    assert chosen not in (first[0], other[0]) and render(seed) == (chosen, seed)


def test_image_to_soundscape_does_both_at_once(client, picture):
    text, mix, bundle, report = client.predict(picture, "", "", 2, 5, api_name="/image_to_soundscape")
    files = zipfile.ZipFile(bundle)
    assert Soundscape.from_json(text) == Soundscape.from_json(files.read("soundscape.json").decode())
    assert files.read("mix.wav") == Path(mix).read_bytes()
    assert Image.open(io.BytesIO(files.read("picture.jpg"))).size == (600, 400)
    assert report["vision"]["backend"] and set(report["seconds"]) == {"describe", "sound", "mix", "files"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (('{"sources": [{"name": "river", "gain_db": 99}]}', "", 2, 1), "sources[0].gain_db: must be at most 12"),
        (("", "", 2, 1), "There is no soundscape yet"),
        ((RIVER, "procedurel", 2, 1), "Did you mean 'procedural'?"),
        ((RIVER, "", 9000, 1), "duration must be between"),
        ((RIVER, "", 2, -1), "seed must be a whole number"),
        ((json.dumps({"scene": "x" * 70_000, "sources": [{"name": "a"}]}), "", 2, 1), "longer than 64 KB"),
    ],
)
def test_render_says_what_is_wrong(client, arguments, words):
    with pytest.raises(AppError, match=re.escape(words)):
        client.predict(*arguments, api_name="/render")


def test_what_is_no_picture_is_refused_in_words(client, tmp_path):
    (tmp_path / "notes.jpg").write_text("not a picture")
    with pytest.raises(AppError, match="JPEG") as caught:
        client.predict(handle_file(tmp_path / "notes.jpg"), "", api_name="/describe")
    assert "/" not in str(caught.value).replace("and/or", ""), "no path of the server is told"


# What is refused ------------------------------------------------------------------------------------------------------


def test_files_of_other_sites_are_never_fetched(address):
    body = {"data": [{"path": "http://127.0.0.1:9/a.jpg", "meta": {"_type": "gradio.FileData"}}, ""]}
    escaped = json.dumps(body).replace("http", "\\u0068ttp")
    for content in (json.dumps(body), escaped):
        for route in ("call/describe", "queue/join", "api/describe", "run/describe"):
            answer = httpx.post(f"{address}/gradio_api/{route}", content=content)
            assert answer.status_code == 422 and "Upload the file" in answer.text
    twice = [("content-type", "application/json"), ("content-type", "multipart/form-data; boundary=x")]
    assert httpx.post(f"{address}/gradio_api/call/describe", content=json.dumps(body), headers=twice).status_code == 422
    assert httpx.get(f"{address}/gradio_api/file=http://127.0.0.1:9/a.jpg").status_code == 403


def test_long_bodies_are_refused(address):
    answer = httpx.post(f"{address}/gradio_api/call/render", content=json.dumps({"data": ["x" * 1_100_000]}))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/etc/passwd", str(ROOT / "app.py"), str(ROOT / "pipeline" / "job.py"), "../app.py"])
def test_files_of_the_server_are_not_served(address, path):
    assert httpx.get(f"{address}/gradio_api/file={path}").status_code in (403, 404)
    body = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, ""]}
    event = httpx.post(f"{address}/gradio_api/call/describe", json=body)
    told = httpx.get(f"{address}/gradio_api/call/describe/{event.json()['event_id']}").text
    assert "event: error" in told and path not in told


def test_an_unforeseen_error_is_told_by_a_number_only(caplog):
    with pytest.raises(gr.Error) as caught, app.in_words():
        raise RuntimeError("/home/secret/weights.bin is broken")
    number = caught.value.message.split("noted as ")[1].split(".")[0]
    assert caught.value.duration == 5, "it covers the controls no longer than that"
    assert "secret" not in caught.value.message and number in caplog.text and "weights.bin" in caplog.text


def test_texts_of_visitors_and_models_are_escaped():
    evil = "<img src=x onerror=alert(1)>"
    card = Card(title=evil, model=evil, licence=evil, download_gb=1, device="cuda", reason=evil)
    heavy = Card(title="x", model="x", licence="x", note=evil)
    report = {"audio": {"backend": evil, "model": evil, "device": evil}, "seed": evil, "warnings": [evil]}
    for html in (
        fragments.problems(f"{evil}\na: {evil}"),
        fragments.report(report, {"audio": evil}),
        fragments.models({evil: card}),
        fragments.models({"x": heavy}),
    ):
        assert "<img" not in html and "&lt;img" in html


def test_of_a_local_model_the_name_is_told_not_the_path():
    folder = "/srv/models/large"
    made = fragments.report({"audio": {"backend": "audioldm2", "model": folder}}, {})
    listed = fragments.models({"audioldm2": Card("AudioLDM 2", folder, "x")})
    assert all("large" in html and "/srv" not in html for html in (made, listed))


# Visitors -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(visitors, "ROOT", tmp_path / "visitors")
    return tmp_path / "visitors"


def test_each_visitor_has_a_folder_whatever_the_session_is_called(root):
    folders = {visitors.folder_of(session) for session in ("a", "b", "../../etc", "/root")}
    assert len(folders) == 4 and all(folder.parent == root for folder in folders)
    assert visitors.folder_of("a") in folders


def test_what_a_visitor_made_is_deleted_when_they_leave_or_stay_away(root):
    stays, leaves, away = (visitors.folder_of(session) for session in "abc")
    app.leave(visitor("b"))
    os.utime(away, (time.time() - 2 * visitors.KEPT_S,) * 2)
    visitors.sweep()
    assert stays.exists() and not leaves.exists() and not away.exists()


def test_a_job_ends_at_the_next_step_when_its_ticket_is_taken_back(root):
    ticket = Path(app.begin(visitor())[0])
    job = app.job_of(None, RIVER, duration_s=2, seed=1)
    steps = []

    def progress(step, desc, unit):
        steps.append(desc)
        app.end(str(ticket))  # the visitor presses Stop during the first step

    with pytest.raises(gr.Error, match="Stopped"):
        app.work(job, root / "result", ticket, progress)
    assert len(steps) == 1 and not (root / "result").exists()


def test_the_progress_of_a_download_reaches_the_page_from_other_threads(monkeypatch):
    told = []
    queue = SimpleNamespace(set_progress=lambda event, steps: told.append((event, steps[-1].index, steps[-1].length)))

    def describe(picture, vision, on_progress):
        thread = Thread(target=on_progress, args=("describe", 100, 990))
        thread.start()
        thread.join()

    def event():
        LocalContext.blocks.set(SimpleNamespace(_queue=queue))
        LocalContext.event_id.set("an event")
        app.work(Job(Image.new("RGB", (9, 9))), None, None, app.PROGRESS)

    monkeypatch.setattr("pipeline.job.describe_picture", describe)
    copy_context().run(event)
    assert told == [("an event", 100, 990)]


def test_leaving_stops_the_job_too(root):
    ticket = Path(app.begin(visitor())[0])
    app.leave(visitor())
    with pytest.raises(gr.Error, match="Stopped"):
        app.work(app.job_of(None, RIVER, duration_s=2), root / "result", ticket, lambda *_, **__: None)


def test_the_work_can_be_done_in_another_process(root):
    job = app.job_of(None, RIVER, duration_s=2, seed=1)
    task = pickle.dumps((job, root / "result", Path(app.begin(visitor())[0]), app.PROGRESS))
    job, *rest = pickle.loads(task)
    result = pickle.loads(pickle.dumps(app.work(job, *rest)))
    assert result.mix_path.is_file()
    with pytest.raises(gr.Error) as caught:
        app.work(app.job_of(None, RIVER, audio="nothing"), *rest)
    assert "nothing" in pickle.loads(pickle.dumps(caught.value)).message


def test_a_gpu_is_borrowed_for_as_long_as_the_job_needs_and_no_longer(monkeypatch, tmp_path):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    picture, river = Image.new("RGB", (9, 9)), Soundscape.from_json(RIVER)

    def seconds(folder=tmp_path, **wishes):
        return app.gpu_seconds(Job(**{"vision": "blip", "audio": "audioldm2"} | wishes), folder, None, app.PROGRESS)

    usual = seconds(soundscape=river)
    assert 0 < usual <= 15 and usual == seconds(soundscape=river, picture=picture), "what is described is not looked at"
    assert usual < seconds(picture=picture) <= 40
    assert seconds(picture=picture, folder=None) == seconds(picture=picture, audio="procedural") <= 20
    for more in ({"steps": 200}, {"candidates": 3}):
        assert seconds(soundscape=river, options=SoundOptions(**more)) > 1.5 * usual
    assert seconds(soundscape=river, duration_s=40) > usual
    assert app.needs_gpu(Job(picture, vision="blip", audio="procedural"), only_look=False)
    assert not app.needs_gpu(Job(picture, vision="tagger", audio="procedural"), only_look=False)


def test_what_a_visitor_sends_is_not_given_back_as_a_file():
    forged = {"json": "", "broken": False, "path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    assert document.typed("{", forged)[0] == {"json": "", "broken": True}


# The document and the views -------------------------------------------------------------------------------------------


def test_typing_updates_the_list_or_names_the_field():
    shown, problems = document.typed(RIVER, {"json": "", "broken": False})
    assert Soundscape.from_json(shown["json"]) == Soundscape.from_json(RIVER) and problems == ""
    still, problems = document.typed(RIVER.replace("-6", "-600"), shown)
    assert still == {**shown, "broken": True} and "<code>sources[1].gain_db</code> must be at least -40" in problems


def test_the_editor_shows_the_same_document(soundscape):
    text = layout(soundscape.to_json())
    assert Soundscape.from_json(text) == soundscape
    assert '"box": [0.1, 0.55, 0.9, 1.0]' in text and '"timbre": ["bright", "broadband"]' in text


def test_every_example_opens_without_a_model(monkeypatch):
    def no_model(*_):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("pipeline.backends._load", no_model)
    assert len(app.examples()) >= 6
    for index, path in enumerate(app.examples()):
        picture, text, shown, problems, *_ = app.on_example("", Origin(), SimpleNamespace(index=index))
        assert picture == str(path) and Soundscape.from_json(text) == Soundscape.from_json(shown["json"])
        assert problems == ""


@pytest.mark.parametrize("index", [-1, 99, "../app"])
def test_only_examples_can_be_chosen(index):
    with pytest.raises(gr.Error, match="no such example"):
        app.on_example("", Origin(), SimpleNamespace(index=index))


def test_a_picture_is_part_of_the_result_when_the_document_was_written_for_it(root, tmp_path):
    pictures = [tmp_path / "one.png", tmp_path / "other.png"]
    for brightness, path in zip((40, 200), pictures):
        Image.new("RGB", (32, 32), (brightness,) * 3).save(path)
    origin = Origin(document.fingerprint(str(pictures[0])), RIVER)
    for path, belongs in zip(pictures, (True, False)):
        values = app.on_make(
            str(path), RIVER, origin, None, visitor(), lambda *_, **__: None, "", 2, "1", False, *ADVANCED.values()
        )
        assert ("picture.jpg" in zipfile.ZipFile(values[2]).namelist()) == belongs
        assert document.is_for(str(path), RIVER, origin) == belongs
        assert ("another picture" in document.note(str(path), RIVER, origin)) != belongs


def test_only_work_by_hand_counts_as_edited():
    origin = Origin("", layout(Soundscape.from_json(RIVER).to_json()))
    assert not document.is_edited(RIVER, origin) and not document.is_edited(" ", origin)
    assert document.is_edited(RIVER.replace("-6", "-7"), origin) and document.is_edited(RIVER, Origin())
    assert document.is_edited(RIVER[:-5], origin), "what has problems is work too"


def test_a_sound_of_a_known_name_has_its_usual_role_and_distance():
    assert document.usual("rain")["role"] == "bed" and document.usual("dog barking")["role"] != "bed"
    assert document.usual("rain")["distance_m"] > 0
    assert document.usual("zxqv") == document.usual("  ") == {}


ADVANCED = {"steps": 0, "guidance": 0, "negative": "", "candidates": 1, "precision": "", "prompts": ""}
MODEL = {"negative_prompt": "music", "prompt": "river rushing", "steps": 20, "guidance": 3.5, "precision": "float16"}


class Recorder:
    """An audio backend that keeps what it was asked for."""

    max_duration_s, sample_rate = 60.0, 44_100

    def __init__(self):
        self.options = []

    def request(self, soundscape, source, options):
        return MODEL | {"prompt": options.prompts.get(0, f"{source.name} {source.action}".strip())}

    def synthesize(self, soundscape, sources, *, duration_s, seeds, on_step=None, options=None):
        self.options.append(options)
        return [noise(duration_s, seed=seed % 1000) for seed in seeds]


@pytest.fixture
def recorder(monkeypatch, root):
    from pipeline import backends

    recorder = Recorder()
    monkeypatch.setitem(backends.AUDIO, "recorder", "tests.test_app:Recorder")
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
    app.on_make(None, RIVER, Origin(), None, visitor(), lambda *_, **__: None, *wishes)
    assert recorder.options == [options]


def test_the_prompts_are_shown(recorder):
    assert app.on_prompts(RIVER, "recorder") == "river rushing\nwind"


def test_advanced_controls_are_shown_when_a_model_has_them(recorder):
    assert app.backends_view()[-1].visible
    from pipeline import backends

    del backends.AUDIO["recorder"]
    embedded = all(backends.card(name).reason for name in backends.AUDIO if name not in backends.EMBEDDED)
    assert app.backends_view()[-1].visible != embedded


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

    monkeypatch.setitem(backends.VISION, "giant", "tests.test_app:Giant")
    monkeypatch.setattr(
        backends, "card", lambda name, card=backends.card: Giant.card(None) if name == "giant" else card(name)
    )
    choices, notes, *_ = app.backends_view()
    names = [name for _, name in choices.choices]
    assert names[0] == "" and "tagger" in names and "giant" not in names
    assert "No GPU here." in notes and "900 GB to download" in notes


# Start ----------------------------------------------------------------------------------------------------------------


def test_the_page_is_built_without_anything_heavy():
    heavy = ["torch", "scipy", "cv2", "pyloudnorm", "transformers", "diffusers"]
    code = f"import sys, app; app.create_demo(); app.launch_options(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
