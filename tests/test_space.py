"""A Space: its card, its requirements, and failures of downloads in words. `python -m tests.space` tries the rest."""

import os
import subprocess
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from pipeline import backends
from pipeline.backends.audio import clap
from pipeline.backends.vision import clip
from tests.space import MODEL, TOKEN, Report, fake_model
from tests.support.card import KEYS, TORCH_OF_ZERO_GPU, problems_of, read_card, requirements
from tests.support.checkpoints.hub import serve
from tests.support.page_server import ROOT
from tests.support.space import BESIDE, small_disk

CARD = read_card(ROOT / "README.md")
WANTED = requirements(ROOT)
FETCH = f"""
from pipeline.backends.download import fetch
from pipeline.backends.weights import Weights
from pipeline.errors import SoundscapeError
from pipeline.settings import read_settings
try:
    print(fetch(Weights("{MODEL}", "main"), read_settings()))
except SoundscapeError as error:
    print(error)
"""

# The card -------------------------------------------------------------------------------------------------------------


def test_the_card_is_valid():
    assert problems_of(CARD, ROOT) == []


WRONG = {
    "title": "",
    "emoji": "wave",
    "colorFrom": "teal",
    "colorTo": "#00f",
    "sdk": "streamlit",
    "sdk_version": 6.31,
    "python_version": 3.12,
    "suggested_hardware": "zero-gpu",
    "suggested_storage": "huge",
    "app_file": None,
    "app_build_command": 1,
    "app_port": "7860",
    "base_path": "app",
    "fullWidth": "yes",
    "header": "large",
    "short_description": "x" * 61,
    "models": "cvssp/audioldm2",
    "datasets": ["audiocaps"],
    "tags": [],
    "thumbnail": "examples/screenshot.jpg",
    "pinned": "false",
    "hf_oauth": 1,
    "hf_oauth_scopes": "email",
    "hf_oauth_expiration_minutes": 43_201,
    "hf_oauth_authorized_org": [],
    "disable_embedding": "no",
    "startup_duration_timeout": "1 hour",
    "custom_headers": {"Cross-Origin-Embedder-Policy": "require-corp"},
    "preload_from_hub": ["owner/name file main"],
    "license": "Apache 2.0",
}


@pytest.mark.parametrize("key", KEYS)
def test_a_wrong_value_is_found(key):
    assert any(problem.startswith(f"{key} is ") for problem in problems_of(CARD | {key: WRONG[key]}, ROOT))


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"sdk_version": "6.30.0"}, "requirements.txt has gradio=="),
        ({"app_file": "main.py"}, "does not exist"),
        ({"python_version": "3.11"}, "ZeroGPU needs"),
        ({"colour": "green"}, "no key of the reference"),
    ],
)
def test_what_does_not_agree_with_the_project_is_found(change, problem):
    (found,) = problems_of(CARD | change, ROOT)
    assert problem in found


def test_a_missing_key_and_a_missing_card_are_found(tmp_path):
    assert "license is missing" in problems_of({key: CARD[key] for key in CARD if key != "license"}, ROOT)
    (tmp_path / "README.md").write_text("# No card\n")
    with pytest.raises(ValueError, match="YAML"):
        read_card(tmp_path / "README.md")


def test_the_card_lists_every_model_that_is_downloaded():
    cards = [backends.card(name) for name in backends.VISION | backends.AUDIO]
    named = {card.model for card in cards if card.download_gb} | {clap.MODEL, clip.MODEL}
    assert len(named) >= 6 and named <= set(CARD["models"])


# What is installed ----------------------------------------------------------------------------------------------------


def test_every_torch_that_can_be_installed_is_of_a_series_that_zero_gpu_supports():
    assert TORCH_OF_ZERO_GPU[-1] in WANTED["torch"]
    major, minor, _ = TORCH_OF_ZERO_GPU[-1].split(".")
    assert f"{major}.{int(minor) + 1}.0" not in WANTED["torch"]


def test_transformers_ends_before_gpt_2_loses_an_argument_of_audioldm_2():
    assert "5.39.9" in WANTED["transformers"] and "5.40.0" not in WANTED["transformers"]


def test_the_requirements_admit_what_a_space_installs_beside_them():
    """A Space installs gradio[oauth,mcp], which caps pydantic. A range that excludes it would end the build."""
    beside = [Requirement(line) for line in requires("gradio") or ()]
    beside = [each for each in beside if each.marker is None or each.marker.evaluate({"extra": "mcp"})]
    beside += [Requirement(line) for line in BESIDE]
    shared = [(each, each.specifier & WANTED[each.name]) for each in beside if each.name in WANTED]
    assert "pydantic" in {each.name for each, _ in shared}
    for each, both in shared:
        ends = [limit.version.removesuffix(".*") for limit in both]
        assert any(end in both for end in ends), f"no version of {each.name} satisfies {both}"


# Failures of a download -----------------------------------------------------------------------------------------------


def fetch(tmp_path, **variables):
    """Return what the download of a model prints in a process with these variables."""
    environment = os.environ | {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0", "HF_TOKEN": ""} | variables
    done = subprocess.run([sys.executable, "-c", FETCH], cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_token_that_the_hub_does_not_know_is_answered_in_words(tmp_path):
    repository = fake_model(tmp_path / "model")
    with serve({MODEL: repository}, refused=(TOKEN,)) as hub:
        words = fetch(tmp_path, HF_ENDPOINT=hub, HF_TOKEN=TOKEN)
        assert "HF_TOKEN to a valid token" in words and TOKEN not in words
        assert "snapshots" in fetch(tmp_path, HF_ENDPOINT=hub)


def test_a_disk_that_is_full_at_the_download_is_answered_in_words(tmp_path):
    repository = fake_model(tmp_path / "model")
    try:
        with small_disk(tmp_path / "disk", megabytes=4) as disk, serve({MODEL: repository}) as hub:
            assert "disk is too full" in fetch(tmp_path, HF_ENDPOINT=hub, HF_HOME=str(disk))
    except RuntimeError as reason:
        pytest.skip(str(reason))


# The report -----------------------------------------------------------------------------------------------------------


def test_a_check_is_one_line_and_failures_are_counted(capsys):
    report = Report()
    with report.check("the sky is blue") as notes:
        notes.append("at noon")
    with report.check("the sea is green"):
        raise AssertionError("it is\nblue")
    assert capsys.readouterr().out == "ok: the sky is blue (at noon)\nFAILED: the sea is green: it is blue\n"
    assert report.failed == 1
