"""The JSON answer of a vision-language model: its schema, and its conversion to a Soundscape.

The answer is smaller than the document. Fields that only the user sets (level, pan, mute, instrument) are left out,
the length of every text and list is limited, and numbers have few digits, so the answer always ends.
"""

from dataclasses import dataclass
from typing import Any, get_args

from ... import json_text
from ...errors import SoundscapeError
from ...repairs import numbers_of
from ...soundscape import MAX_SOURCES, Evidence, Role, Soundscape, Source, Space
from .exclusions import is_excluded

MIN_BOX_SIDE = 0.01  # of the picture; a thinner box is a mistake of the model

_FIELDS = ("name", "material", "action", "timbre", "role", "evidence", "distance_m", "confidence")

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

    Raises SoundscapeError if the answer has another form, or if the model found only speech or music.
    """
    try:
        described = Soundscape.from_data(_document(json_text.read(text).data, frame))
    except json_text.CutOffError:
        return None
    except SoundscapeError as error:
        raise SoundscapeError(f"The answer of the model cannot be used. {error}") from None
    heard: dict[tuple[str, str], Source] = {}
    for source in described.sources:
        if not is_excluded(source):
            heard.setdefault((source.name, source.action), source)  # drops repetitions
    if not heard:
        raise SoundscapeError(
            "The model found only speech or music in this picture, which are not used as sound sources. "
            "Add sources yourself, or choose another picture."
        )
    return described.model_copy(update={"sources": tuple(heard.values())})


def box_in_shares(corners: list[float], frame: Frame) -> tuple[float, float, float, float] | None:
    """Return the box in fractions of the picture, with its corners in order; None if it is too thin."""
    x0, x1 = sorted(min(max(x / frame.width, 0.0), 1.0) for x in corners[0::2])
    y0, y1 = sorted(min(max(y / frame.height, 0.0), 1.0) for y in corners[1::2])
    if x1 - x0 < MIN_BOX_SIDE or y1 - y0 < MIN_BOX_SIDE:
        return None
    return round(x0, 4), round(y0, 4), round(x1, 4), round(y1, 4)


def _document(answer: Any, frame: Frame) -> Any:
    """Return the answer in the form of a document. What has another form is left as it is, to be refused."""
    if not isinstance(answer, dict):
        return answer
    fields = {name: _tidy(answer[name]) for name in ("scene", "mood", "space") if name in answer}
    sources = answer.get("sources")
    return fields | {"sources": [_source(each, frame) for each in sources] if isinstance(sources, list) else sources}


def _source(answer: Any, frame: Frame) -> Any:
    if not isinstance(answer, dict):
        return answer
    source = {name: _tidy(answer[name]) for name in _FIELDS if name in answer}
    corners = numbers_of(answer.get("bbox_2d"))
    if isinstance(corners, list) and len(corners) == 4 and all(type(each) in (int, float) for each in corners):
        return source | {"box": box_in_shares(corners, frame)}
    return source | {"box": corners or None}


def _tidy(value: Any) -> Any:
    """Return texts without superfluous white space, in lists too."""
    if isinstance(value, list):
        return [_tidy(each) for each in value]
    return " ".join(value.split()) if isinstance(value, str) else value


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
