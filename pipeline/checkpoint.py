"""Checkpoints: places in long computations where the job of this thread can be stopped, between two of its steps.

Whoever starts a job says what a checkpoint checks. The code of the computation calls `checkpoint` every tenth of a
second or so, and uses `Pool`, so that the threads that work for a job are stopped with it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

_Made = TypeVar("_Made")


def _nothing() -> None:
    """Check nothing: this thread works for no job that could be stopped."""


_check: ContextVar[Callable[[], None]] = ContextVar("check", default=_nothing)


def checkpoint() -> None:
    """Raise whatever the check of this job raises to stop it."""
    _check.get()()


@contextmanager
def checked_by(check: Callable[[], None]) -> Iterator[None]:
    """Call `check` at the checkpoints of this thread, and of the pools that are used in it."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


class Pool(ThreadPoolExecutor):
    """Threads that do parts of the job of the thread that submits them. They have the same check."""

    def submit(self, fn: Callable[..., _Made], /, *args: Any, **kwargs: Any) -> Future[_Made]:
        return super().submit(copy_context().run, fn, *args, **kwargs)
