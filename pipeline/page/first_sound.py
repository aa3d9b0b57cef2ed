"""The first sound of a job: its dry stems, which the page plays while the files of the result are written."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import preview

if TYPE_CHECKING:
    from ..job import Job, Result

LOOKED_FOR_EVERY_S = 0.01  # the job may run in another process, so its files are the only sign


class Sound(NamedTuple):
    """A result, and whether its files are there besides the dry stems."""

    result: "Result"
    is_finished: bool


def first_and_finished(job: "Job", folder: Path, run: "Callable[[Job], Result]") -> Iterator[Sound]:
    """Run the job in a thread. Yield its result as soon as its dry stems can be played, and again when it is finished.

    `run` writes the result to `folder`. The first one is left out if the job ends before its stems are found.
    Raises what `run` raises.
    """
    from ..job import SEED_LIMIT

    if job.seed is None:
        job = replace(job, seed=secrets.randbelow(SEED_LIMIT))  # the first result names it, too
    pool = ThreadPoolExecutor(1)
    finished = pool.submit(copy_context().run, run, job)
    pool.shutdown(wait=False)
    while not finished.done() and not preview.is_ready(folder):
        wait([finished], LOOKED_FOR_EVERY_S)
    if not finished.done():
        yield Sound(preview.unfinished(job, folder), False)
    yield Sound(finished.result(), True)
