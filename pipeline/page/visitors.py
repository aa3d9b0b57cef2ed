"""What is kept of a visitor: a folder of their own, deleted when they leave or stay away."""

import hashlib
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(tempfile.gettempdir()) / "image-to-soundscape"
KEPT_S = 6 * 3600  # longer than a long queue and an evening of editing


def folder_of(session: str | None) -> Path:
    """Return the visitor's folder. Its name is a hash, since the browser chooses the name of the session."""
    name = hashlib.sha256((session or secrets.token_hex(16)).encode()).hexdigest()[:32]
    folder = ROOT / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def new_result(session: str | None) -> Path:
    """Return a place for one result of the visitor, which does not exist yet."""
    return Path(tempfile.mkdtemp(dir=folder_of(session))) / "soundscape"


def new_ticket(session: str | None) -> Path:
    """Return a file that lets a job go on for as long as it exists."""
    ticket = folder_of(session) / f"{secrets.token_hex(8)}.ticket"
    ticket.touch()
    return ticket


def forget(session: str | None) -> None:
    """Delete everything of the visitor; with their tickets gone, their jobs end."""
    shutil.rmtree(folder_of(session), ignore_errors=True)


def sweep() -> None:
    """Delete the folders of visitors who left without a word."""
    for folder in ROOT.glob("*"):
        with suppress(FileNotFoundError):  # another job swept it first
            if time.time() - folder.stat().st_mtime > KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
