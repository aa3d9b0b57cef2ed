"""Steps of the benchmark, what they yield, and how it is printed: tables in Markdown."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Machine:
    """Where the steps run, and its limits, which the first step measures.

    `flops` are floating-point operations per second by precision, of a large matrix product. `bytes_per_s` are read
    and written by a large copy. `folder` is for files of the steps.
    """

    device: str
    folder: str
    is_tiny: bool = False
    flops: dict[str, float] = field(default_factory=dict)
    bytes_per_s: float = 0.0

    @property
    def duration_s(self) -> float:
        return 1.0 if self.is_tiny else 10.0

    @property
    def half(self) -> str:
        """The half precision to measure in. CPUs have none that is fast."""
        return "float16" if self.device == "cuda" else "float32"


@dataclass(frozen=True)
class Row:
    """One line of a step's table."""

    cells: tuple[str, ...]


@dataclass(frozen=True)
class Goal:
    """A figure and the limit that it should reach (`at_least`) or not exceed. `unit` follows both numbers."""

    words: str
    value: float
    limit: float
    unit: str
    at_least: bool = True

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True)
class Done:
    """The step has finished. `peak_gb` is its peak of allocated GPU memory; 0 without a GPU."""

    peak_gb: float


@dataclass(frozen=True)
class Failure:
    """The step has failed, or was stopped. Its process must not be used again."""

    words: str


Message = Row | Goal | Machine | Done | Failure


@dataclass(frozen=True)
class Step:
    """A measurement that runs by itself. It is skipped if less than `needs_s` is left, and stopped after `limit_s`.

    `run` names a generator function, "module:function", that takes a Machine and yields rows, goals, or the machine
    with its limits. Its module is imported in the process that runs it, so a missing library fails only this step.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    needs_s: float
    limit_s: float
    run: str


def line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"


def head(columns: tuple[str, ...]) -> str:
    return f"{line(columns)}\n{line(('---', *['---:'] * (len(columns) - 1)))}"


def verdict(goal: Goal, *, is_tiny: bool) -> str:
    words = "not judged with tiny models" if is_tiny else "met" if goal.is_met else "not met"
    bound = "at least" if goal.at_least else "at most"
    return f"Goal, {goal.words}: {bound} {goal.limit:g}{goal.unit}. Measured: {goal.value:.3g}{goal.unit}, {words}."


def share(part: float, whole: float) -> str:
    """Return a percentage, or a dash if the whole is unknown because its measurement failed."""
    return f"{part / whole:.1%}" if whole else "–"
