"""Plots as SVG, if matplotlib is installed. Their colours are CSS variables, so they follow light and dark themes."""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Callable, Sequence
from functools import wraps
from textwrap import fill
from typing import TYPE_CHECKING, Any, ParamSpec

from ..quality.features import Relation, relations
from ..quality.figures import figure
from .comparison import Comparison, Row
from .groups import Group
from .pages import colours
from .ranks import Ranks
from .ratings import SCALE, Ratings
from .values import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.typing import RcKeyType

Parameters = ParamSpec("Parameters")

MISSING = "The plots are missing because matplotlib is not installed. Run: pip install -r requirements-batch.txt"
WIDTH = 8.6  # inches
MOST_POINTS = 2000  # more dots than this are rasterised in the SVG; as vectors they would slow the browser down
MOST_PAIRS = 6  # figures drawn pair by pair
# Placeholder colours for matplotlib, and the CSS variables that replace them in the SVG.
COLOURS = {
    "#000001": "ink",
    "#000002": "ink-quiet",
    "#000003": "line-strong",
    "#000004": "accent",
    "#000005": "alarm",
    "#000006": "accent-soft",
}
DAY_AND_NIGHT = "#3f968e"  # of rasterised dots, which cannot change with the theme: between both accent colours
INK, QUIET, LINE, ACCENT, ALARM, SOFT = COLOURS
STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "study",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": LINE,
    "axes.labelcolor": QUIET,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is no formula
}


def can_plot() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def _styled(draw: Callable[Parameters, FigureCanvasSVG]) -> Callable[Parameters, str]:
    """Decorate a function that returns a canvas: draw in our style, and return the SVG."""

    @wraps(draw)
    def drawn(*arguments: Parameters.args, **options: Parameters.kwargs) -> str:
        from matplotlib import rc_context

        with rc_context(STYLE):
            return _svg(draw(*arguments, **options))

    return drawn


@_styled
def effects(comparison: Comparison) -> FigureCanvasSVG:
    """Effect size of every tested figure, one per line; filled when significant after the correction."""
    effects = [(row, row.found.effect) for row in comparison.rows if row.found.effect is not None]
    rows = [row for row, _ in effects]
    canvas, (axes,) = _canvas(1, 1, width=WIDTH, height=0.9 + 0.27 * len(rows))
    places = range(len(rows), 0, -1)
    axes.axvline(0, color=LINE, linewidth=1, zorder=0)
    for place, (_, effect) in zip(places, effects):
        axes.plot([0, effect], [place, place], color=LINE, linewidth=1.5, zorder=1)
    for shown, filled in ((True, ACCENT), (False, "none")):
        chosen = [(effect, place) for place, (row, effect) in zip(places, effects) if row.is_shown == shown]
        if chosen:
            x, y = zip(*chosen)
            axes.scatter(x, y, s=42, facecolors=filled, edgecolors=ACCENT, linewidths=1.4, zorder=2)
    axes.set_yticks(list(places), [figure(row.figure).title for row in rows], color=INK)
    axes.set_xlim(-1.06, 1.06)
    axes.set_ylim(0.3, len(rows) + 0.7)
    axes.set_xlabel("← lower in B  ·  rank-biserial correlation  ·  higher in B →")
    return canvas


@_styled
def pairs(comparison: Comparison) -> FigureCanvasSVG:
    """The figures with the largest effects, one dot per picture: A across, B up; equal on the line."""
    rows = largest(comparison)
    canvas, axes = _canvas(-(-len(rows) // 3), min(3, len(rows)), width=WIDTH, height=2.7)
    for axis, row in zip(axes, rows):
        _, a, b = zip(*row.pairs)
        low, high = min(a + b), max(a + b)
        margin = 0.06 * (high - low) or 1.0
        ends = (low - margin, high + margin)
        axis.plot(ends, ends, color=LINE, linewidth=1, zorder=0)
        _dots(axis, a, b)
        axis.set(xlim=ends, ylim=ends, aspect="equal")
        axis.set_title(_shortened(figure(row.figure).title, 26))
        axis.set_xlabel("A")
        axis.set_ylabel("B")
        axis.locator_params(nbins=4)
    return canvas


def largest(comparison: Comparison) -> list[Row]:
    """Return the rows with the largest effects, at most MOST_PAIRS."""
    rows = [row for row in comparison.rows if row.found.effect]
    return sorted(rows, key=lambda row: -abs(row.found.effect or 0))[:MOST_PAIRS]


@_styled
def senses(values: Values, found: Sequence[Relation]) -> FigureCanvasSVG:
    """Picture against sound for each sensory relation, one dot per picture."""
    canvas, axes = _canvas(2, 2, width=WIDTH, height=3.3)
    for axis, pair, relation in zip(axes, relations(), found):
        picture, sound = f"senses.picture.{pair.picture}", f"senses.sound.{pair.sound}"
        of_picture, of_sound = values.get(picture, {}), values.get(sound, {})
        both = [each for each in of_picture if each in of_sound]
        _dots(axis, [of_picture[each] for each in both], [of_sound[each] for each in both])
        rho = "" if relation.rho is None else f"\nρ = {relation.rho:.2f}".replace("-", "−")
        axis.set_title(_shortened(pair.label, 40) + rho)
        axis.set_xlabel(_axis(picture))
        axis.set_ylabel(_axis(sound))
    return canvas


@_styled
def percentiles(ranks: Sequence[Ranks]) -> FigureCanvasSVG:
    """Histograms of the percentiles among shuffled pairs. The line shows what chance alone would give."""
    canvas, axes = _canvas(1, len(ranks), width=WIDTH, height=2.6)
    for axis, each in zip(axes, ranks):
        values = list(each.percentiles.values())
        axis.hist(values, bins=10, range=(0, 100), color=SOFT, edgecolor=ACCENT, linewidth=1)
        axis.axhline(len(values) / 10, color=ALARM, linewidth=1.5, linestyle=(0, (4, 3)))
        axis.set(xlim=(0, 100), xlabel="percentile")
        axis.set_title(fill(each.figure.title, 84 // len(ranks)))
    axes[0].set_ylabel("results")
    return canvas


@_styled
def ratings(answers: Ratings, groups: Sequence[Group]) -> FigureCanvasSVG:
    """The share of each rating per group, from "not at all" to "perfectly"."""
    canvas, (axes,) = _canvas(1, 1, width=WIDTH, height=0.9 + 0.5 * len(groups))
    for place, group in enumerate(reversed(groups)):
        counts, start = answers.counts(group.label), 0.0
        for value, count in zip(SCALE, counts):
            share = count / (sum(counts) or 1)
            axes.barh(place, share, left=start, height=0.62, color=ACCENT, alpha=0.1 + 0.12 * value)
            if share > 0.04:
                axes.text(start + share / 2, place, str(value), ha="center", va="center", color=INK, weight="bold")
            start += share
    axes.set_yticks(range(len(groups)), [_shortened(group.label, 44) for group in reversed(groups)], color=INK)
    axes.set(xlim=(0, 1), xlabel="share of the answers, from 1 (not at all) to 5 (perfectly)")
    return canvas


def _canvas(rows: int, columns: int, *, width: float, height: float) -> tuple[FigureCanvasSVG, list[Axes]]:
    """Return a canvas with `height` inches per row, and its axes in one list."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(width, height * rows), layout="constrained")
    axes = drawing.subplots(rows, columns, squeeze=False).ravel()
    return FigureCanvasSVG(drawing), list(axes)


def _dots(axis: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    many = len(x) > MOST_POINTS
    axis.scatter(x, y, s=16, color=DAY_AND_NIGHT if many else ACCENT, alpha=0.65, linewidths=0, rasterized=many)


def _svg(canvas: FigureCanvasSVG) -> str:
    """Return the SVG, with CSS variables in place of the placeholder colours."""
    for unused in canvas.figure.axes:
        if not unused.has_data():
            unused.set_visible(False)
    file = io.StringIO()
    canvas.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    for stand_in, name in COLOURS.items():
        text = text.replace(stand_in, f"var(--{name})")
    style = f"<style>{colours('svg')}</style>"
    return re.sub(r"(<svg [^>]*>)", lambda match: match[1] + style, text, count=1)


def _axis(key: str) -> str:
    known = figure(key)
    return f"{known.title}, {known.unit}" if known.unit else known.title


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
