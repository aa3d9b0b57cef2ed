"""docs/adding-a-model.md, step by step, in a copy of the project: the file, the line and the test do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from PIL import Image

from tests.docs.pages import ROOT, blocks, commands

PAGE = "docs/adding-a-model.md"
FOLDERS = ("pipeline", "prompts", "examples")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with the model of the page."""
    root = tmp_path_factory.mktemp("project")
    for folder in FOLDERS:
        copytree(ROOT / folder, root / folder, ignore=ignore_patterns("__pycache__"))
    model, line, test = blocks(PAGE, "python")
    for text in (model, test):
        path = root / text.splitlines()[0].removeprefix("# ")
        assert not (ROOT / path.relative_to(root)).exists() and (ROOT / path.relative_to(root)).parent.is_dir()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    registry = root / "pipeline/backends/__init__.py"
    text, count = re.subn(r"(?m)^(AUDIO\b.*\{\n)", rf"\g<1>{line}", registry.read_text(encoding="utf-8"))
    assert count == 1
    registry.write_text(text, encoding="utf-8")
    Image.new("RGB", (60, 40), (40, 120, 40)).save(root / "photo.jpg")
    return root


def run(project: Path, *words: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(project)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)


def test_the_test_of_the_page_passes(project):
    (command,) = (command for command in commands() if command.page == PAGE and command.words[0] == "pytest")
    done = run(project, *command.words, "-p", "no:cacheprovider")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_command_of_the_page_makes_a_sound(project):
    (command,) = (command for command in commands() if "--audio tone" in command.text)
    done = run(project, *command.words[2:], "--duration", "2")
    assert done.returncode == 0, done.stderr
    assert (project / "results/photo/mix.wav").is_file()


def test_the_code_of_the_page_is_styled_like_the_project(project):
    settings = ["--config", str(ROOT / "pyproject.toml")]
    paths = [text.splitlines()[0].removeprefix("# ") for text in (blocks(PAGE, "python")[0], blocks(PAGE, "python")[2])]
    for task in (["check"], ["format", "--check"]):
        done = run(project, "ruff", *task, *settings, *paths)
        assert done.returncode == 0, done.stdout
