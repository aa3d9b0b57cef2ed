"""How the true pairs of picture, text and sound stand among shuffled ones, by the scores of models."""

from collections.abc import Mapping
from dataclasses import dataclass

from .groups import Group
from .statistics import Mean


@dataclass(frozen=True)
class Ranks:
    """Percentiles (0..100; chance is 50) of one score of a group by picture, and their mean."""

    title: str
    meaning: str
    percentiles: Mapping[str, float]
    mean: Mean


def ranks_of(group: Group, seed: int = 0) -> list[Ranks]:
    return []
