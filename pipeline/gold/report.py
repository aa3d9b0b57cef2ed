"""The verdicts as text (lines per picture, a table of all measures) and as CSV files."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .intervals import Interval
from .scoring import Figure, Kind, Verdict, figures, reliability

MARKS: dict[Kind, str] = {"gold": "=", "repeat": "+", "possible": "~", "unlisted": "?", "forbidden": "!"}
LEGEND = "= gold   + gold, repeated   ~ possible   ? unlisted   ! forbidden   number: confidence"
FEW = 20  # with fewer pictures the intervals are rough
DISTANCES = ("centre distance", "overlap")  # shown as numbers, all others in per cent
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def picture_lines(verdict: Verdict) -> Iterator[str]:
    """Yield the sources of one picture with their verdicts, the missed entries, and the distances of the boxes."""
    name = verdict.picture[-28:]
    if verdict.error:
        yield f"{name:28} no description: {' '.join(verdict.error.split())}"
    else:
        heard = ", ".join(
            f"{MARKS[kind]}{source.name} {source.confidence:.2f}"
            for source, kind in zip(verdict.sources, verdict.kinds, strict=True)
        )
        yield f"{name:28} {heard}"
    if verdict.missed:
        yield f"{'':28} missed: {', '.join(entry.names[0] for entry in verdict.missed)}"
    if verdict.places:
        places = ", ".join(
            f"{place.name} without a box" if place.distance is None else f"{place.name} {place.distance:.2f} off"
            for place in verdict.places
        )
        yield f"{'':28} boxes: {places}"


def summary_lines(verdicts: list[Verdict]) -> Iterator[str]:
    """Yield the table of all measures, notes on reading it, and the share of acceptable sources by confidence."""
    undescribed = sum(bool(verdict.error) for verdict in verdicts)
    yield f"{_many(len(verdicts), 'picture')}" + (f", {undescribed} without a description" if undescribed else "")
    yield ""
    yield f"{'':22}{'micro':>7}  {'95 %':<14}{'macro':>7}  {'95 %':<14}counted"
    for figure in figures(verdicts):
        digits = 2 if figure.name in DISTANCES else 0
        cells = (
            f"{_number(value, digits):>7}  {_between(interval, digits):<14}"
            for value, interval in ((figure.micro, figure.micro_interval), (figure.macro, figure.macro_interval))
        )
        yield f"{figure.name:22}{''.join(cells)}{_counted(figure)}".rstrip()
    yield ""
    yield "micro: all sources pooled; macro: mean over pictures; 95 %: confidence interval over pictures."
    if len(verdicts) < FEW:
        yield f"With fewer than {FEW} pictures the true intervals may be wider than shown."
    if undescribed:
        yield "A picture without a description counts as one in which nothing was heard."
    seconds = sorted(verdict.seconds for verdict in verdicts if verdict.seconds is not None)
    if seconds:
        yield f"Median time to describe a picture: {seconds[len(seconds) // 2]:.2f} s."
    rows = reliability(verdicts)
    if rows:
        yield ""
        yield "confidence   sources   acceptable"
        yield from (f"{low:.2f}-{high:.2f}    {count:7}   {share:10.0%}" for low, high, count, share in rows)


def _counted(figure: Figure) -> str:
    if figure.name in DISTANCES:
        return f"over {_many(round(figure.out_of), 'box', 'boxes')}"
    return f"{figure.counted:g} of {figure.out_of:g} {figure.unit}" if figure.unit else ""


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if digits else f"{value:.0%}"


def _between(interval: Interval | None, digits: int) -> str:
    return "" if interval is None else " to ".join(_number(end, digits).removesuffix("%") for end in interval)


def _many(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


# CSV -----------------------------------------------------------------------------------------------------------------


def write_csv(path: Path, verdicts: list[Verdict]) -> Path:
    """Write one row per picture to `path`, and one row per measure to NAME-summary.csv beside it; return the latter."""
    _write(path, (_picture_row(verdict) for verdict in verdicts))
    summary = path.with_name(f"{path.stem}-summary{path.suffix}")
    _write(summary, (_figure_row(figure) for figure in figures(verdicts)))
    return summary


def _picture_row(verdict: Verdict) -> dict[str, Any]:
    placed = [place for place in verdict.places if place.distance is not None]

    def named(kind: Kind) -> str:
        pairs = zip(verdict.sources, verdict.kinds, strict=True)
        return "; ".join(source.name for source, its_kind in pairs if its_kind == kind)

    return {
        "picture": verdict.picture,
        "sources": len(verdict.sources),
        **{kind: verdict.count(kind) for kind in MARKS},
        "gold_entries": len(verdict.found) + len(verdict.missed),
        **{name.replace(" ", "_").replace(",", ""): value for name, value in _own_figures(verdict).items()},
        "boxes": len(verdict.places),
        "boxes_placed": len(placed),
        "missed_names": "; ".join(entry.names[0] for entry in verdict.missed),
        "forbidden_names": named("forbidden"),
        "unlisted_names": named("unlisted"),
        "seconds": _rounded(verdict.seconds),
        "error": verdict.error,
    }


def _own_figures(verdict: Verdict) -> dict[str, float | None]:
    own = {figure.name: _rounded(figure.micro) for figure in figures([verdict])}
    return {name: own.get(name) for name in ("precision", "recall", "F1", *DISTANCES)}


def _figure_row(figure: Figure) -> dict[str, Any]:
    row: dict[str, Any] = {"measure": figure.name}
    for name, value, interval in (
        ("micro", figure.micro, figure.micro_interval),
        ("macro", figure.macro, figure.macro_interval),
    ):
        low, high = interval or (None, None)
        row |= {name: _rounded(value), f"{name}_low": _rounded(low), f"{name}_high": _rounded(high)}
    return row | {"counted": _rounded(figure.counted), "out_of": _rounded(figure.out_of), "pictures": figure.pictures}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        table.writeheader()
        table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """Return a value that is safe in a spreadsheet: no text that would be run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
