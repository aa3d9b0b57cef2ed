"""Where a model runs and in which precision, which models stay in memory, and what happens when memory runs out.

One GPU does one job at a time: `resident` lends a loaded model to a single job and makes the others wait.
"""

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import SoundscapeError, did_you_mean
from ..settings import Settings, accelerator, has_package, on_zero_gpu
from .weights import GIGABYTE, memory_gb

PRECISIONS = ("float32", "float16", "bfloat16")
OFFLOAD_BELOW_GB = 12.0  # a smaller card holds the part of a model that works, main memory the others

_log = logging.getLogger(__name__)
_Item, _Made = TypeVar("_Item"), TypeVar("_Made")


@dataclass(frozen=True)
class Placement:
    """Where a model runs: "cuda", "mps" or "cpu"; with `offload`, only the part that works is on the GPU."""

    device: str
    offload: bool = False
    reason: str = ""  # why parts wait in main memory, for the person


def placement(settings: Settings) -> Placement:
    """Return the device that torch really has, and whether it is too small to hold a model whole."""
    import torch

    device = accelerator(settings)
    present = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}.get(device, lambda: True)
    if not on_zero_gpu() and not present():
        if settings.device:
            raise SoundscapeError(f"DEVICE is {device}, but torch finds none here. Unset it, or set it to cpu.")
        device = "cpu"
    reason = offload_note(device)
    return Placement(device, offload=bool(reason), reason=reason)


def offload_note(device: str) -> str:
    """Return why parts of a model wait in main memory on this device, empty when it holds a model whole."""
    total_gb = memory_gb(device)
    if device != "cuda" or total_gb >= OFFLOAD_BELOW_GB or not has_package("accelerate"):
        return ""
    return (
        f"The GPU has {total_gb:.0f} GB, less than {OFFLOAD_BELOW_GB:.0f}: parts of the model wait in main memory, "
        "which is slower."
    )


def precision(device: str, wanted: str = "", *, half: str = "float16") -> str:
    """Return the precision to compute in: the wanted one, or half where it is known to be safe and faster.

    `half` is the family's own on a GPU of NVIDIA. On MPS and CPU the default is float32: half gains little there, and
    some operations overflow or are missing.
    """
    if wanted:
        if wanted not in PRECISIONS:
            raise SoundscapeError(f"There is no precision '{wanted}'.{did_you_mean(wanted, list(PRECISIONS))}")
        return wanted
    if device != "cuda":
        return "float32"
    return "float16" if half == "bfloat16" and not _computes_bfloat16() else half


def _computes_bfloat16() -> bool:
    import torch

    return on_zero_gpu() or torch.cuda.is_bf16_supported(including_emulation=False)


def free_gb(device: str) -> float:
    """Return the memory that is free on the device now, in gigabytes of 10^9 bytes."""
    if device == "cuda" and not on_zero_gpu():
        import torch

        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # by torch, for its next tensors
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
    name: str, load: Callable[[], Any], *, variant: str = "", device: str = "cpu", needed_gb: float = 0.0
) -> Iterator[Any]:
    """Lend the model of this name to one job; others wait.

    It is loaded at its first use and kept. Another `variant`, such as a precision, replaces it. When less than
    `needed_gb` is free on the device, or loading runs out of memory, the other models are dropped first.
    """
    with _one_job:
        known = _residents.get(name)
        if known is None or known.variant != variant:
            known = None  # the last reference, so that memory is free before the next is loaded
            forget(name)
            if free_gb(device) < needed_gb:
                forget_others(name)
            _residents[name] = _Resident(variant, _loaded(name, load))
        yield _residents[name].model


def forget(name: str) -> None:
    """Drop a model; the next job loads it anew."""
    with _one_job:
        if _residents.pop(name, None) is not None:
            release()


def forget_others(name: str = "") -> None:
    """Drop every model but this one."""
    with _one_job:
        for other in [key for key in _residents if key != name]:
            _log.info("dropping %s to make room for %s", other, name)
            _residents.pop(other)
        release()


def release() -> None:
    """Give unused memory back to the device. It never imports torch: without it there is nothing to give back."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _loaded(name: str, load: Callable[[], Any]) -> Any:
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
    """Return what `run` makes of the items, `size` at a time.

    When memory runs out, all models but `keep` are dropped and the batch is halved, once. When it runs out again, a
    SoundscapeError says what to do; memory is free for the next job by then.
    """
    made: list[_Made] = []
    halved = False
    while len(made) < len(items):
        batch = items[len(made) : len(made) + size]
        results = _unless_out_of_memory(lambda batch=batch: run(batch))
        if results is not None:
            made += results
            continue
        forget_others(keep)
        if halved:
            raise SoundscapeError(
                "The memory of the device is too small for this, even in smaller batches. Choose a shorter duration "
                "or a smaller model, or close other programs that use it."
            )
        size, halved = max(1, len(batch) // 2), True
        _log.warning("out of memory with %d at once; trying with %d", len(batch), size)
    return made


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch raises on CUDA, MPS and CPU when memory runs out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def _unless_out_of_memory(action: Callable[[], Any]) -> Any:
    """Return None when memory ran out. By then the error is gone, and with it the frames that held the tensors."""
    try:
        return action()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _log.warning("out of memory: %s", str(error))  # a log that kept the error would keep its tensors
    return None
