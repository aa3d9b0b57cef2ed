"""CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023) measure how well a picture fits a text."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from ...errors import SoundscapeError
from ...settings import Settings
from .. import memory
from ..availability import availability
from ..download import MODEL_FILES, fetch
from ..embedding import Vectors, stacked, unit
from ..faults import errors_in_words
from ..loading import loading_bars
from ..weights import Weights, check_complete, locate, pretrained_arguments

MODEL = "openai/clip-vit-base-patch32"  # MIT, according to its model card
# The main branch has only a pickle, which is never read; this commit adds the same weights as safetensors.
REVISION = "c237dc49a33fc61debc9276459120b7eac67e7ef"
PACKAGES = ("torch", "transformers")
DOWNLOAD_GB = 0.6
FILES = (*MODEL_FILES, "*.model")  # *.model: the vocabulary of the first SigLIP
FAMILIES = ("clip", "siglip")  # SigLIP 2 with a fixed picture size is of type siglip too
MEMORY_GB = 1.0
MAX_BATCH = 16
NAME = "clip"


@dataclass(frozen=True)
class Loaded:
    """A loaded model with its processor and tokenizer."""

    model: Any
    processor: Any
    tokenizer: Any
    max_tokens: int


class PictureText:
    """Embeds pictures and texts in one space by the model that CLIP_MODEL names; their cosine similarity is the fit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._weights = self.weights(settings)

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        return locate(MODEL, REVISION, settings.clip_model)

    @property
    def reason(self) -> str:
        """Why the model cannot run here and what to do; empty if it can."""
        return availability(self._weights, self._settings, packages=PACKAGES)

    def fetch(self, on_step: Callable[[int, int], None] | None = None) -> None:
        """Download missing files. `on_step` reports megabytes."""
        with errors_in_words(self._weights):
            fetch(self._weights, self._settings, files=FILES, on_step=on_step)

    def text_features(self, texts: Sequence[str]) -> Vectors:
        """Return the embedding of each text as a unit vector: float32, shape (texts, width)."""
        with self._lent() as loaded:
            return stacked(memory.in_batches(texts, MAX_BATCH, partial(_text_features, loaded), keep=NAME))

    def picture_features(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Return the embedding of each picture as a unit vector: float32, shape (pictures, width)."""
        with self._lent() as loaded:
            return stacked(memory.in_batches(pictures, MAX_BATCH, partial(_picture_features, loaded), keep=NAME))

    def _lent(self) -> AbstractContextManager[Loaded]:
        device = memory.placement(self._settings).device
        load = partial(self._load, device)
        return memory.resident(NAME, load, variant=str(self._weights), device=device, needed_gb=MEMORY_GB)

    def _load(self, device: str) -> Loaded:
        import torch
        from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

        with errors_in_words(self._weights), loading_bars(None):
            folder = fetch(self._weights, self._settings, files=FILES)
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            if config.model_type not in FAMILIES:
                raise SoundscapeError(
                    f"{self._weights.model} is a {config.model_type} model, not CLIP or SigLIP. Correct CLIP_MODEL."
                )
            processors: Any = AutoImageProcessor  # its methods have no types
            processor = processors.from_pretrained(folder, local_files_only=True)
            tokenizer = _tokenizer(AutoTokenizer, folder)
            model, report = AutoModel.from_pretrained(
                folder,
                output_loading_info=True,
                dtype=torch.float32,
                **pretrained_arguments(Weights(str(folder)), self._settings),
            )
        check_complete(report["missing_keys"], self._weights)
        return Loaded(model.eval().to(device), processor, tokenizer, config.text_config.max_position_embeddings)


def _tokenizer(kind: Any, folder: Path) -> Any:
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except ImportError as error:  # the first SigLIP; SigLIP 2 and CLIP need no other package
        raise SoundscapeError(
            "This model needs sentencepiece. Run: pip install sentencepiece protobuf. Or set CLIP_MODEL to "
            "google/siglip2-base-patch16-224, which does not need it."
        ) from error


def _text_features(loaded: Loaded, texts: Sequence[str]) -> list[Vectors]:
    import torch

    # SigLIP was trained on lower-case texts padded to the maximum length. CLIP's tokenizer lowers the case itself.
    is_siglip = loaded.model.config.model_type != "clip"
    tokens = loaded.tokenizer(
        [text.lower() for text in texts],
        padding="max_length" if is_siglip else True,
        truncation=True,
        max_length=loaded.max_tokens,
        return_attention_mask=not is_siglip,
        return_tensors="pt",
    )
    with torch.inference_mode():
        return _unit_vectors(loaded.model.get_text_features(**tokens.to(loaded.model.device)))


def _picture_features(loaded: Loaded, pictures: Sequence[Image.Image]) -> list[Vectors]:
    import torch

    inputs = loaded.processor(images=[picture.convert("RGB") for picture in pictures], return_tensors="pt")
    with torch.inference_mode():
        return _unit_vectors(loaded.model.get_image_features(**inputs.to(loaded.model.device)))


def _unit_vectors(found: Any) -> list[Vectors]:
    features = found.pooler_output.float().cpu().numpy()
    return list(unit(features))
