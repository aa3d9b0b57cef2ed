"""The scene in a sentence, its mood and its space, as a person would put them."""

from typing import TYPE_CHECKING

from ..soundscape import Source, Space
from .evidence import Evidence

if TYPE_CHECKING:
    from .compose import Scene

UNSURE = 0.35  # best confidence below which the sentence says that it is a guess


def scene(scene: "Scene", sources: tuple[Source, ...]) -> str:
    """Return one sentence about what is seen."""
    setting = scene.setting
    slots = _slots(scene)
    if scene.thing is None or setting.where == "nowhere":
        text = _pick(setting.scenes, scene.seed)
    else:
        slots |= {
            "thing": scene.thing.called,
            "does": _pick(scene.thing.does, scene.seed // 7),
            "place": _pick(setting.place, scene.seed // 11),
        }
        text = _pick(
            (
                "{thing} {does}, {place} {light}",
                "{thing} {place}, {does}; {light_alone}",
                "{place}, {light}: {thing} {does}",
            ),
            scene.seed // 13,
        )
    text = _sentence(text.format(**slots))
    if setting.where != "nowhere" and max(source.confidence for source in sources) < UNSURE:
        text = _sentence(f"perhaps {text[0].lower()}{text[1:-1]}, though little here is certain")
    return text[:300]


def mood(scene: "Scene") -> str:
    """Return the mood in a few words."""
    setting = scene.setting
    return _pick(setting.moods, scene.seed // 3).format(tone=_tone(scene.evidence, scene.seed))[:120]


def space(scene: "Scene") -> Space:
    """Return the acoustic space."""
    setting = scene.setting
    if setting.where == "anywhere":
        return "open" if scene.evidence.outdoors > 0.6 else "room"
    return setting.space


def _pick(choices: tuple[str, ...], seed: int) -> str:
    return choices[seed % len(choices)]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text[0].upper()}{text[1:]}."


def _slots(scene: "Scene") -> dict[str, str]:
    colour = _colour(scene)
    light = _light(scene.evidence, scene.seed)
    return {
        "sky": _sky(scene.evidence, scene.seed),
        "light": light,
        "light_alone": light,
        "colour": colour,
        "Colour": colour.capitalize(),
    }


def _sky(evidence: Evidence, seed: int) -> str:
    looks = evidence.looks
    choices = (
        (looks["storm"], ("heavy dark clouds", "a lowering sky")),
        (looks["night"], ("a black sky", "the night sky")),
        (looks["sunset"], ("a burning evening sky", "a sky in sunset colours", "a glowing evening sky")),
        (looks["fog"], ("pale haze", "a sky lost in mist")),
        (looks["overcast"], ("a grey, even sky", "a pale overcast sky")),
        (float(looks["blue"] > 0.25) * 0.6, ("a clear blue sky", "a wide blue sky", "plenty of blue sky")),
    )
    strength, names = max(choices, key=lambda choice: choice[0])
    return _pick(names, seed // 17) if strength > 0.4 else _pick(("an open sky", "a soft, bright sky"), seed // 17)


def _light(evidence: Evidence, seed: int) -> str:
    looks = evidence.looks
    choices = (
        (looks["night"], ("in the dark", "at night")),
        (looks["sunset"] * evidence.outdoors, ("in the evening light", "at the end of the day")),
        (looks["fog"], ("in thin mist", "in hazy light")),
        (looks["overcast"], ("under a pale sky", "in flat, even light")),
        (looks["dim"] * 0.9, ("in the half-light", "in shadow")),
        (
            looks["bright"] * 0.9,
            ("in clear daylight", "in bright light") if evidence.outdoors > 0.5 else ("in bright light",),
        ),
    )
    strength, names = max(choices, key=lambda choice: choice[0])
    if strength <= 0.4:
        names = (
            ("in soft daylight", "in quiet daylight") if evidence.outdoors > 0.5 else ("in soft light", "in even light")
        )
    return _pick(names, seed // 19)


def _tone(evidence: Evidence, seed: int) -> str:
    looks = evidence.looks
    choices = (
        (looks["storm"], ("uneasy", "brooding")),
        (looks["night"], ("dark", "hushed")),
        (looks["sunset"] * evidence.outdoors, ("golden", "winding down")),
        (looks["fog"], ("veiled", "muted")),
        (looks["overcast"], ("subdued", "pensive")),
        (looks["dim"], ("shadowy", "muted")),
        (looks["vivid"] * 0.9, ("bright", "vivid")),
        (looks["bright"] * 0.8, ("light", "cheerful")),
    )
    strength, names = max(choices, key=lambda choice: choice[0])
    return _pick(names, seed // 23) if strength > 0.35 else _pick(("calm", "gentle", "even"), seed // 23)


def _colour(scene: "Scene") -> str:
    """Name the colour that the picture's most colourful part has."""
    return scene.regions.colour
