"""Error messages for visitors."""

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from .. import logs
from ..backends.memory import is_out_of_memory
from ..errors import SoundscapeError
from ..files import is_full_disk

FULL_DISK = "The disk of this machine is full. Please try again later."
OUT_OF_MEMORY = "This machine ran out of memory. Choose a shorter duration or a smaller model, or try again later."
WORKER_ENDED = "The work on the GPU was stopped before it ended. Choose a shorter duration or fewer sounds."
UNKNOWN = "Something went wrong on our side. Please try again."
WORKER_TITLE = "ZeroGPU worker error"  # of the errors that `spaces` raises for a worker that was killed or failed

_SOURCE = re.compile(r"\bsources\[(\d+)\](\.?)")
_log = logging.getLogger(__name__)


def words_for(error: Exception) -> str:
    """Return the message for a program. Unexpected errors are logged under an id that the message names."""
    if isinstance(error, SoundscapeError):
        return str(error)
    number = secrets.token_hex(4)
    logs.mark(error, outcome="failed", error_id=number)
    _log.error("Error %s", number, exc_info=error)
    return f"{_what_happened(error)} If it happens again, report error {number}."


def _what_happened(error: Exception) -> str:
    """Return what happened and what to do, for an error that the visitor did not cause."""
    if is_full_disk(error):
        return FULL_DISK
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    return WORKER_ENDED if _is_of_worker(error) else UNKNOWN


def words_for_page(error: Exception) -> str:
    """Return the message for a person. It counts sources from 1, as the list on the page does."""
    return count_from_one(words_for(error))


@contextmanager
def worded(gr: ModuleType, words: Callable[[Exception], str] = words_for_page) -> Iterator[None]:
    """Show every error to the visitor as a sentence. `gr` is Gradio."""
    try:
        yield
    except Exception as error:
        if isinstance(error, gr.Error) and not _is_of_worker(error):
            raise
        shown = gr.Error(words(error), duration=5, print_exception=False)
        logs.mark(shown, **logs.facts_of(error))
        raise shown from None


@contextmanager
def worded_job(gr: ModuleType, kind: str, ticket: Path | None) -> Iterator[None]:
    """Log the begin and the end of a job, and show its errors as sentences. The log names the job by its ticket."""
    with logs.job(kind, job_id(ticket)), worded(gr):
        yield


def job_id(ticket: Path | None) -> str:
    """Return the id of a job in the log. The worker of ZeroGPU knows the ticket too."""
    return ticket.name[:8] if ticket else secrets.token_hex(4)


def count_from_one(message: str) -> str:
    """Return the message with "sources[0].name" as "Sound 1, name".

    >>> count_from_one("sources[1].gain_db: must be at most 12")
    'Sound 2, gain_db: must be at most 12'
    """
    return _SOURCE.sub(lambda found: f"Sound {int(found[1]) + 1}{', ' if found[2] else ''}", message)


def _is_of_worker(error: Exception) -> bool:
    return getattr(error, "title", "") == WORKER_TITLE
