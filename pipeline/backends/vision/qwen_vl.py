"""Qwen2.5-VL, Qwen3-VL and Qwen3.5: vision-language models that write the soundscape as JSON.

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
from ...soundscape import MAX_SOURCES, Soundscape
from .. import Card, OnStep, loading_of, memory
from ..availability import availability, note_of
from ..download import fetch
from ..faults import errors_in_words
from ..loading import loading_bars
from ..machine import GIGABYTE, memory_gb
from ..weights import Weights, check_complete, pretrained_arguments
from ..work import Work
from .answer import FULL, SHORT, Demand, Frame, answer_schema, pixels, read_answer, thousandths
from .instruction import read_instruction
from .outcome import InvalidNumbersError, Outcome, only_one, outcome_of
from .qwen_models import FAMILIES, LARGE, ROOM, VARIANTS, folder_gb, size_gb, weights_of

NAME = "qwen2.5-vl"
PACKAGES = ("torch", "transformers", "accelerate", "llguidance")
MAX_VISUAL_TOKENS = 640  # of 28 x 28 or 32 x 32 pixels: 812 x 616 or 928 x 704 in all
MAX_NEW_TOKENS = 1024  # more than a full answer needs
INSTRUCTION_TOKENS = 600  # of the instruction as it is delivered, with the chat template
SCENE_TOKENS, SOURCE_TOKENS = 60, 80  # of an answer, estimated from its JSON
VISION_PARAMETERS = 0.7e9  # of the part that sees four patches per visual token
HALF = "bfloat16"  # the models were trained in it
MAX_BATCH = 8
MAX_ASPECT = 100  # ratio of the picture's sides; the image processor refuses more than 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A loaded model with its processor."""

    model: Any
    processor: Any
    tokens: Any  # the vocabulary, for constrained decoding
    counts_pixels: bool  # boxes are in pixels, not in thousandths

    @property
    def template_options(self) -> dict[str, Any]:
        """Options for the chat template: Qwen3.5 would think first, which the grammar does not allow."""
        return {"enable_thinking": False} if "enable_thinking" in self.processor.chat_template else {}

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
        self._wanted = ""  # precision; empty: the best for the device

    @classmethod
    def card(cls, settings: Settings) -> Card:
        weights, device = weights_of(settings), accelerator(settings)
        known = VARIANTS.get(weights.model)
        download_gb = known.download_gb if known else 0.0
        notes = (
            note_of(weights, settings, download_gb),
            memory.offload_note(device),
            memory.precision_note(device, half=HALF),
        )
        return Card(
            title=known.title if known else "Qwen-VL",
            model=weights.name,
            licence=known.licence if known else "see its page",
            revision=weights.mark,
            download_gb=download_gb,
            device=device,
            reason=availability(weights, settings, packages=PACKAGES, min_memory_gb=ROOM * size_gb(weights)),
            note=" ".join(note for note in notes if note),
        )

    @classmethod
    def work(cls, settings: Settings) -> Work:
        """Return the work of one picture whose answer has as many sources as allowed, each of usual length.

        The instruction and the picture fill the GPU; then all weights are read for each token of the answer. Few
        answers need more: those that are cut off and asked for a second time.
        """
        weights_gb = size_gb(weights_of(settings)) or VARIANTS[LARGE].download_gb
        parameters = weights_gb * GIGABYTE / 2  # in 16 bits
        seen = parameters * (MAX_VISUAL_TOKENS + INSTRUCTION_TOKENS) + VISION_PARAMETERS * 4 * MAX_VISUAL_TOKENS
        answer = SCENE_TOKENS + MAX_SOURCES * SOURCE_TOKENS
        return Work(
            tflop=2 * seen / 1e12,  # a multiplication and an addition per parameter
            read_gb=weights_gb * answer,
            calls=1 + answer,
            weights_gb=weights_gb,
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
        model cannot be loaded, finds nothing but speech or music, or does not finish its answer in two attempts.
        """
        return only_one(self.describe_batch([picture], on_step=on_step))

    def describe_batch(self, pictures: Sequence[Image.Image], *, on_step: OnStep | None = None) -> list[Outcome]:
        """Return one outcome per picture: its soundscape or an error. At most `MAX_BATCH` pictures run at once."""
        pictures = [_shapely(picture) for picture in pictures]
        try:
            return self._all_described(pictures, on_step)
        except InvalidNumbersError:  # float16 overflows where bfloat16, in which the model was trained, does not
            if self._precision() != "float16" or not self._holds_float32():
                raise
            _log.warning("the numbers overflow in float16; computing in float32 from now on")
            self._wanted = "float32"
        return self._all_described(pictures, on_step)

    def request(self, picture: Image.Image, frame: Frame, demand: Demand = FULL) -> list[dict[str, Any]]:
        """Return the messages for one picture, in the form that the chat template expects."""
        instruction = read_instruction(max_sources=demand.sources, boxes=frame.words)
        parts = [{"type": "image", "image": picture}, {"type": "text", "text": instruction}]
        return [{"role": "user", "content": parts}]

    def _all_described(self, pictures: Sequence[Image.Image], on_step: OnStep | None) -> list[Outcome]:
        with self._lent(on_step) as loaded:
            answer = partial(self._described, loaded, on_step=on_step)
            return memory.in_batches(pictures, MAX_BATCH, answer, keep=NAME)

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
            **loaded.template_options,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        ).to(loaded.model.device)
        constraint = SchemaProcessor(loaded.tokens, [answer_schema(demand, frame) for frame in frames])
        if on_step:
            on_step(0, MAX_NEW_TOKENS)
        with torch.inference_mode():
            tokens = loaded.model.generate(
                **inputs,
                max_new_tokens=MAX_NEW_TOKENS,
                do_sample=False,
                logits_processor=[constraint],
                stopping_criteria=[StepCriteria(on_step, MAX_NEW_TOKENS)],
            )
        new = tokens[:, inputs["input_ids"].shape[1] :]
        texts: list[str] = loaded.processor.batch_decode(new, skip_special_tokens=True)
        return texts

    # Loading ---------------------------------------------------------------------------------------------------------

    def _lent(self, on_step: OnStep | None) -> AbstractContextManager[Loaded]:
        return memory.resident(
            NAME,
            partial(self._load, on_step),
            variant=f"{self._weights} {self._wanted}",
            device=memory.placement(self._settings).device,
            needed_gb=ROOM * size_gb(self._weights) * (2 if self._wanted else 1),
        )

    def _precision(self, weights_gb: float = 0.0) -> str:
        device = memory.placement(self._settings).device
        return memory.precision(device, self._wanted, half=HALF, size_gb=weights_gb, per_token=True)

    def _holds_float32(self) -> bool:
        device, weights_gb = memory.placement(self._settings).device, size_gb(self._weights)
        return 0 < memory.FLOAT32_ROOM * weights_gb <= memory_gb(device)

    def _load(self, on_step: OnStep | None) -> Loaded:
        import torch
        from transformers import AutoConfig, AutoModelForImageTextToText

        from .constrained import token_table
        from .decoding import plain_config

        placement = memory.placement(self._settings)
        with errors_in_words(self._weights):
            folder = fetch(self._weights, self._settings, on_step=loading_of(on_step))
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            if config.model_type not in FAMILIES:
                raise SoundscapeError(
                    f"{self._weights.model} is a {config.model_type} model, not Qwen-VL. Correct QWEN_VL_MODEL."
                    f"{did_you_mean(config.model_type, list(FAMILIES))}"
                )
            processor = image_processor_and_tokenizer(folder, config.model_type)
            models: Any = AutoModelForImageTextToText  # its answer with `output_loading_info` has no type
            with loading_bars(on_step):
                model, report = models.from_pretrained(
                    folder,
                    output_loading_info=True,
                    dtype=getattr(torch, self._precision(folder_gb(folder))),
                    **({"device_map": "auto"} if placement.offload else {}),
                    **pretrained_arguments(Weights(str(folder)), self._settings),
                )
        check_complete(report["missing_keys"], self._weights)
        if not placement.offload:
            # Not by `device_map`, which moves the weights in other threads: there, ZeroGPU does not simulate a GPU.
            # Until now, weights in the precision of their files were mapped to them, so there is no copy in memory.
            model.to(placement.device)
        model.generation_config = plain_config(model, processor.tokenizer)
        tokens = token_table(processor.tokenizer, model.config.get_text_config().vocab_size)
        return Loaded(model.eval(), processor, tokens, FAMILIES[config.model_type].counts_pixels)


def image_processor_and_tokenizer(folder: Path, model_type: str) -> Any:
    """Return the model's processor without its video part, limited to `MAX_VISUAL_TOKENS` per picture.

    The video part needs torchvision; without it, AutoProcessor fails.
    """
    import transformers

    base: Any = getattr(transformers, FAMILIES[model_type].processor)
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


def _shapely(picture: Image.Image) -> Image.Image:
    """Stretch a very long picture. Positions are fractions of its sides, so they do not change."""
    picture = picture.convert("RGB")
    least = -(-max(picture.size) // MAX_ASPECT)
    if min(picture.size) >= least:
        return picture
    return picture.resize((max(picture.width, least), max(picture.height, least)))
