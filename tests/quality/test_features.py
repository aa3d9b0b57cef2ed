"""Sensory figures of picture and sound (brightness, side, density, warmth), and how they correlate."""

import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.stats import spearmanr

from pipeline.audio import Clip
from pipeline.quality.features import FEWEST, of_picture, of_sound, rank_correlation, relate, relations
from pipeline.quality.glossary import meanings_of

from ..conftest import RATE, noise

SECONDS = np.arange(4 * RATE) / RATE


def plain(colour: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (300, 200), colour)


def clip(samples) -> Clip:
    return Clip(np.atleast_2d(np.asarray(samples, np.float32)))


def tone(hz: float) -> np.ndarray:
    return 0.2 * np.sin(2 * np.pi * hz * SECONDS)


@pytest.mark.parametrize("group", ["picture", "sound"])
def test_every_figure_has_its_definition_and_source(group):
    figures = of_picture(plain((1, 2, 3))) if group == "picture" else of_sound(noise())
    meanings = meanings_of(group)
    assert set(figures) == set(meanings)
    assert all(each.meaning and each.source for each in meanings.values())


# The picture ---------------------------------------------------------------------------------------------------------


def test_brightness_is_the_lightness_of_the_eye():
    assert of_picture(plain((0, 0, 0)))["brightness"] == 0
    assert of_picture(plain((255, 255, 255)))["brightness"] == pytest.approx(1, abs=1e-3)
    assert of_picture(plain((119, 119, 119)))["brightness"] == pytest.approx(0.50, abs=0.01), "middle grey"
    green, blue = (of_picture(plain(colour))["brightness"] for colour in ((0, 200, 0), (0, 0, 200)))
    assert green > blue + 0.3


def test_warm_colours_are_warm_and_grey_is_neither():
    orange, red, grey, green, blue = (
        of_picture(plain(colour))["warmth"]
        for colour in ((255, 140, 0), (220, 30, 30), (128, 128, 128), (40, 160, 60), (30, 80, 220))
    )
    assert grey == pytest.approx(0, abs=0.01)
    assert orange > 0.6 and red > 0.5 and blue < -0.3
    assert blue < green < red


@pytest.mark.parametrize("kind", ["dark on light", "light on dark", "colour alone"])
def test_what_stands_out_carries_the_weight(kind):
    ground, thing = {
        "dark on light": ((230, 230, 230), (20, 20, 20)),
        "light on dark": ((20, 20, 20), (230, 230, 230)),
        "colour alone": ((120, 120, 120), (160, 90, 90)),
    }[kind]
    right = plain(ground)
    ImageDraw.Draw(right).ellipse((220, 60, 280, 120), fill=thing)
    left = right.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert of_picture(right)["balance"] > 0.15
    assert of_picture(left)["balance"] == pytest.approx(-of_picture(right)["balance"], abs=0.01)
    assert of_picture(plain(ground))["balance"] == 0


def test_busyness_grows_with_detail_whatever_the_size():
    def board(count: int, size: int) -> Image.Image:
        cells = np.indices((size, size)).sum(axis=0) * 0
        steps = np.arange(size) * count // size
        cells = (steps[:, None] + steps[None]) % 2 * 255
        return Image.fromarray(cells.astype(np.uint8)).convert("RGB")

    shares = [of_picture(board(count, 512))["busyness"] for count in (1, 4, 16, 32)]
    assert shares[0] == 0 and shares == sorted(shares) and shares[-1] > 0.2
    assert of_picture(board(8, 1024))["busyness"] == pytest.approx(of_picture(board(8, 256))["busyness"], abs=0.03)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2)])
def test_a_tiny_picture_is_measured_too(size):
    figures = of_picture(Image.new("RGB", size, (200, 100, 50)))
    assert all(np.isfinite(value) for value in figures.values())


# The sound -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hz", [300, 1000, 4000])
def test_the_centroid_of_a_tone_is_its_frequency(hz):
    assert of_sound(clip(tone(hz)))["centroid_hz"] == pytest.approx(hz, rel=0.1)


def test_balance_runs_from_left_to_right():
    silence = np.zeros_like(SECONDS)
    left, middle, right = (
        of_sound(clip(sides))["balance"]
        for sides in ([tone(500), silence], [tone(500), tone(500)], [silence, tone(500)])
    )
    assert (left, middle, right) == (-1, 0, 1)
    assert of_sound(clip(tone(500)))["balance"] == 0


@pytest.mark.parametrize("rate", [1.0, 3.0, 6.0])
def test_events_are_counted_above_a_soft_bed(rate):
    hits = np.exp(-30 * (SECONDS % (1 / rate))) * noise(4.0, level=0.2).samples[0]
    bed = noise(4.0, level=0.004, seed=5).samples[0]
    assert of_sound(clip(hits + bed))["onsets_per_s"] == pytest.approx(rate, abs=0.3)


def test_even_sounds_have_no_events():
    for even in (noise(4.0), clip(tone(440)), noise(4.0, channels=2, seed=3)):
        assert of_sound(even)["onsets_per_s"] <= 0.25


def test_low_against_high_tells_full_from_thin():
    assert of_sound(clip(tone(200)))["low_high_db"] > 30
    assert of_sound(clip(tone(5000)))["low_high_db"] < -30
    equal = of_sound(clip(tone(200) + tone(5000)))["low_high_db"]
    assert equal == pytest.approx(0, abs=0.5)


def test_silence_has_no_spectrum_and_the_figures_do_not_depend_on_the_level():
    silent = of_sound(clip(np.zeros((2, RATE))))
    assert silent == {"centroid_hz": None, "balance": 0.0, "onsets_per_s": 0.0, "low_high_db": None}
    loud, soft = of_sound(noise(3.0, level=0.2)), of_sound(noise(3.0, level=0.002))
    assert loud == pytest.approx(soft, abs=0.01)


def test_both_are_cheap():
    rng = np.random.default_rng(0)
    large = Image.fromarray(rng.integers(0, 256, (1536, 2048, 3), dtype=np.uint8))
    sound = noise(10.0, channels=2)
    costs = []
    for _ in range(3):
        begin = time.process_time()
        of_picture(large)
        middle = time.process_time()
        of_sound(sound)
        costs.append((middle - begin, time.process_time() - middle))
    picture_s, sound_s = (min(each) for each in zip(*costs))
    assert picture_s < 0.1 and sound_s < 0.1, "about 0.01 s each on an idle machine"


# Together ------------------------------------------------------------------------------------------------------------


@dataclass
class Entry:
    manifest: dict = field(default_factory=dict)


def entries(n: int, agreement: float, seed: int = 0) -> list[Entry]:
    """Results whose four pairs correlate as requested, though not linearly."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        common = rng.standard_normal(4)
        other = agreement * common + np.sqrt(1 - agreement**2) * rng.standard_normal(4)
        picture = {pair.picture: float(np.exp(value)) for pair, value in zip(relations(), common)}
        sound = {pair.sound: float(value**3) for pair, value in zip(relations(), other)}
        found.append(Entry({"senses": {"picture": picture, "sound": sound}}))
    return found


def test_the_four_pairs_say_why_and_who_found_them():
    assert [pair.name for pair in relations()] == ["brightness", "side", "density", "warmth"]
    assert all(pair.why and pair.sources for pair in relations())
    pictures, sounds = meanings_of("picture"), meanings_of("sound")
    assert all(pair.picture in pictures and pair.sound in sounds for pair in relations())


def test_relations_find_agreement_and_its_absence():
    for relation in relate(entries(60, 0.9)):
        assert relation.rho > 0.75 and relation.low > 0.6 and relation.p < 1e-6 and relation.n == 60
        assert relation.low < relation.rho < relation.high <= 1
    unrelated = [relation for seed in range(5) for relation in relate(entries(60, 0.0, seed))]
    covering = [relation.low < 0 < relation.high for relation in unrelated]
    assert np.mean(covering) >= 0.8


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """The rank correlation of a bivariate normal distribution is 6 / pi * asin(r / 2)."""
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    rng, covered = np.random.default_rng(1), 0
    for _ in range(400):
        one = rng.standard_normal(25)
        other = 0.6 * one + 0.8 * rng.standard_normal(25)
        found = rank_correlation("x", one, other)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_few_results_are_called_few():
    (few, *_) = relate(entries(FEWEST - 1, 0.9))
    assert few.rho is not None and few.low is few.high is few.p is None
    assert f"{FEWEST - 1}, at least {FEWEST}" in few.note
    (none, *_) = relate(entries(2, 0.9))
    assert none.rho is None and "Too few" in none.note
    assert relate([]) and all(relation.rho is None for relation in relate([]))


def test_results_without_a_picture_or_of_an_older_run_are_passed_over():
    collection = entries(12, 0.9)
    missing = [Entry(), Entry({"senses": {"picture": None, "sound": {"balance": 0.1}}})]
    assert relate(collection + missing) == relate(collection)


def test_ties_and_constants_are_what_statistics_says_of_them():
    one, other = [1, 2, 2, 3, 5, 5, 5, 8, 9, 9, 11], [2, 1, 4, 4, 4, 6, 7, 8, 8, 9, 9]
    found = rank_correlation("x", one, other)
    assert found.rho == pytest.approx(spearmanr(one, other).statistic)
    assert rank_correlation("x", [1.0] * 12, list(range(12))).note == "One of the two is the same in every result."
    assert rank_correlation("x", [None, *one], [1, *other]) == found
    perfect = rank_correlation("x", list(range(12)), list(range(12)))
    assert perfect.rho == 1 and perfect.low > 0.9
