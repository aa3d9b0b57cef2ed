"""A study of result trees: who is compared with whom, what may be said of it, and what is written."""

import csv
import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from scipy import stats

from pipeline.audio import read_wav
from pipeline.errors import SoundscapeError
from pipeline.loudness import integrated_loudness
from pipeline.soundscape import Soundscape, Source
from pipeline.study import figures, groups, main, plots
from pipeline.study.groups import find_group, read_groups
from pipeline.study.listening import write_listening_page
from pipeline.study.study import make_study

from .trees import write_small

OTHER = {"backend": "audioldm2", "model": "cvssp/audioldm2"}
EVIL = "<img src=x onerror=alert(1)>"
RIVER = Soundscape(scene="A river", sources=(Source(name="river"),))


def make_tree(root, variants, *, checks=None, soundscape=RIVER, **manifest):
    """Write a result for each picture variant; `checks` is given the place and makes the figures."""
    for place, variant in enumerate(variants):
        extra = {"checks": checks(place)} if checks else {}
        write_small(root / f"picture{variant:02d}", soundscape, variant=variant, **manifest, **extra)
    return root


def study_of(*roots, **options):
    return make_study(roots, **options)


def row_of(comparison, figure):
    return next(row for row in comparison.rows if row.figure == figure)


@pytest.fixture
def two(tmp_path):
    """Two trees of the same twelve pictures; in the second the high band is always higher, by 1, 2, ... dB."""
    rng = np.random.default_rng(5)
    base = rng.normal(-20, 5, size=12)
    noise = rng.normal(size=12)
    a = make_tree(tmp_path / "a", range(12), checks=lambda n: {"high_band_db": base[n], "repetition": 0.5})
    b = make_tree(
        tmp_path / "b",
        range(12),
        checks=lambda n: {"high_band_db": base[n] + 1 + n, "repetition": 0.5 + noise[n] / 100},
        audio=OTHER,
    )
    return a, b


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
    write_small(tmp_path / "b/pup", RIVER, variant=2, **source)  # kept by another encoder
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
    values = figures.values_of(read_groups([tmp_path / "a"])[0])
    assert list(values["checks.high_band_db"].values()) == [2.5]


def test_a_figure_without_a_known_meaning_says_so():
    assert figures.figure("checks.high_band_db").unit == "dB"
    assert "its meaning is not told" in figures.figure("coherence.some_new_score").meaning


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
    assert comparison.cautions[0] == "3 of 10 pictures of tagger + procedural have no partner in tagger + audioldm2."
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
    assert "no difference could pass the correction" in comparison.cautions[-1]


def test_other_lengths_and_options_are_a_caution(tmp_path):
    a = make_tree(tmp_path / "a", range(6))
    b = make_tree(tmp_path / "b", range(6), audio=OTHER, duration_s=5.0, options={"steps": 50})
    (comparison,) = study_of(a, b).comparisons
    assert "different options" in " ".join(comparison.cautions)
    assert "differ in length (0.1 against 5 s)" in " ".join(comparison.cautions)


def test_true_pairs_are_set_against_chance(tmp_path):
    for name, level in (("a", 90.0), ("b", 50.0)):
        root = make_tree(tmp_path / name, range(12))
        for number, folder in enumerate(sorted(root.iterdir())):
            percentile = level + (number - 5.5)
            (folder / "coherence.json").write_text(json.dumps({"mix_text_percentile": percentile}))
    (above,), (chance,) = study_of(tmp_path / "a", tmp_path / "b").ranks
    assert above.mean.value == pytest.approx(90) and above.words == "Better than chance."
    assert above.mean.low < 90 < above.mean.high
    assert chance.words == "Not told from chance."


# Ratings -------------------------------------------------------------------------------------------------------------


def write_csv(path, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


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
        "1 answer of a result that is not in this study.",
        "1 answer replaced by a later answer of the same listener to the same sound.",
        "1 answer without a listener.",
        "2 answers without a rating from 1 to 5.",
    ]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "listener,rating\nann,3\n", "listener,rating,id\nann,3,f00\n"])
def test_a_table_that_says_nothing_is_refused(two, tmp_path, text):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(SoundscapeError, match=r"r\.csv"):
        study_of(*two, ratings=[path])


# The listening page --------------------------------------------------------------------------------------------------


def page_data(path):
    return json.loads(re.search(r'id="study"[^>]*>(.*?)</script>', path.read_text(), re.S)[1])


@pytest.fixture
def page(two, tmp_path):
    return write_listening_page(tmp_path / "report", *read_groups(two), seed=7, limit=10)


def test_the_page_and_its_files_do_not_tell_whose_sound_it_is(page):
    text = page.path.read_text() + " ".join(each.name for each in page.path.parent.rglob("*"))
    assert not re.search(r"audioldm|procedural|tagger|picture\d\d|[ab]/", text.replace("listen/", ""))
    key = json.loads(page.key.read_text())
    firsts = [key["sounds"][trial["sounds"][0]]["group"] for trial in page_data(page.path)["trials"]]
    assert len(set(firsts)) == 2, "the order of the names goes with no group"


def test_each_group_is_as_often_left_as_right(page):
    data, key = page_data(page.path), json.loads(page.key.read_text())["sounds"]
    left = [
        [key[trial["sounds"][int(digit)]]["group"] for trial, digit in zip(data["trials"], seating)]
        for seating in data["seatings"]
    ]
    assert all(row.count("tagger + procedural") == 5 for row in left)
    per_picture = [column.count("tagger + procedural") for column in zip(*left)]
    assert set(per_picture) == {len(left) // 2}, "and over all listeners with each picture too"
    assert len(set(data["seatings"])) > len(left) / 2


def test_the_page_made_again_keeps_its_names_and_its_key(two, page, tmp_path):
    before = page_data(page.path)
    earlier = json.loads(page.key.read_text())["sounds"]
    again = write_listening_page(tmp_path / "report", *read_groups(two), seed=7, limit=10)
    assert page_data(again.path) == before
    write_listening_page(tmp_path / "report", *read_groups(two), seed=8, limit=10)
    assert json.loads(page.key.read_text())["sounds"].items() > earlier.items()


def test_the_louder_of_two_is_turned_down(tmp_path):
    write_small(tmp_path / "a/one", RIVER, variant=1, sound_s=1.0, loudness_lufs=-20.0)
    write_small(tmp_path / "b/one", RIVER, variant=1, sound_s=1.0, loudness_lufs=-26.0, audio=OTHER)
    page = write_listening_page(tmp_path / "report", *read_groups([tmp_path / "a", tmp_path / "b"]), seed=7)
    levels = {}
    for name, sound in json.loads(page.key.read_text())["sounds"].items():
        clip = read_wav(tmp_path / f"report/listen/{name}.wav")
        levels[sound["group"]] = integrated_loudness(clip.samples, clip.sample_rate)
    assert levels["tagger + procedural"] - levels["tagger + audioldm2"] == pytest.approx(-6, abs=0.05)
    assert page.matched == 1


def test_answers_of_the_page_find_their_way_back(two, page, tmp_path):
    rows = []
    for order, trial in enumerate(page_data(page.path)["trials"], 1):
        for side, sound, preference in zip("AB", trial["sounds"], ("yes", "no")):
            rows.append(
                {"picture": trial["picture"], "listener": "ann", "sound": side, "id": sound}
                | {"rating": 4 if side == "A" else 2, "preference": preference, "seconds": "7.5", "order": order}
            )
    answers = write_csv(tmp_path / "ann.csv", rows)
    study = study_of(*two, ratings=[answers], keys=[page.key])
    key = json.loads(page.key.read_text())["sounds"]
    assert {(a.group, a.result, a.rating) for a in study.ratings.answers} == {
        (key[row["id"]]["group"], key[row["id"]]["result"], row["rating"]) for row in rows
    }
    assert study.ratings.side_bias().count == 10 == study.ratings.side_bias().n
    yes, equal, no = study.ratings.preferences("tagger + procedural")
    assert (yes + no, equal) == (10, 0)
    assert row_of(study.comparisons[0], "ratings.preferred").found.n == 10
    with pytest.raises(SoundscapeError, match="needs the key"):
        study_of(*two, ratings=[answers])


# The report ----------------------------------------------------------------------------------------------------------


def report_of(tmp_path, *arguments, out="report"):
    assert main([*map(str, arguments), "--out", str(tmp_path / out)]) == 0
    return (tmp_path / out / "index.html").read_text()


def test_the_report_holds_tables_plots_and_players(two, tmp_path):
    for root in two:
        for number, folder in enumerate(sorted(root.iterdir())):
            manifest = json.loads((folder / "manifest.json").read_text())
            manifest["senses"]["picture"]["brightness"] = number / 12
            (folder / "manifest.json").write_text(json.dumps(manifest))
    text = report_of(tmp_path, *two)
    assert "1 of " in text and "above 8 kHz higher" in text
    report = tmp_path / "report"
    links = [unquote(link) for link in re.findall(r'(?:src|href)="([^"#]+)"', text)]
    assert [link for link in links if not (report / link).is_file()] == []
    assert {Path(link).suffix for link in links} >= {".svg", ".wav", ".jpg", ".css", ".js", ".csv"}
    assert str(tmp_path) not in text
    with (report / "figures.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert {line["group"] for line in lines} == {"tagger + procedural", "tagger + audioldm2"}
    assert len({(line["result"], line["group"], line["figure"]) for line in lines}) == len(lines)
    with (report / "comparisons.csv").open() as file:
        found = {line["figure"]: line for line in csv.DictReader(file)}
    assert found["checks.high_band_db"]["verdict"] == "higher in B"
    assert float(found["checks.high_band_db"]["median_difference"]) == 6.5


def test_the_same_study_makes_the_same_report(two, tmp_path):
    report_of(tmp_path, *two, out="one")
    report_of(tmp_path, *two, out="two")
    first, second = (
        {each.relative_to(tmp_path / out): each.read_bytes() for each in (tmp_path / out).rglob("*") if each.is_file()}
        for out in ("one", "two")
    )
    assert first == second


def test_one_group_alone_is_a_report_too(two, tmp_path):
    text = report_of(tmp_path, two[0])
    assert "There is one group only" in text and 'id="compared"' not in text
    assert (tmp_path / "report/comparisons.csv").read_text().count("\n") == 1


def test_groups_without_a_common_picture_are_not_compared(tmp_path):
    a, b = make_tree(tmp_path / "a", range(3)), make_tree(tmp_path / "b", range(3, 6))
    assert "No two groups have a picture in common" in report_of(tmp_path, a, b)


def test_without_matplotlib_the_report_says_that_it_has_no_plots(two, tmp_path, monkeypatch):
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None)
    text = report_of(tmp_path, *two)
    assert "pip install -r requirements-batch.txt" in text and ".svg" not in text
    assert not (tmp_path / "report/plots").exists()


def test_texts_of_results_are_text_in_the_report(tmp_path):
    soundscape = Soundscape(scene=EVIL, sources=(Source(name=EVIL[:50]),))
    card = {"backend": EVIL, "model": "$\\frac{1}{0}$"}
    a = make_tree(tmp_path / "a<b>'\"", range(7), soundscape=soundscape, audio=card, seconds={EVIL: 1.0})
    b = make_tree(tmp_path / "=1+1", range(7), soundscape=soundscape, audio=card, seconds={EVIL: 2.0})
    text = report_of(tmp_path, a, b, "--listen")
    assert EVIL not in text and "&lt;img src=x onerror=alert(1)&gt;" in text
    assert all("<img src=x" not in each.read_text() for each in (tmp_path / "report/plots").iterdir())
    assert EVIL not in (tmp_path / "report/listen.html").read_text()
    assert "\n=1" not in (tmp_path / "report/comparisons.csv").read_text()
    assert ",=1" not in (tmp_path / "report/comparisons.csv").read_text()


def test_examples_are_copied_when_the_trees_lie_elsewhere(two, tmp_path):
    text = report_of(tmp_path, *two, out="far/away/report")
    players = re.findall(r'<audio [^>]*src="([^"]+)"', text)
    assert players and all(link.startswith("examples/") for link in players)
    shutil.rmtree(two[0])
    assert all((tmp_path / "far/away/report" / unquote(link)).is_file() for link in players)


def test_wrong_use_is_answered_with_what_to_do(two, tmp_path, capsys):
    assert main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "r")]) == 1
    assert main([str(two[0]), "--out", str(two[0])]) == 1
    assert main([str(two[0]), "--out", str(tmp_path / "r"), "--listen"]) == 1
    assert main([*map(str, two), "--out", str(tmp_path / "r"), "--listen", "1", "tagger + procedural"]) == 1
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--out", str(tmp_path / "r")]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(".")[0] for line in told] == [
        "There is no folder nowhere",
        "The report would replace the overview of these results",
        "Name the two groups to listen to",
        "To compare by ear, name two different groups",
        "empty holds no finished results",
    ]
    with pytest.raises(SystemExit) as stop:
        main([*map(str, two), "--listen", "1", "2", "3"])
    assert stop.value.code == 2


def test_the_pictures_of_twenty_thousand_results_are_told_apart_in_a_moment():
    entries = [
        groups.Entry(Path(str(n)), str(n), RIVER, {"files": {"picture.jpg": {"sha256": f"{n // 2:064d}"}}})
        for n in range(20_000)
    ]
    assert len(set(groups._pictures(entries).values())) == 10_000
