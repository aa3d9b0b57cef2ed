"""Captions become soundscapes by rules."""

import pytest

from pipeline.backends.vision.captions import MAX_INFERRED, MAX_SEEN, soundscape_of
from pipeline.errors import SoundscapeError
from pipeline.kinds.catalogue import kind_of
from pipeline.soundscape import Soundscape


def heard(caption, evidence="visible"):
    return [(source.name, source.action) for source in soundscape_of(caption).sources if source.evidence == evidence]


def test_nouns_and_verbs_become_sources():
    found = heard("a river flowing through a forest with birds flying over it")
    assert ("river", "flowing") in found and ("birds", "flying") in found


def test_a_verb_may_stand_before_its_noun():
    assert heard("crashing waves on a rocky shore") == [("waves", "crashing")]


def test_what_is_left_unsaid_comes_from_the_vocabulary_of_the_tagger():
    rain = soundscape_of("rain falling on a window", confidence=0.5).sources[0]
    assert (rain.name, rain.action, rain.evidence, rain.confidence) == ("rain", "falling", "visible", 0.5)
    assert rain.material and rain.timbre and rain.role == "bed"


def test_the_place_gives_the_space_and_what_is_likely_heard_there():
    street = soundscape_of("a horse drawn carriage on a cobblestone street")
    assert street.space == "street" and street.scene == "A horse drawn carriage on a cobblestone street"
    assert "footsteps" in [source.name for source in street.sources if source.evidence == "inferred"]
    assert soundscape_of("a kitchen with a kettle").space == "room"
    assert soundscape_of("a train next to a forest").space == "forest", "what encloses counts before open land"
    assert soundscape_of("a fire burning").space == "open"


def test_an_inferred_source_is_less_sure_and_no_kind_comes_twice():
    for caption in ("seagulls over the sea", "traffic on a busy street", "birds in a forest"):
        sources = soundscape_of(caption, confidence=0.8).sources
        kinds = [kind_of(source) for source in sources]
        assert len(kinds) == len(set(map(repr, kinds)))
        assert all(source.confidence <= 0.8 for source in sources)
        seen = [source for source in sources if source.evidence == "visible"]
        assert len(seen) <= MAX_SEEN and len(sources) - len(seen) <= MAX_INFERRED


def test_people_are_heard_by_what_they_do():
    assert heard("a group of people walking down a street")[0] == ("people", "walking")
    assert "man" not in dict(heard("a man sitting next to a river"))


def test_what_stands_still_or_is_only_painted_is_not_heard():
    assert "car" not in " ".join(dict(heard("a red car parked on the side of a road")))
    assert heard("a statue of a horse") == []


def test_nothing_known_gives_the_whole_caption_to_the_audio_model():
    found = soundscape_of("an abstract arrangement of very purple triangles")
    assert [source.name for source in found.sources] == ["soundscape of an abstract arrangement of very purple"]
    assert found.scene == "An abstract arrangement of very purple triangles"


def test_speech_and_music_are_left_out():
    names = [source.name for source in soundscape_of("a man playing a guitar next to a river").sources]
    assert "river" in names and "guitar" not in names
    with pytest.raises(SoundscapeError, match="only speech or music"):
        soundscape_of("a woman talking into a microphone")


def test_no_words_is_a_clear_error():
    for nothing in ("", "...", "arafed"):
        with pytest.raises(SoundscapeError, match="could not describe"):
            soundscape_of(nothing)


def test_any_caption_gives_a_document_that_can_be_edited():
    for caption in (
        "river " * 200,
        "##[unused] 12 %&",
        "a" * 500,
        "birds and cats and dogs and cows and rain and bees",
    ):
        found = soundscape_of(caption)
        assert Soundscape.from_json(found.to_json()) == found
