"""The results on this machine, if the app is started with their folder: listed, searched and opened by name."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from PIL import Image

import app
from pipeline.errors import SoundscapeError
from pipeline.job import Job, run
from pipeline.page import shelf, views
from pipeline.page.shelf import Shelf
from pipeline.soundscape import Soundscape

from ..support.page_server import RIVER, visitor


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """30 results in two folders, one of them without a picture."""
    root = tmp_path_factory.mktemp("tree") / "results"
    soundscape = Soundscape.from_json(RIVER)
    first = run(Job(Image.new("RGB", (60, 40)), soundscape, audio="procedural", duration_s=2, seed=1), root / "a/00")
    for number in range(1, 30):
        folder = Path(shutil.copytree(first.folder, root / ("b" if number % 2 else "a") / f"{number:02d}"))
        text = json.dumps(json.loads(RIVER) | {"scene": f"Valley {number}"})
        (folder / "soundscape.json").write_text(text)
    (root / "b/29/picture.jpg").unlink()
    return root


def look(on, query="", start=0):
    return on.look({"query": query, "start": start})


def test_results_are_shown_some_at_a_time(tree):
    results = Shelf(tree)
    first, second = look(results), look(results, start=shelf.SHOWN_AT_ONCE)
    assert first["total"] == second["total"] == 30
    found = [item["name"] for item in first["items"] + second["items"]]
    assert found == sorted(found) and len(set(found)) == 30 and found[0] == "a/00"
    pictures = {item["name"]: item["thumbnail"] for item in first["items"] + second["items"]}
    assert pictures["a/00"].startswith("data:image/jpeg;base64,") and pictures["b/29"] == ""
    assert str(tree) not in json.dumps([first, second]), "no path of this machine is sent"


def test_a_bad_picture_only_loses_its_own_thumbnail(tree, tmp_path):
    root = Path(shutil.copytree(tree / "a/00", tmp_path / "results/well")).parent
    for name in ("damaged", "huge", "pipe"):
        picture = Path(shutil.copytree(tree / "a/00", root / name)) / "picture.jpg"
        picture.unlink()
        if name == "damaged":
            picture.write_bytes(b"\xff\xd8\xff\xe0 no picture")
        elif name == "huge":  # 177 megapixels in half a megabyte
            Image.new("1", (13_300, 13_300)).save(picture, "PNG")
        else:
            os.mkfifo(picture)
    found = {item["name"]: item["thumbnail"] for item in look(Shelf(root))["items"]}
    assert found.pop("well").startswith("data:image/jpeg;base64,")
    assert found == {"damaged": "", "huge": "", "pipe": ""}


@pytest.mark.parametrize(
    ("query", "total"), [("river", 30), ("RUSHING", 30), ("valley 17", 1), ("b/ 2", 5), ("waterfall", 0), ("  ", 30)]
)
def test_a_search_finds_names_places_and_sounds(tree, query, total):
    assert look(Shelf(tree), query)["total"] == total


@pytest.mark.parametrize("asked", [None, "x", [], {}, {"query": 1, "start": 0}, {"query": "", "start": -1}])
def test_an_invalid_search_finds_nothing(tree, asked):
    assert Shelf(tree).look(asked) == {"total": 0, "items": []}


def test_results_that_come_later_are_found(tree, tmp_path, monkeypatch):
    shutil.copytree(tree / "a/00", tmp_path / "results/one")
    results = Shelf(tmp_path / "results")
    assert look(results)["total"] == 1
    shutil.copytree(tree / "a/00", tmp_path / "results/two")
    assert look(results)["total"] == 1, "not read again for every look"
    monkeypatch.setattr(shelf, "READ_AGAIN_S", 0)
    assert look(results)["total"] == 2


def test_a_result_is_opened_from_a_copy_of_the_visitor(tree, visitors_root):
    values = app.open_from(Shelf(tree))(visitor(), SimpleNamespace(name="a/02"))
    assert len(values) == views.OPENED and json.loads(values[1]["json"])["scene"] == "Valley 2"
    mix = Path(values[2 + views.REPLACED])
    assert mix.is_relative_to(visitors_root) and mix.read_bytes() == (tree / "a/02/mix.wav").read_bytes()


@pytest.mark.parametrize("name", ["../results/a/00", "/etc", "", None, 7, ["a/00"]])
def test_only_what_is_on_the_shelf_can_be_opened(tree, name):
    with pytest.raises(gr.Error, match="no such result"):
        app.open_from(Shelf(tree))(visitor(), SimpleNamespace(name=name))


def test_without_a_folder_there_is_no_shelf(address):
    assert "shelf" not in {part["props"].get("elem_id") for part in httpx.get(f"{address}/config").json()["components"]}


def test_a_folder_that_is_not_there_is_said_before_anything_starts(tmp_path, monkeypatch, capsys):
    with pytest.raises(SoundscapeError, match="There is no folder"):
        Shelf(tmp_path / "nothing")
    monkeypatch.setattr(app, "create_demo", lambda *_: pytest.fail("something was started"))
    monkeypatch.setattr("sys.argv", ["app.py", "nowhere/"])
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 2 and "There is no folder nowhere" in capsys.readouterr().err
