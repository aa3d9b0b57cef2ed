"""The card "How well does it fit?": every line in words, compared with the project's own examples."""

import pytest

from pipeline.picture import load_picture
from pipeline.quality.checks import check
from pipeline.quality.explain import Figure, explain, place_among, reference_values
from pipeline.quality.features import of_picture, of_sound, relations
from pipeline.soundscape import Soundscape, Source

from ..benchmarks.reference_values import example_pictures
from ..conftest import noise


def report(picture: dict, sound: dict, **more) -> dict:
    senses = {
        "picture": {"brightness": 0.5, "balance": 0.0, "busyness": 0.2, "warmth": 0.0} | picture,
        "sound": {"centroid_hz": 4500.0, "balance": 0.0, "onsets_per_s": 4.0, "low_high_db": 0.0} | sound,
    }
    return {"senses": senses} | more


def line(figures: list[Figure], label: str) -> Figure:
    (found,) = [figure for figure in figures if figure.label.startswith(label)]
    return found


def test_the_reference_values_are_those_of_the_examples():
    """Only the pictures are measured again: the sounds take minutes (see the script of the reference values)."""
    pictures = [of_picture(load_picture(path)) for path in example_pictures()]
    for name in pictures[0]:
        assert reference_values()[f"picture.{name}"] == pytest.approx(sorted(each[name] for each in pictures), abs=2e-3)
    for pair in relations():
        assert len(reference_values()[f"sound.{pair.sound}"]) > 130


def test_a_place_is_the_share_below():
    values = reference_values()["sound.centroid_hz"]
    assert place_among("sound.centroid_hz", values[0] - 1) == 0
    assert place_among("sound.centroid_hz", values[-1] + 1) == 1
    assert place_among("sound.centroid_hz", values[len(values) // 2]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("picture", "sound", "words", "verdict"),
    [
        ({"brightness": 0.95}, {"centroid_hz": 11_000.0}, ("very bright", "brighter than 100 % of 8"), "good"),
        ({"brightness": 0.05}, {"centroid_hz": 11_000.0}, ("very dark", "very bright"), "fair"),
        ({"brightness": 0.05}, {"centroid_hz": 500.0}, ("very dark", "very dull"), "good"),
    ],
)
def test_a_pair_is_placed_on_both_scales_and_judged(picture, sound, words, verdict):
    figure = line(explain(report(picture, sound)), "Bright picture")
    assert all(each in figure.sentence for each in words)
    assert figure.verdict == verdict
    assert f"{sound['centroid_hz']:,.0f} Hz" in figure.value


@pytest.mark.parametrize(
    ("seen", "heard", "verdict"),
    [(0.2, 0.4, "good"), (-0.2, 0.4, "fair"), (0.0, 0.4, ""), (0.0, 0.05, "")],
)
def test_sides_agree_differ_or_are_none(seen, heard, verdict):
    figure = line(explain(report({"balance": seen}, {"balance": heard})), "Seen on one side")
    assert figure.verdict == verdict
    assert ("left" in figure.sentence) == (seen < 0)


def test_what_is_seen_and_not_heard_is_named():
    sources = (
        Source(name="river", evidence="visible"),
        Source(name="tram", evidence="visible", mute=True),
        Source(name="wind"),
    )
    files = {"mix.wav": {}, "stems/01_river.wav": {}, "stems/03_wind.wav": {}}
    figure = line(explain(report({}, {}, files=files), Soundscape(sources=sources)), "What is seen")
    assert (figure.value, figure.verdict) == ("1 of 2", "fair") and "tram" in figure.sentence
    whole = Soundscape(sources=(sources[0],))
    assert line(explain(report({}, {}, files=files), whole), "What is seen").verdict == "good"
    inferred = Soundscape(sources=(Source(name="wind"),))
    assert "nothing that is seen" in line(explain(report({}, {}, files=files), inferred), "What is seen").sentence


def test_problems_are_told_one_by_one_and_a_clean_sound_is_called_clean():
    clean = explain({"checks": check(noise(3.0, channels=2))})
    assert [figure.verdict for figure in clean] == ["good"] and clean[0].value == "no fault found"
    bad = explain({"checks": {"problems": ["It is clipped.", "It hums."]}})
    assert [figure.sentence for figure in bad] == ["It is clipped.", "It hums."]
    assert {figure.verdict for figure in bad} == {"poor"}


def test_scores_of_models_are_told_by_their_percentile_only():
    coherence = {"mix_text_score": 0.31, "mix_text_percentile": 92.5, "picture_text_percentile": 50.0, "stems": []}
    figures = explain({}, coherence=coherence)
    assert [figure.value for figure in figures] == ["92.5 %", "50.0 %"]
    assert [figure.verdict for figure in figures] == ["good", "poor"]
    assert all("50" in figure.sentence for figure in figures)


def test_picture_and_sound_are_judged_by_their_rank_and_without_one_shown_without_a_verdict():
    (ranked,) = explain({}, coherence={"picture_sound_score": 0.12, "picture_sound_percentile": 90.0})
    assert (ranked.label, ranked.value, ranked.verdict) == ("Sound fits the picture", "90.0 %", "good")
    (alone,) = explain({}, coherence={"picture_sound_score": 0.12})
    assert (alone.label, alone.value, alone.verdict) == ("Sound fits the picture, raw score", "0.12", "")
    assert "cannot be judged" in alone.sentence


def test_a_result_of_an_older_run_or_without_picture_has_the_lines_it_can_have():
    assert explain({}) == []
    assert explain({"senses": {"picture": None, "sound": of_sound(noise())}}) == []
    silent = report({}, {"centroid_hz": None, "low_high_db": None})
    assert {figure.label for figure in explain(silent)} == {
        "Seen on one side, heard on that side",
        "Busy picture, busy sound",
    }


def test_no_line_is_without_its_sentence():
    coherence = {"mix_text_percentile": 80.0}
    figures = explain(report({}, {}, checks={"problems": []}), coherence=coherence)
    assert len(figures) == 1 + 4 + 1
    assert all(figure.label and figure.value and figure.sentence.endswith(".") for figure in figures)
    assert all("{" not in figure.sentence + figure.value for figure in figures)
