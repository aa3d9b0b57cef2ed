"""PE-AV (Vyas et al. 2025, arXiv:2512.19687) measures how well a sound fits a picture, without any words."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..audio import Clip, Samples
from ..errors import SoundscapeError
from ..settings import Settings
from . import memory
from .availability import availability
from .download import fetch
from .embedding import Vectors, stacked, unit, windows_of
from .faults import errors_in_words
from .loading import loading_bars
from .weights import Weights, check_complete, locate, pretrained_arguments

if TYPE_CHECKING:
    from torch import Tensor

    from .pe_encoders import Encoders

MODEL = "facebook/pe-av-small-16-frame"  # Apache-2.0
REVISION = "9f888eea95c83622212bb742e91bf01d3b46fe96"
PACKAGES = ("torch", "transformers")
DOWNLOAD_GB = 3.4  # estimated from published counts of parameters; the text encoder in it is not loaded
MEMORY_GB = 4.0  # half of it for a sound of 30 s
WINDOW_S = 30.0  # longer sounds are split to bound the memory, and the mean is taken
FRAMES = 16  # a picture is shown as a video of so many equal frames, as these weights were trained with 16
NAME = "pe_av"


@dataclass(frozen=True)
class Loaded:
    """A loaded model, and how it wants sounds and pictures."""

    model: "Encoders"
    extractor: Any
    side_px: int
    frames: int
    mean: Vectors
    deviation: Vectors


class PeAv:
    """Embeds pictures and sounds in one space by the model that PE_AV_MODEL names; their cosine similarity is the fit.

    Sounds and pictures are embedded one by one: beside a longer sound, padding would change the embedding.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._weights = self.weights(settings)

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        return locate(MODEL, REVISION, settings.pe_av_model)

    @property
    def reason(self) -> str:
        """Why the model cannot run here and what to do; empty if it can."""
        return availability(self._weights, self._settings, packages=PACKAGES)

    def fetch(self, on_step: Callable[[int, int], None] | None = None) -> None:
        """Download missing files. `on_step` reports megabytes."""
        with errors_in_words(self._weights):
            fetch(self._weights, self._settings, on_step=on_step)

    def audio_features(self, clips: Sequence[Clip]) -> Vectors:
        """Return the embedding of each clip, the mean over windows of 30 s, as a unit vector: shape (clips, width)."""
        with self._lent() as loaded:
            rate = loaded.extractor.sampling_rate
            windows = [windows_of(clip, rate, WINDOW_S) for clip in clips]
            flat = [window for of_clip in windows for window in of_clip]
            features = iter(memory.in_batches(flat, 1, partial(_audio_features, loaded), keep=NAME))
        return stacked([unit(np.mean([next(features) for _ in of_clip], axis=0)) for of_clip in windows])

    def picture_features(self, pictures: Sequence[Image.Image]) -> Vectors:
        """Return the embedding of each picture as a unit vector: float32, shape (pictures, width)."""
        with self._lent() as loaded:
            return stacked(memory.in_batches(pictures, 1, partial(_picture_features, loaded), keep=NAME))

    def _lent(self) -> AbstractContextManager[Loaded]:
        device = memory.placement(self._settings).device
        load = partial(self._load, device)
        return memory.resident(NAME, load, variant=str(self._weights), device=device, needed_gb=MEMORY_GB)

    def _load(self, device: str) -> Loaded:
        import torch
        from transformers import PeAudioFeatureExtractor

        with errors_in_words(self._weights), loading_bars(None):
            folder = fetch(self._weights, self._settings)
            stored = _json(folder / "config.json")
            if stored.get("model_type") != "pe_audio_video":
                raise SoundscapeError(
                    f"{self._weights.name} is a {stored.get('model_type')} model, not PE-AV. Correct PE_AV_MODEL."
                )
            from .pe_encoders import Encoders, encoders_config

            config, shape = encoders_config(stored)
            encoders: Any = Encoders  # the types of its methods know no loading report
            model, report = encoders.from_pretrained(
                folder,
                config=config,
                output_loading_info=True,
                dtype=torch.float32,
                **pretrained_arguments(Weights(str(folder)), self._settings),
            )
            extractor = PeAudioFeatureExtractor.from_pretrained(folder, local_files_only=True)
            video = _json(folder / "video_preprocessor_config.json")
        check_complete(report["missing_keys"], self._weights)
        return Loaded(
            model.eval().to(device),
            extractor,
            shape.picture_px,
            video.get("num_frames") or FRAMES,
            np.array(video.get("image_mean", [0.5] * 3), np.float32),
            np.array(video.get("image_std", [0.5] * 3), np.float32),
        )


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SoundscapeError(f"The PE-AV model has no {path.name}. Download it again.") from error
    except ValueError as error:
        raise SoundscapeError(f"The file {path.name} of the PE-AV model is damaged. Download it again.") from error
    return data if isinstance(data, dict) else {}


def _audio_features(loaded: Loaded, windows: Sequence[Samples]) -> list[Vectors]:
    import torch

    rate = loaded.extractor.sampling_rate
    with torch.inference_mode():
        inputs = [
            loaded.extractor(window, sampling_rate=rate, return_tensors="pt")["input_values"] for window in windows
        ]
        return [_vector(loaded.model.of_sounds(samples.to(loaded.model.device))) for samples in inputs]


def _picture_features(loaded: Loaded, pictures: Sequence[Image.Image]) -> list[Vectors]:
    import torch

    with torch.inference_mode():
        frames = [torch.from_numpy(_pixels(loaded, picture)).to(loaded.model.device) for picture in pictures]
        videos = [frame.expand(1, loaded.frames, *frame.shape) for frame in frames]  # uses the memory of one frame
        return [_vector(loaded.model.of_videos(video)) for video in videos]


def _pixels(loaded: Loaded, picture: Image.Image) -> Vectors:
    """Return a picture as the model wants it: squeezed into a square, shape (3, side, side)."""
    square = picture.convert("RGB").resize((loaded.side_px, loaded.side_px), Image.Resampling.BILINEAR)
    pixels = (np.asarray(square, np.float32) / 255 - loaded.mean) / loaded.deviation
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)


def _vector(found: "Tensor") -> Vectors:
    return unit(found[0].float().cpu().numpy())
