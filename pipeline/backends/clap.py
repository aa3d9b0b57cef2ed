"""CLAP (Wu et al. 2023): how well a sound fits words. It chooses among several candidates of one source."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import Clip, resample
from ..errors import SoundscapeError
from ..settings import Settings
from . import memory
from .weights import Weights, availability, errors_in_words, fetch, locate, pretrained_arguments

if TYPE_CHECKING:
    import torch

MODEL = "laion/clap-htsat-unfused"  # Apache-2.0
REVISION = "8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a"
SAMPLE_RATE_HZ = 48_000  # it was trained on this and says nothing useful at any other
WINDOW_S = 10.0  # longer sounds it would crop at random; so each window is heard, and the mean taken
MEMORY_GB = 0.8
MAX_TOKENS = 77


class Clap:
    """Scores of sounds against words, by the model that CLAP_MODEL names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._weights = self.weights(settings)

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        return locate(MODEL, REVISION, settings.clap_model)

    def check(self) -> None:
        """Raise SoundscapeError when it cannot run here; better before the candidates are made than after."""
        reason = availability(self._weights, self._settings, packages=("torch", "transformers"))
        if reason:
            raise SoundscapeError(f"CLAP, which chooses among several candidates, cannot run here: {reason}")

    def scores(self, text: str, clips: Sequence[Clip]) -> list[float]:
        """Return the cosine similarity of each clip with the text, -1 to 1."""
        device = memory.placement(self._settings).device
        load = partial(self._load, device)
        with memory.resident("clap", load, variant=str(self._weights), device=device, needed_gb=MEMORY_GB) as loaded:
            import torch

            with torch.no_grad():
                words = _text_features(*loaded, text)
                return [float(words @ _audio_features(*loaded, clip)) for clip in clips]

    def _load(self, device: str) -> tuple[Any, Any]:
        from transformers import ClapModel, ClapProcessor

        with errors_in_words(self._weights):
            folder = fetch(self._weights, self._settings)
            arguments = pretrained_arguments(Weights(str(folder)), self._settings)
            model = ClapModel.from_pretrained(folder, **arguments).to(device).eval()
            return model, ClapProcessor.from_pretrained(folder, local_files_only=True)


def _text_features(model: Any, processor: Any, text: str) -> "torch.Tensor":
    tokens = processor.tokenizer([text], truncation=True, max_length=MAX_TOKENS, return_tensors="pt").to(model.device)
    return _unit(model.get_text_features(**tokens).pooler_output[0])


def _audio_features(model: Any, processor: Any, clip: Clip) -> "torch.Tensor":
    """The direction of the mean over windows of 10 s."""
    mono = resample(Clip(clip.samples.mean(axis=0, keepdims=True), clip.sample_rate), SAMPLE_RATE_HZ).samples[0]
    windows = np.array_split(mono, math.ceil(len(mono) / (WINDOW_S * SAMPLE_RATE_HZ)))
    features = processor.feature_extractor(windows, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt").to(model.device)
    return _unit(_unit(model.get_audio_features(**features).pooler_output).mean(dim=0))


def _unit(features: "torch.Tensor") -> "torch.Tensor":
    return features / features.norm(dim=-1, keepdim=True)
