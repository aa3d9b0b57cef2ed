"""failures.jsonl: the pictures whose last attempt failed."""

import json

from ..results.collection import FAILURES
from . import storage
from .stage import Row
from .storage import Place


class Failures:
    """One line per picture whose last attempt failed, with the reason. Pictures that were not tried keep their line."""

    def __init__(self, out: Place) -> None:
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
        if storage.is_local(self._path):  # at once, in case the run is killed
            with self._path.open("ab") as file:
                file.write(_line(failure))

    def close(self) -> None:
        self._write()

    def _read(self) -> list[Row]:
        """Return the failures of earlier runs. The file may have any size, because a million pictures may fail."""
        try:
            lines = storage.read_bytes(self._path, limit_bytes=None).split(b"\n")
        except FileNotFoundError:
            return []
        return [row for line in lines if (row := _parsed(line.decode("utf-8", "replace")))]

    def _write(self) -> None:
        """Write the lines sorted by picture, so that the order of the work does not matter."""
        if self._failures:
            ordered = sorted(self._failures.values(), key=lambda failure: failure["picture"])
            storage.write_bytes(self._path, b"".join(map(_line, ordered)))
        else:
            storage.remove(self._path)


def _line(row: Row) -> bytes:
    """Return a line of JSON. Bytes of file names that are not valid text are escaped."""
    return f"{json.dumps(row, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")


def _parsed(line: str) -> Row | None:
    """Return the row of a line, None for an incomplete line."""
    try:
        row = json.loads(line)
        return row if all(isinstance(row[key], str) for key in ("picture", "stage", "error")) else None
    except (ValueError, LookupError, TypeError):
        return None
