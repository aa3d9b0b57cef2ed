"""The words of a source select its kind, its material, its action and its qualities."""

import subprocess
import sys
import time
from importlib import import_module

import pytest

from pipeline.kinds.attributes import action_of, material, material_of, names, qualities_of
from pipeline.kinds.catalogue import all_kinds, kind_of
from pipeline.kinds.stemming import content, stem, tokens
from pipeline.procedural import describe_choice
from pipeline.procedural.models import model_of
from pipeline.soundscape import Source

KINDS = all_kinds()


def name_of(name: str, **fields) -> str:
    kind = kind_of(Source(name=name, **fields))
    return kind.name if kind else "generic"


def test_the_catalogue_is_large_and_every_kind_can_be_made():
    assert len(KINDS) >= 45
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        module, function = model_of(kind).function.split(".")
        assert callable(getattr(import_module(f"pipeline.procedural.{module}"), function))
        assert kind.role in ("bed", "recurring", "one-shot")
        assert -40 <= kind.level_db <= 15 and 0.5 <= kind.distance_m <= 1000


def test_no_phrase_means_two_kinds():
    owners: dict[frozenset, str] = {}
    for kind in KINDS:
        for phrase in kind.words:
            key = frozenset(map(stem, content(tokens(phrase))))
            assert owners.setdefault(key, kind.name) == kind.name, f"'{phrase}'"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_phrase_of_a_kind_finds_it(kind):
    assert [phrase for phrase in kind.words if name_of(phrase) != kind.name] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    {
        "creek": "stream",
        "mountain brook": "stream",
        "puppies": "dog",
        "locomotive": "train",
        "teacups": "dishes",
        "seabirds": "gulls",
        "waves on the shore": "sea_waves",
        "rain on a tin roof": "rain_roof",
        "raindrops on the window": "rain_window",
        "wind in the pines": "wind_trees",
        "fallen leaves": "dry_leaves",
        "distant thunder": "thunder",
        "campfire": "fire",
        "light aircraft": "propeller_plane",
        "snowstorm": "snow_wind",
        "motorboats": "motor_boat",
        "Old refrigerator": "refrigerator",
        "helicopters": "helicopter",
        "speedboat": "motor_boat",
        "ocean surf": "sea_waves",
    }.items(),
)
def test_synonyms_plurals_and_phrases_find_their_kind(name, kind):
    assert name_of(name) == kind


def test_the_last_noun_of_the_name_decides():
    assert name_of("car door") == "door"
    assert name_of("train horn") == "train_horn"
    assert name_of("birds over the sea") == "birdsong"
    assert name_of("dog by the river") == "dog"


def test_action_and_material_make_the_choice_finer():
    assert name_of("water") == "stream"
    assert name_of("water", action="dripping") == "dripping"
    assert name_of("rain", material="glass window") == "rain_window"
    assert name_of("leaves", action="blowing over the ground", timbre=("dry",)) == "dry_leaves"
    assert name_of("trees", action="swaying in the wind") == "wind_trees"


def test_a_material_alone_selects_nothing():
    assert name_of("thing", material="water over stone") == "generic"
    assert name_of("gizmo") == "generic"


def test_the_name_says_more_than_action_and_material():
    assert name_of("small waterfall", action="falling over a stone step") == "waterfall"
    assert name_of("mooring creak", material="rope and wooden hull") == "creak"
    assert name_of("river", action="running over stones", material="water, stones") == "river"
    assert name_of("dog", action="walking along the gravel path") == "dog"
    # If the name is unknown, the action decides.
    assert name_of("gizmo", action="dripping") == "dripping"


def test_a_boat_is_heard_by_what_it_does():
    assert name_of("rowing boat") == "lapping"
    assert name_of("rowing boat", action="creaking as it drifts", material="wood") == "creak"
    assert name_of("canoe", action="paddling by") == "splashing"
    assert name_of("ship") == name_of("ferry", action="crossing the bay") == "ship"
    assert name_of("ship horn") == name_of("ferry horn") == "ship_horn"


@pytest.mark.parametrize("name", ["smooth evening water", "calm lake", "still water", "lake water"])
def test_quiet_water_laps(name):
    assert name_of(name) == "lapping"


@pytest.mark.parametrize(
    ("name", "kind"),
    {
        "machine hum": "mains_hum",
        "fluttering wings": "wings",
        "fluttering cloth": "flag",
        "cloth rustle": "cloth",
        "pigeons": "pigeon",
        "wolves": "wolf",
        "howling wolf": "wolf",
    }.items(),
)
def test_hums_wings_cloth_and_wild_voices_are_known(name, kind):
    assert name_of(name) == kind


VOICELIKE = {"crowd", "children", "applause"}
PITCHED = {"church_bell", "small_bells", "wind_chime", "ship_horn", "train_horn", "car_horn", "birdsong"}


@pytest.mark.parametrize(
    "name",
    ["guitar", "piano", "violin", "trumpet", "church organ", "drum kit", "choir", "singer", "man singing", "music",
     "street musician", "speech", "person talking", "woman talking on the phone", "conversation", "radio"],
)  # fmt: skip
def test_music_and_speech_are_never_played(name):
    """Sources of music or speech get something neutral: cloth, a room or a soft texture."""
    chosen = name_of(name, action="playing" if "talk" not in name else "talking")
    assert chosen not in VOICELIKE | PITCHED
    assert chosen in ("generic", "room_tone", "cloth")


def test_many_people_murmur_and_one_person_does_not():
    assert name_of("people", action="talking in a cafe") == "crowd"
    assert name_of("person") == "cloth"
    assert name_of("woman", action="walking") == "steps_stone"


def test_the_choice_is_described():
    assert describe_choice(Source(name="creek")) == "stream (liquids)"
    assert describe_choice(Source(name="gizmo", material="metal", action="scraping")) == "generic (scrape, metal)"
    assert describe_choice(Source(name="gizmo")) == "generic (soft texture)"


@pytest.mark.parametrize(
    ("word", "same"),
    zip(
        ["leaves", "dripping", "waves", "buses", "berries", "hooves", "glasses", "rushing", "buzzing", "softly"],
        ["leaf", "drip", "wave", "bus", "berry", "hoof", "glass", "rush", "buzz", "soft"],
        strict=True,
    ),
)
def test_forms_of_a_word_share_a_stem(word, same):
    assert stem(word) == stem(same)


def test_materials_actions_and_timbres_are_understood():
    source = Source(name="old pot", material="cast iron", action="gently scraping", timbre=("bright", "very dense"))
    assert (material_of(source), action_of(source)) == ("metal", "scrape")
    qualities = qualities_of(source)
    assert qualities.brightness > 0.3 and qualities.density > 0.3 and qualities.roughness < -0.3
    assert qualities.speed == 0


@pytest.mark.parametrize("part", ["materials", "actions", "timbres"])
def test_every_entry_is_found_by_its_own_name(part):
    read = {
        "materials": lambda word: material_of(Source(name="thing", material=word)),
        "actions": lambda word: action_of(Source(name="thing", action=word)),
        "timbres": lambda word: (
            word if qualities_of(Source(name="thing", timbre=(word,))) != qualities_of(BARE) else ""
        ),
    }[part]
    assert [name for name in names(part) if read(name) != name] == []


BARE = Source(name="thing")


def test_unknown_words_do_nothing():
    strange = Source(name="thing", material="unobtainium", action="frobnicating", timbre=("mauve", "grommish"))
    assert qualities_of(strange) == qualities_of(BARE)
    assert (material_of(strange), action_of(strange)) == ("", "")
    assert material("unobtainium") == material("wood")


def test_a_lookup_is_quick_and_loads_no_numerics():
    code = (
        "import sys; from pipeline.kinds.catalogue import kind_of; from pipeline.soundscape import Source;"
        "assert kind_of(Source(name='dog')).name == 'dog'; print('numpy' in sys.modules, 'scipy' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split()[1] == "False"
    start = time.process_time()
    for number in range(100):
        kind_of(Source(name=f"thing {number}", action="rushing"))
    assert time.process_time() - start < 0.5
