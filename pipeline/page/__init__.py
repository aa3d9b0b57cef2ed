"""The page of the app: its components, style, scripts and HTML. Nothing here imports Gradio."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .. import colours

FOLDER = Path(__file__).parent
_FLAT_LIST = re.compile(r"\[\n\s+([^\[\]{}]*?)\n\s*\]")


@cache
def asset(name: str) -> str:
    """Return the text of a file of this folder; the style sheet begins with the colours."""
    text = (FOLDER / name).read_text("utf-8")
    return f"{colours.sheet()}\n{text}" if name.endswith(".css") else text


def theme(known: Iterable[str]) -> dict[str, str]:
    """Return the theme variables. A variable gets a dark twin if that is among `known`. colours.css has the colours."""
    variables: dict[str, str] = json.loads(asset("theme.json"))
    dark = {f"{name}_dark": value for name, value in variables.items() if f"{name}_dark" in known}
    return variables | dark


def layout(text: str) -> str:
    """Return the JSON text with lists of plain values on one line each, which makes boxes and timbres easy to read."""
    return _FLAT_LIST.sub(lambda found: "[" + re.sub(r"\n\s*", " ", found[1]) + "]", text)
