"""What speaks for which group of things and which setting: the network's classes and the picture's looks together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .regions import Regions, ramp
from .vocabulary import Condition, Group, Setting, Vocabulary

CHANCE_OF_NOTHING = 0.004
PART_SHARE = 0.4  # the most that one part of the picture can say for the whole
# Settings with open water: without their classes, blue is taken for shadow or cloth rather than for water.
WATERY = ("coast", "lake", "river", "harbour", "wetland", "bridge", "stream")
MEANINGLESS = ("surface", "artwork", "meaningless")
CALM_COAST = 0.7  # share of the evidence for the sea that a sheet of water without surf gives to a lake
OUTSIDE = (
    *("sky", "blue_sky", "sunset", "twilight", "storm", "overcast", "fog"),
    *("snow", "sand", "vegetation", "grass", "trees"),
)
BLOOMING = ("flower", "greenery", "garden")


@dataclass(frozen=True)
class Seen:
    """What the network saw: the chance of each class, and how strongly each cell of the picture speaks for it."""

    chances: NDArray[np.float32]  # (classes,)
    scores: NDArray[np.float32]  # (classes, rows, columns), before softmax
    parts: NDArray[np.float32]  # the chances in each of several overlapping parts, (classes, parts)


@dataclass(frozen=True)
class Evidence:
    groups: dict[str, float]  # how surely a thing of the group is in the picture, 0..1
    settings: dict[str, float]  # how surely this is the place, 0..1
    looks: dict[str, float]  # the picture's looks, weighed with what the network says of the place
    outdoors: float  # 0 surely indoors, 1 surely outdoors


def weigh(seen: Seen, regions: Regions, words: Vocabulary) -> Evidence:
    """Bring network and regions together."""
    # A single colour shows nothing, whatever the network makes of it.
    shows = 1 - regions.looks["plain"]
    # Every class gets a little chance in every picture, which adds up in groups of a hundred breeds.
    chances = shows * np.maximum(0.0, seen.chances - CHANCE_OF_NOTHING)
    chance = {key: float(chances[list(group.classes)].sum()) for key, group in words.groups.items()}
    for key, group in words.groups.items():
        if group.called:
            chance[key] = max(chance[key], shows * _in_a_part(seen, group))
    told = dict.fromkeys(words.settings, 0.0)
    for key, group in words.groups.items():
        for place, share in group.settings.items():
            told[place] += share * chance[key]

    # A lake ends at a far shore, a calm sea at the sky.
    sheet = regions.looks["sheet"] * regions.looks["far_shore"]
    calm = CALM_COAST * told["coast"] * sheet * float(ramp(regions.looks["sand"], 0.06, 0.02))
    told["lake"] += calm
    told["coast"] -= calm

    looks = _sober_looks(regions.looks, told, _outdoors(told, regions.looks, words))
    looks["thing"] = max(chance[key] for key, group in words.groups.items() if group.called)
    looks["anything"] = max(chance[key] for key in words.groups if key not in MEANINGLESS)
    spoken_for = min(1.0, sum(told.values()))
    settings = {}
    for key, setting in words.settings.items():
        looked = shows * setting.trust * _best(setting, looks)
        # The looks matter where the network is at a loss, and where both agree.
        both = told[key] + looked * (1 - 0.6 * spoken_for) + 0.5 * min(looked, told[key])
        settings[key] = _sure(both * (0.25 + 0.75 * _product(setting.needs, looks)))
    return Evidence({key: _sure(share) for key, share in chance.items()}, settings, looks, looks["outdoors"])


def holds(condition: Condition, evidence: Evidence) -> float:
    """Tell how far all parts of a condition hold, 0..1."""
    return _product(condition, evidence.settings | evidence.looks)


def _in_a_part(seen: Seen, group: Group) -> float:
    """Return the chance of a thing that fills only a part of the picture, as a boat on a lake does."""
    plainest = float(seen.parts[list(group.classes)].sum(0).max())
    return PART_SHARE * float(ramp(plainest, 0.5, 1.0))


def _sure(share: float) -> float:
    # A network's chances are spread over many like names: a third of them on one group is already a good deal.
    return float(1 - np.exp(-2.5 * share))


def _best(setting: Setting, looks: dict[str, float]) -> float:
    return max((_product(condition, looks) for condition in setting.looks), default=0.0)


def _product(condition: Condition, values: dict[str, float]) -> float:
    return float(np.prod([ramp(values[name], start, end) for name, (start, end) in condition.items()]))


def _outdoors(told: dict[str, float], looks: dict[str, float], words: Vocabulary) -> float:
    by_where = {"outdoors": 0.0, "indoors": 0.0, "underwater": 0.0, "anywhere": 0.0, "nowhere": 0.0}
    for key, share in told.items():
        by_where[words.settings[key].where] += share
    blue_sky = looks["sky"] * ramp(looks["blue"], 0.1, 0.4)
    seen = 0.8 * looks["vegetation"] + 0.4 * looks["grass"] + 0.6 * blue_sky + 0.3 * looks["overcast"] * looks["sky"]
    for_outdoors = by_where["outdoors"] + seen + 0.05
    for_indoors = by_where["indoors"] + 0.08
    return float(for_outdoors / (for_outdoors + for_indoors))


def _sober_looks(looks: dict[str, float], told: dict[str, float], outdoors: float) -> dict[str, float]:
    """Take back what colour alone promised: blue shadows are no water and a pale wall is no sky."""
    shore = sum(told[name] for name in WATERY)
    water = min(1.0, 0.35 + 1.5 * shore)
    open_air = float(ramp(outdoors, 0.25, 0.6))
    bloom = sum(told[name] for name in BLOOMING)
    sober = looks | {"shore": shore, "bloom": bloom, "outdoors": outdoors}
    for name in ("water", "calm_water"):
        sober[name] = looks[name] * water * open_air
    for name in OUTSIDE:
        sober[name] = looks[name] * open_air
    # Behind a blossom the blurred colours of others are no evening sky.
    for name in ("sunset", "twilight"):
        sober[name] *= float(ramp(bloom, 0.4, 0.15))
    sober["daylight"] = 1 - max(sober["night"], sober["sunset"], sober["twilight"])
    return sober
