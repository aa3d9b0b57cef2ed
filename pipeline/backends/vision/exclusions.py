"""Speech, singing and music, which are no sources of a soundscape; the words are in `exclusions.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...kinds.stemming import stem, tokens
from ...soundscape import Source

_FILE = Path(__file__).with_name("exclusions.toml")


@dataclass(frozen=True)
class _Words:
    always: frozenset[str]
    unless_spared: frozenset[str]
    spares: frozenset[str]


def is_excluded(source: Source) -> bool:
    """True when the name or the action speaks of speech, singing, music or an instrument."""
    words, said = _words(), {stem(word) for text in (source.name, source.action) for word in tokens(text)}
    return bool(said & words.always) or bool(said & words.unless_spared and not said & words.spares)


@cache
def _words() -> _Words:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return _Words(**{name: frozenset(stem(word) for word in words) for name, words in table.items()})
