"""Random documents for hypothesis, and the ways in which people and models write them."""

import json
import math
from typing import Any, get_args

from hypothesis import strategies as st

from pipeline.soundscape import Evidence, Instrument, Role, Space


def one_of(options) -> st.SearchStrategy[str]:
    return st.sampled_from(get_args(options))


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high) | st.integers(math.ceil(low), math.floor(high))


source_data = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=60)},
    optional={
        "material": st.text(max_size=60),
        "action": st.text(max_size=60),
        "timbre": st.lists(st.text(max_size=30), max_size=5),
        "role": one_of(Role),
        "box": st.none() | st.lists(number(0, 1), min_size=4, max_size=4),
        "distance_m": number(0.5, 1000),
        "gain_db": number(-40, 12),
        "pan": st.none() | number(-1, 1),
        "mute": st.booleans(),
        "evidence": one_of(Evidence),
        "confidence": number(0, 1),
        "instrument": one_of(Instrument),
    },
)
document_data = st.fixed_dictionaries(
    {"sources": st.lists(source_data, min_size=1, max_size=8)},
    optional={
        "version": st.just(1),
        "scene": st.text(max_size=300),
        "mood": st.text(max_size=120),
        "space": one_of(Space),
    },
)


class Loose:
    """Writes JSON data in one of the forms that are read generously."""

    comma, space, quotes, bare_keys = "", "", '""', False

    def __call__(self, data: Any) -> str:
        return self.value(data)

    def value(self, data: Any) -> str:
        if isinstance(data, dict):
            fields = [f"{self.space}{self.key(name)}{self.space}:{self.value(each)}" for name, each in data.items()]
            return "{" + ",".join(fields) + (self.comma if fields else "") + self.space + "}"
        if isinstance(data, list):
            return "[" + ",".join(map(self.value, data)) + (self.comma if data else "") + "]"
        return self.text(data) if isinstance(data, str) else self.other(data)

    def key(self, name: str) -> str:
        return name if self.bare_keys else self.text(name)

    def text(self, text: str) -> str:
        """Return a string in our quotes, with every other letter than those of ASCII escaped."""
        inside = json.dumps(text)[1:-1].replace('\\"', "\\u0022").replace("'", "\\u0027")
        return f"{self.quotes[0]}{inside}{self.quotes[1]}"

    def other(self, data: Any) -> str:
        return json.dumps(data)


class _Python(Loose):
    quotes = "''"

    def other(self, data: Any) -> str:
        return str(data)


class _Plus(Loose):
    def other(self, data: Any) -> str:
        is_positive = isinstance(data, int | float) and not isinstance(data, bool) and data > 0
        return f"+{json.dumps(data)}" if is_positive else json.dumps(data)


class _Fenced(Loose):
    def __call__(self, data: Any) -> str:
        return f'Sure! Here is {{it}}, "as": asked\n\n```json\n{self.value(data)}\n```\nAnything [else]?'


class _Chatty(Loose):
    def __call__(self, data: Any) -> str:
        return f"Here is your soundscape: {self.value(data)}\r\n\r\nIt's yours."


def _loose(base: type[Loose] = Loose, **options: Any) -> Loose:
    writer = base()
    vars(writer).update(options)
    return writer


# Form -> its writer, and what the note says.
LOOSE = {
    "trailing commas": (_loose(comma=",", space="\n"), "trailing commas"),
    "comments": (_loose(space="/* 'a', {b} */ // \"c\n"), "comments"),
    "single quotes": (_loose(quotes="''"), "single quotes"),
    "double curly quotes": (_loose(quotes="“”"), "typographic quotes"),
    "German quotes": (_loose(quotes="„“"), "typographic quotes"),
    "single curly quotes": (_loose(quotes="‘’"), "typographic quotes"),
    "bare names": (_loose(bare_keys=True), "field names without quotes"),
    "Python": (_loose(_Python), "single quotes"),
    "plus signs": (_loose(_Plus, comma=" ,"), "trailing commas"),
    "a fence": (_loose(_Fenced), "a code fence"),
    "prose": (_loose(_Chatty), "text around the object"),
    "all at once": (_loose(_Fenced, comma=",", space="/**/", quotes="“”", bare_keys=True), "a code fence"),
}


_LETTERS = [*"{}[]\"'“”‘’,:/*\\\n\r \t#+-.`$_\x00\x1c\u2028\ufeff\u00a0é٣"]
_WORDS = ["//", "/*", "*/", "```", "null", "None", "NaN", "Infinity", "0x1f", "1e999", ".5", "\\u12", "\\ud83d", "true"]
_PARTS = st.sampled_from([*_LETTERS, *_WORDS, "sources", '"name": "rain"', "9" * 30])


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """Return a document in a generous form after a few changes at random places."""
    write, _ = LOOSE[draw(st.sampled_from(list(LOOSE)))]
    text = write(draw(document_data))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 5)))
        text = text[:start] + draw(_PARTS | st.just("") | st.just(text[start : start + 40] * 2)) + text[end:]
    return text


document_text = _mutated() | st.lists(_PARTS, max_size=40).map("".join) | st.binary(max_size=60)
