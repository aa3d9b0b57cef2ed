"""The embedded pair on several cores: one process a worker, each doing whole pictures."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from .. import backends
from ..errors import SoundscapeError
from .crashes import DEATHS, SET_ASIDE
from .run import MakeStages, in_this_process, stages_of
from .stage import Plan, Row
from .tasks import Task


def check(plan: Plan) -> None:
    """Raise SoundscapeError for models that several processes would load several times onto one device."""
    names = [] if plan.skip_vlm else [plan.vision or backends.default_vision()]
    names += [] if plan.skip_audio else [plan.audio or backends.default_audio()]
    large = [name for name in names if name not in backends.EMBEDDED]
    if large:
        raise SoundscapeError(
            f"--workers is for the embedded pair; use --ray for {' and '.join(large)} on several GPUs."
        )


def in_processes(tasks: Sequence[Task], plan: Plan, workers: int, stages: MakeStages = stages_of) -> Iterator[Row]:
    """Do the tasks on so many processes; rows come as they end.

    When a process is killed, what was under way is done again, each picture in a process of its own; one that kills
    that too is set aside.
    """
    waiting = list(reversed(tasks))
    while waiting:
        suspects = []
        with _pool(plan, workers, stages) as pool:
            under_way: dict[Future[Row], Task] = {}
            while waiting or under_way:
                while waiting and len(under_way) < workers and not suspects:
                    task = waiting.pop()
                    try:
                        under_way[pool.submit(_do, task)] = task
                    except BrokenProcessPool:  # a process was killed since its last row
                        suspects.append(task)
                if not under_way:
                    break
                for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                    task = under_way.pop(ended)
                    try:
                        yield ended.result()
                    except BrokenProcessPool:
                        suspects.append(task)
        for task in suspects:
            yield _alone(task, plan, stages)


def _alone(task: Task, plan: Plan, stages: MakeStages) -> Row:
    for _ in range(DEATHS):
        try:
            with _pool(plan, 1, stages) as pool:
                return pool.submit(_do, task).result()
        except BrokenProcessPool:
            continue
    return task.row() | {"stage": "sound", "error": SET_ASIDE}


def _pool(plan: Plan, workers: int, stages: MakeStages) -> ProcessPoolExecutor:
    # Fresh processes: a fork of one that has started threads may hang.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(plan, stages))


def _begin(plan: Plan, stages: MakeStages) -> None:
    global _plan, _stages
    _plan, _stages = plan, stages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the parent ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent_process().join()
    os._exit(1)


def _do(task: Task) -> Row:
    (row,) = in_this_process([task], _plan, stages=_stages)
    return row
