"""Admission of jobs to the queue: how many may wait, and the words for those who come too late.

Gradio limits the number of places, and its clients show "Queue is full!" for a refusal, whatever the app says. Here the
queue is as long as the work that the machine does in ten minutes. A refused job is queued as an event that ends at once
with an error, because the page and all clients show the message of an error.
"""

import math
from types import ModuleType
from typing import Any

from . import visitors

QUEUE_S = 600.0  # work that may wait
MAX_WAITING = 1000  # Gradio tells each of them its place after each job
MAX_EVENTS = MAX_WAITING + 64  # of all queues of the app together
MIN_WAITING = 4  # also where a job takes longer than the queue
MAX_OWN = 2  # jobs of one visitor that wait at once
FIRST_S = 5.0  # assumed duration of a job before one has ended
NEWEST_SHARE = 0.2  # weight of the newest job in the moving average
REFUSED = "refused"  # the end point whose events only fail

FULL = "{} jobs are waiting. Please come back in about {}."
OWN = "Two of your jobs are waiting already. Please try again when one of them has begun."


class Door:
    """Admits jobs to the queue of this name, in which `at_once` jobs run at the same time.

    It replaces the `push` method of Gradio's queue, which has no hook for this, and reads what the queue knows: the
    events that wait, and the number and total duration of the calls of each function.
    """

    def __init__(self, demo: Any, name: str, at_once: int) -> None:
        self._queue, self._name, self._at_once = demo._queue, name, at_once
        self._refused = next(number for number, fn in demo.fns.items() if fn.api_name == REFUSED)
        self._functions = {number: fn for number, fn in demo.fns.items() if fn.concurrency_id == name}
        self._paces: dict[Any, _Pace] = {}
        self._push = self._queue.push
        self._queue.push = self.push

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """Queue an event, or one with the words of the refusal in its place."""
        words = self.refusal(body.session_hash) if body.fn_index in self._functions else ""
        if words:
            body.fn_index, body.data = self._refused, [words]
        return await self._push(body, request, username)

    def refusal(self, session: str | None) -> str:
        """Return why a job of this visitor cannot wait, "" if it can.

        A visitor is a session: a tab of a browser, or a client. Many people may share an address behind a proxy.
        """
        if visitors.are_refused():
            return visitors.CLOSING
        waiting = self._waiting()
        if session and sum(event.session_hash == session for event in waiting) >= MAX_OWN:
            return OWN
        wait_s = self.wait_s()
        if len(waiting) < MIN_WAITING or (wait_s < QUEUE_S and len(waiting) < MAX_WAITING):
            return ""
        minutes = max(1, math.ceil(wait_s / 2 / 60))  # by then, half of the queue is done
        return FULL.format(len(waiting), "a minute" if minutes == 1 else f"{minutes} minutes")

    def wait_s(self) -> float:
        """Return how long the jobs that wait now will take, by the durations of earlier ones."""
        return sum(self._seconds(event.fn) for event in self._waiting()) / self._at_once

    def counts(self) -> tuple[int, int]:
        """Return the numbers of jobs that run and that wait."""
        queue = self._queue.event_queue_per_concurrency_id.get(self._name)
        return (queue.current_concurrency, len(queue.queue)) if queue else (0, 0)

    def open_wide(self) -> None:
        """Start all jobs that wait, so that they can be refused at once."""
        queue = self._queue.event_queue_per_concurrency_id.get(self._name)
        if queue:
            queue.concurrency_limit = None

    def _waiting(self) -> list[Any]:
        queue = self._queue.event_queue_per_concurrency_id.get(self._name)
        return list(queue.queue) if queue else []

    def _seconds(self, fn: Any) -> float:
        pace = self._paces.setdefault(fn, _Pace())
        known = self._queue.process_time_per_fn.get(fn)
        if known:
            pace.update(known.count, known.process_time)
        return pace.seconds


class _Pace:
    """The moving average of the duration of a function, from the number and the total duration of its calls."""

    def __init__(self) -> None:
        self.seconds = FIRST_S
        self._count, self._total_s = 0, 0.0

    def update(self, count: int, total_s: float) -> None:
        if count > self._count:
            newest_s = (total_s - self._total_s) / (count - self._count)
            share = 1 - (1 - NEWEST_SHARE) ** (count - self._count)
            self.seconds += (share if self._count else 1.0) * (newest_s - self.seconds)
            self._count, self._total_s = count, total_s


def add_refusal(gr: ModuleType) -> None:
    """Add the end point whose events only fail, with the words that the door gives them."""

    def refuse(words: str) -> str:
        raise gr.Error(str(words), duration=10, print_exception=False)

    gr.api(refuse, api_name=REFUSED, api_visibility="private", concurrency_limit=None)
