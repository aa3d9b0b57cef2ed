"""Settings from environment variables, and what this machine can run.

docs/spaces.md lists every variable. Nothing here imports torch, because the page is served before torch is loaded.
"""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

DEVICES = ("cuda", "mps", "cpu")


@dataclass(frozen=True)
class Settings:
    """One field per environment variable, whose name is the same in capitals. `read_settings` fills it.

    Every `*_model` is the id of a Hugging Face repository or a local folder.
    """

    vision_backend: str = ""  # empty: the best backend that runs here
    audio_backend: str = ""
    qwen_vl_model: str = ""  # empty: the default of the backend
    blip_model: str = ""
    audioldm2_model: str = ""
    stable_audio_model: str = ""
    stable_audio_canvas: str = "full"  # full | fitted (to the requested duration, which is less work)
    stable_audio_3_model: str = ""
    clap_model: str = ""
    clip_model: str = ""  # CLIP or SigLIP
    preload: str = ""  # models that a ZeroGPU Space loads at start besides the two defaults, separated by commas
    gpu_limit_s: str = ""  # GPU seconds that one call may ask for on ZeroGPU; empty: 120
    pe_av_model: str = ""  # empty: results are not scored by PE-AV, unless asked for
    device: str = ""  # cuda | mps | cpu; empty: the fastest available
    allowed_hosts: str = ""  # host names that the app accepts, separated by commas; * accepts any
    scratch_gb: str = ""  # disk space for visitors' files; empty: 2 GB, or a tenth of the free disk if that is less
    job_limit_s: str = ""  # seconds that a job of the app may run; empty: 3600; 0: no limit
    stem_cache_gb: str = ""  # disk space for stems that were made before; empty: 1; 0: none
    log_format: str = ""  # json: one JSON object per event; empty: lines of text
    hf_token: str = field(default="", repr=False)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings. A variable that is unset or blank keeps its default."""
    values = {each.name: environment.get(each.name.upper(), "").strip() for each in fields(Settings)}
    values["hf_token"] = values["hf_token"] or environment.get("HUGGING_FACE_TOKEN", "").strip()
    return Settings(**{name: value for name, value in values.items() if value})


def on_zero_gpu(environment: Mapping[str, str] = os.environ) -> bool:
    """Return True in a Space that gets a GPU only for the duration of each call (ZeroGPU)."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "yes")


def accelerator(settings: Settings | None = None) -> str:
    """Return the device to use: the DEVICE setting, or else the one of DEVICES that torch would find.

    torch is not imported. The answer follows from its installed build and from the presence of an NVIDIA driver.
    Backends ask torch itself when they load.
    """
    wanted = (settings or read_settings()).device
    if wanted:
        return wanted
    if not has_package("torch"):
        return "cpu"
    if on_zero_gpu():
        return "cuda"
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "mps"
    built_for_cpu = importlib.metadata.version("torch").endswith("+cpu")
    has_driver = Path("/proc/driver/nvidia/gpus").is_dir() or shutil.which("nvidia-smi") is not None
    return "cuda" if has_driver and not built_for_cpu else "cpu"


def has_package(name: str) -> bool:
    """Return True if the package can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None
