"""Painting into a latent: which frames are known, and how a long sound is made window by window.

The transformer of Stable Audio 3 reads, with the noise, a mask of the known frames (1) and the frames themselves. It
makes the others, so that they continue the known ones. This module never imports torch by itself.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Window:
    """The frames from `start` to `end` are made in one pass; the first `known` of them are there already."""

    start: int
    end: int
    known: int = 0


def windows(frames: int, longest: int, context: int) -> list[Window]:
    """Return the windows that make so many frames, all of one length, each with at least `context` known frames."""
    if frames <= longest:
        return [Window(0, frames)]
    count = math.ceil((frames - context) / (longest - context))
    length = math.ceil((frames + (count - 1) * context) / count)
    made, result = 0, []
    for number in range(count):
        start = min(number * (length - context), frames - length)
        result.append(Window(start, start + length, made - start if number else 0))
        made = start + length
    return result


def window_around(first: int, last: int, frames: int, longest: int) -> Window:
    """Return the window of at most `longest` frames in whose middle the frames from `first` to `last` are."""
    length = min(frames, longest)
    start = min(max(0, (first + last - length) // 2), frames - length)
    return Window(start, start + length)


class Known:
    """Gives a transformer the known frames at every call; none are known except within `of`.

    The reference passes zeros when nothing is known. They are not without effect, because the layers that read them
    have biases. The pipelines of diffusers pass nothing then.
    """

    def __init__(self, transformer: Any) -> None:
        self._frames: torch.Tensor | None = None
        transformer.register_forward_pre_hook(self._add, with_kwargs=True)

    @contextmanager
    def of(self, latents: "torch.Tensor", mask: "torch.Tensor") -> Iterator[None]:
        """Make the frames of `latents`, shape (clips, channels, frames), known where `mask`, shape (frames,), is 1."""
        import torch

        known = mask.to(latents).expand(len(latents), 1, -1)
        self._frames = torch.cat([known, latents * known], dim=1)
        try:
            yield
        finally:
            self._frames = None

    def _add(self, transformer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        noisy = arguments[0]
        if self._frames is None:
            size = (noisy.shape[0], transformer.config.local_add_cond_dim, noisy.shape[-1])
            frames = noisy.new_zeros(size)
        else:  # with guidance, the batch has every clip twice
            frames = self._frames.to(noisy).repeat(noisy.shape[0] // len(self._frames), 1, 1)
        return arguments, {"local_add_cond": frames} | named
