"""The Qwen vision-language models: public ones, the families that transformers knows, and the choice for a device."""

from dataclasses import dataclass
from pathlib import Path

from ...settings import Settings, accelerator
from ..machine import GIGABYTE, memory_gb
from ..weights import Weights, locate

ROOMY_GPU_GB = 20.0  # enough for 7B in 16 bits with pictures and answers
ROOMY_MAC_GB = 32.0  # shared with the system
ROOM = 1.2  # memory needed per byte of weights: the weights, pictures and answers


@dataclass(frozen=True)
class Variant:
    """A public model. Its revision is a commit, so its weights never change."""

    title: str
    revision: str
    licence: str
    download_gb: float  # the weights in bfloat16


@dataclass(frozen=True)
class Family:
    """How transformers loads the models of one type, and how they write bounding boxes."""

    processor: str  # class of transformers
    counts_pixels: bool = False  # boxes are in pixels, not in thousandths


LARGE, SMALL, TINY = "Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-4B-Instruct", "Qwen/Qwen3.5-2B"
APACHE = "Apache-2.0"
VARIANTS = {
    LARGE: Variant("Qwen2.5-VL 7B", "cc594898137f460bfe9f0759e9844b3ce807cfb5", APACHE, 16.6),
    SMALL: Variant("Qwen3-VL 4B", "ebb281ec70b05090aa6165b016eac8ec08e71b17", APACHE, 8.9),
    TINY: Variant("Qwen3.5 2B", "15852e8c16360a2fea060d615a32b45270f8a8fc", APACHE, 4.6),
    "Qwen/Qwen2.5-VL-3B-Instruct": Variant(
        "Qwen2.5-VL 3B", "66285546d2b821cf421d4f5eb2576359d3770cd3", "Qwen Research (not for commercial use)", 7.5
    ),
    "Qwen/Qwen3.5-0.8B": Variant("Qwen3.5 0.8B", "2fc06364715b967f1860aea9cf38778875588b17", APACHE, 1.8),
    "Qwen/Qwen3.5-4B": Variant("Qwen3.5 4B", "851bf6e806efd8d0a36b00ddf55e13ccb7b8cd0a", APACHE, 9.3),
    "Qwen/Qwen3.5-9B": Variant("Qwen3.5 9B", "c202236235762e1c871ad0ccb60c8ee5ba337b9a", APACHE, 19.3),
}
# By `model_type` in config.json. Qwen3.5 has the picture processor of Qwen3-VL.
FAMILIES = {
    "qwen2_5_vl": Family("Qwen2_5_VLProcessor", counts_pixels=True),
    "qwen3_vl": Family("Qwen3VLProcessor"),
    "qwen3_5": Family("Qwen3VLProcessor"),
}


def weights_of(settings: Settings) -> Weights:
    """Return the weights that QWEN_VL_MODEL names, or else those of the largest model that fits the device."""
    named = settings.qwen_vl_model.partition("@")[0]
    model = named if named in VARIANTS else _fitting(accelerator(settings))
    return locate(model, VARIANTS[model].revision, settings.qwen_vl_model)


def size_gb(weights: Weights) -> float:
    """Return the size of the weights in gigabytes (10^9 bytes); 0 for an unknown model on the hub."""
    if weights.is_local:
        return folder_gb(Path(weights.model))
    return VARIANTS[weights.model].download_gb if weights.model in VARIANTS else 0.0


def folder_gb(folder: Path) -> float:
    """Return the size of the safetensors files in a folder, in gigabytes (10^9 bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / GIGABYTE


def _fitting(device: str) -> str:
    """Return the default model. A small GPU borrows main memory, so only other devices need the smallest one."""
    room_gb = memory_gb(device)
    roomy_gb = {"cuda": ROOMY_GPU_GB, "mps": ROOMY_MAC_GB}.get(device)
    if roomy_gb is not None and room_gb >= roomy_gb:
        return LARGE
    return TINY if device != "cuda" and room_gb < ROOM * VARIANTS[SMALL].download_gb else SMALL
