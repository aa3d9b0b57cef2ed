"""Rules for single words and phrases of English: stems, verbs, prepositions, articles. The lists are in
prompts/grammar.toml.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..errors import SoundscapeError
from ..kinds.stemming import stem

_WORD = re.compile(r"[^\W_]+")
_LEAST_PART = 4  # letters of a part of a compound: "rain" in "raindrops", but no "owl" in "howling"
_LEAST_REST = 3  # letters of the rest of it: no "wind" in "window"
_PLURAL, _SINGULAR = "s", ("ss", "us", "is")  # endings of plurals, and of other nouns
_SPELT_WITH_VOWEL = "AEFHILMNORSX"  # letters whose names begin with a vowel: an MRI scanner


@dataclass(frozen=True)
class Grammar:
    """The lists of prompts/grammar.toml as they are written, and by stem."""

    words: dict[str, frozenset[str]]
    stems: dict[str, frozenset[str]]
    joins: dict[str, str]  # a stem, and the preposition that it asks for
    doers: dict[str, str]
    same: dict[str, str]

    def stems_of(self, text: str) -> list[str]:
        """Return the stems of a text without function words."""
        empty = self.words["function_words"] | self.words["prepositions"] | self.words["articles"]
        stems = [stem(word) for word in words_of(text) if word not in empty]
        return [self.same.get(each, each) for each in stems]

    def is_in(self, name: str, text: str) -> bool:
        """Return whether the last noun of a text, before any "of" or "and", is in a list."""
        stems = self.stems_of(re.split(r"\b(?:of|and|or)\b", text)[0])
        return bool(stems) and stems[-1] in self.stems[name]

    def is_verb(self, word: str) -> bool:
        """Return whether a word is a verb in -ing."""
        return word.endswith("ing") and word not in self.words["singular"]

    def begins_with_article(self, text: str) -> bool:
        return text.split(" ")[0].lower() in self.words["articles"]

    def says_distance(self, text: str) -> bool:
        return not self.words["nearness"].isdisjoint(words_of(text))

    def prepositions_in(self, text: str) -> list[str]:
        """Return the prepositions that have an object: two in "walking by on stone in a hall"."""
        words, known = words_of(text), self.words["prepositions"]
        return [word for word, following in pairwise(words) if word in known and following not in known]

    def split(self, text: str) -> tuple[str, str]:
        """Split "water over stone" into the thing and its place."""
        words, known = text.split(), self.words["prepositions"] - {"of"}
        cut = next((index for index, word in enumerate(words) if index and word.lower() in known), len(words))
        return " ".join(words[:cut]), " ".join(words[cut:])

    def in_ing(self, action: str) -> str:
        """Return the action with its first verb in -ing: "flies past" is "flying past"."""
        first, _, rest = action.partition(" ")
        for ending, plain in (("ies", "y"), ("es", ""), ("s", ""), ("", "")):
            verb = first.removesuffix(ending) + plain
            if first.endswith(ending) and verb in self.words["verbs"]:
                return f"{_ing(verb)} {rest}".strip()
        return action

    def with_articles(self, text: str) -> str:
        """Return the text with an article before each thing that needs one."""
        borders = "|".join(sorted(self.words["prepositions"]))
        parts = re.split(rf"((?:^|\s)(?:{borders})\s)", text)
        return "".join(part if index % 2 else self._with_article(part) for index, part in enumerate(parts))

    def _with_article(self, text: str) -> str:
        words = words_of(re.split(r"\s(?:and|or)\s|,", text)[0])
        if not words or not text.isascii() or text.split()[0].isdigit() or not self._is_countable(words):
            return text
        return f"{'an' if self._begins_with_vowel(text) else 'a'} {text}"

    def _is_countable(self, words: list[str]) -> bool:
        """Return whether the words name one thing. Both nouns decide in "people crossing a street"."""
        verb = next((index for index, word in enumerate(words) if index and self.is_verb(word)), len(words))
        ends_with_verb = verb == len(words) - 1 and words[verb] not in self.words["uncounted"]
        nouns = {words[verb - 1], words[verb - 1 if ends_with_verb else -1]}
        return words[0] not in self.words["articles"] and not any(map(self._is_uncounted, nouns))

    def _is_uncounted(self, noun: str) -> bool:
        if noun in self.words["uncounted"] | self.words["substances"]:
            return True
        is_plural = noun.endswith(_PLURAL) and not noun.endswith(_SINGULAR)
        return noun not in self.words["singular"] and (is_plural or self.is_verb(noun))

    def _begins_with_vowel(self, text: str) -> bool:
        word = text.split()[0]
        if word[:2].isupper() and len(word) > 1:
            return word[0] in _SPELT_WITH_VOWEL
        if word[0].isdigit():
            return re.match(r"8|1[18]\b", word) is not None
        return word.split("-")[0] in self.words["an"] or (
            word[0].lower() in "aeiou" and not word.startswith(tuple(self.words["a"]))
        )


_LISTS = (
    *("articles", "substances", "uncounted", "singular", "adjectives", "an", "a"),
    *("function_words", "prepositions", "nearness"),
    *("on", "with", "implied", "verbs", "sounds", "heard", "transitive"),
)


@lru_cache(maxsize=4)
def read_grammar(text: str) -> Grammar:
    """Return the grammar in the text of prompts/grammar.toml. Raises SoundscapeError if it is invalid."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
        lists: dict[str, list[str]] = {name: each for name, each in data.items() if isinstance(each, list)}
        lists |= data["material"] | data["action"]
        return Grammar(
            words={name: frozenset(map(str.lower, lists[name])) for name in _LISTS},
            stems={name: frozenset(map(stem, lists[name])) for name in _LISTS},
            joins={stem(word): join for join, words in data["joins"].items() for word in words},
            doers={str(name): str(doer) for name, doer in data["doers"].items()},
            same={stem(word): stem(other) for word, other in data["same"].items()},
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # any mistake of an editor
        raise SoundscapeError(
            "The file prompts/grammar.toml is not valid: it must be TOML with all lists and tables of the original. "
            "Correct it, or restore the original."
        ) from error


def is_same(one: str, other: str) -> bool:
    """Return whether two stems are equal, or one is a part of the other, as "bird" of "birdsong"."""
    short, long = sorted((one, other), key=len)
    if short == long:
        return True
    is_part = len(short) >= _LEAST_PART and len(long) - len(short) >= _LEAST_REST
    return is_part and (long.startswith(short) or long.endswith(short))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, split at hyphens."""
    return _WORD.findall(re.sub(r"['’]s\b", "", text.lower()))


def trimmed(text: str) -> str:
    """Return the text without spaces and punctuation at its ends."""
    return " ".join(text.split()).strip(" ,.;:")


def _ing(verb: str) -> str:
    if re.search(r"^[^aeiou]*[aeiou][^aeiouwxy]$", verb):  # "tap", "chop"
        return f"{verb}{verb[-1]}ing"
    return f"{verb if verb.endswith(('ee', 'oe', 'ye')) else verb.removesuffix('e')}ing"
