"""The JSON answer of a vision-language model: its schema, and its conversion to a Soundscape.

The answer is smaller than the document. Fields that only the user sets (level, pan, mute, instrument) are left out,
the length of every text and list is limited, and numbers have few digits, so the answer always ends.
"""

import json
from dataclasses import dataclass
from typing import Any, get_args

from ...errors import SoundscapeError
from ...soundscape import MAX_SOURCES, Evidence, Role, Soundscape, Source, Space
from .exclusions import is_excluded

MIN_BOX_SIDE = 0.01  # of the picture; a thinner box is a mistake of the model

# No quotes, backslashes or control characters, so that no text contains an escape sequence.
_LETTER = r'[^"\\\x00-\x1f]'


@dataclass(frozen=True)
class Demand:
    """Limits of the answer. Lengths are in characters."""

    sources: int = MAX_SOURCES
    scene: int = 160
    mood: int = 60
    words: int = 40  # in a name, a material or an action (characters)
    timbres: int = 3
    timbre: int = 20


FULL = Demand()
# For the second attempt, if the first answer was cut off.
SHORT = Demand(sources=3, scene=80, mood=30, words=24, timbres=2, timbre=12)


@dataclass(frozen=True)
class Frame:
    """The coordinate system of the model: x from 0 to `width`, y from 0 to `height`."""

    width: int
    height: int
    words: str  # describes the coordinates in the instruction


def pixels(width: int, height: int) -> Frame:
    """Return the frame of Qwen2.5-VL, which was trained on pixels of the picture after the image processor."""
    convention = f"[x1, y1, x2, y2] in pixels; the picture is {width} pixels wide and {height} pixels high."
    return Frame(width, height, convention)


def thousandths() -> Frame:
    """Return the frame of Qwen3-VL, which was trained on thousandths of the width and height."""
    return Frame(1000, 1000, "[x1, y1, x2, y2] in thousandths of the picture's width and height, from 0 to 1000.")


def answer_schema(demand: Demand, frame: Frame) -> dict[str, Any]:
    """Return the JSON schema of the answer."""
    source = {
        "name": _text(demand.words, begins_with_letter=True),
        "material": _text(demand.words),
        "action": _text(demand.words),
        "timbre": {"type": "array", "items": _text(demand.timbre, begins_with_letter=True), "maxItems": demand.timbres},
        "role": {"enum": list(get_args(Role))},
        "evidence": {"enum": list(get_args(Evidence))},
        "bbox_2d": {"anyOf": [_corners(frame), {"type": "null"}]},
        "distance_m": {"type": "number", "minimum": 0.5, "maximum": 1000, "multipleOf": 0.5},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.05},
    }
    return _object(
        {
            "scene": _text(demand.scene, begins_with_letter=True),
            "mood": _text(demand.mood),
            "space": {"enum": list(get_args(Space))},
            "sources": {"type": "array", "items": _object(source), "minItems": 1, "maxItems": demand.sources},
        }
    )


def read_answer(text: str, frame: Frame) -> Soundscape | None:
    """Return the soundscape of an answer, or None if the answer was cut off.

    Raises SoundscapeError if the model found only speech or music.
    """
    try:
        answer = json.loads(text)
    except json.JSONDecodeError:
        return None
    heard: dict[tuple[str, str], Source] = {}
    for each in answer["sources"]:
        source = _source(each, frame)
        if not is_excluded(source):
            heard.setdefault((source.name, source.action), source)  # drops repetitions
    if not heard:
        raise SoundscapeError(
            "The model found only speech or music in this picture, which are not used as sound sources. "
            "Add sources yourself, or choose another picture."
        )
    return Soundscape(
        scene=_tidy(answer["scene"]), mood=_tidy(answer["mood"]), space=answer["space"], sources=tuple(heard.values())
    )


def box_in_shares(corners: list[float], frame: Frame) -> tuple[float, float, float, float] | None:
    """Return the box in fractions of the picture, with its corners in order; None if it is too thin."""
    x0, x1 = sorted(min(max(x / frame.width, 0.0), 1.0) for x in corners[0::2])
    y0, y1 = sorted(min(max(y / frame.height, 0.0), 1.0) for y in corners[1::2])
    if x1 - x0 < MIN_BOX_SIDE or y1 - y0 < MIN_BOX_SIDE:
        return None
    return round(x0, 4), round(y0, 4), round(x1, 4), round(y1, 4)


def _source(answer: dict[str, Any], frame: Frame) -> Source:
    corners = answer["bbox_2d"]
    return Source(
        name=_tidy(answer["name"]),
        material=_tidy(answer["material"]),
        action=_tidy(answer["action"]),
        timbre=tuple(_tidy(each) for each in answer["timbre"]),
        role=answer["role"],
        evidence=answer["evidence"],
        box=box_in_shares(corners, frame) if corners else None,
        distance_m=float(answer["distance_m"]),
        confidence=float(answer["confidence"]),
    )


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _text(length: int, *, begins_with_letter: bool = False) -> dict[str, Any]:
    if begins_with_letter:
        return {"type": "string", "pattern": rf"^\p{{L}}{_LETTER}{{0,{length - 1}}}$"}
    return {"type": "string", "pattern": f"^{_LETTER}{{0,{length}}}$"}


def _corners(frame: Frame) -> dict[str, Any]:
    limits = (frame.width, frame.height, frame.width, frame.height)
    corners = [{"type": "integer", "minimum": 0, "maximum": limit} for limit in limits]
    return {"type": "array", "prefixItems": corners, "items": False, "minItems": 4, "maxItems": 4}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
