"""BLIP: a small captioning model. The rules in `captions` turn its caption into a Soundscape."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from PIL import Image

from ...errors import SoundscapeError
from ...settings import Settings, accelerator, read_settings
from ...soundscape import Soundscape
from .. import Card, OnStep, loading_of, memory
from ..availability import availability, note_of
from ..download import fetch
from ..faults import errors_in_words
from ..loading import loading_bars
from ..weights import Weights, check_complete, locate, pretrained_arguments
from ..work import Work
from .captions import soundscape_of
from .outcome import Outcome, only_one, outcome_of

NAME = "blip"
MODEL = "Salesforce/blip-image-captioning-base"
# The main branch has only a pickle, which is never read; this commit has the same weights as safetensors.
REVISION = "9cfcdbcaccbcadb2b53b36d4b50042c4eeaa0c25"
PACKAGES = ("torch", "transformers")
DOWNLOAD_GB = 0.99
MEMORY_GB = 2.0
MAX_NEW_TOKENS = 40  # twice the longest captions of its training data (COCO)
BEAMS = 3  # as in the paper (Li et al. 2022)
MAX_BATCH = 16
VISION_PARAMETERS, PATCHES = 0.086e9, 577  # ViT-B/16 with pictures of 384 x 384 and a class token


@dataclass(frozen=True)
class Loaded:
    """A loaded model with its processor."""

    model: Any
    processor: Any


class Blip:
    """Describes pictures by their captions."""

    def __init__(self) -> None:
        self._settings = read_settings()
        self._weights = _weights_of(self._settings)

    @classmethod
    def card(cls, settings: Settings) -> Card:
        weights = _weights_of(settings)
        is_default = weights.model == MODEL
        download_gb = DOWNLOAD_GB if is_default else 0.0
        return Card(
            title="BLIP base" if is_default else "BLIP",
            model=weights.name,
            licence="BSD-3-Clause" if is_default else "see its page",
            revision=weights.mark,
            download_gb=download_gb,
            device=accelerator(settings),
            reason=availability(
                weights, settings, packages=PACKAGES, min_memory_gb=0.0 if weights.is_local else MEMORY_GB
            ),
            note=note_of(weights, settings, download_gb, is_heavy=False),
        )

    @classmethod
    def work(cls, settings: Settings) -> Work:
        """Return the work of one picture with the longest caption. The weights are in float32."""
        return Work(
            tflop=2 * VISION_PARAMETERS * PATCHES / 1e12,  # a multiplication and an addition per parameter and patch
            read_gb=DOWNLOAD_GB * MAX_NEW_TOKENS,
            calls=1 + MAX_NEW_TOKENS,
            weights_gb=DOWNLOAD_GB,
        )

    def fetch(self, on_step: OnStep | None = None) -> None:
        """Download missing files; load nothing. `on_step` reports megabytes."""
        fetch(self._weights, self._settings, on_step=on_step)

    def load(self, on_step: OnStep | None = None) -> None:
        """Download and load the model now instead of at the first picture."""
        with self._lent(on_step):
            pass

    def describe(self, picture: Image.Image, *, on_step: OnStep | None = None) -> Soundscape:
        """Return what would be heard in the picture.

        `on_step` reports megabytes of the download, then tensors loaded, then tokens. Raises SoundscapeError if the
        model cannot be loaded, or finds nothing in the picture but music and speech.
        """
        return only_one(self.describe_batch([picture], on_step=on_step))

    def describe_batch(self, pictures: Sequence[Image.Image], *, on_step: OnStep | None = None) -> list[Outcome]:
        """Return one outcome per picture: its soundscape or an error. At most `MAX_BATCH` pictures run at once."""
        with self._lent(on_step) as loaded:
            captions = partial(_captions, loaded, on_step=on_step)
            found = memory.in_batches([picture.convert("RGB") for picture in pictures], MAX_BATCH, captions, keep=NAME)
        return [outcome_of(soundscape_of, caption, confidence) for caption, confidence in found]

    def _lent(self, on_step: OnStep | None) -> AbstractContextManager[Loaded]:
        placement = memory.placement(self._settings)
        return memory.resident(
            NAME,
            partial(self._load, placement.device, on_step),
            variant=str(self._weights),
            device=placement.device,
            needed_gb=0.0 if self._weights.is_local else MEMORY_GB,
        )

    def _load(self, device: str, on_step: OnStep | None) -> Loaded:
        import torch
        from transformers import AutoConfig, AutoProcessor, BlipForConditionalGeneration

        from .decoding import plain_config

        with errors_in_words(self._weights):
            folder = fetch(self._weights, self._settings, on_step=loading_of(on_step))
            model_type = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
            if model_type != "blip":
                raise SoundscapeError(f"{self._weights.model} is a {model_type} model, not BLIP. Correct BLIP_MODEL.")
            processors: Any = AutoProcessor  # its methods have no types
            models: Any = BlipForConditionalGeneration  # nor does its answer with `output_loading_info`
            processor = processors.from_pretrained(folder, local_files_only=True)
            with loading_bars(on_step):
                model, report = models.from_pretrained(
                    folder,
                    output_loading_info=True,
                    dtype=torch.float32,
                    **pretrained_arguments(Weights(str(folder)), self._settings),
                )
        check_complete(report["missing_keys"], self._weights)
        writer = model.text_decoder  # the part that generates
        writer.generation_config = plain_config(writer, processor.tokenizer)
        return Loaded(model.eval().to(device), processor)


def _captions(loaded: Loaded, pictures: Sequence[Image.Image], *, on_step: OnStep | None) -> list[tuple[str, float]]:
    """Return the caption of each picture and its probability per token (geometric mean)."""
    import torch

    from .steps import StepCriteria

    inputs = loaded.processor(images=list(pictures), return_tensors="pt").to(loaded.model.device)
    if on_step:
        on_step(0, MAX_NEW_TOKENS)
    with torch.inference_mode():
        found = loaded.model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            num_beams=BEAMS,
            do_sample=False,
            length_penalty=1.0,  # the score of a beam is then the mean of its log probabilities
            return_dict_in_generate=True,
            output_scores=True,
            stopping_criteria=[StepCriteria(on_step, MAX_NEW_TOKENS)],
        )
    texts = loaded.processor.batch_decode(found.sequences, skip_special_tokens=True)
    scores = [min(1.0, math.exp(score)) for score in found.sequences_scores.tolist()]
    return [(text.strip(), score) for text, score in zip(texts, scores)]


def _weights_of(settings: Settings) -> Weights:
    return locate(MODEL, REVISION, settings.blip_model)
