"""Short ways to make descriptions and labels, for the tests of the benchmark."""

import json
from pathlib import Path

from pipeline.gold import Entry
from pipeline.gold.scoring import figures
from pipeline.soundscape import Soundscape, Source


def source(name: str, material: str = "", action: str = "", **fields) -> Source:
    return Source(name=name, material=material, action=action, **fields)


def heard(*names: str) -> Soundscape:
    return Soundscape(sources=tuple(source(name) for name in names))


def entries(*names: str) -> tuple[Entry, ...]:
    return tuple(Entry((name,)) for name in names)


def value(name: str, *verdicts) -> float:
    return next(figure.micro for figure in figures(list(verdicts)) if figure.name == name)


def labelled(folder: Path, data, name: str = "gold.json") -> Path:
    (folder / name).write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return folder


def gold(**pictures) -> dict:
    return {"format": 1, "pictures": pictures}
