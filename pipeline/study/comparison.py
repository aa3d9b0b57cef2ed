"""Compare two groups, figure by figure, on the pictures that both have. Tests are corrected for their number."""

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
    """One figure of a comparison: pairs as (picture, a, b), the difference, the corrected p-value and the verdict."""

    figure: str
    pairs: tuple[tuple[str, float, float], ...]
    found: Difference
    p_holm: float | None = None
    verdict: str = ""

    @property
    def is_shown(self) -> bool:
        """True if the difference is significant after the correction."""
        return self.p_holm is not None and self.p_holm < ALPHA


@dataclass(frozen=True)
class Comparison:
    """The figures of two groups on their common pictures. `tests` counts all tests of the study, which are corrected
    together."""

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
        """Sentences on missing pictures, and on differences between the groups other than the models."""
        cautions = []
        for group, other in ((self.a, self.b), (self.b, self.a)):
            alone = len(group.pictures) - len(self.pictures)
            if alone:
                cautions.append(f"{alone} of {len(group.pictures)} pictures of {group.label} are not in {other.label}.")
        a, b = self.a.settings("duration_s"), self.b.settings("duration_s")
        if a != b:
            cautions.append(
                f"The sounds differ in length ({_listed(a)} s in A, {_listed(b)} s in B). Figures that grow with the"
                " length, such as times, may differ for that reason alone."
            )
        if self.a.options != self.b.options:
            cautions.append("The groups were made with different options, which may explain a difference.")
        if self.pictures and not can_tell(len(self.pictures), max(1, self.tests)):
            cautions.append(
                f"With {len(self.pictures)} pairs and {self.tests} tests, no difference could be significant after the"
                " correction, even if every pair agreed. Read the intervals instead."
                if len(self.pictures) >= MIN_PAIRS
                else f"{_pairs(len(self.pictures))}: too few for any conclusion. Nothing was tested."
            )
        return cautions


def compare(groups: Sequence[Group], values: Sequence[Values], seed: int = 0) -> list[Comparison]:
    """Compare every two groups that have pictures in common. `values` holds the figures of each group, in order."""
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
    """Correct the p-values of all comparisons together, and set the verdict of each row."""
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
        verdict = "higher in B" if (found.effect or 0) > 0 else "lower in B"
    elif not can_tell(found.n, tests):
        verdict = f"{_pairs(found.n)}: too few to tell with {tests} tests"
    else:
        verdict = "no difference shown"
    return replace(row, p_holm=p, verdict=verdict)


def _pairs(n: int) -> str:
    return f"{n} pair" if n == 1 else f"{n} pairs"


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or "unknown"
