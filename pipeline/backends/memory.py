"""The device and precision of models, which models stay in memory, and recovery when memory runs out.

A GPU does one job at a time: `resident` lends a loaded model to a single job and makes the others wait.
"""

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..errors import SoundscapeError, did_you_mean
from ..settings import Settings, accelerator, has_package, on_zero_gpu
from .machine import GIGABYTE, gpu, memory_gb

PRECISIONS = ("float32", "float16", "bfloat16")
OFFLOAD_BELOW_GB = 12.0  # a smaller GPU holds only the active part of a model
BFLOAT16_CAPABILITY = 8.0  # CUDA compute capability of the first GPUs (Ampere) with units for bfloat16
FLOAT32_ROOM = 2.4  # memory needed in float32 per byte of weights in half precision

_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")
_Model = TypeVar("_Model")


@dataclass(frozen=True)
class Placement:
    """Where a model runs: "cuda", "mps" or "cpu". With `offload`, only its active part is on the GPU."""

    device: str
    offload: bool = False
    reason: str = ""  # why parts are in main memory, for the user


def placement(settings: Settings) -> Placement:
    """Return the device that torch finds. Raises SoundscapeError if it is not the one that DEVICE requires."""
    import torch

    device = accelerator(settings)
    checks: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if device in checks and not on_zero_gpu() and not checks[device]():
        if settings.device:
            raise SoundscapeError(f"DEVICE is {device}, but torch finds no such device. Unset DEVICE or set it to cpu.")
        device = "cpu"
    reason = offload_note(device)
    return Placement(device, offload=bool(reason), reason=reason)


def offload_note(device: str) -> str:
    """Return why parts of a model stay in main memory on this device; empty if the device holds whole models."""
    total_gb = memory_gb(device)
    if device != "cuda" or total_gb >= OFFLOAD_BELOW_GB or not has_package("accelerate"):
        return ""
    return (
        f"The GPU has {total_gb:.0f} GB, less than {OFFLOAD_BELOW_GB:.0f} GB, so parts of the model stay in main "
        "memory. That is slower."
    )


def precision_note(device: str, *, half: str) -> str:
    """Return what to expect of a model with this half precision on this device; empty if nothing special."""
    is_old = device == "cuda" and 0 < gpu().compute_capability < BFLOAT16_CAPABILITY
    if half != "bfloat16" or not is_old:
        return ""
    return "The GPU does not compute in bfloat16, so the model runs in float16, where its numbers can overflow."


def precision(
    device: str, wanted: str = "", *, half: str = "float16", size_gb: float = 0.0, per_token: bool = False
) -> str:
    """Return the precision to compute in: the wanted one, or the best for the device.

    `half` is the model's half precision on an NVIDIA GPU, `size_gb` the size of its weights in it (0: memory is no
    reason), and `per_token` says that it reads all weights for each token, as a language model does.

    - NVIDIA GPU: `half`, or float16 if the GPU does not compute in bfloat16.
    - Mac (MPS): bfloat16 per token: half the bytes take half the time. Otherwise float32, as on a CPU, because half
      precision gains little there, and some operations overflow or are missing.
    - CPU: float32, or bfloat16 if free memory is too small for float32.

    Raises SoundscapeError for an unknown precision.
    """
    if wanted:
        if wanted not in PRECISIONS:
            raise SoundscapeError(f"There is no precision '{wanted}'.{did_you_mean(wanted, list(PRECISIONS))}")
        return wanted
    if device == "cuda":
        return "float16" if half == "bfloat16" and not _computes_bfloat16() else half
    if device == "mps" and per_token:
        return "bfloat16"
    return "float32" if free_gb(device) >= FLOAT32_ROOM * size_gb else "bfloat16"


def _computes_bfloat16() -> bool:
    import torch

    return on_zero_gpu() or torch.cuda.is_bf16_supported(including_emulation=False)


def free_gb(device: str) -> float:
    """Return the free memory of the device in gigabytes (10^9 bytes)."""
    if device == "cuda" and not on_zero_gpu():
        import torch

        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # reserved by torch for new tensors
        return (torch.cuda.mem_get_info()[0] + kept) / GIGABYTE
    total_gb = memory_gb(device)
    meminfo = Path("/proc/meminfo")
    if device == "cuda" or not meminfo.is_file():
        return total_gb
    fields = dict(line.split(":") for line in meminfo.read_text().splitlines())
    return min(total_gb, int(fields["MemAvailable"].split()[0]) * 1024 / GIGABYTE)


# Which models stay ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Resident:
    variant: str
    model: Any


_residents: dict[str, _Resident] = {}
_one_job = threading.RLock()


@contextmanager
def resident(
    name: str, load: Callable[[], _Model], *, variant: str = "", device: str = "cpu", needed_gb: float = 0.0
) -> Iterator[_Model]:
    """Lend the model of this name to one job while others wait.

    The model is loaded at its first use and kept. Another `variant`, such as another precision, replaces it. If less
    than `needed_gb` is free on the device, or loading runs out of memory, all other models are dropped first. Raises
    SoundscapeError if memory is still too small.
    """
    with _one_job:
        known = _residents.get(name)
        if known is None or known.variant != variant:
            known = None  # drops the last reference, to free the memory before loading
            forget(name)
            if free_gb(device) < needed_gb:
                forget_others(name)
            _residents[name] = _Resident(variant, _loaded(name, load))
        yield _residents[name].model


def forget(name: str) -> None:
    """Drop a model. The next job loads it again."""
    with _one_job:
        if _residents.pop(name, None) is not None:
            release()


def forget_others(name: str = "") -> None:
    """Drop every model except this one."""
    with _one_job:
        for other in [key for key in _residents if key != name]:
            _log.info("dropping %s to free memory for %s", other, name)
            _residents.pop(other)
        release()


def release() -> None:
    """Return unused memory to the device. This never imports torch: without it, there is nothing to return."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _loaded(name: str, load: Callable[[], _Model]) -> _Model:
    loaded = _unless_out_of_memory(load)
    if loaded is None:
        forget_others(name)
        loaded = _unless_out_of_memory(load)
    if loaded is None:
        raise SoundscapeError(f"There is not enough memory to load {name}. Choose a smaller model.")
    return loaded


# When memory runs out ------------------------------------------------------------------------------------------------


def in_batches(
    items: Sequence[_Item], size: int, run: Callable[[Sequence[_Item]], list[_Made]], *, keep: str = ""
) -> list[_Made]:
    """Return the results of `run` for all items, `size` items at a time.

    When memory runs out for the first time, all models except `keep` are dropped and the batch size is halved. When it
    runs out again, raises SoundscapeError. The memory is then free for the next job.
    """
    made: list[_Made] = []
    halved = False
    while len(made) < len(items):
        batch = items[len(made) : len(made) + size]
        results = _unless_out_of_memory(partial(run, batch))
        if results is not None:
            made += results
            continue
        forget_others(keep)
        if halved:
            raise SoundscapeError(
                "The memory of the device is too small for this, even in smaller batches. Choose a shorter duration "
                "or a smaller model, or close other programs that use the memory."
            )
        size, halved = max(1, len(batch) // 2), True
        _log.warning("out of memory with a batch of %d; trying with %d", len(batch), size)
    return made


def is_out_of_memory(error: BaseException) -> bool:
    """Return True for the errors that torch raises on CUDA, MPS and CPU when memory runs out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def _unless_out_of_memory(action: Callable[[], _Made]) -> _Made | None:
    """Return None if memory ran out. The error is gone by then, and with it the stack frames that held tensors."""
    try:
        return action()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _log.warning("out of memory: %s", str(error))  # as text: a log that keeps the error would keep its tensors
    return None
