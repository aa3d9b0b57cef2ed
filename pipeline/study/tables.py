"""The study as tables: figures.csv has a row per result and figure, comparisons.csv per pair of groups and figure."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..files import write_file
from ..quality.figures import figures_of
from .groups import NO_PICTURE
from .study import Study

FIGURES, COMPARISONS = "figures.csv", "comparisons.csv"
FIGURE_COLUMNS = ("result", "group", "figure", "value", "picture")
COMPARISON_COLUMNS = (
    "group_a",
    "group_b",
    "figure",
    "pairs",
    "median_a",
    "median_b",
    "median_difference",
    "low",
    "high",
    "p_wilcoxon",
    "p_holm",
    "tests",
    "rank_biserial",
    "verdict",
)


def write_tables(study: Study, out: Path) -> None:
    """Write both tables into a folder."""
    write_file(out / FIGURES, _table(FIGURE_COLUMNS, _figures(study)))
    write_file(out / COMPARISONS, _table(COMPARISON_COLUMNS, _comparisons(study)))


def _figures(study: Study) -> Iterator[tuple[Any, ...]]:
    human = study.ratings.figures() if study.ratings else {}
    for group in study.groups:
        for sample in group.samples:
            picture = "" if sample.picture.startswith(NO_PICTURE) else sample.picture
            found = human.get((group.label, sample.name), {}) | figures_of(sample.entry)
            for key, value in found.items():
                yield sample.name, group.label, key, value, picture


def _comparisons(study: Study) -> Iterator[tuple[Any, ...]]:
    for each in study.comparisons:
        for row in each.rows:
            found = row.found
            yield (
                *(each.a.label, each.b.label, row.figure, found.n, found.median_a, found.median_b, found.median),
                *(found.low, found.high, found.p, row.p_holm, each.tests, found.effect, row.verdict),
            )


def _table(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(tuple(_cell(value) for value in row) for row in rows)
    return file.getvalue().encode()


def _cell(value: Any) -> Any:
    """Format numbers with 12 digits. Escape texts that a spreadsheet would run as a formula."""
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value
