"""What a run over many pictures consists of: a plan for all of them, and stages that take up rows.

Each can be broken off and taken up again. They talk to each other through files in the result
folders alone, so a stage may run in another process or on another machine. What is finished is known by a key, a hash
of everything that decides it, and is not made again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Cancelled, SoundscapeError
from ..job import OnProgress

PICTURES_TOGETHER = 8  # in one call of a model that gains from it; their stems of 10 s take up to 220 MB

Row = dict[str, Any]  # JSON data; what is told of one picture on standard output

_log = logging.getLogger("pipeline")


@dataclass(frozen=True)
class Plan:
    """What is wanted of every picture. Without a seed each gets one of its own, from its content."""

    out: Path
    vision: str = ""
    audio: str = ""
    duration_s: float = 10.0
    seed: int | None = None
    skip_vlm: bool = False
    skip_audio: bool = False
    again: bool = False  # make everything anew, whatever is finished


class Stage:
    """Takes rows and returns them with what came of each; a failure is told in its row and costs no other."""

    name: str
    together = 1  # rows that are best given in one call

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._is_loaded = False

    def folder(self, row: Row) -> Path:
        return self.plan.out / row["name"]

    def __call__(self, rows: Sequence[Row], on_progress: OnProgress | None = None) -> list[Row]:
        """Return the rows in their order; one that failed in an earlier stage passes untouched."""
        done = iter(self.work([row for row in rows if "error" not in row], on_progress or _silent))
        return [row if "error" in row else next(done) for row in rows]

    def load(self, model: Any) -> None:
        """Load a real model before its first use: what is wrong with it is told once, not once a picture.

        Raises SoundscapeError, which ends the run.
        """
        if not self._is_loaded and hasattr(model, "load"):
            model.load()
        self._is_loaded = True

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        raise NotImplementedError


def told(row: Row, stage: str, work: Callable[[], Any]) -> Any:
    """Return what the work returns, or the row with what went wrong in it."""
    try:
        return work()
    except Cancelled:
        raise
    except SoundscapeError as error:
        return row | {"stage": stage, "error": str(error)}
    except OSError as error:
        return row | {"stage": stage, "error": f"The result could not be written: {error.strerror or error}."}
    except Exception as error:
        _log.exception("%s failed", row["picture"])
        return row | {"stage": stage, "error": f"{type(error).__name__}: {error}"}


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody watches."""
