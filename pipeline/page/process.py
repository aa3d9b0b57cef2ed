"""The process of the app: what must be set before Gradio is imported, and memory that is given back."""

import ctypes
import os
import sys
from functools import cache
from typing import Any

from .. import logs

M_ARENA_MAX = -8  # of mallopt(3) in glibc


def prepare() -> None:
    """Set up the logs, turn off Gradio's statistics, and let all threads share one heap on Linux.

    glibc otherwise makes a heap per thread and keeps what is freed in them, 200 MB after a few jobs.
    """
    logs.prepare()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    _call("mallopt", M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Return the free pages of the heap to the system. glibc only returns those at its end, and few of a job are."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    """Call a function of glibc, if this is Linux and its C library has it."""
    if sys.platform == "linux":
        getattr(_library(), name, lambda *_: 0)(*arguments)


@cache
def _library() -> Any:
    return ctypes.CDLL(None)
