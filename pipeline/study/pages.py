"""Templates and assets of the pages. Everything put into a template is escaped."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from ..colours import palette

_HERE = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """Return a page made from a template of templates/."""
    return _environment().get_template(template).render(values)


def asset(name: str) -> bytes:
    """Return a style sheet or script of assets/; a style sheet begins with the colours."""
    text = (_HERE / "assets" / name).read_text("utf-8")
    return (f"{colours(':root')}\n{text}" if name.endswith(".css") else text).encode()


def colours(selector: str) -> str:
    """Return the colours of the app as CSS variables, by day and by night as the reader's system has it."""
    light, dark = (" ".join(f"--{name}: {each[when]};" for name, each in palette().items()) for when in (0, 1))
    return f"{selector} {{ {light} }} @media (prefers-color-scheme: dark) {{ {selector} {{ {dark} }} }}"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for people: significant digits, a real minus, and a dash for nothing."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return text.replace("e-0", "e-").replace("-", "−")


def count(n: int, word: str) -> str:
    """Write a number with its noun: "1 picture", "2 pictures"."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def in_sentence(title: str) -> str:
    """Write a title as it stands within a sentence: "Above 8 kHz" as "above 8 kHz"."""
    return title[:1].lower() + title[1:]


def p_value(value: float | None) -> str:
    """Write a p-value with no more digits than it deserves."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


@cache
def _environment():
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
    """JSON that may stand in a script element: nothing in it can end the element."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
