"""The labels of a benchmark: both forms are read, and errors say where and what."""

import pytest

from pipeline.errors import SoundscapeError
from pipeline.gold import Entry, Labels, judge, read_labels
from pipeline.gold.scoring import figures
from pipeline.soundscape import Soundscape

from ..support.labels import gold, labelled, source, value


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
        ("{", "is not JSON yet (line 1"),
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


def test_labels_that_are_huge_are_refused(tmp_path):
    with (tmp_path / "gold.json").open("wb") as file:
        file.truncate(2_000_000_000)  # sparse
    with pytest.raises(SoundscapeError, match=r"gold\.json has 2000 MB"):
        read_labels(tmp_path)
