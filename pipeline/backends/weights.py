"""Weights of the downloaded models: which ones, whether they can run here, downloading, and error messages.

Large libraries are imported only when weights are needed. `availability` never uses the network.
"""

import errno
import hashlib
import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..settings import DEVICES, Settings, accelerator, has_package, on_zero_gpu

GIGABYTE, MEGABYTE = 10**9, 10**6
ZERO_GPU_MEMORY_GB = 70.0  # of the H200 slice of a call, which the main process cannot query
AMPERE = 8.0  # compute capability
REACH_TIMEOUT_S = 5.0
ENDS_BYTES = 1 << 16
# The files of a transformers model. Pickles are never downloaded, because reading one can run code.
MODEL_FILES = ("*.json", "*.jinja", "*.txt", "*.safetensors")


@dataclass(frozen=True)
class Weights:
    """A repository at a revision (commit, branch or tag), or a local folder, whose revision is empty."""

    model: str
    revision: str = ""

    @property
    def is_local(self) -> bool:
        return not self.revision

    @property
    def name(self) -> str:
        """The name in results: the repository, or the name of a local folder without its path."""
        return Path(self.model).name if self.is_local else self.model

    @property
    def mark(self) -> str:
        """The revision, or for a local folder a short hash that changes with its weights."""
        return self.revision or _mark_of_folder(Path(self.model))

    @property
    def page(self) -> str:
        return f"https://huggingface.co/{self.model}"


@cache
def _mark_of_folder(folder: Path) -> str:
    """Hash the size and both ends of each weights file. Fine-tuning changes them; copying does not."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(ENDS_BYTES))
            file.seek(max(0, size - ENDS_BYTES))
            digest.update(file.read(ENDS_BYTES))
    return digest.hexdigest()[:12]


def locate(default_model: str, default_revision: str, override: str = "") -> Weights:
    """Return the weights that a setting names: "owner/name", "owner/name@revision" or a folder; empty: the default."""
    if not override:
        return Weights(default_model, default_revision)
    folder = Path(override).expanduser()
    if folder.is_dir() or override.startswith(("/", ".", "~")) or "\\" in override:
        return Weights(str(folder))
    model, _, revision = override.partition("@")
    return Weights(model, revision or (default_revision if model == default_model else "main"))


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
        return _problem_of_folder(weights, settings, config)
    if cached_folder(weights, config) is not None:
        return ""
    if is_offline():
        return f"{weights.model} is not on this machine and HF_HUB_OFFLINE is set. Unset it once to download it."
    if gated and not settings.hf_token:
        return _gated(weights)
    return ""


def note_of(
    weights: Weights, settings: Settings, download_gb: float, *, is_heavy: bool = True, config: str = "config.json"
) -> str:
    """Return what the user should expect of these weights: a download, or a slow device for a heavy model."""
    is_here = weights.is_local or (has_package("huggingface_hub") and cached_folder(weights, config) is not None)
    fetched = f"The first use downloads {download_gb:.1f} GB." if download_gb and not is_here else ""
    slow = "It is slow on a CPU; use a GPU if possible." if is_heavy and accelerator(settings) == "cpu" else ""
    return f"{fetched} {slow}".strip()


def pretrained_arguments(weights: Weights, settings: Settings) -> dict[str, Any]:
    """Return the arguments for every `from_pretrained` of transformers and diffusers: safetensors only."""
    arguments: dict[str, Any] = {"use_safetensors": True}
    if weights.is_local or is_offline():
        arguments["local_files_only"] = True
    if not weights.is_local:
        arguments |= {"revision": weights.revision, "token": settings.hf_token or None}
    return arguments


def fetch(
    weights: Weights,
    settings: Settings,
    *,
    files: tuple[str, ...] = MODEL_FILES,
    ignore: tuple[str, ...] = (),
    config: str = "config.json",
    on_step: Callable[[int, int], None] | None = None,
) -> Path:
    """Return the folder of the weights. Missing files are downloaded.

    `files` and `ignore` are patterns of paths in the repository. The download threads call `on_step` with the
    megabytes done and in total; an exception it raises ends the download. Raises SoundscapeError if the weights cannot
    be downloaded.
    """
    if weights.is_local:
        problem = _problem_of_folder(weights, settings, config)
        if problem:
            raise SoundscapeError(problem)
        return Path(weights.model)
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    download = partial(
        snapshot_download,
        weights.model,
        revision=weights.revision,
        allow_patterns=list(files),
        ignore_patterns=list(ignore) or None,
    )
    token = settings.hf_token or None
    with errors_in_words(weights):
        if is_offline() or cached_folder(weights, config) is not None:
            try:  # a complete earlier download is used without asking the hub
                return Path(download(local_files_only=True))
            except LocalEntryNotFoundError:  # the earlier download is incomplete
                if is_offline():
                    raise
        # A short request first: without a network, the download itself would retry for a minute.
        HfApi(token=token).model_info(weights.model, revision=weights.revision, timeout=REACH_TIMEOUT_S)
        bar = _progress_bar(on_step) if on_step else None
        return Path(download(token=token, tqdm_class=bar))


def cached_folder(weights: Weights, config: str = "config.json") -> Path | None:
    """Return the folder of weights that were downloaded before, or None. Nothing is downloaded."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(weights.model, config, revision=weights.revision)
    if not isinstance(found, str):  # None, or a marker that the repository has no such file
        return None
    folder = Path(found).parent
    return folder if any(folder.rglob("*.safetensors")) else None


def check_complete(missing: Collection[str], weights: Weights) -> None:
    """Raise SoundscapeError if weights are missing, which transformers would fill with random numbers."""
    if missing:
        raise SoundscapeError(
            f"{weights.model} is incomplete: {len(missing)} of its weights are missing, for example {min(missing)}. "
            "Download it again, or name another model in the settings."
        )


def is_offline() -> bool:
    """Return True if HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids use of the network."""
    from huggingface_hub.constants import is_offline_mode

    return is_offline_mode()


def memory_gb(device: str) -> float:
    """Return the total memory of the device in gigabytes (10^9 bytes)."""
    if device != "cuda":
        return _machine_memory_bytes() / GIGABYTE
    return ZERO_GPU_MEMORY_GB if on_zero_gpu() else _largest_gpu().memory_gb


def gpu_computes_bfloat16() -> bool:
    """Return False if the NVIDIA GPU is known to have no bfloat16 units, which came with Ampere (8.0)."""
    return on_zero_gpu() or not 0 < _largest_gpu().capability < AMPERE


# Error messages ------------------------------------------------------------------------------------------------------


@contextmanager
def errors_in_words(weights: Weights) -> Iterator[None]:
    """Turn errors in downloading or reading weights into a SoundscapeError that says what to do.

    transformers wraps the cause in an OSError, so the whole chain of causes is examined. Errors that are not about
    weights are raised unchanged.
    """
    try:
        yield
    except SoundscapeError:
        raise
    except Exception as error:
        words = _in_words(error, weights)
        if words is None:
            raise
        raise SoundscapeError(words) from error


def _in_words(error: BaseException, weights: Weights) -> str | None:
    for each in _chain(error):
        words = _one_in_words(each, weights)
        if words is not None:
            return words
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and its causes. The first cause comes first, because it is the most specific."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.insert(0, link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _one_in_words(error: BaseException, weights: Weights) -> str | None:
    from huggingface_hub import errors

    model = weights.name
    if isinstance(error, errors.GatedRepoError):  # before its base class, RepositoryNotFoundError
        return _gated(weights)
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"Hugging Face has no model '{model}', or it is private. Check the name in the settings, or set the "
            "secret HF_TOKEN to a token with access to it."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{model} has no revision '{weights.revision}'. Choose one from {weights.page}/commits/main."
    if isinstance(error, errors.HfHubHTTPError) and _status(error) in (401, 403):
        return f"Hugging Face refused access to {model}. Set the secret HF_TOKEN to a valid token with access to it."
    if isinstance(error, (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError)) or _is_network(error):
        return (
            f"{model} is not on this machine and Hugging Face could not be reached. Connect to the network and try "
            "again, or name a local folder in the settings."
        )
    if isinstance(error, errors.HfHubHTTPError):
        return f"Hugging Face answered with an error ({_status(error)}) for {model}. Try again in a few minutes."
    return _reading_in_words(error, model)


def _reading_in_words(error: BaseException, model: str) -> str | None:
    from safetensors import SafetensorError

    if isinstance(error, ValueError) and "does not recognize this architecture" in str(error):
        return f"The installed transformers does not support {model}. Run: pip install --upgrade transformers"
    if isinstance(error, SafetensorError):
        return f"A weights file of {model} is damaged. Delete it from the Hugging Face cache and try again."
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is too full for {model}. Free some space, or set HF_HOME to a folder on a larger disk."
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"{model} cannot be saved: the folder is read-only. Set HF_HOME to a writable folder."
    message = str(error)
    if "safetensors" in message and ("no file named" in message or "have a file named" in message):
        return _no_safetensors(model)
    if "not a valid JSON file" in message:
        return f"A settings file of {model} is damaged. Download it again."
    if "have a file named" in message or "find a file named" in message:
        return f"{model} is incomplete: a file is missing. Download it again, or check the name."
    return None


def _gated(weights: Weights) -> str:
    return (
        f"{weights.model} is gated. Accept its licence at {weights.page} and set the secret HF_TOKEN to a token of "
        "the same account."
    )


def _no_safetensors(model: str) -> str:
    return f"{model} has no weights in safetensors format. For safety, no other is read. Choose another model."


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _is_network(error: BaseException) -> bool:
    """Return True for network errors of any HTTP library that huggingface_hub uses, by the names of their classes."""
    names = {base.__name__ for base in type(error).__mro__}
    return isinstance(error, (ConnectionError, TimeoutError)) or bool(names & {"TransportError", "TimeoutException"})


# This machine --------------------------------------------------------------------------------------------------------


def _problem_of_folder(weights: Weights, settings: Settings, config: str) -> str:
    """Return what is wrong with a local folder, empty if nothing. Visitors read it, so it does not tell the path."""
    folder, setting = Path(weights.model), _setting_of(weights, settings)
    if not folder.is_dir():
        return f"There is no folder '{weights.name}'. Correct {setting}, or set it to a model on Hugging Face."
    if not (folder / config).is_file():
        return (
            f"The folder '{weights.name}' has no {config}, so it is not a Hugging Face model. "
            f"Set {setting} to another folder."
        )
    if not any(folder.rglob("*.safetensors")):
        return _no_safetensors(f"The folder '{weights.name}' of {setting}")
    return ""


def _setting_of(weights: Weights, settings: Settings) -> str:
    """Return the environment variable that holds this folder."""
    values = {
        each.name.upper(): getattr(settings, each.name) for each in fields(settings) if each.name.endswith("_model")
    }
    return next((name for name, value in values.items() if value and locate("", "", value) == weights), "the setting")


def _progress_bar(on_step: Callable[[int, int], None]) -> type[Any]:
    from tqdm.auto import tqdm

    most: float = 0  # several bars count the same bytes: when received and when written

    class Bar(tqdm):  # type: ignore[type-arg]  # generic in its stubs only
        """Reports bytes to `on_step` and draws nothing."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            self.counts_bytes = options.get("unit") == "B"
            super().__init__(*arguments, **options | {"disable": True})
            self.n, self.total = options.get("initial") or 0, options.get("total")  # a disabled bar drops them

        def update(self, n: float | None = 1) -> None:
            nonlocal most
            self.n += n or 0
            if self.counts_bytes and self.total and self.n >= most:
                most = self.n
                total = math.ceil(self.total / MEGABYTE)
                on_step(min(math.ceil(self.n / MEGABYTE), total), total)

    return Bar


def _machine_memory_bytes() -> float:
    """Return the physical memory, or the limit of the container if that is lower."""
    if not hasattr(os, "sysconf"):  # Windows
        return float("inf")
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(physical, int(text)) if text.isdigit() else physical


@dataclass(frozen=True)
class _Gpu:
    memory_gb: float = 0.0
    capability: float = 0.0  # CUDA compute capability, such as 7.5 of a T4; 0 if unknown


@cache
def _largest_gpu() -> _Gpu:
    """Ask the driver, to avoid importing torch. All is 0 if it does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return _Gpu()
    command = [tool, "--query-gpu=memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except subprocess.TimeoutExpired:  # a driver that hangs
        return _Gpu()
    rows = re.findall(r"^(\d+), *(\d+\.\d+)?", answer, re.MULTILINE)  # mebibytes, "[N/A]" for what it cannot say
    found = (_Gpu(int(mebibytes) * 2**20 / GIGABYTE, float(capability or 0)) for mebibytes, capability in rows)
    return max(found, key=lambda gpu: gpu.memory_gb, default=_Gpu())
