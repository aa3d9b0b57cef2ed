"""The benchmark for descriptions: scores equal those computed by hand; errors name the place and the problem."""

import pytest

from pipeline.gold import Entry, Labels, judge
from pipeline.gold.intervals import expanded_tail, micro_interval, wilson
from pipeline.gold.matching import centre_distance, match, stands_for
from pipeline.gold.scoring import figures, reliability
from pipeline.soundscape import Soundscape

from ..support.labels import entries, heard, source, value

# Names and sources ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("gulls", source("seagull")),
        ("drip", source("faucet", "water", "dripping slowly")),
        ("leaves", source("wind in the trees", "leaf", "rustling")),
        ("bird", source("birdsong")),
        ("campfire", source("fire", "campfire logs")),
        ("water lapping", source("lake", "still water", "laps at the shore")),
        ("rain on umbrella", source("rain", "water", "drumming on an umbrella")),
        ("knives", source("knife")),
        ("waves", source("gentle lapping of waves")),
    ],
)
def test_a_name_stands_for_a_source_that_says_so(name, other):
    assert stands_for(name, other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("rain", source("train")),
        ("hen", source("kitchen")),
        ("sea", source("seat")),
        ("wind", source("window")),
        ("water", source("wind", "air over water", "breathing across")),
        ("sea", source("birds over the sea")),
        ("motor boat", source("rowing boat")),
        ("rain on umbrella", source("rain")),
        ("the", source("the wind")),
    ],
)
def test_a_name_does_not_stand_for_what_only_looks_alike_or_is_only_near(name, other):
    assert not stands_for(name, other)


def test_as_many_as_can_be_are_matched_whatever_the_order():
    rain, umbrella = Entry(("rain",)), Entry(("rain on umbrella",))
    sources = (source("rain on an umbrella"), source("rain"))
    assert match((rain, umbrella), sources) == {0: 1, 1: 0}
    assert match((umbrella, rain), sources[::-1]) == {0: 1, 1: 0}
    assert match((rain, umbrella), sources[1:]) == {0: 0}


def test_of_two_like_sources_the_one_in_the_box_is_matched():
    gull = Entry(("gull",), box=(0.6, 0, 1, 0.4))
    left, right = source("gull", box=(0, 0, 0.3, 0.3)), source("gull", box=(0.7, 0.1, 0.9, 0.3))
    assert match((gull,), (left, right)) == {0: 1}


# One picture ----------------------------------------------------------------------------------------------------------


HARBOUR = Labels(
    gold=(
        Entry(("lapping water", "waves"), box=(0.0, 0.5, 1.0, 1.0), weight=3),
        Entry(("gull",), box=(0.4, 0.1, 0.6, 0.3)),
        Entry(("rigging",)),
    ),
    possible=(Entry(("wind",)), Entry(("boat",), box=(0.2, 0.6, 0.4, 0.8))),
    forbidden=(Entry(("train",)), Entry(("motor boat",))),
)


def test_a_description_is_judged_as_by_hand():
    sea = source("sea waves", box=(0.0, 0.4, 1.0, 1.0), confidence=0.9)
    soundscape = Soundscape(
        sources=(
            sea,
            source("distant waves", confidence=0.4),
            source("gulls", confidence=0.8),
            source("wind", confidence=0.3),
            source("motor boat", box=(0, 0, 0.1, 0.1), confidence=0.6),
            source("church bell", confidence=0.5),
            source("rigging", mute=True),
        )
    )
    verdict = judge("harbour.jpg", soundscape, HARBOUR)
    assert verdict.kinds == ("gold", "repeat", "gold", "possible", "forbidden", "unlisted")
    assert [entry.names[0] for entry in verdict.missed] == ["rigging"]
    assert value("precision", verdict) == pytest.approx(2 / 4)
    assert value("recall", verdict) == pytest.approx(2 / 3)
    assert value("recall, weighted", verdict) == pytest.approx(4 / 5)
    assert value("F1", verdict) == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert value("first acceptable", verdict) == 1
    assert value("sources acceptable", verdict) == pytest.approx(4 / 6)
    assert value("forbidden sources", verdict) == pytest.approx(1 / 6)
    assert value("with a forbidden one", verdict) == 1


def test_boxes_are_measured_where_the_entry_was_found():
    sources = (
        source("sea waves", box=(0.0, 0.4, 1.0, 1.0)),
        source("gull"),
        source("boat", box=(0.2, 0.2, 0.4, 0.4)),
    )
    verdict = judge("harbour.jpg", Soundscape(sources=sources), HARBOUR)
    assert [place.name for place in verdict.places] == ["lapping water", "gull", "boat"]
    assert [place.distance for place in verdict.places] == [pytest.approx(0.05), None, pytest.approx(0.4)]
    assert [place.overlap for place in verdict.places] == [pytest.approx(0.5 / 0.6), None, 0]
    assert value("has a box", verdict) == pytest.approx(2 / 3)
    assert value("box within 0.15", verdict) == pytest.approx(1 / 3)
    assert value("centre distance", verdict) == pytest.approx(0.225)
    assert value("overlap", verdict) == pytest.approx(0.5 / 0.6 / 2)


def test_a_distance_is_measured_in_both_directions():
    assert centre_distance((0, 0, 0.2, 0.2), (0.3, 0.4, 0.5, 0.6)) == pytest.approx(0.5)


def test_the_name_with_more_words_decides_what_is_forbidden():
    labels = Labels(gold=entries("wind chimes"), possible=entries("boat"), forbidden=entries("wind", "motor boat"))
    verdict = judge("x", heard("wind chimes", "rowing boat", "motor boat", "wind"), labels)
    assert verdict.kinds == ("gold", "possible", "forbidden", "forbidden")


def test_a_forbidden_source_takes_no_gold_entry():
    labels = Labels(gold=entries("boat"), forbidden=entries("motor boat"))
    verdict = judge("x", heard("motor boat"), labels)
    assert verdict.kinds == ("forbidden",) and verdict.missed == labels.gold


def test_possible_sources_are_neither_rewarded_nor_punished():
    labels = Labels(gold=entries("rain", "tram"), possible=entries("bell", "traffic"))
    few, many = judge("x", heard("rain"), labels), judge("x", heard("rain", "bell", "traffic", "bell"), labels)
    for name in ("precision", "recall", "F1"):
        assert value(name, few) == value(name, many)


def test_a_picture_without_a_description_counts_as_one_in_which_nothing_was_heard():
    labels = Labels(gold=entries("rain"))
    good, none = judge("a", heard("rain"), labels), judge("b", None, labels, error="no such file")
    assert value("recall", good, none) == 0.5
    assert value("first acceptable", good, none) == 0.5
    assert value("precision", good, none) == 1


# All pictures ---------------------------------------------------------------------------------------------------------


def test_micro_pools_and_macro_averages():
    one = judge("a", heard("rain", "dog", "cat", "cow"), Labels(gold=entries("rain")))
    other = judge("b", heard("rain"), Labels(gold=entries("rain", "tram")))
    precision = next(figure for figure in figures([one, other]) if figure.name == "precision")
    assert precision.micro == pytest.approx(2 / 5)
    assert precision.macro == pytest.approx((1 / 4 + 1) / 2)
    assert (precision.counted, precision.out_of, precision.pictures) == (2, 5, 2)


def test_an_interval_of_few_pictures_is_wide_and_one_of_many_is_narrow():
    shares = [(1, 1), (0, 1), (1, 1), (1, 1), (0, 1), (1, 1)]
    few, many = (micro_interval(shares * times, is_share=True) for times in (1, 20))
    assert few[0] < 0.3 and few[1] == 1
    assert many[0] > 0.55 and many[1] < 0.77
    assert micro_interval(shares[:1], is_share=True) is None


def test_pictures_that_all_agree_do_not_prove_perfection():
    low, high = micro_interval([(3, 3)] * 8, is_share=True)
    assert high == 1 and low == pytest.approx(8 / (8 + 1.96**2), abs=1e-3)  # Wilson's interval without a failure
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert micro_interval([(0.2, 1)] * 8, is_share=False) is None


def test_percentiles_are_taken_further_out_the_fewer_pictures_there_are():
    tails = [expanded_tail(count) for count in (3, 10, 1000)]
    assert tails == sorted(tails) and tails[0] < 1e-4 and tails[2] == pytest.approx(0.025, abs=5e-4)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    import numpy as np

    rng = np.random.default_rng(5)
    samples = [[(float(part), 4.0) for part in rng.binomial(4, 0.7, 15)] for _ in range(60)]
    covered = [low <= 0.7 <= high for low, high in (micro_interval(each, is_share=True) for each in samples)]
    assert 0.88 <= sum(covered) / 60 <= 1


def test_reliability_tells_how_often_each_confidence_is_right():
    sources = (source("rain", confidence=1.0), source("dog", confidence=0.1), source("rain", confidence=0.15))
    verdict = judge("x", Soundscape(sources=sources), Labels(gold=entries("rain")))
    assert reliability([verdict]) == [(0.0, 0.2, 2, 0.5), (0.7, 1.0, 1, 1.0)]
