"""Excludes speech, singing and music from the sources of a soundscape. The words are in `exclusions.toml`."""

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
    """Return True if the name or the action means speech, singing, music or an instrument."""
    words, said = _words(), {stem(word) for text in (source.name, source.action) for word in tokens(text)}
    return bool(said & words.always) or bool(said & words.unless_spared and not said & words.spares)


@cache
def _words() -> _Words:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return _Words(**{name: frozenset(stem(word) for word in words) for name, words in table.items()})
