"""Stable Audio 3: captions -> stereo sound at 44.1 kHz in 8 steps.

A checkpoint in the format of its authors is converted for diffusers at the first use. Sounds longer than the model
makes at once are continued from their last seconds, and a part of a sound can be made again.
"""

import math
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...audio import Samples
from ...settings import Settings, accelerator, has_package
from ...soundscape import Soundscape, Source
from .. import OnStep, SoundOptions, memory
from ..availability import note_of
from ..download import fetch
from ..faults import errors_in_words
from ..weights import Weights, is_offline
from .diffusion import TextToAudio
from .family import Call, Family
from .painting import Known, Window, window_around, windows
from .variant import CONVERTED, ORIGINAL, TEXT_FOLDER, Variant, text_repository_of, variant_of

if TYPE_CHECKING:
    import torch

REVISIONS = {  # of the base checkpoints, none is known to us
    "stabilityai/stable-audio-3-small-sfx": "ae12755283df9d62ca39a9b050a39a0b607b8c20",
    "stabilityai/stable-audio-3-small-music": "0fef1392cd842149a2b6d445e181c97608faac06",
    "stabilityai/stable-audio-3-medium": "27b5a21b791b1b033d193a9e1e3ce78493f102f9",
}
OFFICIAL = "stabilityai/stable-audio-3-"  # these are gated, and in the format of their authors
TEXT_FILES = tuple(f"{TEXT_FOLDER}/{name}" for name in ("config.json", "tokenizer*", "special_tokens_map.json"))
TEXT_ENCODER_FILES = (*TEXT_FILES, f"{TEXT_FOLDER}/model.safetensors")
ORIGINAL_FILES = (ORIGINAL, "model.safetensors", *TEXT_ENCODER_FILES)
FEW_FILES = ("tokenizer/*", "scheduler/*", "transformer/config.json", CONVERTED)  # tell what a checkpoint needs
FORMAT = "1"  # of the converted folders; another number makes old ones unused
CONTEXT_S = 10.0  # of a long sound, from which it is continued
CPU_GFLOPS_PER_CORE = 20.0  # an estimate for float32 on a core of a server


class StableAudio3(TextToAudio):
    """Stable Audio 3, run with diffusers."""

    family = Family(
        name="stable-audio-3",
        title="Stable Audio 3 Small SFX",
        licence=(
            "Stability AI Community License: commercial use only below 1 million US$ of yearly revenue; its text "
            "encoder is under the Gemma Terms of Use"
        ),
        model="stabilityai/stable-audio-3-small-sfx",
        revision=REVISIONS["stabilityai/stable-audio-3-small-sfx"],
        setting="stable_audio_3_model",
        download_gb=3.5,
        memory_gb=1.7,
        stem_gb=0.4,  # 11 latent frames per second, so attention needs little memory
        steps=8,
        guidance=1.0,  # distilled: the guidance is built into the weights
        max_duration_s=600.0,
        max_tokens=256,
        half="bfloat16",  # T5Gemma was trained in it and overflows in float16
        gated=True,
        can_redo=True,
    )

    # Before the weights are loaded -----------------------------------------------------------------------------------

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        known = REVISIONS.get(settings.stable_audio_3_model)
        return Weights(settings.stable_audio_3_model, known) if known else super().weights(settings)

    @classmethod
    def config_of(cls, weights: Weights) -> str:
        folder = _folder_here(weights)
        if folder is None:
            return ORIGINAL if weights.model.startswith(OFFICIAL) else CONVERTED
        return ORIGINAL if (folder / ORIGINAL).is_file() and not (folder / CONVERTED).is_file() else CONVERTED

    @classmethod
    def variant_of(cls, weights: Weights) -> Variant:
        """Return the checkpoint that these weights are, by its files if they are here, otherwise by its name."""
        return variant_of(weights.name, _folder_here(weights))

    @classmethod
    def family_of(cls, weights: Weights) -> Family:
        variant = cls.variant_of(weights)
        return replace(
            cls.family,
            title=variant.title,
            model=weights.model if weights.model.startswith(OFFICIAL) else cls.family.model,
            download_gb=variant.size.download_gb,
            memory_gb=variant.size.memory_gb,
            stem_gb=variant.size.stem_gb,
            steps=variant.steps,
            guidance=variant.guidance,
        )

    @classmethod
    def note(cls, weights: Weights, settings: Settings) -> str:
        config = cls.config_of(weights)
        note = note_of(weights, settings, cls.download_gb(weights), is_heavy=False, config=config)
        if accelerator(settings) == "cpu":
            tflop = cls.work(settings, clips=1, duration_s=10.0, steps=None).tflop
            seconds = tflop * 1000 / (CPU_GFLOPS_PER_CORE * _cores())
            note += f" One sound of 10 s takes roughly {_roughly(seconds)} on this CPU."
        if memory.precision_note(accelerator(settings), half=cls.family.half):
            note += " The GPU does not compute in bfloat16, so the model runs in float32, which is slower."
        return note.strip()

    def _precision(self, wanted: str) -> str:
        chosen = super()._precision(wanted)
        return "float32" if chosen == "float16" and not wanted else chosen  # T5Gemma overflows in float16

    @classmethod
    def clip_tflop(cls, settings: Settings, duration_s: float, steps: int) -> float:
        # A part that is made again is not counted.
        variant = cls.variant_of(cls.weights(settings))
        size, calls = variant.size, 2 if variant.guidance > 1 else 1
        passes = windows(size.frames(duration_s), size.frames(size.window_s), size.frames(CONTEXT_S))
        denoising = sum(size.denoiser_tflop(each.end - each.start) for each in passes) * steps * calls
        return denoising + size.decoder_tflop(duration_s) + size.text_tflop * calls

    def request(self, soundscape: Soundscape, source: Source, options: SoundOptions) -> dict[str, Any]:
        self.family = self._known_family
        return super().request(soundscape, source, options)

    @cached_property
    def _known_family(self) -> Family:
        """The constants that the files of the checkpoint tell. The small ones are downloaded for it."""
        with errors_in_words(self._weights):
            self._tokenizer_folder()
        return self.family_of(self._weights)

    # Loading ---------------------------------------------------------------------------------------------------------

    def _tokenizer_folder(self) -> Path:
        if self._config == CONVERTED:
            return fetch(self._weights, self._settings, files=FEW_FILES, config=CONVERTED) / "tokenizer"
        folder = fetch(self._weights, self._settings, files=(ORIGINAL, *TEXT_FILES), config=ORIGINAL)
        return self._text_folder(folder, TEXT_FILES, None)

    def _text_folder(self, folder: Path, files: tuple[str, ...], on_step: OnStep | None) -> Path:
        """Return the folder of the text encoder: the checkpoint's, or that of the repository in its settings."""
        repository = text_repository_of(folder)
        if self._weights.is_local or repository in ("", self._weights.model) or (folder / TEXT_FOLDER).is_dir():
            return folder / TEXT_FOLDER
        weights = Weights(repository, REVISIONS.get(repository, "main"))
        config = f"{TEXT_FOLDER}/config.json"
        return fetch(weights, self._settings, files=files, config=config, on_step=on_step) / TEXT_FOLDER

    @cached_property
    def _config(self) -> str:
        """The file at the root of the weights, which tells their format. The hub is asked if nothing else tells it."""
        config = self.config_of(self._weights)
        unknown = _folder_here(self._weights) is None and not self._weights.model.startswith(OFFICIAL)
        if not unknown or is_offline():
            return config
        from huggingface_hub import HfApi

        api = HfApi(token=self._settings.hf_token or None)
        has = api.file_exists(self._weights.model, config, revision=self._weights.revision)
        return config if has else ORIGINAL

    def fetch(self, on_step: OnStep | None = None) -> Path:
        """Return the folder of the weights in the format of diffusers: downloaded, and converted if they need it."""
        with errors_in_words(self._weights):
            return super().fetch(on_step) if self._config == CONVERTED else self._converted(on_step)

    def _converted(self, on_step: OnStep | None) -> Path:
        folder = fetch(self._weights, self._settings, files=ORIGINAL_FILES, config=ORIGINAL, on_step=on_step)
        text = self._text_folder(folder, TEXT_ENCODER_FILES, on_step)
        from .conversion import convert

        converted = _converted_folder(self._weights, folder)
        convert(folder, text, converted, self._weights.name, on_step)
        return converted

    def open(self, folder: Path, arguments: dict[str, Any]) -> Any:
        from diffusers import StableAudio3Pipeline

        from .same import ChunkedSAME, restore_tables

        parts: dict[str, Any] = {}
        kind: Any = ChunkedSAME
        if "chunk_size" in kind.load_config(folder / "vae"):
            parts["vae"] = kind.from_pretrained(folder / "vae", **arguments)
        kind = StableAudio3Pipeline  # its methods have no types
        pipe = kind.from_pretrained(folder, **parts, **arguments)
        restore_tables(pipe)
        pipe.known = Known(pipe.transformer)
        return pipe

    # Sound -----------------------------------------------------------------------------------------------------------

    def encode(self, pipe: Any, text: str) -> dict[str, "torch.Tensor"]:
        embeds, mask = pipe.encode_prompt([text], pipe._execution_device, 1)
        return {"embeds": embeds, "mask": mask}

    def latent_shape(self, pipe: Any, call: Call) -> tuple[int, ...]:
        return pipe.vae.config.latent_dim, math.ceil(call.duration_s * _frames_per_s(pipe))

    def denoise(
        self,
        pipe: Any,
        prompts: list[dict[str, "torch.Tensor"]],
        negative: dict[str, "torch.Tensor"] | None,
        noise: "torch.Tensor",
        generators: list["torch.Generator"],
        call: Call,
        on_step: Callable[[int], None],
    ) -> "torch.Tensor":
        import torch

        frames, per_s = noise.shape[-1], _frames_per_s(pipe)
        longest = math.ceil(self._window_s * per_s)
        plan = windows(frames, longest, round(CONTEXT_S * per_s))
        redone = [place for place, span in enumerate(call.redo) if span]
        passes = len(plan) + len(redone)

        def made(number: int, window: Window, clips: list[int], noise: "torch.Tensor") -> "torch.Tensor":
            return _denoised(
                pipe,
                _conditioning([prompts[clip] for clip in clips], negative),
                noise,
                [generators[clip] for clip in clips],
                # The model reads the duration of what it makes at once.
                call if frames <= longest else replace(call, duration_s=(window.end - window.start) / per_s),
                lambda index: on_step((number * call.steps + index + 1) // passes - 1),
            )

        latents = torch.zeros_like(noise)
        for number, window in enumerate(plan):
            mask = torch.arange(window.end - window.start) < window.known
            part = slice(window.start, window.end)
            with pipe.known.of(latents[..., part], mask):
                new = made(number, window, list(range(len(prompts))), noise[..., part])
            latents[..., window.start + window.known : window.end] = new[..., window.known :]
        for number, clip in enumerate(redone, len(plan)):
            first, last = _frames_of(call.redo[clip], per_s, frames)
            window = window_around(first, last, frames, longest)
            part, place = slice(window.start, window.end), torch.arange(window.start, window.end)
            mask = (place < first) | (place >= last)
            shape = (1, noise.shape[1], window.end - window.start)
            other = torch.randn(shape, generator=generators[clip]).to(noise)  # continues the generator of the sound
            with pipe.known.of(latents[clip : clip + 1, :, part], mask):
                new = made(number, window, [clip], other)
            latents[clip, :, first:last] = new[0, :, first - window.start : last - window.start]
        return latents

    def decode(self, pipe: Any, latent: "torch.Tensor", call: Call) -> tuple[Samples, int]:
        from .same import decode_in_windows

        sample_rate = pipe.vae.config.sampling_rate
        samples = decode_in_windows(pipe.vae, latent)[0, :, : round(call.duration_s * sample_rate)]
        return samples.clamp(-1.0, 1.0).float().cpu().numpy(), sample_rate

    @property
    def _window_s(self) -> float:
        """The longest sound that is made at once."""
        return self.variant_of(self._weights).size.window_s


def _denoised(
    pipe: Any,
    conditioning: dict[str, "torch.Tensor"],
    noise: "torch.Tensor",
    generators: list["torch.Generator"],
    call: Call,
    on_step: Callable[[int], None],
) -> "torch.Tensor":
    def after_step(pipe: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(index)
        return tensors

    result = pipe(
        **conditioning,
        latents=noise,
        duration=call.duration_s,
        num_inference_steps=call.steps,
        guidance_scale=call.guidance,
        generator=generators,
        callback_on_step_end=after_step,
        output_type="latent",
    )
    return cast("torch.Tensor", result.audios)


def _conditioning(
    prompts: list[dict[str, "torch.Tensor"]], negative: dict[str, "torch.Tensor"] | None
) -> dict[str, "torch.Tensor"]:
    import torch

    conditioning = {
        "prompt_embeds": torch.cat([text["embeds"] for text in prompts]),
        "encoder_attention_mask": torch.cat([text["mask"] for text in prompts]),
    }
    if negative is not None:
        conditioning |= {
            "negative_prompt_embeds": torch.cat([negative["embeds"]] * len(prompts)),
            "negative_encoder_attention_mask": torch.cat([negative["mask"]] * len(prompts)),
        }
    return conditioning


def _frames_per_s(pipe: Any) -> float:
    return float(pipe.vae.config.sampling_rate / pipe.vae.downsampling_ratio)


def _frames_of(span: Any, per_s: float, frames: int) -> tuple[int, int]:
    """Return the first latent frame of a span in seconds, and the one after its last."""
    first = min(math.floor(span[0] * per_s), frames - 1)
    return first, min(max(math.ceil(span[1] * per_s), first + 1), frames)


def _folder_here(weights: Weights) -> Path | None:
    """Return the folder on this machine that has at least the settings of the weights, or None."""
    if weights.is_local:
        return Path(weights.model)
    if not has_package("huggingface_hub"):
        return None
    from huggingface_hub import try_to_load_from_cache

    for name in (CONVERTED, ORIGINAL):
        found = try_to_load_from_cache(weights.model, name, revision=weights.revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _converted_folder(weights: Weights, folder: Path) -> Path:
    """Return where the converted checkpoint is kept: by the commit of a repository, or the hash of a local folder."""
    from huggingface_hub.constants import HF_HOME

    mark = weights.mark if weights.is_local else folder.name  # a snapshot has the name of its commit
    name = weights.name if weights.is_local else weights.model.replace("/", "--")
    return Path(HF_HOME) / "converted" / f"{name}--{mark}--{FORMAT}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _roughly(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds / 10)) * 10} seconds"
    return f"{round(seconds / 60)} minutes"
