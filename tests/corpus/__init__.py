"""Files that people really have, and files that attackers send: pictures, documents, bundles and manifests.

A script builds them, so that none is stored: `python -m tests.corpus FOLDER`. `expected.toml` says what each must give.
"""

from collections.abc import Callable
from pathlib import Path

from . import bundles, documents, manifests, pictures

KINDS: dict[str, dict[str, Callable[[], bytes]]] = {
    "pictures": pictures.FILES,
    "documents": documents.FILES,
    "bundles": bundles.FILES,
    "manifests": manifests.FILES,
}


def build(folder: Path) -> list[Path]:
    """Write all files of the corpus into subfolders and return their paths."""
    paths = []
    for kind, files in KINDS.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, make in files.items():
            path = folder / kind / name
            path.write_bytes(make())
            paths.append(path)
    return paths
