"""The machine, and what it reaches: the limits that the other steps are compared with."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import torch

from .bench import seconds
from .report import Machine, Row

LIBRARIES = ("transformers", "diffusers", "accelerate", "llguidance")


def limits(machine: Machine) -> Iterator[Row | Machine]:
    """Describe the machine, and measure what it reaches with a large matrix product and with a large copy."""
    if machine.device == "cuda":
        card = torch.cuda.get_device_properties(0)
        yield Row(("card", f"{card.name}, {card.total_memory / 1e9:.1f} GB"))
        yield Row(("driver, CUDA", f"{_driver()}, {torch.version.cuda}"))
    else:
        yield Row(("card", "none: CPU, so the figures say nothing"))
    versions = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    yield Row(("software", f"Python {platform.python_version()}, torch {torch.__version__}, {versions}"))
    size = 256 if machine.is_tiny else 8192
    for precision in ("float32", machine.half, "bfloat16"):
        dtype = getattr(torch, precision)
        a, b = (torch.randn(size, size, device=machine.device, dtype=dtype) for _ in range(2))
        reached = 2 * size**3 / seconds(machine, lambda a=a, b=b: a @ b)
        machine = replace(machine, flops=machine.flops | {precision: reached})
    yield Row(("matrix product, TFLOP/s", ", ".join(f"{p} {f / 1e12:,.1f}" for p, f in machine.flops.items())))
    source = torch.zeros(2**20 if machine.is_tiny else 2**31, dtype=torch.uint8, device=machine.device)
    target = torch.empty_like(source)
    machine = replace(machine, bytes_per_s=2 * source.numel() / seconds(machine, lambda: target.copy_(source)))
    yield Row(("copy, read and written, GB/s", f"{machine.bytes_per_s / 1e9:,.0f}"))
    yield machine


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return "unknown"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
