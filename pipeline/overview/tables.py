"""summary.csv and results.parquet: one row per result."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..settings import has_package
from .record import Columns

CSV, PARQUET = "summary.csv", "results.parquet"
ROWS_AT_ONCE = 1000  # in memory, and in one row group of the Parquet file
# Spreadsheets run a cell that begins with one of these as a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

Rows = Callable[[], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Column:
    """A column of both tables: name with unit, type of the values, and how to read the value from a record."""

    name: str
    type: str  # text | integer | number
    value: Callable[[dict[str, Any]], Any]


def write_tables(root: Path, rows: Rows, columns: Columns) -> None:
    """Write summary.csv, and results.parquet if pyarrow is installed; without it, remove an old results.parquet."""
    flat = _columns(columns)
    with _beside(root / CSV) as part:
        _write_csv(part, rows(), flat)
    if has_package("pyarrow"):
        with _beside(root / PARQUET) as part:
            _write_parquet(part, rows(), flat)
    else:
        (root / PARQUET).unlink(missing_ok=True)  # it would not match the page


def _columns(columns: Columns) -> list[Column]:
    return [
        _text("name"),
        _text("picture"),
        _text("scene"),
        _text("mood"),
        _text("space"),
        Column("sources_count", "integer", lambda row: len(row["sources"])),
        _text("sources_text", lambda row: "; ".join(map(_source_in_words, row["sources"]))),
        _text("vision_backend", lambda row: row["vision"]["backend"]),
        _text("vision_model", lambda row: row["vision"]["model"]),
        _text("audio_backend", lambda row: row["audio"]["backend"]),
        _text("audio_model", lambda row: row["audio"]["model"]),
        Column("seed", "integer", lambda row: row["seed"]),
        *(_number(name) for name in ("duration_s", "loudness_lufs", "true_peak_dbtp")),
        *(Column(f"{_plain(stage)}_s", "number", _at("seconds", stage)) for stage in columns.stages),
        *(Column(_plain(key), "number", _at("figures", key)) for key in columns.figures if not _is_level(key)),
        Column("problems_count", "integer", lambda row: len(row["problems"])),
        _text("problems_text", lambda row: " ".join(row["problems"])),
        Column("warnings_count", "integer", lambda row: len(row["warnings"])),
        _text("warnings_text", lambda row: " ".join(row["warnings"])),
    ]


def _text(name: str, value: Callable[[dict[str, Any]], str] | None = None) -> Column:
    return Column(name, "text", value or (lambda row: row[name]))


def _number(name: str) -> Column:
    return Column(name, "number", lambda row: row[name])


def _is_level(key: str) -> bool:
    return key.startswith("level.")  # loudness and peak have columns already


def _at(part: str, key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda row: row[part].get(key)


def _plain(key: str) -> str:
    return key.replace(".", "_").replace("-", "_")


def _source_in_words(source: dict[str, Any]) -> str:
    return f"{source['name']} ({source['evidence']}, {source['confidence']:.2f})"


# CSV -----------------------------------------------------------------------------------------------------------------


def _write_csv(path: Path, rows: Iterable[dict[str, Any]], columns: list[Column]) -> None:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(column.name for column in columns)
        for row in rows:
            table.writerow(_cell(column.value(row)) for column in columns)


def _cell(value: Any) -> Any:
    """Return a value that is safe in a spreadsheet: texts on one line, and none that would be run as a formula."""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else value
    if not isinstance(value, str):
        return value
    text = " ".join(value.replace("\0", "").split())
    return f"'{text}" if text.startswith(_FORMULA) else text


# Parquet -------------------------------------------------------------------------------------------------------------


def _write_parquet(path: Path, rows: Iterable[dict[str, Any]], columns: list[Column]) -> None:
    """Write the flat columns, the sources as a nested list, and document and manifest as JSON texts."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}
    texts = pa.list_(pa.string())
    schema = pa.schema(
        [(column.name, types[column.type]) for column in columns]
        + [
            ("sources", pa.list_(_source_type(pa))),
            ("problems", texts),
            ("warnings", texts),
            ("document_json", pa.string()),
            ("manifest_json", pa.string()),
        ]
    )
    with parquet.ParquetWriter(path, schema) as file:
        rows = iter(rows)
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            file.write_table(pa.Table.from_pylist([_nested(row, columns) for row in batch], schema=schema))


def _source_type(pa: Any) -> Any:
    text, number, flag = pa.string(), pa.float64(), pa.bool_()
    fields = {
        "name": text,
        "material": text,
        "action": text,
        "timbre": pa.list_(text),
        "role": text,
        "evidence": text,
        "confidence": number,
        "distance_m": number,
        "gain_db": number,
        "pan": number,
        "box": pa.list_(number),
        "mute": flag,
        "instrument": text,
        "prompt": text,
        "stem": text,
        "stem_score": number,
        "stem_percentile": number,
    }
    return pa.struct(list(fields.items()))


def _nested(row: dict[str, Any], columns: list[Column]) -> dict[str, Any]:
    whole = {column.name: column.value(row) for column in columns}
    whole |= {key: row[key] for key in ("sources", "problems", "warnings")}
    whole |= {"document_json": row["document"], "manifest_json": json.dumps(row["manifest"])}
    return {key: _unicode(value) for key, value in whole.items()}


def _unicode(value: Any) -> Any:
    """Replace lone surrogates, which JSON can hold but Parquet cannot."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_unicode(each) for each in value]
    if isinstance(value, dict):
        return {key: _unicode(each) for key, each in value.items()}
    return value


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` unless an error is raised."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
