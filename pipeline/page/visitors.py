"""A folder per visitor, deleted when they leave, and the jobs that they, a deadline or the end of the app can stop."""

import hashlib
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any

from ..checkpoint import checked_by, checkpoint
from ..errors import Cancelled, SoundscapeError
from ..settings import read_settings
from . import fragments, process, scratch

USUAL_LIMIT_S = 3600.0  # of a job
CLOSING = "The app is being restarted. Please try again in a minute."
TOO_LONG = "This job was stopped after {:g} seconds, the limit of this app. Choose a shorter sound or a smaller model."

_refused = threading.Event()  # no job begins any more
_stopped = threading.Event()  # and those that run end


def folder_of(session: str | None) -> Path:
    """Return the visitor's folder. Its name is a hash, because the browser chooses the session name."""
    name = hashlib.sha256((session or secrets.token_hex(16)).encode("utf-8", "replace")).hexdigest()[:32]
    folder = scratch.own().visitors / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def new_result(session: str | None) -> Path:
    """Return the path of a folder for one result. The folder does not exist yet."""
    return Path(tempfile.mkdtemp(dir=folder_of(session))) / "soundscape"


def new_ticket(session: str | None) -> Path:
    """Create a ticket file. A job runs while its ticket exists. Raises SoundscapeError when the app is closing."""
    _check_open()
    with scratch.own().room_for(2 * scratch.BLOCK_BYTES):
        ticket = folder_of(session) / f"{secrets.token_hex(8)}{scratch.TICKET}"
        ticket.touch()
    return ticket


def end_ticket(ticket: Path) -> None:
    """Delete a ticket, and the visitor's folder if nothing else is in it."""
    ticket.unlink(missing_ok=True)
    with suppress(OSError):
        ticket.parent.rmdir()


@contextmanager
def watched(ticket: Path | None, folder: Path | None = None) -> Iterator[None]:
    """Stop the job of this block at its next checkpoint when the ticket is deleted, or the job exceeds JOB_LIMIT_S.

    If the job fails, what it began beside and in `folder`, its result, is deleted. Raises SoundscapeError.
    """
    limit_s = job_limit_s()
    ends_at = time.monotonic() + limit_s

    def check() -> None:
        if _stopped.is_set():
            raise SoundscapeError(CLOSING)
        if ticket and not ticket.exists():
            raise Cancelled
        if time.monotonic() > ends_at:
            raise SoundscapeError(TOO_LONG.format(limit_s))

    _check_open()
    try:
        with checked_by(check):
            yield
    except BaseException:
        if folder:
            shutil.rmtree(folder.parent, ignore_errors=True)
        raise
    finally:
        process.give_back_memory()


def job_limit_s() -> float:
    """Return the limit that JOB_LIMIT_S sets, an hour if it is not set. Raises SoundscapeError if it is no number."""
    wanted = read_settings().job_limit_s
    try:
        limit_s = float(wanted) if wanted else USUAL_LIMIT_S
        if limit_s >= 0:
            return limit_s or float("inf")
    except ValueError:
        pass
    raise SoundscapeError(f"JOB_LIMIT_S must be a number of seconds, such as 600, or 0 for no limit. It is '{wanted}'.")


def refuse_all() -> None:
    """Let no job begin any more, because the app is closing."""
    _refused.set()


def stop_all() -> None:
    """Stop the jobs that run at their next checkpoint."""
    _stopped.set()


def are_refused() -> bool:
    """Return whether the app is closing."""
    return _refused.is_set()


def _check_open() -> None:
    if are_refused():
        raise SoundscapeError(CLOSING)


def progress_of(ticket: Path | None, show: Callable[..., Any]) -> Callable[[str, int, int], None]:
    """Return what shows the stages of a job to its visitor, and stops the job once its ticket is deleted.

    `show` is the progress tracker of Gradio.
    """
    context = copy_context()

    def report(stage: str, done: int, total: int) -> None:
        checkpoint()
        show((done, total), desc=fragments.STAGES.get(stage, stage), unit="")

    def on_progress(stage: str, done: int, total: int) -> None:
        if ticket and not ticket.exists():
            raise Cancelled  # also in a worker of ZeroGPU, to which no check is passed on
        # Downloads report from other threads. Gradio finds the visitor's event in the context.
        context.copy().run(report, stage, done, total)

    return on_progress


def forget(session: str | None) -> None:
    """Delete the visitor's folder. Their jobs stop, because the tickets are in it."""
    shutil.rmtree(folder_of(session), ignore_errors=True)
