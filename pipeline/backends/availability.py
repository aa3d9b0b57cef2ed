"""Whether a model can run on this machine, and what the user should expect of it. The network is never used."""

from ..settings import DEVICES, Settings, accelerator, has_package
from .download import cached_folder
from .faults import gated_words, problem_of_folder
from .machine import memory_gb
from .weights import Weights, is_offline


def availability(
    weights: Weights,
    settings: Settings,
    *,
    packages: tuple[str, ...],
    min_memory_gb: float = 0.0,
    config: str = "config.json",
    gated: bool = False,
) -> str:
    """Return why the weights cannot be used here and what to do; empty if they can be used or downloaded.

    `min_memory_gb` is the main memory needed on a machine without a GPU or with memory shared by CPU and GPU. `config`
    is the file at the root of the weights (model_index.json for a diffusers pipeline). `gated` means that the licence
    must be accepted before the download.
    """
    missing = [name for name in packages if not has_package(name)]
    if missing:
        return f"it needs {' and '.join(missing)}. Run: pip install {' '.join(missing)}"
    device = accelerator(settings)
    if device not in DEVICES:
        return f"DEVICE is '{device}'. Set it to {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, or unset it."
    if device != "cuda" and memory_gb(device) < min_memory_gb:
        return f"it needs {min_memory_gb:.0f} GB of memory; this machine has {memory_gb(device):.0f} GB. Use a GPU."
    if weights.is_local:
        return problem_of_folder(weights, settings, config)
    if cached_folder(weights, config) is not None:
        return ""
    if is_offline():
        return f"{weights.model} is not on this machine and HF_HUB_OFFLINE is set. Unset it once to download it."
    if gated and not settings.hf_token:
        return gated_words(weights)
    return ""


def note_of(
    weights: Weights, settings: Settings, download_gb: float, *, is_heavy: bool = True, config: str = "config.json"
) -> str:
    """Return what the user should expect of these weights: a download, or a slow device for a heavy model."""
    is_here = weights.is_local or (has_package("huggingface_hub") and cached_folder(weights, config) is not None)
    fetched = f"The first use downloads {download_gb:.1f} GB." if download_gb and not is_here else ""
    slow = "It is slow on a CPU; use a GPU if possible." if is_heavy and accelerator(settings) == "cpu" else ""
    return f"{fetched} {slow}".strip()
