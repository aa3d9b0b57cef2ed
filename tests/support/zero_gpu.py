# ruff: noqa: E402  torch must look like a CUDA build before `spaces` is imported
"""The start of a ZeroGPU Space, played on a CPU: python -m tests.support.zero_gpu [OTHER QWEN-VL ...]

On ZeroGPU the main process has no GPU. The package `spaces` patches torch there, so that tensors "on cuda" are kept in
main memory and later packed for the calls. It needs a CUDA build of torch only for its version number.

The settings are those of the environment. Prints JSON: for each model whether it is offered and why not, what was
loaded, the bytes that were packed. The other Qwen-VL models are loaded in the same way.
"""

import json
import os
import sys

os.environ |= {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": "http://127.0.0.1:9"}

import torch


def _no() -> bool:  # no lambda: spaces sends it to a process
    return False


torch.version.cuda = "12.8"
torch._C._cuda_init = torch.cuda._is_in_bad_fork = _no

import spaces
from spaces.zero.torch import patching

from pipeline import backends
from pipeline.backends import memory
from pipeline.backends.vision.qwen_vl import NAME, QwenVL
from pipeline.backends.weights import Weights


def modules_of(model) -> dict[str, torch.nn.Module]:
    """Return the networks of a loaded model by name."""
    parts = model.pipe.components if hasattr(model, "pipe") else vars(model)
    return {name: part for name, part in parts.items() if isinstance(part, torch.nn.Module)}


def described(model) -> dict[str, object]:
    tensors = [each for part in modules_of(model).values() for each in (*part.parameters(), *part.buffers())]
    return {
        "devices": sorted({each.device.type for each in tensors}),
        "packed": all(each in patching.cuda_aliases for each in tensors),
        "dtypes": sorted({str(each.dtype).removeprefix("torch.") for each in tensors if each.is_floating_point()}),
        "tensors": len(tensors),
    }


def main(others: list[str]) -> None:
    loaded = {}
    for other in others:
        qwen = QwenVL()
        qwen._weights = Weights(other)
        qwen.load()
        loaded[other] = described(memory._residents[NAME].model)
        memory.forget(NAME)
    backends.load_at_start()
    names = [*backends.VISION, *backends.AUDIO]
    report = {
        "defaults": [backends.default_vision(), backends.default_audio()],
        "reasons": {name: backends.card(name).reason for name in names},
        "notes": {name: backends.card(name).note for name in names},
        "loaded": loaded | {name: described(each.model) for name, each in memory._residents.items()},
    }
    report["packed_bytes"] = spaces.zero.torch.pack()  # as `launch` does
    report["reasons_after_packing"] = {name: backends.card(name).reason for name in names}
    print(json.dumps(report))  # the last line: spaces prints others


if __name__ == "__main__":
    main(sys.argv[1:])
