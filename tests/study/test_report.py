"""The files that a study writes: the blind listening page with its key, and the report with tables, plots, examples."""

import base64
import csv
import io
import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from pipeline.audio import read_wav
from pipeline.errors import SoundscapeError
from pipeline.mixing.loudness import integrated_loudness
from pipeline.quality.features import rank_correlation, relations
from pipeline.soundscape import Soundscape, Source
from pipeline.study import plots
from pipeline.study.command import main
from pipeline.study.groups import read_groups
from pipeline.study.listening import write_listening_page
from pipeline.study.media import Media

from ..support.studies import OTHER, RIVER, make_tree, make_two, row_of, study_of, write_csv
from ..support.trees import write_small

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def two(tmp_path):
    return make_two(tmp_path)


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


@pytest.mark.parametrize("name", ["mix.wav", "picture.jpg"])
def test_a_huge_file_of_a_result_is_not_read(two, tmp_path, name):
    for path in two[0].rglob(name):
        with path.open("ab") as file:
            file.truncate(2_000_000_000)  # sparse
    with pytest.raises(SoundscapeError, match=f"{name} has 2000 MB"):
        write_listening_page(tmp_path / "report", *read_groups(two), seed=7, limit=1)
    group = read_groups(two)[0]
    with pytest.raises(SoundscapeError, match=f"{name} has 2000 MB"):
        Media(tmp_path / "far/away/report", [group]).link(group, group.samples[0], name)


def test_a_huge_key_is_refused(two, page, tmp_path):
    with page.key.open("ab") as file:
        file.truncate(2_000_000_000)  # sparse
    with pytest.raises(SoundscapeError, match=f"{page.key.name} has 2000 MB"):
        write_listening_page(tmp_path / "report", *read_groups(two), seed=7, limit=10)


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
    assert "There is only one group" in text and 'id="compared"' not in text
    assert (tmp_path / "report/comparisons.csv").read_text().count("\n") == 1


def test_groups_without_a_common_picture_are_not_compared(tmp_path):
    a, b = make_tree(tmp_path / "a", range(3)), make_tree(tmp_path / "b", range(3, 6))
    assert "No two groups have a picture in common" in report_of(tmp_path, a, b)


def test_without_matplotlib_the_report_says_that_it_has_no_plots(two, tmp_path, monkeypatch):
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None)
    text = report_of(tmp_path, *two)
    assert "pip install -r requirements-batch.txt" in text and ".svg" not in text
    assert not (tmp_path / "report/plots").exists()


def test_thousands_of_dots_are_one_picture_that_is_seen_by_day_and_by_night():
    pairs = relations()
    keys = [key for pair in pairs for key in (f"senses.picture.{pair.picture}", f"senses.sound.{pair.sound}")]
    values = {key: {str(n): float(n * 7919 % 3001) for n in range(3000)} for key in keys}
    drawing = plots.senses(values, [rank_correlation(pair.name, [], []) for pair in pairs])
    assert drawing.count("<image") == len(pairs) and len(drawing) < 400_000
    pictures = [Image.open(io.BytesIO(base64.b64decode(each))) for each in re.findall(r"base64,([^\"]+)", drawing)]
    for picture in pictures:
        dots = np.asarray(picture.convert("RGBA")).reshape(-1, 4)
        assert 90 < dots[dots[:, 3] > 150][:, 1].mean() < 180


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
        "A listening page compares two groups, but there is only one",
        "A listening page needs two different groups",
        "empty holds no finished results",
    ]
    with pytest.raises(SystemExit) as stop:
        main([*map(str, two), "--listen", "1", "2", "3"])
    assert stop.value.code == 2
