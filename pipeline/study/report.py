"""The report as a static page: index.html, its tables and plots, and what is to be heard."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from ..results import MIX, PICTURE, write_file
from . import plots
from .comparison import Comparison
from .examples import Example, Examples, examples_of
from .figures import SECTIONS, figure
from .groups import Group
from .listening import ListeningPage
from .media import Media
from .pages import asset, render
from .plots import can_plot
from .senses_words import relation_words
from .study import Study
from .tables import COMPARISONS, FIGURES, write_tables

PAGE = "index.html"
ASSETS = ("report.css", "report.js")
SECTION_TITLES = {
    "ratings": "What people said",
    "coherence": "Agreement of meaning, by models",
    "checks": "The signal",
    "senses.sound": "What the ear takes in",
    "document": "The description",
    "level": "Level",
    "seconds": "Time",
}


def write_report(study: Study, out: Path, listening: ListeningPage | None = None) -> Path:
    """Write the report into a folder and return its page."""
    media = Media(out, list(study.groups))
    draw = _Plots(out)
    page = render(
        "report.html",
        study=study,
        groups=[_group_facts(group) for group in study.groups],
        findings=_findings(study),
        comparisons=[_comparison_facts(each, number, draw) for number, each in enumerate(study.comparisons, 1)],
        relations=[_relation_facts(study, place, draw) for place in range(len(study.groups))],
        ranks=[_rank_facts(study, place, draw) for place in range(len(study.groups)) if study.ranks[place]],
        ratings=_rating_facts(study, draw),
        examples=[_example_facts(each, media) for each in _examples(study)],
        listening=listening,
        plots_missing="" if can_plot() else plots.MISSING,
        figure=figure,
        tables=(FIGURES, COMPARISONS),
    )
    write_tables(study, out)
    for name in ASSETS:
        write_file(out / "assets" / name, asset(name))
    return write_file(out / PAGE, page.encode())
