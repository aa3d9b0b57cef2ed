"""The process of the app: what must be set before Gradio is imported."""

import ctypes
import os
import sys

from .. import logs

M_ARENA_MAX = -8  # of mallopt(3) in glibc


def prepare() -> None:
    """Set up the logs, turn off Gradio's statistics, and let all threads share one heap on Linux.

    glibc otherwise makes a heap per thread and keeps what is freed in them, 200 MB after a few jobs.
    """
    logs.prepare()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)(M_ARENA_MAX, 1)
