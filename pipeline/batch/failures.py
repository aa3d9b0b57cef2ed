"""The pictures that failed when they were tried last."""

import json
from pathlib import Path

from ..results.collection import FAILURES
from . import storage
from .stage import Row


class Failures:
    """failures.jsonl: one line for each picture that failed when it was tried last, with its reason."""

    def __init__(self, out: Path) -> None:
        self._path = out / FAILURES
        self.count = 0  # in this run
        self._failures = {failure["picture"]: failure for failure in self._read()}
        self._write()

    def note(self, row: Row) -> None:
        if "error" not in row:
            self._failures.pop(row["source"], None)
            return
        self.count += 1
        failure = {"picture": row["source"], "stage": row["stage"], "error": row["error"]}
        self._failures[row["source"]] = failure
        if storage.is_local(self._path):  # so that a killed run has told what it knew
            with self._path.open("ab") as file:
                file.write(_line(failure))

    def close(self) -> None:
        self._write()

    def _read(self) -> list[Row]:
        try:
            lines = storage.read_bytes(self._path).decode("utf-8", "replace").split("\n")
        except FileNotFoundError:
            return []
        return [row for line in lines if (row := _whole(line))]

    def _write(self) -> None:
        """Write the lines in the order of the pictures, whichever way they were worked through."""
        if self._failures:
            ordered = sorted(self._failures.values(), key=lambda failure: failure["picture"])
            storage.write_bytes(self._path, b"".join(map(_line, ordered)))
        else:
            storage.remove(self._path)


def _line(row: Row) -> bytes:
    """Return a line of JSON, with escapes for what is no character: names of files may hold any bytes."""
    return f"{json.dumps(row, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")


def _whole(line: str) -> Row | None:
    """Return the row of a line, None for one that was torn."""
    try:
        row = json.loads(line)
        return row if all(isinstance(row[key], str) for key in ("picture", "stage", "error")) else None
    except (ValueError, LookupError, TypeError):
        return None
