"""Stems of English words, with weights that depend on where in a source the words stand.

>>> stem("leaves"), stem("dripping"), stem("berries")
('leaf', 'drip', 'berry')
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

# The weight of a word by its place. The last noun of the name says what the thing is ("car door" is a door). The words
# after a preposition only say where it is ("birds over the sea").
HEAD, NAME, ACTION, PLACE, MATERIAL, TIMBRE = 3.0, 2.0, 1.6, 1.2, 1.1, 0.6

_COMPOUND = 0.8  # a part of "seabirds" counts a little less than "birds" alone

_DATA = tomllib.loads(Path(__file__).with_name("stemming.toml").read_text(encoding="utf-8"))
_PREPOSITIONS, _EMPTY, _IRREGULAR = set(_DATA["prepositions"]), set(_DATA["empty"]), _DATA["irregular"]


@dataclass(frozen=True)
class Words:
    """The weights of all stems of a source; the stems of its name; the stems of its name, action and timbre."""

    weights: dict[str, float]
    named: frozenset[str]
    decisive: frozenset[str]


def tokens(text: str) -> list[str]:
    """Return the words of a text in lower case, split at hyphens."""
    return re.findall(r"[a-z]+", text.lower().replace("'s", "").replace("'", ""))


def stem(word: str) -> str:
    """Return the word without plural, -ing, -ed or -ly. Apply it to both sides of a comparison."""
    word = word.lower()
    if word in _IRREGULAR:
        return stem(_IRREGULAR[word])
    if word.endswith("ly") and len(word) > 4:
        word = word[:-3] + "y" if word.endswith("ily") else word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and re.search("[aeiouy]", rest):
            word = rest
            if word[-1] == word[-2] and word[-1] not in "aeioulsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def read_words(
    name: str, action: str, material: str, timbre: tuple[str, ...], *, known: frozenset[str] = frozenset()
) -> Words:
    """Return the stems of a source's texts with their weights. Compounds of two `known` stems are split."""
    weights: dict[str, float] = {}
    heads, places = split_place(name)
    for index, word in enumerate(heads):
        _note(weights, word, HEAD if index == len(heads) - 1 else NAME, known)
    for word in places:
        _note(weights, word, PLACE, known)
    named = frozenset(weights)
    for text, weight in ((action, ACTION), *((each, TIMBRE) for each in timbre)):
        for word in content(tokens(text)):
            _note(weights, word, weight, known)
    decisive = frozenset(weights)
    for word in content(tokens(material)):
        _note(weights, word, MATERIAL, known)
    return Words(weights, named, decisive)


def split_place(text: str) -> tuple[list[str], list[str]]:
    """Split a name at its first preposition into what the thing is and where it is: ["birds"], ["sea"]."""
    words = tokens(text)
    cut = next((index for index, word in enumerate(words) if word in _PREPOSITIONS and index > 0), len(words))
    heads, places = content(words[:cut]), content(words[cut:])
    return (heads, places) if heads else (places, [])


def content(words: list[str]) -> list[str]:
    """Return the words without function words."""
    return [word for word in words if word not in _EMPTY and word not in _PREPOSITIONS]


def _note(weights: dict[str, float], word: str, weight: float, known: frozenset[str]) -> None:
    whole = stem(word)
    weights[whole] = max(weights.get(whole, 0.0), weight)
    if whole in known:
        return
    for cut in range(3, len(whole) - 2):
        first, last = stem(word[:cut]), stem(word[cut:])
        if first in known and last in known:
            weights[first] = max(weights.get(first, 0.0), min(weight, NAME) * _COMPOUND)
            weights[last] = max(weights.get(last, 0.0), weight * _COMPOUND)
            return
