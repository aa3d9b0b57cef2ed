"""The benchmark for descriptions: scores equal those computed by hand; errors name the place and the problem."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pipeline import __main__ as command_line
from pipeline.errors import SoundscapeError
from pipeline.gold import Entry, Labels, judge, main, read_labels
from pipeline.gold.intervals import expanded_tail, micro_interval, wilson
from pipeline.gold.matching import centre_distance, match, stands_for
from pipeline.gold.scoring import figures, reliability
from pipeline.soundscape import Soundscape, Source

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def source(name: str, material: str = "", action: str = "", **fields) -> Source:
    return Source(name=name, material=material, action=action, **fields)


def heard(*names: str) -> Soundscape:
    return Soundscape(sources=tuple(source(name) for name in names))


def entries(*names: str) -> tuple[Entry, ...]:
    return tuple(Entry((name,)) for name in names)


def value(name: str, *verdicts) -> float:
    return next(figure.micro for figure in figures(list(verdicts)) if figure.name == name)


# Names and sources ---------------------------------------------------------------------------------------------------


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


# One picture ---------------------------------------------------------------------------------------------------------

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


# All pictures --------------------------------------------------------------------------------------------------------


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


# The labels ----------------------------------------------------------------------------------------------------------


def labelled(folder: Path, data, name: str = "gold.json") -> Path:
    (folder / name).write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return folder


def gold(**pictures) -> dict:
    return {"format": 1, "pictures": pictures}


def test_the_format_is_read_as_it_is_documented(tmp_path):
    picture = {
        "gold": [{"any_of": ["waves", "surf"], "box": [0, 0.5, 1, 1], "weight": 2}, "gulls"],
        "possible": ["wind"],
    }
    labels = read_labels(labelled(tmp_path, {"about": "two", **gold(**{"sea/harbour.jpg": picture})}))
    assert labels == {
        "sea/harbour.jpg": Labels(
            gold=(Entry(("waves", "surf"), (0.0, 0.5, 1.0, 1.0), 2.0), Entry(("gulls",))), possible=(Entry(("wind",)),)
        )
    }


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("{", "is not valid JSON (line 1"),
        ("[]", "the whole file: must be an object"),
        ({"pictures": {"a": {"gold": ["x"]}}}, "format: must be 1"),
        ({"format": True, "pictures": {"a": {"gold": ["x"]}}}, "format: must be 1"),
        ({"format": 1}, "pictures: must be an object"),
        (gold(), "pictures: must be an object in braces with an entry"),
        (gold(**{"": {"gold": ["x"]}}), 'pictures[""]: must be the path of a picture'),
        (gold(**{"../a.jpg": {"gold": ["x"]}}), 'pictures["../a.jpg"]: must be the path of a picture in the folder'),
        (gold(a={"golden": ["x"]}), "pictures[\"a\"].golden: is not a known field. Did you mean 'gold'?"),
        (gold(a={"gold": []}), 'pictures["a"]: must have an entry'),
        (gold(a={"gold": "rain"}), 'pictures["a"].gold: must be a list'),
        (gold(a={"gold": ["rain", 3]}), 'pictures["a"].gold[1]: must be a text in quotes, or an object'),
        (gold(a={"gold": ["rain", " "]}), 'pictures["a"].gold[1]: must be a name that contains a word'),
        (gold(a={"gold": [{"any_of": []}]}), 'pictures["a"].gold[0].any_of: must be a list of names'),
        (gold(a={"gold": [{"any_of": ["x", 1]}]}), 'pictures["a"].gold[0].any_of[1]: must be a name'),
        (gold(a={"gold": [{"any_of": ["x"], "box": [0, 0, 2, 1]}]}), 'pictures["a"].gold[0].box: must be [x0'),
        (gold(a={"gold": [{"any_of": ["x"], "box": [0.5, 0, 0.1, 1]}]}), "with x0 < x1"),
        (gold(a={"gold": [{"any_of": ["x"], "weight": 0}]}), 'pictures["a"].gold[0].weight: must be a number above 0'),
        (gold(a={"possible": [{"any_of": ["x"], "weight": 2}]}), "only gold entries have a weight"),
        (gold(a={"gold": ["Rain"], "forbidden": ["dog", "rain"]}), "forbidden: 'rain' is also gold"),
        ('{"format": 1, "format": 1}', "format: is written twice"),
    ],
)
def test_what_is_wrong_in_the_labels_is_told_with_its_path(tmp_path, data, told):
    with pytest.raises(SoundscapeError) as error:
        read_labels(labelled(tmp_path, data))
    assert told in str(error.value)


def test_every_problem_is_told_at_once(tmp_path):
    with pytest.raises(SoundscapeError) as error:
        read_labels(labelled(tmp_path, gold(a={"gold": 1}, b={"possible": [2]})))
    assert str(error.value).count("\n") >= 1 and 'pictures["b"].possible[0]' in str(error.value)


def test_the_older_form_is_read(tmp_path):
    older = {"a": {"acceptable": ["rain", "tram"], "absurd": ["dog"], "boxes": {"tram": [0, 0, 1, 0.5]}}}
    labels = read_labels(labelled(tmp_path, older, "labels.json"))["a"]
    sources = (source("heavy rain"), source("tram", box=(0, 0, 1, 0.6)), source("dog"), source("cat"))
    verdict = judge("a", Soundscape(sources=sources), labels)
    assert verdict.kinds == ("possible", "possible", "forbidden", "unlisted")
    assert {figure.name for figure in figures([verdict])}.isdisjoint({"precision", "recall", "F1"})
    assert value("sources acceptable", verdict) == 0.5
    assert value("centre distance", verdict) == pytest.approx(0.05)
    with pytest.raises(SoundscapeError, match=r'\["a"\].boxes.tram: must be'):
        read_labels(labelled(tmp_path, {"a": {"acceptable": ["x"], "boxes": {"tram": 1}}}, "labels.json"))


# The command ---------------------------------------------------------------------------------------------------------


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
    from pipeline.backends import blip

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


# The example set -----------------------------------------------------------------------------------------------------


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
    from pipeline.backends.tagger import Tagger
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
