"""Every command of the pages runs. The few that cannot are listed here with the reason."""

import re
import subprocess
import sys

import pytest
from PIL import Image

from pipeline.results.result import BEFORE, COHERENCE
from tests.docs.pages import ROOT, Command, commands, inline, table
from tests.docs.sandbox import DURATION_S, call, furnish, parser_of

# Commands of other programs that are not run.
FOREIGN = {
    "pip install": "needs the network; CI runs the line of the README in a fresh environment",
    "apt install": "needs root and the network; CI does it",
    "python -m venv": "CI does it",
    ". .venv/bin/activate": "changes the shell alone",
    "cd": "changes the shell alone",
    "export": "changes the shell alone",
    "git": "changes the repository",
    "pre-commit install": "changes the repository; test_contributing.py reads the hooks",
    "pytest": "is what runs this test",
    "mypy": "takes a minute; CI runs it",
    "ruff format .": "would change files; CI runs it with --check",
    "ray start": "would start a cluster that outlives the test; its arguments are parsed below",
    "vllm serve": "needs a GPU and weights",
    "docker": "needs a daemon; test_deployment.py reads the Dockerfile, and builds it where one answers",
}

# Our own commands of which only the arguments are parsed: a pattern of the command, and the reason.
PARSED = {
    r"app\.py": "serves until it is stopped; test_python.py does so",
    r"--ray": "Ray takes 16 s to start; the tests of the cluster run it",
    r"--audio audioldm2|--vision qwen2\.5-vl": "needs weights of several gigabytes",
    r"--audio tone": "test_adding_a_model.py runs it in a copy of the project that has this model",
    r"benchmarks\.soak": "needs a folder of photographs and takes minutes",
    r"pipeline score": "needs the weights of CLAP and CLIP; the tests of the scores run it on tiny ones",
    r"describe_with_vllm": "needs a server; its own test gives it one",
    r"examples/draw\.py": "would draw the examples anew for minutes; test_examples.py draws them small",
}

# Modules that take no arguments and are not run: benchmarks take minutes (parts of them run in test_benchmarks.py), the
# picture of the README would be taken anew, a Space's packages take gigabytes, and two need the network.
BARE = r"python -m tests\.(benchmarks(\.\w+)?|screenshot|space|lock|audit|fuzz|corpus)"

# Arguments that make a command quick without changing what it does.
SHORTER = {
    r"-m pipeline (?!index|remix|study|gold|score)\S": ("--duration", str(DURATION_S)),
    r"-m pipeline\.procedural": ("--only", "rain", "--seeds", "1", "--duration", "1"),
}

ALL = commands()


def is_foreign(command: Command) -> bool:
    return any(f"{command.text} ".startswith(f"{start} ") for start in FOREIGN)


def is_parsed(command: Command) -> bool:
    return any(re.search(pattern, command.text) for pattern in PARSED)


OURS = [command for command in ALL if not is_foreign(command)]
LOOKED_UP = [command for command in OURS if re.fullmatch(BARE, command.text)]
ONLY_PARSED = [command for command in OURS if is_parsed(command)]
RUN = [command for command in OURS if command not in LOOKED_UP + ONLY_PARSED]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return furnish(tmp_path_factory.mktemp("docs"))


@pytest.mark.parametrize("command", RUN, ids=lambda command: command.text)
def test_the_command_runs(command, sandbox, monkeypatch):
    monkeypatch.chdir(sandbox)
    if command.words[0] == "ruff":
        subprocess.run([sys.executable, "-m", *command.words], cwd=ROOT, check=True)
    elif command.words[:2] == ("python", "-c"):
        subprocess.run([sys.executable, *command.words[1:]], check=True)
    else:
        assert command.words[0] == "python", "run this program here, or list it with the reason"
        more = [more for pattern, more in SHORTER.items() if re.search(pattern, command.text)]
        assert call(command.words, monkeypatch, *(more[0] if more else ())) == 0


def test_the_command_of_the_readme_writes_the_files_that_the_page_lists(tmp_path, monkeypatch):
    (command,) = (command for command in RUN if command.page == "README.md")
    assert command.text.startswith("python -m pipeline photo.jpg")
    Image.new("RGB", (60, 40), (40, 120, 40)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    assert call(command.words, monkeypatch) == 0
    assert (tmp_path / "results/photo/mix.wav").is_file()
    listed = {name for row in table("docs/document.md", "file") for name in re.findall(r"`([\w.]+)/?`", row[0])}
    assert {path.name for path in (tmp_path / "results/photo").iterdir()} == listed - {*COHERENCE, BEFORE}


@pytest.mark.parametrize("words", dict.fromkeys(command.words for command in ONLY_PARSED), ids=" ".join)
def test_the_arguments_of_the_command_are_understood(words, monkeypatch):
    assert parser_of(words, monkeypatch)


@pytest.mark.parametrize("command", LOOKED_UP, ids=lambda command: command.text)
def test_the_module_is_there(command):
    module = ROOT / command.text.removeprefix("python -m ").replace(".", "/")
    file = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
    assert "__main__" in file.read_text(encoding="utf-8")


def test_no_reason_stands_for_a_command_that_is_gone():
    for start in FOREIGN:
        assert any(f"{command.text} ".startswith(f"{start} ") for command in ALL), start
    for pattern in PARSED:
        assert any(re.search(pattern, command.text) for command in OURS), pattern


def test_ray_understands_its_arguments():
    scripts = pytest.importorskip("ray.scripts.scripts")
    starts = [command.words for command in ALL if command.text.startswith("ray start")]
    assert starts
    for words in starts:
        assert scripts.start.make_context("start", list(words[2:]))


def test_what_pip_is_asked_to_install_is_there():
    for command in ALL:
        if command.text.startswith("pip install"):
            files = [name for option, name in zip(command.words, command.words[1:]) if option == "-r"]
            assert all((ROOT / name).is_file() for name in files)


def test_the_steps_of_ci_are_in_ci():
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for step in ("pytest", "mypy", "ruff check .", "ruff format --check .", "python3 -m venv", "install -y -qq"):
        assert step in ci, step


def test_every_variable_before_a_command_is_a_setting():
    rows = table("docs/spaces.md", "variable", "Settings")
    names = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row[0])}
    used = {variable.partition("=")[0] for command in ALL for variable in command.variables}
    assert used and used <= names


# The options of the command line --------------------------------------------------------------------------------------

SECTIONS = {
    "Options of a run": "python -m pipeline",
    "index: the overview": "python -m pipeline index",
    "score: CLAP and CLIP": "python -m pipeline score",
    "remix: change one sound, keep the rest": "python -m pipeline remix",
    "study: compare models": "python -m pipeline study",
    "gold: score descriptions against labels": "python -m pipeline gold",
    "The gallery of the synthesiser": "python -m pipeline.procedural",
    "The app": "python app.py",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_lists_exactly_the_options_of_the_command(section, monkeypatch):
    parser = parser_of(tuple(SECTIONS[section].split()), monkeypatch, arguments_too=False)
    rows = table("docs/cli.md", "option", section)
    options = {action.option_strings[-1]: action for action in parser._actions if action.option_strings}
    listed = {name: row for row in rows for name in re.findall(r"`(--[a-z-]+)", row[0])}
    assert set(listed) == set(options)
    positional = [row for row in rows if not row[0].startswith("`--")]
    has_inputs_of_its_own = section == "Options of a run"  # the page has a section on them
    assert len(positional) + has_inputs_of_its_own == sum(not action.option_strings for action in parser._actions)
    for name, row in listed.items():
        default = options[name].default
        if isinstance(default, int | float | list) and not isinstance(default, bool) and default != []:
            values = default if isinstance(default, list) else [default]
            assert row[2] == " ".join(f"{value:g}" for value in values), name


def test_every_option_in_the_text_of_the_pages_exists(monkeypatch):
    known = {"--data-parallel-size", "--guided-decoding-backend", "--address", "--check"}  # of other programs
    for command in SECTIONS.values():
        parser = parser_of(tuple(command.split()), monkeypatch, arguments_too=False)
        known |= {option for action in parser._actions for option in action.option_strings}
    for page in ("README.md", "docs/cli.md", "docs/cluster.md", "docs/evaluation.md"):
        named = {option for code in inline(page) if code.startswith("-") for option in re.findall(r"--[a-z-]+", code)}
        assert named <= known, page
