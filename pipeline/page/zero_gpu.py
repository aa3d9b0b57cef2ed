"""ZeroGPU: which jobs need a GPU, how many seconds of it they ask for, and what happens before a call.

ZeroGPU lends a GPU for each call and counts the seconds against the visitor's daily quota. It refuses a call at once if
it asks for more than is allowed, so each estimate is that of the chosen models.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SoundscapeError
from ..settings import on_zero_gpu, read_settings

if TYPE_CHECKING:
    from ..job import Job

STARTING_S = 3  # a forked process and its CUDA context
MEASURING_S = 30  # loading CLAP and CLIP, then scoring the mix and eight stems
PE_AV_S = 30  # more, if PE-AV scores too
RANKING_S = 10  # loading CLAP, then ranking the candidates of all sources
UNKNOWN_S = 60  # of a model that does not state its work
MOST_SOURCES = 8  # in a description that is not made yet
LIMIT_S = 120  # the daily quota of a visitor without an account


def models_of(job: "Job", *, only_look: bool) -> list[str]:
    """Return the models of the job that need a GPU of ZeroGPU. The embedded pair does not, and so uses up no quota."""
    from .. import backends

    names = [] if job.soundscape else [job.vision or backends.default_vision()]
    names += [] if only_look else [job.audio or backends.default_audio()]
    known = backends.VISION | backends.AUDIO
    return [name for name in names if on_zero_gpu() and name in known and backends.card(name).device == "cuda"]


def prepare(job: "Job", names: list[str], on_step: Callable[[int, int], None]) -> None:
    """Download what the models still need, before GPU time counts. `on_step` reports megabytes.

    Raises SoundscapeError if a model cannot run here, or if the job asks for too much.
    """
    from .. import backends

    limit_s = limit()
    asked_s = needed_s(job, names)
    if asked_s > limit_s:
        raise SoundscapeError(
            f"This asks for {asked_s:.0f} s of GPU time; a visitor has at most {limit_s:.0f} s. Choose fewer steps, "
            "fewer candidates, fewer sounds, a shorter duration or another model."
        )
    for name in names:
        backends.check(name)
    for name in names:
        if not _is_packed(job, name):
            backends.fetch(name, on_step)
    if _ranks(job, names):
        from ..backends.audio.clap import Clap

        Clap(read_settings()).fetch(on_step)


def gpu_seconds(job: "Job | None", folder: Path | None, *_: Any) -> int:
    """Return the duration to declare to `spaces`. The parameters are those of `work` in app.py."""
    asked_s = needed_s(job, models_of(job, only_look=folder is None)) if job else _measuring_s()
    return max(1, math.ceil(min(asked_s, limit()) / _declared_times()))


def needed_s(job: "Job", names: list[str]) -> float:
    """Return an upper bound of the seconds that these models need for the job, with moving their weights to the GPU."""
    return math.ceil(STARTING_S + sum(_seconds(job, names)) + (RANKING_S if _ranks(job, names) else 0))


def limit() -> float:
    """Return the most seconds that one call may ask for: the setting GPU_LIMIT_S, or else `LIMIT_S`."""
    text = read_settings().gpu_limit_s
    limit_s = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    return limit_s or LIMIT_S


def _seconds(job: "Job", names: list[str]) -> Iterator[float]:
    from .. import backends
    from ..backends.machine import gpu
    from ..backends.work import computing_s, moving_s

    sources = sum(not each.mute for each in job.soundscape.sources) if job.soundscape else MOST_SOURCES
    sizes = {
        "clips": sources * job.options.candidates,
        "duration_s": job.duration_s,
        "steps": job.options.steps,
        "guidance": job.options.guidance,
    }
    for name in names:
        is_audio = name in backends.AUDIO
        work = backends.work_of(name, **(sizes if is_audio else {}))
        if work is None:
            yield UNKNOWN_S
            continue
        precision = job.options.precision if is_audio else ""
        yield computing_s(work, gpu(), is_float32=precision == "float32")
        yield moving_s(work, is_packed=_is_packed(job, name))


def _is_packed(job: "Job", name: str) -> bool:
    """Return True if the model was loaded at start in the precision of the job.

    The files of such a model may be gone, because ZeroGPU deletes what it has packed.
    """
    from .. import backends

    return backends.is_loaded_at_start(name) and not (name in backends.AUDIO and job.options.precision)


def _ranks(job: "Job", names: list[str]) -> bool:
    """Return True if CLAP ranks the candidates of the job on the GPU."""
    from .. import backends

    return job.options.candidates > 1 and any(name in backends.AUDIO for name in names)


def _measuring_s() -> float:
    return MEASURING_S + (PE_AV_S if read_settings().pe_av_model else 0)


def _declared_times() -> float:
    """Return the factor by which `spaces` multiplies a declared duration on the card of this Space."""
    from spaces.zero import config

    return float(config.get_config()["duration_factor"])
