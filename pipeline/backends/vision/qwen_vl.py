"""Qwen2.5-VL and Qwen3-VL: vision-language models that write the soundscape as JSON.

Decoding is greedy and constrained by a JSON schema, so every complete answer is valid. Text in the picture can change
the content of the answer, never its form.
"""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from ...errors import SoundscapeError, did_you_mean
from ...settings import Settings, accelerator, read_settings
from ...soundscape import Soundscape
from .. import Card, OnStep, memory
from ..availability import availability, note_of
from ..download import fetch
from ..faults import errors_in_words
from ..machine import GIGABYTE, memory_gb
from ..weights import Weights, check_complete, locate, pretrained_arguments
from .answer import FULL, SHORT, Demand, Frame, answer_schema, pixels, read_answer, thousandths
from .instruction import read_instruction
from .outcome import Outcome, only_one, outcome_of

NAME = "qwen2.5-vl"
PACKAGES = ("torch", "transformers", "accelerate", "llguidance")
MAX_VISUAL_TOKENS = 640  # of 28 x 28 or 32 x 32 pixels: 812 x 616 or 928 x 704 in all
MAX_NEW_TOKENS = 1024  # a source takes about 80, estimated from its JSON: enough for eight, with a margin
MAX_BATCH = 8
MAX_ASPECT = 100  # ratio of the picture's sides; the image processor refuses more than 200
ROOMY_GPU_GB = 20.0  # enough for 7B in 16 bits with pictures and answers
ROOMY_MAC_GB = 32.0  # shared with the system

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """A public model. Its revision is a commit, so its weights never change."""

    title: str
    revision: str
    licence: str
    download_gb: float


LARGE, SMALL = "Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-4B-Instruct"
VARIANTS = {
    LARGE: Variant("Qwen2.5-VL 7B", "cc594898137f460bfe9f0759e9844b3ce807cfb5", "Apache-2.0", 16.6),
    SMALL: Variant("Qwen3-VL 4B", "ebb281ec70b05090aa6165b016eac8ec08e71b17", "Apache-2.0", 8.9),
    "Qwen/Qwen2.5-VL-3B-Instruct": Variant(
        "Qwen2.5-VL 3B", "66285546d2b821cf421d4f5eb2576359d3770cd3", "Qwen Research (not for commercial use)", 7.5
    ),
}
PROCESSORS = {"qwen2_5_vl": "Qwen2_5_VLProcessor", "qwen3_vl": "Qwen3VLProcessor"}


@dataclass(frozen=True)
class Loaded:
    """A loaded model with its processor."""

    model: Any
    processor: Any
    tokens: Any  # the vocabulary, for constrained decoding
    counts_pixels: bool  # boxes are in pixels, not in thousandths

    def frame(self, picture: Image.Image) -> Frame:
        """Return the coordinate system of this model for this picture."""
        if not self.counts_pixels:
            return thousandths()
        images = self.processor.image_processor
        _, rows, columns = images(images=[picture])["image_grid_thw"][0]
        return pixels(int(columns) * images.patch_size, int(rows) * images.patch_size)


class QwenVL:
    """Describes pictures, several per call if wanted."""

    def __init__(self) -> None:
        self._settings = read_settings()
        self._weights = weights_of(self._settings)

    @classmethod
    def card(cls, settings: Settings) -> Card:
        weights = weights_of(settings)
        known = VARIANTS.get(weights.model)
        download_gb = known.download_gb if known else 0.0
        return Card(
            title=known.title if known else "Qwen-VL",
            model=weights.name,
            licence=known.licence if known else "see its page",
            revision=weights.mark,
            download_gb=download_gb,
            device=accelerator(settings),
            reason=availability(weights, settings, packages=PACKAGES, min_memory_gb=1.2 * _size_gb(weights)),
            note=f"{note_of(weights, settings, download_gb)} {memory.offload_note(accelerator(settings))}".strip(),
        )

    def load(self, on_step: OnStep | None = None) -> None:
        """Download and load the model now instead of at the first picture."""
        with self._lent(on_step):
            pass

    def describe(self, picture: Image.Image, *, on_step: OnStep | None = None) -> Soundscape:
        """Return what would be heard in the picture.

        `on_step` reports megabytes during the download, then tokens. Raises SoundscapeError if the model cannot be
        loaded, finds nothing but speech or music, or does not finish its answer in two attempts.
        """
        return only_one(self.describe_batch([picture], on_step=on_step))

    def describe_batch(self, pictures: Sequence[Image.Image], *, on_step: OnStep | None = None) -> list[Outcome]:
        """Return one outcome per picture: its soundscape or an error. At most `MAX_BATCH` pictures run at once."""
        with self._lent(on_step) as loaded:
            answer = partial(self._described, loaded, on_step=on_step)
            return memory.in_batches([_shapely(picture) for picture in pictures], MAX_BATCH, answer, keep=NAME)

    def request(self, picture: Image.Image, frame: Frame, demand: Demand = FULL) -> list[dict[str, Any]]:
        """Return the messages for one picture, in the form that the chat template expects."""
        instruction = read_instruction(max_sources=demand.sources, boxes=frame.words)
        parts = [{"type": "image", "image": picture}, {"type": "text", "text": instruction}]
        return [{"role": "user", "content": parts}]

    def _described(self, loaded: Loaded, pictures: Sequence[Image.Image], *, on_step: OnStep | None) -> list[Outcome]:
        frames = [loaded.frame(picture) for picture in pictures]
        texts = self._answers(loaded, pictures, frames, FULL, on_step)
        found = [outcome_of(read_answer, text, frame) for text, frame in zip(texts, frames)]
        cut = [place for place, outcome in enumerate(found) if outcome is None]
        if cut:
            _log.info("%d of %d answers were cut off; asking for shorter ones", len(cut), len(pictures))
            again, same = [pictures[place] for place in cut], [frames[place] for place in cut]
            for place, text in zip(cut, self._answers(loaded, again, same, SHORT, on_step)):
                found[place] = outcome_of(read_answer, text, frames[place])
        endless = SoundscapeError(
            f"The model did not finish its answer within {MAX_NEW_TOKENS} tokens, even when asked for a short one. "
            "Try another picture or another vision backend."
        )
        return [endless if outcome is None else outcome for outcome in found]

    def _answers(
        self,
        loaded: Loaded,
        pictures: Sequence[Image.Image],
        frames: Sequence[Frame],
        demand: Demand,
        on_step: OnStep | None,
    ) -> list[str]:
        """Return the answers as JSON texts. An answer that was cut off is incomplete."""
        import torch

        from .constrained import SchemaProcessor
        from .steps import StepCriteria

        inputs = loaded.processor.apply_chat_template(
            [self.request(picture, frame, demand) for picture, frame in zip(pictures, frames)],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        ).to(loaded.model.device)
        constraint = SchemaProcessor(loaded.tokens, [answer_schema(demand, frame) for frame in frames])
        with torch.inference_mode():
            tokens = loaded.model.generate(
                **inputs,
                max_new_tokens=MAX_NEW_TOKENS,
                do_sample=False,
                temperature=None,  # overrides the sampling settings of the public models
                top_p=None,
                top_k=None,
                logits_processor=[constraint],
                stopping_criteria=[StepCriteria(on_step, MAX_NEW_TOKENS)],
            )
        new = tokens[:, inputs["input_ids"].shape[1] :]
        texts: list[str] = loaded.processor.batch_decode(new, skip_special_tokens=True)
        return texts

    # Loading ---------------------------------------------------------------------------------------------------------

    def _lent(self, on_step: OnStep | None) -> AbstractContextManager[Loaded]:
        placement = memory.placement(self._settings)
        size_gb = _size_gb(self._weights)
        return memory.resident(
            NAME,
            partial(self._load, placement, on_step),
            variant=str(self._weights),
            device=placement.device,
            needed_gb=1.2 * size_gb,
        )

    def _load(self, placement: memory.Placement, on_step: OnStep | None) -> Loaded:
        import torch
        from transformers import AutoConfig, AutoModelForImageTextToText

        from .constrained import token_table

        if on_step:
            on_step(0, MAX_NEW_TOKENS)
        with errors_in_words(self._weights):
            folder = fetch(self._weights, self._settings, on_step=on_step)
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            if config.model_type not in PROCESSORS:
                raise SoundscapeError(
                    f"{self._weights.model} is a {config.model_type} model, not Qwen-VL. Correct QWEN_VL_MODEL."
                    f"{did_you_mean(config.model_type, list(PROCESSORS))}"
                )
            processor = image_processor_and_tokenizer(folder, config.model_type)
            models: Any = AutoModelForImageTextToText  # its answer with `output_loading_info` has no type
            model, report = models.from_pretrained(
                folder,
                output_loading_info=True,
                dtype=getattr(torch, _precision(placement.device, _folder_gb(folder))),
                device_map="auto" if placement.offload else {"": placement.device},
                **pretrained_arguments(Weights(str(folder)), self._settings),
            )
        check_complete(report["missing_keys"], self._weights)
        tokens = token_table(processor.tokenizer, model.config.get_text_config().vocab_size)
        return Loaded(model.eval(), processor, tokens, counts_pixels=config.model_type == "qwen2_5_vl")


def weights_of(settings: Settings) -> Weights:
    """Return the weights that QWEN_VL_MODEL names, or else those of the largest model that fits the device."""
    device = accelerator(settings)
    roomy_gb = {"cuda": ROOMY_GPU_GB, "mps": ROOMY_MAC_GB}.get(device)
    model = LARGE if roomy_gb is not None and memory_gb(device) >= roomy_gb else SMALL
    named = settings.qwen_vl_model.partition("@")[0]
    model = named if named in VARIANTS else model
    return locate(model, VARIANTS[model].revision, settings.qwen_vl_model)


def image_processor_and_tokenizer(folder: Path, model_type: str) -> Any:
    """Return the model's processor without its video part, limited to `MAX_VISUAL_TOKENS` per picture.

    The video part needs torchvision; without it, AutoProcessor fails.
    """
    import transformers

    base: Any = getattr(transformers, PROCESSORS[model_type])
    image_processors: Any = transformers.AutoImageProcessor  # its methods have no types

    class PictureProcessor(base):  # type: ignore[misc]  # the base class is chosen at run time
        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument_name != "video_processor":
                return super().check_argument_for_proper_class(argument_name, argument)

    PictureProcessor.__name__ = base.__name__
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
    images = image_processors.from_pretrained(folder, local_files_only=True, backend="pil")
    token_pixels = (images.patch_size * images.merge_size) ** 2
    shortest = min(images.size["shortest_edge"], MAX_VISUAL_TOKENS * token_pixels)
    images.size = type(images.size)(shortest_edge=shortest, longest_edge=MAX_VISUAL_TOKENS * token_pixels)
    # The processor's chat template comes first: the tokenizer's may be for text only.
    template = base.get_processor_dict(folder)[0].get("chat_template") or tokenizer.chat_template
    return PictureProcessor(image_processor=images, tokenizer=tokenizer, chat_template=template)


def _precision(device: str, size_gb: float) -> str:
    """Return bfloat16, in which the model was trained (float16 overflows); off CUDA, float32 if memory allows."""
    if device == "cuda":
        return "bfloat16"
    return "float32" if memory.free_gb(device) > 2.4 * size_gb else "bfloat16"


def _shapely(picture: Image.Image) -> Image.Image:
    """Stretch a very long picture. Positions are fractions of its sides, so they do not change."""
    picture = picture.convert("RGB")
    least = -(-max(picture.size) // MAX_ASPECT)
    if min(picture.size) >= least:
        return picture
    return picture.resize((max(picture.width, least), max(picture.height, least)))


def _size_gb(weights: Weights) -> float:
    if weights.is_local:
        return _folder_gb(Path(weights.model))
    return VARIANTS[weights.model].download_gb if weights.model in VARIANTS else 0.0


def _folder_gb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors")) / GIGABYTE
