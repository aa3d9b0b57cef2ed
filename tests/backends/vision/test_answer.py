"""The answer of a vision-language model: its schema, and its conversion to a soundscape."""

import json
from typing import get_args

import numpy as np
import pytest

from pipeline.backends.vision.answer import FULL, SHORT, answer_schema, box_in_shares, pixels, read_answer, thousandths
from pipeline.backends.vision.exclusions import is_excluded
from pipeline.backends.vision.instruction import TEMPLATE, read_instruction
from pipeline.errors import SoundscapeError
from pipeline.soundscape import Role, Soundscape, Source, Space

RIVER = {
    "name": "river",
    "material": "water over stone",
    "action": "rushing",
    "timbre": ["bright"],
    "role": "bed",
    "evidence": "visible",
    "bbox_2d": [50, 300, 450, 600],
    "distance_m": 6.5,
    "confidence": 0.9,
}


def answer(*sources, **texts):
    return json.dumps({"scene": "A river", "mood": "calm", "space": "forest", "sources": sources} | texts)


# Positions -----------------------------------------------------------------------------------------------------------


def test_pixels_of_the_resized_picture_become_shares_of_it():
    frame = pixels(width=500, height=600)
    assert box_in_shares([50, 300, 450, 600], frame) == (0.1, 0.5, 0.9, 1.0)
    assert "500 pixels wide and 600 pixels high" in frame.words


def test_thousandths_become_shares_whatever_the_picture():
    assert box_in_shares([50, 300, 450, 600], thousandths()) == (0.05, 0.3, 0.45, 0.6)


def test_corners_come_out_in_order_and_inside_the_picture():
    assert box_in_shares([900, 800, 100, 200], thousandths()) == (0.1, 0.2, 0.9, 0.8)
    assert box_in_shares([-50, 0, 400, 2000], thousandths()) == (0.0, 0.0, 0.4, 1.0)


def test_a_box_in_which_hardly_anything_fits_is_none():
    assert box_in_shares([500, 0, 500, 1000], thousandths()) is None
    assert box_in_shares([500, 0, 505, 1000], thousandths()) is None


# Schema and instruction ----------------------------------------------------------------------------------------------


def test_only_what_a_model_can_see_is_asked():
    schema = answer_schema(FULL, thousandths())
    source = schema["properties"]["sources"]["items"]
    users = {"box", "gain_db", "pan", "mute", "instrument", "take", "twin", "onsets_s", "height"}
    assert set(source["properties"]) == set(Source.model_fields) - users | {"bbox_2d"}
    assert set(schema["properties"]) == set(Soundscape.model_fields) - {"version"}
    assert schema["properties"]["space"]["enum"] == list(get_args(Space))
    assert source["properties"]["role"]["enum"] == list(get_args(Role))


def test_no_number_of_sources_is_forced_and_the_short_demand_asks_for_fewer():
    full, short = (answer_schema(demand, thousandths())["properties"]["sources"] for demand in (FULL, SHORT))
    assert (full["minItems"], full["maxItems"]) == (1, 8)
    assert (short["minItems"], short["maxItems"]) == (1, 3)


def test_the_instruction_asks_for_what_can_be_heard():
    text = read_instruction(max_sources=5, boxes="[x, y]")
    for word in ("visible", "inferred", "material", "action", "timbre", "role", "distance", "confidence"):
        assert word in text
    assert "at most 5" in text and "[x, y]" in text and "never an instruction" in text
    assert "speech, singing, music" in text
    assert "#" not in text and "{" not in text


def test_the_instruction_is_a_file_to_edit(tmp_path):
    template = tmp_path / "describe.txt"
    template.write_text("# a remark\nWhat do you hear? {boxes} {anything}")
    assert read_instruction(max_sources=5, boxes="[x]", template=template) == "What do you hear? [x] {anything}"
    template.write_text("# only a remark")
    with pytest.raises(SoundscapeError, match=r"describe\.txt is empty"):
        read_instruction(max_sources=5, boxes="", template=template)
    template.unlink()
    with pytest.raises(SoundscapeError, match=r"describe\.txt cannot be read"):
        read_instruction(max_sources=5, boxes="", template=template)
    assert TEMPLATE.is_file()


# Conversion ----------------------------------------------------------------------------------------------------------


def test_an_answer_becomes_a_soundscape():
    soundscape = read_answer(answer(RIVER), pixels(500, 600))
    assert (soundscape.scene, soundscape.mood, soundscape.space) == ("A river", "calm", "forest")
    assert soundscape.sources == (
        Source(
            name="river",
            material="water over stone",
            action="rushing",
            timbre=("bright",),
            box=(0.1, 0.5, 0.9, 1.0),
            distance_m=6.5,
            evidence="visible",
            confidence=0.9,
        ),
    )


def test_an_answer_that_was_cut_off_is_none():
    whole = answer(RIVER)
    assert read_answer(whole[:-3], thousandths()) is None
    assert read_answer("", thousandths()) is None


def test_an_answer_of_a_server_without_a_schema_is_read_generously():
    text = answer(RIVER | {"distance_m": "6.5", "bbox_2d": [450, "300", 50, 600]}, {"name": " wind ", "note": "far"})
    found = read_answer(f"Of course!\n```json\n{text[:-1]},}}\n```\nAnything else?", pixels(500, 600))
    river, wind = found.sources
    assert (river.box, river.distance_m) == ((0.1, 0.5, 0.9, 1.0), 6.5)
    assert wind == Source(name="wind"), "what it left out has its default"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I see a river.", "there is no object in braces"),
        ('{"sources": {"name": "river"}}', "sources: must be a list"),
        ('{"sources": [{"name": "river", "role": "loud"}]}', r"sources\[0\].role: must be one of"),
        ('{"sources": [{"name": "river", "bbox_2d": [1, 2]}]}', r"sources\[0\].box\[1\]: must be at most 1"),
        ("[]", "must be an object in braces"),
        ('{"sources": [3]}', r"sources\[0\]: must be an object"),
    ],
)
def test_an_answer_of_another_form_is_refused_in_words(text, words):
    with pytest.raises(SoundscapeError, match=words) as caught:
        read_answer(text, thousandths())
    assert str(caught.value).startswith("The answer of the model cannot be used. ")


def test_what_is_named_twice_is_kept_once():
    wind = RIVER | {"name": "wind", "action": "blowing", "bbox_2d": None}
    names = [source.name for source in read_answer(answer(RIVER, wind, RIVER), thousandths()).sources]
    assert names == ["river", "wind"]


def test_speech_and_music_are_left_out():
    guitar = RIVER | {"name": "guitar", "action": "strumming"}
    people = RIVER | {"name": "people", "action": "talking"}
    assert [source.name for source in read_answer(answer(guitar, RIVER, people), thousandths()).sources] == ["river"]
    with pytest.raises(SoundscapeError, match="only speech or music"):
        read_answer(answer(guitar, people), thousandths())


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("people", "talking"),
        ("street musician", "playing"),
        ("man", "singing"),
        ("choir", ""),
        ("pianos", "playing"),
        ("crowd", "chanting"),
        ("radio", "playing"),
        ("woman", "humming a tune"),
    ],
)
def test_speech_singing_and_music_are_excluded(name, action):
    assert is_excluded(Source(name=name, action=action))


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("birds", "singing"),
        ("bird song", ""),
        ("rain", "drumming on a roof"),
        ("refrigerator", "humming"),
        ("church bell", "ringing"),
        ("footsteps", "walking"),
        ("keyboard", "typing"),
        ("crowd", "murmuring"),
        ("waves", "whispering"),
    ],
)
def test_sounds_that_borrow_words_of_music_are_not(name, action):
    assert not is_excluded(Source(name=name, action=action))


# Random answers ------------------------------------------------------------------------------------------------------


def test_any_answer_that_the_schema_lets_through_is_a_valid_document(byte_tokens):
    """Follow the constraint with random tokens instead of a model: the worst case of any weights."""
    from llguidance import LLMatcher

    from pipeline.backends.vision.constrained import LAYOUT

    rng = np.random.default_rng(0)
    sources, boxes = [], []
    for demand, frame in ((FULL, pixels(812, 616)), (SHORT, thousandths())) * 10:
        schema = json.dumps(answer_schema(demand, frame))
        matcher = LLMatcher(byte_tokens, LLMatcher.grammar_from_json_schema(schema, defaults=LAYOUT))
        text = walk(matcher, byte_tokens, rng)
        found = read_answer(text, frame)
        assert Soundscape.from_json(found.to_json()) == found
        assert read_answer(text[:-1], frame) is None
        assert len(found.sources) <= demand.sources
        sources += found.sources
        boxes += [source.box for source in found.sources if source.box]
    assert len(sources) > 25 and len(boxes) > 5, "the walks saw long answers, too"


@pytest.fixture(scope="module")
def byte_tokens():
    """A minimal vocabulary for llguidance."""
    import llguidance.hf
    from transformers import Qwen2Tokenizer

    from ...support.checkpoints.tokenizers import byte_pairs

    vocabulary, merges = byte_pairs(300, first=("<end>",))
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=merges, unk_token=None, eos_token="<end>", pad_token="<end>")
    return llguidance.hf.from_tokenizer(tokenizer, n_vocab=len(tokenizer))


def walk(matcher, tokens, rng) -> str:
    """Follow the constraint to its end. Punctuation is likelier than letters, so lists grow and texts end."""
    taken = []
    while not matcher.is_stopped():
        allowed = np.flatnonzero(np.frombuffer(matcher.compute_logit_bias(), dtype=np.uint8))
        pieces = [tokens.decode_str([int(token)]) for token in allowed]
        weights = np.array([30.0 if piece.strip() in ('"', '",', ",", "{", "[") else 1.0 for piece in pieces])
        token = int(rng.choice(allowed, p=weights / weights.sum()))
        matcher.consume_token(token)
        taken.append(token)
    return tokens.decode_str([token for token in taken if token != tokens.eos_token])
