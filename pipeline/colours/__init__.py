"""The colours of every page that we make: the app, the overview, the report and its listening page."""

import re
from functools import cache
from pathlib import Path

_BLOCK = re.compile(r"^(?::root|\.dark) \{([^}]*)\}", re.MULTILINE)
_COLOUR = re.compile(r"--([\w-]+): (#\w+);")


@cache
def sheet() -> str:
    """Return the CSS variables for a page that chooses by its class `dark`, as Gradio's do."""
    return Path(__file__).with_name("colours.css").read_text("utf-8")


def blocks() -> tuple[str, str]:
    """Return the declarations of the CSS variables: by day, by night."""
    day, night = _BLOCK.findall(sheet())
    return day, night


@cache
def palette() -> dict[str, tuple[str, str]]:
    """Return the colours: name -> (by day, by night)."""
    day, night = (dict(_COLOUR.findall(block)) for block in blocks())
    return {name: (colour, night[name]) for name, colour in day.items()}
