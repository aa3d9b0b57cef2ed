"""Match sources with labelled entries: which names fit a source, and the best assignment of sources to entries."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..kinds.stemming import content, split_place, stem, tokens
from ..soundscape import Box, Source
from ..tagger.localise import overlap
from .labels import Entry

SHORTEST_PART = 4  # letters of a word that may match inside a longer one: "hen" is not in "kitchen"
SHORTEST_REST = 3  # letters that must remain of the longer word: "rain" is not in "train"


@dataclass(frozen=True)
class Said:
    """The stems of a source's words: those that say what sounds, and all of them."""

    what: frozenset[str]
    all: frozenset[str]


@lru_cache(4096)
def said_by(source: Source) -> Said:
    """Return the stems of a source's name, material and action."""
    texts = (source.name, source.material, source.action)
    what = frozenset(stem(word) for text in texts for word in _split(text)[0])
    return Said(what, frozenset(stem(word) for text in texts for word in content(tokens(text))))


def stands_for(name: str, source: Source) -> bool:
    """Return whether each word of the name is among those of the source."""
    said = said_by(source)
    what, where = _split(name)
    # A name without a meaningful word fits no source.
    return (
        bool(what) and all(_is_in(word, said.what) for word in what) and all(_is_in(word, said.all) for word in where)
    )


def _split(text: str) -> tuple[list[str], list[str]]:
    """Return the words that say what sounds, and where. "Of" separates nothing: "lapping of waves" is lapping waves."""
    return split_place(" ".join(word for word in tokens(text) if word != "of"))


def words_matched(entry: Entry, source: Source) -> int:
    """Return the number of words of the entry's longest name that fits the source, 0 when none fits."""
    return max((len(content(tokens(name))) for name in entry.names if stands_for(name, source)), default=0)


def _is_in(word: str, stems: frozenset[str]) -> bool:
    wanted = stem(word)
    if wanted in stems:
        return True
    if len(word.removesuffix("s")) < SHORTEST_PART:
        return False
    part = re.compile(f"{wanted}.{{{SHORTEST_REST},}}|.{{{SHORTEST_REST},}}{wanted}")
    return any(part.fullmatch(other) for other in stems)


def match(entries: tuple[Entry, ...], sources: tuple[Source, ...]) -> dict[int, int]:
    """Match entries with sources, one to one; return the index of the source by that of its entry.

    The matching has as many pairs as possible. Among such matchings, the greatest weight wins, then the names with the
    most words, then the largest overlap of boxes.
    """
    if not entries or not sources:
        return {}
    from scipy.optimize import linear_sum_assignment

    words = np.array([[words_matched(entry, source) for source in sources] for entry in entries])
    weights = np.array([entry.weight for entry in entries])
    heavy = 0.5 * weights / weights.sum()  # together less than one more pair is worth
    overlaps = np.array([[_overlap(entry.box, source.box) for source in sources] for entry in entries])
    worth = (words > 0) * (1 + heavy[:, None] + 1e-4 * np.minimum(words, 9) + 1e-6 * overlaps)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return {int(entry): int(source) for entry, source in zip(rows, columns, strict=True) if words[entry, source] > 0}


def _overlap(one: Box | None, other: Box | None) -> float:
    return overlap(one, other) if one and other else 0.0


def centre_distance(one: Box, other: Box) -> float:
    """Return the distance of the centres, in shares of the picture's width and height."""
    across, down = ((one[i] + one[i + 2] - other[i] - other[i + 2]) / 2 for i in (0, 1))
    distance: float = (across**2 + down**2) ** 0.5
    return distance
