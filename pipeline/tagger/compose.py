"""From evidence to the soundscape: which sounds there are, their words, places and confidence."""

import zlib
from dataclasses import dataclass

from PIL import Image

from ..soundscape import Box, Soundscape, Source
from . import localise, sentences
from .evidence import Evidence, Seen, holds, weigh
from .regions import Regions, analyse
from .scene import Scene
from .vocabulary import Group, Setting, Sound, Vocabulary, vocabulary

MOST_SOURCES = 5
LEAST_SCORE = 0.18  # a sound with a lower score is left out
LEAST_SHARE = 0.3  # ... and so is one below this share of the best score
SETTING_IS_SEEN = 0.15  # evidence from which a setting counts as known
LEAST_SURE = 0.25  # least evidence with which the chosen setting counts
OUT_OF_PLACE = 0.25  # factor on the evidence for a thing that does not belong in the setting
THING_IS_SEEN = 0.3  # evidence from which a thing counts as seen
SMALL_M = 0.1  # height below which a thing is easily confused with a blur, a bud or a blade of grass
SMALL_IS_SEEN = 0.6  # evidence from which such a small thing counts as seen
RARE_IS_SEEN = 0.5  # evidence from which a rare thing, such as a geyser, counts as seen
VAGUE = 0.6  # share of the evidence for a thing from which its vaguer group is used instead
REGION_IS_SEEN = 0.04  # share of the picture from which a region counts as seen
SAME_PLACE = 0.25  # overlap from which two boxes show the same thing
RIVAL = 0.3  # factor on the evidence for another name of the thing that stands out
SPOTS = ("glow", "flame", "vivid_spot")  # regions that may be small
SPOT_IS_SEEN = 0.005
GROUND = ("water", "grass", "sand", "snow", "ground", "built")


@dataclass
class Candidate:
    sound: Sound
    score: float = 0.0
    thing: Group | None = None


def describe(picture: Image.Image, seen: Seen, regions: Regions | None = None) -> Soundscape:
    """Return the soundscape of an RGB picture in which the network saw `seen`. `regions`, if known, spares time."""
    words = vocabulary()
    regions = regions or analyse(picture)
    evidence = weigh(seen, regions, words)
    setting = words.settings[_setting(evidence, words)]
    thing = _thing(evidence, setting, words)
    box = localise.box_of_thing(seen, thing.classes) if thing else None
    scene = Scene(evidence, regions, seen, words, _seed(picture), setting, thing, box)
    sources = tuple(_source(candidate, scene) for candidate in _ranked(scene))
    return Soundscape(
        scene=sentences.scene(scene, sources),
        mood=sentences.mood(scene),
        space=sentences.space(scene),
        sources=sources,
    )


def _seed(picture: Image.Image) -> int:
    return zlib.crc32(picture.resize((16, 16), Image.Resampling.BILINEAR, reducing_gap=2.0).tobytes())


def _setting(evidence: Evidence, words: Vocabulary) -> str:
    best = max(evidence.settings, key=evidence.settings.__getitem__)
    if best == "abstract" and evidence.looks["thing"] >= THING_IS_SEEN:
        return "object"
    if evidence.settings[best] >= SETTING_IS_SEEN:
        return best
    if evidence.looks["thing"] < THING_IS_SEEN:
        return "unclear"
    if evidence.looks["vegetation"] + evidence.looks["grass"] > 0.2:
        return "meadow"
    return "room" if evidence.outdoors < 0.6 else best


def _thing(evidence: Evidence, setting: Setting, words: Vocabulary) -> Group | None:
    """Return the thing that stands out in the picture, if any is sure enough."""
    things = [group for group in words.groups.values() if group.called]
    best = max(things, key=lambda group: _standing(group, evidence, setting, words))
    if _standing(best, evidence, setting, words) < _seen_from(best):
        return None
    if best.vaguer and evidence.groups[best.vaguer] > VAGUE * evidence.groups[best.key]:
        return words.groups[best.vaguer]
    return best


def _seen_from(group: Group) -> float:
    if group.size_m < SMALL_M:
        return SMALL_IS_SEEN
    return RARE_IS_SEEN if group.rare else THING_IS_SEEN


def _standing(group: Group, evidence: Evidence, setting: Setting, words: Vocabulary) -> float:
    """Return how sure the thing is; one that is out of place needs very strong evidence."""
    sure = evidence.groups[group.key]
    if not group.settings or setting.key in group.settings or sure > 0.65:
        return sure
    return OUT_OF_PLACE * sure if _is_foreign(group, setting, words) else 0.8 * sure


def _is_foreign(group: Group, setting: Setting, words: Vocabulary) -> bool:
    """Return whether the thing belongs neither in the setting nor in a similar one."""
    if not group.settings or setting.key in group.settings:
        return False
    return group.rare or setting.where not in {words.settings[key].where for key in group.settings}


# Which sounds --------------------------------------------------------------------------------------------------------


def _ranked(scene: Scene) -> list[Candidate]:
    candidates = {key: Candidate(sound) for key, sound in scene.words.sounds.items()}
    for group in scene.words.groups.values():
        sure = _standing(group, scene.evidence, scene.setting, scene.words) * (
            RIVAL if _is_rival(group, scene) else 1.0
        )
        # A small or rare thing that is only suspected contributes less to its own sounds.
        suspected = THING_IS_SEEN < _seen_from(group) > scene.evidence.groups[group.key]
        own = 0.6 * sure if suspected else sure
        # A thing that is shown under a vaguer name suggests its sounds, but does not count as their visible source.
        vague = _is_vague(group, scene)
        for key, weight in (group.vaguely_heard if vague else group.heard).items():
            _add(candidates[key], weight * own, None if vague else group)
        for key, weight in group.around.items():
            _add(candidates[key], 0.8 * weight * sure, None)
    foreign = [group for group in scene.words.groups.values() if _is_foreign(group, scene.setting, scene.words)]
    for setting in scene.words.settings.values():
        sure = scene.evidence.settings[setting.key]
        # The picture shows one setting; the others only contribute.
        sure = max(sure, LEAST_SURE) if setting is scene.setting else 0.6 * _without(foreign, setting, sure, scene)
        for key, weight in setting.sounds.items():
            _add(candidates[key], 0.85 * weight * sure, None)
    for candidate in candidates.values():
        candidate.score *= _fits(candidate.sound, scene)
    order = sorted(candidates.values(), key=lambda candidate: -candidate.score)
    bar = max(LEAST_SCORE, LEAST_SHARE * order[0].score)
    families: dict[str, Candidate] = {}
    for candidate in order:
        if candidate.score >= bar:
            families.setdefault(candidate.sound.family, candidate)
    chosen = list(families.values())[:MOST_SOURCES] or order[:1]
    # Quiet is only heard when nothing else is.
    if chosen[0].sound.key == "quiet":
        return chosen
    return [candidate for candidate in chosen if candidate.sound.key != "quiet"]


def _without(foreign: list[Group], setting: Setting, sure: float, scene: Scene) -> float:
    """Return the evidence for a setting without that of things out of place: no rocket, no launch site."""
    groups = scene.evidence.groups
    return max(0.0, sure - sum(group.settings.get(setting.key, 0.0) * groups[group.key] for group in foreign))


def _is_vague(group: Group, scene: Scene) -> bool:
    """Return whether the thing that stands out is the vaguer group of this one."""
    return bool(group.vaguer) and scene.thing is scene.words.groups[group.vaguer]


def _is_rival(group: Group, scene: Scene) -> bool:
    """Return whether the group only renames the thing that stands out: a gorilla may look like a black dog."""
    if scene.thing is None or scene.thing_box is None or group is scene.thing:
        return False
    if not group.heard or _is_vague(group, scene) or scene.evidence.groups[group.key] < LEAST_SCORE:
        return False
    box = localise.box_of_thing(scene.seen, group.classes)
    return box is not None and localise.overlap(box, scene.thing_box) > SAME_PLACE


def _add(candidate: Candidate, score: float, thing: Group | None) -> None:
    if thing is not None and score > candidate.score:
        candidate.thing = thing
    # Two reasons for a sound are better than one.
    candidate.score = max(score, candidate.score) + 0.3 * min(score, candidate.score)


def _fits(sound: Sound, scene: Scene) -> float:
    where = scene.setting.where
    if sound.where == "underwater" or where == "underwater":
        return 1.0 if sound.where == where else 0.0
    if where in ("outdoors", "indoors"):
        return 1.0 if sound.where in (where, "anywhere") else 0.08
    outdoors = scene.evidence.outdoors
    return {"outdoors": outdoors, "indoors": 1 - outdoors}.get(sound.where, 1.0)


# How a sound becomes a source ----------------------------------------------------------------------------------------


def _source(candidate: Candidate, scene: Scene) -> Source:
    sound = candidate.sound
    wording = next(
        (words for condition, words in sound.varies if holds(condition, scene.evidence) > 0.5), sound.wording
    )
    box, distance_m = _place(candidate, scene)
    return Source(
        name=wording.name,
        material=wording.material,
        action=wording.action,
        timbre=wording.timbre,
        role=sound.role,
        box=box,
        distance_m=distance_m,
        evidence="visible" if box else "inferred",
        confidence=_confidence(candidate.score, scene),
    )


def _confidence(score: float, scene: Scene) -> float:
    # On 199 labelled photographs, scores were too low as probabilities, except in pictures without a place.
    if scene.setting.where != "nowhere":
        score = score**0.8
    return round(min(0.95, max(0.05, score)), 2)


def _place(candidate: Candidate, scene: Scene) -> tuple[Box | None, float]:
    sound, thing = candidate.sound, candidate.thing
    if thing is not None and scene.evidence.groups[thing.key] >= _seen_from(thing):
        box = localise.box_of_thing(scene.seen, thing.classes)
        if box is not None:
            return box, localise.distance_of_thing(box, thing.size_m)
    least = SPOT_IS_SEEN if sound.region in SPOTS else REGION_IS_SEEN
    if sound.region is not None and scene.evidence.looks.get(sound.region, 1.0) >= least:
        mask = scene.regions.masks[sound.region]
        box = localise.box_of(mask) if float(mask.mean()) >= least else None
        if box is not None and sound.region in GROUND:
            scale = 0.25 if scene.evidence.looks["macro"] > 0.5 else 1.0
            return box, localise.distance_of_ground(box, localise.horizon_of(scene.regions.masks["sky"]), scale)
        return box, sound.distance_m
    return None, sound.distance_m
