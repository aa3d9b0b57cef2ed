"""Registry of the vision and audio backends.

A new model needs one file in vision/ or audio/ and one line in a registry below. Importing that file must be cheap:
import torch and other large libraries where they are first needed.
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
from ..errors import SoundscapeError, did_you_mean, shortened
from ..settings import Settings, accelerator, on_zero_gpu, read_settings
from ..soundscape import Soundscape, Source
from .work import Work

OnStep = Callable[[int, int], None]  # (done, total); may raise Cancelled to stop between two steps


@dataclass(frozen=True)
class Steps:
    """An `OnStep` of the work of a model that also has one for its download and loading."""

    work: OnStep
    loading: OnStep

    def __call__(self, done: int, total: int) -> None:
        self.work(done, total)


def loading_of(on_step: OnStep | None) -> OnStep | None:
    """Return what counts the megabytes of a download; a plain `OnStep` counts them and the work."""
    return on_step.loading if isinstance(on_step, Steps) else on_step


# Best first. The default is the first one that runs at a reasonable speed.
VISION = {
    "qwen2.5-vl": "pipeline.backends.vision.qwen_vl:QwenVL",
    "blip": "pipeline.backends.vision.blip:Blip",
    "tagger": "pipeline.backends.vision.tagger:Tagger",
}
AUDIO = {
    "stable-audio-3": "pipeline.backends.audio.stable_audio_3:StableAudio3",
    "audioldm2": "pipeline.backends.audio.audioldm2:AudioLDM2",
    "stable-audio-open": "pipeline.backends.audio.stable_audio_open:StableAudioOpen",
    "procedural": "pipeline.backends.audio.procedural:Procedural",
}
EMBEDDED = ("tagger", "procedural")


@dataclass(frozen=True)
class Card:
    """What a user should know about a backend before choosing it."""

    title: str
    model: str  # id of the repository, name of the folder, or package that contains it
    licence: str
    revision: str = ""
    download_gb: float = 0.0
    device: str = "cpu"
    reason: str = ""  # why it cannot run here, and what to do; empty when it can
    note: str = ""  # what to expect of it on this machine


@dataclass(frozen=True)
class SoundOptions:
    """Advanced options of a text-to-audio model. None or empty means the backend's default."""

    steps: int | None = None  # inference (denoising) steps
    guidance: float | None = None  # classifier-free guidance scale
    negative_prompt: str | None = None
    candidates: int = 1  # per source; the one that fits the prompt best is kept
    precision: str = ""  # float32 | float16 | bfloat16
    prompts: dict[int, str] = field(default_factory=dict)  # index of the source -> prompt to use instead of ours
    redo: dict[int, tuple[float, float]] = field(default_factory=dict)  # index of the source -> span to make again

    def only(self, *places: int) -> "SoundOptions":
        """Return the options for only the sources at these indices, which become 0, 1, 2 ..."""
        prompts = {new: self.prompts[old] for new, old in enumerate(places) if old in self.prompts}
        redo = {new: self.redo[old] for new, old in enumerate(places) if old in self.redo}
        return replace(self, prompts=prompts, redo=redo)


class VisionBackend(Protocol):
    """Describes what would be heard in a picture.

    A backend that supports batches also has `describe_batch(pictures, *, on_step) -> list[Outcome]`.
    """

    def describe(self, picture: Image.Image, *, on_step: OnStep | None = None) -> Soundscape: ...

    @classmethod
    def card(cls, settings: Settings) -> Card: ...


class AudioBackend(Protocol):
    """Makes one clip per source. All have the same duration; each has its own seed.

    A backend that is faster with the sources of several soundscapes in one call also has
    `render(requests, *, duration_s, seeds, on_step) -> list[Clip]`, which returns one clip per request. A backend that
    can make a span of a sound again (`SoundOptions.redo`) has `can_redo = True`.
    """

    max_duration_s: float
    sample_rate: int

    def request(self, soundscape: Soundscape, source: Source, options: SoundOptions) -> dict[str, Any]:
        """Return everything that determines the sound of a source, except duration and seed, as JSON data.

        It is shown to the user, stored with the results, and part of the cache key of the stem.
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
_started: dict[str, str] = {}  # for each model of `load_at_start`, why it could not be loaded; empty if it was
_log = logging.getLogger(__name__)


def card(name: str) -> Card:
    """Return the card of a backend without loading the backend."""
    found = _class_of(name).card(read_settings())
    if name in _started:
        return replace(found, reason=_started[name], note="" if is_loaded_at_start(name) else found.note)
    if on_zero_gpu() and name not in EMBEDDED:
        return replace(found, note=f"{found.note} It is loaded in each call, which takes GPU time.".strip())
    return found


def default_vision() -> str:
    """Return the VISION_BACKEND setting, or else the best vision backend that can run here."""
    return read_settings().vision_backend or _best(VISION)


def default_audio() -> str:
    """Return the AUDIO_BACKEND setting, or else the best audio backend that can run here."""
    return read_settings().audio_backend or _best(AUDIO)


def load_vision(name: str = "") -> tuple[str, VisionBackend]:
    """Return the name and the shared instance of a vision backend. An empty name means the default.

    Raises SoundscapeError if the backend does not exist or cannot run here.
    """
    return _load(name or default_vision(), VISION, "vision")


def load_audio(name: str = "") -> tuple[str, AudioBackend]:
    """Return the name and the shared instance of an audio backend. An empty name means the default.

    Raises SoundscapeError if the backend does not exist or cannot run here.
    """
    return _load(name or default_audio(), AUDIO, "audio")


def load_at_start() -> None:
    """Load the default models, and those that PRELOAD names, before the page of a ZeroGPU Space is served.

    Each call runs in a forked process, and what that process loads is lost when it ends. A model that cannot be loaded
    is not offered, and the next best becomes the default.
    """
    for name in filter(None, map(str.strip, read_settings().preload.split(","))):
        _load_at_start(name)
    for default in (default_vision, default_audio):
        while (name := default()) not in EMBEDDED and name not in _started:
            _load_at_start(name)


def check(name: str) -> None:
    """Raise SoundscapeError if a model cannot run here."""
    reason = card(name).reason
    if reason:
        raise SoundscapeError(f"{name} cannot run here: {reason}")


def fetch(name: str, on_step: OnStep | None = None) -> None:
    """Download what a model still needs without loading it. `on_step` reports megabytes."""
    download = getattr(_instance(name), "fetch", None)
    if download:
        download(on_step)


def work_of(name: str, **sizes: Any) -> Work | None:
    """Return the work of one call of a model, or None if the model does not state it.

    `sizes` are `clips`, `duration_s`, `steps` and `guidance` for an audio model, and nothing for a vision model.
    """
    stated: Callable[..., Work] | None = getattr(_class_of(name), "work", None)
    return stated(read_settings(), **sizes) if stated else None


def is_loaded_at_start(name: str) -> bool:
    """Return True if `load_at_start` has loaded this model."""
    return _started.get(name) == ""


def _load_at_start(name: str) -> None:
    if name not in VISION | AUDIO:
        _log.warning("There is no model '%s' to load at start.%s", name, did_you_mean(name, list(VISION | AUDIO)))
        _started[name] = "it does not exist"
        return
    reason = card(name).reason
    try:
        if not reason and name not in EMBEDDED:
            _instance(name).load()
    except SoundscapeError as error:
        reason = f"it could not be loaded when the Space started. {error}"
    except Exception:  # one broken model must not keep the page from being served
        _log.exception("%s was not loaded", name)
        reason = "it could not be loaded when the Space started. The log of the Space says why."
    if reason:
        _log.warning("%s was not loaded: %s", name, reason)
    _started[name] = reason


def _load(name: str, registry: dict[str, str], kind: str) -> tuple[str, Any]:
    if name not in registry:
        name = shortened(name)
        raise SoundscapeError(f"There is no {kind} backend '{name}'.{did_you_mean(name, list(registry))}")
    check(name)
    with _loading:  # two users must not load the same model twice
        return name, _instance(name)


@cache
def _instance(name: str) -> Any:
    return _class_of(name)()


@cache
def _class_of(name: str) -> type[VisionBackend | AudioBackend]:
    module, _, attribute = (VISION | AUDIO)[name].partition(":")
    found: type[VisionBackend | AudioBackend] = getattr(import_module(module), attribute)
    return found


def _is_open(name: str) -> bool:
    """Return False if the token of the settings does not open the weights. Then another model is the better default."""
    asked: Callable[[Settings], bool] | None = getattr(_class_of(name), "is_open", None)
    return asked is None or asked(read_settings())


def _best(registry: dict[str, str]) -> str:
    """Return the best backend: large models are too slow without an accelerator; the embedded pair runs everywhere."""
    if accelerator() != "cpu":
        for name in registry:
            if not card(name).reason and (is_loaded_at_start(name) or _is_open(name)):
                return name
    return next(name for name in registry if name in EMBEDDED)
