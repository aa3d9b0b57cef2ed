"""The card "How well does it fit?": what was measured of a result, every figure with the sentence that explains it."""

import json
import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..files import read_file
from ..quality.explain import Figure, explain
from ..quality.glossary import Meaning, meanings_of
from ..results.collection import COHERENCE
from ..soundscape import Soundscape
from . import scratch

PROBLEMS = "problems"
LARGEST = 1e12  # of what is measured here
MODELS = {"clap": "CLAP", "clip": "CLIP"}
TASKS = {"clap": "how well the sound fits the words", "clip": "how well the words fit the picture"}
VERDICTS = {"good": ("✓", "good"), "fair": ("≈", "fair"), "poor": ("!", "poor"), "": ("·", "not to be judged")}


def card(
    soundscape: Soundscape,
    report: dict[str, Any],
    coherence: dict[str, Any] | None,
    reasons: dict[str, str],
    *,
    is_open: bool = False,
) -> str:
    """Return the card, folded unless it `is_open`; nothing for a report without figures.

    `reasons` tells of CLAP and CLIP why they cannot be asked here, "" where they can.
    """
    checks, scores = _mapping(report.get("checks")), _numbers(coherence)
    if not checks and not _mapping(report.get("senses")) and not scores:
        return ""
    figures = sorted(explain(_checked(report), soundscape, scores), key=lambda each: not each.verdict)
    lines = "".join(_line(each) for each in figures)
    unasked = "" if scores else f'<p class="quiet">{escape(_unasked(reasons))}</p>'
    title = '<span class="title">How well does it fit?</span>'
    heading = f'<summary>{title}<span class="gist">{escape(_gist(figures))}</span></summary>'
    inside = f'<ul class="signs">{lines}</ul>{unasked}{_every_figure(checks)}'
    return f'<details class="fit"{" open" if is_open else ""}>{heading}{inside}</details>'


def _gist(figures: list[Figure]) -> str:
    judged = [each for each in figures if each.verdict]
    good = sum(each.verdict == "good" for each in judged)
    poor = list(dict.fromkeys(each.label for each in judged if each.verdict == "poor"))
    open_ = len(figures) - len(judged)
    rest = f", {open_} more tell nothing either way" if open_ else ""
    words = f"{good} of {len(judged)} signs are good{rest}." if judged else "Nothing in it can be judged."
    return f"{words} Look at: {', '.join(poor)}." if poor else words


def _line(figure: Figure) -> str:
    sign, words = VERDICTS[figure.verdict]
    mark = f'<span class="mark" role="img" aria-label="{words}" title="{words}">{sign}</span>'
    value = f'<span class="value">{escape(figure.value)}</span>' if figure.value else ""
    label = f'<p class="label">{escape(figure.label)}{value}</p>'
    return f'<li class="{figure.verdict}">{mark}{label}<p class="quiet">{escape(figure.sentence)}</p></li>'


def _unasked(reasons: dict[str, str]) -> str:
    """Say what models would tell, and whether they can be asked here."""
    told = ", ".join(f"{MODELS[name]} tells {TASKS[name]}" for name in reasons)
    missing = [MODELS[name] for name, reason in reasons.items() if reason]
    return f"{told}. {' and '.join(missing)} cannot be asked on this machine." if missing else f"{told}."


def _every_figure(checks: dict[str, Any]) -> str:
    """Return what a sound engineer would measure, folded."""
    meanings = meanings_of("checks")
    rows = "".join(_figure(meaning, checks.get(name)) for name, meaning in meanings.items() if name != PROBLEMS)
    return f"<details><summary>Every figure of the sound</summary><dl>{rows}</dl></details>" if rows else ""


def _figure(meaning: Meaning, value: Any) -> str:
    """Return one figure with its sentence; nothing for what is no number."""
    figure = number(value)
    if figure is None:
        return ""
    told = escape(meaning.meaning.removesuffix(" None for mono files."))
    shown = escape(_shown(figure, meaning.unit))
    return f'<dt>{escape(meaning.label)}</dt><dd><span class="value">{shown}</span><p class="quiet">{told}</p></dd>'


def _shown(figure: float, unit: str) -> str:
    digits = 0 if unit == "Hz" or not figure else 1 if abs(figure) >= 10 or unit.startswith(("d", "L")) else 2
    text = f"{figure:,.{digits}f}"
    if figure and not float(text.replace(",", "")):
        text = f"{figure:.1g}"
    return f"{text} {unit}".strip().replace("-", "−")


# A report may come from a visitor: only numbers and sentences of it are used ------------------------------------------


def _checked(report: dict[str, Any]) -> dict[str, Any]:
    senses, checks = _mapping(report.get("senses")), _mapping(report.get("checks"))
    told = checks.get(PROBLEMS)
    problems = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    return {
        "senses": {name: _numbers(senses.get(name)) for name in ("picture", "sound")},
        "checks": _numbers(checks) | {PROBLEMS: problems} if checks else {},
        "files": _mapping(report.get("files")),
    }


def _numbers(values: Any) -> dict[str, float]:
    return {name: value for name, each in _mapping(values).items() if (value := number(each)) is not None}


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LARGEST else None  # false of what is no number, too


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# Asking the models ----------------------------------------------------------------------------------------------------


def reasons() -> dict[str, str]:
    """Return for CLAP and CLIP why they cannot be asked here, "" where they can."""
    from ..quality.coherence import availability

    return availability()


def models_here() -> str:
    """Return the names of the models that can be asked here."""
    return " and ".join(MODELS[name] for name, reason in reasons().items() if not reason)


def measure(folder: Path, on_progress: Callable[[str, int, int], None]) -> None:
    """Let the models that are here score a result; it gets its coherence.json.

    The directions of the reference texts, which take seconds, are kept for the next result of any visitor.
    """
    from ..quality.coherence import score_result
    from ..quality.embeddings import EMBEDDINGS, REFERENCES

    kept = scratch.own().folder / REFERENCES
    if kept.is_file():
        shutil.copy(kept, folder / REFERENCES)
    try:
        score_result(folder, on_progress)
        if (folder / REFERENCES).is_file():
            (folder / REFERENCES).replace(kept)
    finally:
        (folder / EMBEDDINGS).unlink(missing_ok=True)
        (folder / REFERENCES).unlink(missing_ok=True)


def read_coherence(folder: Path) -> dict[str, Any] | None:
    """Return the scores that models gave, None where there are none that can be read."""
    path = folder / COHERENCE
    try:
        scores = json.loads(read_file(path)) if path.is_file() else None
    except (SoundscapeError, ValueError, RecursionError):
        return None
    return scores if isinstance(scores, dict) else None
