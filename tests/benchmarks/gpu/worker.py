"""Runs steps in another process, so that a step that fails, hangs or breaks the GPU does not affect the next one."""

import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from pkgutil import resolve_name
from typing import Any

from pipeline.backends import memory

from .report import Done, Failure, Goal, Machine, Message, Row, Step, head, line, verdict

LONGEST_ERROR = 300  # characters of an error that are printed; all of it goes to stderr


class Worker:
    """A process that runs steps one after the other. They share imported libraries but no models."""

    def __init__(self) -> None:
        context = get_context("spawn")  # CUDA does not survive a fork
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def messages(self, step: Step, machine: Machine, limit_s: float) -> Iterator[Message]:
        """Run a step and yield what it yields. The last message is a `Done` or a `Failure`."""
        end = time.monotonic() + limit_s
        try:
            self._connection.send((step.run, machine))
            while self._connection.poll(max(0.0, end - time.monotonic())):
                message = self._connection.recv()
                yield message
                if isinstance(message, (Done, Failure)):
                    return
        except (EOFError, OSError):
            yield Failure("its process ended without a message")
            return
        yield Failure(f"stopped after {limit_s:.0f} s")

    def stop(self) -> None:
        self._connection.close()  # ends a process that waits for the next step
        self._process.join(2.0)
        self._process.kill()
        self._process.join()


def run_steps(steps: Iterable[Step], machine: Machine, *, budget_s: float, say: Callable[[str], None]) -> list[str]:
    """Run the steps in their order while time is left. Return the names of those that failed."""
    end = time.monotonic() + budget_s
    failed = []
    worker: Worker | None = None
    try:
        for step in steps:
            say(f"\n### {step.title}\n")
            left_s = end - time.monotonic()
            if left_s < step.needs_s:
                say(f"Skipped: this takes about {step.needs_s:.0f} s, and {max(0, left_s):.0f} s are left.")
                continue
            worker = worker or Worker()
            start, rows, goals, peak = time.monotonic(), 0, [], ""
            for message in worker.messages(step, machine, min(step.limit_s, left_s)):
                if isinstance(message, Row):
                    say(line(message.cells) if rows else f"{head(step.columns)}\n{line(message.cells)}")
                    rows += 1
                elif isinstance(message, Machine):
                    machine = message
                elif isinstance(message, Goal):
                    goals.append(verdict(message, is_tiny=machine.is_tiny))
                elif isinstance(message, Failure):
                    goals.append(f"Failed: {message.words}.")
                    failed.append(step.name)
                    worker.stop()
                    worker = None
                elif message.peak_gb and "peak GB" not in step.columns:
                    peak = f", at most {message.peak_gb:.2f} GB of GPU memory"
            say("\n" + "\n\n".join([*goals, f"{time.monotonic() - start:.0f} s{peak}."]))
    finally:
        if worker:
            worker.stop()
    return failed


def _serve(connection: Any) -> None:
    """Run the steps that arrive, until the other side closes the connection."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.environ |= {"TRANSFORMERS_VERBOSITY": "error", "DIFFUSERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}
    warnings.simplefilter("ignore")  # of libraries about unusual models
    os.dup2(2, 1)  # what libraries print must not end up in the tables
    with suppress(EOFError, OSError):
        while True:
            connection.send(_outcome(connection))


def _outcome(connection: Any) -> Message:
    try:
        run, machine = connection.recv()
        _forget()
        for message in resolve_name(run)(machine):
            connection.send(message)
        return Done(_peak_gb())
    except EOFError:
        raise
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        words = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Failure(words[:LONGEST_ERROR])


def _forget() -> None:
    """Drop the models of the previous step."""
    memory.forget_others()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak_gb() -> float:
    torch = sys.modules.get("torch")
    return torch.cuda.max_memory_allocated() / 1e9 if torch and torch.cuda.is_available() else 0.0
