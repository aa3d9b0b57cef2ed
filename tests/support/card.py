"""The rules for the card of a Space: the YAML block at the top of README.md.

The keys and values are those of the Hub's "Spaces Configuration Reference"
(https://huggingface.co/docs/hub/spaces-config-reference). The reference leaves out three rules: `license` takes the
identifiers of https://huggingface.co/docs/hub/repositories-licenses, the Hub rejects a `short_description` of more than
60 characters when it is pushed, and ZeroGPU is among the hardware of `huggingface_hub.SpaceHardware` only.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import SpaceHardware
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "gpl-3.0", "openrail", "other")  # a few of about 80
CROSS_ORIGIN = ("embedder-policy", "opener-policy", "resource-policy")
# What ZeroGPU supports, in November 2026: https://huggingface.co/docs/hub/spaces-zerogpu. It refuses a Space whose
# requirements.txt asks for another torch.
PYTHON_OF_ZERO_GPU = ("3.12", "3.12.12", "3.10", "3.10.13")
TORCH_OF_ZERO_GPU = ("2.8.0", "2.9.1", "2.10.0", "2.11.0", "2.12.1", "2.13.0")
MAX_DESCRIPTION = 60
MAX_OAUTH_MINUTES = 43_200
REQUIRED = ("title", "sdk", "sdk_version", "app_file", "python_version", "license")

Rule = Callable[[Any], bool]


def _text(pattern: str = r".+") -> Rule:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _one_of(*values: str) -> Rule:
    return lambda value: value in values


def _texts(pattern: str = r".+") -> Rule:
    return lambda value: isinstance(value, list) and bool(value) and all(map(_text(pattern), value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_REPOSITORY = r"[\w.-]+/[\w.-]+"
_DURATION = r"[1-9]\d*\s*(s|m|h|d)"
_EMOJI = r"[\u200d\u20e3\ufe0f\u2190-\u2bff\U0001f000-\U0001faff]+"

KEYS: dict[str, tuple[str, Rule]] = {  # key -> (what it must be, in words; the same as code)
    "title": ("a text", _text()),
    "emoji": ("emoji only", _text(_EMOJI)),
    "colorFrom": (f"one of {', '.join(COLOURS)}", _one_of(*COLOURS)),
    "colorTo": (f"one of {', '.join(COLOURS)}", _one_of(*COLOURS)),
    "sdk": ("gradio, docker or static", _one_of("gradio", "docker", "static")),
    "sdk_version": ("a full version, in quotes if it has one point only", _text(r"\d+\.\d+\.\d+")),
    "python_version": ('a version in quotes, such as "3.12"', _text(r"3\.\d+(\.\d+)?")),
    "suggested_hardware": ("a hardware flavor of the Hub", _one_of(*(each.value for each in SpaceHardware))),
    "suggested_storage": ("small, medium or large", _one_of("small", "medium", "large")),
    "app_file": ("a path in the repository", _text(r"[\w./-]+")),
    "app_build_command": ("a command (static Spaces only)", _text()),
    "app_port": ("a port (Docker Spaces only)", lambda value: isinstance(value, int)),
    "base_path": ("a path that begins with /", _text(r"/.*")),
    "fullWidth": ("true or false", _is_flag),
    "header": ("mini or default", _one_of("mini", "default")),
    "short_description": (f"at most {MAX_DESCRIPTION} characters", _text(rf".{{1,{MAX_DESCRIPTION}}}")),
    "models": ("a list of owner/name", _texts(_REPOSITORY)),
    "datasets": ("a list of owner/name", _texts(_REPOSITORY)),
    "tags": ("a list of words", _texts(r"[a-z0-9-]+")),
    "thumbnail": ("a web address", _text(r"https://\S+")),
    "pinned": ("true or false", _is_flag),
    "hf_oauth": ("true or false", _is_flag),
    "hf_oauth_scopes": ("a list of scopes", _texts()),
    "hf_oauth_expiration_minutes": (
        f"a whole number up to {MAX_OAUTH_MINUTES}",
        lambda value: isinstance(value, int) and 0 < value <= MAX_OAUTH_MINUTES,
    ),
    "hf_oauth_authorized_org": ("an organisation, or a list of them", lambda value: _text()(value) or _texts()(value)),
    "disable_embedding": ("true or false", _is_flag),
    "startup_duration_timeout": ("a duration such as 30m or 1h", _text(_DURATION)),
    "custom_headers": (
        "cross-origin-(embedder|opener|resource)-policy, all in lower case",
        lambda value: isinstance(value, dict) and set(value) <= {f"cross-origin-{each}" for each in CROSS_ORIGIN},
    ),
    "preload_from_hub": (
        "a list of 'owner/name', 'owner/name file,file' or 'owner/name file,file commit'",
        _texts(rf"{_REPOSITORY}( \S+( [0-9a-f]{{40}})?)?"),
    ),
    "license": ("an identifier of the Hub", _one_of(*LICENCES)),
}


def read_card(readme: Path) -> dict[str, Any]:
    """Return the card. Raises ValueError if the file does not begin with a YAML block."""
    found = re.match(r"---\n(.*?)\n---\n", readme.read_text(encoding="utf-8"), re.DOTALL)
    card = yaml.safe_load(found[1]) if found else None
    if not isinstance(card, dict):
        raise ValueError(f"{readme.name} does not begin with a YAML block")
    return card


def problems_of(card: dict[str, Any], root: Path) -> list[str]:
    """Return what is wrong with the card of the project in `root`, one sentence per problem."""
    missing = [f"{key} is missing" for key in REQUIRED if key not in card]
    unknown = [f"{key} is no key of the reference" for key in card if key not in KEYS]
    wrong = [
        f"{key} is {value!r}, but must be {KEYS[key][0]}"
        for key, value in card.items()
        if key in KEYS
        if not KEYS[key][1](value)
    ]
    return missing + unknown + wrong + _contradictions(card, root)


def requirements(root: Path) -> dict[str, SpecifierSet]:
    """Return what requirements.txt asks for, by package."""
    lines = (line.split("#")[0].strip() for line in (root / "requirements.txt").read_text("utf-8").splitlines())
    wanted = (Requirement(line) for line in lines if line and not line.startswith("-"))
    return {each.name: each.specifier for each in wanted}


def _contradictions(card: dict[str, Any], root: Path) -> list[str]:
    """Return where the card disagrees with the files of the project or with itself."""
    problems, wanted = [], requirements(root)
    if str(wanted["gradio"]) != f"=={card.get('sdk_version')}":
        problems.append(f"sdk_version is {card.get('sdk_version')}, but requirements.txt has gradio{wanted['gradio']}")
    if not (root / str(card.get("app_file"))).is_file():
        problems.append(f"app_file is {card.get('app_file')}, which does not exist")
    zero = card.get("suggested_hardware") == SpaceHardware.ZERO_A10G
    if zero and (card.get("sdk") != "gradio" or card.get("python_version") not in PYTHON_OF_ZERO_GPU):
        problems.append(f"ZeroGPU needs the sdk gradio and Python {' or '.join(PYTHON_OF_ZERO_GPU)}")
    if zero and not set(wanted["torch"].filter(TORCH_OF_ZERO_GPU)):
        problems.append(f"ZeroGPU supports torch {', '.join(TORCH_OF_ZERO_GPU)}")
    return problems
