"""Peaks of GPU memory: pairs of models in one process, small cards, and parts kept in main memory."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image

from pipeline.backends import memory
from pipeline.backends.audio.diffusion import TextToAudio
from pipeline.backends.audio.family import Call, Job, Progress
from pipeline.backends.vision import qwen_vl
from pipeline.errors import SoundscapeError
from pipeline.picture import MAX_SIDE_PX

from .. import full_size
from . import models
from .report import Machine, Row

STEMS = 5
STEPS = 2  # the peak is the same for any number of steps
TOKENS = 16  # the cache grows by 57 kB per token of Qwen2.5-VL 7B, 0.06 GB for a whole answer
SMALL_CARDS_GB = (24.0, 16.0)
OFFLOAD_GB = 8.0  # a card below OFFLOAD_BELOW_GB


def pairs(machine: Machine) -> Iterator[Row]:
    """Describe a picture and make five stems in one process, on the whole card and on smaller ones."""
    yield from _describing(machine, "")
    for sound in (models.AUDIOLDM2, models.STABLE_AUDIO_OPEN):
        yield from _sounding(machine, sound, "")
        memory.forget(sound.kind.family.name)
    for limit_gb in SMALL_CARDS_GB:
        memory.forget_others()
        where = f", card limited to {limit_gb:.0f} GB"
        with models.small_card(machine, limit_gb):
            yield from _describing(machine, where)
            yield from _sounding(machine, models.AUDIOLDM2, where)


def offload(machine: Machine) -> Iterator[Row]:
    """Make five stems with only the active part of the model on the GPU."""
    for sound in (models.AUDIOLDM2, models.STABLE_AUDIO_OPEN, models.STABLE_AUDIO_3_SMALL):
        memory.forget_others()
        with patch.object(memory, "memory_gb", lambda device: OFFLOAD_GB):
            backend = sound.backend(machine, STABLE_AUDIO_CANVAS="full")
            yield _measured(machine, f"{backend.family.title}: load", backend.load)
            yield _measured(
                machine, f"{backend.family.title}: {STEMS} stems", lambda backend=backend: _stems(machine, backend)
            )


def _describing(machine: Machine, where: str) -> Iterator[Row]:
    qwen = models.qwen(machine, full_size.QWEN2_5_VL)
    picture = Image.effect_noise((MAX_SIDE_PX, MAX_SIDE_PX * 3 // 4), 80).convert("RGB")
    yield _measured(machine, f"Qwen2.5-VL 7B: load{where}", qwen.load)
    with patch.object(qwen_vl, "MAX_NEW_TOKENS", TOKENS):
        yield _measured(machine, f"Qwen2.5-VL 7B: one picture{where}", lambda: qwen.describe_batch([picture]))


def _sounding(machine: Machine, sound: models.Sound, where: str) -> Iterator[Row]:
    backend = sound.backend(machine, STABLE_AUDIO_CANVAS="full")
    title = backend.family.title
    yield _measured(machine, f"+ {title}: load{where}", backend.load)
    yield _measured(machine, f"+ {title}: {STEMS} stems{where}", lambda: _stems(machine, backend))


def _stems(machine: Machine, backend: TextToAudio) -> None:
    precision = backend._precision("")
    negative = "music" if backend.family.guidance > 1 else ""
    call = Call(machine.duration_s, STEPS, backend.family.guidance, negative, precision)
    jobs = [Job("Rain falling on a tin roof", place, negative) for place in range(STEMS)]
    backend._attempt(jobs, call, Progress(lambda done, total: None, STEMS, STEPS))


def _measured(machine: Machine, what: str, action: Callable[[], Any]) -> Row:
    if machine.device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    with _warnings() as seen:
        try:
            action()
        except SoundscapeError as error:
            seen.append(f"refused: {error}")
    taken_s = time.perf_counter() - start
    peak = f"{torch.cuda.max_memory_allocated() / 1e9:.2f}" if machine.device == "cuda" else "–"
    resident = ", ".join(memory._residents) or "nothing"
    return Row((what, peak, f"{taken_s:.1f}", "; ".join([*seen, f"in memory: {resident}"])))


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what the memory management reports, such as a batch that was halved."""
    seen: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage()[:80])

    log, collector = logging.getLogger(memory.__name__), Collector(logging.INFO)
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(collector)
    try:
        yield seen
    finally:
        log.removeHandler(collector)
        log.setLevel(level)
