"""Soundscape and source -> the prompt of a text-to-audio model.

The wording is in prompts/: one editable template per model, phrases for distances and spaces, and a grammar. A prompt
reads as people caption recordings, not as an instruction. It contains only the words of its own source, because a model
that reads "birds" makes birds, and it says nothing twice.

>>> rain = Source(name="rain", action="falling", material="tin roof", distance_m=2)
>>> compile_prompt("audioldm2", rain, "courtyard").text
'Rain falling on a tin roof in a courtyard, close'
>>> negative_prompt("A music box ringing").split(", ")[:2]
['melody', 'vocals']
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..soundscape import Source, Space
from .caption import fields_of, tags_of
from .grammar import Grammar, read_grammar, trimmed

PROMPTS = Path(__file__).parents[2] / "prompts"

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
    template = _read(f"{backend}.txt")
    grammar = _grammar()
    distance, surroundings = _said_of_place(source.distance_m, space)
    fields = fields_of(source, grammar, distance=distance, space=surroundings)
    if "{of}" not in template:
        fields |= {"material": fields["of"] or fields["material"]}
    phrases = _phrases(template, fields, grammar, backend)
    left_out: list[str] = []
    while not fits(_sentence(phrases)) and any(phrase.is_optional for phrase in phrases):
        last = max(place for place, phrase in enumerate(phrases) if phrase.is_optional)
        left_out.insert(0, trimmed(phrases.pop(last).text))
    shortened = shorten(_sentence(phrases), fits)
    return Prompt(shortened.text, shortened.left_out + tuple(left_out))


def shorten(text: str, fits: Callable[[str], bool]) -> Prompt:
    """Return the longest beginning of a text, in whole words, that is within the model's limit."""
    words = text.split()
    count = len(words)
    while count > 1 and not fits(" ".join(words[:count])):
        count -= 1
    rest = " ".join(words[count:])
    return Prompt(trimmed(" ".join(words[:count])) if rest else text, (rest,) if rest else ())


def negative_prompt(caption: str = "") -> str:
    """Return what no sound may contain (music, speech, faults), from prompts/negative.txt.

    Phrases that share a word with the caption are left out, because the model would avoid what it is asked for.
    """
    grammar = _grammar()
    wanted = set(grammar.stems_of(caption))
    phrases = _read("negative.txt").split(",")
    return ", ".join(phrase.strip() for phrase in phrases if wanted.isdisjoint(grammar.stems_of(phrase)))


# Files ---------------------------------------------------------------------------------------------------------------


def _text(name: str) -> str:
    path = PROMPTS / name
    if not path.is_file():
        raise SoundscapeError(f"The file prompts/{name} is missing. Restore it.")
    return path.read_text(encoding="utf-8")


def _read(name: str) -> str:
    lines = (line.strip() for line in _text(name).splitlines())
    return " ".join(line for line in lines if line and not line.startswith("#"))


def _grammar() -> Grammar:
    return read_grammar(_text("grammar.toml"))


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
        yield tomllib.loads(_text("phrases.toml"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # any mistake of an editor
        raise SoundscapeError(
            "The file prompts/phrases.toml is not valid: it must be TOML with the words for every distance and every "
            "space. Correct it, or restore the original."
        ) from error


# Sentence ------------------------------------------------------------------------------------------------------------


def _phrases(template: str, fields: dict[str, str], grammar: Grammar, backend: str) -> list[_Phrase]:
    phrases: list[_Phrase] = []
    for match in _PHRASE.finditer(template):
        is_optional = match[1] is not None
        pattern = match[1] if is_optional else match[2]
        names = _FIELD.findall(pattern)
        unknown = set(names) - fields.keys()
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise SoundscapeError(f"prompts/{backend}.txt has an unknown field {{{unknown.pop()}}}. Known are {known}.")
        if is_optional and names and not any(fields[name] for name in names):
            continue
        if is_optional and not names:  # tags
            pattern = tags_of(pattern, [*fields.values(), *(phrase.text for phrase in phrases)], grammar)
        phrases.append(_Phrase(_FIELD.sub(lambda field: fields[field[1]], pattern), is_optional))
    return phrases


def _sentence(phrases: list[_Phrase]) -> str:
    text = " ".join("".join(phrase.text for phrase in phrases).split())
    text = trimmed(re.sub(r"\s*,(?:\s*,)*", ",", text))  # phrases left out can leave two commas side by side
    capital = text[:1].upper()
    return capital + text[1:] if capital.lower() == text[:1].lower() else text  # "ﬀ" has no capital
