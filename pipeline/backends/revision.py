"""The revision of the embedded backends, which consist of code and data of this project instead of weights."""

import hashlib
from functools import cache
from pathlib import Path

PIPELINE = Path(__file__).parents[1]


@cache
def revision_of(*parts: str) -> str:
    """Return a short hash of these files and folders of the pipeline. It changes when their output may change."""
    digest = hashlib.sha256()
    for part in parts:
        path = PIPELINE / part
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".toml"):
                digest.update(file.relative_to(PIPELINE).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
