"""The first sound of a job: the page has the dry stems while the files are written."""

import json
import threading
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

import app
from pipeline.job import Job, run
from pipeline.page import preview, views, visitors
from pipeline.page.first_sound import first_and_finished

from ..support.page_server import RIVER, visitor

PLAYER, MIX, BUNDLE = 0, 1, 2  # places of the values
WISHES = ("", 2, "", True, 0, 0, "", 1, "", "")  # of 2 s, with a random seed


@pytest.fixture
def held(monkeypatch):
    """Hold every job back once its dry stems are there, until it is released."""
    release = threading.Event()
    monkeypatch.setattr("pipeline.job.mixdown_of", held_back("pipeline.mixing.mix", "mixdown_of", release))
    yield release
    release.set()


def held_back(module: str, name: str, release: threading.Event):
    function = getattr(__import__(module, fromlist=[name]), name)

    def wait(*arguments):
        assert release.wait(30)
        return function(*arguments)

    return wait


def make(ticket=None, text=RIVER):
    return app.on_make(None, text, app.Origin(), ticket, visitor(), lambda *_, **__: None, *WISHES)


def test_the_dry_stems_are_shown_before_there_is_a_file(visitors_root, held):
    values = make()
    first = next(values)
    player = first[PLAYER]
    assert player["mix"] is None and len(player["stems"]) == 2 and not list(visitors_root.rglob("mix.wav"))
    assert first[MIX] == first[BUNDLE] == gr.skip(), "the files of the sound before stay"
    held.set()
    last = next(values)
    assert last[PLAYER] == player | {"mix": last[PLAYER]["mix"]}, "the page finds that it is the same sound"
    mix = Path(last[PLAYER]["mix"]["path"])
    assert mix.samefile(last[MIX]) and len(first) == len(last)
    assert list(values) == []


def test_a_new_description_is_shown_once_with_the_first_sound(visitors_root, held, tmp_path):
    Image.new("RGB", (60, 40), (40, 120, 200)).save(tmp_path / "sea.png")
    values = app.on_hear(
        str(tmp_path / "sea.png"), "", app.Origin(), "", None, visitor(), lambda *_, **__: None, *WISHES
    )
    first = next(values)
    held.set()
    (last,) = values
    assert json.loads(first[0]["json"]) == first[views.REPLACED + PLAYER]["document"]
    assert last[: views.REPLACED] == [gr.skip()] * views.REPLACED, "edits since then are not replaced"


def test_a_job_that_is_stopped_after_its_first_sound_leaves_no_result(visitors_root, held):
    ticket = visitors.new_ticket("visitor")
    values = make(ticket)
    assert next(values)[PLAYER]["stems"]
    visitors.end_ticket(ticket)
    held.set()
    with pytest.raises(gr.Error, match="Stopped"):
        next(values)
    assert not list(visitors_root.rglob("mix.wav"))


def test_a_job_that_fails_before_its_first_sound_has_none(visitors_root):
    silent = json.dumps({"sources": [{"name": "wind", "mute": True}]})
    with pytest.raises(gr.Error, match="Every source is muted"):
        next(make(text=silent))


def test_a_job_that_writes_no_dry_stems_has_one_result(tmp_path):
    job = Job(soundscape=app.Soundscape.from_json(RIVER), duration_s=2, seed=1)
    ((result, is_finished),) = first_and_finished(job, tmp_path / "result", lambda job: run(job, tmp_path / "result"))
    assert is_finished and result.mix_path.is_file() and not preview.is_ready(tmp_path / "result")
