"""CONTRIBUTING: its five steps, and the hooks that run the tools that it names."""

import re

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def test_the_lock_satisfies_every_requirement():
    lock = (ROOT / "requirements-lock.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^(?:#   pip install )?([\w.-]+)==(\S+)", lock, re.MULTILINE))  # torch is in the comment
    locked = {canonicalize_name(name): version for name, version in locked.items()}
    files = ("requirements.txt", "requirements-batch.txt", "tests/requirements.txt")
    lines = [line.split("#")[0].strip() for name in files for line in (ROOT / name).read_text("utf-8").splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    assert len(wanted) > 25
    versions = {each: locked.get(canonicalize_name(each.name), "0") for each in wanted}
    assert [str(each) for each, version in versions.items() if not each.specifier.contains(version)] == []
