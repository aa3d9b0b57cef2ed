"""A folder per visitor, deleted when they leave, and the jobs that they can stop."""

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any

from ..errors import Cancelled
from . import fragments, scratch


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
    """Create a ticket file. A job runs while its ticket exists."""
    with scratch.own().room_for(2 * scratch.BLOCK_BYTES):
        ticket = folder_of(session) / f"{secrets.token_hex(8)}{scratch.TICKET}"
        ticket.touch()
    return ticket


def end_ticket(ticket: Path) -> None:
    """Delete a ticket, and the visitor's folder if nothing else is in it."""
    ticket.unlink(missing_ok=True)
    with suppress(OSError):
        ticket.parent.rmdir()


def progress_of(ticket: Path | None, show: Callable[..., Any]) -> Callable[[str, int, int], None]:
    """Return what shows the stages of a job to its visitor, and stops the job once its ticket is deleted.

    `show` is the progress tracker of Gradio.
    """
    context = copy_context()

    def on_progress(stage: str, done: int, total: int) -> None:
        if ticket and not ticket.exists():
            raise Cancelled
        # Downloads report from other threads. Gradio finds the visitor's event in the context.
        context.copy().run(show, (done, total), desc=fragments.STAGES.get(stage, stage), unit="")

    return on_progress


def forget(session: str | None) -> None:
    """Delete the visitor's folder. Their jobs stop, because the tickets are in it."""
    shutil.rmtree(folder_of(session), ignore_errors=True)
