"""CONTRIBUTING: its five steps, and the hooks that run the tools that it names."""

import re

import yaml

from tests.docs.pages import PAGES, ROOT, table
from tests.test_layers import LAYERS

CONTRIBUTING = PAGES["CONTRIBUTING.md"]


def test_there_are_five_steps_each_with_a_command():
    steps = re.split(r"^\*\*\d\. ", CONTRIBUTING.split("## Five steps")[1].split("\n## ")[0], flags=re.MULTILINE)[1:]
    assert len(steps) == 5
    assert all("```bash\n" in step for step in steps)


def test_the_hooks_run_the_installed_tools():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = {hook["id"]: hook["entry"].split() for hook in hooks[0]["hooks"]}
    assert [words[:2] for words in entries.values()] == [["ruff", "check"], ["ruff", "format"], ["mypy"]]
    assert all(hook["language"] == "system" for hook in hooks[0]["hooks"])
    installed = (ROOT / "tests/requirements.txt").read_text(encoding="utf-8")
    assert all(re.search(rf"^{words[0]}\b", installed, re.MULTILINE) for words in entries.values())


def test_the_layers_are_those_that_a_test_holds():
    rows = [re.findall(r"`([\w.]+)`", row[0]) for row in table("CONTRIBUTING.md", "layer, top down")]
    assert rows == [[unit.removeprefix("pipeline.") for unit in units] for units in LAYERS]
