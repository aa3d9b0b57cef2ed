"""Two groups compared on the pictures that both have, figure by figure, corrected for the number of tests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ..quality.figures import OF_THE_PICTURE, in_order
from . import statistics
from .groups import Group, common_pictures
from .statistics import ALPHA, MIN_PAIRS, Difference, can_tell
from .values import Values


@dataclass(frozen=True)
class Row:
    """One figure of a comparison: the pairs as (picture, a, b), what was computed, p corrected, and the verdict."""

    figure: str
    pairs: tuple[tuple[str, float, float], ...]
    found: Difference
    p_holm: float | None = None
    verdict: str = ""

    @property
    def is_shown(self) -> bool:
        """True where a difference stands after the correction."""
        return self.p_holm is not None and self.p_holm < ALPHA


@dataclass(frozen=True)
class Comparison:
    """What two groups differ in. `tests` counts all tests of the study: the correction is for all of them."""

    a: Group
    b: Group
    pictures: tuple[str, ...]
    rows: tuple[Row, ...]
    tests: int = 0

    @property
    def shown(self) -> list[Row]:
        return [row for row in self.rows if row.is_shown]

    @property
    def cautions(self) -> list[str]:
        """What beside the models differs between the two, or is missing."""
        told = []
        for group, other in ((self.a, self.b), (self.b, self.a)):
            alone = len(group.pictures) - len(self.pictures)
            if alone:
                told.append(
                    f"{alone} of {len(group.pictures)} pictures of {group.label} have no partner in {other.label}."
                )
        a, b = self.a.settings("duration_s"), self.b.settings("duration_s")
        if a != b:
            told.append(
                f"The sounds differ in length ({_listed(a)} against {_listed(b)} s), so figures that grow with"
                " length, such as seconds, cannot be laid to the models."
            )
        if self.a.options != self.b.options:
            told.append("The two were made with different options, so a difference may be theirs.")
        if self.pictures and not can_tell(len(self.pictures), max(1, self.tests)):
            told.append(
                f"With {len(self.pictures)} pairs and {self.tests} tests, no difference could pass the correction, even"
                " if every pair agreed: read the intervals, and conclude nothing from what is not shown."
                if len(self.pictures) >= MIN_PAIRS
                else f"{_pairs(len(self.pictures))}: too few to tell anything. Nothing was tested."
            )
        return told


def compare(groups: Sequence[Group], values: Sequence[Values], seed: int = 0) -> list[Comparison]:
    """Compare every two groups that have pictures in common; `values` are those of the groups, in their order."""
    found = [
        Comparison(a, b, tuple(common_pictures(a, b)), _rows(of_a, of_b, seed))
        for (a, of_a), (b, of_b) in combinations(zip(groups, values), 2)
    ]
    return _corrected([each for each in found if each.pictures])


def _rows(a: Values, b: Values, seed: int) -> tuple[Row, ...]:
    rows = []
    for key in in_order({key for key in a.keys() & b.keys() if not key.startswith(OF_THE_PICTURE)}):
        pairs = tuple((picture, value, b[key][picture]) for picture, value in a[key].items() if picture in b[key])
        if pairs:
            _, first, second = zip(*pairs)
            rows.append(Row(key, pairs, statistics.difference(first, second, seed)))
    return tuple(rows)


def _corrected(comparisons: list[Comparison]) -> list[Comparison]:
    """Correct all tests of the study together, and say of each row what may be said."""
    p_values = [row.found.p for each in comparisons for row in each.rows]
    tests = sum(p is not None for p in p_values)
    corrected = iter(statistics.holm(p_values))
    return [
        replace(each, rows=tuple(_judged(row, next(corrected), tests) for row in each.rows), tests=tests)
        for each in comparisons
    ]


def _judged(row: Row, p: float | None, tests: int) -> Row:
    found = row.found
    if p is None:
        return replace(row, verdict=f"{_pairs(found.n)}: too few to tell")
    if all(a == b for _, a, b in row.pairs):
        verdict = f"equal in all {found.n} pairs"
    elif p < ALPHA:
        verdict = "higher in B" if found.effect > 0 else "lower in B"
    elif not can_tell(found.n, tests):
        verdict = f"{_pairs(found.n)}: too few to tell with {tests} tests"
    else:
        verdict = "no difference shown"
    return replace(row, p_holm=p, verdict=verdict)


def _pairs(n: int) -> str:
    return f"{n} pair" if n == 1 else f"{n} pairs"


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or "unknown"
