"""The weights of a model: a repository on Hugging Face or a local folder, and how libraries read them."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..settings import Settings

ENDS_BYTES = 1 << 16


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


def pretrained_arguments(weights: Weights, settings: Settings) -> dict[str, Any]:
    """Return the arguments for every `from_pretrained` of transformers and diffusers: safetensors only."""
    arguments: dict[str, Any] = {"use_safetensors": True}
    if weights.is_local or is_offline():
        arguments["local_files_only"] = True
    if not weights.is_local:
        arguments |= {"revision": weights.revision, "token": settings.hf_token or None}
    return arguments


def check_complete(missing: Collection[str], weights: Weights) -> None:
    """Raise SoundscapeError if weights are missing, which transformers would fill with random numbers."""
    if missing:
        raise SoundscapeError(
            f"{weights.name} is incomplete: {len(missing)} of its weights are missing, for example {min(missing)}. "
            "Download it again, or name another model in the settings."
        )


def is_offline() -> bool:
    """Return True if HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids use of the network."""
    from huggingface_hub.constants import is_offline_mode

    return is_offline_mode()
