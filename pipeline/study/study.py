"""Compute everything in a study. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..quality import features
from ..quality.features import Relation
from ..quality.figures import in_order
from . import statistics
from .comparison import Comparison, compare
from .groups import Group, read_groups
from .ranks import Ranks, ranks_of
from .ratings import Ratings, read_ratings
from .values import Values, values_of

FIT = "ratings.fit"


@dataclass(frozen=True)
class Correlated:
    """Correlation within one group: a sensory relation, or a figure with the ratings. p is corrected over all such."""

    group: Group
    found: Relation
    p_holm: float | None = None

    @property
    def is_shown(self) -> bool:
        return self.p_holm is not None and self.p_holm < statistics.ALPHA


@dataclass(frozen=True)
class Study:
    """Groups with their figures, and the findings within and between them."""

    groups: tuple[Group, ...]
    values: tuple[Values, ...]
    comparisons: tuple[Comparison, ...]
    relations: tuple[tuple[Correlated, ...], ...]
    ranks: tuple[tuple[Ranks, ...], ...]
    ratings: Ratings | None
    agreements: tuple[Correlated, ...]
    seed: int


def make_study(
    roots: Sequence[Path], *, ratings: Sequence[Path] = (), keys: Sequence[Path] = (), seed: int = 0
) -> Study:
    """Read trees of results and, if given, answers of listeners, and compute the study.

    `keys` are paths of the listening page's key, used when there is none beside the answers. Raises SoundscapeError
    when a tree has no results or the answers cannot be used.
    """
    groups = read_groups(roots)
    answers = read_ratings(ratings, groups, keys) if ratings else None
    human = answers.figures() if answers else {}
    values = [values_of(group, human) for group in groups]
    return Study(
        tuple(groups),
        tuple(values),
        tuple(compare(groups, values, seed)),
        tuple(_relations(groups)),
        tuple(ranks_of(values, seed)),
        answers,
        tuple(_agreements(groups, values)) if answers else (),
        seed,
    )


def _relations(groups: Sequence[Group]) -> list[tuple[Correlated, ...]]:
    found = [
        Correlated(group, relation)
        for group in groups
        for relation in features.relate(sample.entry for sample in group.samples)
    ]
    corrected = _corrected(found)
    return [tuple(each for each in corrected if each.group is group) for group in groups]


def _agreements(groups: Sequence[Group], values: Sequence[Values]) -> list[Correlated]:
    """Correlate every computed figure with the mean rating by people, for each group."""
    found = []
    for group, of in zip(groups, values):
        rated = of.get(FIT, {})
        for key in in_order({key for key in of if not key.startswith("ratings.")} if rated else set()):
            both = [picture for picture in of[key] if picture in rated]
            xs, ys = [of[key][each] for each in both], [rated[each] for each in both]
            found.append(Correlated(group, features.rank_correlation(key, xs, ys)))
    return _corrected(found)


def _corrected(found: list[Correlated]) -> list[Correlated]:
    return [replace(each, p_holm=p) for each, p in zip(found, statistics.holm([each.found.p for each in found]))]
