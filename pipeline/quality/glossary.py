"""Labels, units and explanations of the measured figures, read from glossary.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Meaning:
    """How a figure is shown: label, unit ("" for a plain number or a share), explanation, and source if published."""

    label: str
    unit: str
    meaning: str
    source: str = ""


def meanings_of(group: str) -> dict[str, Meaning]:
    """Return the meanings of a group by figure name. Groups: "checks", "picture", "sound", "coherence"."""
    return {name: Meaning(**fields) for name, fields in read_data()[group].items()}


@cache
def read_data() -> dict[str, Any]:
    """Return the content of glossary.toml."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
