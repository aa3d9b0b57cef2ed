"""The layout of the code: allowed imports, no import cycle, no long file."""

from pathlib import Path

import pytest

from .support.imports import Import, against_order, cycle_in, imports_in

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
CODE = (".py", ".js", ".css", ".html")

# From top to bottom. A module imports only from layers below, even inside functions and for types.
LAYERS = [
    ("app", "pipeline.procedural.__main__"),
    ("pipeline.page", "pipeline.gold", "pipeline.procedural.gallery"),
    ("pipeline.batch", "pipeline.remix"),
    ("pipeline.job", "pipeline.overview", "pipeline.study"),
    ("pipeline.quality", "pipeline"),
    ("pipeline.mixing", "pipeline.results"),
    ("pipeline.describe", "pipeline.synthesize"),
    ("pipeline.backends",),
    ("pipeline.procedural", "pipeline.tagger", "pipeline.prompting"),
    ("pipeline.kinds",),
    ("pipeline.soundscape", "pipeline.picture", "pipeline.stems", "pipeline.__main__"),
    ("pipeline.audio", "pipeline.command", "pipeline.versions", "pipeline.json_text", "pipeline.repairs"),
    ("pipeline.logs",),
    ("pipeline.files", "pipeline.names", "pipeline.settings"),
    ("pipeline.errors", "pipeline.colours", "pipeline.checkpoint"),
]


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return imports_in(ROOT, "app", "pipeline")


def test_every_import_is_from_a_lower_layer(imports):
    assert len(imports) > 300, "the imports were read"
    assert against_order(imports, LAYERS) == []


def test_there_is_no_import_cycle(imports):
    assert cycle_in(imports) == []


def test_no_source_file_is_too_long():
    files = [ROOT / "app.py", *(ROOT / "pipeline").rglob("*"), *(ROOT / "tests").rglob("*")]
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in files if path.suffix in CODE}
    assert len(lines) > 200, "the files were found"
    assert {path.name: count for path, count in lines.items() if count > MOST_LINES} == {}


# The reader of imports ------------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path) -> Path:
    """A small package: `top` uses `low`, and each import is written in a different way."""
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


def imports_of(house: Path) -> list[Import]:
    return imports_in(house, "street", "house")


def test_all_forms_of_imports_are_found(house):
    assert imports_of(house) == [
        Import("house.hall", "house.room.low"),
        Import("house.room", "house.room.low"),
        Import("house.top", "house.hall"),
        Import("house.top", "house.room.low"),
        Import("street", "house.top"),
    ]
    assert against_order(imports_of(house), HOUSE) == [] and cycle_in(imports_of(house)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from ..top import NAME\n",
        "def late():\n    from .. import top\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.top import NAME\n",
    ],
)
def test_an_import_from_a_higher_layer_is_found(house, text):
    (house / "house/room/low.py").write_text(text)
    assert against_order(imports_of(house), HOUSE) == ["house.room.low -> house.top"]
    assert set(cycle_in(imports_of(house))) >= {"house.top", "house.room.low"}


def test_an_import_within_the_same_layer_is_found(house):
    layers = [("street",), ("house.top", "house.hall"), ("house.room",)]
    assert against_order(imports_of(house), layers) == ["house.top -> house.hall"]


def test_a_module_without_a_layer_is_found(house):
    assert against_order(imports_of(house), HOUSE[1:]) == ["street -> ?"]
    (house / "house/attic.py").write_text("from .room import low\n")
    assert against_order(imports_of(house), [("house",), *HOUSE]) == ["house.attic -> ?"]


def test_a_cycle_within_a_package_is_found(house):
    (house / "house/room/bed.py").write_text("from . import low\n")
    (house / "house/room/low.py").write_text("from .bed import PILLOW\n")
    assert against_order(imports_of(house), HOUSE) == []
    assert sorted(cycle_in(imports_of(house))) == ["house.room.bed", "house.room.low"]
