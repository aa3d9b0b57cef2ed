"""Judge each description by the labels of its picture, and compute the measures over all pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ..soundscape import Box, Soundscape, Source
from ..tagger.localise import overlap
from .intervals import Interval, macro_interval, micro_interval
from .labels import Entry, Labels
from .matching import centre_distance, match, words_matched

Kind = Literal["gold", "repeat", "possible", "forbidden", "unlisted"]
ACCEPTABLE: tuple[Kind, ...] = ("gold", "repeat", "possible")
NEAR = 0.15  # of the picture's sides: a sound that far from its place is still heard in place


@dataclass(frozen=True)
class Place:
    """A found entry that has a box, compared with the box of its source; None when the source has no box."""

    name: str
    distance: float | None
    overlap: float | None


@dataclass(frozen=True)
class Verdict:
    """The judgement of one description. Muted sources are not among its sources."""

    picture: str
    sources: tuple[Source, ...]
    kinds: tuple[Kind, ...]  # of each source
    found: tuple[Entry, ...]  # gold entries
    missed: tuple[Entry, ...]  # gold entries
    places: tuple[Place, ...]
    may_be_gold: bool  # whether the picture has gold entries
    error: str = ""  # why there is no description
    seconds: float | None = None  # time to describe the picture

    def count(self, *kinds: Kind) -> int:
        """Return the number of sources of these kinds."""
        return sum(kind in kinds for kind in self.kinds)


def judge(
    picture: str, soundscape: Soundscape | None, labels: Labels, *, error: str = "", seconds: float | None = None
) -> Verdict:
    """Judge a description by the labels. `soundscape` is None when there is none; `error` then says why."""
    sources = tuple(source for source in soundscape.sources if not source.mute) if soundscape else ()
    banned = {index for index, source in enumerate(sources) if _is_forbidden(source, labels)}
    free = [index for index in range(len(sources)) if index not in banned]
    matched = match(labels.gold, tuple(sources[index] for index in free))
    taken = {entry: free[place] for entry, place in matched.items()}

    def kind(index: int) -> Kind:
        if index in banned:
            return "forbidden"
        if index in taken.values():
            return "gold"
        again, may_be = _words(labels.gold, sources[index]), _words(labels.possible, sources[index])
        if again > may_be:
            return "repeat"
        return "possible" if may_be else "unlisted"

    return Verdict(
        picture,
        sources,
        tuple(kind(index) for index in range(len(sources))),
        tuple(entry for index, entry in enumerate(labels.gold) if index in taken),
        tuple(entry for index, entry in enumerate(labels.gold) if index not in taken),
        _places(labels, sources, taken),
        bool(labels.gold),
        error,
        seconds,
    )


def _words(entries: tuple[Entry, ...], source: Source) -> int:
    return max((words_matched(entry, source) for entry in entries), default=0)


def _is_forbidden(source: Source, labels: Labels) -> bool:
    return _words(labels.forbidden, source) > _words((*labels.gold, *labels.possible), source)


def _places(labels: Labels, sources: tuple[Source, ...], taken: dict[int, int]) -> tuple[Place, ...]:
    pairs = [(entry, sources[taken[index]]) for index, entry in enumerate(labels.gold) if index in taken]
    for entry in labels.possible:
        named = [source for source in sources if words_matched(entry, source)]
        # Prefer the first source that has a box.
        pairs += [(entry, source) for source in sorted(named, key=lambda source: source.box is None)[:1]]
    return tuple(_place(entry.names[0], entry.box, source) for entry, source in pairs if entry.box)


def _place(name: str, box: Box, source: Source) -> Place:
    if source.box is None:
        return Place(name, None, None)
    return Place(name, centre_distance(box, source.box), overlap(box, source.box))


# All pictures together -----------------------------------------------------------------------------------------------

Ratio = tuple[float, float]  # counted, out of; (0, 0) for a picture that does not take part in the measure


def _precision(verdict: Verdict) -> Ratio:
    wrong = verdict.count("forbidden", "unlisted")
    right = verdict.count("gold")
    return (right, right + wrong) if verdict.may_be_gold else (0, 0)


def _recall(verdict: Verdict) -> Ratio:
    return len(verdict.found), len(verdict.found) + len(verdict.missed)


def _weighted_recall(verdict: Verdict) -> Ratio:
    found = sum(entry.weight for entry in verdict.found)
    return found, found + sum(entry.weight for entry in verdict.missed)


def _f1(verdict: Verdict) -> Ratio:
    right, listed = _precision(verdict)
    return 2 * right, listed + len(verdict.found) + len(verdict.missed)


def _first(verdict: Verdict) -> Ratio:
    return (verdict.kinds[0] in ACCEPTABLE if verdict.kinds else False), 1


def _distances(verdict: Verdict) -> list[float]:
    return [place.distance for place in verdict.places if place.distance is not None]


def _overlaps(verdict: Verdict) -> list[float]:
    return [place.overlap for place in verdict.places if place.overlap is not None]


# By name: the ratio of one picture, the unit that is counted, and whether it is a share of trials.
MEASURES: dict[str, tuple[Callable[[Verdict], Ratio], str, bool]] = {
    "precision": (_precision, "sources", True),
    "recall": (_recall, "gold entries", True),
    "recall, weighted": (_weighted_recall, "weight", True),
    "F1": (_f1, "", True),
    "first acceptable": (_first, "pictures", True),
    "sources acceptable": (lambda verdict: (verdict.count(*ACCEPTABLE), len(verdict.kinds)), "sources", True),
    "forbidden sources": (lambda verdict: (verdict.count("forbidden"), len(verdict.kinds)), "sources", True),
    "with a forbidden one": (lambda verdict: (bool(verdict.count("forbidden")), bool(verdict.kinds)), "pictures", True),
    "has a box": (lambda verdict: (len(_distances(verdict)), len(verdict.places)), "boxes", True),
    "box within 0.15": (
        lambda verdict: (sum(distance < NEAR for distance in _distances(verdict)), len(verdict.places)),
        "boxes",
        True,
    ),
    "centre distance": (lambda verdict: (sum(_distances(verdict)), len(_distances(verdict))), "boxes", False),
    "overlap": (lambda verdict: (sum(_overlaps(verdict)), len(_overlaps(verdict))), "boxes", False),
}


@dataclass(frozen=True)
class Figure:
    """One measure over all pictures."""

    name: str
    micro: float
    macro: float
    micro_interval: Interval | None  # None for fewer than two pictures
    macro_interval: Interval | None
    counted: float
    out_of: float
    unit: str
    pictures: int  # that take part in the measure


def figures(verdicts: list[Verdict]) -> list[Figure]:
    """Return every measure that can be computed with these labels."""
    results = []
    for name, (measure, unit, is_share) in MEASURES.items():
        ratios = [measure(verdict) for verdict in verdicts]
        ratios = [(float(part), float(whole)) for part, whole in ratios if whole]
        if not ratios or (name == "recall, weighted" and not _are_weighted(verdicts)):
            continue
        counted, out_of = (sum(each) for each in zip(*ratios, strict=True))
        macro = sum(part / whole for part, whole in ratios) / len(ratios)
        results.append(
            Figure(
                name,
                counted / out_of,
                macro,
                micro_interval(ratios, is_share=is_share),
                macro_interval(ratios, is_share=is_share),
                counted,
                out_of,
                unit,
                len(ratios),
            )
        )
    return results


def _are_weighted(verdicts: list[Verdict]) -> bool:
    return len({entry.weight for verdict in verdicts for entry in (*verdict.found, *verdict.missed)}) > 1


CONFIDENCES = (0.0, 0.2, 0.35, 0.5, 0.7, 1.0)


def reliability(verdicts: list[Verdict]) -> list[tuple[float, float, int, float]]:
    """Return (low, high, number of sources, share acceptable) for each range of confidence that has sources."""
    sources = [
        (source.confidence, kind in ACCEPTABLE)
        for verdict in verdicts
        for source, kind in zip(verdict.sources, verdict.kinds, strict=True)
    ]
    rows = []
    for low, high in pairwise(CONFIDENCES):
        inside = [good for confidence, good in sources if low <= confidence < high or confidence == high == 1.0]
        if inside:
            rows.append((low, high, len(inside), sum(inside) / len(inside)))
    return rows
