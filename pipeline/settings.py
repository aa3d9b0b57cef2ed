"""Settings from the environment, and what this machine can run.

Every variable is listed in the README. Nothing here imports torch: the page must be served before that.
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
    """One field for each environment variable of the same name in capitals; `read_settings` fills it.

    Every `*_model` may be the id of a repository or a local folder.
    """

    vision_backend: str = ""  # empty: the best that can run here
    audio_backend: str = ""
    qwen_vl_model: str = ""  # empty: the default of the backend
    blip_model: str = ""
    audioldm2_model: str = ""
    stable_audio_model: str = ""
    stable_audio_canvas: str = "full"  # full | fitted: to the wanted length, which is less work
    stable_audio_3_model: str = ""
    clap_model: str = ""
    clip_model: str = ""  # CLIP or SigLIP
    device: str = ""  # cuda | mps | cpu; empty: the fastest there is
    allowed_hosts: str = ""  # host names by which the app may be called, with commas between them; * for any
    scratch_gb: str = ""  # what visitors' files may take on the disk; empty: 2, or a tenth of the free disk
    hf_token: str = field(default="", repr=False)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings; a variable that is unset or blank keeps its default."""
    values = {each.name: environment.get(each.name.upper(), "").strip() for each in fields(Settings)}
    values["hf_token"] = values["hf_token"] or environment.get("HUGGING_FACE_TOKEN", "").strip()
    return Settings(**{name: value for name, value in values.items() if value})


def on_zero_gpu(environment: Mapping[str, str] = os.environ) -> bool:
    """True in a Space that borrows a GPU for each call (ZeroGPU)."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "true", "yes")


def accelerator(settings: Settings | None = None) -> str:
    """Return one of DEVICES: what torch would find here, told without importing it; or what DEVICE says.

    It looks at the installed build of torch and for the NVIDIA driver. A backend asks torch itself when it loads.
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
    """True when the package can be imported; nothing is imported to find out."""
    return importlib.util.find_spec(name) is not None
