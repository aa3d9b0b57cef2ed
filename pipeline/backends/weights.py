"""Weights of the real models: which ones, whether they can run here, how they are fetched, and errors in words.

Nothing heavy is imported until weights are really looked for, and `availability` never touches the network.
"""

import errno
import hashlib
import math
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..settings import DEVICES, Settings, accelerator, has_package, on_zero_gpu

GIGABYTE, MEGABYTE = 10**9, 10**6
ZERO_GPU_MEMORY_GB = 70.0  # of the H200 slice that a call borrows; the main process cannot ask
REACH_TIMEOUT_S = 5.0
ENDS_BYTES = 1 << 16
# What a model of transformers consists of. Pickles are never fetched: reading one can run code.
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
        """What results say: of a folder its name alone, for they travel and it does not."""
        return Path(self.model).name if self.is_local else self.model

    @property
    def mark(self) -> str:
        """The revision, or of a folder a short hash that changes with the weights in it."""
        return self.revision or _mark_of_folder(Path(self.model))

    @property
    def page(self) -> str:
        return f"https://huggingface.co/{self.model}"


@cache
def _mark_of_folder(folder: Path) -> str:
    """Hash the size and both ends of each file of weights: fine-tuning changes them all, copying none."""
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
    """Return why the weights cannot be used here and what to do, or "" when they can, or can be fetched.

    `min_memory_gb` is what a machine must have whose processor and graphics share one memory, or that has no GPU;
    `config` is the file at the root of the weights (model_index.json for a pipeline of diffusers); `gated` says that
    the licence must be accepted before the repository opens.
    """
    missing = [name for name in packages if not has_package(name)]
    if missing:
        return f"it needs {' and '.join(missing)}. Run: pip install {' '.join(missing)}"
    device = accelerator(settings)
    if device not in DEVICES:
        return f"DEVICE is '{device}'. Set it to {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, or unset it."
    if device != "cuda" and memory_gb(device) < min_memory_gb:
        return f"it needs {min_memory_gb:.0f} GB of memory; this machine has {memory_gb(device):.0f}. Use a GPU."
    if weights.is_local:
        return _problem_of_folder(Path(weights.model), config)
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
    """Return what a person should expect who chooses these weights: a download, and a slow device for a heavy model."""
    is_here = weights.is_local or (has_package("huggingface_hub") and cached_folder(weights, config) is not None)
    fetched = f"The first use downloads {download_gb:.1f} GB." if download_gb and not is_here else ""
    slow = "On a CPU it is slow; it is made for a GPU." if is_heavy and accelerator(settings) == "cpu" else ""
    return f"{fetched} {slow}".strip()


def pretrained_arguments(weights: Weights, settings: Settings) -> dict[str, Any]:
    """Return what every `from_pretrained` of transformers and diffusers gets: safetensors only, no remote code."""
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
    """Return the folder of the weights, downloading what is missing.

    `files` and `ignore` are patterns of paths in the repository. `on_step` is told megabytes done and in all, from
    the threads that download; what it raises ends the download. Raises SoundscapeError with what to do.
    """
    if weights.is_local:
        problem = _problem_of_folder(Path(weights.model), config)
        if problem:
            raise SoundscapeError(problem)
        return Path(weights.model)
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    wanted = {"revision": weights.revision, "allow_patterns": list(files), "ignore_patterns": list(ignore) or None}
    token = settings.hf_token or None
    with errors_in_words(weights):
        if is_offline() or cached_folder(weights, config) is not None:
            try:  # what was downloaded once is used without asking again
                return Path(snapshot_download(weights.model, local_files_only=True, **wanted))
            except LocalEntryNotFoundError:  # not all of it is here
                if is_offline():
                    raise
        # One short question first: without a network the download would try again and again for a minute.
        HfApi(token=token).model_info(weights.model, revision=weights.revision, timeout=REACH_TIMEOUT_S)
        bar = _progress_bar(on_step) if on_step else None
        return Path(snapshot_download(weights.model, token=token, tqdm_class=bar, **wanted))


def cached_folder(weights: Weights, config: str = "config.json") -> Path | None:
    """Return the folder of weights that were downloaded before, or None; nothing is fetched to find out."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(weights.model, config, revision=weights.revision)
    if not isinstance(found, str):  # None, or a mark that the repository has no such file
        return None
    folder = Path(found).parent
    return folder if any(folder.rglob("*.safetensors")) else None


def check_complete(missing: Collection[str], weights: Weights) -> None:
    """Raise when weights are missing, which transformers would fill with random numbers."""
    if missing:
        raise SoundscapeError(
            f"{weights.model} is not complete: {len(missing)} of its weights are missing, {min(missing)} among them. "
            "Download it again, or name another model in the settings."
        )


def is_offline() -> bool:
    """True when HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the network."""
    from huggingface_hub.constants import is_offline_mode

    return is_offline_mode()


def memory_gb(device: str) -> float:
    """Return the memory that the device could have for itself, in gigabytes of 10^9 bytes."""
    if device != "cuda":
        return _machine_memory_bytes() / GIGABYTE
    return ZERO_GPU_MEMORY_GB if on_zero_gpu() else _largest_gpu_gb()


# Errors in words -----------------------------------------------------------------------------------------------------


@contextmanager
def errors_in_words(weights: Weights) -> Iterator[None]:
    """Turn what goes wrong while weights are fetched or read into a SoundscapeError that says what to do.

    transformers wraps the cause in an OSError, so the whole chain is looked at. An error that is not about weights
    goes on as it is.
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
    """The error and its causes, the first cause first: it knows most."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.insert(0, link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _one_in_words(error: BaseException, weights: Weights) -> str | None:
    from huggingface_hub import errors

    model = weights.model
    if isinstance(error, errors.GatedRepoError):  # before its base class, RepositoryNotFoundError
        return _gated(weights)
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"Hugging Face has no model '{model}', or it is private. Check the name in the settings, or set the "
            "secret HF_TOKEN to a token that may read it."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{model} has no revision '{weights.revision}'. See {weights.page}/commits/main for those it has."
    if isinstance(error, errors.HfHubHTTPError) and _status(error) in (401, 403):
        return f"Hugging Face refused access to {model}. Set the secret HF_TOKEN to a valid token that may read it."
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
        return f"{model} is of a kind that transformers does not know yet. Run: pip install --upgrade transformers"
    if isinstance(error, SafetensorError):
        return f"A weights file of {model} is damaged. Delete it from the cache of Hugging Face and try again."
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {model} does not fit. Free some space, or set HF_HOME to a folder on a larger disk."
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"{model} cannot be stored: no right to write there. Set HF_HOME to a folder that may be written."
    message = str(error)
    if "safetensors" in message and ("no file named" in message or "have a file named" in message):
        return _no_safetensors(model)
    if "not a valid JSON file" in message:
        return f"A settings file of {model} is damaged. Download it again."
    if "have a file named" in message or "find a file named" in message:
        return f"{model} is not a complete model: a file is missing. Download it again, or check the name."
    return None


def _gated(weights: Weights) -> str:
    return (
        f"{weights.model} is gated. Accept its licence at {weights.page} and set the secret HF_TOKEN to a token of "
        "the same account."
    )


def _no_safetensors(model: str) -> str:
    return f"{model} has no weights in safetensors format, and no other is read, for safety. Name one that has."


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _is_network(error: BaseException) -> bool:
    """True for the errors of whichever HTTP library huggingface_hub stands on: told by the names of their classes."""
    names = {base.__name__ for base in type(error).__mro__}
    return isinstance(error, (ConnectionError, TimeoutError)) or bool(names & {"TransportError", "TimeoutException"})


# Looking around ------------------------------------------------------------------------------------------------------


def _problem_of_folder(folder: Path, config: str) -> str:
    if not folder.is_dir():
        return f"There is no folder '{folder}'. Correct the setting, or name a model of Hugging Face."
    if not (folder / config).is_file():
        return f"The folder '{folder}' holds no {config}, so it is not a model in the format of Hugging Face."
    if not any(folder.rglob("*.safetensors")):
        return _no_safetensors(f"The folder '{folder}'")
    return ""


def _progress_bar(on_step: Callable[[int, int], None]) -> type:
    from tqdm.auto import tqdm

    most = 0  # several bars count the same bytes, on the way in and on the way to disk

    class Bar(tqdm):
        """Tells bytes to `on_step`; draws nothing."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            self.counts_bytes = options.get("unit") == "B"
            super().__init__(*arguments, **options | {"disable": True})
            self.n, self.total = options.get("initial") or 0, options.get("total")  # a disabled bar forgets them

        def update(self, n: float | None = 1) -> None:
            nonlocal most
            self.n += n or 0
            if self.counts_bytes and self.total and self.n >= most:
                most = self.n
                total = math.ceil(self.total / MEGABYTE)
                on_step(min(math.ceil(self.n / MEGABYTE), total), total)

    return Bar


def _machine_memory_bytes() -> float:
    """Physical memory, or less where a container is held to less."""
    if not hasattr(os, "sysconf"):  # Windows
        return float("inf")
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(physical, int(text)) if text.isdigit() else physical


@cache
def _largest_gpu_gb() -> float:
    """Ask the driver, so that torch need not be imported; 0 when it does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0.0
    command = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except subprocess.TimeoutExpired:  # a driver that hangs
        return 0.0
    mebibytes = [int(line) for line in answer.split() if line.isdigit()]
    return max(mebibytes, default=0) * 2**20 / GIGABYTE
