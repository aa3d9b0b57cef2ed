"""The common part of the text-to-audio models: requests, batches, progress, candidates, and checks of the output.

Every stem has its own random generator, and its prompt is encoded separately, so it sounds the same alone and in a
batch. The noise is drawn in float32 on the CPU, so it is the same on every device and in every precision.
"""

import logging
import math
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import prompting
from ...audio import SAMPLE_RATE_HZ, Clip, Samples, fit_length, resample
from ...errors import SoundscapeError
from ...settings import read_settings
from ...soundscape import Soundscape, Source
from .. import OnStep, SoundOptions, loading_of, memory
from ..download import MODEL_FILES, fetch
from ..faults import errors_in_words
from ..loading import loading_bars
from ..weights import Weights, pretrained_arguments
from .clap import Clap
from .family import Call, Job, Loaded, Progress
from .offer import CONFIG, Offer

if TYPE_CHECKING:
    import torch

MAX_STEPS, MAX_GUIDANCE, MAX_CANDIDATES = 1000, 30.0, 8
MAX_BATCH = 16  # more gains nothing: the GPU is fully used long before
KEPT_TEXTS = 64  # encoded texts in the cache; each takes less than 1 MB
CLIPPED = 0.999  # of the highest peak: clipped sounds stay above this level, others only touch it
CLIPPED_SHARE = 0.002  # of all samples; less is inaudible

_log = logging.getLogger(__name__)


class TextToAudio(Offer, ABC):
    """A diffusion model that turns captions into sound. Subclasses define how to load, encode, denoise and decode."""

    sample_rate = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        self._settings = read_settings()
        self._weights = self.weights(self._settings)
        self.family = self.family_of(self._weights)
        self._tokenizing = threading.Lock()

    @property
    def max_duration_s(self) -> float:
        return self.family.max_duration_s

    @property
    def can_redo(self) -> bool:
        return self.family.can_redo

    # Requests --------------------------------------------------------------------------------------------------------

    def request(self, soundscape: Soundscape, source: Source, options: SoundOptions) -> dict[str, Any]:
        """Return everything that determines the sound of a source, except duration and seed, as JSON data."""
        steps = self.family.steps if options.steps is None else options.steps
        _check_range("The number of steps", steps, 1, MAX_STEPS)
        guidance = self.family.guidance if options.guidance is None else options.guidance
        _check_range("The guidance", guidance, 0.0, MAX_GUIDANCE)
        _check_range("The number of candidates", options.candidates, 1, MAX_CANDIDATES)
        prompt = self._prompt(soundscape, source, options)
        negative = self._negative(prompt.text, guidance, options)
        request = {
            "model": self._weights.name,
            "revision": self._weights.mark,
            "prompt": prompt.text,
            "negative_prompt": negative.text,
            "left_out": list(prompt.left_out + negative.left_out),
            "steps": steps,
            "guidance": guidance,
            "scheduler": self.scheduler(steps),
            "precision": self._precision(options.precision),
            "candidates": options.candidates,
        }
        if options.candidates > 1:
            request["ranked_by"] = Clap.weights(self._settings).name
        if self.can_redo and 0 in options.redo:
            request["redo"] = list(options.redo[0])
        return request

    def scheduler(self, steps: int) -> str:
        """Return the name of the scheduler for this number of steps."""
        return "of the checkpoint"

    def _prompt(self, soundscape: Soundscape, source: Source, options: SoundOptions) -> prompting.Prompt:
        own = " ".join(options.prompts.get(0, "").split())
        if own:
            return prompting.shorten(own, self._fits)
        return prompting.compile_prompt(self.family.name, source, soundscape.space, fits=self._fits)

    def _negative(self, prompt: str, guidance: float, options: SoundOptions) -> prompting.Prompt:
        if guidance <= 1:  # without guidance, the model ignores it
            return prompting.Prompt("")
        wanted = options.negative_prompt
        text = prompting.negative_prompt(prompt) if wanted is None else " ".join(wanted.split())
        return prompting.shorten(text, self._fits)

    def _fits(self, text: str) -> bool:
        limit: int = min(self.family.max_tokens, self._tokenizer.model_max_length)
        with self._tokenizing:  # tokenizers are not thread-safe
            return len(self._tokenizer(text).input_ids) <= limit

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        with errors_in_words(self._weights):
            return AutoTokenizer.from_pretrained(self._tokenizer_folder(), local_files_only=True)

    def _tokenizer_folder(self) -> Path:
        """Return the folder of the tokenizer. Missing files are downloaded."""
        return fetch(self._weights, self._settings, files=("tokenizer/*",), config=CONFIG) / "tokenizer"

    @cached_property
    def _placement(self) -> memory.Placement:
        return memory.placement(self._settings)

    def _precision(self, wanted: str) -> str:
        return memory.precision(self._placement.device, wanted, half=self.family.half)

    # Sound -----------------------------------------------------------------------------------------------------------

    def fetch(self, on_step: OnStep | None = None) -> Path:
        """Return the folder of the weights. Missing files are downloaded first; `on_step` reports megabytes."""
        ignored = ("model.safetensors",)  # the same weights in another layout, at the root
        files = (*MODEL_FILES, "*.model")
        with errors_in_words(self._weights):
            return fetch(self._weights, self._settings, files=files, ignore=ignored, config=CONFIG, on_step=on_step)

    def load(self, on_step: OnStep | None = None) -> None:
        """Load tokenizer and weights now instead of in the first job."""
        _ = self._tokenizer
        with self._lent(self._precision(""), on_step):
            pass

    def synthesize(
        self,
        soundscape: Soundscape,
        sources: tuple[Source, ...],
        *,
        duration_s: float,
        seeds: tuple[int, ...],
        on_step: OnStep | None = None,
        options: SoundOptions | None = None,
    ) -> list[Clip]:
        """Return one clip per source. `on_step` counts the inference steps of all clips together.

        Raises SoundscapeError if memory is too small or the model makes no valid sound, and any exception that
        `on_step` raises.
        """
        options = options or SoundOptions()
        requests = [self.request(soundscape, source, options.only(place)) for place, source in enumerate(sources)]
        return self.render(requests, duration_s=duration_s, seeds=seeds, on_step=on_step)

    def render(
        self,
        requests: Sequence[dict[str, Any]],
        *,
        duration_s: float,
        seeds: Sequence[int],
        on_step: OnStep | None = None,
    ) -> list[Clip]:
        """Return one clip per request. The requests may be of several soundscapes but must have the same options."""
        call = _call(requests[0], duration_s)
        count = requests[0]["candidates"]
        if count > 1:
            clap = Clap(self._settings)
            clap.check()
            clap.fetch(loading_of(on_step))  # before minutes of work, which a failing download would waste
        jobs = [
            Job(request["prompt"], (seed + number) % 2**63, request["negative_prompt"], request.get("redo"))
            for request, seed in zip(requests, seeds, strict=True)
            for number in range(count)
        ]
        clips = self._made(jobs, call, on_step or _ignore)
        groups = [clips[place * count : (place + 1) * count] for place in range(len(requests))]
        return [self._finished(request, group) for request, group in zip(requests, groups)]

    def _made(self, jobs: Sequence[Job], call: Call, on_step: OnStep) -> list[Clip]:
        made = self._attempt(jobs, call, Progress(on_step, len(jobs), call.steps))
        broken = [place for place, clip in enumerate(made) if clip is None]
        if broken and call.precision != "float32":
            _log.warning("%s: %d clips were not finite in %s", self.family.name, len(broken), call.precision)
            exact = replace(call, precision="float32")
            progress = Progress(on_step, len(broken), call.steps)
            note = f"Made in float32, because the numbers overflowed in {call.precision}."
            for place, clip in zip(broken, self._attempt([jobs[place] for place in broken], exact, progress)):
                made[place] = clip and _with_notes(clip, note)
        whole = [clip for clip in made if clip is not None]
        if len(whole) < len(made):
            raise SoundscapeError(
                f"{self.family.title} made no valid sound, because its numbers overflowed even in float32. Change the "
                "prompt, lower the guidance, or check that the weights are complete."
            )
        return whole

    def _attempt(self, jobs: Sequence[Job], call: Call, progress: Progress) -> list[Clip | None]:
        progress.begin(0)  # lets the user stop before the weights are loaded
        with self._lent(call.precision, progress.on_step) as loaded:
            size = self._batch_size(call, loaded.placement.device)
            made: dict[int, Clip | None] = {}
            for negative in dict.fromkeys(job.negative_prompt for job in jobs):  # most captions have the same one
                places = [place for place, job in enumerate(jobs) if job.negative_prompt == negative]
                own = replace(call, negative_prompt=negative)
                run = partial(self._batch, loaded, call=own, progress=progress)
                clips = memory.in_batches([jobs[place] for place in places], size, run, keep=self.family.name)
                made |= zip(places, clips, strict=True)
            return [made[place] for place in range(len(jobs))]

    def _batch(self, loaded: Loaded, jobs: Sequence[Job], *, call: Call, progress: Progress) -> list[Clip | None]:
        import torch

        progress.begin(len(jobs))
        with torch.no_grad():
            prompts = [self._encoded(loaded, job.prompt) for job in jobs]
            negative = self._encoded(loaded, call.negative_prompt) if call.guidance > 1 else None
            generators = [torch.Generator("cpu").manual_seed(job.seed) for job in jobs]
            noise = self._noise(loaded, generators, call)
            call = replace(call, redo=tuple(job.redo for job in jobs))
            latents = self.denoise(loaded.pipe, prompts, negative, noise, generators, call, progress.step)
            # One at a time: the decoder needs far more memory than the denoiser and gains nothing from batches.
            clips = [self._decoded(loaded, latents[place : place + 1], call) for place in range(len(jobs))]
        loaded.pipe.maybe_free_model_hooks()
        progress.end()
        return clips

    def _encoded(self, loaded: Loaded, text: str) -> dict[str, "torch.Tensor"]:
        """Return the encoded text, from a cache: texts recur, above all the negative prompt."""
        if text not in loaded.texts:
            if len(loaded.texts) >= KEPT_TEXTS:
                loaded.texts.clear()
            loaded.texts[text] = self.encode(loaded.pipe, text)
        return loaded.texts[text]

    def _noise(self, loaded: Loaded, generators: Sequence["torch.Generator"], call: Call) -> "torch.Tensor":
        import torch

        shape = self.latent_shape(loaded.pipe, call)
        noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        return noise.to(loaded.pipe._execution_device, getattr(torch, call.precision))

    def _decoded(self, loaded: Loaded, latent: "torch.Tensor", call: Call) -> Clip | None:
        """Return one clip at our sample rate, or None if it contains values that are not finite."""
        if not latent.isfinite().all():
            return None
        samples, sample_rate = self.decode(loaded.pipe, latent, call)
        if not np.isfinite(samples).all():
            return None
        clip = resample(Clip(np.ascontiguousarray(samples, dtype=np.float32), sample_rate), self.sample_rate)
        samples = fit_length(clip.samples, round(call.duration_s * self.sample_rate))
        notes = (loaded.placement.reason, _clipping(samples))
        return Clip(samples, self.sample_rate, notes=tuple(filter(None, notes)))

    def _finished(self, request: dict[str, Any], candidates: list[Clip]) -> Clip:
        clip, notes = candidates[0], []
        if len(candidates) > 1:
            scores = Clap(self._settings).scores(request["prompt"], candidates)
            best = int(np.argmax(scores))
            listed = ", ".join(f"{score:.3f}" for score in scores)
            notes.append(f"Candidate {best + 1} of {len(scores)} fits the prompt best (CLAP scores: {listed}).")
            clip = candidates[best]
        if request["left_out"]:
            left_out = "; ".join(request["left_out"])
            notes.append(f"The prompt is too long for the model, so this was left out: {left_out}.")
        return _with_notes(clip, *notes)

    # Loading ---------------------------------------------------------------------------------------------------------

    def _lent(self, precision: str, on_step: OnStep | None = None) -> AbstractContextManager[Loaded]:
        return memory.resident(
            self.family.name,
            partial(self._load, precision, on_step),
            variant=f"{self._weights} {precision}",
            device=self._placement.device,
            needed_gb=self._weights_gb(precision) + self.family.stem_gb,
        )

    def _load(self, precision: str, on_step: OnStep | None) -> Loaded:
        import torch

        with errors_in_words(self._weights), loading_bars(on_step):
            folder = self.fetch(loading_of(on_step))
            local = pretrained_arguments(Weights(str(folder)), self._settings)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of torch, about layers of these models
                pipe = self.open(folder, local | {"dtype": getattr(torch, precision)})
        pipe.set_progress_bar_config(disable=True)
        if self._placement.offload:
            pipe.enable_model_cpu_offload(device=self._placement.device)
        else:
            pipe.to(self._placement.device)
        return Loaded(pipe, self._placement)

    def _weights_gb(self, precision: str) -> float:
        return self.family.memory_gb * (2 if precision == "float32" else 1)

    def _batch_size(self, call: Call, device: str) -> int:
        stem_gb = self.family.stem_gb * max(1.0, call.duration_s / 10) * (2 if call.precision == "float32" else 1)
        return min(MAX_BATCH, max(1, math.floor(memory.free_gb(device) / stem_gb)))

    # To be defined by each model -------------------------------------------------------------------------------------

    @abstractmethod
    def open(self, folder: Path, arguments: dict[str, Any]) -> Any:
        """Return the diffusers pipeline in the folder."""

    @abstractmethod
    def encode(self, pipe: Any, text: str) -> dict[str, "torch.Tensor"]:
        """Return the conditioning of one text under the names that `denoise` uses. The first axis has length 1."""

    @abstractmethod
    def latent_shape(self, pipe: Any, call: Call) -> tuple[int, ...]:
        """Return the shape of the latent of one clip."""

    @abstractmethod
    def denoise(
        self,
        pipe: Any,
        prompts: list[dict[str, "torch.Tensor"]],
        negative: dict[str, "torch.Tensor"] | None,
        noise: "torch.Tensor",
        generators: list["torch.Generator"],
        call: Call,
        on_step: Callable[[int], None],
    ) -> "torch.Tensor":
        """Return the latents, shape (clips, *latent shape). Call `on_step(index)` after each step."""

    @abstractmethod
    def decode(self, pipe: Any, latent: "torch.Tensor", call: Call) -> tuple[Samples, int]:
        """Return samples, shape (channels, samples), of a latent, shape (1, *latent shape), and their sample rate."""


def _call(request: dict[str, Any], duration_s: float) -> Call:
    shared = {name: request[name] for name in ("steps", "guidance", "negative_prompt", "precision")}
    return Call(duration_s=duration_s, **shared)


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # true for NaN
        raise SoundscapeError(f"{what} must be between {low:g} and {high:g}, not {value:g}.")


def _with_notes(clip: Clip, *notes: str) -> Clip:
    return replace(clip, notes=clip.notes + notes)


def _clipping(samples: Samples) -> str:
    level = np.abs(samples)
    share = float(np.mean(level >= CLIPPED * level.max())) if level.any() else 0.0
    return f"The sound is clipped: {share:.1%} of it is at the highest level." if share > CLIPPED_SHARE else ""


def _ignore(done: int, total: int) -> None:
    """Ignore progress."""
