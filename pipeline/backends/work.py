"""The work of a model in one call, in units that do not depend on the device."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """What a call computes and moves. The works of two models can be added.

    `tflop` are 10^12 floating-point operations that fill a GPU, such as denoising. `read_gb` are the gigabytes (10^9
    bytes) that a language model reads from memory, all its weights once per token. `calls` counts the runs of the
    network, one after another: tokens or denoising steps. `weights_gb` are the gigabytes of the weights, which move to
    the GPU before the call.
    """

    tflop: float = 0.0
    read_gb: float = 0.0
    calls: int = 0
    weights_gb: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.tflop + other.tflop,
            self.read_gb + other.read_gb,
            self.calls + other.calls,
            self.weights_gb + other.weights_gb,
        )
