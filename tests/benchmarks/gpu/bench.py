"""Timing, counting of operations, CUDA graphs and random weights."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.flop_counter import FlopCounterMode

from .report import Machine

REPEATS = 5
LONGEST_S = 6.0  # no further repetition after this time
WEIGHTS_STD = 0.02  # random weights that neither vanish nor overflow
SETTLED = 2  # first steps of a loop, which fill the caches and are not extrapolated


def sync(machine: Machine) -> None:
    if machine.device == "cuda":
        torch.cuda.synchronize()


def seconds(machine: Machine, action: Callable[[], Any], *, warm_up: Callable[[], Any] | None = None) -> float:
    """Return the median time of several runs after a warm-up."""
    (warm_up or action)()
    sync(machine)
    times: list[float] = []
    while len(times) < (1 if machine.is_tiny else REPEATS) and sum(times) < LONGEST_S:
        start = time.perf_counter()
        action()
        sync(machine)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class _EnoughSteps(Exception):
    """Ends a loop after the steps that are timed."""


def loop_seconds(machine: Machine, run: Callable[[Callable[[int], None]], Any], steps: int, timed: int) -> float:
    """Return the time of a loop of `steps` steps. If `timed` is less, it ends there and the rest is extrapolated.

    `run(on_step)` starts the loop, which must call `on_step(index)` after each step.
    """
    if timed >= steps:
        return seconds(machine, lambda: run(lambda index: None))
    totals = []

    def once() -> None:
        marks: list[float] = []

        def on_step(index: int) -> None:
            if index in (SETTLED - 1, timed - 1):
                sync(machine)
                marks.append(time.perf_counter())
            if index == timed - 1:
                raise _EnoughSteps

        start = time.perf_counter()
        try:
            run(on_step)
        except _EnoughSteps:
            settled, end = marks
            totals.append(end - start + (steps - timed) * (end - settled) / (timed - SETTLED))

    seconds(machine, once)
    return statistics.median(totals[1:])


def operations(action: Callable[[], Any]) -> float:
    """Return the floating-point operations: matrix products, convolutions and attention."""
    with FlopCounterMode(display=False) as counter:
        action()
    return float(counter.get_total_flops())


def random_model(build: Callable[[], Any], device: str, dtype: torch.dtype | None = None) -> Any:
    """Build a model on the device. Its matrices and kernels are random; norms, biases and buffers stay as built."""
    with torch.device(device):
        model = build()
    if dtype:
        model = model.to(dtype)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1 and weights.numel() > max(weights.shape):
                weights.normal_(0.0, WEIGHTS_STD)
    return model.eval().requires_grad_(False)


@contextmanager
def graphed(module: Any, machine: Machine) -> Iterator[None]:
    """Record the first call of a module as a CUDA graph and replay it for the others, which costs the CPU one launch.

    All calls must have inputs of the same shapes. Without a GPU, the call is only made from copied inputs.
    """
    forward, record = module.forward, _Record(machine)
    module.forward = lambda *arguments, **named: record(forward, arguments, named)
    try:
        yield
    finally:
        del module.forward  # the method of the class remains


class _Record:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._inputs: list[Any] = []
        self._replay: Callable[[], Any] | None = None

    def __call__(self, forward: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        inputs, layout = tree_flatten((arguments, named))
        if self._replay is None:
            self._inputs = [each.clone() if isinstance(each, torch.Tensor) else each for each in inputs]
            own, own_named = tree_unflatten(self._inputs, layout)
            self._replay = self._recorded(lambda: forward(*own, **own_named))
        for held, given in zip(self._inputs, inputs):
            if isinstance(held, torch.Tensor):
                held.copy_(given)
        return self._replay()

    def _recorded(self, call: Callable[[], Any]) -> Callable[[], Any]:
        if self._machine.device != "cuda":
            return call
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries choose their kernels
                call()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = call()

        def replay() -> Any:
            graph.replay()
            return result

        return replay
