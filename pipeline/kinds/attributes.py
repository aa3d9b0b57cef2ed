"""What the words of a source mean for its sound: its material, its action and four qualities.

The data are in `attributes.toml`. Unknown words have no effect.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..soundscape import Source
from .stemming import stem, tokens

_FILE = Path(__file__).with_name("attributes.toml")


@dataclass(frozen=True)
class Material:
    """How a body sounds when it is struck, and what its surface or its grains add.

    The modes have the frequencies `frequency_hz * ratios`. A mode at f decays to 1/e in
    `decay_s * (frequency_hz / f) ** damping` seconds.
    """

    name: str
    frequency_hz: float  # lowest mode of an object that fits in two hands
    ratios: tuple[float, ...]
    decay_s: float
    damping: float
    hardness: float  # 0 soft .. 1 hard: how sharp a contact is, and how bright its noise
    noise: float  # 0 .. 1: share of noise, as opposed to ringing, when touched
    grain: float  # 0 solid .. 1 loose: how much it crunches as separate grains


@dataclass(frozen=True)
class Qualities:
    """What the timbre words mean, each from -1 to 1; `Voice` explains the fields."""

    brightness: float = 0.0
    roughness: float = 0.0
    density: float = 0.0
    speed: float = 0.0


def material_of(source: Source) -> str:
    """Return the first material that the source's words name, "" for none; the field `material` is read first."""
    # So the body of "water over stone" is water.
    return _first(_index("materials"), source.material, source.name, source.action, *source.timbre)


def action_of(source: Source) -> str:
    """Return the first action that the source's words name, "" for none; the field `action` is read first."""
    return _first(_index("actions"), source.action, source.name, *source.timbre, source.material)


def qualities_of(source: Source) -> Qualities:
    """Return the sum of the qualities of all timbre words and adverbs of the action, limited to -1 .. 1."""
    table, index = _table()["timbres"], _index("timbres")
    total = dict.fromkeys(Qualities.__dataclass_fields__, 0.0)
    heard = dict.fromkeys(entry for text in (*source.timbre, source.action) for entry in _entries(text, index))
    for entry in heard:
        for quality in total.keys() & table[entry].keys():
            total[quality] += table[entry][quality]
    return Qualities(**{quality: max(-1.0, min(1.0, value)) for quality, value in total.items()})


@cache
def material(name: str) -> Material:
    """Return a row of the materials table. An empty or unknown name gives wood, the most neutral body."""
    table = _table()["materials"]
    row = {key: value for key, value in table.get(name, table["wood"]).items() if key != "words"}
    return Material(name=name if name in table else "wood", ratios=tuple(row.pop("ratios")), **row)


def names(part: str) -> tuple[str, ...]:
    """Return the entries of one part of the table: "materials", "actions" or "timbres"."""
    return tuple(_table()[part])


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def _index(part: str) -> dict[str, str]:
    """Return the stems of all words of a part, each with its entry; the name of an entry is one of its words."""
    return {stem(word): name for name, row in _table()[part].items() for word in (name, *row["words"])}


def _entries(text: str, index: dict[str, str]) -> list[str]:
    return [index[each] for each in map(stem, tokens(text)) if each in index]


def _first(index: dict[str, str], *texts: str) -> str:
    return next((entry for text in texts for entry in _entries(text, index)), "")
