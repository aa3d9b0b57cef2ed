"""Pictures and sounds of the results, where the report can find them."""

import os
from pathlib import Path
from urllib.parse import quote

from ..results.result import safe_name, write_file
from .groups import Group, Sample

FOLDER = "examples"


class Media:
    """Links from a report to files of results: into the tree where it lies beside the report, else to a copy."""

    def __init__(self, out: Path, groups: list[Group]) -> None:
        self._out = out.resolve()
        self._number = {id(group): number for number, group in enumerate(groups, 1)}

    def link(self, group: Group, sample: Sample, name: str) -> str | None:
        """Return the relative address of a file of a result; None where the result has no such file."""
        path = sample.entry.folder / name
        if not path.is_file():
            return None
        if self._is_beside(group.root):
            return quote(Path(os.path.relpath(path.resolve(), self._out)).as_posix())
        copy = (
            f"{FOLDER}/{self._number[id(group)]}_{safe_name(sample.name, 'result')}_{sample.picture[-6:]}{path.suffix}"
        )
        write_file(self._out / copy, path.read_bytes())
        return quote(copy)

    def _is_beside(self, root: Path) -> bool:
        """True where report and tree are moved together: in one folder, or one in the other."""
        return root.is_relative_to(self._out.parent) or self._out.is_relative_to(root)
