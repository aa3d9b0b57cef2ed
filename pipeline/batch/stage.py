"""The plan of a run over many pictures, and the base class of its stages.

A stage takes rows and returns them with its results. It can be stopped and resumed. Stages pass data to each other only
through files in the result folders, so each may run in another process or on another machine. A cache key (a hash of
everything that decides a result) marks what is finished, and nothing finished is made again.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import logs
from ..errors import Cancelled, SoundscapeError
from ..files import is_full_disk
from ..job import OnProgress, steps_of
from .storage import Place

PICTURES_TOGETHER = 8  # per call of a model that can batch; their stems of 10 s take up to 220 MB

Row = dict[str, Any]  # JSON data of one picture, printed on standard output; its "name" is unique
T = TypeVar("T")

FULL_DISK = "The disk is full, so the result was not written. Free some space and run the command again."

_log = logging.getLogger("pipeline")


@dataclass(frozen=True)
class Plan:
    """The options of a run. Without a seed, each picture gets one derived from its content."""

    out: Place
    vision: str = ""
    audio: str = ""
    duration_s: float = 10.0
    seed: int | None = None
    skip_vlm: bool = False
    skip_audio: bool = False
    again: bool = False  # make everything again, even if it is finished


class Stage:
    """One step of the work. A failure is recorded in the row of its picture and does not affect other pictures."""

    name: str
    together = 1  # best number of rows per call

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._is_loaded = False

    def folder(self, row: Row) -> Place:
        name: str = row["name"]
        return self.plan.out / name

    def __call__(self, rows: Sequence[Row], on_progress: OnProgress | None = None) -> list[Row]:
        """Return the rows in their order. Rows that failed in an earlier stage are returned unchanged."""
        done = iter(self.work([row for row in rows if "error" not in row], on_progress or _no_progress))
        return [row if "error" in row else next(done) for row in rows]

    def load(self, model: Any, on_progress: OnProgress) -> None:
        """Load a real model before its first use, so that a fault of it is reported once and not for each picture.

        Raises SoundscapeError, which ends the run.
        """
        if not self._is_loaded and hasattr(model, "load"):
            model.load(steps_of("load", on_progress))
        self._is_loaded = True

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        raise NotImplementedError


def attempt(row: Row, stage: str, work: Callable[[], T]) -> T | Row:
    """Return the result of `work`, or the row with its error. Unexpected errors are logged."""
    with logs.about(job=row["name"], stage=stage):
        try:
            return work()
        except Cancelled:
            raise
        except Exception as error:
            return row | {"stage": stage, "error": reason_of(error, row["picture"])}


def reason_of(error: Exception, picture: str) -> str:
    """Return the error as a sentence. Unexpected errors are logged under an id, the same whenever it happens again."""
    if isinstance(error, SoundscapeError):
        return str(error)
    if is_full_disk(error):
        return FULL_DISK
    if isinstance(error, OSError):
        return f"The result could not be written: {error.strerror or error}."
    known = f"{picture}\n{type(error).__name__}\n{error}"
    number = hashlib.sha256(known.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    logs.mark(error, error_id=number)
    _log.error("%s failed: error %s", picture, number, exc_info=error)
    return f"Unexpected error {number}, see the log: {type(error).__name__}: {error}"


def _no_progress(stage: str, done: int, total: int) -> None:
    """Ignore the progress."""
