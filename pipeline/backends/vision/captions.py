"""English caption -> Soundscape, by rules.

Words are looked up in the catalogue of sounds and in the tagger's vocabulary, so all vision backends use the same words
for the same sounds. The rules for splitting a caption are in `captions.toml`.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import SoundscapeError
from ...kinds.catalogue import kind_of
from ...kinds.stemming import stem, tokens
from ...soundscape import Evidence, Soundscape, Source
from ...tagger.vocabulary import Setting, Sound, vocabulary
from .exclusions import is_excluded

MAX_SEEN = 5
MAX_INFERRED = 2
LIKELY = 0.6  # least weight of a sound in its setting for it to be inferred

_FILE = Path(__file__).with_name("captions.toml")


@dataclass(frozen=True)
class _Rules:
    breaks: frozenset[str]
    empty: frozenset[str]
    slips: frozenset[str]
    nouns: frozenset[str]
    people: frozenset[str]
    silent: frozenset[str]
    settings: dict[str, str]  # stem of a word -> key of a setting


def soundscape_of(caption: str, confidence: float = 1.0) -> Soundscape:
    """Return what would be heard in the scene of the caption. `confidence` is that of the caption.

    If the caption contains no known word, the only source is "soundscape of <caption>", which a text-to-audio model can
    use. Raises SoundscapeError if the caption is empty or names only music or speech.
    """
    caption = " ".join(word for word in caption.split() if word.lower() not in _rules().slips)
    if not tokens(caption):
        raise SoundscapeError("The model could not describe this picture. Try another picture or another model.")
    setting = _setting_of(caption)
    seen = _seen(caption, confidence)
    sources = seen + _inferred(setting, seen, confidence)
    if not sources:
        sources = [Source(name=_cut(f"soundscape of {caption}", 60), confidence=round(confidence, 2))]
    if is_excluded(sources[0]):
        raise SoundscapeError(
            "The model found only speech or music in this picture, which are not used as sound sources. "
            "Add sources yourself, or choose another picture."
        )
    scene = _cut(caption[0].upper() + caption[1:], 300)
    return Soundscape(scene=scene, space=setting.space if setting else "open", sources=tuple(sources))


def _seen(caption: str, confidence: float) -> list[Source]:
    """Return the sources that the caption names, one per kind."""
    found: dict[str, Source] = {}
    for name, action in _things(caption):
        named = Source(name=_cut(name, 60), action=_cut(action, 60))
        is_person = bool(_rules().people.intersection(tokens(name)))
        kind = kind_of(Source(name=named.action or "still") if is_person else named)
        if kind is None or kind.name in found or is_excluded(named):
            continue
        sound = _sounds_by_kind().get(kind.name)
        if sound is not None:
            source = _source(sound, named.name, named.action, "visible", confidence)
        else:
            usual = {"role": kind.role, "distance_m": kind.distance_m, "evidence": "visible"}
            source = named.model_copy(update=usual | {"confidence": round(confidence, 2)})
        found[kind.name] = source
    return list(found.values())[:MAX_SEEN]


def _inferred(setting: Setting | None, seen: list[Source], confidence: float) -> list[Source]:
    """Return other sources that are likely in this setting."""
    if setting is None:
        return []
    kinds = {_kind_name(source) for source in seen}
    likely = sorted(((weight, key) for key, weight in setting.sounds.items() if weight >= LIKELY), reverse=True)
    sources = []
    for weight, key in likely:
        source = _source(vocabulary().sounds[key], "", "", "inferred", weight * confidence)
        kind = _kind_name(source)
        if kind not in kinds:
            kinds.add(kind)
            sources.append(source)
    return sources[:MAX_INFERRED]


def _source(sound: Sound, name: str, action: str, evidence: Evidence, confidence: float) -> Source:
    words = sound.wording
    return Source(
        name=name or words.name,
        material=words.material,
        action=action or words.action,
        timbre=words.timbre,
        role=sound.role,
        distance_m=sound.distance_m,
        evidence=evidence,
        confidence=round(confidence, 2),
    )


def _things(caption: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the action of each thing, such as ("birds", "flying") or ("ocean", "")."""
    rules, action, is_silent = _rules(), "", False
    name: list[str] = []
    for word in [*tokens(caption), ""]:
        is_verb = word.endswith("ing") and word not in rules.nouns
        if is_verb and not name:  # "crashing waves"
            action = word
        elif is_verb or word in rules.breaks or not word:
            is_silent = is_silent or bool(rules.silent.intersection(name))
            if name and not is_silent:
                yield " ".join(name), word if is_verb else action
            is_silent = is_silent and word == "of"  # "a statue of a horse"
            name, action = [], ""
        elif word not in rules.empty:
            name.append(word)


def _setting_of(caption: str) -> Setting | None:
    """Return the first enclosed setting that the caption names, or else the first open one."""
    settings = vocabulary().settings
    keys = (_rules().settings.get(stem(word)) for word in tokens(caption))
    named = [settings[key] for key in keys if key is not None and key in settings]
    return min(named, key=lambda setting: setting.space == "open", default=None)


@cache
def _sounds_by_kind() -> dict[str, Sound]:
    """Return the tagger's sounds by kind, without those under water, which are muffled."""
    sounds: dict[str, Sound] = {}
    for sound in vocabulary().sounds.values():
        kind = kind_of(Source(name=sound.wording.name))
        if kind is not None and sound.where != "underwater":
            sounds.setdefault(kind.name, sound)
    return sounds


def _kind_name(source: Source) -> str:
    kind = kind_of(source)
    return kind.name if kind else source.name


@cache
def _rules() -> _Rules:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    settings = {stem(key): key for key in vocabulary().settings}
    settings |= {stem(word): key for key, words in table.pop("settings").items() for word in words}
    return _Rules(**{name: frozenset(words) for name, words in table.items()}, settings=settings)


def _cut(text: str, length: int) -> str:
    """Shorten a text to at most `length` characters, at a word boundary if possible."""
    if len(text) <= length:
        return text
    return text[: length + 1].rpartition(" ")[0] or text[:length]
