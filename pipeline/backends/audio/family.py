"""The constants of a text-to-audio model, and the parameters and state of one call."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import OnStep, memory

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Family:
    """Constants of a text-to-audio model, known before it is loaded."""

    name: str  # its key in the registry, and the name of its template in prompts/
    title: str
    licence: str
    model: str
    revision: str
    setting: str  # field of Settings that overrides the weights
    download_gb: float
    memory_gb: float  # for the weights, in half precision
    stem_gb: float  # for each stem of 10 s, in half precision; an estimate
    steps: int
    guidance: float
    max_duration_s: float
    max_tokens: int  # per prompt
    half: str = "float16"
    gated: bool = False
    can_redo: bool = False  # a span of a sound
    packages: tuple[str, ...] = ("torch", "transformers", "diffusers")


@dataclass(frozen=True)
class Job:
    """One clip to make: its prompt, the seed of its noise, what it may not contain, and the span to make again (s)."""

    prompt: str
    seed: int
    negative_prompt: str
    redo: tuple[float, float] | None = None


@dataclass(frozen=True)
class Call:
    """The parameters that all clips of a call share; only `redo` has one value per clip of a batch."""

    duration_s: float
    steps: int
    guidance: float
    negative_prompt: str
    precision: str
    redo: tuple[tuple[float, float] | None, ...] = ()


@dataclass
class Loaded:
    """A diffusers pipeline on its device, with a cache of encoded texts."""

    pipe: Any
    placement: memory.Placement
    texts: dict[str, dict[str, "torch.Tensor"]] = field(default_factory=dict)


class Progress:
    """Counts the inference steps of all clips, so the total stays the same if a batch is halved."""

    def __init__(self, on_step: OnStep, clips: int, steps: int) -> None:
        self.on_step = on_step
        self._steps, self._total = steps, clips * steps
        self._done = self._clips = 0

    def begin(self, clips: int) -> None:
        self._clips = clips
        self.on_step(self._done, self._total)

    def step(self, index: int) -> None:
        self.on_step(self._done + (index + 1) * self._clips, self._total)

    def end(self) -> None:
        self._done += self._clips * self._steps
