"""The card "How well does it fit?": what was measured of a result, every figure with the sentence that explains it."""

import json
import math
import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from ..collection import COHERENCE
from ..meanings import Meaning, meanings_of, read_data
from . import visitors

PROBLEMS = "problems"
AT_A_GLANCE = ("mix_text_percentile", "stems_text_percentile", "picture_text_percentile")
MODELS = {"clap": "CLAP", "clip": "CLIP"}
SCALES = {"0 to 1": (0, 1), "-1 to 1": (-1, 1), "%": (0, 100)}
ALONE = (
    "Such pairs are said to go together. Whether they do here shows over many results only:"
    " <code>python -m pipeline study</code> tells it."
)


def card(
    report: dict[str, Any], coherence: dict[str, Any] | None, reasons: dict[str, str], *, is_open: bool = False
) -> str:
    """Return the card, folded unless it `is_open`; nothing for a report without figures.

    `reasons` tells of CLAP and CLIP why they cannot be asked here, "" where they can.
    """
    checks, senses = _mapping(report.get("checks")), _mapping(report.get("senses"))
    if not checks and not senses and not coherence:
        return ""
    parts = [_words(_mapping(coherence), reasons), _pairs(senses), _sound(checks)]
    if not coherence:
        parts.append(parts.pop(0))  # what is there comes first
    gist = " ".join(gist for gist, _ in parts if gist)
    inside = "".join(part for _, part in parts)
    heading = f'<summary><span class="title">How well does it fit?</span><span class="gist">{gist}</span></summary>'
    return f'<details class="fit"{" open" if is_open else ""}>{heading}{inside}</details>'


def _words(coherence: dict[str, Any], reasons: dict[str, str]) -> tuple[str, str]:
    """What models say of the sound, the words and the picture."""
    meanings = meanings_of("coherence")
    rows = [row for name in AT_A_GLANCE if (row := _figure(meanings[name], coherence.get(name)))]
    if not rows:
        missing = [MODELS[name] for name, reason in reasons.items() if reason]
        words = f"{' and '.join(missing)} cannot be asked on this machine." if missing else "Nobody has asked them yet."
        told = "CLAP tells how well the sound fits the words, CLIP how well the words fit the picture. "
        return "It was not compared with its words.", _section(
            "Words, sound and picture", f'<p class="quiet">{told}{words}</p>'
        )
    share = number(coherence.get("mix_text_percentile"))
    gist = f"The sound fits the scene better than {share:.0f} % of other texts do." if share is not None else ""
    others = {number(coherence.get(name)) for name in ("mix_text_others", "picture_text_others")} - {None}
    compared = f'<p class="quiet">Compared with {max(others):.0f} other texts.</p>' if others else ""
    return gist, _section("Words, sound and picture", _list(rows) + compared)


def _pairs(senses: dict[str, Any]) -> tuple[str, str]:
    """Figures of the picture beside those of the sound."""
    seen, heard = _mapping(senses.get("picture")), _mapping(senses.get("sound"))
    blocks = []
    for pair in read_data()["relations"].values():
        of_picture = _figure(meanings_of("picture")[pair["picture"]], seen.get(pair["picture"]))
        of_sound = _figure(meanings_of("sound")[pair["sound"]], heard.get(pair["sound"]))
        if of_picture and of_sound:
            blocks.append(f"<h4>{escape(pair['label'])}</h4>{_list([of_picture, of_sound])}")
    if not blocks:
        return "", ""
    return "", _section("Picture and sound", f'<p class="quiet">{ALONE}</p>' + "".join(blocks))


def _sound(checks: dict[str, Any]) -> tuple[str, str]:
    """What a sound engineer would measure."""
    if not checks:
        return "", ""
    told = checks.get(PROBLEMS)
    problems = [str(each) for each in told] if isinstance(told, list) else []
    gist = "No fault was found in the sound."
    if problems:
        gist = f"{len(problems)} thing{'s' if len(problems) > 1 else ''} to mend in the sound."
    meanings = meanings_of("checks")
    rows = [_figure(meaning, checks.get(name)) for name, meaning in meanings.items() if name != PROBLEMS]
    warnings = "".join(f"<li>{escape(each)}</li>" for each in problems)
    listed = f'<ul class="warnings">{warnings}</ul>' if warnings else ""
    return gist, _section("The sound itself", listed + _list([row for row in rows if row]))


def _section(title: str, inside: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"


def _list(rows: list[str]) -> str:
    return f"<dl>{''.join(rows)}</dl>"


def _figure(meaning: Meaning, value: Any) -> str:
    """Return one figure with its sentence; nothing for what is no number."""
    figure = number(value)
    if figure is None:
        return ""
    told = escape(meaning.meaning.removesuffix(" None for mono files."))
    shown = f'<span class="value">{escape(_shown(figure, meaning.unit))}</span>{_scale(figure, meaning.unit)}'
    return f'<dt>{escape(meaning.label)}</dt><dd>{shown}<p class="quiet">{told}</p></dd>'


def _scale(figure: float, unit: str) -> str:
    """Return the place of a figure on its scale, as a drawing; nothing where it has none."""
    if unit not in SCALES:
        return ""
    low, high = SCALES[unit]
    place = 100 * min(max((figure - low) / (high - low), 0), 1)
    return f'<span class="scale" style="--at:{place:.0f}%"></span>'


def _shown(figure: float, unit: str) -> str:
    if unit in SCALES and unit != "%":
        unit = ""
    digits = 0 if unit in ("%", "Hz") or not figure else 1 if abs(figure) >= 10 or unit.startswith(("d", "L")) else 2
    text = f"{figure:,.{digits}f}"
    if figure and not float(text.replace(",", "")):
        text = f"{figure:.1g}"
    return f"{text} {unit}".strip().replace("-", "−")


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# Asking the models ----------------------------------------------------------------------------------------------------


def reasons() -> dict[str, str]:
    """Return for CLAP and CLIP why they cannot be asked here, "" where they can."""
    from ..coherence import availability

    return availability()


def models_here() -> str:
    """Return the names of the models that can be asked here."""
    return " and ".join(MODELS[name] for name, reason in reasons().items() if not reason)


def measure(folder: Path, on_progress: Callable[[str, int, int], None]) -> None:
    """Let the models that are here score a result; it gets its coherence.json.

    The directions of the reference texts, which take seconds, are kept for the next result of any visitor.
    """
    from ..coherence import score_result
    from ..embeddings import EMBEDDINGS, REFERENCES

    kept = visitors.ROOT / REFERENCES
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
        scores = json.loads(path.read_text("utf-8")) if path.is_file() else None
    except (ValueError, RecursionError):
        return None
    return scores if isinstance(scores, dict) else None
