"""Visitors: their folders and how long they are kept, their jobs and when they end."""

import os
import pickle
import time
from contextvars import copy_context
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.context import LocalContext
from PIL import Image

import app
from pipeline.errors import SoundscapeError
from pipeline.job import Job, run
from pipeline.page import document, scratch, visitors

from ..support.page_server import RIVER, visitor


def test_each_visitor_has_a_folder_whatever_the_session_is_called(visitors_root):
    folders = {visitors.folder_of(session) for session in ("a", "b", "../../etc", "/root")}
    assert len(folders) == 4 and all(folder.parent == visitors_root for folder in folders)
    assert visitors.folder_of("a") in folders


def test_what_a_visitor_made_is_deleted_when_they_leave_or_stay_away(visitors_root):
    stays, leaves, away = (visitors.new_result(session).parent for session in "abc")
    app.leave(visitor("b"))
    os.utime(away, (time.time() - 2 * scratch.KEPT_S,) * 2)
    with scratch.own().room_for(0):
        assert stays.exists() and not leaves.exists() and not away.exists()


def test_a_job_ends_at_the_next_step_when_its_ticket_is_taken_back(visitors_root):
    ticket = Path(app.begin(visitor())[0])
    job = app.job_of(None, RIVER, duration_s=2, seed=1)
    steps = []

    def progress(step, desc, unit):
        steps.append(desc)
        app.end(ticket)  # the visitor presses Stop during the first step

    with pytest.raises(gr.Error, match="Stopped"):
        app.work(job, visitors_root / "result", ticket, progress)
    assert len(steps) == 1 and not (visitors_root / "result").exists()


def test_the_progress_of_a_download_reaches_the_page_from_other_threads(monkeypatch):
    reported = []
    queue = SimpleNamespace(
        set_progress=lambda event, steps: reported.append((event, steps[-1].index, steps[-1].length))
    )

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
    assert reported == [("an event", 100, 990)]


def test_a_job_ends_at_its_deadline_and_leaves_nothing(visitors_root, monkeypatch):
    monkeypatch.setenv("JOB_LIMIT_S", "0.001")
    ticket = Path(app.begin(visitor())[0])
    job = app.job_of(None, RIVER, duration_s=2, seed=1)
    with pytest.raises(gr.Error, match=r"stopped after 0\.001 seconds, the limit of this app"):
        app.render(job, visitors.new_result("visitor"), ticket, lambda *_, **__: None)
    assert list(visitors_root.rglob("*")) == [ticket.parent, ticket]
    for unlimited in ("0", ""):
        monkeypatch.setenv("JOB_LIMIT_S", unlimited)
        assert visitors.job_limit_s() in (float("inf"), visitors.USUAL_LIMIT_S)
    for wrong in ("x", "-1", "nan"):
        monkeypatch.setenv("JOB_LIMIT_S", wrong)
        with pytest.raises(SoundscapeError, match="JOB_LIMIT_S must be a number of seconds"):
            visitors.job_limit_s()


def test_leaving_stops_the_packing_of_the_bundle(visitors_root, monkeypatch):
    ticket = Path(app.begin(visitor())[0])

    def work(job, folder, *_):
        result = run(job, folder)
        app.leave(visitor())
        folder.mkdir(parents=True)
        (folder / "mix.wav").touch()
        return result

    monkeypatch.setattr(app, "work", work)
    with pytest.raises(gr.Error, match="Stopped"):
        app.render(
            app.job_of(None, RIVER, duration_s=2, seed=1), visitors.new_result("visitor"), ticket, lambda *_, **__: None
        )
    assert not list(visitors_root.rglob("*.zip"))


def test_leaving_stops_the_job_too(visitors_root):
    ticket = Path(app.begin(visitor())[0])
    app.leave(visitor())
    with pytest.raises(gr.Error, match="Stopped"):
        app.work(app.job_of(None, RIVER, duration_s=2), visitors_root / "result", ticket, lambda *_, **__: None)


def test_the_work_can_be_done_in_another_process(visitors_root):
    job = app.job_of(None, RIVER, duration_s=2, seed=1)
    task = pickle.dumps((job, visitors_root / "result", Path(app.begin(visitor())[0]), app.PROGRESS))
    job, *rest = pickle.loads(task)
    result = pickle.loads(pickle.dumps(app.work(job, *rest)))
    assert result.mix_path.is_file()
    with pytest.raises(gr.Error) as caught:
        app.work(app.job_of(None, RIVER, audio="nothing"), *rest)
    assert "nothing" in pickle.loads(pickle.dumps(caught.value)).message


def test_what_a_visitor_sends_is_not_given_back_as_a_file():
    forged = {"json": "", "broken": False, "path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    assert document.typed("{")[0] == {"of": "{", "json": None}
    with pytest.raises(AttributeError):  # not a text, so it is not passed on
        document.typed(forged)
