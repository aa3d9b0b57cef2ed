"""The end of the app on SIGTERM, which containers and services send: within ten seconds, and with words for everybody.

New and waiting jobs are refused. Running jobs get a few seconds to finish; after that, they end with a message.
"""

import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from . import scratch, visitors
from .admission import Door

GRACE_S = 5.0  # for running jobs
STOP_S = 1.5  # for jobs that are stopped, up to their next checkpoint
LINGER_S = 1.0  # for messages and files on their way to the visitors
LIMIT_S = 8.5  # for everything, even if a model does not return


def end_app(door: Door, *_: Any) -> None:
    """Finish or return the jobs, delete the scratch folder, and end the process."""
    if not scratch.is_ours():  # a forked worker of ZeroGPU
        sys.exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    last = threading.Timer(LIMIT_S, os._exit, [0])
    last.daemon = True
    last.start()
    had_jobs = any(door.counts())
    visitors.refuse_all()
    door.open_wide()
    _wait_for_jobs(door, GRACE_S)
    visitors.stop_all()
    _wait_for_jobs(door, STOP_S)
    if had_jobs:
        time.sleep(LINGER_S)
    scratch.delete()
    logging.shutdown()
    os._exit(0)  # a job that has not reached a checkpoint would keep the process alive


def _wait_for_jobs(door: Door, limit_s: float) -> None:
    ends_at = time.monotonic() + limit_s
    while any(door.counts()) and time.monotonic() < ends_at:
        time.sleep(0.02)
