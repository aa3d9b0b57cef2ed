"""The command of the benchmark: documents made here or elsewhere, and what is wrong in words."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pipeline import __main__ as command_line
from pipeline.gold import judge, read_labels
from pipeline.gold.command import main
from pipeline.soundscape import Soundscape

from ..support.labels import gold, heard, labelled, value

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder of two labelled pictures."""
    pictures = tmp_path / "pictures"
    (pictures / "wet").mkdir(parents=True)
    for name in ("wet/Street 1.png", "field.png"):
        Image.new("RGB", (60, 40), (40, 120, 40)).save(pictures / name)
    return labelled(pictures, gold(**{"wet/Street 1.png": {"gold": ["rain", "tram"]}, "field": {"gold": ["wind"]}}))


def written(path: Path, soundscape: Soundscape) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(soundscape.to_json(), encoding="utf-8")


def test_descriptions_by_others_are_read_from_files_of_their_names(folder, tmp_path, capsys):
    written(tmp_path / "answers/wet/Street 1.json", heard("rain"))
    written(tmp_path / "answers/field.json", heard("dog", "wind"))
    table = tmp_path / "scores.csv"
    assert main([str(folder), "--results", str(tmp_path / "answers"), "--csv", str(table)]) == 0
    printed = capsys.readouterr().out
    assert "missed: tram" in printed and "?dog" in printed and "=wind" in printed
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["picture"]: row for row in csv.DictReader(file)}
    assert rows["field"]["unlisted_names"] == "dog" and float(rows["field"]["precision"]) == 0.5
    assert rows["wet/Street 1.png"]["missed_names"] == "tram" and float(rows["wet/Street 1.png"]["recall"]) == 0.5
    with (tmp_path / "scores-summary.csv").open(encoding="utf-8", newline="") as file:
        measures = {row["measure"]: row for row in csv.DictReader(file)}
    assert float(measures["recall"]["micro"]) == pytest.approx(2 / 3, abs=1e-4)
    assert float(measures["recall"]["macro"]) == pytest.approx(3 / 4)


def test_the_tree_of_a_run_is_read(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert command_line.main([str(folder), "--out", str(out), "--skip-audio", "--vision", "tagger"]) == 0
    (street,) = out.glob("wet/*/soundscape.json")
    written(street, heard("rain", "tram"))  # edited by a person
    capsys.readouterr()
    assert command_line.main(["gold", str(folder), "--results", str(out)]) == 0
    assert "=rain 1.00, =tram 1.00" in capsys.readouterr().out


def test_a_description_that_is_missing_or_broken_is_told_and_counted(folder, tmp_path, capsys):
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "field.json").write_text('{"sources": [{"name": "wind", "gain_db": 99}]}', encoding="utf-8")
    assert main([str(folder), "--results", str(answers)]) == 1
    printed = capsys.readouterr().out
    assert "field.json: sources[0].gain_db: must be at most 12" in printed
    assert "answers has no wet/Street 1.json" in printed and "2 without a description" in printed
    assert "0 of 3 gold entries" in printed


def test_a_text_that_a_spreadsheet_would_run_is_written_as_text(folder, tmp_path):
    written(tmp_path / "answers/field.json", heard("=1+1 dog"))
    table = tmp_path / "scores.csv"
    main([str(folder), "--results", str(tmp_path / "answers"), "--csv", str(table)])
    with table.open(encoding="utf-8", newline="") as file:
        assert next(row for row in csv.DictReader(file) if row["picture"] == "field")["unlisted_names"] == "'=1+1 dog"


def test_a_missing_picture_is_told_before_any_is_described(folder, capsys):
    labelled(folder, gold(feild={"gold": ["wind"]}))
    assert main([str(folder), "--vision", "tagger"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "no picture feild" in err and "Did you mean 'field'?" in err


def test_two_pictures_of_one_name_need_their_endings(folder, capsys):
    Image.new("RGB", (6, 4)).save(folder / "field.bmp")
    assert main([str(folder), "--vision", "tagger"]) == 2
    assert "field may be field.bmp or field.png: add the file ending" in capsys.readouterr().err


def test_a_backend_that_cannot_run_here_says_why(folder, capsys, monkeypatch):
    from pipeline.backends.vision import blip

    card = blip.Blip.card

    monkeypatch.setattr(
        blip.Blip, "card", classmethod(lambda cls, settings: replace(card(settings), reason="it has no weights."))
    )
    assert main([str(folder), "--vision", "blip"]) == 2
    assert "blip cannot run here: it has no weights." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "There is no gold.json in nowhere"),
        ([str(EXAMPLES), "--results", "nowhere"], "There is no folder nowhere"),
        ([str(EXAMPLES), "--results", "x", "--vision", "tagger"], "not allowed with"),
        ([str(EXAMPLES), "--vision", "eye"], "there is no vision backend 'eye'"),
        ([str(EXAMPLES), "--csv", "nowhere/scores.csv"], "there is no folder nowhere for scores.csv"),
    ],
)
def test_wrong_usage_is_refused_in_words(arguments, told, capsys):
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2 and told in capsys.readouterr().err


# The example set ------------------------------------------------------------------------------------------------------


def test_the_example_set_labels_every_example(capsys):
    labels = read_labels(EXAMPLES)
    assert {Path(name).stem for name in labels} == {path.stem for path in EXAMPLES.glob("*.json")} - {"gold"}
    for name, each in labels.items():
        assert (EXAMPLES / name).is_file()
        assert len(each.gold) >= 3 and len(each.possible) >= 3 and len(each.forbidden) >= 3
        assert any(entry.box for entry in each.gold)


def test_the_documents_beside_the_examples_find_all_that_is_gold(capsys):
    assert main([str(EXAMPLES), "--results", str(EXAMPLES)]) == 0
    verdicts = [
        judge(name, Soundscape.from_json((EXAMPLES / name).with_suffix(".json").read_text("utf-8")), labels)
        for name, labels in read_labels(EXAMPLES).items()
    ]
    assert value("recall", *verdicts) == value("precision", *verdicts) == 1
    assert value("box within 0.15", *verdicts) > 0.8


def test_the_tagger_keeps_what_it_reaches_on_the_example_set():
    from pipeline.backends.vision.tagger import Tagger
    from pipeline.picture import load_picture

    tagger = Tagger()
    verdicts = [
        judge(name, tagger.describe(load_picture(EXAMPLES / name)), labels)
        for name, labels in read_labels(EXAMPLES).items()
    ]
    assert value("precision", *verdicts) >= 0.9
    assert value("recall", *verdicts) >= 0.6
    assert value("first acceptable", *verdicts) == 1
    assert value("forbidden sources", *verdicts) == 0


def test_a_huge_description_counts_as_none(folder, tmp_path, capsys):
    written(tmp_path / "answers/wet/Street 1.json", heard("rain"))
    with (tmp_path / "answers/field.json").open("wb") as file:
        file.truncate(2_000_000_000)  # sparse
    assert main([str(folder), "--results", str(tmp_path / "answers")]) == 1
    assert "field.json: field.json has 2000 MB" in capsys.readouterr().out
