"""The app: its three end points as programs call them, what it refuses, and how it starts."""

import io
import json
import re
import subprocess
import sys
import time
import wave
import zipfile
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
from pipeline import backends
from pipeline.backends import Card
from pipeline.page import fragments, visitors
from pipeline.soundscape import Soundscape

from .support.page_server import RIVER, ROOT

END_POINTS = {
    "/describe": ["picture", "vision_backend"],
    "/render": ["soundscape_json", "audio_backend", "duration_s", "seed"],
    "/image_to_soundscape": ["picture", "vision_backend", "audio_backend", "duration_s", "seed"],
}


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
    assert client.predict(RIVER, "", None, 7, api_name="/render")[2]["duration_s"] == 10, (
        "without a duration, the default is used"
    )
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


def test_a_file_that_is_not_a_picture_is_refused_with_a_reason(client, tmp_path):
    (tmp_path / "notes.jpg").write_text("not a picture")
    with pytest.raises(AppError, match="JPEG") as caught:
        client.predict(handle_file(tmp_path / "notes.jpg"), "", api_name="/describe")
    assert "/" not in str(caught.value).replace("and/or", ""), "no path of the server is shown"


def test_a_program_can_cancel_its_job(address, server_scratch, tmp_path):
    own = Client(address, verbose=False, download_files=tmp_path)
    folder = server_scratch / "visitors" / visitors.folder_of(own.session_hash).name
    sources = [{"name": name} for name in ("rain", "stream", "waves", "fire", "crowd", "wind", "crickets", "traffic")]
    job = own.submit(json.dumps({"sources": sources}), "", 60, 1, api_name="/render")
    wait_until(lambda: job.status().progress_data)
    assert list(folder.glob("*.ticket"))
    job.cancel()
    wait_until(lambda: not list(folder.glob("*.ticket")))
    mix = own.predict(RIVER, "", 2, 1, api_name="/render")[0]  # the next job works
    assert Path(mix).is_file()
    results = [json.loads(path.read_text())["duration_s"] for path in folder.rglob("manifest.json")]
    assert results == [2], "the first job left no result"


def wait_until(true, limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration_s", "seed", "words"),
    [
        ("x", 1, "duration must be a number of seconds from 2 to 60, such as 10"),
        ([2], 1, "duration must be a number of seconds"),
        (True, 1, "duration must be a number of seconds"),
        ("1e999", 1, "duration must be a number of seconds"),
        (1, 1, "duration must be between 2 and"),
        (2, "x", "seed must be a whole number from 0 to 4294967295, such as 7"),
        (2, 1.5, "seed must be a whole number"),
        (2, {"a": 1}, "seed must be a whole number"),
        (2, 2**64, "seed must be a whole number from 0 to 4294967295"),
    ],
)
def test_invalid_numbers_are_refused_with_a_reason(address, duration_s, seed, words):
    with pytest.raises(AppError, match=re.escape(words)):
        Client(address, verbose=False).predict(RIVER, "", duration_s, seed, api_name="/render")


def test_numbers_may_be_sent_as_text(client):
    assert client.predict(RIVER, "", "2", "7", api_name="/render")[2]["seed"] == 7


def test_an_unforeseen_error_is_told_by_a_number_only(caplog):
    with pytest.raises(gr.Error) as caught, app.in_words():
        raise RuntimeError("/home/secret/weights.bin is broken")
    number = caught.value.message.split("report error ")[1].split(".")[0]
    assert caught.value.duration == 5, "the message does not cover the controls for longer"
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


def test_a_local_model_is_shown_by_name_without_its_path(monkeypatch):
    folder = "/srv/models/large"
    made = fragments.report({"audio": {"backend": "audioldm2", "model": folder}}, {})
    listed = fragments.models({"audioldm2": Card("AudioLDM 2", folder, "x")})
    assert all("large" in html and "/srv" not in html for html in (made, listed))
    monkeypatch.setenv("AUDIOLDM2_MODEL", folder)
    reason = backends.card("audioldm2").reason
    assert "'large'" in reason and "/srv" not in reason


# Start ----------------------------------------------------------------------------------------------------------------


def test_the_page_is_built_without_anything_heavy():
    heavy = ["torch", "scipy", "cv2", "pyloudnorm", "transformers", "diffusers"]
    code = "import sys, app; app.create_demo(); app.launch_options(app.gr);"
    code += f"print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
