"""Faults of every kind in every stage of a job: what the visitor reads, what the log says, and the job after it."""

import asyncio
import errno
import json
import logging
import pickle
import re
import threading
import time
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from spaces.zero.gradio import error as error_of_spaces

import app
from pipeline import logs
from pipeline.backends.audio.procedural import Procedural
from pipeline.job import STAGES
from pipeline.page import visitors
from pipeline.soundscape import Soundscape
from pipeline.synthesize import forget_stems

from ..support.page_server import visitor

SECRET = "grandmother"  # in the document and in the messages of the errors
WIND = Soundscape.from_json(f'{{"sources": [{{"name": "wind", "material": "{SECRET}"}}]}}')
FAULTS = {
    "exception": (RuntimeError, (SECRET,), "Something went wrong on our side."),
    "memory": (MemoryError, (SECRET,), "This machine ran out of memory."),
    "memory of the GPU": (torch.OutOfMemoryError, (SECRET,), "This machine ran out of memory."),
    "full disk": (OSError, (errno.ENOSPC, "No space left on device", SECRET), "The disk of this machine is full."),
}
# Where each stage of a job is broken, and the stage that the log names.
PLACES = {
    "describe": ("pipeline.job.describe", "describe"),
    "parse": ("pipeline.page.form.Soundscape.read", None),
    "prompt": ("pipeline.backends.audio.procedural.Procedural.request", "sound"),
    "sound": ("pipeline.backends.audio.procedural.Procedural.synthesize", "sound"),
    "mix": ("pipeline.job.mixdown_of", "mix"),
    "write": ("pipeline.results.result.wav_bytes", "files"),
    "zip": ("pipeline.page.downloads.write_bundle", None),
}


@pytest.fixture
def call(visitors_root, tmp_path, monkeypatch):
    """A function that calls the end point as a visitor does: with a picture, or with a document if it is given."""
    Image.new("RGB", (60, 40)).save(tmp_path / "picture.jpg")
    monkeypatch.setattr("pipeline.job.describe", lambda *_, **__: WIND)
    wishes = ("procedural", 2, 1)

    def call(name="a visitor", text=None, progress=lambda *_, **__: None):
        forget_stems()
        if text:
            return asyncio.run(app.api_render(text, *wishes, visitor(name), progress))
        picture = str(tmp_path / "picture.jpg")
        return asyncio.run(app.api_image_to_soundscape(picture, "", *wishes, visitor(name), progress))

    return call


@pytest.fixture
def events(caplog):
    """What the jobs have logged: a list of (message, fields), the errors among them."""
    caplog.set_level("INFO", "pipeline.events")

    formatter = logs.JsonFormatter()

    class Keeper(list):
        def emit(self, record):
            self.append((record.getMessage(), json.loads(formatter.format(record))))

    keeper = Keeper()
    handler, ours = SimpleNamespace(level=0, handle=keeper.emit), logging.getLogger("pipeline")
    ours.addHandler(handler)
    yield keeper
    ours.removeHandler(handler)


def id_in(message: str) -> str:
    (number,) = re.findall(r"report error ([0-9a-f]{8})\.", message)
    return number


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", PLACES)
def test_a_fault_is_a_sentence_with_an_id_that_is_in_the_log(call, events, caplog, monkeypatch, stage, fault):
    kind, arguments, words = FAULTS[fault]
    error = kind(*arguments)
    place, named = PLACES[stage]
    other = visitors.new_ticket("another visitor")

    def fail(*_, **__):
        raise error

    text = WIND.to_json() if stage in ("parse", "zip") else None
    with monkeypatch.context() as broken, pytest.raises(gr.Error) as caught:
        broken.setattr(place, fail)
        call(text=text)
    message = caught.value.message
    assert message.startswith(words) and SECRET not in message
    assert other.exists(), "other visitors are not affected"
    (failed,) = [record for record in caplog.records if record.getMessage() == f"Error {id_in(message)}"]
    assert failed.exc_info[1] is error
    if stage != "parse":  # which is before the job begins
        begin, *_, (_, logged), (outcome, fields) = events
        assert (begin[0], outcome, fields["error_id"]) == ("begin", "failed", id_in(message))
        assert begin[1]["job"] == logged["job"] == fields["job"] and logged.get("stage") == named
    left = [path for path in visitors.folder_of("a visitor").rglob("*") if path.is_file()]
    assert left == [] or stage == "zip", "no half file is left"


@pytest.mark.parametrize("stage", PLACES)
def test_the_job_after_a_fault_is_good(call, events, monkeypatch, stage):
    with monkeypatch.context() as broken, pytest.raises(gr.Error):
        broken.setattr(PLACES[stage][0], lambda *_, **__: 1 / 0)
        call(text=WIND.to_json() if stage == "parse" else None)
    events.clear()
    text, *_, report = call()
    assert Soundscape.from_json(text) == WIND and report["seed"] == 1
    assert [message for message, _ in events] == ["begin", *["stage"] * len(STAGES), "end"]
    assert [fields["stage"] for message, fields in events if message == "stage"] == list(STAGES)
    assert len({fields["job"] for _, fields in events}) == 1 and all("seconds" in fields for _, fields in events[1:])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sound_that_is_not_finite_is_repaired_with_a_warning_and_not_kept(call, monkeypatch, value):
    made = Procedural.synthesize

    def broken(*arguments, **options):
        (clip,) = made(*arguments, **options)
        clip.samples[0, 100] = value
        return [clip]

    with monkeypatch.context() as patch:
        patch.setattr(Procedural, "synthesize", broken)
        report = call()[3]
    assert any("invalid values" in warning for warning in report["warnings"])
    monkeypatch.setattr(f"{__name__}.forget_stems", lambda: None)
    report = call()[3]
    assert report["loudness_lufs"] == pytest.approx(-20, abs=0.5)
    assert [stem["origin"] for stem in report["stems"]] == ["made"]
    assert not any("invalid values" in warning for warning in report["warnings"])


def test_a_stage_that_hangs_is_stopped_with_its_ticket(call, events, monkeypatch):
    """It must report progress. The visitor presses Stop, or the program cancels its call."""
    hangs = threading.Event()

    def hang(*_, on_step, **__):
        while True:
            on_step(0, 1)
            hangs.set()
            time.sleep(0.001)

    def stop():
        hangs.wait(10)
        for ticket in visitors.folder_of("a visitor").glob("*.ticket"):
            visitors.end_ticket(ticket)

    with monkeypatch.context() as patch, pytest.raises(gr.Error, match="Stopped"):
        patch.setattr(Procedural, "synthesize", hang)
        stopping = threading.Thread(target=stop)
        stopping.start()
        call()
    stopping.join()
    assert events[-1][0] == "cancelled" and "error_id" not in events[-1][1]
    assert call("another visitor")[3]["seed"] == 1


def test_what_the_visitor_can_mend_has_no_id(call, events):
    muted = WIND.model_copy(update={"sources": tuple(each.model_copy(update={"mute": True}) for each in WIND.sources)})
    with pytest.raises(gr.Error, match="Every source is muted") as caught:
        call(text=muted.to_json())
    assert "report error" not in caught.value.message and events[-1][0] == "refused"


def test_a_worker_of_zero_gpu_that_was_killed_is_a_sentence_with_an_id(call, events, caplog, monkeypatch):
    def killed(*_):
        raise error_of_spaces("ZeroGPU worker error", "GPU task aborted")

    monkeypatch.setattr(app, "worker_for", lambda *_, **__: killed)
    with pytest.raises(gr.Error, match="The work on the GPU was stopped before it ended") as caught:
        call()
    assert f"Error {id_in(caught.value.message)}" in caplog.text and events[-1][0] == "failed"


def test_other_errors_of_zero_gpu_are_shown_as_they_are(call, monkeypatch):
    def refuse(*_):
        raise error_of_spaces("ZeroGPU quota exceeded", "You have exceeded your quota.")

    monkeypatch.setattr(app, "worker_for", lambda *_, **__: refuse)
    with pytest.raises(gr.Error, match="You have exceeded your quota"):
        call()


def test_the_outcome_of_a_job_comes_back_from_the_worker():
    with pytest.raises(gr.Error) as caught, app.in_words():
        raise RuntimeError(SECRET)
    again = pickle.loads(pickle.dumps(caught.value))
    assert logs.facts_of(again) == {"outcome": "failed", "error_id": id_in(caught.value.message)}
