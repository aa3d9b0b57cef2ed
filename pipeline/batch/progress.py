"""The lines that a run prints: for people on standard error, for programs on standard output."""

import json
import sys
import time

from ..results.collection import FAILURES
from ..results.result import BEFORE
from .stage import Row

EARLIER = f"; the earlier description was kept as {BEFORE}"


class Progress:
    """Prints one line per finished picture and, on a terminal, a live line that is overwritten."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._before = self._failed = 0
        self._start = time.monotonic()
        self._live = sys.stderr.isatty()

    @property
    def succeeded(self) -> int:
        return self._done - self._failed

    def show(self, stage: str, done: int, total: int) -> None:
        if self._live:
            now = min(self._done + 1, self._total)
            print(f"\r\x1b[K[{now}/{self._total}] {stage} {done}/{total}", end="", file=sys.stderr, flush=True)

    def report(self, row: Row) -> None:
        """Print the outcome of one picture, for people and for programs."""
        self._done += 1
        self._failed += "error" in row
        self._before += "unchanged" in row and "error" not in row
        outcome = row.get("error") or ("already done" if "unchanged" in row else "done")
        outcome += EARLIER if "earlier_soundscape" in row else ""
        self.say(f"[{self._done}/{self._total}] {row['source']}: {outcome}{self._outlook()}")
        # ASCII, which every terminal can print, whatever the name of the picture.
        print(json.dumps({key: row[key] for key in row if key != "source"}), flush=True)

    def sum_up(self, passed: str = "") -> None:
        """Print the totals if there was more than one picture, and what was passed over."""
        if self._total > 1:
            counts = ((self._made, "done"), (self._before, "already done"), (self._failed, "failed"))
            totals = ", ".join(f"{count} {words}" for count, words in counts if count)
            self.say(f"{totals}; the reasons are in {FAILURES}" if self._failed else totals)
        if passed:
            self.say(passed)

    @property
    def _made(self) -> int:
        return self._done - self._before - self._failed

    def say(self, line: str) -> None:
        start = "\r\x1b[K" if self._live else ""
        print(f"{start}{line}", file=sys.stderr, flush=True)

    def _outlook(self) -> str:
        """Return the rate, the time left and the number of failures.

        Empty until a result was made: failed and skipped pictures are fast and would distort the estimate.
        """
        left = self._total - self._done
        if not left or not self._made:
            return ""
        seconds = (time.monotonic() - self._start) / self._made
        failed = f", {self._failed} failed" if self._failed else ""
        return f" ({_rate(seconds)}, {_time(seconds * left)} left{failed})"


def _rate(seconds: float) -> str:
    return f"{60 / seconds:.0f} per minute" if seconds < 10 else f"{3600 / seconds:.0f} per hour"


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
