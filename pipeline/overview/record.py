"""One result as a record of plain data, the source of the page and of the tables.

A manifest may come from another version or have been edited: values of unexpected types are left out.
"""

import math
import re
from pathlib import Path
from typing import Any

from ..files import sha256_of
from ..quality.figures import figures_of, in_order
from ..results.collection import Entry
from ..results.result import MIX, PICTURE, PROMPTS, STEMS, is_stem
from .drawings import spectrogram_name, thumbnail_name
from .prompts import read_prompts

_KEY = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)  # valid column names
_ELSEWHERE = ("seconds.", "document.sources", "checks.problems")  # figures that have their own fields in the record
STAGES = ("describe", "sound", "mix")  # always there; the time to write files is unknown when the manifest is written


class Columns:
    """The columns that depend on the results: the timed stages, and the figures."""

    def __init__(self) -> None:
        self._stages: dict[str, None] = dict.fromkeys(STAGES)
        self._figures: set[str] = set()

    def add(self, row: dict[str, Any]) -> None:
        self._stages |= dict.fromkeys(row["seconds"])
        self._figures |= row["figures"].keys()

    @property
    def stages(self) -> list[str]:
        return list(self._stages)

    @property
    def figures(self) -> list[str]:
        return in_order(self._figures)


def record(entry: Entry, root: Path) -> dict[str, Any]:
    """Return everything that the page or the tables show of a result, as JSON data."""
    manifest, soundscape = entry.manifest, entry.soundscape
    path = entry.folder.relative_to(root).as_posix()
    files = _mapping(manifest.get("files"))
    has_picture = (entry.folder / PICTURE).is_file()
    input_path = _text(_mapping(manifest.get("input")).get("path"))
    return {
        "name": entry.name,
        "path": path,
        "picture": input_path or (f"{path}/{PICTURE}" if has_picture else ""),
        "has_picture": has_picture,
        "thumbnail": thumbnail_name(_sha256(entry.folder, PICTURE, files)) if has_picture else "",
        "spectrogram": spectrogram_name(_sha256(entry.folder, MIX, files)),
        "scene": soundscape.scene,
        "mood": soundscape.mood,
        "space": soundscape.space,
        "sources": _sources(entry, files),
        "vision": _made_by(manifest.get("vision")),
        "audio": _made_by(manifest.get("audio")),
        "seed": seed if isinstance(seed := number(manifest.get("seed")), int) else None,
        "duration_s": number(manifest.get("duration_s")),
        "loudness_lufs": number(manifest.get("loudness_lufs")),
        "true_peak_dbtp": number(manifest.get("true_peak_dbtp")),
        "seconds": {
            stage: seconds
            for stage, value in _mapping(manifest.get("seconds")).items()
            if _KEY.fullmatch(stage) and (seconds := number(value)) is not None
        },
        "warnings": _texts(manifest.get("warnings")),
        "problems": _texts(_mapping(manifest.get("checks")).get("problems")),
        "figures": {
            key: value
            for key, value in figures_of(entry).items()
            if _KEY.fullmatch(key) and not key.startswith(_ELSEWHERE)
        },
        "document": soundscape.model_dump_json(),
        "manifest": manifest,
    }


def number(value: Any) -> int | float | None:
    """Return the value if it is a finite number below 2**63, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 2**63 and math.isfinite(value) else None


def _sources(entry: Entry, files: dict[str, Any]) -> list[dict[str, Any]]:
    stems = _stems(entry.folder, files)
    prompts = read_prompts(entry.folder / PROMPTS)
    fits = _fits(entry)
    return [
        source.model_dump(mode="json")
        | {"stem": stems.get(place, ""), "prompt": prompts[place - 1] if place <= len(prompts) else ""}
        | fits.get(stems.get(place, ""), {"stem_score": None, "stem_percentile": None})
        for place, source in enumerate(entry.soundscape.sources, 1)
    ]


def _fits(entry: Entry) -> dict[str, dict[str, float | None]]:
    """Return, by the file of each scored stem, how well the stem fits its words."""
    scored = _mapping(entry.coherence).get("stems")
    return {
        each["file"]: {f"stem_{key}": number(each.get(key)) for key in ("score", "percentile")}
        for each in (scored if isinstance(scored, list) else [])
        if isinstance(each, dict) and isinstance(each.get("file"), str)
    }


def _stems(folder: Path, files: dict[str, Any]) -> dict[int, str]:
    """Return the file of each stem by the place of its source. The file name begins with that place."""
    names = [name.removeprefix(f"{STEMS}/") for name in files if name.startswith(f"{STEMS}/")]
    if not names and (folder / STEMS).is_dir():
        names = sorted(path.name for path in (folder / STEMS).iterdir())
    return {int(name[:2]): name for name in names if is_stem(name)}


def _sha256(folder: Path, name: str, files: dict[str, Any]) -> str:
    """Return the SHA-256 of a file: from the manifest if the size matches, else computed."""
    known, path = _mapping(files.get(name)), folder / name
    noted = known.get("sha256")
    if isinstance(noted, str) and known.get("bytes") == path.stat().st_size:
        return noted
    return sha256_of(path)


def _made_by(card: Any) -> dict[str, str]:
    """Return backend and model. Of a local model folder only the name is shown: output contains no paths."""
    card = _mapping(card)
    model = _text(card.get("model"))
    return {"backend": _text(card.get("backend")), "model": Path(model).name if Path(model).is_absolute() else model}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
