"""The report as a static page: index.html with its tables, plots and sounds."""

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from ..files import write_file
from ..quality.features import Relation, relations
from ..quality.figures import figure
from ..results.result import MIX, PICTURE
from . import plots
from .comparison import Comparison, Row
from .examples import Example, Examples, examples_of
from .groups import BY_HAND, Group
from .listening import PAGE as LISTENING_PAGE
from .media import Media
from .pages import asset, count, in_sentence, number, render
from .ranks import Ranks
from .ratings import SCALE, Ratings
from .study import Correlated, Study
from .tables import COMPARISONS, FIGURES, write_tables

PAGE = "index.html"
ASSETS = ("report.css", "report.js")
ALPHA_WORDS = (  # Krippendorff 2004
    (0.8, "reliable"),
    (0.667, "enough for tentative conclusions"),
    (-math.inf, "too little to rely on"),
)
SECTION_TITLES = {
    "ratings": "What people said",
    "coherence": "Agreement of meaning, scored by models",
    "checks": "Quality of the sound",
    "senses.sound": "Character of the sound",
    "document": "The description",
    "level": "Level",
    "seconds": "Time",
}


def write_report(study: Study, out: Path) -> Path:
    """Write the report into a folder and return the path of its page."""
    media, draw = Media(out, study.groups), _Plots(out)
    page = render(
        "report.html",
        study=study,
        findings=_findings(study),
        groups=[_group_facts(group) for group in study.groups],
        comparisons=[_comparison_facts(each, f"{place}", draw) for place, each in enumerate(study.comparisons, 1)],
        related=[_relation_facts(study, place, draw) for place in range(len(study.groups))],
        ranks=[_rank_facts(study, place, draw) for place in range(len(study.groups))],
        ratings=_rating_facts(study, draw),
        examples=[_example_facts(each, media) for each in _examples(study)],
        listening=(out / LISTENING_PAGE).is_file(),
        sensory_pairs=relations(),
        no_plots="" if plots.can_plot() else plots.MISSING,
        tables=(FIGURES, COMPARISONS),
    )
    write_tables(study, out)
    for name in ASSETS:
        write_file(out / "assets" / name, asset(name))
    return write_file(out / PAGE, page.encode())


class _Plots:
    """Writes plots into the report, if matplotlib is installed."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._can = plots.can_plot()

    def __call__(self, name: str, draw: Callable[..., str], *arguments: Any) -> str:
        """Write a plot and return its relative URL, "" without matplotlib."""
        if not self._can:
            return ""
        write_file(self._out / "plots" / f"{name}.svg", draw(*arguments).encode())
        return f"plots/{name}.svg"


# In short ------------------------------------------------------------------------------------------------------------


def _findings(study: Study) -> list[str]:
    """Return the main findings in sentences."""
    results = sum(len(group.samples) for group in study.groups)
    pictures = len({picture for group in study.groups for picture in group.pictures})
    found = [
        f"{count(results, 'result')} of {count(pictures, 'picture')} in {count(len(study.groups), 'group')}, made by"
        f" {' and '.join(group.label for group in study.groups)}."
    ]
    if len(study.groups) == 1:
        found.append("There is only one group, so nothing is compared. The report shows relations within the group.")
    elif not study.comparisons:
        found.append("No two groups have a picture in common, so nothing can be compared.")
    found += [_compared(each) for each in study.comparisons]
    related = [each for of in study.relations for each in of if each.is_shown]
    if related:
        found.append(f"Picture and sound are related: {'; '.join(_related(each) for each in related)}.")
    elif any(each.found.p is not None for of in study.relations for each in of):
        found.append("No sensory relation between picture and sound is significant after the correction.")
    found += [_ranked(group, ranks) for group, ranks in zip(study.groups, study.ranks) if ranks]
    if study.ratings:
        people = len(study.ratings.listeners)
        means = ", ".join(f"{number(each['mean'])} for {each['group'].label}" for each in _all_rated(study))
        answers = count(len(study.ratings.answers), "rating")
        found.append(
            f"{count(people, 'listener')} gave {answers} of how well the sound fits, from 1 to 5. The mean is {means}."
        )
    return found


def _compared(comparison: Comparison) -> str:
    pairs = f"{comparison.b.label} compared with {comparison.a.label}, {count(len(comparison.pictures), 'picture')}"
    if not any(row.p_holm is not None for row in comparison.rows):
        return f"{pairs}: too few to tell."
    times = [row for row in comparison.rows if figure(row.figure).section == "seconds"]
    of_time = [row for row in times if row.is_shown]
    others = [row for row in comparison.shown if row not in of_time]
    figures = count(len(comparison.rows) - len(times), "figure")
    words = f"{len(others) or 'none'} of {figures} differ after the correction"
    if others:
        words += f" ({_directions(others)})"
    if of_time:
        words += f". Times differ too ({_directions(of_time)}), which the machine may explain"
    return f"{pairs}: {words}."


def _directions(rows: list[Row]) -> str:
    return ", ".join(f"{in_sentence(figure(row.figure).title)} {row.verdict.split()[0]}" for row in rows)


def _ranked(group: Group, ranks: Sequence[Ranks]) -> str:
    scores = [
        f"{in_sentence(each.figure.title)} {number(each.mean.value, 2)} % ({in_sentence(each.words).rstrip('.')})"
        for each in ranks
    ]
    return f"Agreement of meaning in {group.label}, where chance is 50 %: {'; '.join(scores)}."


def _related(each: Correlated) -> str:
    label = next(pair.label for pair in relations() if pair.name == each.found.name)
    return f"“{label}” {_direction(each.found)} in {each.group.label}"


def _direction(found: Relation) -> str:
    return "holds" if (found.rho or 0) > 0 else "is reversed"


# Sections ------------------------------------------------------------------------------------------------------------


def _group_facts(group: Group) -> dict[str, Any]:
    totals = [_total_s(sample.entry.manifest.get("seconds")) for sample in group.samples]
    found = [problem for sample in group.samples for problem in _problems(sample.entry.manifest)]
    return {
        "group": group,
        "by_hand": group.vision == BY_HAND,
        "results": len(group.samples),
        "pictures": len(group.pictures),
        "durations": ", ".join(number(value) for value in group.settings("duration_s")[:6]) or "–",
        "seeds": _seeds(group.settings("seed")),
        "seconds": median(totals) if any(totals) else None,
        "problems": len(found),
    }


def _seeds(seeds: list[Any]) -> str:
    return ", ".join(map(str, seeds)) if len(seeds) <= 3 else f"{len(seeds)} different"


def _total_s(seconds: Any) -> float:
    values = seconds.values() if isinstance(seconds, dict) else ()
    return sum(value for value in values if isinstance(value, int | float))


def _problems(manifest: dict[str, Any]) -> list[Any]:
    checks = manifest.get("checks")
    found = checks.get("problems") if isinstance(checks, dict) else None
    return found if isinstance(found, list) else []


def _comparison_facts(comparison: Comparison, name: str, draw: _Plots) -> dict[str, Any]:
    has_effects = any(row.found.effect is not None for row in comparison.rows)
    sections = groupby(comparison.rows, key=lambda row: figure(row.figure).section)
    return {
        "comparison": comparison,
        "sections": [
            (SECTION_TITLES.get(key, key), [(row, figure(row.figure)) for row in rows]) for key, rows in sections
        ],
        "effects": draw(f"effects_{name}", plots.effects, comparison) if has_effects else "",
        "pairs": draw(f"pairs_{name}", plots.pairs, comparison) if plots.largest(comparison) else "",
    }


def _relation_facts(study: Study, place: int, draw: _Plots) -> dict[str, Any]:
    found = study.relations[place]
    has_points = any(each.found.rho is not None for each in found)
    bare = [each.found for each in found]
    return {
        "group": study.groups[place],
        "rows": [(each, pair, _relation_words(each)) for each, pair in zip(found, relations())],
        "plot": draw(f"senses_{place + 1}", plots.senses, study.values[place], bare) if has_points else "",
    }


def _relation_words(each: Correlated) -> str:
    found: Relation = each.found
    if found.note:
        return found.note
    if not each.is_shown:
        return "No relation shown."
    return f"The relation {_direction(found)}."


def _rank_facts(study: Study, place: int, draw: _Plots) -> dict[str, Any]:
    ranks = study.ranks[place]
    return {
        "group": study.groups[place],
        "rows": ranks,
        "plot": draw(f"ranks_{place + 1}", plots.percentiles, ranks) if ranks else "",
    }


def _rating_facts(study: Study, draw: _Plots) -> dict[str, Any] | None:
    answers = study.ratings
    if not answers:
        return None
    rated = _all_rated(study)
    return {
        "ratings": answers,
        "rows": rated,
        "plot": draw("ratings", plots.ratings, answers, [each["group"] for each in rated]),
        "fit_agreement": _alpha_words(answers.fit_agreement(), len(answers.listeners)),
        "preference_agreement": _alpha_words(answers.preference_agreement(), len(answers.listeners)),
        "side": answers.side_bias(),
        "shown": sum(each.is_shown for each in study.agreements),
        "agreements": [(each, figure(each.found.name)) for each in study.agreements],
    }


def _all_rated(study: Study) -> list[dict[str, Any]]:
    answers = study.ratings
    if not answers:
        return []
    return [_rated(group, answers) for group in study.groups if sum(answers.counts(group.label))]


def _rated(group: Group, answers: Ratings) -> dict[str, Any]:
    counts = answers.counts(group.label)
    given = [value for value, times in zip(SCALE, counts) for _ in range(times)]
    return {
        "group": group,
        "n": len(given),
        "mean": sum(given) / len(given),
        "median": median(given),
        "preferences": answers.preferences(group.label),
    }


def _alpha_words(alpha: float | None, listeners: int) -> str:
    if listeners < 2:
        return "it cannot be computed, because there is only one listener"
    if alpha is None:
        return "it cannot be computed, because no sound was rated by two listeners or all answers are the same"
    words = next(words for least, words in ALPHA_WORDS if alpha >= least)
    return f"α = {number(alpha, 2)}, {words}"


def _examples(study: Study) -> list[Examples]:
    found = [
        examples_of(group, values, ranks, study.groups)
        for group, values, ranks in zip(study.groups, study.values, study.ranks)
    ]
    return [each for each in found if each]


def _example_facts(examples: Examples, media: Media) -> dict[str, Any]:
    ends = (("Best", examples.best), ("Worst", examples.worst))
    return {
        "examples": examples,
        "ends": [(title, [_example(each, examples.group, media) for each in end]) for title, end in ends if end],
    }


def _example(example: Example, group: Group, media: Media) -> dict[str, Any]:
    sample = example.sample
    return {
        "name": sample.name,
        "scene": sample.entry.soundscape.scene,
        "sources": ", ".join(source.name for source in sample.entry.soundscape.sources),
        "score": example.score,
        "picture": media.link(group, sample, PICTURE),
        "sound": media.link(group, sample, MIX),
        "others": [(other.label, media.link(other, theirs, MIX)) for other, theirs in example.others],
    }
