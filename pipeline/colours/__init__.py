"""The colours of all pages: the app, the overview, the report and its listening page."""

import re
from functools import cache
from pathlib import Path

_BLOCK = re.compile(r"^(?::root|\.dark) \{([^}]*)\}", re.MULTILINE)
_COLOUR = re.compile(r"--([\w-]+): (#\w+);")


@cache
def sheet() -> str:
    """Return the style sheet with the CSS variables. The class `dark` selects the dark theme, as in Gradio."""
    return Path(__file__).with_name("colours.css").read_text("utf-8")


def blocks() -> tuple[str, str]:
    """Return the declarations of the CSS variables: for the light theme, for the dark theme."""
    light, dark = _BLOCK.findall(sheet())
    return light, dark


@cache
def palette() -> dict[str, tuple[str, str]]:
    """Return the colours: name -> (light theme, dark theme)."""
    light, dark = (dict(_COLOUR.findall(block)) for block in blocks())
    return {name: (colour, dark[name]) for name, colour in light.items()}
