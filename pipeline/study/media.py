"""Links from the report to pictures and sounds of the results."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ..files import MAX_MEDIA_BYTES, read_file, write_file
from ..results.result import safe_name
from .groups import Group, Sample

FOLDER = "examples"


class Media:
    """Links to files of results: directly, if the tree is beside the report, else to a copy in the report."""

    def __init__(self, out: Path, groups: Sequence[Group]) -> None:
        self._out = out.resolve()
        self._number = {id(group): number for number, group in enumerate(groups, 1)}

    def link(self, group: Group, sample: Sample, name: str) -> str | None:
        """Return the relative URL of a file of a result, None when the result has no such file."""
        path = sample.entry.folder / name
        if not path.is_file():
            return None
        if self._is_beside(group.root):
            return quote(Path(os.path.relpath(path.resolve(), self._out)).as_posix())
        copy = (
            f"{FOLDER}/{self._number[id(group)]}_{safe_name(sample.name, 'result')}_{sample.picture[-6:]}{path.suffix}"
        )
        write_file(self._out / copy, read_file(path, MAX_MEDIA_BYTES))
        return quote(copy)

    def _is_beside(self, root: Path) -> bool:
        """Return whether report and tree are likely moved together: in one folder, or one inside the other."""
        return root.is_relative_to(self._out.parent) or self._out.is_relative_to(root)
