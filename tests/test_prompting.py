"""Each source gets a short caption of its own words, in plain English, from an editable template."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import prompting
from pipeline.backends import AUDIO, EMBEDDED
from pipeline.errors import SoundscapeError
from pipeline.kinds.stemming import stem
from pipeline.prompting import compile_prompt, negative_prompt, shorten
from pipeline.soundscape import Source, Space

MODELS = [name for name in AUDIO if name not in EMBEDDED]
LIMITS = {"audioldm2": 77, "stable-audio-open": 128, "stable-audio-3": 256}  # tokens
TABLE = tomllib.loads(Path(__file__).with_name("captions.toml").read_text(encoding="utf-8"))["source"]
SOUNDS = tomllib.loads((Path(prompting.__file__).parents[1] / "tagger/sounds.toml").read_text(encoding="utf-8"))
GRAMMAR = tomllib.loads((prompting.PROMPTS / "grammar.toml").read_text(encoding="utf-8"))
FUNCTION_WORDS = {*GRAMMAR["function_words"], *GRAMMAR["prepositions"], *GRAMMAR["articles"]}
RIVER = Source(
    name="river", material="water over stone", action="rushing", timbre=("bright", "broadband"), distance_m=6
)


def tokens(text: str) -> int:
    """Return more tokens than a tokenizer makes: one per 3 bytes of a word, one per sign, one at each end."""
    signs = len(re.findall(r"[^\w\s]|_", text))
    return 2 + signs + sum(-(-len(word.encode()) // 3) for word in words_of(text))


def fits(backend: str) -> Callable[[str], bool]:
    return lambda text: tokens(text) <= LIMITS[backend]


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"['’]s\b", "", text.lower()))


def words(text: str) -> set[str]:
    return set(words_of(text))


def stems(text: str) -> list[str]:
    return [stem(word) for word in words_of(text) if word not in FUNCTION_WORDS]


def text_of(source: Source) -> str:
    return re.sub(r"[/|_]", " ", " ".join([source.name, source.material, source.action, *source.timbre]))


def caption(source: Source, space: Space = "open", backend: str = "audioldm2") -> str:
    return compile_prompt(backend, source, space).text


@pytest.fixture
def prompts(tmp_path, monkeypatch):
    """An editable copy of prompts/."""
    for file in prompting.PROMPTS.glob("*.t*"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(prompting, "PROMPTS", tmp_path)
    return tmp_path


# Captions ------------------------------------------------------------------------------------------------------------


def test_the_table_has_at_least_60_sources():
    assert len({str(row) for row in TABLE}) >= 60


@pytest.mark.parametrize("backend", MODELS)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"].strip()[:30])
def test_captions_read_as_people_write_them(backend, row):
    source = Source(**{name: value for name, value in row.items() if name in Source.model_fields and name != "timbre"})
    source = source.model_copy(update={"timbre": tuple(row.get("timbre", ()))})
    assert compile_prompt(backend, source, row["space"], fits=fits(backend)).text == row[backend]


@pytest.mark.parametrize("backend", MODELS)
def test_every_model_has_a_template_with_the_words_of_the_source(backend):
    prompt = compile_prompt(backend, RIVER, "forest")
    assert {"river", "rushing", "stone", "bright", "broadband", "forest"} <= words(prompt.text)
    assert prompt.left_out == ()


@pytest.mark.parametrize("backend", MODELS)
@pytest.mark.parametrize("missing", ["material", "action", "timbre"])
def test_an_empty_field_leaves_no_trace(backend, missing):
    text = caption(RIVER.model_copy(update={missing: () if missing == "timbre" else ""}), "cave", backend)
    assert not re.search(r",\s*,|\s,|,$|\s\s|[\[\]{}]", text)
    assert text[0].isupper()


@pytest.mark.parametrize("backend", MODELS)
def test_a_source_that_has_only_a_name_is_enough(backend):
    assert caption(Source(name="wind"), backend=backend).startswith("Wind outdoors, nearby")


@pytest.mark.parametrize("backend", MODELS)
def test_no_other_source_is_heard_of(backend, soundscape):
    for source in soundscape.sources:
        prompt = words(caption(source, soundscape.space, backend))
        for other in soundscape.sources:
            if other is not source:
                others = words(" ".join([other.name, other.material, other.action, *other.timbre]))
                assert not prompt & others


@pytest.mark.parametrize(
    ("distance_m", "phrase"),
    [(0.5, "close"), (3, "close"), (3.1, "nearby"), (20, "nearby"), (100, "at a distance"), (600, "in the distance")],
)
def test_distance_is_said_in_words(distance_m, phrase):
    assert caption(Source(name="dog", distance_m=distance_m)) == f"A dog outdoors, {phrase}"


def test_every_space_is_said_in_words_of_its_own():
    said = {caption(Source(name="dog"), space) for space in get_args(Space)}
    assert len(said) == len(get_args(Space))


def test_nothing_is_said_twice():
    source = Source(name="rushing water", material="water", action="rushing", distance_m=1)
    assert caption(source, "underwater") == "Water rushing underwater, close"
    for timbre in ("close", "distant", "far away", "water", "rush"):
        assert caption(source.model_copy(update={"timbre": (timbre,)}), "underwater").endswith(", close")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dog", "A dog"),
        ("owl", "An owl"),
        ("hourglass", "An hourglass"),
        ("hour-long storm", "An hour-long storm"),
        ("one-way street", "A one-way street"),
        ("unicycle", "A unicycle"),
        ("FM radio", "An FM radio"),
        ("11-metre boat", "An 11-metre boat"),
        ("rain", "Rain"),
        ("dogs", "Dogs"),
        ("bus", "A bus"),
        ("geese", "Geese"),
        ("the sea", "The sea"),
        ("his steps", "His steps"),
        ("12 bells", "12 bells"),
        ("rain on umbrella", "Rain on an umbrella"),
        ("cup and saucer", "A cup and saucer"),
        ("typing", "Typing"),
        ("building", "A building"),
        ("dog barking at cats", "A dog barking at cats"),
        ("people crossing a street", "People crossing a street"),
    ],
)
def test_articles(name, text):
    assert caption(Source(name=name), "cave").removesuffix(" in a cave, nearby") == text


def test_what_a_person_writes_is_no_template():
    source = Source(name="{space} [x] %s", material=" wood,, ", action="\ncreaking.\t")
    assert caption(source, "room") == "Wood {space} [x] %s creaking in a room, nearby"


# Properties ----------------------------------------------------------------------------------------------------------


def _field(name: str) -> list[str]:
    wordings = [each for sound in SOUNDS.values() for each in (sound, *sound.get("varies", ()))] + TABLE
    found = [wording[name] for wording in wordings if name in wording]
    return sorted({text for each in found for text in (each if isinstance(each, list) else [each])})


ANY = st.text(st.characters(categories=("L", "N", "P", "S", "Z"), max_codepoint=0xFFFF), max_size=30)
NOUNS = st.sampled_from(GRAMMAR["uncounted"] + GRAMMAR["singular"] + _field("name"))
VERBS = st.sampled_from(GRAMMAR["action"]["verbs"] + _field("action"))
PAIRS = st.lists(NOUNS | VERBS, min_size=2, max_size=4).map(" ".join)


def _texts(*choices: st.SearchStrategy[str], longest: int = 60) -> st.SearchStrategy[str]:
    return st.one_of(*choices, ANY, PAIRS).map(lambda text: text[:longest])


SOURCES = st.builds(
    Source,
    name=_texts(NOUNS).filter(str.strip),
    action=_texts(VERBS, st.just("")),
    material=_texts(NOUNS, st.sampled_from(_field("material"))),
    timbre=st.lists(_texts(st.sampled_from(_field("timbre")), longest=30), max_size=5).map(tuple),
    distance_m=st.floats(0.5, 1000),
)


@cache
def _own_words_of_prompts() -> frozenset[str]:
    """Return the stems that a caption may have beside those of its source."""
    templates = " ".join((prompting.PROMPTS / f"{name}.txt").read_text(encoding="utf-8") for name in MODELS)
    phrases = (prompting.PROMPTS / "phrases.toml").read_text(encoding="utf-8")
    doers = " ".join(GRAMMAR["doers"].values())
    return frozenset(stems(" ".join([re.sub(r"(?m)^#.*", "", templates), phrases, doers, "sound"])))


def check(source: Source, space: Space, backend: str) -> None:
    """Check that a caption is short and says nothing twice, nothing foreign, and nothing that is not wanted."""
    text = compile_prompt(backend, source, space, fits=fits(backend)).text
    assert text
    assert tokens(text) <= LIMITS[backend]
    found = stems(text)
    assert [each for each, count in Counter(found).items() if count > 1] == []
    for one, other in combinations(sorted(set(found), key=len), 2):  # "rain", "raindrop"
        is_part = other.startswith(one) or other.endswith(one)
        assert not (is_part and len(one) >= 4 and len(other) - len(one) >= 3), (one, other)
    own = text_of(source)
    assert set(found) <= {*stems(own), *stems(re.sub(r"\b(?=\W|$)", "ing", own)), *_own_words_of_prompts()}
    assert set(stems(negative_prompt(text))).isdisjoint(found)


@pytest.mark.parametrize("backend", MODELS)
@given(source=SOURCES, space=st.sampled_from(get_args(Space)))
def test_captions_of_all_sources_are_short_and_without_repetition(backend, source, space):
    check(source, space, backend)


@pytest.mark.parametrize("backend", MODELS)
@pytest.mark.parametrize("sound", SOUNDS)
def test_captions_of_the_tagger_are_short_and_without_repetition(backend, sound):
    plain = {name: SOUNDS[sound][name] for name in ("name", "material", "action", "timbre")}
    for change in ({}, *SOUNDS[sound].get("varies", ())):
        source = plain | {name: value for name, value in change.items() if name in plain}
        check(Source(**source | {"timbre": tuple(source["timbre"])}), "open", backend)


# Files in prompts/ ---------------------------------------------------------------------------------------------------


def test_editing_a_template_changes_the_prompt(prompts):
    (prompts / "audioldm2.txt").write_text("# a note\nthe sound of {name}[ {material}]\n")
    assert caption(RIVER, "cave") == "The sound of a river over stone"
    (prompts / "negative.txt").write_text("# a note\ncowbell\n")
    assert negative_prompt() == "cowbell"


def test_a_template_without_the_field_of_has_every_material(prompts):
    (prompts / "audioldm2.txt").write_text("{name}[ {action}][, {material}][, {timbre}][, {distance}][, {space}]")
    assert caption(RIVER, "forest") == "A river rushing, over stone, bright and broadband, nearby, in a forest"
    assert caption(Source(name="fire", material="pine logs"), "cave") == "A fire, of pine logs, nearby, in a cave"


def test_editing_the_phrases_changes_the_prompt(prompts):
    file = prompts / "phrases.toml"
    file.write_text(file.read_text().replace("in a cave", "in a grotto"))
    assert "in a grotto" in caption(RIVER, "cave")


def test_editing_the_grammar_changes_the_prompt(prompts):
    file = prompts / "grammar.toml"
    assert caption(Source(name="gloop"), "cave") == "A gloop in a cave, nearby"
    file.write_text(file.read_text().replace("uncounted = [", 'uncounted = ["gloop",'))
    assert caption(Source(name="gloop"), "cave") == "Gloop in a cave, nearby"


def test_a_mistake_in_a_template_is_named(prompts):
    (prompts / "audioldm2.txt").write_text("{nmae}")
    with pytest.raises(SoundscapeError, match=r"audioldm2.txt has an unknown field \{nmae\}.*\{name\}"):
        caption(RIVER)
    (prompts / "audioldm2.txt").unlink()
    with pytest.raises(SoundscapeError, match="missing"):
        caption(RIVER)


@pytest.mark.parametrize("text", ["[space", "", "distance = 3", "[[distance]]\nwords = 'near'\n[space]\nopen = ''"])
def test_a_mistake_in_the_phrases_is_told(prompts, text):
    (prompts / "phrases.toml").write_text(text)
    with pytest.raises(SoundscapeError, match=r"phrases.toml is not valid"):
        caption(RIVER, "cave")


@pytest.mark.parametrize("text", ["[joins", "", "articles = 3", "[joins]\non = 3"])
def test_a_mistake_in_the_grammar_is_told(prompts, text):
    (prompts / "grammar.toml").write_text(text)
    with pytest.raises(SoundscapeError, match=r"grammar.toml is not valid"):
        caption(RIVER, "cave")


# Limits --------------------------------------------------------------------------------------------------------------


def test_what_is_too_long_loses_whole_phrases_from_the_last_and_tells_them():
    prompt = compile_prompt("audioldm2", RIVER, "forest", fits=lambda text: len(text.split()) <= 6)
    assert prompt.text == "A river rushing over stone"
    assert prompt.left_out == ("in a forest", "nearby", "bright and broadband")


def test_what_is_still_too_long_loses_whole_words():
    prompt = compile_prompt("audioldm2", Source(name="big red bell tower"), "open", fits=lambda text: len(text) <= 9)
    assert prompt.text == "A big red"
    assert prompt.left_out == ("bell tower", "outdoors", "nearby")
    assert shorten("short enough", lambda text: True).left_out == ()


# Negative prompt -----------------------------------------------------------------------------------------------------


def test_the_negative_prompt_is_against_music_speech_and_faults():
    assert {"music", "vocals", "speech", "distorted", "static"} <= words(negative_prompt())


def test_the_negative_prompt_spares_what_a_caption_asks_for():
    assert words(negative_prompt()) - words(negative_prompt("A music box ringing in a room")) == {"music"}
    assert "static" not in negative_prompt(caption(Source(name="static noise")))
    birds = caption(Source(name="birdsong", action="singing", material="bird voice"))
    assert birds == "Birds singing outdoors, nearby"
    assert negative_prompt(birds) == negative_prompt()
    assert words(negative_prompt()).isdisjoint({"singing", "voice", "noise", "low", "quality", "hiss"})
