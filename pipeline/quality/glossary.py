"""What every measured figure means, from glossary.toml: no figure is shown without its sentence."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Meaning:
    """Name for people, unit ("" for a plain number or share), and one sentence; where it is from, if from a paper."""

    label: str
    unit: str
    meaning: str
    source: str = ""


def meanings_of(group: str) -> dict[str, Meaning]:
    """Return the meanings of a group: "checks", "picture", "sound" or "coherence"."""
    return {name: Meaning(**fields) for name, fields in read_data()[group].items()}


@cache
def read_data() -> dict[str, Any]:
    """Return the whole of glossary.toml."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
