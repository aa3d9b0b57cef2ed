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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import SoundscapeError
from .kinds.stemming import stem
from .soundscape import Source, Space

PROMPTS = Path(__file__).parent.parent / "prompts"

_PHRASE = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")  # a phrase in brackets, or the text between two of them
_FIELD = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[^\W_]+")
_JOINTS = ("and", "or", "then", "as", "while", "but", "when")  # words between two parts of a phrase, beside prepositions
_PART = 4  # letters that a part of a compound has at least: "rain" in "raindrops", but no "owl" in "howling"
_REST = 3  # letters that the rest of it has at least: no "wind" in "window"
_PLURAL, _SINGULAR = "s", ("ss", "us", "is")  # endings of plurals, and of other nouns
_PLACES = 2  # so many "in the grass", "at the shore" are enough; a material would be one too many


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
    caption = _Caption(_grammar(_text("grammar.toml")))
    phrases = _phrases(template, _fields(source, space, caption, template), caption, backend)
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


def negative_prompt(caption: str = "") -> str:
    """Return what no sound may contain (music, speech, faults), from prompts/negative.txt.

    Phrases that share a word with the caption are left out, because the model would avoid what it is asked for.
    """
    wanted = set(map(stem, _words(caption)))
    phrases = _read("negative.txt").split(",")
    return ", ".join(phrase.strip() for phrase in phrases if not wanted & set(map(stem, _words(phrase))))


# Files ---------------------------------------------------------------------------------------------------------------


def _text(name: str) -> str:
    path = PROMPTS / name
    if not path.is_file():
        raise SoundscapeError(f"The file prompts/{name} is missing. Restore it.")
    return path.read_text(encoding="utf-8")


def _read(name: str) -> str:
    lines = (line.strip() for line in _text(name).splitlines())
    return " ".join(line for line in lines if line and not line.startswith("#"))


def _said_of_place(distance_m: float, space: Space) -> tuple[str, str]:
    try:
        phrases = tomllib.loads(_text("phrases.toml"))
        steps = [step for step in phrases["distance"] if distance_m <= step.get("up_to_m", float("inf"))]
        return str(steps[0]["words"]), str(phrases["space"][space])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # any mistake of an editor
        raise SoundscapeError(
            "The file prompts/phrases.toml is not valid: it must be TOML with the words for every distance and every "
            "space. Correct it, or restore the original."
        ) from error


@dataclass(frozen=True)
class _Grammar:
    """The lists of prompts/grammar.toml: `words` as they are written, `stems` of the words, `joins` by stem."""

    words: dict[str, frozenset[str]]
    stems: dict[str, frozenset[str]]
    joins: dict[str, str]
    doers: dict[str, str]
    same: dict[str, str]


@lru_cache(maxsize=4)
def _grammar(text: str) -> _Grammar:
    try:
        data: dict[str, Any] = tomllib.loads(text)
        lists = {name: each for name, each in data.items() if isinstance(each, list)}
        lists |= data["material"]
        lists |= data["action"]
        return _Grammar(
            words={name: frozenset(map(str.lower, each)) for name, each in lists.items()},
            stems={name: frozenset(map(stem, each)) for name, each in lists.items()},
            joins={stem(word): each for each, words in data["joins"].items() for word in words},
            doers={str(name): str(doer) for name, doer in data["doers"].items()},
            same={stem(word): stem(other) for word, other in data["same"].items()},
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SoundscapeError(
            "The file prompts/grammar.toml is not valid: a list or table is missing, or it is no TOML. Correct it, or "
            "restore the original."
        ) from error


# Fields --------------------------------------------------------------------------------------------------------------


def _fields(source: Source, space: Space, caption: "_Caption", template: str) -> dict[str, str]:
    """Return the fields of the template. A field does not repeat what an earlier one says."""
    distance, surroundings = _said_of_place(source.distance_m, space)
    name, action = caption.name_and_action(caption.plain(source.name), caption.plain(source.action))
    of, material = caption.material(caption.plain(source.material), name, action)
    timbre = [each for each in map(caption.plain, source.timbre) if not caption.is_nearness(each)]
    fields = {
        "name": caption.with_articles(name),
        "of": of,
        "action": f", {action}" if caption.is_article(action) else action,
        "material": material,
        "space": caption.space(surroundings, f"{name} {of} {action} {material}", action),
        "distance": "" if caption.is_nearness(f"{name} {action}") else caption.new(distance),
        "timbre": _listed(filter(None, map(caption.new, timbre))),
    }
    return fields if "{of}" in template else fields | {"material": of or material}


@dataclass
class _Caption:
    """The rules of the grammar, and the stems that a caption has said so far."""

    grammar: _Grammar
    said: list[str] = field(default_factory=list)

    # Words

    def plain(self, text: str) -> str:
        """Return "Church Bell" and "CHURCH BELL" in lower case, but keep "TV" and "McLaren"."""
        text = _trimmed(re.sub(r"[/|\\_]", " ", text))
        if text.isupper() and len(text) >= _PART:
            return text.lower()
        return " ".join(word.lower() if word.istitle() else word for word in text.split())

    def stems(self, text: str) -> list[str]:
        """Return the stems of a text without function words."""
        lists = self.grammar.words
        empty = lists["function_words"] | lists["prepositions"] | lists["articles"]
        stems = [stem(word) for word in _words(text) if word not in empty]
        return [self.grammar.same.get(each, each) for each in stems]

    def is_nearness(self, text: str) -> bool:
        return any(word in self.grammar.words["nearness"] for word in _words(text))

    def is_article(self, text: str) -> bool:
        return text.split(" ")[0].lower() in self.grammar.words["articles"]

    def _is_in(self, name: str, text: str) -> bool:
        """Return whether the last stem of a text, before "of" and "and", is in a list of the grammar."""
        stems = self.stems(re.split(r"\b(?:of|and|or)\b", text)[0])
        return bool(stems) and stems[-1] in self.grammar.stems[name]

    def _is_verb(self, word: str) -> bool:
        return word.endswith("ing") and word not in self.grammar.words["singular"]

    def _prepositions(self, text: str) -> list[str]:
        """Return the prepositions that have an object: two in "walking by on stone, in a hall"."""
        words, known = _words(text), self.grammar.words["prepositions"]
        return [word for word, following in zip(words, words[1:]) if word in known and following not in known]

    def _split(self, text: str) -> tuple[str, str]:
        """Split "water over stone" into the thing and the place."""
        words = text.split()
        borders = self.grammar.words["prepositions"] - {"of"}
        cut = next((place for place, word in enumerate(words) if place and word.lower() in borders), len(words))
        return " ".join(words[:cut]), " ".join(words[cut:])

    # Repetition

    def new(self, text: str) -> str:
        """Return the text and note its words, or return nothing if it repeats a word."""
        before = len(self.said)
        for each in self.stems(text):
            if any(_is_same(each, other) for other in self.said):
                del self.said[before:]
                return ""
            self.said.append(each)
        return text

    def _fresh(self, text: str) -> str:
        """Return the text without what was said: single words of its first part, and other parts as a whole."""
        borders = "|".join(sorted(self.grammar.words["prepositions"] - {"of", "to"} | set(_JOINTS)))
        first, *others = re.split(rf"(?<=,)\s+|\s+(?=(?:{borders})\s)", text, flags=re.I)
        words = " ".join(filter(None, [*map(self.new, first.split()), *map(self.new, others)])).split()
        while words and words[0].lower() in _JOINTS:
            del words[0]
        return _trimmed(" ".join(words))

    # Name and action

    def name_and_action(self, name: str, action: str) -> tuple[str, str]:
        """Return both without repetition: "birdsong", "singing" are "birds", "singing"."""
        action = self._in_ing(action)
        if action:
            name, action = self._actor(name, action)
        name = " ".join(filter(None, map(self.new, name.split()))) or self.new(_words(f"{name} sound")[0])
        action = self._fresh(action)
        if " " in name and self._is_verb(name.split()[-1]) and self._is_verb(action.split(" ")[0]):
            action = f"and {action}"  # "birds singing", "chirping"
        return name, action

    def _actor(self, name: str, action: str) -> tuple[str, str]:
        """Return who acts: "wood" of "wood creak" for "creaking", "heron" of "heron call" for "croaking"."""
        verb, _, rest = action.partition(" ")
        is_heard = self._is_verb(verb) and not self._is_in("heard", verb)
        for sound, doer in self.grammar.doers.items():
            if is_heard and name.endswith(sound):
                return name.removesuffix(sound) + doer, action
        own = self.stems(verb)
        others = [word for word in name.split() if not own or self.stems(word) != own]
        if not self.stems(" ".join(others)):
            return (verb, rest) if rest and self._is_verb(verb) else (name, action)  # "saw", "sawing in strokes"
        head, of, thing = name.partition(" of ")
        if of and is_heard and self._is_in("sounds", head):  # "low growl of a wolf"
            others = thing.split()
        elif is_heard and others == name.split() and self._is_in("sounds", name):
            del others[-1]
        is_thing = bool(self.stems(" ".join(others))) and not self._prepositions(others[0])
        return " ".join(others) if is_thing else name, action

    def _in_ing(self, action: str) -> str:
        """Return the action with its first verb in -ing: "flows past" is "flowing past"."""
        first, _, rest = action.partition(" ")
        for ending, plain in (("ies", "y"), ("es", ""), ("s", ""), ("", "")):
            verb = first.removesuffix(ending) + plain
            if first.endswith(ending) and verb in self.grammar.words["verbs"]:
                return f"{_ing(verb)} {rest}".strip()
        return action

    # Material and space

    def material(self, material: str, name: str, action: str) -> tuple[str, str]:
        """Return the material with its preposition: as a part of the name, or as the place of the action."""
        head, tail = self._split(material)
        if self._is_in("implied", head) or not self.new(head):
            return "", self._place(tail, name, action)
        join, tail = self._join(head, name, action), self.new(tail)
        if tail and join not in ("of", "with"):
            join = "with"
        if join not in ("of", "with"):
            return "", self._place(f"{join} {head}", name, action, is_new=False)
        if join == "of" and name.endswith(tuple(self.grammar.doers.values())):
            return "", ""
        return f"{join} {self.with_articles(f'{head} {tail}'.strip())}", ""

    def _join(self, head: str, name: str, action: str) -> str:
        """Return the preposition that the action, the name or the material asks for."""
        thing = self._split(name)[0]
        if self._is_verb(thing.split()[-1]):  # "chopping"
            return "on"
        if self._is_in("with", head):
            return "with"
        for each in (*self.stems(action)[:1], *reversed(self.stems(thing))):
            if each in self.grammar.joins:
                return self.grammar.joins[each]
        return "on" if self._is_in("on", head) else "of"

    def _place(self, text: str, name: str, action: str, *, is_new: bool = True) -> str:
        """Return the place with its article, or nothing if enough places or one with its preposition were named."""
        named = self._prepositions(f"{name} {action}")
        first, _, thing = text.partition(" ")
        if len(named) >= _PLACES or first in named or (is_new and not self.new(text)):
            return ""
        is_open = action.split(" ")[-1] in self.grammar.words["transitive"]  # "breathing across"
        return self.with_articles(thing if is_open else text)

    def space(self, text: str, before: str, action: str) -> str:
        """Return the words of the space, after a comma if the caption is long."""
        if set(_words(text)) <= set(_words(before)):
            return ""
        is_long = len(self._prepositions(before)) >= _PLACES
        if not self._prepositions(text):  # "outdoors"
            is_long = len(action.split()) > 3 or bool(self.grammar.words["prepositions"] & set(_words(action)))
        text = self.new(text)
        return f", {text}" if text and is_long else text

    # Articles

    def with_articles(self, text: str) -> str:
        """Return the text with an article before each thing that needs one."""
        borders = "|".join(sorted(self.grammar.words["prepositions"]))
        parts = re.split(rf"((?:^|\s)(?:{borders})\s)", text)
        return "".join(part if place % 2 else self._with_article(part) for place, part in enumerate(parts))

    def _with_article(self, text: str) -> str:
        words = _words(re.split(r"\s(?:and|or)\s|,", text)[0])
        if not words or not text.isascii() or not self._is_countable(words):
            return text
        return f"{'an' if self._begins_with_vowel(text) else 'a'} {text}"

    def _is_countable(self, words: list[str]) -> bool:
        lists = self.grammar.words
        nouns = [word for word in words[1:] if not self._is_verb(word)]
        last = nouns[-1] if nouns else words[0]
        if words[0].isdigit() or words[0] in lists["articles"] or {words[-1], last} & lists["uncounted"]:
            return False
        if last in lists["singular"]:
            return True
        return not (last.endswith(_PLURAL) and not last.endswith(_SINGULAR) or self._is_verb(last))

    def _begins_with_vowel(self, text: str) -> bool:
        word = text.split()[0]
        if word[:2].isupper() and len(word) > 1:  # letters that are spelt: an MRI scanner
            return word[0] in "AEFHILMNORSX"
        if word[0].isdigit():
            return re.match(r"8|1[18]\b", word) is not None
        lists = self.grammar.words
        return word in lists["an"] or (word[0].lower() in "aeiou" and not word.startswith(tuple(lists["a"])))


def _ing(verb: str) -> str:
    if re.search(r"^[^aeiou]*[aeiou][^aeiouwxy]$", verb):  # "tap", "chop"
        return f"{verb}{verb[-1]}ing"
    return f"{verb.removesuffix('e') if not verb.endswith(('ee', 'oe', 'ye')) else verb}ing"


def _is_same(one: str, other: str) -> bool:
    """Return whether two stems are equal, or one is a part of the other, as "bird" of "birdsong"."""
    short, long = sorted((one, other), key=len)
    if short == long:
        return True
    is_part = len(short) >= _PART and len(long) - len(short) >= _REST
    return is_part and (long.startswith(short) or long.endswith(short))


def _listed(words: Iterable[str]) -> str:
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last


# Sentence ------------------------------------------------------------------------------------------------------------


def _phrases(template: str, fields: dict[str, str], caption: _Caption, backend: str) -> list[_Phrase]:
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
            pattern = ",".join(filter(None, map(caption.new, pattern.split(","))))
            pattern = f", {pattern}" if match[1].startswith(",") and pattern else pattern
        phrases.append(_Phrase(_FIELD.sub(lambda field: fields[field[1]], pattern), is_optional))
    return phrases


def _sentence(phrases: list[_Phrase]) -> str:
    text = " ".join("".join(phrase.text for phrase in phrases).split())
    text = _trimmed(re.sub(r"\s*,(?:\s*,)*", ",", text))  # phrases left out can leave two commas side by side
    return text[:1].upper() + text[1:]


def _trimmed(text: str) -> str:
    return " ".join(text.split()).strip(" ,.;:")


def _words(text: str) -> list[str]:
    return _WORD.findall(re.sub(r"['’]s\b", "", text.lower()))
