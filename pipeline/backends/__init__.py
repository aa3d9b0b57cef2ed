"""The models that see and the models that sound, by name.

A new model is one file in vision/ or audio/ and one line in a registry below. Importing such a file must be cheap:
torch and its like are imported where they are first needed.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from PIL import Image

from ..audio import Clip
from ..errors import SoundscapeError, did_you_mean
from ..settings import Settings, accelerator, read_settings
from ..soundscape import Soundscape, Source

OnStep = Callable[[int, int], None]  # (done, total); raises Cancelled to stop between two steps

# Best first: unless the person chooses, the first that can run at a bearable speed is taken.
VISION = {
    "qwen2.5-vl": "pipeline.backends.vision.qwen_vl:QwenVL",
    "blip": "pipeline.backends.vision.blip:Blip",
    "tagger": "pipeline.backends.vision.tagger:Tagger",
}
AUDIO = {
    "audioldm2": "pipeline.backends.audio.audioldm2:AudioLDM2",
    "stable-audio-open": "pipeline.backends.audio.stable_audio_open:StableAudioOpen",
    "stable-audio-3": "pipeline.backends.audio.stable_audio_3:StableAudio3",
    "procedural": "pipeline.backends.audio.procedural:Procedural",
}
EMBEDDED = ("tagger", "procedural")


@dataclass(frozen=True)
class Card:
    """What a person wants to know of a backend before choosing it."""

    title: str
    model: str  # id of the repository, folder, or the package that carries it
    licence: str
    revision: str = ""
    download_gb: float = 0.0
    device: str = "cpu"
    reason: str = ""  # why it cannot run here, and what to do; empty when it can
    note: str = ""  # what to expect when it is chosen here


@dataclass(frozen=True)
class SoundOptions:
    """Advanced wishes for a text-to-audio model; None and empty leave the backend's own default."""

    steps: int | None = None  # of denoising
    guidance: float | None = None  # classifier-free guidance scale
    negative_prompt: str | None = None
    candidates: int = 1  # made for each source; the one that fits the words best is kept
    precision: str = ""  # float32 | float16 | bfloat16
    prompts: dict[int, str] = field(default_factory=dict)  # place of the source -> prompt to use instead of ours

    def only(self, *places: int) -> "SoundOptions":
        """Return the options for these sources alone, which then stand at 0, 1, 2 ..."""
        prompts = {new: self.prompts[old] for new, old in enumerate(places) if old in self.prompts}
        return replace(self, prompts=prompts)


class VisionBackend(Protocol):
    """Sees a picture and writes what would be heard in it.

    One that can look at several at once also has `describe_batch(pictures, *, on_step) -> list[Outcome]`.
    """

    def describe(self, picture: Image.Image, *, on_step: OnStep | None = None) -> Soundscape: ...

    @classmethod
    def card(cls, settings: Settings) -> Card: ...


class AudioBackend(Protocol):
    """Makes one clip for each source, all of one duration, each from its own seed.

    One that gains by making the sources of several soundscapes at once also has
    `render(requests, *, duration_s, seeds, on_step) -> list[Clip]`, one clip for each request.
    """

    max_duration_s: float
    sample_rate: int

    def request(self, soundscape: Soundscape, source: Source, options: SoundOptions) -> dict[str, Any]:
        """Return all that decides the sound of a source besides duration and seed, as JSON data.

        It is shown to the person, kept with the results, and is the key of the stem cache.
        """
        ...

    def synthesize(
        self,
        soundscape: Soundscape,
        sources: tuple[Source, ...],
        *,
        duration_s: float,
        seeds: tuple[int, ...],
        on_step: OnStep | None = None,
        options: SoundOptions = ...,
    ) -> list[Clip]: ...

    @classmethod
    def card(cls, settings: Settings) -> Card: ...


_loading = threading.Lock()
_log = logging.getLogger(__name__)


def card(name: str) -> Card:
    """Return what is known of a backend without loading it."""
    return _class_of(name).card(read_settings())


def default_vision() -> str:
    """Return VISION_BACKEND, or else the best vision backend that can run here."""
    return read_settings().vision_backend or _best(VISION)


def default_audio() -> str:
    """Return AUDIO_BACKEND, or else the best audio backend that can run here."""
    return read_settings().audio_backend or _best(AUDIO)


def load_vision(name: str = "") -> tuple[str, VisionBackend]:
    """Return the name and the one instance of a vision backend; an empty name means the default.

    Raises SoundscapeError when there is no such backend or it cannot run here.
    """
    return _load(name or default_vision(), VISION, "vision")


def load_audio(name: str = "") -> tuple[str, AudioBackend]:
    """Return the name and the one instance of an audio backend; an empty name means the default.

    Raises SoundscapeError when there is no such backend or it cannot run here.
    """
    return _load(name or default_audio(), AUDIO, "audio")


def load_real_models() -> None:
    """Load every real model that can run here, now rather than in the first job.

    On ZeroGPU it must happen before the page is served: each job runs in a fork, and what a fork loads is lost with it.
    A model that cannot be loaded is logged, and the others stay usable.
    """
    for name in [*VISION, *AUDIO]:
        if name in EMBEDDED or card(name).reason:
            continue
        try:
            _instance(name).load()
        except SoundscapeError as error:
            _log.warning("%s was not loaded: %s", name, error)
        except Exception:  # whatever is wrong with one model, the page is served
            _log.exception("%s was not loaded", name)


def _load(name: str, registry: dict[str, str], kind: str) -> tuple[str, Any]:
    if name not in registry:
        raise SoundscapeError(f"There is no {kind} backend '{name}'.{did_you_mean(name, list(registry))}")
    reason = card(name).reason
    if reason:
        raise SoundscapeError(f"{name} cannot run here: {reason}")
    with _loading:  # two visitors must not load one model twice
        return name, _instance(name)


@cache
def _instance(name: str) -> Any:
    return _class_of(name)()


@cache
def _class_of(name: str) -> Any:
    module, _, attribute = (VISION | AUDIO)[name].partition(":")
    return getattr(import_module(module), attribute)


def _best(registry: dict[str, str]) -> str:
    """Real models need an accelerator to be bearable; the embedded pair runs everywhere."""
    if accelerator() != "cpu":
        for name in registry:
            if not card(name).reason:
                return name
    return next(name for name in registry if name in EMBEDDED)
