"""gold.json: what can be heard in each picture of a folder. All problems in it are reported with their paths."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .. import json_text
from ..errors import SoundscapeError, did_you_mean
from ..files import read_file
from ..kinds.stemming import tokens
from ..soundscape import Box

GOLD, OLDER = "gold.json", "labels.json"
MAX_LABELS_BYTES = 100_000_000  # a picture takes about 1 KB
FORMAT = 1
LISTS = ("gold", "possible", "forbidden")
OLDER_FIELDS = ("acceptable", "absurd", "boxes")


@dataclass(frozen=True)
class Entry:
    """One thing that makes sound, with its names (all of equal value)."""

    names: tuple[str, ...]
    box: Box | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Labels:
    """What must, what may and what must not be named in one picture."""

    gold: tuple[Entry, ...] = ()
    possible: tuple[Entry, ...] = ()
    forbidden: tuple[Entry, ...] = ()


def read_labels(folder: Path) -> dict[str, Labels]:
    """Return the labels of each picture of the folder, from gold.json or, without one, from labels.json.

    Raises SoundscapeError with one line per problem; each line names the file and the path of the field.
    """
    path = next((folder / name for name in (GOLD, OLDER) if (folder / name).is_file()), None)
    if path is None:
        raise SoundscapeError(f"There is no {GOLD} in {folder}.")
    try:
        data = json_text.read(json_text.decoded(read_file(path, MAX_LABELS_BYTES)).data).data
    except SoundscapeError as error:
        raise SoundscapeError(f"{path.name}: {error}") from None
    problems: list[str] = []
    labels = _read_gold(data, problems) if path.name == GOLD else _read_older(data, problems)
    if problems:
        raise SoundscapeError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return labels


def _read_gold(data: Any, problems: list[str]) -> dict[str, Labels]:
    if not _fields("", data, ("format", "about", "pictures"), problems):
        return {}
    if data.get("format") != FORMAT or type(data.get("format")) is not int:
        problems.append(f"format: must be {FORMAT}")
    return _each_picture("pictures", data.get("pictures"), _read_picture, problems)


def _each_picture(
    path: str, data: Any, read: Callable[[str, Any, list[str]], Labels], problems: list[str]
) -> dict[str, Labels]:
    if not isinstance(data, dict) or not data:
        problems.append(f"{path or 'the whole file'}: must be an object in braces with an entry for each picture")
        return {}
    problems += [f'{path}["{name}"]: must be the path of a picture in the folder' for name in data if _leads_out(name)]
    return {name: read(f'{path}["{name}"]', entry, problems) for name, entry in data.items()}


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.name or path.is_absolute() or ".." in path.parts


def _read_picture(path: str, data: Any, problems: list[str]) -> Labels:
    if not _fields(path, data, LISTS, problems):
        return Labels()
    lists = {name: _entries(f"{path}.{name}", data.get(name, []), problems) for name in LISTS}
    if not any(data.get(name) for name in LISTS):
        problems.append(f"{path}: must have an entry in gold, possible or forbidden")
    allowed = {_key(name): name for entry in (*lists["gold"], *lists["possible"]) for name in entry.names}
    for entry in lists["forbidden"]:
        problems += [
            f"{path}.forbidden: '{name}' is also gold or possible there"
            for name in entry.names
            if _key(name) in allowed
        ]
    return Labels(**lists)


def _key(name: str) -> str:
    return " ".join(tokens(name))


def _entries(path: str, data: Any, problems: list[str]) -> tuple[Entry, ...]:
    if not isinstance(data, list):
        problems.append(f"{path}: must be a list")
        return ()
    return tuple(_entry(f"{path}[{index}]", one, problems) for index, one in enumerate(data))


def _entry(path: str, data: Any, problems: list[str]) -> Entry:
    if isinstance(data, str):
        return Entry(_names(path, [data], problems))
    if not isinstance(data, dict):
        problems.append(f"{path}: must be a text in quotes, or an object in braces with any_of")
        return Entry(())
    if not _fields(path, data, ("any_of", "box", "weight"), problems):
        return Entry(())
    names = _names(f"{path}.any_of", data.get("any_of"), problems)
    weight = data.get("weight", 1.0)
    if not _is_number(weight) or not 0 < weight < math.inf:
        problems.append(f"{path}.weight: must be a number above 0")
        weight = 1.0
    if "weight" in data and ".gold[" not in path:
        problems.append(f"{path}.weight: only gold entries have a weight")
    return Entry(names, _box(f"{path}.box", data.get("box"), problems), float(weight))


def _names(path: str, data: Any, problems: list[str]) -> tuple[str, ...]:
    if not isinstance(data, list) or not data:
        problems.append(f"{path}: must be a list of names")
        return ()
    for index, name in enumerate(data):
        if not isinstance(name, str) or not tokens(name):
            where = path if len(data) == 1 and not path.endswith("any_of") else f"{path}[{index}]"
            problems.append(f"{where}: must be a name that contains a word")
    return tuple(name for name in data if isinstance(name, str))


def _box(path: str, data: Any, problems: list[str]) -> Box | None:
    if data is None:
        return None
    if not isinstance(data, list) or len(data) != 4 or not all(_is_number(edge) and 0 <= edge <= 1 for edge in data):
        problems.append(f"{path}: must be [x0, y0, x1, y1], each a number from 0 to 1")
        return None
    x0, y0, x1, y1 = map(float, data)
    if x0 >= x1 or y0 >= y1:
        problems.append(f"{path}: must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1")
        return None
    return (x0, y0, x1, y1)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fields(path: str, data: Any, known: tuple[str, ...], problems: list[str]) -> bool:
    """Return whether the data is an object. If not, or if a field is unknown, add a problem."""
    if not isinstance(data, dict):
        problems.append(f"{path or 'the whole file'}: must be an object in braces")
        return False
    problems += [
        f"{f'{path}.' if path else ''}{name}: is not a known field.{did_you_mean(name, list(known))}"
        for name in data
        if name not in known
    ]
    return True


# The older form ------------------------------------------------------------------------------------------------------


def _read_older(data: Any, problems: list[str]) -> dict[str, Labels]:
    return _each_picture("", data, _read_older_picture, problems)


def _read_older_picture(path: str, data: Any, problems: list[str]) -> Labels:
    """Each name in `boxes` becomes one more possible entry."""
    if not _fields(path, data, OLDER_FIELDS, problems):
        return Labels()
    acceptable = _entries(f"{path}.acceptable", data.get("acceptable", []), problems)
    absurd = _entries(f"{path}.absurd", data.get("absurd", []), problems)
    boxes = data.get("boxes", {})
    if not isinstance(boxes, dict):
        problems.append(f"{path}.boxes: must be an object in braces")
        boxes = {}
    boxed = tuple(
        Entry(_names(f"{path}.boxes", [name], problems), _box(f"{path}.boxes.{name}", box, problems))
        for name, box in boxes.items()
    )
    return Labels(possible=(*acceptable, *boxed), forbidden=absurd)
