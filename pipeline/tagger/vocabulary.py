"""The vocabulary of the tagger, read from the files beside this module, which people may edit.

>>> vocabulary().sounds["sea"].name
'sea waves'
"""

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from ..errors import did_you_mean
from ..soundscape import Role, Space

FOLDER = Path(__file__).parent

Where = Literal["outdoors", "indoors", "underwater", "anywhere", "nowhere"]
Condition = MappingProxyType[str, tuple[float, float]]  # a look or setting -> the range in which it goes from no to yes


class VocabularyError(ValueError):
    """A vocabulary file contains an error. The message is for the person who edits the file."""


@dataclass(frozen=True)
class Group:
    """Classes of the network that sound alike; classes.toml explains the fields."""

    key: str
    classes: tuple[int, ...]
    called: str
    does: tuple[str, ...]
    heard: MappingProxyType[str, float]
    around: MappingProxyType[str, float]
    settings: MappingProxyType[str, float]
    size_m: float
    rare: bool
    vaguer: str
    vaguely_heard: MappingProxyType[str, float]


@dataclass(frozen=True)
class Wording:
    """The words of a source, which may depend on the looks of the picture."""

    name: str
    material: str
    action: str
    timbre: tuple[str, ...]


@dataclass(frozen=True)
class Sound:
    key: str
    wording: Wording
    role: Role
    where: Where
    region: str | None
    family: str
    distance_m: float
    varies: tuple[tuple[Condition, Wording], ...]


@dataclass(frozen=True)
class Setting:
    key: str
    where: Where
    space: Space
    looks: tuple[Condition, ...]
    trust: float
    needs: Condition
    sounds: MappingProxyType[str, float]
    scenes: tuple[str, ...]
    place: tuple[str, ...]
    moods: tuple[str, ...]


@dataclass(frozen=True)
class Phrase:
    """Phrases that apply when a condition holds."""

    when: Condition
    says: tuple[str, ...]


@dataclass(frozen=True)
class Phrases:
    with_thing: tuple[str, ...]
    unsure: tuple[str, ...]
    sky: tuple[Phrase, ...]
    light: tuple[Phrase, ...]
    tail: tuple[Phrase, ...]
    tone: tuple[Phrase, ...]


@dataclass(frozen=True)
class Vocabulary:
    labels: tuple[str, ...]
    groups: MappingProxyType[str, Group]
    sounds: MappingProxyType[str, Sound]
    settings: MappingProxyType[str, Setting]
    phrases: Phrases


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary, read once. Raises VocabularyError for an unknown name or an invalid weight in a file."""
    return read(FOLDER)


def read(folder: Path) -> Vocabulary:
    """Read the vocabulary from any folder with the five files. Raises VocabularyError as `vocabulary` does."""
    labels = tuple((folder / "labels.txt").read_text(encoding="utf-8").splitlines())
    sounds = {key: _sound(key, entry) for key, entry in _tables(folder / "sounds.toml").items()}
    settings = {key: _setting(key, entry, sounds) for key, entry in _tables(folder / "settings.toml").items()}
    index = {label: number for number, label in enumerate(labels)}
    groups = {
        key: _group(key, entry, index, sounds, settings) for key, entry in _tables(folder / "classes.toml").items()
    }
    for group in groups.values():
        if group.vaguer and group.vaguer not in groups:
            guess = did_you_mean(group.vaguer, list(groups))
            raise VocabularyError(f"classes.toml, {group.key}: there is no group '{group.vaguer}'.{guess}")
    return Vocabulary(
        labels,
        MappingProxyType(groups),
        MappingProxyType(sounds),
        MappingProxyType(settings),
        _phrases(_tables(folder / "phrases.toml")),
    )


def _tables(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def _group(
    key: str, entry: dict[str, Any], index: dict[str, int], sounds: dict[str, Sound], settings: dict[str, Setting]
) -> Group:
    return Group(
        key,
        tuple(sorted({number for span in entry["classes"] for number in _span(span, index, key)})),
        entry.get("called", ""),
        tuple(entry.get("does", ())),
        _weights(entry.get("heard", {}), sounds, key),
        _weights(entry.get("around", {}), sounds, key),
        _weights(entry.get("settings", {}), settings, key),
        entry.get("size_m", 1.0),
        entry.get("rare", False),
        entry.get("vaguer", ""),
        _weights(entry.get("vaguely_heard", {}), sounds, key),
    )


def _span(text: str, index: dict[str, int], group: str) -> range:
    first, _, last = text.partition(" .. ")
    ends = [first, last or first]
    for label in ends:
        if label not in index:
            guess = did_you_mean(label, list(index))[:80]
            raise VocabularyError(f"classes.toml, {group}: there is no class '{label}'.{guess}")
    return range(index[ends[0]], index[ends[1]] + 1)


def _weights(entry: dict[str, float], known: Collection[str], where: str) -> MappingProxyType[str, float]:
    for name, weight in entry.items():
        if name not in known:
            raise VocabularyError(f"{where}: there is no '{name}'.{did_you_mean(name, list(known))}")
        if not 0 < weight <= 1:
            raise VocabularyError(f"{where}: the weight of {name} must be above 0 and at most 1, not {weight}.")
    return MappingProxyType(dict(entry))


def _condition(entry: dict[str, list[float]]) -> Condition:
    return MappingProxyType({name: (float(start), float(end)) for name, (start, end) in entry.items()})


def _sound(key: str, entry: dict[str, Any]) -> Sound:
    plain = Wording(entry["name"], entry["material"], entry["action"], tuple(entry["timbre"]))
    varies = tuple((_condition(other["when"]), _reworded(plain, other)) for other in entry.get("varies", ()))
    return Sound(
        key,
        plain,
        entry["role"],
        entry["where"],
        entry.get("region"),
        entry.get("family", key),
        float(entry["distance_m"]),
        varies,
    )


def _reworded(plain: Wording, other: dict[str, Any]) -> Wording:
    return Wording(
        other.get("name", plain.name),
        other.get("material", plain.material),
        other.get("action", plain.action),
        tuple(other.get("timbre", plain.timbre)),
    )


def _setting(key: str, entry: dict[str, Any], sounds: dict[str, Sound]) -> Setting:
    return Setting(
        key,
        entry["where"],
        entry["space"],
        tuple(_condition(look) for look in entry["looks"]),
        entry["trust"],
        _condition(entry.get("needs", {})),
        _weights(entry["sounds"], sounds, key),
        tuple(entry["scenes"]),
        tuple(entry["place"]),
        tuple(entry["moods"]),
    )


def _phrases(entry: dict[str, Any]) -> Phrases:
    def listed(name: str) -> tuple[Phrase, ...]:
        return tuple(Phrase(_condition(one.get("when", {})), tuple(one["says"])) for one in entry[name])

    return Phrases(
        tuple(entry["with_thing"]),
        tuple(entry["unsure"]),
        listed("sky"),
        listed("light"),
        listed("tail"),
        listed("tone"),
    )
