"""A study of result trees: which groups are compared, and which conclusions are drawn."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pipeline.errors import SoundscapeError
from pipeline.quality import figures
from pipeline.study import groups
from pipeline.study.groups import find_group, read_groups
from pipeline.study.values import values_of

from ..support.studies import OTHER, RIVER, make_tree, make_two, row_of, study_of, write_csv
from ..support.trees import write_small


@pytest.fixture
def two(tmp_path):
    return make_two(tmp_path)


# Groups --------------------------------------------------------------------------------------------------------------


def test_every_pair_of_models_is_a_group(tmp_path):
    make_tree(tmp_path / "r/one", range(2))
    make_tree(tmp_path / "r/two", range(3), audio=OTHER)
    make_tree(tmp_path / "r/hand", range(1), vision=None)
    found = {group.label: len(group.samples) for group in read_groups([tmp_path / "r"])}
    assert found == {"tagger + procedural": 2, "tagger + audioldm2": 3, "a given description + procedural": 1}


def test_groups_are_named_by_as_little_as_tells_them_apart(tmp_path):
    large = {"backend": "audioldm2", "model": "cvssp/audioldm2-large"}
    roots = [tmp_path / "x/results", tmp_path / "y/results"]
    make_tree(roots[0] / "1", range(1), audio=OTHER)
    make_tree(roots[0] / "2", range(1), audio=large)
    assert [group.label for group in read_groups(roots[:1])] == [
        "tagger (EfficientNet-Lite0) + audioldm2 (cvssp/audioldm2)",
        "tagger (EfficientNet-Lite0) + audioldm2 (cvssp/audioldm2-large)",
    ]
    make_tree(roots[1], range(1), audio=OTHER)
    labels = [group.label for group in read_groups(roots)]
    assert len(set(labels)) == 3
    assert labels[2] == "y/results: tagger + audioldm2"


def test_a_folder_of_weights_is_named_without_its_path(tmp_path):
    make_tree(tmp_path / "a", range(1), audio=OTHER)
    make_tree(tmp_path / "a/local", range(1), audio={"backend": "audioldm2", "model": "/home/ann/weights/tuned"})
    labels = " ".join(group.label for group in read_groups([tmp_path / "a"]))
    assert "(tuned)" in labels and "/home" not in labels


def test_pictures_are_known_by_any_hash_they_share(tmp_path):
    source = {"input": {"path": "dog.png", "sha256": "5" * 64}}
    write_small(tmp_path / "a/dog", RIVER, variant=1, **source)
    write_small(tmp_path / "b/pup", RIVER, variant=2, **source)  # its picture.jpg was encoded differently
    write_small(tmp_path / "c/cur", RIVER, variant=2)
    found = [group.pictures for group in read_groups([tmp_path / name for name in "abc"])]
    assert found[0] == found[1] == found[2] and len(found[0]) == 1


def test_results_without_a_picture_are_of_no_common_picture(tmp_path):
    for name in "ab":
        write_small(tmp_path / name / "same", RIVER, files={})
    study = study_of(tmp_path / "a", tmp_path / "b")
    assert study.comparisons == ()


def test_a_damaged_manifest_still_counts_what_it_holds(tmp_path):
    write_small(tmp_path / "a/one", RIVER, files=["?"], vision="tagger", checks=[1, 2], seconds=None, duration_s=[3])
    assert [len(group.samples) for group in read_groups([tmp_path / "a"])] == [1]


@pytest.mark.parametrize("name", ["tagger + audioldm2", "2", "b", "b/"])
def test_a_group_is_found_by_label_number_or_folder(two, name):
    assert find_group(read_groups(two), name).audio.startswith("audioldm2")


def test_an_unknown_group_is_answered_with_the_choices(two):
    with pytest.raises(SoundscapeError, match=r"Did you mean 'tagger \+ audioldm2'\? Choices: .*procedural"):
        find_group(read_groups(two), "tagger + audioldm")


# Figures -------------------------------------------------------------------------------------------------------------


def test_every_number_of_a_result_is_a_figure_and_nothing_else_is(tmp_path):
    checks = {"high_band_db": -9.5, "loop": True, "dc_share": None, "broken": float("nan"), "problems": ["a", "b"]}
    folder = write_small(tmp_path / "a/one", RIVER, checks=checks)
    coherence = {"mix_text_percentile": 80.0, "mix_text_rank": 3, "mix_text_others": 12, "stems": [{"score": 0.1}]}
    (folder / "coherence.json").write_text(json.dumps(coherence))
    found = figures.figures_of(read_groups([tmp_path / "a"])[0].samples[0].entry)
    assert {key: value for key, value in found.items() if key.startswith(("checks", "coherence"))} == {
        "checks.high_band_db": -9.5,
        "checks.problems": 2,
        "coherence.mix_text_percentile": 80,
    }
    assert (
        found["seconds.sound"] == 0.3 and found["senses.picture.brightness"] == 0.4 and found["document.sources"] == 1
    )


def test_a_picture_with_several_results_counts_once(tmp_path):
    for name, value in (("one", 1.0), ("two", 4.0)):
        write_small(tmp_path / "a" / name, RIVER, variant=3, checks={"high_band_db": value})
    values = values_of(read_groups([tmp_path / "a"])[0])
    assert list(values["checks.high_band_db"].values()) == [2.5]


def test_a_figure_without_a_known_meaning_says_so():
    assert figures.figure("checks.high_band_db").unit == "dB"
    assert "its meaning is not known" in figures.figure("coherence.some_new_score").meaning


# Comparisons ---------------------------------------------------------------------------------------------------------


def test_a_difference_in_every_pair_is_found_and_noise_is_not(two):
    (comparison,) = study_of(*two).comparisons
    row = row_of(comparison, "checks.high_band_db")
    assert row.found.n == 12 and row.found.effect == 1 and row.found.median == pytest.approx(6.5)
    assert row.found.p == pytest.approx(stats.wilcoxon(range(1, 13)).pvalue)
    assert row.verdict == "higher in B" and row.is_shown
    assert row_of(comparison, "checks.repetition").verdict == "no difference shown"
    assert row_of(comparison, "seconds.mix").verdict == "equal in all 12 pairs"


def test_the_correction_is_for_all_tests_of_the_report(two):
    (comparison,) = study_of(*two).comparisons
    tested = [row.found.p for row in comparison.rows if row.found.p is not None]
    assert comparison.tests == len(tested) > 5
    assert row_of(comparison, "checks.high_band_db").p_holm == pytest.approx(min(tested) * len(tested))


def test_figures_of_the_picture_are_not_compared(two):
    (comparison,) = study_of(*two).comparisons
    assert not [row for row in comparison.rows if row.figure.startswith("senses.picture")]


def test_pictures_without_a_partner_are_left_out_and_told(tmp_path):
    a = make_tree(tmp_path / "a", range(10))
    b = make_tree(tmp_path / "b", range(2, 9), audio=OTHER)
    (comparison,) = study_of(a, b).comparisons
    assert len(comparison.pictures) == 7
    assert comparison.cautions[0] == "3 of 10 pictures of tagger + procedural are not in tagger + audioldm2."
    assert all(row.found.n == 7 for row in comparison.rows)


def test_a_figure_that_is_missing_in_places_has_fewer_pairs(tmp_path):
    a = make_tree(tmp_path / "a", range(8), checks=lambda n: {"high_band_db": -3.0 if n < 7 else None})
    b = make_tree(tmp_path / "b", range(8), checks=lambda n: {"high_band_db": -2.0 * n if n else None}, audio=OTHER)
    (comparison,) = study_of(a, b).comparisons
    assert row_of(comparison, "checks.high_band_db").found.n == 6


def test_few_pairs_are_called_too_few(tmp_path):
    a = make_tree(tmp_path / "a", range(3))
    b = make_tree(tmp_path / "b", range(3), audio=OTHER, checks=lambda n: {"high_band_db": 40.0})
    (comparison,) = study_of(a, b).comparisons
    assert row_of(comparison, "checks.high_band_db").verdict == "3 pairs: too few to tell"
    assert comparison.shown == [] and "3 pairs: too few" in comparison.cautions[-1]


def test_too_many_tests_for_the_pairs_is_said_rather_than_no_difference(tmp_path):
    a = make_tree(tmp_path / "a", range(7), checks=lambda n: {"high_band_db": -30.0 - n})
    b = make_tree(tmp_path / "b", range(7), audio=OTHER, checks=lambda n: {"high_band_db": 10.0 + n})
    (comparison,) = study_of(a, b).comparisons
    assert row_of(comparison, "checks.high_band_db").verdict.startswith("7 pairs: too few to tell with ")
    assert "no difference could be significant after the correction" in comparison.cautions[-1]


def test_other_lengths_and_options_are_a_caution(tmp_path):
    a = make_tree(tmp_path / "a", range(6))
    b = make_tree(tmp_path / "b", range(6), audio=OTHER, duration_s=5.0, options={"steps": 50})
    (comparison,) = study_of(a, b).comparisons
    assert "different options" in " ".join(comparison.cautions)
    assert "differ in length (0.1 s in A, 5 s in B)" in " ".join(comparison.cautions)


def test_true_pairs_are_set_against_chance(tmp_path):
    for name, level in (("a", 90.0), ("b", 50.0)):
        root = make_tree(tmp_path / name, range(12))
        for number, folder in enumerate(sorted(root.iterdir())):
            percentile = level + (number - 5.5)
            (folder / "coherence.json").write_text(json.dumps({"mix_text_percentile": percentile}))
    (above,), (chance,) = study_of(tmp_path / "a", tmp_path / "b").ranks
    assert above.mean.value == pytest.approx(90) and above.words == "Better than chance."
    assert above.mean.low < 90 < above.mean.high
    assert chance.words == "Not distinguishable from chance."


# Ratings -------------------------------------------------------------------------------------------------------------


def rated(group, numbers, listener, value):
    name = "tagger + procedural" if group == "a" else "tagger + audioldm2"
    return [{"group": name, "result": f"picture{n:02d}", "listener": listener, "rating": value(n)} for n in numbers]


def test_ratings_of_a_table_are_compared_like_any_figure(two, tmp_path):
    rows = [
        *rated("a", range(10), "ann", lambda n: 1 + n % 2),
        *rated("b", range(10), "ann", lambda n: 4 + n % 2),
        *rated("b", range(10), "bob", lambda n: 4 + n % 2),
    ]
    study = study_of(*two, ratings=[write_csv(tmp_path / "r.csv", rows, ";")])
    row = row_of(study.comparisons[0], "ratings.fit")
    assert (row.found.n, row.found.median) == (10, 3)
    assert study.ratings.fit_agreement() == 1
    assert study.ratings.counts("tagger + audioldm2") == [0, 0, 0, 10, 10]


def test_ratings_are_correlated_with_the_figures(two, tmp_path):
    order = np.argsort(np.argsort([float(f"0.{n * 7919 % 12:02d}") for n in range(12)]))
    rows = rated("a", range(12), "ann", lambda n: 1 + int(order[n]) // 3)
    study = study_of(*two, ratings=[write_csv(tmp_path / "r.csv", rows)])
    values = study.values[0]
    both = sorted(values["ratings.fit"])
    found = next(each for each in study.agreements if each.found.name == "checks.high_band_db")
    expected = stats.spearmanr(
        *([values[key][each] for each in both] for key in ("checks.high_band_db", "ratings.fit"))
    )
    assert found.found.rho == pytest.approx(expected.statistic)
    assert found.p_holm >= found.found.p


def test_what_cannot_be_used_is_left_out_and_told(two, tmp_path):
    good = rated("a", range(3), "ann", lambda n: 3)
    bad = [
        good[0] | {"rating": "6"},
        good[0] | {"rating": ""},
        good[0] | {"listener": " "},
        good[0] | {"result": "nowhere"},
        good[0] | {"rating": "5"},
    ]
    ratings = study_of(*two, ratings=[write_csv(tmp_path / "r.csv", [*good, *bad])]).ratings
    assert len(ratings.answers) == 3 and ratings.answers[0].rating == 5
    assert sorted(re.sub(r" (was|were) left out: ", " ", each) for each in ratings.left_out) == [
        "1 answer for a result that is not in this study.",
        "1 answer replaced by a later answer of the same listener for the same sound.",
        "1 answer without a listener.",
        "2 answers without a rating from 1 to 5.",
    ]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "listener,rating\nann,3\n", "listener,rating,id\nann,3,f00\n"])
def test_a_table_that_says_nothing_is_refused(two, tmp_path, text):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(SoundscapeError, match=r"r\.csv"):
        study_of(*two, ratings=[path])


def test_the_pictures_of_twenty_thousand_results_are_told_apart_in_a_moment():
    entries = [
        groups.Entry(Path(str(n)), str(n), RIVER, {"files": {"picture.jpg": {"sha256": f"{n // 2:064d}"}}})
        for n in range(20_000)
    ]
    assert len(set(groups._pictures(entries).values())) == 10_000


def test_ratings_and_keys_that_are_pipes_or_huge_are_refused(two, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SoundscapeError, match=r"pipe\.csv is not a regular file"):
        study_of(*two, ratings=[tmp_path / "pipe.csv"])
    table = write_csv(tmp_path / "r.csv", [{"id": "1", "picture": "2", "listener": "ann", "rating": 3}])
    huge(tmp_path / "listen_key.json")
    with pytest.raises(SoundscapeError, match=r"listen_key\.json has 2000 MB"):
        study_of(*two, ratings=[table])
    with pytest.raises(SoundscapeError, match=r"r\.csv has 2000 MB"):
        study_of(*two, ratings=[huge(table)])


def huge(path):
    with path.open("ab") as file:
        file.truncate(2_000_000_000)  # sparse
    return path
