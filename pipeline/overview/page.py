"""index.html and its data, which is stored as scripts: a page opened from disk may load scripts but not fetch data.

The scripts are named by the hash of their content. So the old page keeps working until the new one replaces it, and
every page is complete.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from ..colours import blocks
from ..files import write_file
from ..quality.figures import figure
from ..results.collection import INDEX
from .drawings import forget_others
from .record import Columns

PAGE = "index.html"
RESULTS_PER_SCRIPT = 500  # about 1 MB: the page shows the first results while it loads the others
MAX_FAILURES = 500  # shown on the page; failures.jsonl has all of them
SCRIPTS = ("helpers.js", "player.js", "library.js", "card.js", "details.js", "list.js", "page.js")
_NOT_SHOWN = ("document", "manifest", "figures", "loudness_lufs", "true_peak_dbtp")  # left out, or shown otherwise


@cache
def asset(name: str) -> str:
    """Return the text of a file in this folder."""
    return (Path(__file__).parent / name).read_text("utf-8")


def write_page(
    root: Path,
    rows: Callable[[], Iterable[dict[str, Any]]],
    count: int,
    failures: list[dict[str, Any]],
    columns: Columns,
) -> Path:
    """Write the page with its data, remove files that are no longer needed, and return the path of the page."""
    kept = {row[key] for row in rows() for key in ("thumbnail", "spectrogram")}
    keys = columns.figures
    scripts = [_write_script(root, _head(count, failures, keys))]
    results = iter(rows())
    while batch := list(islice(results, RESULTS_PER_SCRIPT)):
        scripts.append(_write_script(root, {"results": [_shown(row, keys) for row in batch]}))
    page = write_file(root / PAGE, _html(scripts).encode())
    forget_others(root, kept | set(scripts))
    return page


def _head(count: int, failures: list[dict[str, Any]], keys: list[str]) -> dict[str, Any]:
    shown = [{key: str(each.get(key) or "") for key in ("picture", "stage", "error")} for each in failures]
    return {
        "count": count,
        "figures": [asdict(figure(key)) | {"section": figure(key).section} for key in keys],
        "failures": {"count": len(failures), "shown": shown[:MAX_FAILURES]},
    }


def _shown(row: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """Return what the page shows of a result, without empty fields. Figures are a list in the order of `keys`."""
    shown = _filled({key: value for key, value in row.items() if key not in _NOT_SHOWN})
    if row["path"] == row["name"]:
        del shown["path"]
    shown["sources"] = [_filled(source) for source in row["sources"]]
    shown["figures"] = [_rounded(row["figures"].get(key)) for key in keys]
    return shown


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not False and value not in ("", None, [], {})}


def _rounded(value: float | None) -> float | None:
    """Round to six significant digits, which takes a third of the bytes."""
    return None if value is None else float(f"{value:.6g}")


def _write_script(root: Path, data: dict[str, Any]) -> str:
    """Write data as an ASCII script that calls the page's take(); return its path relative to the index folder."""
    script = f"take({json.dumps(data, separators=(',', ':'), allow_nan=False)});\n".encode()
    name = f"{hashlib.blake2b(script, digest_size=12).hexdigest()}.js"
    if not (root / INDEX / name).is_file():
        write_file(root / INDEX / name, script)
    return name


def _html(scripts: list[str]) -> str:
    style = _colours() + asset("style.css")
    script = "\n".join(asset(name) for name in SCRIPTS)
    # Text injected through a document cannot run: only this script (by its hash) and files beside the page may.
    policy = (
        f"default-src 'none'; script-src {_hash(script)} 'self' file:; style-src {_hash(style)};"
        " img-src 'self' file:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
    parts = {"policy": policy, "style": style, "index": INDEX, "scripts": " ".join(scripts), "script": script}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], asset("template.html"))


def _colours() -> str:
    """Return the colours of the app, light or dark as set in the reader's system."""
    light, dark = blocks()
    return f":root {{{light}}}\n@media (prefers-color-scheme: dark) {{ :root {{{dark}}} }}\n"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
