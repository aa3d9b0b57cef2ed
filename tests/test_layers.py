"""The layout of the code: who may import whom, no circle, and no long file."""

from pathlib import Path

import pytest

from .support.imports import Import, against_order, circle_in, imports_in

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
CODE = (".py", ".js", ".css", ".html")

# From the top down. Who imports somebody imports from a floor below, be it in a function or for a type.
FLOORS = [
    ("app", "pipeline.procedural.__main__"),
    ("pipeline.page", "pipeline.gold", "pipeline.procedural.gallery"),
    ("pipeline.batch",),
    ("pipeline.job", "pipeline.overview", "pipeline.study"),
    ("pipeline.quality", "pipeline"),
    ("pipeline.mixing", "pipeline.results"),
    ("pipeline.describe", "pipeline.synthesize"),
    ("pipeline.backends",),
    ("pipeline.procedural", "pipeline.tagger", "pipeline.prompting"),
    ("pipeline.kinds",),
    ("pipeline.soundscape", "pipeline.picture", "pipeline.__main__"),
    ("pipeline.audio", "pipeline.settings", "pipeline.command"),
    ("pipeline.files",),
    ("pipeline.errors", "pipeline.colours"),
]


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return imports_in(ROOT, "app", "pipeline")


def test_every_import_leads_down(imports):
    assert len(imports) > 300, "they are read"
    assert against_order(imports, FLOORS) == []


def test_no_module_imports_itself_through_others(imports):
    assert circle_in(imports) == []


def test_no_file_of_code_is_long():
    files = [ROOT / "app.py", *(ROOT / "pipeline").rglob("*"), *(ROOT / "tests").rglob("*")]
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in files if path.suffix in CODE}
    assert len(lines) > 200, "they are found"
    assert {path.name: count for path, count in lines.items() if count > MOST_LINES} == {}


# The walker itself ----------------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path) -> Path:
    """A package of a few files: `top` uses `low`, and each import is written in another way."""
    files = {
        "house/__init__.py": "",
        "house/top.py": "import json\nfrom .room import low\nfrom . import hall\n",
        "house/hall.py": "def open():\n    from house.room.low import DOOR\n    return DOOR\n",
        "house/room/__init__.py": "from .low import DOOR\n",
        "house/room/low.py": "DOOR = 1\n",
        "street.py": "import house.top\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


HOUSE = [("street",), ("house.top",), ("house.hall",), ("house.room",)]


def walked(house: Path) -> list[Import]:
    return imports_in(house, "street", "house")


def test_imports_are_found_however_they_are_written(house):
    assert walked(house) == [
        Import("house.hall", "house.room.low"),
        Import("house.room", "house.room.low"),
        Import("house.top", "house.hall"),
        Import("house.top", "house.room.low"),
        Import("street", "house.top"),
    ]
    assert against_order(walked(house), HOUSE) == [] and circle_in(walked(house)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from ..top import NAME\n",
        "def late():\n    from .. import top\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.top import NAME\n",
    ],
)
def test_an_import_that_leads_up_is_found(house, text):
    (house / "house/room/low.py").write_text(text)
    assert against_order(walked(house), HOUSE) == ["house.room.low -> house.top"]
    assert set(circle_in(walked(house))) >= {"house.top", "house.room.low"}


def test_a_neighbour_on_the_same_floor_is_not_below(house):
    floors = [("street",), ("house.top", "house.hall"), ("house.room",)]
    assert against_order(walked(house), floors) == ["house.top -> house.hall"]


def test_a_module_without_a_floor_is_found(house):
    assert against_order(walked(house), HOUSE[1:]) == ["street -> ?"]
    (house / "house/attic.py").write_text("from .room import low\n")
    assert against_order(walked(house), [("house",), *HOUSE]) == ["house.attic -> ?"]


def test_a_circle_within_a_room_is_found(house):
    (house / "house/room/bed.py").write_text("from . import low\n")
    (house / "house/room/low.py").write_text("from .bed import PILLOW\n")
    assert against_order(walked(house), HOUSE) == []
    assert sorted(circle_in(walked(house))) == ["house.room.bed", "house.room.low"]
