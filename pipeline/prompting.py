"""Soundscape and source -> the prompt of a text-to-audio model.

The wording is in prompts/, in one editable template per model. A prompt is a short caption, not an instruction. It
contains only the words of its own source, because a model that reads "birds" makes birds.

>>> rain = Source(name="rain", action="falling", material="tin roof", distance_m=2)
>>> compile_prompt("audioldm2", rain, "courtyard").text
'Rain falling, tin roof, close-up, in a courtyard'
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SoundscapeError
from .soundscape import Source, Space

PROMPTS = Path(__file__).parent.parent / "prompts"

_PHRASE = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")  # a phrase in brackets, or the text between two of them
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Prompt:
    """The text that the model reads, and the phrases that were left out because they exceed its limit."""

    text: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Phrase:
    text: str
    is_optional: bool


def compile_prompt(
    backend: str, source: Source, space: Space, *, fits: Callable[[str], bool] = lambda text: True
) -> Prompt:
    """Return the prompt of a source, from the template prompts/<backend>.txt.

    `fits` says whether a text is within the model's limit. Until it is, optional phrases are left out, last one first,
    and then words from the end. Raises SoundscapeError if a file in prompts/ is missing or invalid.
    """
    phrases = _phrases(_read(f"{backend}.txt"), _fields(source, space), backend)
    left_out: list[str] = []
    while not fits(_sentence(phrases)) and any(phrase.is_optional for phrase in phrases):
        last = max(place for place, phrase in enumerate(phrases) if phrase.is_optional)
        left_out.insert(0, _trimmed(phrases.pop(last).text))
    shortened = shorten(_sentence(phrases), fits)
    return Prompt(shortened.text, shortened.left_out + tuple(left_out))


def shorten(text: str, fits: Callable[[str], bool]) -> Prompt:
    """Return the longest beginning of a text, in whole words, that is within the model's limit."""
    words = text.split()
    count = len(words)
    while count > 1 and not fits(" ".join(words[:count])):
        count -= 1
    rest = " ".join(words[count:])
    return Prompt(_trimmed(" ".join(words[:count])) if rest else text, (rest,) if rest else ())


def negative_prompt() -> str:
    """Return what no sound may contain (music, speech, noise), from prompts/negative.txt."""
    return _read("negative.txt")


def _read(name: str) -> str:
    path = PROMPTS / name
    if not path.is_file():
        raise SoundscapeError(f"The file prompts/{name} is missing. Restore it.")
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return " ".join(line for line in lines if line and not line.startswith("#"))


def _fields(source: Source, space: Space) -> dict[str, str]:
    distance, surroundings = _said_of_place(source.distance_m, space)
    return {
        "name": _trimmed(source.name),
        "material": _trimmed(source.material),
        "action": _trimmed(source.action),
        "timbre": ", ".join(filter(None, map(_trimmed, source.timbre))),
        "distance": distance,
        "space": surroundings,
    }


def distance_limits_m() -> list[float]:
    """Return the distances beyond which a prompt has other words."""
    with _phrases_of_place() as phrases:
        return [float(step["up_to_m"]) for step in phrases["distance"] if "up_to_m" in step]


def _said_of_place(distance_m: float, space: Space) -> tuple[str, str]:
    with _phrases_of_place() as phrases:
        steps = [step for step in phrases["distance"] if distance_m <= step.get("up_to_m", float("inf"))]
        return str(steps[0]["words"]), str(phrases["space"][space])


@contextmanager
def _phrases_of_place() -> Iterator[dict[str, Any]]:
    try:
        yield tomllib.loads((PROMPTS / "phrases.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # any mistake of an editor
        raise SoundscapeError(
            "The file prompts/phrases.toml is not valid: it must be TOML with the words for every distance and every "
            "space. Correct it, or restore the original."
        ) from error


def _phrases(template: str, fields: dict[str, str], backend: str) -> list[_Phrase]:
    phrases: list[_Phrase] = []
    said: set[str] = set()
    for match in _PHRASE.finditer(template):
        is_optional = match[1] is not None
        pattern = match[1] if is_optional else match[2]
        names = _FIELD.findall(pattern)
        unknown = set(names) - fields.keys()
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise SoundscapeError(f"prompts/{backend}.txt has an unknown field {{{unknown.pop()}}}. Known are {known}.")
        words = {word for name in names for word in _words(fields[name])}
        if is_optional and names and words <= said:  # empty, or a repetition such as "river, river"
            continue
        said |= words
        phrases.append(_Phrase(_FIELD.sub(lambda field: fields[field[1]], pattern), is_optional))
    return phrases


def _sentence(phrases: list[_Phrase]) -> str:
    text = " ".join("".join(phrase.text for phrase in phrases).split())
    text = _trimmed(re.sub(r"\s*,(?:\s*,)*", ",", text))  # phrases left out can leave two commas side by side
    return text[:1].upper() + text[1:]


def _trimmed(text: str) -> str:
    return " ".join(text.split()).strip(" ,.;:")


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
