"""How well does the sound fit? The figures of one result, explained in words.

A single number says little. Each one is therefore compared with reference values, and the sentence names them. The
reference values were measured on the example pictures, their soundscapes and every kind of sound of the procedural
synthesiser (tests/benchmarks/reference_values.py).
"""

import json
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ..soundscape import Soundscape
from .features import Pair, relations
from .glossary import Meaning, meanings_of

# "poor" means a fault in the sound, or words that fit no better than chance. A picture and a sound that differ are at
# most "fair": a calm night may crackle. "" means that there is nothing to judge.
Verdict = Literal["good", "fair", "poor", ""]

NEAR, FAR = 0.3, 0.6  # two places (0..1) agree up to the first difference, and disagree from the second on
SIDE = {"picture": 0.05, "sound": 0.2}  # least balance that counts as a side; for sounds: 2 dB between the channels
GOOD, POOR = 75.0, 50.0  # percentiles: the best quarter, and chance


@dataclass(frozen=True)
class Figure:
    """One line of the card: label, value, explanation and verdict."""

    label: str
    value: str
    sentence: str
    verdict: Verdict = ""


def explain(
    report: Mapping[str, Any], soundscape: Soundscape | None = None, coherence: Mapping[str, Any] | None = None
) -> list[Figure]:
    """Return the lines of the card for a manifest, its document and its coherence.json.

    Lines whose figures are missing are left out.
    """
    senses = report.get("senses") or {}
    picture, sound = senses.get("picture") or {}, senses.get("sound") or {}
    figures = _meaning(coherence or {})
    figures += [line for pair in relations() if (line := _pair(pair, picture, sound)) is not None]
    if soundscape is not None and report.get("files"):
        figures.append(_seen_and_heard(soundscape, report["files"]))
    return figures + (_signal(report["checks"]) if report.get("checks") else [])


def place_among(name: str, value: float) -> float:
    """Return the share (0..1) of reference values below `value`; equal ones count half. `name`: "sound.balance"."""
    values = reference_values()[name]
    return (bisect_left(values, value) + bisect_right(values, value)) / 2 / len(values)


@cache
def reference_values() -> dict[str, list[float]]:
    """Return the sorted reference values by figure, such as "picture.warmth"."""
    data = json.loads(Path(__file__).with_name("reference_values.json").read_text(encoding="utf-8"))
    values: dict[str, list[float]] = data["values"]
    return values


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


# Lines ---------------------------------------------------------------------------------------------------------------


def _pair(pair: Pair, picture: Mapping[str, Any], sound: Mapping[str, Any]) -> Figure | None:
    seen, heard = picture.get(pair.picture), sound.get(pair.sound)
    if seen is None or heard is None:
        return None
    value = _words()["value"].format(
        picture=_number(seen, meanings_of("picture")[pair.picture]),
        sound=_number(heard, meanings_of("sound")[pair.sound]),
    )
    if pair.name == "side":
        return Figure(pair.label, value, *_side(seen, heard))
    names = f"picture.{pair.picture}", f"sound.{pair.sound}"
    places = [place_among(name, figure) for name, figure in zip(names, (seen, heard))]
    words = _words()["words"][pair.name]
    sentence = _words()["pair"].format(
        seen=_degree(places[0], words["picture"]),
        heard=_degree(places[1], words["sound"]),
        seen_more=words["picture"][2],
        heard_more=words["sound"][2],
        seen_percent=round(100 * places[0]),
        heard_percent=round(100 * places[1]),
        pictures=len(reference_values()[names[0]]),
        sounds=len(reference_values()[names[1]]),
        why=pair.why,
    )
    return Figure(pair.label, value, sentence, _agreement(abs(places[0] - places[1])))


def _agreement(distance: float) -> Verdict:
    if distance <= NEAR:
        return "good"
    return "fair" if distance >= FAR else ""


def _degree(place: float, words: list[str]) -> str:
    degree: str = _words()["degrees"][bisect_right(_words()["steps"], place)]
    return degree.format(low=words[0], high=words[1])


def _side(seen: float, heard: float) -> tuple[str, Verdict]:
    """Return the sentence and the verdict; a balance near the middle is not judged."""
    words: dict[str, Any] = _words()["side"]
    sides = [_sign(seen, SIDE["picture"]), _sign(heard, SIDE["sound"])]
    if sides == [0, 0]:
        return words["centred"], ""
    sentence = words["sentence"].format(seen=words["names"][sides[0] + 1], heard=words["names"][sides[1] + 1])
    verdicts: dict[int, Verdict] = {1: "good", 0: "", -1: "fair"}
    return sentence, verdicts[sides[0] * sides[1]]


def _sign(value: float, least: float) -> int:
    return 0 if abs(value) < least else (1 if value > 0 else -1)


def _seen_and_heard(soundscape: Soundscape, files: Mapping[str, Any]) -> Figure:
    """Return the line on visible sources without a stem. A stem's number is its source's place in the document."""
    numbers = {name.removeprefix("stems/")[:2] for name in files if name.startswith("stems/")}
    seen = [(f"{place:02d}", each) for place, each in enumerate(soundscape.sources, 1) if each.evidence == "visible"]
    missing = [source.name for number, source in seen if number not in numbers]
    words = _words()["seen_and_heard"]
    value = words["value"].format(heard=len(seen) - len(missing), seen=len(seen))
    if not seen:
        return Figure(words["label"], value, words["none"])
    if missing:
        return Figure(words["label"], value, words["some"].format(missing=", ".join(missing)), "fair")
    return Figure(words["label"], value, words["all"], "good")


def _meaning(coherence: Mapping[str, Any]) -> list[Figure]:
    """Return a line per percentile. Raw scores mean nothing for a single result: only one without a rank is shown."""
    figures = []
    for name, meaning in meanings_of("coherence").items():
        percentile = coherence.get(name)
        if not name.endswith("_percentile") or percentile is None:
            continue
        verdict: Verdict = "good" if percentile >= GOOD else "poor" if percentile <= POOR else "fair"
        sentence = f"{meaning.meaning} {_words()['meaning']['chance']}" if "chance" not in meaning.meaning else ""
        figures.append(Figure(meaning.label, _number(percentile, meaning), sentence or meaning.meaning, verdict))
    return figures + _alone(coherence)


def _alone(coherence: Mapping[str, Any]) -> list[Figure]:
    """Return the line for a score by PE-AV that has no rank, because there is a single result."""
    score, meaning = coherence.get("picture_sound_score"), meanings_of("coherence")["picture_sound_score"]
    if score is None or coherence.get("picture_sound_percentile") is not None:
        return []
    return [Figure(meaning.label, _number(score, meaning), f"{meaning.meaning} {_words()['meaning']['alone']}")]


def _signal(checks: Mapping[str, Any]) -> list[Figure]:
    words = _words()["signal"]
    if checks.get("problems"):
        return [Figure(words["label"], words["problem"], problem, "poor") for problem in checks["problems"]]
    return [Figure(words["label"], words["clean"], words["clean_sentence"], "good")]


def _number(value: float, meaning: Meaning) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    unit = "" if " to " in meaning.unit else " " + meaning.unit
    figure = round(value, digits) + 0.0  # turns -0.0 into 0.0
    return f"{figure:,.{digits}f}".replace("-", "−") + unit.rstrip()
