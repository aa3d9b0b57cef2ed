"""The scene sentence, the mood and the acoustic space. The words are in phrases.toml and settings.toml."""

from dataclasses import replace
from typing import TypeVar

from ..soundscape import Source, Space
from .evidence import holds
from .scene import Scene
from .vocabulary import Phrase

T = TypeVar("T")

UNSURE = 0.33  # the sentence says that it is a guess when no source reaches this confidence
ASIDE = 0.2  # distance from the middle from which a thing is said to be on one side
# Looks that do not apply indoors.
OPEN_AIR = ("outdoors", "sky", "blue_sky", "sunset", "twilight", "storm", "overcast", "fog", "snow", "blue", "water")
LONGEST_SCENE, LONGEST_MOOD = 300, 120  # limits of the document


def scene(scene: Scene, sources: tuple[Source, ...]) -> str:
    """Return one sentence about what the picture shows."""
    phrases, seed, setting = scene.words.phrases, scene.seed, scene.setting
    colour = scene.regions.colour
    slots = {
        "sky": _first(phrases.sky, scene, seed // 17),
        "light": _first(phrases.light, scene, seed // 19),
        "colour": colour,
        "Colour": colour.capitalize(),
    }
    if scene.thing is None or setting.where == "nowhere":
        text = _turn(setting.scenes, seed)
    else:
        text = _turn(phrases.with_thing, seed // 13)
        slots |= {
            "thing": scene.thing.called,
            "does": _turn(scene.thing.does, seed // 7),
            "place": _turn(setting.place, seed // 11),
            "tail": _tail(scene),
        }
    text = text.format(**slots)
    if setting.where != "nowhere" and max(source.confidence for source in sources) < UNSURE:
        text = _turn(phrases.unsure, seed // 29).format(text=text[0].lower() + text[1:])
    return f"{text[0].upper()}{text[1:]}."[:LONGEST_SCENE]


def mood(scene: Scene) -> str:
    """Return the mood in a few words."""
    template = _turn(scene.setting.moods, scene.seed // 3)
    tones = _holding(scene.words.phrases.tone, scene)[0].says
    fresh = tuple(tone for tone in tones if tone not in template) or tones
    return template.format(tone=_turn(fresh, scene.seed // 23))[:LONGEST_MOOD]


def space(scene: Scene) -> Space:
    """Return the acoustic space."""
    if scene.setting.where == "anywhere":
        return "open" if scene.evidence.outdoors > 0.6 else "room"
    return scene.setting.space


def _tail(scene: Scene) -> str:
    """Return the end of the sentence: on which side the thing is, or what else is in view."""
    if scene.thing_box is not None:
        x0, _, x1, _ = scene.thing_box
        aside = (x0 + x1) / 2 - 0.5
        if abs(aside) > ASIDE:
            return "off to the left" if aside < 0 else "off to the right"
    # The first three that hold are the most specific ones. The seed selects one of them.
    choices = _holding(scene.words.phrases.tail, scene)[:3]
    special = choices[:-1] or choices
    return _turn(_turn(special, scene.seed // 5).says, scene.seed // 31)


def _first(phrases: tuple[Phrase, ...], scene: Scene, seed: int) -> str:
    return _turn(_holding(phrases, scene)[0].says, seed)


def _holding(phrases: tuple[Phrase, ...], scene: Scene) -> tuple[Phrase, ...]:
    evidence = scene.evidence
    if scene.setting.where == "indoors":
        evidence = replace(evidence, looks=evidence.looks | dict.fromkeys(OPEN_AIR, 0.0))
    return tuple(phrase for phrase in phrases if holds(phrase.when, evidence) > 0.5)


def _turn(choices: tuple[T, ...], seed: int) -> T:
    return choices[seed % len(choices)]
