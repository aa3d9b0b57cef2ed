"""The pages that people read, and what is in them: commands, snippets, tables, links and headings."""

import re
import shlex
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATHS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PATHS}
PROGRAMS = ("python", "pip", "pytest", "ruff", "mypy", "git", "apt", "ray", "vllm", "docker", "pre-commit")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`((?:[^`\n]|\n(?!\n))+)`(?!`)")  # on one line of a paragraph, or on two


@dataclass(frozen=True)
class Command:
    """One command: the page it is on, its words, and the variables set before it."""

    page: str
    words: tuple[str, ...]
    variables: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return shlex.join(self.words)


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of this language."""
    return [text for name, text in _FENCE.findall(PAGES[page]) if name == language]


def languages() -> set[str]:
    """Return the languages of all fenced blocks of all pages."""
    return {name for text in PAGES.values() for name, _ in _FENCE.findall(text)}


def outside_fences(page: str) -> str:
    """Return the page without its fenced blocks."""
    return _FENCE.sub("", PAGES[page])


def inline(page: str) -> list[str]:
    """Return the inline code, tables included and fenced blocks left out."""
    return [code.replace("\n", " ") for code in _INLINE.findall(outside_fences(page))]


def commands() -> list[Command]:
    """Return every command of every page, in fenced blocks and in the text. Two that are equal count once."""
    found = {}
    for page in PAGES:
        lines = [line for block in blocks(page, "bash") for line in block.replace("\\\n", " ").splitlines()]
        lines += [code for code in inline(page) if " " in code and code.split()[0] in PROGRAMS]
        for line in lines:
            for command in _split(page, line):
                found.setdefault((command.words, command.variables), command)
    return list(found.values())


def _split(page: str, line: str) -> list[Command]:
    commands, words = [], shlex.split(line, comments=True)
    while words:
        end = words.index("&&") if "&&" in words else len(words)
        own, words = words[:end], words[end + 1 :]
        variables = list(takewhile(re.compile(r"[A-Z_]+=").match, own))
        commands.append(Command(page, tuple(own[len(variables) :]), tuple(variables)))
    return commands


def table(page: str, heading_cell: str, section: str = "") -> list[list[str]]:
    """Return the rows of the table whose first heading is `heading_cell`, in this section of the page."""
    text = PAGES[page].split(f"\n## {section}\n", 1)[1] if section else PAGES[page]
    rows = text.split(f"| {heading_cell} |", 1)[1].split("\n\n")[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings, as GitHub and the Hub make them."""
    headings = re.findall(r"^#+ (.*)$", outside_fences(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: str) -> list[str]:
    """Return the links that lead into the repository."""
    return re.findall(r"\]\((?!http)([^)]+)\)", PAGES[page])
