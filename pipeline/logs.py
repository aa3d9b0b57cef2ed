"""Logs: lines of text, or with LOG_FORMAT=json one JSON object per event on standard error.

A JSON line says when, where and in which job something happened. It never holds what people put in or get out: no
document, no prompt, no picture, no token. So it has the types of exceptions and the places in the code, not their
messages, and nothing of what other libraries say.
"""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import Cancelled, SoundscapeError
from .settings import read_settings

JSON = "json"
OURS = "pipeline"  # the root of our loggers
OTHER = "(a message of another library)"
_SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi")  # they get handlers of their own when the app is served

_job: ContextVar[dict[str, Any] | None] = ContextVar("job", default=None)  # its fields; shared with its threads
_events = logging.getLogger(f"{OURS}.events")


# Setting up -----------------------------------------------------------------------------------------------------------


def is_json() -> bool:
    return read_settings().log_format.lower() == JSON


def prepare(text_format: str = "") -> None:
    """Set up the logs of this process. `text_format` is that of lines of text; without one, they stay as they are."""
    if not is_json():
        if text_format:
            logging.basicConfig(level=logging.WARNING, format=text_format)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    _events.setLevel(logging.INFO)
    for name in _SERVERS:
        logging.getLogger(name).filters[:] = [_Redirected(handler)]
    sys.excepthook = _uncaught
    threading.excepthook = lambda failed: _uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)


class _Redirected(logging.Filter):
    """Hands the records of a logger to our handler instead of its own."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        self._handler.handle(record)
        return False


def _uncaught(kind: type[BaseException], error: BaseException | None, place: TracebackType | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
        _events.critical("uncaught", exc_info=(kind, error, place))


# Events ---------------------------------------------------------------------------------------------------------------


def event(message: str, **fields: Any) -> None:
    """Log an event of a job, such as "begin". `fields` are added to those of the current job."""
    _events.info(message, extra={"fields": fields})


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Add these fields to all that is logged inside, also by threads that copy the context."""
    token = _job.set((_job.get() or {}) | fields)
    try:
        yield
    finally:
        _job.reset(token)


@contextmanager
def job(kind: str, number: str) -> Iterator[None]:
    """Log the begin and the end of a job: "end", "cancelled", "refused" (the user can fix it) or "failed"."""
    start = time.perf_counter()
    with about(job=number, kind=kind):
        event("begin")
        try:
            yield
        except BaseException as error:
            facts = facts_of(error)
            event(facts.pop("outcome"), **facts, seconds=_since(start))
            raise
        event("end", seconds=_since(start))


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Log how long a stage took. What is logged inside names the stage, and so does what is logged of its errors."""
    start = time.perf_counter()
    with about(stage=name):
        try:
            yield
        except BaseException as error:
            mark(error, stage=name)
            raise
        event("stage", seconds=_since(start))


def mark(error: BaseException, **facts: str) -> None:
    """Note on an exception what the log should say of it. That survives pickling."""
    error.__dict__["log_facts"] = error.__dict__.get("log_facts", {}) | facts


def facts_of(error: BaseException) -> dict[str, str]:
    """Return what was noted on the exception, and under "outcome" how it ends its job."""
    outcome = "refused" if isinstance(error, SoundscapeError) else "failed"
    if isinstance(error, Cancelled) or not isinstance(error, Exception):
        outcome = "cancelled"
    noted: dict[str, str] = error.__dict__.get("log_facts", {})
    return {"outcome": outcome} | noted


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)


# Lines ----------------------------------------------------------------------------------------------------------------


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON. Empty fields are left out."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "place": "" if record.name == _events.name else f"{record.module}:{record.lineno}",
            **(_job.get() or {}),
            **record.__dict__.get("fields", {}),
            **(error.__dict__.get("log_facts", {}) if error else {}),
            "error": error and [type(each).__name__ for each in _chain(error)],
            "trace": error and _trace(error),
        }
        line = json.dumps({name: value for name, value in fields.items() if value not in (None, "")}, default=str)
        token = read_settings().hf_token
        return line.replace(token, "***") if token else line


def _message(record: logging.LogRecord) -> str:
    """Return our own messages, without those of exceptions in them."""
    if record.name.partition(".")[0] != OURS:
        return OTHER
    given = record.args if isinstance(record.args, tuple) else (record.args,)
    safe = tuple(type(each).__name__ if isinstance(each, BaseException) else each for each in given)
    return str(record.msg) % safe if record.args else str(record.msg)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and its causes."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _trace(error: BaseException) -> list[str]:
    """Return the places in the code through which the exception and its causes went, without any values."""
    frames = [frame for each in _chain(error) for frame in traceback.walk_tb(each.__traceback__)]
    return [f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}" for frame, line in frames]
