"""A picture that kills its worker is found and set aside; other pictures of its batch are not."""

import pytest

from pipeline.batch import crashes
from pipeline.batch.crashes import run_marked
from pipeline.batch.storage import names, place, remove


class Killed(BaseException):
    """Stands for SIGKILL: the next worker finds the files of this moment."""


BATCH = [{"name": name} for name in ("a", "b", "c/d", "e")]


@pytest.fixture(params=["local", "remote"])
def out(request, tmp_path):
    folder = tmp_path / "out" if request.param == "local" else place("memory://attempts-test")
    yield folder
    remove(folder)


@pytest.fixture
def workers(monkeypatch):
    """Do a batch like Ray: a new worker each time the old one was killed."""
    kept = {}
    monkeypatch.setattr(crashes, "remove", lambda path: None if kept.get("killed") else remove(path))

    def work(out, batch, kills):
        """Return the rows and all calls. `kills(names, call)` says whether this call of the work kills its worker."""
        calls = []

        def do(rows):
            calls.append([row["name"] for row in rows])
            if kills(calls[-1], len(calls)):
                kept["killed"] = True  # a killed process removes no marker
                raise Killed
            return [f"{row['name']} done" for row in rows]

        while True:
            kept["killed"] = False
            try:
                return run_marked(out, batch, do, lambda row: f"{row['name']} set aside"), calls
            except Killed:
                continue

    return work


def test_no_marker_remains_when_all_goes_well(out, workers):
    rows, calls = workers(out, BATCH, lambda names, call: False)
    assert rows == ["a done", "b done", "c/d done", "e done"]
    assert calls == [["a", "b", "c/d", "e"]]
    assert names(out / crashes.FOLDER) == []


def test_a_marker_exists_during_the_work(out):
    seen = []
    run_marked(out, BATCH, lambda rows: seen.extend(names(out / crashes.FOLDER)) or rows, lambda row: row)
    assert len(seen) == 1


def test_a_killer_is_set_aside_and_its_neighbours_are_done(out, workers):
    rows, calls = workers(out, BATCH, lambda names, call: "b" in names)
    assert rows == ["a done", "b set aside", "c/d done", "e done"]
    assert [call for call in calls if "b" in call] == [["a", "b", "c/d", "e"], ["b"], ["b"]], "three workers, no more"


def test_a_killer_alone_has_two_tries(out, workers):
    rows, calls = workers(out, [{"name": "b"}], lambda names, call: True)
    assert rows == ["b set aside"]
    assert calls == [["b"], ["b"]]


def test_two_killers_in_one_batch_are_both_found(out, workers):
    rows, _ = workers(out, BATCH, lambda names, call: bool({"a", "e"} & set(names)))
    assert rows == ["a set aside", "b done", "c/d done", "e set aside"]


@pytest.mark.parametrize("moment", [1, 2, 3, 4, 5])
def test_one_death_by_chance_at_any_moment_blames_nobody(out, workers, moment):
    """The first kill hits the batch, the others a picture that is repeated alone."""
    rows, _ = workers(out, BATCH, lambda names, call: call in (1, moment))
    assert rows == ["a done", "b done", "c/d done", "e done"]
    assert names(out / crashes.FOLDER) == []


def test_a_killer_that_was_set_aside_is_not_tried_again_by_a_batch_that_is_repeated(out, workers):
    workers(out, [{"name": "b"}], lambda names, call: True)
    rows, calls = workers(out, [{"name": "b"}], lambda names, call: False)
    assert rows == ["b set aside"]
    assert calls == []


def test_a_new_run_starts_without_markers(out, workers):
    workers(out, [{"name": "b"}], lambda names, call: True)
    crashes.clear(out)
    rows, _ = workers(out, [{"name": "b"}], lambda names, call: False)
    assert rows == ["b done"]


def test_an_exception_is_not_a_kill(out):
    def fail(rows):
        raise ValueError("a bad picture")

    with pytest.raises(ValueError, match="a bad picture"):
        run_marked(out, BATCH, fail, lambda row: row)
    assert names(out / crashes.FOLDER) == []


def test_no_rows_give_no_rows(out):
    assert run_marked(out, [], lambda rows: rows, lambda row: row) == []
