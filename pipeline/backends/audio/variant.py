"""The checkpoints of Stable Audio 3: which one a name or a folder is, and what differs between them.

All have the same licence and 44.1 kHz stereo sound. They differ in size (small or medium), in what they were trained
on (small: sound effects or music), and in whether they are distilled. A distilled checkpoint needs 8 steps and no
guidance; a base checkpoint needs 100 steps and guidance. (Sources: the model cards of stabilityai/stable-audio-3-*.)
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ORIGINAL, CONVERTED = "model_config.json", "model_index.json"  # the file at the root that tells the format
TEXT_FOLDER = "t5gemma-b-b-ul2"  # of the text encoder, in the original format
FRAMES_PER_S, MEMORY_TOKENS, TEXT_TOKENS = 44_100 / 4096, 64, 257
MEDIUM_WIDTH = 1536  # of the transformer; the small one has 1024


@dataclass(frozen=True)
class Size:
    """What depends on the size of the checkpoint. `download_gb` is that of the original repository."""

    name: str
    window_s: float  # the longest sound that it makes at once
    download_gb: float
    memory_gb: float  # of all weights in half precision
    stem_gb: float  # for 10 s in half precision
    # For the work of one call:
    layers: int  # of the transformer
    width: int
    squares: int  # weights of a layer per token, in squares of the width
    text_squares: int  # and per token of the text
    attentions: int  # 2 in differential attention
    decoder_tflop_per_s: float  # of sound, decoded in windows; counted with torch.utils.flop_counter
    text_tflop: float = 0.047  # of one prompt

    def frames(self, duration_s: float) -> int:
        """Return the latent frames of a sound."""
        return math.ceil(duration_s * FRAMES_PER_S)

    def denoiser_tflop(self, frames: int) -> float:
        """Return the work of one step for one clip: matrix products of its tokens and the text, and attention."""
        tokens, square = frames + MEMORY_TOKENS, self.width**2
        products = 2 * square * (self.squares * tokens + self.text_squares * TEXT_TOKENS)
        attention = 4 * self.width * self.attentions * tokens * (tokens + TEXT_TOKENS)
        return 1.02 * self.layers * (products + attention) / 1e12  # 2 % for what is outside of the layers

    def decoder_tflop(self, duration_s: float) -> float:
        return self.decoder_tflop_per_s * duration_s


SMALL = Size("Small", 120.0, 3.5, 1.7, 0.4, 20, 1024, 19, 2, 1, 0.0235)
MEDIUM = Size("Medium", 380.0, 10.5, 5.2, 0.8, 24, 1536, 22, 3, 2, 0.275)


@dataclass(frozen=True)
class Variant:
    """One checkpoint."""

    size: Size
    domain: str = ""  # SFX, Music, or empty for both
    is_base: bool = False

    @property
    def title(self) -> str:
        return " ".join(filter(None, ("Stable Audio 3", self.size.name, self.domain, "Base" if self.is_base else "")))

    @property
    def steps(self) -> int:
        return 100 if self.is_base else 8

    @property
    def guidance(self) -> float:
        return 7.0 if self.is_base else 1.0


def variant_of(name: str, folder: Path | None = None) -> Variant:
    """Return the checkpoint of this name. What the files in its folder say is preferred to the name."""
    words = name.lower().replace("_", "-")
    domain = "SFX" if "sfx" in words else "Music" if "music" in words else ""
    size, is_base = MEDIUM if "medium" in words else SMALL, words.endswith("-base")
    if folder is not None:
        size, is_base = _size_in(folder, size), _is_base_in(folder, is_base)
    return Variant(size, domain if size is SMALL else "", is_base)


def text_repository_of(folder: Path) -> str:
    """Return the repository of the text encoder that the settings name; empty if they name none."""
    conditioners = _read(folder / ORIGINAL, "model", "conditioning", "configs")
    for each in conditioners if isinstance(conditioners, list) else []:
        settings = each.get("config") if isinstance(each, dict) and each.get("id") == "prompt" else None
        if isinstance(settings, dict):
            return str(settings.get("repo_id", ""))
    return ""


def _size_in(folder: Path, otherwise: Size) -> Size:
    width = _read(folder / "transformer" / "config.json", "embed_dim")
    width = width or _read(folder / ORIGINAL, "model", "diffusion", "config", "embed_dim")
    if not isinstance(width, int):
        return otherwise
    return MEDIUM if width >= MEDIUM_WIDTH else SMALL


def _is_base_in(folder: Path, otherwise: bool) -> bool:
    if (folder / "scheduler" / "scheduler_config.json").is_file():
        return _read(folder / "scheduler" / "scheduler_config.json", "stochastic_sampling") is not True
    objective = _read(folder / ORIGINAL, "model", "diffusion", "diffusion_objective")
    return otherwise if objective is None else objective != "rf_denoiser"


def _read(path: Path, *keys: str) -> Any:
    """Return the value in a JSON file; None if it is not there or the file is damaged, which loading reports."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found
