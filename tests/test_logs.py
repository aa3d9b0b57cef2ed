"""Logs as JSON: each line an object, with the job and its stage, and nothing that people put in or get out."""

import io
import json
import logging
import os
import subprocess
import sys
from contextvars import copy_context
from threading import Thread

import pytest
from PIL import Image

from pipeline import logs
from pipeline.batch.stage import attempt
from pipeline.errors import Cancelled, SoundscapeError

from .support.page_server import ROOT

SECRET = "grandmother"
TOKEN = "hf_a_token_of_the_settings"


@pytest.fixture
def lines(monkeypatch, caplog):
    """A function that returns what was logged so far as JSON."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    caplog.set_level("INFO", logs._events.name)
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def failing(error: Exception) -> None:
    prompt = SECRET  # a local value, which a trace could show
    raise error from ValueError(f"the cause: {prompt}")


def test_a_job_is_a_begin_its_stages_and_an_end(lines):
    with logs.job("render", "1a2b"):
        with logs.stage("sound"):
            thread = Thread(target=copy_context().run, args=(logs.event, "inside"))
            thread.start()
            thread.join()
        with logs.stage("mix"):
            pass
    logs.event("outside")
    begin, inside, sound, mix, end, outside = lines()
    assert [line["message"] for line in (begin, sound, mix, end)] == ["begin", "stage", "stage", "end"]
    assert {line["job"] for line in (begin, inside, sound, mix, end)} == {"1a2b"} and begin["kind"] == "render"
    assert (inside["stage"], sound["stage"], mix["stage"]) == ("sound", "sound", "mix") and "stage" not in end
    assert all(line["seconds"] >= 0 for line in (sound, mix, end)) and "job" not in outside
    assert begin["time"].endswith("+00:00") and (begin["level"], begin["logger"]) == ("info", "pipeline.events")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Cancelled(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (SoundscapeError(SECRET), "refused"),
        (RuntimeError(SECRET), "failed"),
    ],
)
def test_a_job_that_does_not_end_well_says_how(lines, error, outcome):
    with pytest.raises(type(error)), logs.job("describe", "1a2b"):
        raise error
    begin, end = lines()
    assert (begin["message"], end["message"]) == ("begin", outcome) and SECRET not in json.dumps(end)


def test_no_line_holds_what_people_put_in(lines):
    """Secrets in a message of an exception and its cause, in a local value, and in what other libraries say."""
    ours, other = logging.getLogger("pipeline.page.failures"), logging.getLogger("elsewhere.pipelines")
    try:
        failing(RuntimeError(f"the prompt: {SECRET}"))
    except RuntimeError as error:
        logs.mark(error, error_id="1a2b")
        ours.exception("Error %s", "1a2b")
        ours.warning("It was ignored: %s", error)
        other.warning(f"This part of your input was cut off: {SECRET}")
        other.exception("It failed with %r", {"prompt": SECRET})
    ours.warning("%s was not loaded", f"https://user:{TOKEN}@huggingface.co/model")
    text = json.dumps(lines())
    assert SECRET not in text and TOKEN not in text
    failed, ignored, cut, *_ = lines()
    assert failed["message"] == "Error 1a2b" and failed["error_id"] == "1a2b"
    assert failed["error"] == ["RuntimeError", "ValueError"] and any("failing" in frame for frame in failed["trace"])
    assert ignored["message"] == "It was ignored: RuntimeError" and cut["message"] == logs.OTHER
    assert cut["logger"] == "elsewhere.pipelines" and cut["place"].startswith("test_logs:")


def test_a_line_is_one_line_whatever_is_in_it():
    """Formatted straight, because pytest-xdist cannot send such a line as a captured one."""
    words = ("a\nb\u2028c\udcff",)
    record = logging.LogRecord("pipeline", logging.WARNING, __file__, 1, "%s: skipped", words, None)
    line = logs.JsonFormatter().format(record)
    assert line.encode().splitlines() == [line.encode()]
    assert json.loads(line)["message"] == "a\nb\u2028c\udcff: skipped"


def test_an_unexpected_error_of_a_batch_has_an_id_that_is_in_the_log(lines):
    row = {"name": "cat/001", "picture": "cat/001.jpg"}
    first, again = (attempt(row, "sound", lambda: failing(RuntimeError(SECRET))) for _ in range(2))
    number = lines()[0]["error_id"]
    assert first["error"].startswith(f"Unexpected error {number}, see the log: RuntimeError")
    assert first == again, "a run that is repeated leaves the same files"
    assert (lines()[0]["job"], lines()[0]["stage"]) == ("cat/001", "sound") and SECRET not in json.dumps(lines())


def test_text_is_the_default(monkeypatch):
    """In a new process, because pytest has set up the logs of this one."""
    code = "import logging; from pipeline import logs; logs.prepare(); logging.getLogger('pipeline').warning('hello');"
    code += "logs.event('begin')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("hello\n", 0)


# Whole processes ------------------------------------------------------------------------------------------------------


def json_lines(*command: str) -> list[dict]:
    """Run a command with LOG_FORMAT=json and return what it wrote to standard error."""
    environment = os.environ | {"LOG_FORMAT": "json", "HF_TOKEN": TOKEN}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert TOKEN not in done.stderr and SECRET not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_the_command_line_and_its_workers_log_json(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (60, 40), (90, 140, 230)).save(tmp_path / "in" / "sky.jpg")
    (tmp_path / "in" / "broken.jpg").write_text(SECRET)
    command = ("-m", "pipeline", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--workers", "2")
    found = json_lines(*command, "--duration", "2", "--vision", "tagger", "--audio", "procedural")
    of = {name: [line for line in found if line.get("job") == name] for name in ("sky", "broken")}
    assert [line["message"] for line in of["sky"]] == ["begin", *["stage"] * 4, "end"]
    assert [line["stage"] for line in of["sky"][1:-1]] == ["describe", "sound", "mix", "files"]
    assert [line["message"] for line in of["broken"]] == ["begin", "failed"] and of["broken"][1]["stage"] == "picture"


def test_the_app_and_its_server_log_json():
    """Errors of a handler, of a thread, of the server and of the whole process."""
    code = f"""
import logging, threading, warnings
import app, uvicorn
secret = {SECRET!r}
app.launch_options(app.gr)
uvicorn.Config(None, log_level="warning")
logging.getLogger("uvicorn.error").error("In the server: %s", secret)
warnings.warn(secret)
try:
    with app.in_words():
        raise RuntimeError(secret)
except app.gr.Error:
    pass
failing = threading.Thread(target=lambda: [].index(secret))
failing.start(), failing.join()
{{}}[secret]
"""
    server, warned, failed, thread, process = json_lines("-c", code)
    assert (server["logger"], server["message"]) == ("uvicorn.error", logs.OTHER)
    assert warned["logger"] == "py.warnings" and failed["message"] == f"Error {failed['error_id']}"
    assert (thread["error"], process["error"]) == (["ValueError"], ["KeyError"])
