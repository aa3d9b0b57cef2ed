"""Every page: links, anchors and paths lead somewhere, and blocks are of a kind that some test reads."""

import json
import re

import pytest
from PIL import Image
from pydantic_core import PydanticUndefined

from pipeline.gold import read_labels
from pipeline.settings import Settings
from pipeline.soundscape import Soundscape, Source
from tests.docs.pages import (
    PAGES,
    PATHS,
    PROGRAMS,
    ROOT,
    anchors,
    blocks,
    inline,
    languages,
    links,
    outside_fences,
    table,
)

READ = {"bash", "python", "json"}  # what a test runs or reads
ONLY_READ_BY_PEOPLE = {
    "text": "a line of a requirements file for a Space without a GPU: pip needs the network to try it",
    "nginx": "nginx is no requirement; test_python.py puts a proxy that does the same before the app",
}
FOLDERS = ("pipeline", "tests", "docs", "examples", "prompts")


def test_every_block_is_of_a_kind_that_is_read():
    assert languages() == READ | set(ONLY_READ_BY_PEOPLE)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_link_into_the_repository_leads_somewhere(path):
    page = path.relative_to(ROOT).as_posix()
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.relative_to(ROOT).as_posix()), link


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_it_names_is_there(page):
    named = {code for code in inline(page) if re.fullmatch(rf"({'|'.join(FOLDERS)})/[^\sA-Z<]*", code)}
    assert [path for path in sorted(named) if not any(ROOT.glob(path.rstrip("/")))] == []


def test_the_document_it_shows_is_valid_and_its_table_knows_every_field():
    (shown,) = blocks("docs/document.md", "json")
    soundscape = Soundscape.from_json(shown)
    assert set(json.loads(shown)["sources"][0]) == set(Source.model_fields)
    named = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in table("docs/document.md", "field"))))
    assert named == (set(Soundscape.model_fields) | set(Source.model_fields)) - {"version"}
    assert soundscape.sources[0].name == "river"


def test_the_limits_in_the_table_are_those_of_the_schema():
    fields = table("docs/document.md", "field")
    rows = {name: (row[2], row[3]) for row in fields for name in re.findall(r"`(\w+)`", row[0])}
    schema = Soundscape.model_json_schema()["$defs"]["Source"]["properties"]
    for name in ("distance_m", "gain_db"):
        low, high = schema[name]["minimum"], schema[name]["maximum"]
        assert f"{low:g} to {high:g}" in rows[name][0]
    for name in ("role", "distance_m", "gain_db", "mute"):
        default = Source.model_fields[name].default
        assert default is not PydanticUndefined
        assert rows[name][1] == (str(default).lower() if isinstance(default, bool) else f"{default}".removesuffix(".0"))
    for role in schema["role"]["enum"]:
        assert role in rows["role"][0]


def test_every_setting_is_listed_and_every_listed_one_is_read():
    rows = table("docs/spaces.md", "variable", "Settings")
    listed = {name for row in rows for name in re.findall(r"`([A-Z_0-9]+)`", row[0])}
    others = {"HF_HOME", "HF_HUB_OFFLINE", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_ROOT_PATH"}
    assert listed == {name.upper() for name in vars(Settings())} | others


def test_the_labels_it_shows_can_be_read(tmp_path):
    (shown,) = blocks("docs/evaluation.md", "json")
    (tmp_path / "gold.json").write_text(shown, encoding="utf-8")
    Image.new("RGB", (60, 40)).save(tmp_path / "harbour.jpg")
    assert len(read_labels(tmp_path)["harbour.jpg"].gold) == 2
    fields = {row[0].strip("`") for row in table("docs/evaluation.md", "field")}
    assert fields == set(re.findall(r'"(\w+)":', shown)) - {"format", "pictures"}


def test_the_figures_of_the_cluster_follow_from_their_assumptions():
    gpu_hours = 1_000_000 * 6 / 3600 / 0.8
    assert f"= {gpu_hours / 24:.0f} GPUs" in PAGES["docs/cluster.md"]
    assert f"{gpu_hours / 10 / 24:.1f} days" in PAGES["docs/cluster.md"].replace("\n", " ")


def test_no_command_hides_where_no_test_looks():
    for page in PAGES:
        assert not re.search(rf"^(    |\t)({'|'.join(PROGRAMS)}) ", outside_fences(page), re.MULTILINE), page
