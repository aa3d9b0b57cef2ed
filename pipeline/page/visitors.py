"""What is kept of a visitor: their own folder, which is deleted when they leave."""

import hashlib
import secrets
import shutil
import tempfile
from pathlib import Path

from . import scratch


def folder_of(session: str | None) -> Path:
    """Return the visitor's folder. Its name is a hash, since the browser chooses the name of the session."""
    name = hashlib.sha256((session or secrets.token_hex(16)).encode("utf-8", "replace")).hexdigest()[:32]
    folder = scratch.own().visitors / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def new_result(session: str | None) -> Path:
    """Return a place for one result of the visitor, which does not exist yet."""
    return Path(tempfile.mkdtemp(dir=folder_of(session))) / "soundscape"


def new_ticket(session: str | None) -> Path:
    """Create a ticket file. A job runs for as long as its ticket exists."""
    ticket = folder_of(session) / f"{secrets.token_hex(8)}.ticket"
    ticket.touch()
    return ticket


def forget(session: str | None) -> None:
    """Delete everything of the visitor. Without their tickets, their jobs end."""
    shutil.rmtree(folder_of(session), ignore_errors=True)
