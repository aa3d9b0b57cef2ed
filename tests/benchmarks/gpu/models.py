"""The backends of this project with models of full size and random weights in place of published weights."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from pipeline.backends.audio.audioldm2 import AudioLDM2
from pipeline.backends.audio.diffusion import TextToAudio
from pipeline.backends.audio.stable_audio_3 import StableAudio3
from pipeline.backends.audio.stable_audio_open import StableAudioOpen
from pipeline.backends.vision import qwen_vl

from ...support.checkpoints import audio as checkpoints
from ...support.checkpoints import vision as vision_checkpoints
from .. import full_size
from .bench import random_model
from .report import Machine
from .vocabulary import byte_pairs

Builders = dict[str, Callable[[], Any]]  # parts of a pipeline

# Tokens of Qwen2.5 without its special ones.
QWEN_VOCABULARY = 151_643


@dataclass(frozen=True)
class Sound:
    """A text-to-audio backend: its tiny checkpoint, and the parts that replace those of the checkpoint."""

    kind: type[TextToAudio]
    checkpoint: Callable[[Path], Path]
    parts: Callable[[bool], Builders]  # for tiny models if True: only parts that do not depend on the others

    def backend(self, machine: Machine, **environment: str) -> TextToAudio:
        """Return the backend. `environment` are further variables that it reads, such as STABLE_AUDIO_CANVAS."""
        parts = self.parts(machine.is_tiny)

        class FullSize(self.kind):
            def open(self, folder: Path, arguments: dict[str, Any]) -> Any:
                dtype = arguments["dtype"]
                made = {name: random_model(build, machine.device, dtype) for name, build in parts.items()}
                return super().open(folder, arguments | made)

        folder = _checkpoint(self.checkpoint, machine.folder)
        os.environ |= {self.kind.family.setting.upper(): str(folder), "DEVICE": machine.device} | environment
        return FullSize()


def _audioldm2(is_tiny: bool) -> Builders:
    config = full_size.TINY_AUDIOLDM2 if is_tiny else full_size.AUDIOLDM2
    decoders = {"vae": full_size.audioldm2_vae, "vocoder": full_size.audioldm2_vocoder}
    builders: Builders = {name: partial(build, config) for name, build in decoders.items()}
    if is_tiny:
        return builders
    return builders | {
        "unet": full_size.audioldm2_unet,
        "projection_model": full_size.audioldm2_projection,
        "text_encoder": full_size.audioldm2_clap,
        "text_encoder_2": full_size.audioldm2_text,
        "language_model": full_size.audioldm2_language_model,
    }


def _stable_audio_open(is_tiny: bool) -> Builders:
    if is_tiny:
        return {"vae": partial(full_size.stable_audio_open_vae, full_size.TINY_STABLE_AUDIO_OPEN)}
    return {
        "vae": full_size.stable_audio_open_vae,
        "transformer": full_size.stable_audio_open_transformer,
        "text_encoder": full_size.stable_audio_open_text,
        "projection_model": full_size.stable_audio_open_projection,
    }


def _stable_audio_3(is_tiny: bool) -> Builders:
    if is_tiny:
        return {}
    return {
        "vae": partial(full_size.stable_audio_3_vae, full_size.STABLE_AUDIO_3_SMALL),
        "transformer": partial(full_size.stable_audio_3_transformer, full_size.STABLE_AUDIO_3_SMALL),
        "text_encoder": full_size.stable_audio_3_text,
        "duration_embedder": full_size.stable_audio_3_duration,
    }


AUDIOLDM2 = Sound(AudioLDM2, checkpoints.build_audioldm2, _audioldm2)
STABLE_AUDIO_OPEN = Sound(StableAudioOpen, checkpoints.build_stable_audio_open, _stable_audio_open)
STABLE_AUDIO_3_SMALL = Sound(StableAudio3, checkpoints.build_stable_audio_3, _stable_audio_3)


def qwen(machine: Machine, config: dict[str, Any]) -> qwen_vl.QwenVL:
    """Return the Qwen-VL backend with a model of this configuration. Tiny: the model of the tiny checkpoint."""
    folder = _checkpoint(vision_checkpoints.build_qwen2_5_vl, machine.folder)
    os.environ |= {"QWEN_VL_MODEL": str(folder), "DEVICE": machine.device}
    if machine.is_tiny:
        return qwen_vl.QwenVL()

    class FullSize(qwen_vl.QwenVL):
        def _load(self, placement: Any, on_step: Any) -> qwen_vl.Loaded:
            from pipeline.backends.vision.constrained import token_table

            processor = qwen_vl.image_processor_and_tokenizer(_with_large_tokenizer(folder), "qwen2_5_vl")
            model = qwen_model(machine, config, processor.tokenizer)
            table = token_table(processor.tokenizer, config["text_config"]["vocab_size"])
            return qwen_vl.Loaded(model, processor, table, counts_pixels=True)

    return FullSize()


def qwen_model(machine: Machine, config: dict[str, Any], tokenizer: Any) -> Any:
    """Return Qwen2.5-VL in bfloat16 with the token ids of this tokenizer."""
    from transformers import GenerationConfig

    of = tokenizer.convert_tokens_to_ids
    ids = {"image_token_id": of("<|image_pad|>"), "video_token_id": of("<|video_pad|>")}
    ids |= {"vision_start_token_id": of("<|vision_start|>"), "vision_end_token_id": of("<|vision_end|>")}
    model = random_model(partial(full_size.qwen2_5_vl, config, dtype=torch.bfloat16, **ids), machine.device)
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    return model


@cache
def _with_large_tokenizer(folder: Path) -> Path:
    """Return a copy of the checkpoint whose tokenizer has as many tokens as that of Qwen2.5."""
    from transformers import AutoTokenizer, Qwen2Tokenizer

    copy = folder.with_name(f"{folder.name}-large")
    shutil.copytree(folder, copy)
    small = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    vocabulary, merges = byte_pairs(QWEN_VOCABULARY)
    large = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=None,
        eos_token=small.eos_token,
        pad_token=small.pad_token,
        extra_special_tokens=list(vision_checkpoints.QWEN_TOKENS),
        model_max_length=small.model_max_length,
    )
    large.chat_template = small.chat_template
    large.save_pretrained(copy)
    return copy


@cache
def _checkpoint(build: Callable[[Path], Path], root: str) -> Path:
    return build(Path(tempfile.mkdtemp(dir=root)))


@contextmanager
def small_card(machine: Machine, memory_gb: float) -> Iterator[None]:
    """Let torch use only so much memory, and report it as the memory of the card. Without a GPU, change nothing."""
    if machine.device != "cuda":
        yield
        return
    limit = round(memory_gb * 1e9)
    total = torch.cuda.get_device_properties(0).total_memory
    ask = torch.cuda.mem_get_info
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total))
    torch.cuda.mem_get_info = lambda device=None: (limit - torch.cuda.memory_reserved(), limit)
    try:
        yield
    finally:
        torch.cuda.mem_get_info = ask
        torch.cuda.set_per_process_memory_fraction(1.0)
