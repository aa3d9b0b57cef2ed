"""The time of the text-to-audio models: the loop of diffusers against ours, and what other choices would gain."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from pipeline import prompting
from pipeline.backends.audio.diffusion import TextToAudio
from pipeline.backends.audio.family import Call, Job, Loaded, Progress
from pipeline.settings import read_settings

from . import models
from .bench import graphed, loop_seconds, operations, seconds
from .report import Goal, Machine, Row, share

TIMED_STEPS, TINY_STEPS = 10, 3
PLAIN_STEPS = 200  # of AudioLDM 2 in its model card
# 8.44 TFLOP per stem of 10 s (42.19 for five, tests/benchmarks/work.txt: texts, 20 denoising steps with guidance,
# decoder and vocoder) at 780 TFLOP/s, which a large half-precision matrix product reaches on an H100. Its data sheet
# says 989 TFLOP/s, which would give 8.5 ms.
LIMIT_MS = 10.8
PROMPTS = ("Rain falling on a tin roof", "A river rushing over stones in a forest, close", "Wind blowing in pines")


@dataclass(frozen=True)
class Stems:
    """Stems of one loaded model, made in one batch."""

    machine: Machine
    backend: TextToAudio
    loaded: Loaded
    count: int
    precision: str

    @cached_property
    def jobs(self) -> list[Job]:
        negative = self.call(1).negative_prompt
        return [Job(f"{PROMPTS[place % len(PROMPTS)]}, {place}", place, negative) for place in range(self.count)]

    def call(self, steps: int) -> Call:
        guidance = self.backend.family.guidance
        negative = prompting.negative_prompt() if guidance > 1 else ""
        return Call(self.machine.duration_s, steps, guidance, negative, self.precision)

    def run(self, steps: int, on_step: Callable[[int], None] = lambda index: None) -> torch.Tensor:
        """Denoise the stems with the code of the backend and return their latents. Texts are encoded once."""
        call = self.call(steps)
        with torch.no_grad():
            prompts = [self.backend._encoded(self.loaded, job.prompt) for job in self.jobs]
            negative = self.backend._encoded(self.loaded, call.negative_prompt) if call.guidance > 1 else None
            generators = [torch.Generator("cpu").manual_seed(job.seed) for job in self.jobs]
            noise = self.backend._noise(self.loaded, generators, call)
            return self.backend.denoise(self.loaded.pipe, prompts, negative, noise, generators, call, on_step)

    def plain(self, steps: int, on_step: Callable[[int], None]) -> Any:
        """Denoise the first stem as in the model card, texts included."""
        return self.loaded.pipe(
            self.jobs[0].prompt,
            negative_prompt=self.call(steps).negative_prompt,
            audio_length_in_s=self.machine.duration_s,
            num_inference_steps=steps,
            guidance_scale=self.backend.family.guidance,
            max_new_tokens=8,
            callback=lambda index, timestep, latents: on_step(index),
            output_type="latent",
        )

    def loop(self, run: Callable[[int, Callable[[int], None]], Any], steps: int, timed: int = TIMED_STEPS) -> float:
        """Return the seconds of a loop, extrapolated from `timed` steps. 0 times all of them."""
        timed = TINY_STEPS if self.machine.is_tiny else timed or steps
        return loop_seconds(self.machine, lambda on_step: run(steps, on_step), steps, timed)

    def decoding(self) -> float:
        """Return the seconds that decoding takes."""
        call = self.call(2)
        latents = self.run(2)

        def decode() -> None:
            for place in range(self.count):
                self.backend._decoded(self.loaded, latents[place : place + 1], call)

        with torch.no_grad():
            return seconds(self.machine, decode)

    def whole(self, steps: int) -> float:
        """Return the seconds of a call of the app: cached texts, noise, denoising, decoding, resampling."""
        steps = TINY_STEPS if self.machine.is_tiny else steps
        progress = Progress(lambda done, total: None, self.count, steps)
        call = self.call(steps)
        return seconds(self.machine, lambda: self.backend._batch(self.loaded, self.jobs, call=call, progress=progress))

    def step_operations(self) -> float:
        """Return the floating-point operations of one step of all stems."""
        self.run(2)  # encodes the texts
        return operations(lambda: self.run(2)) / 2


def audioldm2(machine: Machine) -> Iterator[Row | Goal]:
    """Time the ladder of optimisations of AudioLDM 2, for one stem and for eight."""
    backend, half = models.AUDIOLDM2.backend(machine), machine.half
    default = backend.family.steps
    with backend._lent("float32") as loaded:
        exact = Stems(machine, backend, loaded, 1, "float32")
        plain_s = exact.loop(exact.plain, PLAIN_STEPS)
    del exact, loaded  # frees the memory before half precision is loaded
    with backend._lent(half) as loaded:
        one = Stems(machine, backend, loaded, 1, half)
        half_s = one.loop(one.plain, PLAIN_STEPS)
        step_flop = one.step_operations()
        peak = machine.flops.get(half, 0.0)
        for count in (1, 8):
            stems = Stems(machine, backend, loaded, count, half)

            def row(what: str, taken_s: float, steps: int, peak: float = peak, count: int = count) -> Row:
                limit_s = count * steps * step_flop / peak if peak else 0.0
                name = f"{count} stem{'s' * (count > 1)}: {what}"
                return Row(
                    (name, f"{1000 * taken_s:,.1f}", f"{count * plain_s / taken_s:.2f}", _part(limit_s, taken_s))
                )

            exact_peak = machine.flops.get("float32", 0.0)
            yield row(f"plain loop, float32, {PLAIN_STEPS} steps, one by one", count * plain_s, PLAIN_STEPS, exact_peak)
            yield row(f"the same in {half}", count * half_s, PLAIN_STEPS)
            if count > 1:
                yield row("+ one batch", stems.loop(stems.run, PLAIN_STEPS), PLAIN_STEPS)
            batch_s = stems.loop(stems.run, default, timed=0)
            yield row(f"+ {default} steps of DPM-Solver++", batch_s, default)
            yield from _whole(stems, default, count * LIMIT_MS / 1000)
            if count > 1:
                yield Goal(
                    f"{count} stems in one batch against the plain loop", count * plain_s / batch_s, 20, " times"
                )
                reached = 100 * count * default * step_flop / peak / batch_s if peak else math.nan
                yield Goal(f"{count} stems in one batch, share of the limit", reached, 30, " %")
        for count in (1, 8):  # last, because it is the most likely to fail
            stems = Stems(machine, backend, loaded, count, half)
            with graphed(loaded.pipe.unet, machine):
                yield row("+ CUDA graph", stems.loop(stems.run, default, timed=0), default, count=count)


def stable_audio_open(machine: Machine) -> Iterator[Row]:
    """Time Stable Audio Open on the full canvas and on the fitted one."""
    first_s = 0.0
    for canvas in ("full", "fitted"):
        backend = models.STABLE_AUDIO_OPEN.backend(machine, STABLE_AUDIO_CANVAS=canvas)
        with backend._lent(machine.half) as loaded:
            for count in (1, 4):
                stems = Stems(machine, backend, loaded, count, machine.half)
                steps = backend.family.steps
                taken_s = stems.loop(stems.run, steps)
                first_s = first_s or taken_s
                yield _row(stems, f"{canvas} canvas, {steps} steps", taken_s, count * first_s / taken_s, steps)
            with _tables_on(machine.device):
                taken_s = stems.loop(stems.run, steps)
            yield _row(stems, "+ rotary tables on the GPU", taken_s, count * first_s / taken_s, steps)
            yield Row((f"{canvas} canvas: decoding 4 stems", f"{1000 * stems.decoding():,.1f}", "", ""))


@contextmanager
def _tables_on(device: str) -> Iterator[None]:
    """Keep the rotary tables on the device. diffusers leaves them on the CPU and copies them in every layer."""
    from diffusers.pipelines.stable_audio import pipeline_stable_audio as pipeline

    build = pipeline.get_1d_rotary_pos_embed

    def moved(*arguments: Any, **named: Any) -> tuple[torch.Tensor, ...]:
        return tuple(each.to(device) for each in build(*arguments, **named))

    with patch.object(pipeline, "get_1d_rotary_pos_embed", moved):
        yield


def stable_audio_3(machine: Machine) -> Iterator[Row]:
    """Time Stable Audio 3 small."""
    backend = models.STABLE_AUDIO_3_SMALL.backend(machine)
    first_s = 0.0
    with backend._lent("bfloat16") as loaded:
        for count in (1, 4):
            stems = Stems(machine, backend, loaded, count, "bfloat16")
            steps = backend.family.steps
            taken_s = stems.loop(stems.run, steps, timed=0)
            first_s = first_s or taken_s
            yield _row(stems, f"{steps} steps", taken_s, count * first_s / taken_s, steps)
        yield from _whole(stems, backend.family.steps, 0.0)


def _row(stems: Stems, what: str, taken_s: float, ratio: float, steps: int) -> Row:
    peak = stems.machine.flops.get(stems.precision, 0.0)
    limit_s = steps * stems.step_operations() / peak if peak else 0.0
    name = f"{stems.count} stem{'s' * (stems.count > 1)}: {what}"
    return Row((name, f"{1000 * taken_s:,.1f}", f"{ratio:.2f}", _part(limit_s, taken_s)))


def _whole(stems: Stems, steps: int, limit_s: float) -> Iterator[Row]:
    """Yield the time of a whole call, and the rate at which it does the work that the backend states."""
    taken_s = stems.whole(steps)
    name = f"{stems.count} stem{'s' * (stems.count > 1)}"
    yield Row((f"{name}: whole call, decoded", f"{1000 * taken_s:,.1f}", "", _part(limit_s, taken_s)))
    stated = getattr(stems.backend, "work", None)
    if stated:
        work = stated(read_settings(), clips=stems.count, duration_s=stems.machine.duration_s, steps=steps)
        yield Row((f"{name}: TFLOP/s of the work that the backend states", f"{work.tflop / taken_s:,.1f}", "", ""))


def _part(limit_s: float, taken_s: float) -> str:
    return share(limit_s, taken_s) if limit_s else "–"


# Numbers that are finite and equal -----------------------------------------------------------------------------------


def finite(machine: Machine) -> Iterator[Row]:
    """Denoise and decode one stem in both half precisions."""
    sounds = models.AUDIOLDM2, models.STABLE_AUDIO_OPEN, models.STABLE_AUDIO_3_SMALL
    for sound in sounds:
        backend = sound.backend(machine, STABLE_AUDIO_CANVAS="fitted")
        answers = []
        for precision in ("float16", "bfloat16"):
            try:
                made = _made(machine, backend, 1, min(backend.family.steps, 20), precision)
            except Exception as error:  # the other models must be tried too
                answers.append(f"{type(error).__name__}: {str(error)[:80]}")
            else:
                answers.append("finite" if made[0] is not None else "not finite")
        yield Row((backend.family.title, *answers))


def batches(machine: Machine) -> Iterator[Row]:
    """Compare one seed alone with the same seed in a batch of five, and with itself."""
    for sound in (models.AUDIOLDM2, models.STABLE_AUDIO_OPEN):
        backend = sound.backend(machine, STABLE_AUDIO_CANVAS="fitted")
        steps = min(backend.family.steps, 20)
        alone, again, batch = (_made(machine, backend, count, steps, machine.half)[0] for count in (1, 1, 5))
        if alone is None or again is None or batch is None:
            yield Row((backend.family.title, "not finite", ""))
            continue
        first, second, third = alone.samples, again.samples, batch.samples
        same = "equal to the bit" if np.array_equal(first, second) else _difference(first, second)
        yield Row((backend.family.title, _difference(first, third), same))


def _made(machine: Machine, backend: TextToAudio, count: int, steps: int, precision: str) -> Sequence[Any]:
    """Return clips, or None in place of those that are not finite."""
    negative = prompting.negative_prompt() if backend.family.guidance > 1 else ""
    steps = TINY_STEPS if machine.is_tiny else steps
    call = Call(machine.duration_s, steps, backend.family.guidance, negative, precision)
    jobs = [Job(PROMPTS[place % len(PROMPTS)], place, negative) for place in range(count)]
    return backend._attempt(jobs, call, Progress(lambda done, total: None, count, steps))


def _difference(first: np.ndarray, other: np.ndarray) -> str:
    """Return the level of the difference relative to the first."""
    level = float(np.square(first - other).sum() / max(np.square(first).sum(), 1e-30))
    return f"{10 * math.log10(level):.0f} dB" if level else "none"
