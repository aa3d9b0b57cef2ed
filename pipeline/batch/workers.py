"""--workers: the embedded pair on several cores. Each process does whole pictures."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from .. import backends, logs
from ..errors import SoundscapeError
from .crashes import DEATHS, SET_ASIDE
from .run import MakeStages, in_this_process, stages_of
from .stage import Plan, Row
from .tasks import Task

# Of a worker process, set when it starts.
_plan: Plan
_stages: MakeStages


def check(plan: Plan) -> None:
    """Raise SoundscapeError for real models: each process would load them onto the same device again."""
    names = [] if plan.skip_vlm else [plan.vision or backends.default_vision()]
    names += [] if plan.skip_audio else [plan.audio or backends.default_audio()]
    large = [name for name in names if name not in backends.EMBEDDED]
    if large:
        raise SoundscapeError(
            f"--workers is only for the embedded pair. To run {' and '.join(large)} on several GPUs, use --ray."
        )


def in_processes(tasks: Sequence[Task], plan: Plan, workers: int, stages: MakeStages = stages_of) -> Iterator[Row]:
    """Do the tasks in several processes. Yield rows as the tasks end.

    If a process is killed, the unfinished tasks are repeated one by one, each in a new process. A picture that kills
    its process again is set aside.
    """
    waiting = list(reversed(tasks))
    while waiting:
        suspects: list[Task] = []
        with _pool(plan, workers, stages) as pool:
            running: dict[Future[Row], Task] = {}
            while waiting or running:
                while waiting and len(running) < workers and not suspects:
                    task = waiting.pop()
                    try:
                        running[pool.submit(_do, task)] = task
                    except BrokenProcessPool:  # a process was killed since its last row
                        suspects.append(task)
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    try:
                        yield future.result()
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
    # New processes, because a fork of a process with threads may hang.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(plan, stages))


def _begin(plan: Plan, stages: MakeStages) -> None:
    global _plan, _stages
    _plan, _stages = plan, stages
    logs.prepare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker when its parent was killed. It would wait for work for ever."""
    if parent := parent_process():
        parent.join()
    os._exit(1)


def _do(task: Task) -> Row:
    (row,) = in_this_process([task], _plan, stages=_stages)
    return row
