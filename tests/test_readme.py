"""The README keeps its word: versions, settings, fields and commands are those of the code, and its snippets run."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image
from pydantic_core import PydanticUndefined

from pipeline import backends
from pipeline.settings import Settings
from pipeline.soundscape import Soundscape, Source

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = dict(line.split(": ", 1) for line in README.split("---")[1].splitlines() if re.match(r"\w+: ", line))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    return re.findall(r"^    (pip install .*|python .*)$", README, re.MULTILINE)


def table(heading_cell: str) -> list[list[str]]:
    """The rows of the table whose first heading is `heading_cell`."""
    rows = README.split(f"| {heading_cell} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_card_agrees_with_the_requirements():
    pins = dict(re.findall(r"^(\S+?)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert CARD["sdk"] == "gradio" and CARD["sdk_version"] == pins["gradio"] == version("gradio")
    assert CARD["python_version"] == '"3.12"'
    assert (ROOT / CARD["app_file"]).is_file()
    assert len(CARD["short_description"]) <= 60
    assert CARD["license"] == "apache-2.0" and "Apache License" in (ROOT / "LICENSE").read_text()


def test_the_two_commands_are_there_and_ci_runs_the_second():
    start, test = (command for command in commands() if command.startswith("pip install"))
    assert start == "pip install -r requirements.txt && python app.py"
    install, run = test.split(" && ")
    ci = (ROOT / ".ci/run").read_text()
    assert re.search(rf"{install.removeprefix('pip ')}$".replace("install", "install -q"), ci, re.MULTILINE)
    assert ci.rstrip().endswith(run)


def test_every_option_of_the_command_line_that_it_names_exists():
    usage = subprocess.run(
        [sys.executable, "-m", "pipeline", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    section = README.split("## Command line")[1].split("\n## ")[0]
    named = set(re.findall(r"--[a-z-]+", section))
    assert named and named <= set(re.findall(r"--[a-z-]+", usage.stdout))


def test_the_document_it_shows_is_valid_and_its_table_knows_every_field():
    (shown,) = blocks("json")
    soundscape = Soundscape.from_json(shown)
    assert set(json.loads(shown)["sources"][0]) == set(Source.model_fields)
    named = set(re.findall(r"`(\w+)`", " ".join(row[0] for row in table("field"))))
    assert named == (set(Soundscape.model_fields) | set(Source.model_fields)) - {"version"}
    assert soundscape.sources[0].name == "river"


def test_the_limits_in_the_table_are_those_of_the_schema():
    rows = {name: (row[2], row[3]) for row in table("field") for name in re.findall(r"`(\w+)`", row[0])}
    schema = Soundscape.model_json_schema()["$defs"]["Source"]["properties"]
    for name in ("distance_m", "gain_db"):
        low, high = schema[name]["minimum"], schema[name]["maximum"]
        assert f"{low:g} to {high:g}" in rows[name][0]
    for name in ("role", "distance_m", "gain_db", "mute"):
        default = Source.model_fields[name].default
        assert default is not PydanticUndefined
        assert rows[name][1] == (str(default).lower() if isinstance(default, bool) else f"{default}".removesuffix(".0"))
    for space in schema["role"]["enum"]:
        assert space in rows["role"][0]


def test_every_setting_is_listed_and_every_listed_one_is_read():
    listed = {name for row in table("variable") for name in re.findall(r"`([A-Z_0-9]+)`", row[0])}
    assert {name.upper() for name in vars(Settings())} <= listed


def test_every_backend_is_listed():
    listed = {name for row in table("backend") for name in re.findall(r"`([a-z0-9.-]+)`", row[0])}
    assert listed == set(backends.VISION | backends.AUDIO)


def test_the_python_snippets_run(tmp_path):
    Image.new("RGB", (60, 40), (40, 120, 40)).save(tmp_path / "photo.jpg")
    steps, whole = (block for block in blocks("python") if "gradio_client" not in block)
    check = """
assert clip.samples.shape == (2, 441000) and clip.sample_rate == 44100
assert result.mix_path.is_file()
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", steps + whole + check], cwd=tmp_path, env=environment, check=True, timeout=120
    )


def test_the_command_it_shows_runs(tmp_path):
    (shown,) = (command for command in commands() if command.startswith("python -m pipeline PICTURE"))
    Image.new("RGB", (60, 40), (40, 120, 40)).save(tmp_path / "photo.jpg")
    plain = re.sub(r"\[--(vision|audio) NAME\]", "", shown).replace("PICTURE...", "photo.jpg")
    arguments = plain.replace("[", "").replace("]", "").split()[1:]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, env=environment, check=True, timeout=120)
    assert (tmp_path / "results/photo/mix.wav").is_file()


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_link_into_the_repository_leads_somewhere(link):
    assert (ROOT / link).exists()
