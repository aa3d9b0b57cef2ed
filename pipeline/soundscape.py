"""The Soundscape document: what would be heard in a picture, in a form that the user can read and edit.

>>> Soundscape.from_json('{"sources": [{"name": "river", "gain_db": 3}]}').sources[0].gain_db
3.0
"""

import json
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import ErrorDetails

from . import json_text
from .errors import SoundscapeError
from .repairs import Repairs

MAX_BYTES = 64 * 1024  # of JSON text, as UTF-8
MAX_SOURCES = 8
MAX_ONSETS = 64
MAX_PROBLEMS = 50  # in one message
MAX_STEP = 60  # letters of a field that is named in a message
_OPTIONAL = ("take", "twin", "onsets_s", "height")  # not written at their defaults: documents stay as they are

Space = Literal["open", "forest", "street", "courtyard", "room", "hall", "cave", "underwater"]
Role = Literal["bed", "recurring", "one-shot"]
Evidence = Literal["visible", "inferred"]
Instrument = Literal["none", "guitar", "bass", "keyboard", "drums"]


def _up_to(max_length: int, *, min_length: int | None = None) -> Any:
    return Field(strict=True, min_length=min_length, max_length=max_length)


def _between(low: float, high: float) -> Any:
    return Field(strict=True, ge=low, le=high, allow_inf_nan=False)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _corners_in_order(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    if x0 >= x1 or y0 >= y1:
        raise ValueError("must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1")
    return box


_Share = Annotated[float, _between(0, 1)]
Box = Annotated[tuple[_Share, _Share, _Share, _Share], AfterValidator(_corners_in_order)]


def _ascending(times_s: tuple[float, ...]) -> tuple[float, ...]:
    if any(later <= earlier for earlier, later in pairwise(times_s)):
        raise ValueError("must be times in ascending order, each once")
    return times_s


_Onset = Annotated[float, _between(0, 600)]
Onsets = Annotated[tuple[_Onset, ...], Field(min_length=1, max_length=MAX_ONSETS), AfterValidator(_ascending)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Document):
    """One sound source.

    `box` is the bounding box (x0, y0, x1, y1) in fractions of the picture's width and height; None means not visible.
    `pan` is -1 (left) to 1 (right); None derives it from the box. Distances are in metres, gains in decibels. `take` is
    another take of this source alone. `twin` numbers the sources of the same words, so that each keeps its sound when
    their order changes; None counts them. `onsets_s` are the times at which a source that is not a bed sounds; None
    lets the seed choose. `height` is -1 (below) to 1 (above); None derives it from the box.
    """

    name: Annotated[str, _up_to(60, min_length=1), AfterValidator(_not_blank)]
    material: Annotated[str, _up_to(60)] = ""
    action: Annotated[str, _up_to(60)] = ""
    timbre: Annotated[tuple[Annotated[str, _up_to(30)], ...], Field(max_length=5)] = ()
    role: Role = "bed"
    box: Box | None = None
    distance_m: Annotated[float, _between(0.5, 1000)] = 5.0
    gain_db: Annotated[float, _between(-40, 12)] = 0.0
    pan: Annotated[float, _between(-1, 1)] | None = None
    mute: Annotated[bool, Field(strict=True)] = False
    evidence: Evidence = "inferred"
    confidence: _Share = 1.0
    instrument: Instrument = "none"
    take: Annotated[int, Field(strict=True, ge=0, le=999)] = 0
    twin: Annotated[int, Field(strict=True, ge=1, le=MAX_SOURCES)] | None = None
    onsets_s: Onsets | None = None
    height: Annotated[float, _between(-1, 1)] | None = None

    @model_serializer(mode="wrap")
    def _without_unused(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        unused = [name for name in _OPTIONAL if getattr(self, name) == type(self).model_fields[name].default]
        return {name: value for name, value in fields.items() if name not in unused}


def _is_one(version: Any) -> Any:
    if type(version) is not int:  # true and 1.0 equal 1
        raise ValueError("must be 1")
    return version


class Soundscape(_Document):
    """What would be heard in a picture: the scene, its mood, the acoustic space and 1 to 8 sources."""

    version: Annotated[Literal[1], BeforeValidator(_is_one)] = 1
    scene: Annotated[str, _up_to(300)] = ""
    mood: Annotated[str, _up_to(120)] = ""
    space: Space = "open"
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=MAX_SOURCES)]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the document, or its older form, from JSON text or from the bytes of a file.

        Raises SoundscapeError with one line per problem. Each line begins with the path of the field.
        """
        return cls.read(text)[0]

    @classmethod
    def read(cls, text: str | bytes) -> tuple[Self, str]:
        """Read like `from_json`. Also return a sentence that lists what was understood differently, "" for nothing."""
        given = json_text.decoded(text) if isinstance(text, bytes) else json_text.Reading(text)
        if len(given.data.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise SoundscapeError("The soundscape is longer than 64 KB. Shorten the texts.")
        reading = json_text.read(given.data)
        data = _from_older_form(reading.data) if _is_older_form(reading.data) else reading.data
        repairs = Repairs(cls.model_fields, Source.model_fields)
        document = cls._checked(repairs.of_document(data))
        return document, json_text.note_of((*given.repairs, *reading.repairs, *repairs.listed()))

    @classmethod
    def from_data(cls, data: Any) -> Self:
        """Return the document of JSON data that was read elsewhere. Raises SoundscapeError like `from_json`."""
        return cls._checked(Repairs(cls.model_fields, Source.model_fields).of_document(data))

    @classmethod
    def _checked(cls, data: Any) -> Self:
        try:
            # Validated as JSON, not as Python objects: lists may become tuples, but numbers are still checked strictly.
            return cls.model_validate_json(json.dumps(data))
        except RecursionError:
            raise SoundscapeError(json_text.TOO_DEEP) from None
        except ValidationError as error:
            raise SoundscapeError(_problems(error)) from None

    def to_json(self) -> str:
        """Return the document as indented JSON. `from_json` restores an equal document."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)


# Error messages ------------------------------------------------------------------------------------------------------

_WORDS = {
    "missing": "is required",
    "string_too_long": "must be at most {max_length} characters long",
    "string_too_short": "must not be empty",
    "less_than_equal": "must be at most {le:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be an object in braces",
    "model_attributes_type": "must be an object in braces",
    "string_unicode": "must be valid Unicode text",
}


def _is_echo(error: ErrorDetails) -> bool:
    """Return True if a list is reported as too short only because its entries are invalid and have their own errors."""
    return error["type"] == "too_short" and len(error["input"]) >= int(error["ctx"]["min_length"])


def _problems(error: ValidationError) -> str:
    problems = [each for each in error.errors() if not _is_echo(each)]
    more = [f"and {len(problems) - MAX_PROBLEMS} more problems"] if len(problems) > MAX_PROBLEMS else []
    return "\n".join([*map(_in_words, problems[:MAX_PROBLEMS]), *more])


def _in_words(error: ErrorDetails) -> str:
    path = _path(error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind == "json_invalid":  # our own JSON: one of two cases that only Python accepts
        return json_text.TOO_DEEP if "recursion" in error["msg"] else "The soundscape must be valid Unicode text."
    if kind == "extra_forbidden":
        return f"{path}: is not a known field{_nearest_field(error['loc'])}"
    if kind == "literal_error":
        return f"{path}: must be {_choices(error['loc'], context)}"
    if kind in ("too_long", "too_short"):
        limit = context.get("max_length", context.get("min_length"))
        bound = "at most" if kind == "too_long" else "at least"
        return f"{path}: must have {bound} {limit} {'entry' if limit == 1 else 'entries'}"
    if kind == "value_error":
        return f"{path}: {context['error']}"
    if error["loc"][-2:-1] == ("box",) and kind == "missing":
        return f"{path}: is required: a box is [x0, y0, x1, y1]"
    words = _WORDS.get(kind, error["msg"][:1].lower() + error["msg"][1:])
    return f"{path}: {words.format(**context)}"


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step[:MAX_STEP]}"
    return path.removeprefix(".") or "soundscape"


def _choices(location: tuple[int | str, ...], context: dict[str, Any]) -> str:
    options = {"space": Space, "role": Role, "evidence": Evidence, "instrument": Instrument}.get(str(location[-1]))
    return f"one of: {', '.join(get_args(options))}" if options else str(context["expected"])


_OFTEN_MEANT = dict.fromkeys(("volume", "level", "loudness", "gain"), "gain_db") | {
    "position": "pan",
    "onsets": "onsets_s",
    "times": "onsets_s",
    "elevation": "height",
    "distance": "distance_m",
    "bbox": "box",
    "type": "role",
    "title": "scene",
    "description": "scene",
}


def _nearest_field(location: tuple[int | str, ...]) -> str:
    model = Source if "sources" in location else Soundscape
    word, known = str(location[-1]), list(model.model_fields)
    meant = _OFTEN_MEANT.get(word)
    near = [meant] if meant in known else get_close_matches(word, known, n=1, cutoff=0.7)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"


# The older form ------------------------------------------------------------------------------------------------------

_OLDER_FIELDS = {"scene_description", "mood_description", "sound_sources", "objects"}
_OLDER_NAMES = ("name", "object", "object_name", "source", "label")


def _is_older_form(data: Any) -> bool:
    return isinstance(data, dict) and "sources" not in data and bool(_OLDER_FIELDS & data.keys())


def _from_older_form(data: dict[str, Any]) -> dict[str, Any]:
    """Convert the older form with `sound_sources[].variants[]` into ours: one source per variant."""
    key = "sound_sources" if "sound_sources" in data else "objects"
    things = data.get(key)
    if not isinstance(things, list):
        raise SoundscapeError(f"{key}: must be a list")
    sources, problems = [], []
    for index, thing in enumerate(things):
        if not isinstance(thing, dict):
            problems.append(f"{key}[{index}]: must be an object in braces")
            continue
        variants = thing.get("variants") or [{}]
        if not isinstance(variants, list) or not all(isinstance(variant, dict) for variant in variants):
            problems.append(f"{key}[{index}].variants: must be a list of objects in braces")
            continue
        sources += [_source_of_variant(thing, variant) for variant in variants]
    if problems:
        raise SoundscapeError("\n".join(problems))
    texts = {"scene": data.get("scene_description"), "mood": data.get("mood_description")}
    return {name: text for name, text in texts.items() if text is not None} | {"sources": sources}


def _source_of_variant(thing: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
    name = next((thing[key] for key in _OLDER_NAMES if key in thing), None)
    timbre = variant.get("timbre", [])
    if isinstance(timbre, str):
        timbre = [word.strip() for word in timbre.split(",") if word.strip()]
    fields = {
        "name": name,
        "material": thing.get("material"),
        "action": variant.get("play_method"),
        "timbre": timbre,
        "instrument": _instrument(variant.get("mapping_to_music_instrument")),
    }
    return {field: value for field, value in fields.items() if value is not None}


def _instrument(text: Any) -> str:
    words = str(text or "").lower()
    kinds = {"guitar": "guitar", "bass": "bass", "piano": "keyboard", "keyboard": "keyboard", "synth": "keyboard"}
    kinds |= {"drum": "drums", "percussion": "drums", "cymbal": "drums"}
    # "bass guitar" is a bass, but in "bass drum" the last noun decides.
    found = {words.rfind(word): kind for word, kind in kinds.items() if word in words}
    if "bass guitar" in words:
        return "bass"
    return found[max(found)] if found else "none"
