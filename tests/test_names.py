"""Names of files: every script survives, and every system accepts them."""

import re
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pipeline.names import MAX_BYTES, MAX_CHARACTERS, folded, is_device, portable
from pipeline.results.result import is_name_of, is_stem, safe_name
from pipeline.soundscape import Source


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("हिन्दी", "हिन्दी"),
        ("ไทยน้ำ", "ไทยน้ำ"),
        ("தமிழ் நாடு", "தமிழ்_நாடு"),
        ("שָׁלוֹם", unicodedata.normalize("NFC", "שָׁלוֹם")),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("cafe\u0301", "caf\u00e9"),
        ("각\u200d", "각"),
        ("\u0301a", "a"),
        ("sea 🌊❤️ side", "sea_side"),
        ("👨‍👩‍👧", ""),
        ("photo\u202egpj", "photogpj"),
        ("\ufeffa\u00adb", "ab"),
        ("a. .", "a"),
        ("\udcff\udcfe.x", "x"),
        ("a" * 70, "a" * 60),
        ("𠀀" * 62, "𠀀" * 50),
        ("க்" * 40, "க்" * 30),
        ("a" + "\u0301" * 500, "á" + "\u0301" * 59),
    ],
)
def test_letters_and_marks_of_every_script_are_kept(text, name):
    assert portable(text) == name


@given(st.text(max_size=120))
def test_every_name_fits_and_is_its_own_name(text):
    name = portable(text)
    assert len(name) <= MAX_CHARACTERS and len(name.encode()) <= MAX_BYTES
    assert not name.startswith((".", "-", "_")) and not name.endswith((".", "-", "_", " "))
    assert regex.fullmatch(r"[\p{L}\p{M}\p{N}_.\u200c\u200d-]*", name)
    assert portable(name) == name
    stem = safe_name(text, "source")
    assert safe_name(stem, "") == stem and is_stem(f"01_{stem}.wav")


@given(st.text(st.characters(max_codepoint=127), max_size=100))
def test_ascii_names_are_those_of_earlier_versions(text):
    assert portable(text) == re.sub(r"[^\w.-]+", "_", text)[:60].strip("._-")
    assert safe_name(text, "") == re.sub(r"[^a-z0-9-]+", "_", text.lower())[:60].strip("_-")


def test_names_that_some_system_takes_for_the_same_are_folded():
    for one, other in (("É", "e\u0301"), ("Straße", "STRASSE"), ("ΐ", "\u0399\u0308\u0301"), ("İ", "i\u0307")):
        assert folded(one) == folded(other)
    assert folded("e") != folded("é")


def test_devices_of_windows_are_known():
    assert all(map(is_device, ("CON", "nul.tar", "COM¹", "LPT9", "Aux")))
    assert not any(map(is_device, ("com", "console", "lpt10", "")))


def test_only_names_of_stems_are_stems():
    assert is_stem("01_वर्षा_गिरना.wav") and is_stem("08_rain.wav")
    others = ("09_rain.wav", "01_Rain.wav", "01_../x.wav", "01_a b.wav", "01_.wav", "01_rain.mp3", "01_<b>.wav")
    for name in (*others, "01_a\u202e.wav"):
        assert not is_stem(name)


def test_stems_of_earlier_versions_still_belong_to_their_sources():
    source = Source(name="Vögel", action="rufen")
    assert is_name_of("01_vögel_rufen.wav", source) and is_name_of("01_vogel_rufen.wav", source)
    assert is_name_of("01_source.wav", Source(name="鳥", action="")) and not is_name_of("01_rain.wav", source)
