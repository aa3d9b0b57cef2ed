"""--ray: the two stages on Ray Data, on one machine with several GPUs or on a cluster.

Each stage is a pool of actors with a GPU share of its own. What travels between them is a line of JSON for some
pictures; the work itself lies in the result folders. What was found of Ray Data 2.60: an actor that was killed is
restarted, and what it had not finished, or had waiting, is given to actors that live, as often as it takes. So a row is
neither lost nor doubled; what was finished is known by its key; `crashes` ends what would go on for ever. An
exception instead would end the whole run, so none leaves a Worker.
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

from .. import backends
from ..errors import SoundscapeError
from ..settings import Settings
from . import crashes
from .run import STAGES, stages_of
from .stage import Plan, Row
from .storage import REQUIREMENTS, place
from .tasks import Task

ROOT = Path(__file__).parents[2]
CODE = ("pipeline", "prompts")  # what workers on other machines need of ROOT
BLOCK = 8  # pictures in one are enough to make its cost small
BLOCKS = 20_000  # at most: each costs about 20 ms in the process that leads, and memory as long as the run lasts
OBJECT_STORE_BYTES = 100 * 1024**2  # for lines of JSON; Ray would take a third of the memory
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    # Ray holds a fast pool back once the object store is half full, which lines of JSON never make it. At 0 it does so
    # from the start: before a slow second pool, the first one was 7 blocks ahead then, and 150 otherwise.
    "RAY_DATA_DOWNSTREAM_CAPACITY_OBJECT_STORE_BUDGET_UTIL_THRESHOLD": "0",
}
KNOCK_S = 10
INIT_DEATHS = 5  # actors of a stage that may fail or be killed one after another while they load their models
PASSED_ON = ("HF_", "HUGGING_FACE_", "AWS_", "AZURE_")  # and all settings: keys for models and storage
STAYING = ("HF_HOME", "HF_HUB_CACHE", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")  # paths here

_log = logging.getLogger("pipeline")


@dataclass(frozen=True)
class Pool:
    """Some actors that each do the same stages, and what each has of its machine."""

    stages: tuple[str, ...]
    size: int
    gpus: float = 0.0
    cpus: float = 1.0


def in_cluster(
    tasks: Sequence[Task], plan: Plan, address: str = "", vision: str | None = None, sound: str | None = None
) -> Iterator[Row]:
    """Do the tasks on a Ray cluster, or without an address on one of this machine alone; rows come as they end.

    `vision` and `sound` are sizes of pools such as "4" or "4:0.5", four actors with half a GPU each. Raises
    SoundscapeError when Ray is not installed or does not answer, or a backend cannot run there.
    """
    wishes = {"describe": _wish("vision", vision), "sound": _wish("sound", sound)}
    if not tasks:
        return
    with connected(address) as ray:
        crashes.clear(plan.out)
        try:
            plan, together = _look_around(ray, plan, is_here=not address)
            pools = choose_pools(plan, wishes, ray.cluster_resources())
            _check_room(pools, ray.cluster_resources())
            yield from _rows(ray, tasks, plan, pools, together)
        except ray.exceptions.RayError as error:
            _log.info("Ray gave up", exc_info=True)
            cause = str(error).strip().rpartition("\n")[2].rpartition(f"{SoundscapeError.__name__}: ")[2]
            raise SoundscapeError(f"The cluster gave up: {cause} What is finished stays.") from error
        finally:
            crashes.clear(plan.out)


# Who does what --------------------------------------------------------------------------------------------------------


def choose_pools(
    plan: Plan, wishes: dict[str, tuple[int, float | None] | None], resources: dict[str, float]
) -> list[Pool]:
    """Return the pools for the backends of the plan.

    Embedded models do whole pictures on every core. A real model gets a whole GPU, or half of each when both stages
    have one: so neither waits for the other, whichever takes longer.
    """
    cores, gpus = max(1, int(resources.get("CPU", 1))), int(resources.get("GPU", 0))
    real = {"describe": _is_real(plan.vision) and not plan.skip_vlm, "sound": _is_real(plan.audio)}
    groups = _groups(plan, any(real.values()) or any(wishes.values()))
    heavy = [any(real[stage] for stage in group) for group in groups]
    share = cores // len(groups) or cores / len(groups)  # Ray takes whole cores, or a part of one
    free = cores - (share if any(heavy) and not gpus else 0)
    pools = []
    for group, is_heavy in zip(groups, heavy):
        if is_heavy and gpus:
            pool = Pool(group, gpus, 1 / sum(heavy), 0)
        elif is_heavy:  # most memories have room for one
            pool = Pool(group, 1, 0, share)
        else:
            pool = Pool(group, max(1, int(free) // heavy.count(False)), 0, min(1, share))
        pools.append(_as_wished(pool, wishes[group[-1]]))
    return pools


def _groups(plan: Plan, apart: bool) -> list[tuple[str, ...]]:
    """Return the stages of each pool. To read a description is no work for a pool of its own."""
    if plan.skip_audio:
        return [("describe",)]
    return [("describe",), ("sound",)] if apart and not plan.skip_vlm else [("describe", "sound")]


def _is_real(backend: str) -> bool:
    return bool(backend) and backend not in backends.EMBEDDED


def _wish(stage: str, text: str | None) -> tuple[int, float | None] | None:
    """Read N or N:GPUS."""
    if not text:
        return None
    size, mark, gpus = text.partition(":")
    try:
        wish = int(size), float(gpus) if mark else None
    except ValueError:
        wish = 0, None
    if wish[0] < 1 or (wish[1] is not None and not 0 <= wish[1] < math.inf):
        message = f"--ray-{stage} is a number of actors such as 4, or with a share of a GPU each, such as 4:0.5."
        raise SoundscapeError(message)
    return wish


def _as_wished(usual: Pool, wish: tuple[int, float | None] | None) -> Pool:
    if wish is None:
        return usual
    size, gpus = wish
    if gpus is None:
        return replace(usual, size=size)
    return replace(usual, size=size, gpus=gpus, cpus=0 if gpus else max(1, usual.cpus))


def _check_room(pools: list[Pool], resources: dict[str, float]) -> None:
    """Actors that find no room wait without a word, so it is said."""
    for what, unit in (("CPU", "cores"), ("GPU", "GPUs")):
        asked = sum(pool.size * (pool.gpus if what == "GPU" else pool.cpus) for pool in pools)
        there = resources.get(what, 0)
        if asked > there:
            _log.warning("%g %s are asked for and %g are there: the others are waited for.", asked, unit, there)


def _look_around(ray: Any, plan: Plan, is_here: bool) -> tuple[Plan, int]:
    """Return the plan with its backends named. A worker is asked: where this process runs there may be no GPU."""
    if is_here:
        return _look(plan)
    gpus = min(1, ray.cluster_resources().get("GPU", 0))
    found = ray.get(ray.remote(_answer).options(num_cpus=0, num_gpus=gpus).remote(plan))
    if isinstance(found, str):
        raise SoundscapeError(found)
    return found


def _answer(plan: Plan) -> tuple[Plan, int] | str:
    """Ray would wrap an exception; its sentence comes back as it is."""
    try:
        return _look(plan)
    except SoundscapeError as error:
        return str(error)


def _look(plan: Plan) -> tuple[Plan, int]:
    """Return the plan with its backends named, and how many pictures are best given together.

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
    context.execution_no_progress_timeout_s = -1  # half an hour may go by while models are fetched
    context.max_consecutive_actor_init_deaths = INIT_DEATHS
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what it has to say comes as an exception

    out, plan = plan.out, replace(plan, out=Path())  # a UPath does not reach every process whole, its text does
    size = block_size(len(tasks), pools[0].size, together)
    blocks = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    lines = [{"rows": json.dumps([task.row() for task in block])} for block in blocks]
    data = ray.data.from_items(lines, override_num_blocks=len(lines))
    del lines  # of a million pictures they are half a gigabyte
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
    """Return how many pictures an actor gets at a time. Rows come, and work is repeated after a kill, by the block.

    Enough for the models, few enough that all actors end together, and fewer blocks when there are very many pictures.
    """
    for_models = min(together, math.ceil(tasks / actors))
    for_speed = min(BLOCK, tasks // (actors * 50))
    return max(for_models, for_speed, math.ceil(tasks / BLOCKS))


class Worker:
    """One actor: does its stages for the pictures it is given, each batch under a mark."""

    def __init__(self, plan: Plan, out: str, folder: str, stages: tuple[str, ...]) -> None:
        if Path(folder).is_dir():  # where the run was started, for relative paths
            os.chdir(folder)
        plan = replace(plan, out=place(out))
        self._out = plan.out
        self._stages = [stage(plan) for stage in STAGES if stage.name in stages]
        _load_models(plan, stages)

    def __call__(self, blocks: dict[str, Any]) -> dict[str, Any]:
        return {"rows": [json.dumps(self._done(json.loads(line))) for line in blocks["rows"]]}

    def _done(self, rows: list[Row]) -> list[Row]:
        size = max(stage.together for stage in self._stages)
        return [row for start in range(0, len(rows), size) for row in self._carefully(rows[start : start + size])]

    def _carefully(self, rows: list[Row]) -> list[Row]:
        """An exception would end the whole run, so what stages do not tell themselves is told here."""
        try:
            return crashes.carefully(self._out, rows, self._do, self._set_aside)
        except Exception as error:
            _log.exception("%s failed", ", ".join(row["picture"] for row in rows))
            told = str(error) if isinstance(error, SoundscapeError) else f"{type(error).__name__}: {error}"
            return [row if "error" in row else row | {"stage": self._stages[-1].name, "error": told} for row in rows]

    def _do(self, rows: list[Row]) -> list[Row]:
        for stage in self._stages:
            size = stage.together
            rows = [row for start in range(0, len(rows), size) for row in stage(rows[start : start + size])]
        return rows

    def _set_aside(self, row: Row) -> Row:
        return row | {"stage": self._stages[-1].name, "error": crashes.SET_ASIDE}


def _load_models(plan: Plan, stages: tuple[str, ...]) -> None:
    """Load real models now: where that fails, another actor takes the place, and no picture fails of it."""
    if "describe" in stages and not plan.skip_vlm and _is_real(plan.vision):
        backends.load_vision(plan.vision)[1].load()
    if "sound" in stages and _is_real(plan.audio):
        backends.load_audio(plan.audio)[1].load()


# The cluster ----------------------------------------------------------------------------------------------------------


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Give the module `ray`, connected. A cluster of this machine alone ends with the run."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SoundscapeError(f"--ray needs Ray. Run: pip install -r {REQUIREMENTS}") from error
    _keep_quiet(ray)
    if ray.is_initialized():
        yield ray
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address:
        others = [f"/{each.name}" for each in ROOT.iterdir() if each.name not in CODE]
        workers_need = {"working_dir": str(ROOT), "excludes": others, "env_vars": passed_on(os.environ)}
        options |= {"address": address, "runtime_env": workers_need}
    else:
        options |= {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    try:
        _knock(address)
        with _silent_stderr():
            ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        where = f"at {address}" if address else "on this machine"
        hint = "" if "RAY_AUTH_MODE" in os.environ else " If the cluster asks for a token, set RAY_AUTH_MODE=token."
        raise SoundscapeError(f"Ray could not be reached {where}: {error}.{hint if address else ''}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError when nobody listens at HOST:PORT; Ray would try for minutes."""
    host, mark, port = address.rpartition(":")
    if mark and port.isdecimal():
        socket.create_connection((host.rpartition("/")[2].strip("[]"), int(port)), timeout=KNOCK_S).close()


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings and keys that workers on other machines need too."""
    settings = {field.name.upper() for field in fields(Settings)}
    names = [name for name in environment if name in settings or (name.startswith(PASSED_ON) and name not in STAYING)]
    return {name: environment[name] for name in names}


def _keep_quiet(ray: Any) -> None:
    """Ray prints the death of workers on standard output, whatever `log_to_driver` says; there it is in the way."""
    worker = ray._private.worker
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda data, ignore_prefix=False: _log.info("%s", data.get("lines"))


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Ray's core greets on file descriptor 2 when it starts; exceptions come as such."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
