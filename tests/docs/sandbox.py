"""A folder in which the commands of the pages can run, and ways to run or only parse them."""

import argparse
import runpy
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree
from typing import Any, NoReturn

from PIL import Image

from pipeline.__main__ import main
from pipeline.job import Job, run
from pipeline.picture import load_picture
from pipeline.study.groups import read_groups

from .pages import ROOT

DURATION_S = 2


def furnish(folder: Path) -> Path:
    """Put everything that the commands name into the folder: tiny pictures, results, a bundle and answers."""
    (folder / "examples").symlink_to(ROOT / "examples")
    for name, colour in (("photo", (40, 120, 40)), ("photos/dog/001", (60, 90, 200)), ("photos/sea", (20, 60, 160))):
        path = folder / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40), colour).save(path)
    run(Job(load_picture(folder / "photo.jpg"), seed=7, duration_s=DURATION_S), folder / "photo").write_bundle()
    inputs = [str(folder / "photos"), str(folder / "photo.jpg"), str(folder / "examples/harbour.jpg")]
    assert main([*inputs, "--out", str(folder / "results"), "--duration", str(DURATION_S)]) == 0
    trees = [Path(copytree(folder / "results", folder / f"results-{name}")) for name in "ab"]
    rows = [f"{group.label},{group.samples[0].name},anna,{rating}" for group, rating in zip(read_groups(trees), (2, 4))]
    (folder / "answers.csv").write_text("\n".join(["group,result,listener,rating", *rows]), encoding="utf-8")
    return folder


def entry_of(words: tuple[str, ...]) -> tuple[Callable[[], Any], list[str]]:
    """Return what `python WORDS...` runs, and its arguments. Of a file or module that is not there, fail."""
    if words[1] != "-m":
        path = ROOT / words[1]
        assert path.is_file(), f"there is no {words[1]}"
        if path.parent == ROOT:
            return import_module(path.stem).main, list(words[2:])
        return lambda: runpy.run_path(str(path), run_name="__main__"), list(words[2:])
    spec = find_spec(words[2])
    assert spec, f"there is no module {words[2]}"
    module = f"{words[2]}.__main__" if spec.submodule_search_locations else words[2]
    return lambda: import_module(module).main(), list(words[3:])


def call(words: tuple[str, ...], monkeypatch: Any, *more: str) -> int:
    """Run `python WORDS...` in this process; return its exit status."""
    entry, arguments = entry_of(words)
    monkeypatch.setattr(sys, "argv", [words[1], *arguments, *more])
    try:
        return entry() or 0
    except SystemExit as left:
        return left.code or 0


class Parsed(Exception):
    """Raised in place of the work, once the arguments are understood."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def parser_of(words: tuple[str, ...], monkeypatch: Any, *, arguments_too: bool = True) -> argparse.ArgumentParser:
    """Return the parser of `python WORDS...`. Options that it does not know end in SystemExit."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, arguments: Any = None, namespace: Any = None) -> NoReturn:
        if arguments_too:
            parse(parser, arguments, namespace)
        raise Parsed(parser)

    entry, arguments = entry_of(words)
    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        patch.setattr(sys, "argv", [words[1], *arguments])
        try:
            entry()
        except Parsed as parsed:
            return parsed.parser
    raise AssertionError(f"{words} parses no arguments")
