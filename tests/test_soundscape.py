"""The document: what it accepts, what it rejects, and the messages."""

import json
import math

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SoundscapeError
from pipeline.soundscape import MAX_BYTES, Soundscape, Source

from .support.documents import document_data

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def document(**fields) -> str:
    return json.dumps({"sources": [{"name": "river"} | fields]})


def problems(text: str) -> list[str]:
    with pytest.raises(SoundscapeError) as caught:
        Soundscape.from_json(text)
    return str(caught.value).splitlines()


def test_only_a_name_is_required_and_the_rest_has_its_defaults():
    soundscape = Soundscape.from_json('{"sources": [{"name": "river"}]}')
    assert (soundscape.version, soundscape.scene, soundscape.mood, soundscape.space) == (1, "", "", "open")
    assert soundscape.sources == (
        Source(
            name="river",
            material="",
            action="",
            timbre=(),
            role="bed",
            box=None,
            distance_m=5.0,
            gain_db=0.0,
            pan=None,
            mute=False,
            evidence="inferred",
            confidence=1.0,
            instrument="none",
        ),
    )


def test_the_round_trip_is_exact(soundscape):
    assert Soundscape.from_json(soundscape.to_json()) == soundscape
    assert Soundscape.from_json(soundscape.to_json()).to_json() == soundscape.to_json()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"gain_db": 12.1}, "sources[0].gain_db: must be at most 12"),
        ({"gain_db": -40.1}, "sources[0].gain_db: must be at least -40"),
        ({"distance_m": 0.4}, "sources[0].distance_m: must be at least 0.5"),
        ({"distance_m": 1001}, "sources[0].distance_m: must be at most 1000"),
        ({"distance_m": "5 m"}, "sources[0].distance_m: must be a number"),
        ({"pan": -1.5}, "sources[0].pan: must be at least -1"),
        ({"confidence": 1.01}, "sources[0].confidence: must be at most 1"),
        ({"name": ""}, "sources[0].name: must not be empty"),
        ({"name": "  "}, "sources[0].name: must not be blank"),
        ({"name": "x" * 61}, "sources[0].name: must be at most 60 characters long"),
        ({"material": "x" * 61}, "sources[0].material: must be at most 60 characters long"),
        ({"action": "x" * 61}, "sources[0].action: must be at most 60 characters long"),
        ({"timbre": ["x" * 31]}, "sources[0].timbre[0]: must be at most 30 characters long"),
        ({"timbre": ["x"] * 6}, "sources[0].timbre: must have at most 5 entries"),
        ({"timbre": "bright"}, "sources[0].timbre: must be a list"),
        ({"role": "loop"}, "sources[0].role: must be one of: bed, recurring, one-shot"),
        ({"evidence": "seen"}, "sources[0].evidence: must be one of: visible, inferred"),
        ({"instrument": "flute"}, "sources[0].instrument: must be one of: none, guitar, bass, keyboard, drums"),
        ({"mute": 1}, "sources[0].mute: must be true or false"),
        ({"box": [0, 0, 1]}, "sources[0].box[3]: is required: a box is [x0, y0, x1, y1]"),
        ({"box": [0, 0, 1, 1.2]}, "sources[0].box[3]: must be at most 1"),
        ({"box": [0.5, 0, 0.5, 1]}, "sources[0].box: must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1"),
        ({"box": [0, 0, 1, 1, 1]}, "sources[0].box: must have at most 4 entries"),
        ({"volume": 3}, "sources[0].volume: is not a known field; did you mean 'gain_db'?"),
        ({"gian_db": 3}, "sources[0].gian_db: is not a known field; did you mean 'gain_db'?"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_path_and_limit(fields, problem):
    assert problems(document(**fields)) == [problem]


def test_all_problems_are_told_at_once():
    text = json.dumps({"space": "moon", "sources": [{"name": "a", "gain_db": 99}, {"pan": 2}], "tempo": 3})
    assert problems(text) == [
        "space: must be one of: open, forest, street, courtyard, room, hall, cave, underwater",
        "sources[0].gain_db: must be at most 12",
        "sources[1].name: is required",
        "sources[1].pan: must be at most 1",
        "tempo: is not a known field; known are version, scene, mood, space, sources",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON yet (line 1, column 1)"),
        ('{"sources": [', "not JSON yet"),
        ("[]", "soundscape: must be an object in braces"),
        ("{}", "sources: is required"),
        ('{"sources": []}', "sources: must have at least 1 entry"),
        ('{"sources": [{"name": "a", "gain_db": NaN}]}', "NaN is not a number that JSON allows"),
        ('{"sources": [{"name": "a", "gain_db": Infinity}]}', "Infinity is not a number"),
        ('{"sources": [{"name": "a", "gain_db": 1e999}]}', "NaN is not"),
        ('{"sources": [{"name": "a", "name": "b"}]}', "name: is written twice"),
        ('{"sources": [{"name": "\\ud800"}]}', "valid Unicode"),
        ('{"version": 2, "sources": [{"name": "a"}]}', "version: must be 1"),
        ('{"version": true, "sources": [{"name": "a"}]}', "version: must be 1"),
        ('{"version": 1.0, "sources": [{"name": "a"}]}', "version: must be 1"),
        ("[" * 60_000, "nested too deeply"),
        ('{"sources": [{"name": "a", "gain_db": ' + "9" * 5000 + "}]}", "JSON"),
    ],
)
def test_what_is_no_document_is_refused_in_words(text, words):
    if "1e999" in text:
        words = "sources[0].gain_db: must be"
    assert words in "\n".join(problems(text))


def test_text_over_64_kb_is_refused_before_it_is_parsed():
    assert problems(" " * MAX_BYTES + "x") == ["The soundscape is longer than 64 KB. Shorten the texts."]


def test_nine_sources_are_one_too_many():
    text = json.dumps({"sources": [{"name": f"s{i}"} for i in range(9)]})
    assert problems(text) == ["sources: must have at most 8 entries"]


OLDER = {
    "scene_description": "An old workshop",
    "mood_description": "busy",
    "sound_sources": [
        {
            "name": "oak table",
            "material": "wood",
            "variants": [
                {"play_method": "knocking", "timbre": "dull, warm", "mapping_to_music_instrument": "bass drum"},
                {"play_method": "rubbing", "timbre": ["soft"], "mapping_to_music_instrument": "bass guitar"},
            ],
        },
        {"name": "window", "variants": [{"play_method": "rattling", "mapping_to_music_instrument": "none"}]},
    ],
}


@pytest.mark.parametrize("key", ["sound_sources", "objects"])
def test_the_older_form_gives_one_source_a_variant(key):
    older = {key if name == "sound_sources" else name: value for name, value in OLDER.items()}
    soundscape = Soundscape.from_json(json.dumps(older))
    assert (soundscape.scene, soundscape.mood) == ("An old workshop", "busy")
    assert [(each.name, each.action, each.timbre, each.instrument) for each in soundscape.sources] == [
        ("oak table", "knocking", ("dull", "warm"), "drums"),
        ("oak table", "rubbing", ("soft",), "bass"),
        ("window", "rattling", (), "none"),
    ]
    assert soundscape.sources[0].material == "wood"


def test_a_bad_older_form_is_told_by_its_own_fields():
    assert problems('{"objects": 3}') == ["objects: must be a list"]
    assert problems('{"objects": [3, {"variants": 1}]}') == [
        "objects[0]: must be an object in braces",
        "objects[1].variants: must be a list of objects in braces",
    ]


SCHEMA = Soundscape.model_json_schema()
PUBLISHED = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)  # made once: it takes longer than to validate


def test_the_strategy_knows_every_field_of_the_schema():
    schema = Soundscape.model_json_schema()
    PUBLISHED.check_schema(schema)
    assert set(schema["properties"]) == {"version", "scene", "mood", "space", "sources"}
    assert set(schema["$defs"]["Source"]["properties"]) == set(Source.model_fields)
    assert not schema["additionalProperties"] and not schema["$defs"]["Source"]["additionalProperties"]


@SLOW
@given(document_data)
def test_what_the_published_schema_allows_is_read_or_refused_for_what_a_schema_cannot_say(data):
    PUBLISHED.validate(data)
    try:
        soundscape = Soundscape.from_json(json.dumps(data))
    except SoundscapeError as error:
        cannot_say = ("must not be blank", "x0 < x1", "Unicode", "64 KB")
        assert all(any(words in line for words in cannot_say) for line in str(error).splitlines())
    else:
        assert Soundscape.from_json(soundscape.to_json()) == soundscape
        PUBLISHED.validate(json.loads(soundscape.to_json()))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(list(Source.model_fields)), inner),
)


@SLOW
@given(st.text() | json_values.map(json.dumps) | json_values.map(lambda value: json.dumps({"sources": [value]})))
def test_whatever_the_text_it_is_a_document_or_an_error_in_words(text):
    try:
        soundscape = Soundscape.from_json(text)
    except SoundscapeError as error:
        assert str(error).strip()
    else:
        assert all(math.isfinite(source.gain_db) for source in soundscape.sources)
