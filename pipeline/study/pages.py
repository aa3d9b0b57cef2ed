"""Templates and assets of the pages. All values put into a template are escaped."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..colours import palette

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """Return a page rendered from a template in templates/."""
    return _environment().get_template(template).render(values)


def asset(name: str) -> bytes:
    """Return a style sheet or script from assets/. Style sheets begin with the colours."""
    text = (_HERE / "assets" / name).read_text("utf-8")
    return (f"{colours(':root')}\n{text}" if name.endswith(".css") else text).encode()


def colours(selector: str) -> str:
    """Return the colours of the app as CSS variables, light or dark as set in the reader's system."""
    light, dark = (" ".join(f"--{name}: {each[when]};" for name, each in palette().items()) for when in (0, 1))
    return f"{selector} {{ {light} }} @media (prefers-color-scheme: dark) {{ {selector} {{ {dark} }} }}"


def number(value: float | None, digits: int = 3) -> str:
    """Format a number for people: significant digits, a typographic minus, and a dash for None."""
    if value is None:
        return "–"
    value += 0.0  # turns -0.0 into 0.0
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return text.replace("e-0", "e-").replace("-", "−")


def count(n: int, word: str) -> str:
    """Format a number with its noun: "1 picture", "2 pictures"."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def in_sentence(title: str) -> str:
    """Return a title in lower case for use within a sentence: "Above 8 kHz" becomes "above 8 kHz"."""
    return title[:1].lower() + title[1:]


def p_value(value: float | None) -> str:
    """Format a p-value with two or three decimals."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "p_value": p_value,
        "in_sentence": in_sentence,
        "data": lambda value: Markup(_script_json(value)),
    }
    return environment


def _script_json(value: Any) -> str:
    """Return JSON for a script element: nothing in it can end the element."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
