"""The figures of a group, picture by picture."""

from collections import defaultdict
from statistics import fmean

from ..quality.figures import figures_of
from .groups import Group

PERCENTILE = "_percentile"

Values = dict[str, dict[str, float]]  # figure -> picture -> value


def values_of(group: Group, ratings: dict[tuple[str, str], dict[str, float]] | None = None) -> Values:
    """Return each figure of a group for each picture: the mean where a picture has several results.

    `ratings` adds human figures by (group label, result name).
    """
    collected: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in group.samples:
        human = (ratings or {}).get((group.label, sample.name), {})
        for key, value in (human | figures_of(sample.entry)).items():
            collected[key][sample.picture].append(value)
    return {key: {picture: fmean(each) for picture, each in of.items()} for key, of in collected.items()}


def percentiles_of(values: Values) -> Values:
    """Return the figures that rank true pairs among shuffled ones, in percent."""
    return {key: of for key, of in values.items() if key.startswith("coherence.") and key.endswith(PERCENTILE)}
