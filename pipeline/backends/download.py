"""Downloading weights, and finding those that are already on this machine."""

import json
import math
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..settings import Settings
from .faults import errors_in_words, problem_of_folder
from .weights import Weights, is_offline

MEGABYTE = 10**6
REACH_TIMEOUT_S = 5.0
SHARD = re.compile(r"-\d+-of-\d+\.")  # in the name of a part of the weights; an index lists all of them
# The files of a transformers model. Pickles are never downloaded, because reading one can run code.
MODEL_FILES = ("*.json", "*.jinja", "*.txt", "*.safetensors")


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
        problem = problem_of_folder(weights, settings, config)
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
        return Path(download(token=token, tqdm_class=progress_bar(on_step)))


def cached_folder(weights: Weights, config: str = "config.json") -> Path | None:
    """Return the folder of weights that were completely downloaded before, or None. Nothing is downloaded."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(weights.model, config, revision=weights.revision)
    if not isinstance(found, str):  # None, or a marker that the repository has no such file
        return None
    folder = Path(found).parent
    return folder if _is_whole(folder) else None


@cache
def is_open(weights: Weights, config: str, token: str) -> bool:
    """Return False if Hugging Face refuses this token access to gated weights. True if it cannot be asked now."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    address = hf_hub_url(weights.model, config, revision=weights.revision)
    try:
        get_hf_file_metadata(address, token=token, timeout=REACH_TIMEOUT_S)
    except HfHubHTTPError as error:
        return error.response is None or error.response.status_code not in (401, 403)
    except Exception:  # no network: the download will say so
        return True
    return True


def _is_whole(folder: Path) -> bool:
    """Return True if every part of a downloaded model has its settings and weights.

    A download that was stopped leaves parts out. ZeroGPU deletes weights files once it has packed them, which leaves
    links to nothing.
    """
    index = folder / "model_index.json"  # of a diffusers pipeline, whose parts are folders
    if not index.is_file():
        return _has_weights(folder)
    parts = [folder / name for name, kind in _json(index).items() if _is_part(kind)]
    # Tokenizers and schedulers have no weights, and settings with other names.
    return all(part.is_dir() and (not (part / "config.json").exists() or _has_weights(part)) for part in parts)


def _is_part(kind: Any) -> bool:
    return isinstance(kind, list) and all(kind)  # [library, class]; [null, null] for one that is not used


def _has_weights(part: Path) -> bool:
    files = list(part.glob("*.safetensors"))
    maps = [_json(index).get("weight_map", {}) for index in part.glob("*.safetensors.index.json")]
    shards = {part / name for each in maps for name in each.values()}
    lacks_index = not maps and all(SHARD.search(path.name) for path in files)
    return bool(files) and not lacks_index and all(path.exists() for path in {*files, *shards})


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def progress_bar(on_step: Callable[[int, int], None] | None) -> type[Any]:
    """Return a class for the bars of a download. They draw nothing and report megabytes to `on_step`."""
    from tqdm.auto import tqdm

    most: float = 0  # several bars count the same bytes: when received and when written

    class Bar(tqdm):  # type: ignore[type-arg]  # generic in its stubs only
        """Counts the bytes of one file, or of all."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            self.counts_bytes = options.get("unit") == "B"
            super().__init__(*arguments, **options | {"disable": True})
            self.n, self.total = options.get("initial") or 0, options.get("total")  # a disabled bar drops them

        def update(self, n: float | None = 1) -> None:
            nonlocal most
            self.n += n or 0
            if on_step and self.counts_bytes and self.total and self.n >= most:
                most = self.n
                total = math.ceil(self.total / MEGABYTE)
                on_step(min(math.ceil(self.n / MEGABYTE), total), total)

    return Bar
