"""The evidence for each group of things and each setting, from the network's classes and the looks of the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .regions import Regions, ramp
from .vocabulary import Condition, Group, Setting, Vocabulary

CHANCE_OF_NOTHING = 0.004  # probability that every class gets in any picture
PART_SHARE = 0.4  # the most evidence that a single part of the picture can give
# Settings with open water. Without evidence for them, blue is rather shadow or cloth than water.
WATERY = ("coast", "lake", "river", "harbour", "wetland", "bridge", "stream")
MEANINGLESS = ("surface", "artwork", "meaningless")
CALM_COAST = 0.7  # share of the evidence for a coast that goes to a lake when the water is still
OUTSIDE = (
    *("sky", "blue_sky", "sunset", "twilight", "storm", "overcast", "fog"),
    *("snow", "sand", "vegetation", "grass", "trees"),
)
BLOOMING = ("flower", "greenery", "garden")


@dataclass(frozen=True)
class Seen:
    """What the network saw: the probability of each class, and the score of each class in each cell of the picture."""

    chances: NDArray[np.float32]  # (classes,)
    scores: NDArray[np.float32]  # (classes, rows, columns), before softmax
    parts: NDArray[np.float32]  # probabilities in each of several overlapping parts, (classes, parts)


@dataclass(frozen=True)
class Evidence:
    groups: dict[str, float]  # how sure it is that the picture shows a thing of the group, 0..1
    settings: dict[str, float]  # how sure the setting is, 0..1
    looks: dict[str, float]  # looks of the picture, corrected by what the network says about the setting
    outdoors: float  # 0 certainly indoors, 1 certainly outdoors


def weigh(seen: Seen, regions: Regions, words: Vocabulary) -> Evidence:
    """Return the evidence of the network and the regions together."""
    # A picture of a single colour shows nothing, whatever the network says.
    shows = 1 - regions.looks["plain"]
    # Every class has a small probability in every picture, which would add up in groups of a hundred breeds.
    chances = shows * np.maximum(0.0, seen.chances - CHANCE_OF_NOTHING)
    chance = {key: float(chances[list(group.classes)].sum()) for key, group in words.groups.items()}
    for key, group in words.groups.items():
        if group.called:
            chance[key] = max(chance[key], shows * _in_a_part(seen, group))
    claimed = dict.fromkeys(words.settings, 0.0)
    for key, group in words.groups.items():
        for place, share in group.settings.items():
            claimed[place] += share * chance[key]

    # A lake ends at a far shore, a calm sea at the sky.
    sheet = regions.looks["sheet"] * regions.looks["far_shore"]
    calm = CALM_COAST * claimed["coast"] * sheet * float(ramp(regions.looks["sand"], 0.06, 0.02))
    claimed["lake"] += calm
    claimed["coast"] -= calm

    looks = _corrected_looks(regions.looks, claimed, _outdoors(claimed, regions.looks, words))
    looks["thing"] = max(chance[key] for key, group in words.groups.items() if group.called)
    looks["anything"] = max(chance[key] for key in words.groups if key not in MEANINGLESS)
    spoken_for = min(1.0, sum(claimed.values()))
    settings = {}
    for key, setting in words.settings.items():
        looked = shows * setting.trust * _best(setting, looks)
        # The looks matter where the network is unsure, and where both agree.
        both = claimed[key] + looked * (1 - 0.6 * spoken_for) + 0.5 * min(looked, claimed[key])
        settings[key] = _sure(both * (0.25 + 0.75 * _product(setting.needs, looks)))
    return Evidence({key: _sure(share) for key, share in chance.items()}, settings, looks, looks["outdoors"])


def holds(condition: Condition, evidence: Evidence) -> float:
    """Return how far all parts of a condition hold, 0..1."""
    return _product(condition, evidence.settings | evidence.looks)


def _in_a_part(seen: Seen, group: Group) -> float:
    """Return the evidence for a thing that fills only a part of the picture, such as a boat on a lake."""
    plainest = float(seen.parts[list(group.classes)].sum(0).max())
    return PART_SHARE * float(ramp(plainest, 0.5, 1.0))


def _sure(share: float) -> float:
    # The network spreads its probability over many similar classes, so a third of it in one group is already strong.
    return float(1 - np.exp(-2.5 * share))


def _best(setting: Setting, looks: dict[str, float]) -> float:
    return max((_product(condition, looks) for condition in setting.looks), default=0.0)


def _product(condition: Condition, values: dict[str, float]) -> float:
    return float(np.prod([ramp(values[name], start, end) for name, (start, end) in condition.items()]))


def _outdoors(claimed: dict[str, float], looks: dict[str, float], words: Vocabulary) -> float:
    by_where = {"outdoors": 0.0, "indoors": 0.0, "underwater": 0.0, "anywhere": 0.0, "nowhere": 0.0}
    for key, share in claimed.items():
        by_where[words.settings[key].where] += share
    blue_sky = looks["sky"] * ramp(looks["blue"], 0.1, 0.4)
    seen = 0.8 * looks["vegetation"] + 0.4 * looks["grass"] + 0.6 * blue_sky + 0.3 * looks["overcast"] * looks["sky"]
    for_outdoors = by_where["outdoors"] + seen + 0.05
    for_indoors = by_where["indoors"] + 0.08
    return float(for_outdoors / (for_outdoors + for_indoors))


def _corrected_looks(looks: dict[str, float], claimed: dict[str, float], outdoors: float) -> dict[str, float]:
    """Return the looks corrected by the network: blue shadows are not water, and a pale wall is not the sky."""
    shore = sum(claimed[name] for name in WATERY)
    water = min(1.0, 0.35 + 1.5 * shore)
    open_air = float(ramp(outdoors, 0.25, 0.6))
    bloom = sum(claimed[name] for name in BLOOMING)
    corrected = looks | {"shore": shore, "bloom": bloom, "outdoors": outdoors}
    for name in ("water", "calm_water"):
        corrected[name] = looks[name] * water * open_air
    for name in OUTSIDE:
        corrected[name] = looks[name] * open_air
    # The blurred colours behind a blossom are not an evening sky.
    for name in ("sunset", "twilight"):
        corrected[name] *= float(ramp(bloom, 0.4, 0.15))
    corrected["daylight"] = 1 - max(corrected["night"], corrected["sunset"], corrected["twilight"])
    return corrected
