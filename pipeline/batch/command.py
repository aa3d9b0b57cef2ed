"""The command of many pictures: python -m pipeline PICTURE... --out results/

Progress goes to standard error; standard output gets one line of JSON for each picture.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from .. import backends
from ..command import COMMANDS, USUAL, ended
from ..errors import SoundscapeError
from ..job import SEED_LIMIT, OnProgress
from ..synthesize import MIN_DURATION_S
from . import storage
from .progress import Progress
from .run import in_this_process, run_batch
from .stage import Plan, Row
from .tasks import Task, chosen, find_tasks

PROGRAM = "python -m pipeline"
UNHEARD = 141  # what a shell makes of a pipe whose reader went away


def main(arguments: list[str]) -> int:
    """Run the command line; return 0 when every picture succeeded and 1 when some failed. Wrong usage exits with 2."""
    options = _options(arguments)
    how = "--again begins anew" if options.again else "the same command goes on from there"
    stopped = f"Stopped. What is finished stays; {how}."
    return ended(lambda: _status(options), failed=2, prefix=f"{PROGRAM}: ", stopped=stopped)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.skip_vlm and options.skip_audio:
        parser.error("--skip-vlm and --skip-audio together leave nothing to do")
    if options.ray is not None and options.workers > 1:
        parser.error("--ray and --workers are two ways to do the same; choose one")
    if options.ray is None and (options.ray_vision or options.ray_sound):
        parser.error("--ray-vision and --ray-sound say how --ray divides the work; give --ray too")
    for name, registry in ((options.vision, backends.VISION), (options.audio, backends.AUDIO)):
        if name and name not in registry:
            parser.error(f"there is no backend '{name}'; choices: {', '.join(registry)}")
    return options


def _status(options: argparse.Namespace) -> int:
    try:
        return 0 if _run(options) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try to write the rest there
        print("Stopped: standard output was closed. What is finished stays.", file=sys.stderr)
        return UNHEARD
    except OSError as error:
        where = error.filename or options.out
        raise SoundscapeError(f"nothing can be written to {where}: {error.strerror}") from error


def _run(options: argparse.Namespace) -> bool:
    out = storage.place(options.out)
    shuffle = (options.seed or 0) if options.shuffle else None
    tasks = chosen(find_tasks(options.inputs, out), options.limit, shuffle)
    if not tasks:
        raise SoundscapeError("no picture was found there")
    wishes = ("vision", "audio", "duration_s", "seed", "skip_vlm", "skip_audio", "again")
    plan = Plan(out, **{name: getattr(options, name) for name in wishes})
    progress = Progress(len(tasks))

    def finish() -> None:
        progress.sum_up()
        is_wanted = (progress.succeeded and len(tasks) > 1) or (out / "index.html").exists()
        if is_wanted and not options.skip_audio and storage.is_local(out):
            from ..overview import write_overview

            page = write_overview(out, progress.show)
            progress.say(f"To look through them all, open {page}")

    return run_batch(tasks, plan, progress.tell, rows=_way(options, plan, progress.show), finish=finish)


def _way(
    options: argparse.Namespace, plan: Plan, on_progress: OnProgress
) -> Callable[[Sequence[Task], Plan], Iterator[Row]]:
    """Return how the work is done: in this process, in several, or on a cluster."""
    if options.ray is not None:
        from .cluster import in_cluster

        beginning = f"Joining Ray at {options.ray}" if options.ray else "Starting Ray on this machine"
        print(f"{beginning} and its workers; the first result takes a while.", file=sys.stderr, flush=True)
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
        description="Hear pictures. Run again, it makes only what is new or changed.",
        epilog=f"Other commands, each with a --help of its own: {', '.join(others)}.",
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="PICTURE", help="picture, folder of pictures, soundscape JSON, or ZIP of a result"
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the result folders go")
    parser.add_argument("--vision", default="", metavar="NAME", help=f"one of {', '.join(backends.VISION)}")
    parser.add_argument("--audio", default="", metavar="NAME", help=f"one of {', '.join(backends.AUDIO)}")
    parser.add_argument(
        "--duration", dest="duration_s", type=_duration, default=10.0, metavar="SECONDS", help="of the sound (10)"
    )
    parser.add_argument(
        "--seed", type=_seed, metavar="NUMBER", help="same seed, same sound; without one each picture has its own"
    )
    parser.add_argument("--skip-vlm", action="store_true", help="use the soundscape.json files already in --out")
    parser.add_argument("--skip-audio", action="store_true", help="write the descriptions only")
    parser.add_argument("--again", action="store_true", help="make everything anew, finished or not")
    parser.add_argument("--limit", type=_count, metavar="N", help="only the first N pictures")
    parser.add_argument("--shuffle", action="store_true", help="in random order, drawn from --seed")
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help=f"processes for the embedded pair; this machine has {os.cpu_count()} cores",
    )
    cluster = parser.add_argument_group("on a cluster", "with the packages of requirements-batch.txt")
    cluster.add_argument(
        "--ray", nargs="?", const="", metavar="ADDRESS", help="of the cluster; without one, this machine is it"
    )
    for stage in ("vision", "sound"):
        cluster.add_argument(
            f"--ray-{stage}", metavar="N[:GPUS]", help=f"actors for {stage} and the share of a GPU that each gets"
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
    """Read a duration; the upper limit is that of the backend, which is asked later."""
    try:
        duration = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, at least {MIN_DURATION_S:g}") from None
    if not duration >= MIN_DURATION_S:  # true for NaN
        raise argparse.ArgumentTypeError(f"must be at least {MIN_DURATION_S:g}")
    return duration
