"""The kinds of sound there are: which words mean them, how loud and how far they usually are.

The data are the files `catalogue/<family>.toml`, one table a kind:

    [rain_window]
    words = ["rain window", "rain glass", "rain pane"]     phrases; all words of a phrase must occur, in any order
    role = "bed"                                           its usual role
    level_db = -4.0                                        against an ordinary bed (a stream a few metres away = 0),
    distance_m = 3.0                                       at this typical distance

Importing and looking up needs no numpy and no scipy.
"""

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from ..soundscape import Source
from .stemming import HEAD, Words, content, read_words, stem, tokens

FOLDER = Path(__file__).parent / "catalogue"


@dataclass(frozen=True)
class Kind:
    """One kind of sound of the catalogue."""

    name: str
    words: tuple[str, ...]
    role: str = "bed"
    level_db: float = 0.0
    distance_m: float = 5.0


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Return every kind of the catalogue, file by file."""
    kinds = []
    for path in sorted(FOLDER.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        kinds += [Kind(name, tuple(table.pop("words")), **table) for name, table in tables.items()]
    return tuple(kinds)


def kind_of(source: Source) -> Kind | None:
    """Return the kind that the words of the source mean best, None when none of them is known.

    A phrase counts by the places of its words: the last noun of the name most, then the rest of the name, the action,
    the material and the timbre. So "rain" on a "window" is rain on a window, "car door" is a door, and "leaves in the
    wind" are leaves. At least one word must stand in the name or the action.
    """
    return _kind_of_words(source.name, source.action, source.material, source.timbre)


@lru_cache(maxsize=1024)
def _kind_of_words(name: str, action: str, material: str, timbre: tuple[str, ...]) -> Kind | None:
    words = read_words(name, action, material, timbre, known=_known_stems())
    best, best_score = None, 0.0
    for phrase, kind in _phrases():
        score = _score(phrase, words)
        if score > best_score:
            best, best_score = kind, score
    return best


def _score(phrase: tuple[str, ...], words: Words) -> float:
    """Return how well a phrase fits, 0 when one of its words is missing or none names or does anything."""
    weights = [words.weights.get(each, 0.0) for each in phrase]
    if not all(weights) or not any(each in words.decisive for each in phrase):
        return 0.0
    # The name says what it is: a phrase that only the action and the rest tell counts half.
    share = 1.0 if any(each in words.named for each in phrase) else 0.5
    return share * (sum(weights) + 0.01 * HEAD * len(phrase))


@cache
def _phrases() -> tuple[tuple[tuple[str, ...], Kind], ...]:
    return tuple((tuple(map(stem, content(tokens(each)))), kind) for kind in all_kinds() for each in kind.words)


@cache
def _known_stems() -> frozenset[str]:
    return frozenset(word for phrase, _ in _phrases() for word in phrase)
