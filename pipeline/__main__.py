"""The command line: python -m pipeline PICTURE... --out results/

Progress goes to standard error; standard output gets one line of JSON for each picture.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import backends
from .errors import SoundscapeError
from .job import SEED_LIMIT, Job, OnProgress, describe_picture, run
from .picture import SUFFIXES, load_picture
from .results import BEFORE, PICTURE, SOUNDSCAPE, read_result, safe_name, write_soundscape
from .soundscape import Soundscape
from .synthesize import MIN_DURATION_S

INTERRUPTED = 130  # what a shell makes of Ctrl-C
EARLIER = f"; the description that was there is kept as {BEFORE}"

_log = logging.getLogger("pipeline")


@dataclass(frozen=True)
class Task:
    """One picture, or one soundscape, and the folder of its result."""

    path: Path
    folder: Path


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every picture succeeded and 1 when some failed. Wrong usage exits with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if options.skip_vlm and options.skip_audio:
        parser.error("--skip-vlm and --skip-audio together leave nothing to do")
    for name, registry in ((options.vision, backends.VISION), (options.audio, backends.AUDIO)):
        if name and name not in registry:
            parser.error(f"there is no backend '{name}'; choices: {', '.join(registry)}")
    tasks = _tasks(options)
    if not tasks:
        parser.error("no picture was found there")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"nothing can be written to {options.out}: {error.strerror}")
    try:
        outcomes = [_told(task, f"[{number}/{len(tasks)}]", options) for number, task in enumerate(tasks, 1)]
    except KeyboardInterrupt:
        print("\nStopped. What is finished stays.", file=sys.stderr)
        return INTERRUPTED
    return 0 if all(outcomes) else 1


def _told(task: Task, number: str, options: argparse.Namespace) -> bool:
    """Do one task, tell what came of it, and return whether it succeeded."""
    progress = _Progress(f"{number} {task.path.name}")
    line = _outcome(task, options, progress.show)
    progress.end(line.get("error") or f"done{EARLIER if 'earlier_soundscape' in line else ''}")
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return "error" not in line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline", description="Hear pictures.")
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="PICTURE",
        help="picture, folder of pictures, soundscape JSON, or ZIP of a result",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the result folders go")
    parser.add_argument("--vision", default="", metavar="NAME", help=f"one of {', '.join(backends.VISION)}")
    parser.add_argument("--audio", default="", metavar="NAME", help=f"one of {', '.join(backends.AUDIO)}")
    parser.add_argument("--duration", type=_duration, default=10.0, metavar="SECONDS", help="length of the sound (10)")
    parser.add_argument("--seed", type=_seed, metavar="NUMBER", help="same seed, same sound; drawn when not given")
    parser.add_argument("--skip-vlm", action="store_true", help="use the soundscape.json files already in --out")
    parser.add_argument("--skip-audio", action="store_true", help="write the descriptions only")
    parser.add_argument("--limit", type=_count, metavar="N", help="only the first N pictures")
    return parser


def _seed(text: str) -> int:
    if not 0 <= int(text) < SEED_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {SEED_LIMIT - 1}")
    return int(text)


def _count(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def _tasks(options: argparse.Namespace) -> list[Task]:
    """Every input with a result folder of its own: named after the file, numbered when two are of one name."""
    tasks: list[Task] = []
    taken: set[str] = set()
    for path in _files(options.inputs):
        # A soundscape that lies in its result folder goes back there.
        stem = path.parent.name if path.name == SOUNDSCAPE else path.stem
        name = stem = safe_name(stem, "picture")
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        tasks.append(Task(path, options.out / name))
    return tasks[: options.limit]


def _files(inputs: list[Path]) -> Iterator[Path]:
    for path in inputs:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if _is_input(each))
        else:
            yield path


def _is_input(path: Path) -> bool:
    """True for a picture that is not itself part of a result: --out may lie in the folder of the pictures."""
    is_part_of_result = path.name == PICTURE and (path.parent / SOUNDSCAPE).is_file()
    return path.suffix.lower() in SUFFIXES and path.is_file() and not is_part_of_result


def _outcome(task: Task, options: argparse.Namespace, on_progress: OnProgress) -> dict[str, Any]:
    """Do one task and tell what came of it; a failure is told, and the next one goes on."""
    line: dict[str, Any] = {"picture": str(task.path)}
    description = task.folder / SOUNDSCAPE
    try:
        earlier = description.read_bytes() if description.is_file() else None
        line |= _do(task, options, on_progress)
        if earlier not in (None, description.read_bytes()):
            line["earlier_soundscape"] = str(task.folder / BEFORE)
        return line
    except SoundscapeError as error:
        return line | {"error": str(error)}
    except OSError as error:
        return line | {"error": f"The result could not be written: {error.strerror} ({error.filename})."}
    except Exception as error:
        _log.exception("%s failed", task.path)
        return line | {"error": f"{type(error).__name__}: {error}"}


def _do(task: Task, options: argparse.Namespace, on_progress: OnProgress) -> dict[str, Any]:
    job = _job(task, options)
    if options.skip_audio:
        soundscape = job.soundscape
        if soundscape is None:
            soundscape = describe_picture(job.picture, job.vision or backends.default_vision(), on_progress)
        return {"soundscape": str(write_soundscape(task.folder, soundscape))}
    result = run(job, task.folder, on_progress)
    kept = ("seed", "loudness_lufs", "seconds", "warnings")
    return {
        "soundscape": str(task.folder / SOUNDSCAPE),
        "mix": str(result.mix_path),
        "vision": result.report["vision"] and result.report["vision"]["backend"],
        "audio": result.report["audio"]["backend"],
    } | {key: result.report[key] for key in kept}


def _job(task: Task, options: argparse.Namespace) -> Job:
    """Return what is to be done with a picture, a soundscape or a bundle of earlier."""
    job = Job(None, None, options.vision, options.audio, options.duration, options.seed)
    suffix = task.path.suffix.lower()
    if suffix == ".json":
        kept_picture = task.folder / PICTURE
        picture = load_picture(kept_picture) if kept_picture.is_file() else None
        return replace(job, picture=picture, soundscape=_read_soundscape(task.path))
    if suffix == ".zip":
        finished = read_result(task.path)
        seed = finished.manifest.get("seed") if job.seed is None else job.seed
        return replace(job, soundscape=finished.soundscape, seed=seed)
    soundscape = None
    if options.skip_vlm:
        path = task.folder / SOUNDSCAPE
        if not path.is_file():
            raise SoundscapeError(f"There is no {path}. Run without --skip-vlm first.")
        soundscape = _read_soundscape(path)
    return replace(job, picture=load_picture(task.path), soundscape=soundscape)


def _read_soundscape(path: Path) -> Soundscape:
    try:
        return Soundscape.from_json(path.read_text(encoding="utf-8-sig"))  # with the mark that some editors begin with
    except (OSError, UnicodeDecodeError) as error:
        raise SoundscapeError(f"{path} cannot be read: {error}") from error


def _duration(text: str) -> float:
    """Read a duration; the upper limit is that of the backend, which is asked later."""
    if not float(text) >= MIN_DURATION_S:  # true for NaN
        raise argparse.ArgumentTypeError(f"must be at least {MIN_DURATION_S:g}")
    return float(text)


class _Progress:
    """One line on standard error that is rewritten on a terminal, and written once into a log."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._live = sys.stderr.isatty()

    def show(self, stage: str, done: int, total: int) -> None:
        if self._live:
            print(f"\r\x1b[K{self._title}: {stage} {done}/{total}", end="", file=sys.stderr, flush=True)

    def end(self, outcome: str) -> None:
        start = "\r\x1b[K" if self._live else ""
        print(f"{start}{self._title}: {outcome}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
