"""The best and the worst results of a group, for listening, ordered by the most reliable figure available."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ..quality.features import relations
from ..quality.figures import figure
from .groups import Group, Sample
from .ranks import Ranks
from .values import Values

EACH = 3
SENSES = "Sensory agreement"
SENSES_MEANING = (
    "Compares the ranks of picture and sound within the group in brightness, side, density and warmth: 1 when the ranks"
    " are the same, 0 when they are at opposite ends. It only serves to order these examples."
)


@dataclass(frozen=True)
class Example:
    """One result, its score, and the results of the same picture in other groups."""

    sample: Sample
    score: float
    others: tuple[tuple[Group, Sample], ...]


@dataclass(frozen=True)
class Examples:
    """The best and the worst results of a group, and title and meaning of the figure that orders them."""

    group: Group
    title: str
    meaning: str
    best: tuple[Example, ...]
    worst: tuple[Example, ...]


def examples_of(group: Group, values: Values, ranks: Sequence[Ranks], groups: Sequence[Group]) -> Examples | None:
    """Return the best and the worst results of a group, None when there is no figure to order them by."""
    title, meaning, scores = _scores(values, ranks)
    ordered = sorted(scores, key=lambda picture: (-scores[picture], picture))
    if not ordered:
        return None
    of = {sample.picture: sample for sample in reversed(group.samples)}
    found = [Example(of[each], scores[each], _others(each, group, groups)) for each in ordered]
    count = min(EACH, len(found) // 2) or 1
    worst = found[::-1][:count] if len(found) > 1 else []
    return Examples(group, title, meaning, tuple(found[:count]), tuple(worst))


def _scores(values: Values, ranks: Sequence[Ranks]) -> tuple[str, str, dict[str, float]]:
    """Prefer ratings by people, then the rank of a model score, then the sensory agreement."""
    fit = figure("ratings.fit")
    if values.get(fit.key):
        return fit.title, fit.meaning, values[fit.key]
    if ranks:
        return ranks[0].figure.title, ranks[0].figure.meaning, dict(ranks[0].percentiles)
    return SENSES, SENSES_MEANING, _sensory_agreement(values)


def _sensory_agreement(values: Values) -> dict[str, float]:
    from scipy.stats import rankdata

    agreements: dict[str, list[float]] = {}
    for pair in relations():
        of_picture = values.get(f"senses.picture.{pair.picture}", {})
        of_sound = values.get(f"senses.sound.{pair.sound}", {})
        both = [picture for picture in of_picture if picture in of_sound]
        if len(both) < 2:
            continue
        places = [rankdata([of[each] for each in both]) for of in (of_picture, of_sound)]
        for picture, seen, heard in zip(both, *places):
            agreements.setdefault(picture, []).append(1 - abs(seen - heard) / (len(both) - 1))
    return {picture: fmean(each) for picture, each in agreements.items()}


def _others(picture: str, group: Group, groups: Sequence[Group]) -> tuple[tuple[Group, Sample], ...]:
    firsts = [(each, next((s for s in each.samples if s.picture == picture), None)) for each in groups]
    return tuple((each, sample) for each, sample in firsts if sample and each is not group)
