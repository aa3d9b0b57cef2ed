"""The README: its card, its two commands, its models and its length."""

import re
from importlib.metadata import version

import soundfile
import yaml

from pipeline import backends
from pipeline.audio import Clip
from tests.docs.pages import PAGES, ROOT, blocks, table

README = PAGES["README.md"]
CARD = dict(line.split(": ", 1) for line in README.split("---")[1].splitlines() if re.match(r"\w+: ", line))
SOUND_BYTES = 400_000


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


def test_the_card_agrees_with_the_requirements():
    pins = dict(re.findall(r"^(\S+?)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert CARD["sdk"] == "gradio" and CARD["sdk_version"] == pins["gradio"] == version("gradio")
    assert CARD["python_version"] == '"3.12"'
    assert (ROOT / CARD["app_file"]).is_file()
    assert len(CARD["short_description"]) <= 60
    assert yaml.safe_load(README.split("---\n")[1])["sdk_version"] == CARD["sdk_version"]
    assert CARD["license"] == "apache-2.0" and "Apache License" in (ROOT / "LICENSE").read_text()


def test_the_two_commands_are_there_and_ci_runs_the_second():
    lines = [line for block in blocks("README.md", "bash") for line in block.splitlines()]
    start, test = (line for line in lines if line.startswith("pip install -r"))
    assert start == "pip install -r requirements.txt && python app.py"
    install, run = test.split(" && ")
    ci = (ROOT / ".ci/run").read_text()
    assert re.search(rf"{install.removeprefix('pip ')}$".replace("install", "install -q"), ci, re.MULTILINE)
    assert ci.rstrip().endswith(run)


def test_every_backend_is_listed():
    listed = {name for row in table("README.md", "backend") for name in re.findall(r"`([a-z0-9.-]+)`", row[0])}
    assert listed == set(backends.VISION | backends.AUDIO)


def test_its_figures_of_the_models_are_those_of_their_cards():
    for name, what, download, licence in table("README.md", "backend"):
        card = backends.card(name.strip("`"))
        assert licence.split(",")[0] in card.licence.replace(":", ",")
        assert what.split(":")[0] == ("vision" if name.strip("`") in backends.VISION else "audio")
        if card.download_gb:
            assert f"{card.download_gb:.1f} GB" in download


def test_every_module_is_listed():
    rows = table("README.md", "module of `pipeline/`")
    named = {name for row in rows for name in re.findall(r"`([\w.]+)/?`", row[0])}
    files = {path.name for path in (ROOT / "pipeline").glob("*.py") if not path.name.startswith("__")}
    packages = {path.parent.name for path in (ROOT / "pipeline").glob("*/__init__.py")}
    assert named == files | packages


def test_the_sound_to_hear_is_small_and_a_result_of_ours():
    (link,) = re.findall(r"\]\((examples/\w+\.ogg)\)", README)
    samples, rate = soundfile.read(ROOT / link, dtype="float32", always_2d=True)
    clip = Clip(samples.T.copy(), rate)
    assert (ROOT / link).stat().st_size < SOUND_BYTES
    assert clip.samples.shape == (2, 441_000) and rate == 44_100
    assert 0.03 < (clip.samples**2).mean() ** 0.5 < 0.3  # about -20 LUFS
