"""The figures of a result under dotted keys ("checks.clipped_share" -> 0.0), and the meaning of each.

glossary.toml explains the measured figures, figures.toml those that the study adds.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from ..results.collection import Entry
from .glossary import meanings_of, read_data

# Sections in the order of the report. senses.picture depends on the picture alone and is not compared between groups.
SECTIONS = ("ratings", "coherence", "checks", "senses.sound", "senses.picture", "document", "level", "seconds")
OF_THE_PICTURE = "senses.picture."
MEASURED = {"checks": "checks", "sound": "senses.sound", "picture": "senses.picture", "coherence": "coherence"}
PROBLEMS = "checks.problems"
NOT_COMPARED = ("_rank", "_others")  # of coherence: unlike percentiles, they depend on the number of other texts
LEVELS = ("loudness_lufs", "true_peak_dbtp")
HUGE = 1e300  # JSON can hold integers that are too large for a float


@dataclass(frozen=True)
class Figure:
    """Key, title, meaning and unit of a figure."""

    key: str
    title: str
    meaning: str
    unit: str = ""

    @property
    def section(self) -> str:
        return next((name for name in SECTIONS if self.key.startswith(f"{name}.")), self.key.partition(".")[0])


def figures_of(entry: Entry) -> dict[str, float]:
    """Return every finite number of a result that can be compared, by its dotted key."""
    manifest = entry.manifest
    sections = {
        "coherence": entry.coherence,
        "checks": manifest.get("checks"),
        "senses": manifest.get("senses"),
        "document": _document(entry),
        "level": None if manifest.get("checks") else {key: manifest.get(key) for key in LEVELS},
        "seconds": manifest.get("seconds"),
    }
    return {key: value for key, value in _flat(sections, "") if not key.endswith(NOT_COMPARED)}


def figure(key: str) -> Figure:
    """Return title, meaning and unit of a figure. The title of an unknown figure is derived from its key."""
    known = _catalogue().get(key)
    if known:
        return known
    words = key.rpartition(".")[2].replace("_", " ")
    return Figure(key, words[:1].upper() + words[1:], f"The results contain it as {key}; its meaning is not known.")


def in_order(keys: set[str]) -> list[str]:
    """Sort figures as in the report: by section, then known figures in the order of the TOML files, others by name."""
    place = {key: number for number, key in enumerate(_catalogue())}
    sections = {name: number for number, name in enumerate(SECTIONS)}
    return sorted(keys, key=lambda key: (sections.get(figure(key).section, 99), place.get(key, len(place)), key))


@cache
def _catalogue() -> dict[str, Figure]:
    found = {}
    for group, section in MEASURED.items():
        for name, each in meanings_of(group).items() if group in read_data() else ():
            found[f"{section}.{name}"] = Figure(f"{section}.{name}", each.label, each.meaning, each.unit)
    own = tomllib.loads(Path(__file__).with_name("figures.toml").read_text("utf-8"))
    for section, names in own.items():
        for name, fields in names.items():
            found[f"{section}.{name}"] = Figure(f"{section}.{name}", **fields)
    return found


def _document(entry: Entry) -> dict[str, float]:
    sources = entry.soundscape.sources
    return {
        "sources": len(sources),
        "visible_share": fmean(source.evidence == "visible" for source in sources),
        "confidence": fmean(source.confidence for source in sources),
    }


def _flat(data: Any, path: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers in `data` with their dotted keys; of the list of problems, its length."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list):
        if path == PROBLEMS:
            yield path, float(len(data))
    elif _is_number(data):
        yield path, float(data)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < HUGE
