"""The work of a model in one call, whatever the device, and the seconds that it takes on a GPU."""

from dataclasses import dataclass

from .machine import Gpu


@dataclass(frozen=True)
class Work:
    """What one call of a model computes and moves.

    `tflop` are 10^12 floating-point operations that fill a GPU, such as denoising. `read_gb` are the gigabytes (10^9
    bytes) that a language model reads from memory, all its weights once per token. `calls` counts the runs of the
    network, one after another: tokens or denoising steps. `weights_gb` are the gigabytes of the weights.
    """

    tflop: float = 0.0
    read_gb: float = 0.0
    calls: int = 0
    weights_gb: float = 0.0


@dataclass(frozen=True)
class Speed:
    """What a GPU reaches at best, from its data sheet."""

    tflops: float  # dense matrix products in half precision
    read_gb_per_s: float  # from its own memory


# The cards of ZeroGPU, by the names in the package `spaces`. A call gets a part of each: 60 of 132 multiprocessors of
# an H200 with half its memory channels, or half of an RTX PRO 6000.
SPEEDS = {
    "NVIDIA H200": Speed(450.0, 2400.0),
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": Speed(250.0, 800.0),
}
SLOWEST = min(SPEEDS.values(), key=lambda speed: speed.tflops)

# Assumptions, not measurements: an upper bound that `python -m tests.benchmarks.gpu` can check on a GPU.
SHARE_OF_TFLOPS, SHARE_OF_READING = 0.2, 0.5  # what diffusers and transformers reach without compilation
CALL_S = 0.03  # the processor needs this long to launch the kernels of one run of a network
MOVED_GB_PER_S, LOADED_GB_PER_S = 2.5, 0.7  # weights that were packed at start, and weights read from the disk
FLOAT32_TIMES = 6.0  # float32 does not use the units for half precision


def computing_s(work: Work, gpu: Gpu, *, is_float32: bool = False) -> float:
    """Return the seconds of the computation on this GPU. An unknown one counts as the slowest of `SPEEDS`."""
    speed = SPEEDS.get(gpu.name, SLOWEST)
    tflop_s = work.tflop / (SHARE_OF_TFLOPS * speed.tflops)
    reading_s = work.read_gb / (SHARE_OF_READING * speed.read_gb_per_s)
    return max(work.calls * CALL_S, (tflop_s + reading_s) * (FLOAT32_TIMES if is_float32 else 1.0))


def moving_s(work: Work, *, is_packed: bool) -> float:
    """Return the seconds until the weights are on the GPU: moved if they were packed at start, else loaded."""
    return work.weights_gb / (MOVED_GB_PER_S if is_packed else LOADED_GB_PER_S)
