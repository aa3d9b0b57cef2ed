"""The tagger: its vocabulary is consistent, and it gives a valid and honest answer for any picture."""

import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.backends.vision.tagger import Tagger
from pipeline.procedural import describe_choice
from pipeline.soundscape import Source
from pipeline.tagger import compose
from pipeline.tagger import vocabulary as reading
from pipeline.tagger.evidence import Seen
from pipeline.tagger.localise import box_of, box_of_thing, distance_of_thing, overlap
from pipeline.tagger.regions import analyse
from pipeline.tagger.vocabulary import VocabularyError, vocabulary

EXAMPLES = Path(__file__).parents[2] / "examples"
UNWANTED = {"music", "song", "singing", "melody", "guitar", "piano", "violin", "drum", "trumpet", "flute"}
UNWANTED |= {"speech", "speaking", "talk", "voice", "words"}


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger()


def example(name: str) -> Image.Image:
    with Image.open(EXAMPLES / f"{name}.jpg") as picture:
        return picture.convert("RGB")


@pytest.fixture(scope="module")
def described(tagger):
    """Return the description of an example, made once: described("meadow")."""
    return cache(lambda name: tagger.describe(example(name)))


def names(soundscape) -> str:
    return ", ".join(source.name for source in soundscape.sources)


# The vocabulary ------------------------------------------------------------------------------------------------------


def test_every_class_of_the_network_means_exactly_one_thing():
    words = vocabulary()
    counts = Counter(number for group in words.groups.values() for number in group.classes)
    assert len(words.labels) == len(set(words.labels)) == 1000
    assert set(counts) == set(range(1000))
    assert [words.labels[number] for number, count in counts.items() if count > 1] == []


def every_wording() -> list[tuple[str, Source]]:
    """Return every wording of every sound in the vocabulary as (key of the sound, source)."""
    return [
        (
            sound.key,
            Source(
                name=wording.name,
                material=wording.material,
                action=wording.action,
                timbre=wording.timbre,
                role=sound.role,
                distance_m=sound.distance_m,
            ),
        )
        for sound in vocabulary().sounds.values()
        for wording in (sound.wording, *(wording for _, wording in sound.varies))
    ]


def test_every_wording_is_a_valid_source():
    for key, source in every_wording():
        assert source.material and source.action and source.timbre, key


def test_the_synthesiser_knows_what_is_meant_by_every_wording():
    for key, source in every_wording():
        assert "soft texture" not in describe_choice(source), (key, source)


def test_nothing_in_the_vocabulary_plays_music_or_speaks():
    for sound in vocabulary().sounds.values():
        for wording in (sound.wording, *(wording for _, wording in sound.varies)):
            spoken = f"{wording.name} {wording.material} {' '.join(wording.timbre)}".lower().split()
            assert not set(spoken) & UNWANTED, sound.key


def test_every_condition_names_a_look_or_a_setting(tagger):
    words = vocabulary()
    known = set(analyse(Image.new("RGB", (64, 48))).looks) | {
        "outdoors",
        "shore",
        "bloom",
        "thing",
        "anything",
        "daylight",
    }
    in_looks = [name for setting in words.settings.values() for look in setting.looks for name in look]
    in_needs = [name for setting in words.settings.values() for name in setting.needs]
    assert set(in_looks + in_needs) <= known
    phrases = words.phrases
    listed = [*phrases.sky, *phrases.light, *phrases.tail, *phrases.tone]
    in_phrases = [name for phrase in listed for name in phrase.when]
    in_sounds = [name for sound in words.sounds.values() for when, _ in sound.varies for name in when]
    assert set(in_phrases + in_sounds) <= known | set(words.settings)


def test_every_sound_can_be_reached_and_every_region_exists():
    words = vocabulary()
    reached = {key for group in words.groups.values() for key in (*group.heard, *group.vaguely_heard, *group.around)}
    reached |= {key for setting in words.settings.values() for key in setting.sounds}
    assert set(words.sounds) - reached == set()
    masks = analyse(Image.new("RGB", (64, 48))).masks
    assert {sound.region for sound in words.sounds.values() if sound.region} <= set(masks)


def test_every_list_of_phrases_ends_with_one_that_always_holds():
    phrases = vocabulary().phrases
    for listed in (phrases.sky, phrases.light, phrases.tail, phrases.tone):
        assert not listed[-1].when


def test_an_edit_of_the_vocabulary_is_heard_and_a_slip_is_named(tmp_path, tagger, monkeypatch):
    for file in reading.FOLDER.glob("*.t*t"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    for file in reading.FOLDER.glob("*.toml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    sounds = tmp_path / "sounds.toml"
    sounds.write_text(
        sounds.read_text(encoding="utf-8").replace('name = "sea waves"', 'name = "surf"'), encoding="utf-8"
    )
    edited = reading.read(tmp_path)
    monkeypatch.setattr("pipeline.tagger.compose.vocabulary", lambda: edited)
    assert "surf" in names(tagger.describe(example("dusk_beach")))

    classes = tmp_path / "classes.toml"
    classes.write_text(classes.read_text(encoding="utf-8").replace('"tabby cat', '"tabby kat'), encoding="utf-8")
    with pytest.raises(VocabularyError, match="no class 'tabby kat'"):
        reading.read(tmp_path)


# Plain pictures ------------------------------------------------------------------------------------------------------


PAINTED = {
    "dusk_beach": "sea",
    "mountain_lake": "lake",
    "harbour": "water",
    "campfire": "fire",
    "meadow": "grass",
    "forest_stream": "trees",
    "rainy_street": "traffic",
    "kitchen_morning": "dishes",
}


@pytest.mark.parametrize(("name", "expected"), PAINTED.items())
def test_the_painted_examples_are_heard_right(described, name, expected):
    soundscape = described(name)
    assert expected in names(soundscape), names(soundscape)


def centre(soundscape, word: str) -> tuple[float, float]:
    source = next(source for source in soundscape.sources if word in source.name)
    assert source.box is not None and source.evidence == "visible"
    x0, y0, x1, y1 = source.box
    return (x0 + x1) / 2, (y0 + y1) / 2


def test_sounds_get_boxes_where_they_come_from(described):
    assert centre(described("campfire"), "fire") == pytest.approx((0.5, 0.75), abs=0.2)
    assert centre(described("mountain_lake"), "lake")[1] > 0.6
    assert centre(described("kitchen_morning"), "dishes")[1] > 0.55


def test_a_mirrored_picture_gets_mirrored_boxes(tagger):
    picture = example("campfire").crop((0, 0, 3 * example("campfire").width // 4, example("campfire").height))
    across, down = centre(tagger.describe(picture), "fire")
    mirrored = tagger.describe(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert across > 0.5
    assert centre(mirrored, "fire") == pytest.approx((1 - across, down), abs=0.1)


def test_what_is_out_of_place_is_not_heard(tagger):
    camp = example("campfire")
    width, height = camp.size
    views = [
        camp,
        camp.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        camp.resize((width // 3, height // 3)),
        camp.crop((width // 10, height // 10, width, height)),
    ]
    for view in views:
        heard = names(tagger.describe(view))
        assert heard.startswith("fire") and not set(heard.split(", ")) & {"rocket", "machine hum"}, heard


def test_the_box_of_a_fire_holds_the_flames_and_not_the_tent_that_they_light(described):
    fire = described("campfire").sources[0]
    x0, y0, x1, _ = fire.box
    assert x0 > 0.42 and x1 < 0.6 and y0 > 0.55  # the right end of the tent is at 0.35


def lake_at(top: tuple[int, int, int], horizon: tuple[int, int, int], shore_px: int = 6) -> Image.Image:
    """Paint a sky with a colour gradient, a dark far shore and still water that mirrors the sky."""
    height, width = 300, 450
    down = np.linspace(0, 1, 200)[:, None]
    sky = np.array(top) * (1 - down) + np.array(horizon) * down
    rows = np.concatenate([sky, np.tile([50, 45, 70], (shore_px, 1)), 0.9 * sky[::-1][: height - 200 - shore_px]])
    grain = np.random.default_rng(3).normal(0, 1.5, (height, width, 1))
    return Image.fromarray(np.clip(rows[:, None] + grain, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("top", "horizon"),
    [
        ((95, 90, 180), (245, 190, 205)),
        ((25, 50, 95), (70, 110, 150)),
        ((150, 150, 152), (190, 190, 192)),
        ((8, 9, 14), (22, 24, 34)),
    ],
    ids=["pink dusk", "blue hour", "fog", "night"],
)
def test_dusk_fog_and_night_are_not_described_as_a_clear_day(tagger, top, horizon):
    soundscape = tagger.describe(lake_at(top, horizon))
    described = soundscape.scene.lower()
    assert not any(word in described for word in ("daylight", "bright", "blue sky", "clear", "full light", "by day")), (
        described
    )
    assert "waves" not in names(soundscape) and "gull" not in names(soundscape)


@pytest.mark.parametrize(
    ("top", "horizon"), [((95, 90, 180), (245, 190, 205)), ((80, 80, 150), (210, 180, 220))], ids=["pink", "violet"]
)
def test_still_water_is_a_lake_with_a_far_shore_and_a_calm_sea_without(tagger, top, horizon):
    assert "lake water" in names(tagger.describe(lake_at(top, horizon, shore_px=12)))
    sea = tagger.describe(lake_at(top, horizon, shore_px=0))
    assert "sea waves" in names(sea) and "lake" not in names(sea) + sea.scene.lower()


def test_a_bell_that_is_only_suspected_is_far_off_and_not_seen():
    words = vocabulary()
    chances = np.zeros(1000, np.float32)
    chances[[words.labels.index("bell-cot"), words.labels.index("palace")]] = 0.34, 0.3
    seen = Seen(chances, np.tile(chances[:, None, None], (1, 8, 8)), chances[:, None])
    soundscape = compose.describe(lake_at((70, 130, 215), (190, 220, 245)), seen)
    bell = next(source for source in soundscape.sources if "bell" in source.name)
    assert bell.name == "distant bell" and "monument" in soundscape.scene
    assert bell.evidence == "inferred" and bell.distance_m >= 200


def test_a_clear_day_is_not_described_as_dusk(tagger):
    noon = lake_at((70, 130, 215), (190, 220, 245))
    assert analyse(noon).looks["twilight"] < 0.1
    assert not any(word in tagger.describe(noon).scene for word in ("twilight", "half-light", "between day"))


def test_a_small_animal_that_is_only_suspected_is_neither_named_nor_seen():
    words = vocabulary()
    chances = np.zeros(1000, np.float32)
    chances[list(words.groups["butterfly"].classes)[:2]] = 0.16
    chances[list(words.groups["daisy"].classes)[:1]] = 0.2
    seen = Seen(chances, np.tile(chances[:, None, None], (1, 8, 8)), chances[:, None])
    green = Image.effect_noise((320, 240), 40).convert("L")
    described = compose.describe(
        Image.merge("RGB", (green.point(lambda v: v // 3), green, green.point(lambda v: v // 4))), seen
    )
    assert "butterfly" not in described.scene and "wings" not in names(described)


def test_different_pictures_are_described_differently_and_the_same_one_the_same_way(tagger, described):
    all_of_them = {name: described(name) for name in PAINTED}
    assert len({soundscape.scene for soundscape in all_of_them.values()}) == len(PAINTED)
    assert len({soundscape.mood for soundscape in all_of_them.values()}) >= len(PAINTED) - 1
    assert tagger.describe(example("meadow")) == all_of_them["meadow"]
    assert Tagger().describe(example("meadow")) == all_of_them["meadow"]


def test_scenes_read_like_sentences(described):
    for name in PAINTED:
        soundscape = described(name)
        assert soundscape.scene[0].isupper() and soundscape.scene.endswith(".")
        assert "{" not in soundscape.scene + soundscape.mood and "  " not in soundscape.scene
        assert not soundscape.scene.lower().startswith(("image", "a picture", "a photo"))


# Any picture ---------------------------------------------------------------------------------------------------------


def drawn(draw) -> Image.Image:
    picture = Image.new("RGB", (320, 240), "white")
    draw(ImageDraw.Draw(picture))
    return picture


def noise_picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (240, 320, 3), dtype=np.uint8))


ODD = {
    "black": Image.new("RGB", (320, 240), "black"),
    "white": Image.new("RGB", (320, 240), "white"),
    "grey": Image.new("L", (320, 240), 128),
    "red": Image.new("RGB", (320, 240), (200, 30, 30)),
    "one pixel": Image.new("RGB", (1, 1), "green"),
    "very wide": Image.new("RGB", (2048, 3), "navy"),
    "very tall": Image.new("RGB", (2, 2048), "olive"),
    "noise": noise_picture(),
    "shapes": drawn(lambda pen: [pen.ellipse((40, 40, 140, 140), "red"), pen.rectangle((180, 90, 300, 200), "blue")]),
    "stripes": drawn(lambda pen: [pen.line((x, 0, x, 240), "black", 6) for x in range(0, 320, 24)]),
    "see-through": Image.new("RGBA", (64, 64), (10, 200, 10, 0)),
}


@pytest.mark.parametrize("name", ODD)
def test_any_picture_gets_a_valid_and_modest_answer(tagger, name):
    soundscape = tagger.describe(ODD[name])
    assert 1 <= len(soundscape.sources) <= 6
    for source in soundscape.sources:
        if source.box:
            assert all(0 <= edge <= 1 for edge in source.box)
        assert (source.evidence == "visible") == (source.box is not None)


@pytest.mark.parametrize("name", ["black", "white", "grey", "red", "noise", "shapes", "one pixel", "very wide"])
def test_a_picture_of_nothing_gets_few_doubtful_sources_and_says_so(tagger, name):
    soundscape = tagger.describe(ODD[name])
    assert len(soundscape.sources) <= 3
    assert max(source.confidence for source in soundscape.sources) <= 0.45, names(soundscape)


@pytest.mark.parametrize("colour", ["green", "skyblue", "navy", "khaki", "orange", "pink", "darkgreen"])
def test_a_single_colour_shows_nothing_and_the_sentence_says_so(tagger, colour):
    soundscape = tagger.describe(Image.new("RGB", (160, 120), colour))
    assert len(soundscape.sources) <= 2
    assert max(source.confidence for source in soundscape.sources) <= 0.3
    assert any(word in soundscape.scene for word in ("Hard to make out", "Nothing certain")), soundscape.scene


def test_blue_over_sand_is_an_outdoor_place(tagger):
    def beach(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((0, 0, 320, 110), (140, 190, 235))
        pen.rectangle((0, 110, 320, 160), (40, 90, 150))
        pen.rectangle((0, 160, 320, 240), (220, 200, 150))

    rng = np.random.default_rng(2)
    picture = np.asarray(drawn(beach), np.int16) + rng.integers(-9, 9, (240, 320, 1))
    soundscape = tagger.describe(Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)))
    assert soundscape.space == "open"
    assert "room" not in names(soundscape)


# Parts ---------------------------------------------------------------------------------------------------------------


def test_boxes_follow_the_activation():
    scores = np.zeros((1000, 10, 20), np.float32)
    scores[5, 2:5, 12:16] = 8.0
    chances = np.zeros(1000, np.float32)
    chances[5] = 0.9
    x0, y0, x1, y1 = box_of_thing(Seen(chances, scores, chances[:, None]), (5, 6))
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((0.7, 0.35), abs=0.02)
    assert box_of(np.zeros((4, 4), np.float32)) is None
    assert overlap((0, 0, 1, 1), (0, 0, 0.5, 1)) == pytest.approx(0.5)


def test_what_looks_smaller_is_farther():
    near, far = (distance_of_thing((0.4, 0.5 - height / 2, 0.6, 0.5 + height / 2), 1.6) for height in (0.8, 0.2))
    assert far == pytest.approx(4 * near, rel=0.1)


def test_the_regions_lie_where_they_are_painted():
    picture = Image.new("RGB", (400, 300), (60, 140, 50))
    ImageDraw.Draw(picture).rectangle((0, 0, 400, 140), (120, 170, 230))
    masks = analyse(picture).masks
    rows = len(masks["sky"])
    assert masks["sky"][: rows // 3].mean() > 0.8 and masks["sky"][2 * rows // 3 :].mean() < 0.05
    assert masks["vegetation"][2 * rows // 3 :].mean() > 0.4 and masks["vegetation"][: rows // 3].mean() < 0.05


def test_importing_the_tagger_costs_no_torch():
    code = "import sys, pipeline.backends.vision.tagger; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=EXAMPLES.parent, timeout=60).returncode == 0
