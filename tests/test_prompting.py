"""Each source gets a short caption of its own words, from an editable template."""

import re
from typing import get_args

import pytest

from pipeline import prompting
from pipeline.backends import AUDIO, EMBEDDED
from pipeline.errors import SoundscapeError
from pipeline.prompting import compile_prompt, negative_prompt, shorten
from pipeline.soundscape import Source, Space

MODELS = [name for name in AUDIO if name not in EMBEDDED]
RIVER = Source(
    name="river", material="water over stone", action="rushing", timbre=("bright", "broadband"), distance_m=6
)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@pytest.fixture
def prompts(tmp_path, monkeypatch):
    """An editable copy of prompts/."""
    for file in prompting.PROMPTS.glob("*.t*"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(prompting, "PROMPTS", tmp_path)
    return tmp_path


def test_a_caption_says_all_that_is_known_of_a_source():
    text = compile_prompt("audioldm2", RIVER, "forest").text
    assert text == "River rushing, water over stone, bright, broadband, nearby, in a forest"


@pytest.mark.parametrize("backend", MODELS)
def test_every_model_has_a_template_with_the_words_of_the_source(backend):
    prompt = compile_prompt(backend, RIVER, "forest")
    assert {"river", "rushing", "water", "stone", "bright", "broadband", "forest"} <= words(prompt.text)
    assert prompt.left_out == ()


@pytest.mark.parametrize("backend", MODELS)
@pytest.mark.parametrize("missing", ["material", "action", "timbre"])
def test_an_empty_field_leaves_no_trace(backend, missing):
    text = compile_prompt(backend, RIVER.model_copy(update={missing: () if missing == "timbre" else ""}), "cave").text
    assert not re.search(r",\s*,|\s,|,$|\s\s|[\[\]{}]", text)
    assert text[0].isupper()


@pytest.mark.parametrize("backend", MODELS)
def test_a_source_that_has_only_a_name_is_enough(backend):
    text = compile_prompt(backend, Source(name="wind"), "open").text
    assert text.startswith("Wind, nearby, outdoors")


@pytest.mark.parametrize("backend", MODELS)
def test_no_other_source_is_heard_of(backend, soundscape):
    for source in soundscape.sources:
        prompt = words(compile_prompt(backend, source, soundscape.space).text)
        for other in soundscape.sources:
            if other is not source:
                others = words(" ".join([other.name, other.material, other.action, *other.timbre]))
                assert not prompt & others


@pytest.mark.parametrize(
    ("distance_m", "phrase"),
    [(0.5, "close-up"), (3, "close-up"), (3.1, "nearby"), (20, "nearby"), (100, "some way off"), (600, "distance")],
)
def test_distance_is_said_in_words(distance_m, phrase):
    assert phrase in compile_prompt("audioldm2", Source(name="dog", distance_m=distance_m), "open").text


def test_every_space_is_said_in_words_of_its_own():
    said = {compile_prompt("audioldm2", Source(name="dog"), space).text for space in get_args(Space)}
    assert len(said) == len(get_args(Space))


def test_nothing_is_said_twice():
    source = Source(name="rushing water", material="water", action="rushing", distance_m=1)
    assert compile_prompt("audioldm2", source, "underwater").text == "Rushing water, close-up, underwater"


def test_what_a_person_writes_is_no_template():
    source = Source(name="{space} [x] %s", material=" wood,, ", action="\ncreaking.\t")
    text = compile_prompt("audioldm2", source, "room").text
    assert text == "{space} [x] %s creaking, wood, nearby, in a room"


def test_editing_a_template_changes_the_prompt(prompts):
    (prompts / "audioldm2.txt").write_text("# a note\nthe sound of {name}[ from {material}]\n")
    assert compile_prompt("audioldm2", RIVER, "cave").text == "The sound of river from water over stone"
    (prompts / "negative.txt").write_text("# a note\ncowbell\n")
    assert negative_prompt() == "cowbell"


def test_editing_the_phrases_changes_the_prompt(prompts):
    file = prompts / "phrases.toml"
    file.write_text(file.read_text().replace("in a cave", "in a grotto"))
    assert "in a grotto" in compile_prompt("audioldm2", RIVER, "cave").text


def test_a_mistake_in_a_template_is_named(prompts):
    (prompts / "audioldm2.txt").write_text("{nmae}")
    with pytest.raises(SoundscapeError, match=r"audioldm2.txt has an unknown field \{nmae\}.*\{name\}"):
        compile_prompt("audioldm2", RIVER, "open")
    (prompts / "audioldm2.txt").unlink()
    with pytest.raises(SoundscapeError, match="missing"):
        compile_prompt("audioldm2", RIVER, "open")


@pytest.mark.parametrize("text", ["[space", "", "distance = 3", "[[distance]]\nwords = 'near'\n[space]\nopen = ''"])
def test_a_mistake_in_the_phrases_is_told(prompts, text):
    (prompts / "phrases.toml").write_text(text)
    with pytest.raises(SoundscapeError, match=r"phrases.toml is not valid"):
        compile_prompt("audioldm2", RIVER, "cave")


def test_what_is_too_long_loses_whole_phrases_from_the_last_and_tells_them():
    prompt = compile_prompt("audioldm2", RIVER, "forest", fits=lambda text: len(text.split()) <= 6)
    assert prompt.text == "River rushing, water over stone"
    assert prompt.left_out == ("bright, broadband", "nearby", "in a forest")


def test_what_is_still_too_long_loses_whole_words():
    prompt = compile_prompt("audioldm2", Source(name="one two three four"), "open", fits=lambda text: len(text) <= 8)
    assert prompt.text == "One two"
    assert prompt.left_out == ("three four", "nearby", "outdoors")
    assert shorten("short enough", lambda text: True).left_out == ()


def test_the_negative_prompt_is_against_music_speech_and_noise():
    assert {"music", "singing", "speech", "noise", "low", "quality"} <= words(negative_prompt())
