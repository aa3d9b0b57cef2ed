"""The main command: python -m pipeline PICTURE... --out results/

Progress goes to standard error. Standard output gets one line of JSON per picture.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from .. import backends
from ..command import COMMANDS, USUAL, ended
from ..errors import SoundscapeError
from ..job import SEED_LIMIT, OnProgress
from ..synthesize import MIN_DURATION_S
from . import storage
from .listing import sum_up
from .progress import Progress
from .run import in_this_process, run_batch
from .stage import Plan, Row
from .tasks import Task, find_tasks, select

PROGRAM = "python -m pipeline"
PIPE_CLOSED = 141  # exit status that shells use when the reader of a pipe ended


def main(arguments: list[str]) -> int:
    """Run the command line. Return 0 when every picture succeeded and 1 when some failed. Wrong usage exits with 2."""
    options = _options(arguments)
    resume = "with --again, the same command starts over" if options.again else "the same command continues from here"
    stopped = f"Stopped. Finished results are kept; {resume}."
    return ended(lambda: _status(options), failed=2, prefix=f"{PROGRAM}: ", stopped=stopped)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.skip_vlm and options.skip_audio:
        parser.error("--skip-vlm and --skip-audio together leave nothing to do; remove one of them")
    if options.ray is not None and options.workers > 1:
        parser.error("--ray and --workers cannot be used together; choose one")
    if options.ray is None and (options.ray_vision or options.ray_sound):
        parser.error("--ray-vision and --ray-sound have no effect without --ray; add --ray")
    for name, registry in ((options.vision, backends.VISION), (options.audio, backends.AUDIO)):
        if name and name not in registry:
            parser.error(f"there is no backend '{name}'; choose one of: {', '.join(registry)}")
    return options


def _status(options: argparse.Namespace) -> int:
    try:
        return 0 if _run(options) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would write the rest at exit
        print("Stopped because standard output was closed. Finished results are kept.", file=sys.stderr)
        return PIPE_CLOSED
    except OSError as error:
        where = error.filename or options.out
        message = f"{where} cannot be written: {error.strerror}. Choose another folder with --out."
        raise SoundscapeError(message) from error


def _run(options: argparse.Namespace) -> bool:
    out = storage.place(options.out)
    shuffle = (options.seed or 0) if options.shuffle else None
    passed: Counter[str] = Counter()
    tasks = select(find_tasks(options.inputs, out, passed), options.limit, shuffle)
    if not tasks:
        message = "no picture was found; give at least one picture file, or a folder that contains some"
        raise SoundscapeError(f"{message}. {sum_up(passed)}".rstrip(". "))
    fields = ("vision", "audio", "duration_s", "seed", "skip_vlm", "skip_audio", "again")
    plan = Plan(out, **{name: getattr(options, name) for name in fields})
    progress = Progress(len(tasks))

    def finish() -> None:
        progress.sum_up(sum_up(passed))
        has_overview = (progress.succeeded and len(tasks) > 1) or (out / "index.html").exists()
        if has_overview and not options.skip_audio and storage.is_local(out):
            from ..overview import write_overview

            page = write_overview(out, progress.show)
            progress.say(f"To see all results, open {page}")

    return run_batch(tasks, plan, progress.report, rows=_runner(options, plan, progress.show), finish=finish)


def _runner(
    options: argparse.Namespace, plan: Plan, on_progress: OnProgress
) -> Callable[[Sequence[Task], Plan], Iterator[Row]]:
    """Return the function that does the work: in this process, in several, or on a cluster."""
    if options.ray is not None:
        from .cluster import in_cluster

        start = f"Connecting to Ray at {options.ray}" if options.ray else "Starting Ray on this machine"
        print(f"{start}. The first result takes a while.", file=sys.stderr, flush=True)
        return partial(in_cluster, address=options.ray, vision=options.ray_vision, sound=options.ray_sound)
    if options.workers > 1:
        from . import workers

        workers.check(plan)
        return partial(workers.in_processes, workers=options.workers)
    return partial(in_this_process, on_progress=on_progress)


def _parser() -> argparse.ArgumentParser:
    others = [name for name in COMMANDS if name != USUAL]
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Turn pictures into sound. A second run processes only new and changed pictures.",
        epilog=f"Other commands: {', '.join(others)}. Each has its own --help.",
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="PICTURE", help="picture, folder of pictures, soundscape (.json) or result (.zip)"
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the result folders are written")
    for kind, registry in (("vision", backends.VISION), ("audio", backends.AUDIO)):
        choices = f"{kind} backend: {', '.join(registry)} (default: the best that can run here)"
        parser.add_argument(f"--{kind}", default="", metavar="NAME", help=choices)
    parser.add_argument(
        "--duration",
        dest="duration_s",
        type=_duration,
        default=10.0,
        metavar="SECONDS",
        help="length of the sound (default: 10)",
    )
    parser.add_argument(
        "--seed", type=_seed, metavar="NUMBER", help="same seed, same sound (default: from the content of each picture)"
    )
    parser.add_argument("--skip-vlm", action="store_true", help="use the soundscape.json files already in --out")
    parser.add_argument("--skip-audio", action="store_true", help="write only the descriptions")
    parser.add_argument("--again", action="store_true", help="make everything again, even if it is finished")
    parser.add_argument("--limit", type=_count, metavar="N", help="process only the first N pictures")
    parser.add_argument("--shuffle", action="store_true", help="process in random order, drawn from --seed")
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help=f"number of processes, for the embedded pair only (default: 1; this machine has {os.cpu_count()} cores)",
    )
    cluster = parser.add_argument_group("on a cluster", f"These options need the packages of {storage.REQUIREMENTS}.")
    cluster.add_argument(
        "--ray", nargs="?", const="", metavar="ADDRESS", help="run on a Ray cluster; without ADDRESS, on this machine"
    )
    for stage in ("vision", "sound"):
        cluster.add_argument(
            f"--ray-{stage}", metavar="N[:GPUS]", help=f"number of {stage} actors, and the share of a GPU for each"
        )
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= SEED_LIMIT:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {SEED_LIMIT - 1}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, at least 1")
    return int(text)


def _duration(text: str) -> float:
    """Parse a duration. The maximum depends on the backend and is checked later."""
    try:
        duration = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, at least {MIN_DURATION_S:g}") from None
    if not duration >= MIN_DURATION_S:  # true for NaN
        raise argparse.ArgumentTypeError(f"must be at least {MIN_DURATION_S:g}")
    return duration
