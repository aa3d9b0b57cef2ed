"""--ray: the two stages on Ray Data, on one machine with several GPUs or on a cluster.

Each stage is a pool of actors with its own share of the GPUs. Only lines of JSON travel between them; the results are
in the result folders. Ray Data 2.60 restarts a killed actor, and gives its unfinished and waiting rows to other actors
as often as necessary. So no row is lost or duplicated: finished work is recognised by its cache key, and `crashes` ends
endless repetition. An exception would end the whole run, so a Worker raises none.
"""

import json
import logging
import math
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .. import backends, logs
from ..errors import SoundscapeError
from ..settings import Settings
from . import crashes
from .run import STAGES, stages_of
from .stage import Plan, Row, reason_of
from .storage import REQUIREMENTS, place
from .tasks import Task

ROOT = Path(__file__).parents[2]
CODE = ("pipeline", "prompts")  # parts of ROOT that workers on other machines need
BLOCK = 8  # pictures per block; with so many, the cost of a block is small
BLOCKS = 20_000  # at most; each costs about 20 ms in the driver process, and memory until the run ends
OBJECT_STORE_BYTES = 100 * 1024**2  # for lines of JSON; Ray would take a third of the memory
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    # Ray throttles a fast pool once the object store is half full, which lines of JSON never fill. At 0 it throttles
    # from the start: with a slow second pool, the first one then ran 7 blocks ahead, and 150 without this.
    "RAY_DATA_DOWNSTREAM_CAPACITY_OBJECT_STORE_BUDGET_UTIL_THRESHOLD": "0",
}
CONNECT_TIMEOUT_S = 10
INIT_DEATHS = 5  # in a row, of actors of a stage that load their models; more end the run
PASSED_ON = ("HF_", "HUGGING_FACE_", "AWS_", "AZURE_")  # access keys, sent to workers together with all settings
LOCAL_ONLY = ("HF_HOME", "HF_HUB_CACHE", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")  # paths

_log = logging.getLogger("pipeline")


@dataclass(frozen=True)
class Pool:
    """Actors that do the same stages. `gpus` and `cpus` are the share of each actor."""

    stages: tuple[str, ...]
    size: int
    gpus: float = 0.0
    cpus: float = 1.0


def in_cluster(
    tasks: Sequence[Task], plan: Plan, address: str = "", vision: str | None = None, sound: str | None = None
) -> Iterator[Row]:
    """Do the tasks on a Ray cluster, without an address on this machine. Yield rows as the tasks end.

    `vision` and `sound` are pool sizes such as "4", or "4:0.5" for four actors with half a GPU each. Raises
    SoundscapeError when Ray is not installed or does not answer, or a backend cannot run there.
    """
    sizes = {"describe": _parse_size("vision", vision), "sound": _parse_size("sound", sound)}
    if not tasks:
        return
    with connected(address) as ray:
        crashes.clear(plan.out)
        try:
            plan, together = _resolve_on_worker(ray, plan) if address else _resolve(plan)
            pools = choose_pools(plan, sizes, ray.cluster_resources())
            _check_room(pools, ray.cluster_resources())
            yield from _rows(ray, tasks, plan, pools, together)
        except ray.exceptions.RayError as error:
            _log.info("Ray failed", exc_info=True)
            cause = str(error).strip().rpartition("\n")[2].rpartition(f"{SoundscapeError.__name__}: ")[2]
            message = f"The cluster stopped: {cause} Finished results are kept; the same command continues from here."
            raise SoundscapeError(message) from error
        finally:
            crashes.clear(plan.out)


# Pools ----------------------------------------------------------------------------------------------------------------


def choose_pools(
    plan: Plan, sizes: dict[str, tuple[int, float | None] | None], resources: dict[str, float]
) -> list[Pool]:
    """Return the pools for the backends of the plan.

    The embedded pair does whole pictures on all cores. A real model gets whole GPUs. Two real models get half of each
    GPU, so that neither stage waits for the other.
    """
    cores, gpus = max(1, int(resources.get("CPU", 1))), int(resources.get("GPU", 0))
    real = {"describe": _is_real(plan.vision) and not plan.skip_vlm, "sound": _is_real(plan.audio)}
    groups = _groups(plan, any(real.values()) or any(sizes.values()))
    heavy = [any(real[stage] for stage in group) for group in groups]
    share = cores // len(groups) or cores / len(groups)  # Ray accepts whole cores, or a part of one core
    free = cores - (share if any(heavy) and not gpus else 0)
    pools = []
    for group, is_heavy in zip(groups, heavy):
        if is_heavy and gpus:
            pool = Pool(group, gpus, 1 / sum(heavy), 0)
        elif is_heavy:  # most machines have memory for one model only
            pool = Pool(group, 1, 0, share)
        else:
            pool = Pool(group, max(1, int(free) // heavy.count(False)), 0, min(1, share))
        pools.append(_resized(pool, sizes[group[-1]]))
    return pools


def _groups(plan: Plan, are_separate: bool) -> list[tuple[str, ...]]:
    """Return the stages of each pool. Descriptions that are only read need no separate pool."""
    if plan.skip_audio:
        return [("describe",)]
    return [("describe",), ("sound",)] if are_separate and not plan.skip_vlm else [("describe", "sound")]


def _is_real(backend: str) -> bool:
    return bool(backend) and backend not in backends.EMBEDDED


def _parse_size(stage: str, text: str | None) -> tuple[int, float | None] | None:
    """Parse N or N:GPUS. Raises SoundscapeError."""
    if not text:
        return None
    size, separator, gpus = text.partition(":")
    try:
        actors, share = int(size), float(gpus) if separator else None
    except ValueError:
        actors, share = 0, None
    if actors < 1 or (share is not None and not 0 <= share < math.inf):
        message = f"--ray-{stage} is a number of actors, such as 4, or with a GPU share for each, such as 4:0.5."
        raise SoundscapeError(message)
    return actors, share


def _resized(usual: Pool, wanted: tuple[int, float | None] | None) -> Pool:
    if wanted is None:
        return usual
    size, gpus = wanted
    if gpus is None:
        return replace(usual, size=size)
    return replace(usual, size=size, gpus=gpus, cpus=0 if gpus else max(1, usual.cpus))


def _check_room(pools: list[Pool], resources: dict[str, float]) -> None:
    """Warn if the actors need more than the cluster has, because Ray waits for it silently."""
    for what, unit in (("CPU", "cores"), ("GPU", "GPUs")):
        needed = sum(pool.size * (pool.gpus if what == "GPU" else pool.cpus) for pool in pools)
        available = resources.get(what, 0)
        if needed > available:
            _log.warning("The actors need %g %s, but there are %g. Some actors have to wait.", needed, unit, available)


def _resolve_on_worker(ray: Any, plan: Plan) -> tuple[Plan, int]:
    """Call `_resolve` on a worker, because the machine of this process may have no GPU."""
    gpus = min(1, ray.cluster_resources().get("GPU", 0))
    answer: tuple[Plan, int] | str = ray.get(ray.remote(_answer).options(num_cpus=0, num_gpus=gpus).remote(plan))
    if isinstance(answer, str):
        raise SoundscapeError(answer)
    return answer


def _answer(plan: Plan) -> tuple[Plan, int] | str:
    """Return the result of `_resolve`, or the text of its error, because Ray would wrap an exception."""
    try:
        return _resolve(plan)
    except SoundscapeError as error:
        return str(error)


def _resolve(plan: Plan) -> tuple[Plan, int]:
    """Return the plan with the default backends filled in, and the best number of pictures per call.

    Raises SoundscapeError when a backend cannot run here.
    """
    if not plan.skip_vlm:
        plan = replace(plan, vision=plan.vision or backends.default_vision())
    if not plan.skip_audio:
        plan = replace(plan, audio=plan.audio or backends.default_audio())
    return plan, max(stage.together for stage in stages_of(plan))


# The work -------------------------------------------------------------------------------------------------------------


def _rows(ray: Any, tasks: Sequence[Task], plan: Plan, pools: list[Pool], together: int) -> Iterator[Row]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = -1  # the download of models may take half an hour
    context.max_consecutive_actor_init_deaths = INIT_DEATHS
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # its errors arrive as exceptions

    out, plan = plan.out, replace(plan, out=Path())  # not every process can unpickle a UPath, so its text is sent
    size = block_size(len(tasks), pools[0].size, together)
    blocks = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    lines = [{"rows": json.dumps([task.row() for task in block])} for block in blocks]
    data = ray.data.from_items(lines, override_num_blocks=len(lines))
    del lines  # half a gigabyte for a million pictures
    for pool in pools:
        data = data.map_batches(
            Worker,
            fn_constructor_args=(plan, str(out), str(Path.cwd()), pool.stages),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=pool.size),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus or None,
        )
    for line in data.iter_rows():
        yield from json.loads(line["rows"])


def block_size(tasks: int, actors: int, together: int) -> int:
    """Return the number of pictures per block. An actor gets, returns and (after a kill) repeats a whole block.

    Large enough for the batches of the models, small enough that all actors end at about the same time, and larger for
    very many pictures, to limit the number of blocks.
    """
    for_models = min(together, math.ceil(tasks / actors))
    for_speed = min(BLOCK, tasks // (actors * 50))
    return max(for_models, for_speed, math.ceil(tasks / BLOCKS))


class Worker:
    """An actor: does its stages for blocks of pictures, each batch with a marker file of `crashes`."""

    def __init__(self, plan: Plan, out: str, folder: str, stages: tuple[str, ...]) -> None:
        logs.prepare()
        if Path(folder).is_dir():  # the folder where the run was started, for relative paths
            os.chdir(folder)
        plan = replace(plan, out=place(out))
        self._out = plan.out
        self._stages = [stage(plan) for stage in STAGES if stage.name in stages]
        _load_models(plan, stages)

    def __call__(self, blocks: dict[str, Any]) -> dict[str, Any]:
        return {"rows": [json.dumps(self._done(json.loads(line))) for line in blocks["rows"]]}

    def _done(self, rows: list[Row]) -> list[Row]:
        size = max(stage.together for stage in self._stages)
        return [row for start in range(0, len(rows), size) for row in self._do_marked(rows[start : start + size])]

    def _do_marked(self, rows: list[Row]) -> list[Row]:
        """Do a batch. Exceptions that stages do not handle would end the whole run, so they become errors of rows."""
        try:
            return crashes.run_marked(self._out, rows, self._do, self._set_aside)
        except Exception as error:
            reason = reason_of(error, ", ".join(row["picture"] for row in rows))
            failure = {"stage": self._stages[-1].name, "error": reason}
            return [row if "error" in row else row | failure for row in rows]

    def _do(self, rows: list[Row]) -> list[Row]:
        for stage in self._stages:
            size = stage.together
            rows = [row for start in range(0, len(rows), size) for row in stage(rows[start : start + size])]
        return rows

    def _set_aside(self, row: Row) -> Row:
        return row | {"stage": self._stages[-1].name, "error": crashes.SET_ASIDE}


def _load_models(plan: Plan, stages: tuple[str, ...]) -> None:
    """Load real models when the actor starts. If that fails, Ray replaces the actor, and no picture fails."""
    models: list[Any] = []  # `load` is not part of the protocol of backends
    if "describe" in stages and not plan.skip_vlm and _is_real(plan.vision):
        models.append(backends.load_vision(plan.vision)[1])
    if "sound" in stages and _is_real(plan.audio):
        models.append(backends.load_audio(plan.audio)[1])
    for model in models:
        model.load()


# The cluster ----------------------------------------------------------------------------------------------------------


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield the module `ray`, connected to a cluster. A cluster that was started on this machine ends with the run.

    Raises SoundscapeError when Ray is not installed or does not answer.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SoundscapeError(f"--ray needs Ray. Run: pip install -r {REQUIREMENTS}") from error
    _redirect_output(ray)
    if ray.is_initialized():
        yield ray
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        others = [f"/{each.name}" for each in ROOT.iterdir() if each.name not in CODE]
        environment = {"working_dir": str(ROOT), "excludes": others, "env_vars": passed_on(os.environ)}
        options |= {"address": address, "runtime_env": environment}
    else:
        options |= {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        _check_address(address)
        with _silent_stderr():
            ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = f"at {address}" if address else "on this machine"
        hint = "" if "RAY_AUTH_MODE" in os.environ else " If the cluster needs a token, set RAY_AUTH_MODE=token."
        raise SoundscapeError(f"Ray could not be reached {where}: {error}.{hint if address else ''}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raise OSError when nothing listens at HOST:PORT. Ray would try for minutes."""
    host, separator, port = address.rpartition(":")
    if separator and port.isdecimal():
        socket.create_connection((host.rpartition("/")[2].strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that are sent to workers on other machines: settings and access keys."""
    settings = {field.name.upper() for field in fields(Settings)}
    access_keys = {name for name in environment if name.startswith(PASSED_ON)} - {*LOCAL_ONLY}
    return {name: environment[name] for name in environment if name in settings or name in access_keys}


def _redirect_output(ray: Any) -> None:
    """Log the death of workers. Ray prints it on standard output, even with `log_to_driver` off."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda data, ignore_prefix=False: _log.info("%s", data.get("lines"))


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what Ray's core writes to file descriptor 2 when it starts. Errors arrive as exceptions."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
