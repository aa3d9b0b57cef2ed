"""What a text-to-audio model is, and what one call asks of it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import OnStep, memory

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Family:
    """What is known of a text-to-audio model before it is loaded."""

    name: str  # its key in the registry, and of its template in prompts/
    title: str
    licence: str
    model: str
    revision: str
    setting: str  # field of Settings that names other weights
    download_gb: float
    memory_gb: float  # of the weights in half precision
    stem_gb: float  # what one more stem of 10 s takes beside them, in half precision; estimated
    steps: int
    guidance: float
    max_duration_s: float
    max_tokens: int  # of a prompt
    half: str = "float16"
    gated: bool = False
    packages: tuple[str, ...] = ("torch", "transformers", "diffusers")


@dataclass(frozen=True)
class Job:
    """One clip to make: what to say, and the seed of its noise."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class Call:
    """What is the same for all the clips of a call."""

    duration_s: float
    steps: int
    guidance: float
    negative_prompt: str
    precision: str


@dataclass
class Loaded:
    """A pipeline of diffusers on its device, with the texts encoded so far."""

    pipe: Any
    placement: memory.Placement
    texts: dict[str, dict[str, "torch.Tensor"]] = field(default_factory=dict)


class Progress:
    """Steps done of all steps. Each clip of a batch counts, so the total stays when a batch is halved."""

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
