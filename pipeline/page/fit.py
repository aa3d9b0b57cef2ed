"""The card "How well does it fit?": the measured figures of a result, each with its explanation."""

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
from .units import unbroken

PROBLEMS = "problems"
LARGEST = 1e12  # no real figure is larger
MODELS = {"clap": "CLAP", "clip": "CLIP", "pe_av": "PE-AV"}
TASKS = {
    "clap": "how well the sound fits the words",
    "clip": "how well the words fit the picture",
    "pe_av": "how well the sound fits the picture",
}
VERDICTS = {"good": ("✓", "good"), "fair": ("≈", "fair"), "poor": ("!", "poor"), "": ("·", "neutral")}


def card(
    soundscape: Soundscape,
    report: dict[str, Any],
    coherence: dict[str, Any] | None,
    reasons: dict[str, str],
    *,
    is_open: bool = False,
) -> str:
    """Return the card as HTML; "" for a report without figures.

    `reasons` says why a model cannot run here, "" for a model that can.
    """
    checks, scores = _mapping(report.get("checks")), _numbers(coherence)
    if not checks and not _mapping(report.get("senses")) and not scores:
        return ""
    figures = sorted(explain(_checked(report), soundscape, scores), key=lambda each: not each.verdict)
    lines = "".join(_line(each) for each in figures)
    models = "" if scores else f'<p class="quiet">{escape(_about_models(reasons))}</p>'
    title = '<span class="title">How well does it fit?</span>'
    heading = f'<summary>{title}<span class="gist">{escape(_summary(figures))}</span></summary>'
    inside = f'<ul class="signs">{lines}</ul>{models}{_every_figure(checks)}'
    return f'<details class="fit"{" open" if is_open else ""}>{heading}{inside}</details>'


def _summary(figures: list[Figure]) -> str:
    judged = [each for each in figures if each.verdict]
    good = sum(each.verdict == "good" for each in judged)
    poor = list(dict.fromkeys(each.label for each in judged if each.verdict == "poor"))
    neutral = len(figures) - len(judged)
    rest = f", plus {neutral} neutral" if neutral else ""
    words = f"{good} of {len(judged)} signs are good{rest}." if judged else "None of the signs can be judged."
    return f"{words} Look at: {', '.join(poor)}." if poor else words


def _line(figure: Figure) -> str:
    sign, words = VERDICTS[figure.verdict]
    mark = f'<span class="mark" role="img" aria-label="{words}" title="{words}">{sign}</span>'
    value = f'<span class="value">{escape(unbroken(figure.value))}</span>' if figure.value else ""
    label = f'<p class="label">{escape(figure.label)}{value}</p>'
    return f'<li class="{figure.verdict}">{mark}{label}<p class="quiet">{escape(unbroken(figure.sentence))}</p></li>'


def _about_models(reasons: dict[str, str]) -> str:
    """Say what the models measure, and which of them are missing here."""
    tasks = ", ".join(f"{MODELS[name]} measures {TASKS[name]}" for name in reasons)
    missing = [MODELS[name] for name, reason in reasons.items() if reason]
    verb = "are" if len(missing) > 1 else "is"
    return f"{tasks}. {_joined(missing)} {verb} not available on this machine." if missing else f"{tasks}."


def _joined(names: list[str]) -> str:
    """Join names as in a sentence: "CLAP, CLIP and PE-AV"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _every_figure(checks: dict[str, Any]) -> str:
    """Return the signal measurements, folded."""
    meanings = meanings_of("checks")
    rows = "".join(_figure(meaning, checks.get(name)) for name, meaning in meanings.items() if name != PROBLEMS)
    return f"<details><summary>All measurements of the sound</summary><dl>{rows}</dl></details>" if rows else ""


def _figure(meaning: Meaning, value: Any) -> str:
    """Return one figure with its explanation; "" if the value is not a number."""
    figure = number(value)
    if figure is None:
        return ""
    words = escape(meaning.meaning.removesuffix(" None for mono files."))
    shown = escape(_shown(figure, meaning.unit))
    return f'<dt>{escape(meaning.label)}</dt><dd><span class="value">{shown}</span><p class="quiet">{words}</p></dd>'


def _shown(figure: float, unit: str) -> str:
    digits = 0 if unit == "Hz" or not figure else 1 if abs(figure) >= 10 or unit.startswith(("d", "L")) else 2
    text = f"{figure:,.{digits}f}"
    if figure and not float(text.replace(",", "")):
        text = f"{figure:.1g}"
    return unbroken(f"{text} {unit}".strip()).replace("-", "−")


# A report may come from a visitor, so only its numbers and sentences are used -----------------------------------------


def _checked(report: dict[str, Any]) -> dict[str, Any]:
    senses, checks = _mapping(report.get("senses")), _mapping(report.get("checks"))
    listed = checks.get(PROBLEMS)
    problems = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    return {
        "senses": {name: _numbers(senses.get(name)) for name in ("picture", "sound")},
        "checks": _numbers(checks) | {PROBLEMS: problems} if checks else {},
        "files": _mapping(report.get("files")),
    }


def _numbers(values: Any) -> dict[str, float]:
    return {name: value for name, each in _mapping(values).items() if (value := number(each)) is not None}


def number(value: Any) -> float | None:
    """Return the value if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) + 0.0 if abs(value) < LARGEST else None  # NaN fails the comparison; adding 0 turns -0 into 0


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# Scoring with models --------------------------------------------------------------------------------------------------


def reasons() -> dict[str, str]:
    """Return why each model cannot run here, by name; "" for a model that can. PE-AV is left out unless it is set."""
    from ..quality.coherence import availability

    return availability()


def models_here() -> str:
    """Return the names of the models that can run here, joined by "and"."""
    return _joined([MODELS[name] for name, reason in reasons().items() if not reason])


def measure(folder: Path, on_progress: Callable[[str, int, int], None]) -> None:
    """Score a result with the models of this machine and write its coherence.json.

    The embeddings of the reference texts take seconds to compute, so they are kept for the next result of any visitor.
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
    """Return the scores in coherence.json, None if there are none or they cannot be read."""
    path = folder / COHERENCE
    try:
        scores = json.loads(read_file(path)) if path.is_file() else None
    except (SoundscapeError, ValueError, RecursionError):
        return None
    return scores if isinstance(scores, dict) else None
