"""A run over many pictures. It is idempotent: only new and changed pictures are processed.

A picture that fails does not stop the run. A run may be killed at any moment; the next run continues, and leaves the
same tree as an undisturbed run.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from .. import logs
from ..errors import SoundscapeError
from ..job import OnProgress
from ..results.result import repair
from . import storage
from .describer import Describer
from .failures import Failures
from .sounder import Sounder
from .stage import Plan, Row, Stage
from .storage import Place
from .tasks import Task

MakeStages = Callable[[Plan], list[Stage]]  # a function, because stages cannot be sent to other processes
T = TypeVar("T")

LOCK = ".lock"
STAGES: tuple[type[Stage], ...] = (Describer, Sounder)  # in order: each reads the files of the one before
WINDOW = 256  # pictures per turn of a real model; if only one fits into memory, the two are swapped rarely


def run_batch(
    tasks: Sequence[Task],
    plan: Plan,
    on_row: Callable[[Row], None],
    *,
    rows: Callable[[Sequence[Task], Plan], Iterable[Row]] | None = None,
    finish: Callable[[], None] | None = None,
) -> bool:
    """Do all tasks, call `on_row` as each ends, and return whether all succeeded.

    `rows` does the work: in this process by default; `workers` and `cluster` use others. `finish` is called at the end,
    while the output folder is still locked. Raises SoundscapeError when a backend cannot run here, or another run
    writes to the same folder.
    """
    with _locked(plan.out):
        failures = Failures(plan.out)
        with ExitStack() as ending:
            ending.callback(failures.close)
            work = iter((rows or in_this_process)(tasks, plan))
            if isinstance(work, Generator):  # its processes must end before the folder is unlocked
                ending.callback(work.close)
            for row in work:
                failures.note(row)
                _log_end(row)
                on_row(row)
        if finish:
            finish()
        return not failures.count


def _log_end(row: Row) -> None:
    seconds = round(sum(row.get("seconds", {}).values()), 3)
    is_failed = "error" in row
    fields = {"stage": row.get("stage")} if is_failed else {"seconds": seconds}
    logs.event("failed" if is_failed else "end", job=row["name"], **fields, unchanged=row.get("unchanged"))


def stages_of(plan: Plan) -> list[Stage]:
    """Return the stages that a plan needs. Raises SoundscapeError when a backend cannot run here."""
    return [stage(plan) for stage in (STAGES[:1] if plan.skip_audio else STAGES)]


def in_this_process(
    tasks: Sequence[Task],
    plan: Plan,
    on_progress: OnProgress | None = None,
    *,
    stages: MakeStages = stages_of,
) -> Iterator[Row]:
    """Do the tasks in this process, in batches if the models can use them."""
    *before, last = stages(plan)
    embedded = all(stage.together == 1 for stage in (*before, last))
    for window in _batches(tasks, 1 if embedded else WINDOW):
        rows = [task.row() for task in window]
        for row in rows:
            logs.event("begin", job=row["name"])
        for stage in before:
            rows = [row for batch in _batches(rows, stage.together) for row in stage(batch, on_progress)]
        for batch in _batches(rows, last.together):
            yield from last(batch, on_progress)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@contextmanager
def _locked(out: Place) -> Iterator[None]:
    """Lock the output folder, and repair what a killed run left in it. Remote folders have no lock."""
    if not storage.is_local(out):
        yield
        return
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)  # the system releases it when this process dies
    except Timeout:
        message = f"Another run is writing to {out}. Wait until it ends, or choose another folder."
        raise SoundscapeError(message) from None
    with ExitStack() as ending:
        ending.callback(lock.release)
        ending.callback((out / LOCK).unlink, missing_ok=True)
        repair(out)
        yield
