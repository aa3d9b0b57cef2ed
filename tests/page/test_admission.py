"""Admission to the queue: how long it may get, what a visitor reads who comes too late, and /health."""

import threading
import time
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import app
from pipeline.page import admission, visitors
from pipeline.page.admission import Door
from pipeline.page.health import health_route
from pipeline.page.parts import launch_options

from ..support.page_server import RIVER, free_port

FN = SimpleNamespace(concurrency_id="model", api_name="render")
OTHER = SimpleNamespace(concurrency_id="other", api_name="refused")


def door_with(waiting=(), *, calls=0, total_s=0.0, at_once=2) -> Door:
    """A door of a queue in which events of these sessions wait, after some calls."""
    lane = SimpleNamespace(queue=[SimpleNamespace(session_hash=each, fn="fn") for each in waiting])
    lane.current_concurrency, lane.concurrency_limit = 1, at_once
    known = {"fn": SimpleNamespace(count=calls, process_time=total_s)}
    queue = SimpleNamespace(event_queue_per_concurrency_id={"model": lane}, process_time_per_fn=known, push=None)
    return Door(SimpleNamespace(_queue=queue, fns={1: FN, 2: OTHER}), "model", at_once)


def test_the_queue_is_as_long_as_the_work_of_ten_minutes():
    def visitors_of(count):
        return [str(number) for number in range(count)]

    quick = {"calls": 10, "total_s": 20.0}  # 2 s each: 600 jobs in ten minutes, two at once
    assert door_with(visitors_of(599), **quick).refusal("new") == ""
    assert door_with(visitors_of(600), **quick).refusal("new") == (
        "600 jobs are waiting. Please come back in about 5 minutes."
    )
    assert door_with(visitors_of(99), **quick).wait_s() == pytest.approx(99.0)
    assert door_with(visitors_of(100), calls=0).refusal("new") == "", "before anything is known about them"
    slow = {"calls": 2, "total_s": 1000.0}
    assert door_with(visitors_of(3), **slow).refusal("new") == "", "a few may always wait"
    assert door_with(visitors_of(4), **slow).refusal("n") == "4 jobs are waiting. Please come back in about 9 minutes."
    tiny = {"calls": 2, "total_s": 0.002}
    assert door_with(visitors_of(admission.MAX_WAITING), **tiny).refusal("new").endswith("in about a minute.")


def test_the_estimate_follows_the_newest_jobs():
    door = door_with("a", calls=1, total_s=10.0, at_once=1)
    assert door.wait_s() == 10.0
    known = door._queue.process_time_per_fn["fn"]
    known.count, known.process_time = 2, 12.0  # the newest took 2 s
    assert door.wait_s() == pytest.approx(10.0 - 0.2 * 8.0)
    known.count, known.process_time = 52, 112.0
    assert door.wait_s() == pytest.approx(2.0, abs=0.01)


def test_a_visitor_may_have_two_jobs_waiting():
    assert door_with("abb").refusal("a") == ""
    assert "Two of your jobs are waiting" in door_with("abb").refusal("b")
    assert door_with([None, None, None]).refusal(None) == "", "programs without a session are not known"


# The app as it is served ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    """The app in this process, whose jobs wait until `go` is set; yield its address, the door and `go`."""
    demo, go = app.create_demo(), threading.Event()
    door = Door(demo, app.MODEL_WORK, 2)
    patch = pytest.MonkeyPatch()

    def render(*_, **__):
        go.wait(30)
        raise gr.Error("The job ran.", print_exception=False)

    patch.setattr(app, "render", render)
    options = {"server_name": "127.0.0.1", "server_port": free_port(), "quiet": True, "prevent_thread_lock": True}
    _, address, _ = demo.launch(**options, **launch_options(gr, health_route(door)))
    yield address.rstrip("/"), door, go
    go.set()
    demo.close()
    patch.undo()


def submit(client):
    return client.submit(RIVER, "", 2, 1, api_name="/render")


def wait_for_counts(door, counts, limit_s=10):
    end = time.monotonic() + limit_s
    while door.counts() != counts:
        assert time.monotonic() < end, door.counts()
        time.sleep(0.01)


def call(address):
    """Call the end point as a program without a client library does, and return the end of its event stream."""
    body = {"data": [RIVER, "", 2, 1]}
    event = httpx.post(f"{address}/gradio_api/call/render", json=body).json()["event_id"]
    return httpx.get(f"{address}/gradio_api/call/render/{event}", timeout=20).text


def test_who_comes_too_late_reads_when_to_come_back_and_nobody_else_is_lost(served, monkeypatch):
    address, door, go = served
    go.clear()
    clients = [Client(address, verbose=False) for _ in range(3)]
    jobs = [submit(clients[0]), submit(clients[1])]
    wait_for_counts(door, (2, 0))
    jobs += [submit(clients[0]), submit(clients[1]), submit(clients[1])]
    wait_for_counts(door, (2, 3))
    with pytest.raises(AppError, match="Two of your jobs are waiting already"):
        submit(clients[1]).result(10)

    facts = httpx.get(f"{address}/health").json()
    assert facts["status"] == "ok" and facts["queue"] == {"running": 2, "waiting": 3, "wait_s": 7.5}
    assert facts["models"]["vision"][0] == "tagger" and "procedural" in facts["models"]["audio"]
    assert set(facts) == {"status", "version", "models", "queue"}

    monkeypatch.setattr(admission, "MIN_WAITING", 3)
    monkeypatch.setattr(admission, "QUEUE_S", 7.5)
    words = "3 jobs are waiting. Please come back in about a minute."
    with pytest.raises(AppError, match=words):
        submit(clients[2]).result(10)
    assert words in call(address), "the same words without a client"
    go.set()
    for job in jobs:
        with pytest.raises(AppError, match="The job ran"):
            job.result(20)


def test_an_app_that_closes_returns_what_waits(served, monkeypatch):
    address, door, go = served
    go.clear()
    monkeypatch.setattr(visitors, "_refused", threading.Event())
    client = Client(address, verbose=False)
    begun, other = submit(client), submit(client)
    wait_for_counts(door, (2, 0))
    waiting = submit(client)
    wait_for_counts(door, (2, 1))
    visitors.refuse_all()
    door.open_wide()
    with pytest.raises(AppError, match="being restarted"):
        waiting.result(10)
    with pytest.raises(AppError, match="being restarted"):
        submit(client).result(10)
    assert httpx.get(f"{address}/health").status_code == 503
    go.set()
    for job in (begun, other):
        with pytest.raises(AppError, match="The job ran"):
            job.result(10)
