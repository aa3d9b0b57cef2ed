"""The command `python -m pipeline remix`: change the document of a result, and render it again.

The models of the result run only for sources whose sound changes. All others come from the stems that are kept.
"""

import argparse
import json
import math
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from PIL import Image

from . import backends
from .backends import SoundOptions
from .command import ended
from .errors import SoundscapeError, did_you_mean
from .files import MAX_MEDIA_BYTES, check_size
from .job import Job, run
from .picture import load_picture
from .results.manifest import read_manifest
from .results.result import PICTURE, Finished, read_result
from .soundscape import Soundscape, Space

PROGRAM = "python -m pipeline remix"
# Option -> the field that it sets.
FIELDS = {"gain": "gain_db", "pan": "pan", "distance": "distance_m", "take": "take", "onsets": "onsets_s"}


def main(arguments: list[str]) -> int:
    """Run `python -m pipeline remix`; return 0 when the result is written, 2 when an option makes no sense."""
    parser = _parser()
    options = parser.parse_args(arguments)
    return ended(lambda: _remix(parser, options), product="The result")


def _remix(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    path = Path(options.result)
    finished = read_result(path)
    try:
        soundscape = changed(finished.soundscape, options)
        redo = redone(soundscape, options.redo)
    except SoundscapeError as error:
        parser.error(str(error))
    job = _job(path, finished, soundscape, redo)
    result = run(job, Path(options.out), _show if sys.stderr.isatty() else None)
    print(json.dumps({"folder": str(result.folder), "stems": result.report["stems"]}))
    return 0


def changed(soundscape: Soundscape, options: argparse.Namespace) -> Soundscape:
    """Return the document with the changes of the options. Raises SoundscapeError for one that makes no sense."""
    document = json.loads(soundscape.to_json())
    sources: list[dict[str, Any]] = document["sources"]
    for option, field in FIELDS.items():
        for text in getattr(options, option):
            name, equals, value = text.rpartition("=")
            if not equals:
                raise SoundscapeError(f"--{option} {text}: write it as NAME=VALUE, such as {sources[0]['name']}=3.")
            source = sources[_place(name, sources, f"--{option}")]
            source[field] = _value(option, value, source)
    for option, is_mute in (("mute", True), ("unmute", False)):
        for name in getattr(options, option):
            sources[_place(name, sources, f"--{option}")]["mute"] = is_mute
    if options.solo:
        alone = {_place(name, sources, "--solo") for name in options.solo}
        for place, source in enumerate(sources):
            source["mute"] = place not in alone
    if options.space:
        document["space"] = options.space
    return Soundscape.from_json(json.dumps(document))


def redone(soundscape: Soundscape, texts: Sequence[str]) -> dict[int, tuple[float, float]]:
    """Return the spans in seconds to make again, by the index of the source. Raises SoundscapeError like `changed`."""
    sources = [{"name": source.name} for source in soundscape.sources]
    spans = {}
    for text in texts:
        name, _, span = text.rpartition("=")
        start, dash, end = span.partition("-")
        if not (name and dash):
            raise SoundscapeError(f"--redo {text}: write it as NAME=START-END in seconds, such as rain=3-4.5.")
        source = sources[place := _place(name, sources, "--redo")]
        spans[place] = (_value("redo", start, source), _value("redo", end, source))
    return spans


def _place(name: str, sources: Sequence[dict[str, Any]], option: str) -> int:
    """Return the index of the source with this name or number."""
    names = [source["name"] for source in sources]
    listed = ", ".join(f"{number} {each}" for number, each in enumerate(names, 1))
    if name.isdecimal():
        if 1 <= int(name) <= len(names):
            return int(name) - 1
        raise SoundscapeError(f"{option} {name}: there is no source {name}. There are: {listed}.")
    found = [place for place, each in enumerate(names) if each.casefold() == name.strip().casefold()]
    if len(found) > 1:
        raise SoundscapeError(f"{option} {name}: several sources have this name. Use a number. There are: {listed}.")
    if not found:
        raise SoundscapeError(f"{option} {name}: there is no such source.{did_you_mean(name, names)}")
    return found[0]


def _value(option: str, text: str, source: dict[str, Any]) -> Any:
    try:
        if option == "take":
            relative = source.get("take", 0) if text.startswith(("+", "-")) else 0
            return relative + int(text)
        if option == "onsets":
            return sorted(float(each) for each in text.split(","))
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return number
    except ValueError:
        what = {"take": "a whole number", "onsets": "times in seconds, such as 1,4.5"}.get(option, "a number")
        raise SoundscapeError(f"--{option} {source['name']}={text}: the value must be {what}.") from None


def _job(path: Path, finished: Finished, soundscape: Soundscape, redo: dict[int, tuple[float, float]]) -> Job:
    """Return the job with the backend, the length, the seed and the options of the earlier result."""
    report = read_manifest(json.dumps(finished.manifest).encode())
    if not report["audio"] or report["seed"] is None or report["duration_s"] is None:
        raise SoundscapeError(
            f"{path.name} has no sound yet. Make it first: python -m pipeline {path.name} --out FOLDER."
        )
    name = report["audio"]["backend"]
    revision = report["audio"]["revision"]
    if name in backends.AUDIO and revision and revision != backends.card(name).revision:
        print(f"{name} has changed since this result was made, so every sound is made again.", file=sys.stderr)
    return Job(
        picture=_picture(path),
        soundscape=soundscape,
        repairs=finished.repairs,
        audio=name,
        duration_s=report["duration_s"],
        seed=report["seed"],
        options=SoundOptions(**report["options"] | {"redo": report["options"]["redo"] | redo}),
        provenance={"vision": _described_by(report, finished, soundscape)},
    )


def _described_by(report: dict[str, Any], finished: Finished, soundscape: Soundscape) -> dict[str, Any] | None:
    """Return the model that described the picture, and whether the description was edited since; None without one."""
    vision: dict[str, Any] | None = report["vision"]
    if not vision:
        return None
    was_edited = bool(finished.manifest["vision"].get("edited"))
    return vision | {"edited": was_edited or soundscape != finished.soundscape}


def _picture(path: Path) -> Image.Image | None:
    """Return the picture of a result folder or bundle, None if there is none."""
    if path.is_dir():
        return load_picture(path / PICTURE) if (path / PICTURE).is_file() else None
    with zipfile.ZipFile(path) as bundle, tempfile.TemporaryDirectory() as folder:
        if PICTURE not in bundle.namelist():
            return None
        check_size(PICTURE, bundle.getinfo(PICTURE).file_size, MAX_MEDIA_BYTES)
        try:
            extracted = bundle.extract(PICTURE, folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # damaged or encrypted
            raise SoundscapeError(f"{path.name} is damaged and cannot be read. Use another copy of it.") from error
        return load_picture(extracted)


def _show(stage: str, done: int, total: int) -> None:
    end = "\n" if (stage, done) == ("files", total) else ""
    print(f"\r\x1b[K{stage} {done}/{total}", end=end, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Change the document of a result and render it again. Sounds that do not change are kept.",
        epilog="NAME is the name of a source or its number in the document.",
    )
    parser.add_argument("result", metavar="RESULT", help="result folder or bundle (.zip)")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the new result is written")
    for option, metavar, words in (
        ("gain", "NAME=DB", "louder or softer than usual, in decibels, -40 to 12"),
        ("pan", "NAME=PAN", "from -1 (left) to 1 (right)"),
        ("distance", "NAME=METRES", "distance from the listener, 0.5 to 1000"),
        ("take", "NAME=TAKE", "another take of this sound: a number, or +1 for the next one"),
        ("onsets", "NAME=SECONDS", "when it sounds, such as bell=1,4.5; not for a bed"),
        ("redo", "NAME=START-END", "make this span of seconds again, such as rain=3-4.5, if the model can"),
        ("mute", "NAME", "leave this sound out"),
        ("unmute", "NAME", "hear this sound again"),
        ("solo", "NAME", "hear only this sound; several may be named"),
    ):
        parser.add_argument(f"--{option}", action="append", default=[], metavar=metavar, help=words)
    parser.add_argument("--space", choices=get_args(Space), help="the acoustic space of all sounds")
    return parser
