"""Folders of pictures: each becomes a result, only what changed is made, and a bad picture stops nothing.

A run may be killed at any moment. The next one finds what is finished and goes on; it leaves the same tree as a run
that nothing disturbed.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..job import OnProgress
from ..results.result import mend
from . import storage
from .describer import Describer
from .failures import Failures
from .sounder import Sounder
from .stage import Plan, Row, Stage
from .tasks import Task

MakeStages = Callable[[Plan], list[Stage]]  # a function, because that can be sent to other processes

LOCK = ".lock"
STAGES: tuple[type[Stage], ...] = (Describer, Sounder)  # in this order; each reads what the one before wrote
WINDOW = 256  # pictures that real models describe before they are sounded: where only one fits, it is swapped seldom


def run_batch(
    tasks: Sequence[Task],
    plan: Plan,
    tell: Callable[[Row], None],
    *,
    rows: Callable[[Sequence[Task], Plan], Iterable[Row]] | None = None,
    finish: Callable[[], None] | None = None,
) -> bool:
    """Do all tasks, tell the row of each as it ends, and return whether every one succeeded.

    `rows` does the work: on this process by default, on others as `workers` and `cluster` do it. `finish` is called at
    the end, before another run may write to the folder. Raises SoundscapeError when a backend cannot run here, or
    another run is at work in the same folder.
    """
    with _alone_in(plan.out):
        failures = Failures(plan.out)
        with ExitStack() as ending:
            ending.callback(failures.close)
            work = iter((rows or in_this_process)(tasks, plan))
            if isinstance(work, Generator):  # its processes end before another run may write here
                ending.callback(work.close)
            for row in work:
                failures.note(row)
                tell(row)
        if finish:
            finish()
        return not failures.count


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
    """Do the tasks one after the other, in groups where the models gain from it."""
    *before, last = stages(plan)
    embedded = all(stage.together == 1 for stage in (*before, last))
    for window in _groups(tasks, 1 if embedded else WINDOW):
        rows = [task.row() for task in window]
        for stage in before:
            rows = [row for group in _groups(rows, stage.together) for row in stage(group, on_progress)]
        for group in _groups(rows, last.together):
            yield from last(group, on_progress)


def _groups(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Hold the folder of all results, and put right what a killed run left in it."""
    if not storage.is_local(out):
        yield
        return
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)  # the system lets go of it when its process dies
    except Timeout:
        raise SoundscapeError(f"Another run writes to {out}. Wait until it ends, or choose another folder.") from None
    with ExitStack() as ending:
        ending.callback(lock.release)
        ending.callback((out / LOCK).unlink, missing_ok=True)
        mend(out)
        yield
