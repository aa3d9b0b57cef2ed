"""Documents as people paste them: what is read generously, with which note, and what is refused at its line."""

import copy
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SoundscapeError
from pipeline.json_text import CutOffError, read
from pipeline.soundscape import MAX_BYTES, Soundscape

from .support.documents import LOOSE, document_data, document_text

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
RAIN = '{"sources": [{"name": "rain"}]}'


def source(fields: str) -> str:
    return f'{{"sources": [{{"name": "rain", {fields}}}]}}'


def problem(text: str | bytes) -> str:
    with pytest.raises(SoundscapeError) as caught:
        Soundscape.from_json(text)
    return str(caught.value)


# Any document, in any form -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", LOOSE)
@QUICK
@given(data=document_data)
def test_a_document_in_a_generous_form_is_the_same_as_in_strict_json(form, data):
    write, repair = LOOSE[form]
    try:
        strict = Soundscape.read(json.dumps(data))
    except SoundscapeError:
        with pytest.raises(SoundscapeError):
            Soundscape.read(write(data))
        return
    soundscape, note = Soundscape.read(write(data))
    assert soundscape == strict[0]
    assert repair in note or form == "plus signs"


@QUICK
@given(document_data, st.data())
def test_quoted_numbers_nulls_and_swapped_corners_mean_what_they_say(data, draw):
    loose = copy.deepcopy(data)
    for each in loose["sources"]:
        for name in ("distance_m", "gain_db", "pan", "confidence"):
            if isinstance(each.get(name), int | float) and draw.draw(st.booleans()):
                each[name] = json.dumps(each[name])
        if each.get("box"):
            x0, y0, x1, y1 = each["box"]
            each["box"] = [x1, y0, x0, y1]
        for name in ("material", "role", "gain_db", "mute", "take", "height"):
            each.setdefault(name, None)
    ordered = copy.deepcopy(data)
    for each in ordered["sources"]:
        if each.get("box"):
            x0, y0, x1, y1 = each["box"]
            each["box"] = [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]
    outcomes = []
    for form in (loose, ordered):
        try:
            outcomes.append(Soundscape.from_json(json.dumps(form)))
        except SoundscapeError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@QUICK
@given(data=document_data)
def test_a_file_in_any_unicode_encoding_is_read(encoding, data):
    text = json.dumps(data, ensure_ascii=False)
    outcomes = []
    for given_as in (text, text.encode(encoding)):
        try:
            outcomes.append(Soundscape.read(given_as))
        except SoundscapeError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


@settings(QUICK, max_examples=150)
@given(document_text)
def test_whatever_is_pasted_it_is_a_document_or_an_error_in_words(text):
    try:
        soundscape, _ = Soundscape.read(text)
    except SoundscapeError as error:
        assert str(error).strip() and "Traceback" not in str(error)
    else:
        assert Soundscape.from_json(soundscape.to_json()) == soundscape


# One note for the page -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (RAIN, ""),
        (f"\ufeff{RAIN}", ""),
        (f"// mine\n{RAIN}", "comments"),
        (f"```json\n{RAIN}\n```", "a code fence"),
        (f"``` {RAIN} ```", "a code fence"),
        (f"Here you are:\n{RAIN}\nEnjoy: it rains!", "text around the object"),
        (source('"gain_db": "-3"'), "a number in quotes"),
        (source('"gain_db": " -3.5 ", "box": ["0", 0, "1", 1], }'[:-1]), "trailing commas, 3 numbers in quotes"),
        (source('"box": [1, 0, 0.5, 1]'), "a box with its corners in another order"),
        (source('"role": null, "box": null'), "null where the default is meant"),
        (source('"mute": True'), "True, False or None as in Python"),
        (source('"distance_m": 0x10'), "numbers that are not written as in JSON"),
        (source('"material": "wa\\\nter"'), "escapes that only JavaScript has"),
        (source('"material": "a\ttab"'), "tabs or control characters in texts"),
        (source("'material': “wet”"), "single quotes, typographic quotes"),
        ("{sources: [{name: 'rain'}]}", "field names without quotes, single quotes"),
        ("{\"sound_sources\": [{'name': 'rain'}]}", "single quotes"),
    ],
)
def test_what_was_understood_differently_is_listed(text, note):
    soundscape, told = Soundscape.read(text)
    assert soundscape.sources[0].name == "rain"
    assert told == (note and f"Read with repairs: {note}.")


def test_the_values_are_those_that_were_meant():
    fields = "'gain_db': “-3”, distance_m: 0x10, pan: +.5, box: [.9, '0.2', 0.1, 1.], take: '7', mute: null"
    (rain,) = Soundscape.from_json(source(fields)).sources
    assert (rain.gain_db, rain.distance_m, rain.pan, rain.take, rain.mute) == (-3, 16, 0.5, 7, False)
    assert rain.box == (0.1, 0.2, 0.9, 1)


def test_windows_1252_is_read_with_a_note():
    text = source('"material": "rivière – “été”"')
    soundscape, note = Soundscape.read(text.encode("cp1252"))
    assert soundscape.sources[0].material == "rivière – “été”" and "Windows-1252" in note


@pytest.mark.parametrize("data", ["дождь идёт".encode("cp1251"), "河流".encode("gbk"), b"\xff\xd8\xff\xe0\x00\x10JFIF"])
def test_an_encoding_that_is_not_certain_is_refused(data):
    assert "Save it as UTF-8." in problem(b'{"sources": [{"name": "' + data + b'"}]}')


# What is refused, and where ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (f"{RAIN} x", (1, 33), "text after the closing brace"),
        (f"{RAIN}\n}}", (2, 1), "text after the closing brace"),
        (f"{RAIN}\n{RAIN}", (2, 1), "text after the closing brace"),
        (f'{RAIN}\n, "mood": "calm"', (2, 1), "text after the closing brace"),
        (f"```\n{RAIN}\n```\n```\n{RAIN}\n```", (5, 1), "a second object"),
        ('"mood": "calm",\n"sources": [{"name": "rain"}]', (1, 6), "text before the opening brace"),
        ("rain and wind", (1, 1), "no object in braces"),
        ("", (1, 1), "the text is empty"),
        ('{"mood": "calm"\n "sources": []}', (2, 2), 'a comma is missing before "sources"'),
        ('{"mood" "calm"}', (1, 9), 'a colon is missing before "calm"'),
        ('{"mood": }', (1, 10), "a value is missing before }"),
        ('{"mood": "calm",, "scene": ""}', (1, 17), "one comma too many"),
        ('{,"mood": ""}', (1, 2), "a field name is missing before ,"),
        ('{"mood": calm}', (1, 10), "put calm in quotes"),
        ('{"mood": "", mo-od: ""}', (1, 14), "put the field name mo-od in quotes"),
        ('{\n "mood": "calm,\n "scene": ""}', (2, 10), "no closing quote"),
        ('{“mood": ""}', (1, 2), "no closing quote of the same kind"),
        ('{"mood": "" /* never\nends }', (1, 13), "this comment has no end"),
        ('{"mood": [1, 2}', (1, 15), "this } does not match the [ of line 1"),
        (source('"gain_db": 03'), (1, 42), "03 is not a number"),
        (source('"gain_db": 1_0'), (1, 42), "1_0 is not a number"),
        (source('"gain_db": 1e999,'), (1, 42), "this number is too large"),
        (source(f'"gain_db": {"9" * 5000}'), (1, 42), "too long"),
        (source('"material": "\\u12",'), (1, 45), "four hexadecimal digits"),
        (source('"gain_db": 3; "pan": 0'), (1, 43), "; is not expected here"),
        (source('\n"gain_db": Infinity,'), (2, 12), "Infinity is not a number that JSON allows"),
        (source("pan: -NaN"), (1, 36), "-NaN is not a number that JSON allows"),
        (source('pan: 0, "p\\u0061n": 1'), (1, 39), "pan: is written twice"),
        (RAIN[:-2], (1, 30), "the text ends before the [ of line 1 is closed"),
    ],
)
def test_what_is_not_certain_is_refused_at_its_line(text, where, words):
    told = problem(text)
    assert words in told and f"(line {where[0]}, column {where[1]})" in told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ('"gain_db": "3 dB",', "sources[0].gain_db: must be a number"),
        ('"gain_db": "nan"', "sources[0].gain_db: must be a number"),
        ('"gain_db": "1e999"', "sources[0].gain_db: must be a number"),
        ('"gain_db": "0,5"', "sources[0].gain_db: must be a number"),
        ('"gain_db": "13"', "sources[0].gain_db: must be at most 12"),
        ('"take": "1.5"', "sources[0].take: must be a whole number"),
        ('"mute": "true"', "sources[0].mute: must be true or false"),
        ('"box": [0, 0, 0, 1]', "sources[0].box: must be [x0, y0, x1, y1] with x0 < x1 and y0 < y1"),
        ('"tempo": null,', "sources[0].tempo: is not a known field; did you mean"),
        ('"timbre": [null]', "sources[0].timbre[0]: must be a text"),
    ],
)
def test_repairs_end_where_the_meaning_is_not_certain(fields, told):
    assert told.removesuffix("; did you mean") in problem(source(fields))


def test_null_is_no_name_and_no_list():
    assert problem('{"sources": [{"name": null}]}') == "sources[0].name: is required"
    assert problem('{"sources": null}') == "sources: is required"


def test_only_an_end_that_is_missing_counts_as_cut_off():
    text = source("'material': “wet”, \"pan\": -0.25, timbre: ['a', true]")
    for end in range(len(text)):
        with pytest.raises(CutOffError):
            read(text[:end])
    with pytest.raises(SoundscapeError) as caught:
        read(text[:-3] + ")]}")
    assert type(caught.value) is SoundscapeError


HOSTILE = {
    "lists": "[" * MAX_BYTES,
    "objects": '{"a":' * 13_000,
    "backslashes": '{"' + '\\"' * 32_000,
    "unclosed quotes": "{" + '"\\' * 32_000,
    "curly quotes": "{" + "“" * 20_000,
    "unclosed comments": "{" + "/*/" * 21_000,
    "comments": "{a" + "/**/" * 16_000 + "}",
    "comments at each name": "{" + "".join(f"a{i}/**//**/:1," for i in range(3000)) + "}",
    "fences": "```" * 21_000,
    "fences of objects": "```json{" * 8_000,
    "fences and spaces": ("```" + " " * 1000) * 60 + "{",
    "values": "[" + "1," * 32_000 + "]",
    "names": "{" + ",".join(f"a{i}:1" for i in range(8_000)) + "}",
    "prose with quotes": RAIN + "\n" + "' " * 32_000,
    "one long word": "{" + "a" * 65_000 + ":1}",
    "one long number": "[0x" + "f" * 65_000 + "]",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_largest_hostile_text_takes_less_than_a_second(kind):
    start = time.process_time()
    try:
        Soundscape.from_json(HOSTILE[kind][:MAX_BYTES])
    except SoundscapeError as error:
        assert len(str(error)) < 20_000
    assert time.process_time() - start < 1


def test_deep_nesting_is_refused_in_words():
    assert "nested too deeply" in problem("{a:" * 1000)
    assert "nested too deeply" in problem('{"a":' * 30 + "1" + "}" * 30 + ",")
