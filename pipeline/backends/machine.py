"""What this machine has: the memory of a device, and the kind of GPU. torch is not imported."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..settings import on_zero_gpu

GIGABYTE = 10**9


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU as its driver names it. `memory_gb` is 0 if there is none."""

    name: str = ""
    memory_gb: float = 0.0
    compute_capability: float = 0.0  # major.minor; from 8.0 on, it computes in bfloat16


def memory_gb(device: str) -> float:
    """Return the total memory of the device in gigabytes (10^9 bytes)."""
    return gpu().memory_gb if device == "cuda" else _main_memory_bytes() / GIGABYTE


def gpu() -> Gpu:
    """Return the NVIDIA GPU that a job gets: on ZeroGPU the part of a card that a call is given."""
    return _lent_gpu() if on_zero_gpu() else _own_gpu()


@cache
def _lent_gpu() -> Gpu:
    """Ask the package `spaces`, because the main process of ZeroGPU sees no GPU.

    Where calls with large models get a whole card (`xlarge_threshold`), all others get half of one.
    """
    from spaces.zero import config

    card = config.get_config()
    share = 1.0 if card["xlarge_threshold"] is None else 0.5
    return Gpu(card["model"], share * card["memory"] / GIGABYTE, float(f"{card['sm_major']}.{card['sm_minor']}"))


@cache
def _own_gpu() -> Gpu:
    """Ask the driver for the GPU with the most memory. torch, which takes seconds to import, is not needed."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Gpu()
    command = [tool, "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except subprocess.TimeoutExpired:  # a driver that hangs
        return Gpu()
    return max(map(_read, answer.splitlines()), key=lambda each: each.memory_gb, default=Gpu())


def _read(line: str) -> Gpu:
    """Return the GPU of a line such as "NVIDIA A10G, 23028, 8.6". Old drivers do not know every field."""
    name, mebibytes, capability = [*(field.strip() for field in line.split(",")), "", ""][:3]
    size = int(mebibytes) * 2**20 / GIGABYTE if mebibytes.isdigit() else 0.0
    return Gpu(name, size, float(capability) if capability.replace(".", "", 1).isdigit() else 0.0)


def _main_memory_bytes() -> float:
    """Return the physical memory, or the limit of the container if that is lower."""
    if not hasattr(os, "sysconf"):  # Windows
        return float("inf")
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(physical, int(text)) if text.isdigit() else physical
