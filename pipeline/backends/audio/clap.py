"""CLAP (Wu et al. 2023) measures how well a sound fits a text. It ranks candidates and scores finished results."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from ...audio import Clip, Samples
from ...errors import SoundscapeError
from ...settings import Settings
from .. import memory
from ..availability import availability
from ..download import fetch
from ..embedding import Vectors, stacked, unit, windows_of
from ..faults import errors_in_words
from ..loading import loading_bars
from ..weights import Weights, locate, pretrained_arguments

MODEL = "laion/clap-htsat-unfused"  # Apache-2.0
REVISION = "8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a"
PACKAGES = ("torch", "transformers")
DOWNLOAD_GB = 0.6
SAMPLE_RATE_HZ = 48_000  # the rate of its training data; scores at other rates are meaningless
WINDOW_S = 10.0  # it would crop longer sounds at random, so they are split, and the mean is taken
MEMORY_GB = 0.8
MAX_TOKENS = 77
MAX_BATCH = 16  # windows or texts at once
NAME = "clap"


class Clap:
    """Embeds sounds and texts in one space by the model that CLAP_MODEL names; their cosine similarity is the fit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._weights = self.weights(settings)

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        return locate(MODEL, REVISION, settings.clap_model)

    @property
    def reason(self) -> str:
        """Why CLAP cannot run here and what to do; empty if it can."""
        return availability(self._weights, self._settings, packages=PACKAGES)

    def check(self) -> None:
        """Raise SoundscapeError if CLAP cannot run here. Called before the candidates are made."""
        if self.reason:
            raise SoundscapeError(f"CLAP, which ranks the candidates, cannot run here: {self.reason}")

    def scores(self, text: str, clips: Sequence[Clip]) -> list[float]:
        """Return the cosine similarity of each clip with the text, -1 to 1."""
        with self._lent():  # loads once for both
            return [float(score) for score in self.audio_features(clips) @ self.text_features([text])[0]]

    def text_features(self, texts: Sequence[str]) -> Vectors:
        """Return the embedding of each text as a unit vector: float32, shape (texts, width)."""
        with self._lent() as loaded:
            return stacked(memory.in_batches(texts, MAX_BATCH, partial(_text_features, *loaded), keep=NAME))

    def audio_features(self, clips: Sequence[Clip]) -> Vectors:
        """Return the embedding of each clip, the mean over windows of 10 s, as a unit vector: shape (clips, width)."""
        windows = [windows_of(clip, SAMPLE_RATE_HZ, WINDOW_S) for clip in clips]
        with self._lent() as loaded:
            flat = [window for of_clip in windows for window in of_clip]
            features = iter(memory.in_batches(flat, MAX_BATCH, partial(_audio_features, *loaded), keep=NAME))
        return stacked([unit(np.mean([next(features) for _ in of_clip], axis=0)) for of_clip in windows])

    def _lent(self) -> AbstractContextManager[tuple[Any, Any]]:
        device = memory.placement(self._settings).device
        load = partial(self._load, device)
        return memory.resident(NAME, load, variant=str(self._weights), device=device, needed_gb=MEMORY_GB)

    def fetch(self, on_step: Callable[[int, int], None] | None = None) -> None:
        """Download missing files. `on_step` reports megabytes."""
        with errors_in_words(self._weights):
            fetch(self._weights, self._settings, on_step=on_step)

    def _load(self, device: str) -> tuple[Any, Any]:
        from transformers import ClapModel, ClapProcessor

        with errors_in_words(self._weights), loading_bars(None):
            folder = fetch(self._weights, self._settings)
            arguments = pretrained_arguments(Weights(str(folder)), self._settings)
            model: Any = ClapModel.from_pretrained(folder, **arguments)
            model = model.to(device).eval()
            return model, ClapProcessor.from_pretrained(folder, local_files_only=True)


def _text_features(model: Any, processor: Any, texts: Sequence[str]) -> list[Vectors]:
    import torch

    tokens = processor.tokenizer(
        list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    ).to(model.device)
    with torch.inference_mode():
        return list(unit(model.get_text_features(**tokens).pooler_output.float().cpu().numpy()))


def _audio_features(model: Any, processor: Any, windows: Sequence[Samples]) -> list[Vectors]:
    import torch

    inputs = processor.feature_extractor(list(windows), sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
    with torch.inference_mode():
        return list(unit(model.get_audio_features(**inputs.to(model.device)).pooler_output.float().cpu().numpy()))
