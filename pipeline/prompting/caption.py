"""The words of one source, joined to a caption that says nothing twice.

A caption is "{name} {of} {action} {material} {space}, {distance}, {timbre}". Each part is made after the parts before
it, and does not repeat them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..soundscape import Source
from .grammar import Grammar, is_same, trimmed, words_of

# A part of a phrase begins with one of these, or with a preposition.
_JOINTS = {"and", "or", "then", "as", "while", "but", "when"}
_VERB_OR_ADVERB = ("ing", "ed", "ly", "s")  # endings of an action of one word that is no adjective
_SHORT = 3  # letters of the longest name in capitals that is an abbreviation, as "TV"
_PLACES = 2  # so many "in the grass", "at the shore" are enough; a material would be one too many
_LONG_ACTION = 3  # words after which a caption is hard to read without a comma


def fields_of(source: Source, grammar: Grammar, *, distance: str, space: str) -> dict[str, str]:
    """Return the fields of a template. `distance` and `space` are the words for those of the source."""
    caption = _Caption(grammar)
    action, timbre = grammar.in_ing(_plain(source.action)), [*map(_plain, source.timbre)]
    if action and " " not in action and not action.endswith(_VERB_OR_ADVERB):  # "loud"
        action, timbre = "", [action, *timbre]
    name, action = caption.name_and_action(_plain(source.name), action)
    name, of, material = caption.material(_plain(source.material), name, action)
    space = caption.space(space, f"{name} {of} {action} {material}", action)
    distance = "" if grammar.says_distance(f"{name} {action}") else caption.new(distance)
    timbre = [caption.new(each) for each in timbre if not grammar.says_distance(each)]
    return {
        "name": grammar.with_articles(name),
        "of": of,
        "action": f", {action}" if grammar.begins_with_article(action) else action,
        "material": material,
        "space": space,
        "distance": distance,
        "timbre": _listed(filter(None, timbre)),
    }


def tags_of(text: str, fields: Iterable[str], grammar: Grammar) -> str:
    """Return the tags, separated by commas, that repeat no word of the fields."""
    caption = _Caption(grammar, said=grammar.stems_of(" ".join(fields)))
    return ",".join(map(caption.new, text.split(",")))


@dataclass
class _Caption:
    """The grammar, and the stems that a caption has said so far."""

    grammar: Grammar
    said: list[str] = field(default_factory=list)

    def new(self, text: str) -> str:
        """Return the text and note its words, or return nothing if it repeats a word."""
        before = len(self.said)
        for each in self.grammar.stems_of(text):
            if any(is_same(each, other) for other in self.said):
                del self.said[before:]
                return ""
            self.said.append(each)
        return text

    def _fresh(self, text: str) -> str:
        """Return the text without what was said: single words of its first part, and other parts as a whole."""
        borders = "|".join(sorted(self.grammar.words["prepositions"] - {"of", "to"} | _JOINTS))
        first, *others = re.split(rf"(?<=,)\s+|\s+(?=(?:{borders})\s)", text, flags=re.I)
        words = " ".join(filter(None, [*map(self.new, first.split()), *map(self.new, others)])).split()
        while words and words[0].lower() in _JOINTS:
            del words[0]
        return trimmed(" ".join(words))

    # Name and action

    def name_and_action(self, name: str, action: str) -> tuple[str, str]:
        """Return both without repetition: "birdsong", "singing" are "birds", "singing"."""
        if action:
            name, action = self._actor(name, action)
        name = " ".join(filter(None, map(self.new, name.split()))) or self.new(words_of(f"{name} sound")[0])
        action = self._fresh(action)
        if " " in name and self.grammar.is_verb(name.split()[-1]) and self.grammar.is_verb(action.split(" ")[0]):
            action = f"and {action}"  # "birds singing", "chirping"
        return name, action

    def _actor(self, name: str, action: str) -> tuple[str, str]:
        """Return who acts: "wood" of "wood creak" for "creaking", "heron" of "heron call" for "croaking"."""
        grammar = self.grammar
        verb, _, rest = action.partition(" ")
        is_doing = grammar.is_verb(verb) and not grammar.is_in("heard", verb)
        for sound, doer in grammar.doers.items():
            if is_doing and name.endswith(sound):
                return name.removesuffix(sound) + doer, action
        own = grammar.stems_of(verb)
        words = name.split()
        others = [word for word in words if not own or grammar.stems_of(word) != own]
        if not grammar.stems_of(" ".join(others)):
            return (verb, rest) if rest and grammar.is_verb(verb) else (name, action)  # "saw", "sawing in strokes"
        head, of, thing = name.partition(" of ")
        if of and is_doing and grammar.is_in("sounds", head):  # "low growl of a wolf"
            others = thing.split()
        elif is_doing and others == words and grammar.is_in("sounds", name):
            del others[-1]
        is_thing = bool(grammar.stems_of(" ".join(others))) and others[0].lower() not in grammar.words["prepositions"]
        return " ".join(others) if is_thing else name, action

    # Material and space

    def material(self, material: str, name: str, action: str) -> tuple[str, str, str]:
        """Return the name, and the material as a part of it ("of pine logs") or as the place of the action."""
        grammar = self.grammar
        head, tail = grammar.split(material)
        if grammar.is_in("implied", head) or not self.new(head):
            return name, "", self._place(self.new(tail), name, action)
        join, tail = self._join(head, name, action), self.new(tail)
        if join not in ("of", "with") and not tail:
            return name, "", self._place(f"{join} {head}".strip(), name, action)
        if join == "of" and name.endswith(tuple(grammar.doers.values())):
            return name, "", ""
        is_adjective = len(head.split()) <= 2 and head.split()[-1] in grammar.words["substances"] and name.isascii()
        if join == "of" and not tail and is_adjective:
            return self._with_adjective(head, name), "", ""
        join = "of" if join == "of" else "with"
        return name, f"{join} {grammar.with_articles(f'{head} {tail}'.strip())}", ""

    def _with_adjective(self, adjective: str, name: str) -> str:
        """Return the name with its material: "bronze church bell", "the old stone mill"."""
        words, before = name.split(), self.grammar.words["articles"] | self.grammar.words["adjectives"]
        first = next((i for i, word in enumerate(words) if word.lower() not in before and not word.isdigit()), 0)
        return " ".join([*words[:first], adjective, *words[first:]])

    def _join(self, head: str, name: str, action: str) -> str:
        """Return the preposition that the action, the name or the material asks for."""
        grammar = self.grammar
        thing = grammar.split(name)[0]
        if grammar.is_verb(thing.split()[-1]):  # "chopping"
            return "on"
        if grammar.is_in("with", head):
            return "with"
        for each in (*grammar.stems_of(action)[:1], *grammar.stems_of(thing)[-1:]):
            if each in grammar.joins:
                return grammar.joins[each]
        return "on" if grammar.is_in("on", head) else "of"

    def _place(self, text: str, name: str, action: str) -> str:
        """Return the place with its article, or nothing if enough places or one with its preposition were named."""
        named = self.grammar.prepositions_in(f"{name} {action}")
        first, _, thing = text.partition(" ")
        if len(named) >= _PLACES or first in named:
            return ""
        is_open = thing and action.split(" ")[-1] in self.grammar.words["transitive"]  # "breathing across"
        return self.grammar.with_articles(thing if is_open else text)

    def space(self, text: str, before: str, action: str) -> str:
        """Return the words of the space, after a comma if the caption is long."""
        if set(words_of(text)) <= set(words_of(before)):
            return ""
        is_long = len(self.grammar.prepositions_in(before)) >= _PLACES
        if not self.grammar.prepositions_in(text):  # "outdoors"
            words = words_of(action)
            is_long = len(words) > _LONG_ACTION or not self.grammar.words["prepositions"].isdisjoint(words)
        text = self.new(text)
        return f", {text}" if text and is_long else text


def _plain(text: str) -> str:
    """Return "Church Bell" and "CHURCH BELL" in lower case, but keep "TV" and "McLaren"."""
    text = trimmed(re.sub(r"\s*[/|]\s*", " and ", text).replace("_", " "))
    if text.isupper() and len(text) > _SHORT:
        return text.lower()
    return " ".join(word.lower() if word.istitle() else word for word in text.split())


def _listed(words: Iterable[str]) -> str:
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last
