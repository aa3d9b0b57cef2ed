"""The page of the app: its components, style, scripts and HTML. Nothing here imports Gradio."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .. import colours

FOLDER = Path(__file__).parent


@cache
def asset(name: str) -> str:
    """Return the text of a file of this folder; the main style sheet begins with the colours."""
    text = (FOLDER / name).read_text("utf-8")
    return f"{colours.sheet()}\n{text}" if name == "style.css" else text


def theme(known: Iterable[str]) -> dict[str, str]:
    """Return the theme variables. A variable gets a dark twin if that is among `known`. colours.css has the colours."""
    variables: dict[str, str] = json.loads(asset("theme.json"))
    dark = {f"{name}_dark": value for name, value in variables.items() if f"{name}_dark" in known}
    return variables | dark
