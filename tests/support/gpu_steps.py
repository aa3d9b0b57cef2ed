"""Steps of the benchmark on a GPU that work, fail or hang. They import nothing slow."""

import os
import time
from collections.abc import Iterator

from ..benchmarks.gpu.report import Goal, Machine, Message, Row


def works(machine: Machine) -> Iterator[Message]:
    yield Row(("rate", f"{machine.flops.get('float32', 0):g}"))
    yield Goal("speed", 3.0, 2.0, " times")
    yield Goal("share", 7.0, 5.0, " %", at_least=False)


def tells_limits(machine: Machine) -> Iterator[Message]:
    yield Machine(machine.device, machine.folder, flops={"float32": 7.0})


def breaks(machine: Machine) -> Iterator[Message]:
    yield Row(("before", "1"))
    raise ValueError("two\nlines")


def crashes(machine: Machine) -> Iterator[Message]:
    yield Row(("before", "2"))
    os._exit(3)


def hangs(machine: Machine) -> Iterator[Message]:
    yield Row(("before", "3"))
    time.sleep(600)
