"""AudioLDM 2 (Liu et al. 2023), base and large: captions -> mono sound at 16 kHz, resampled to 44.1 kHz."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...audio import Samples
from ...settings import Settings
from .. import Card
from ..weights import Weights
from .diffusion import TextToAudio
from .family import Call, Family

if TYPE_CHECKING:
    import torch

LARGE = Weights("cvssp/audioldm2-large", "4b0b875a9e0c5305dfc917da808584e50e1c7ed4")
LARGE_DOWNLOAD_GB = 6.0
# DPM-Solver++ is as good in 20 steps as DDIM in 200 (Hugging Face, "AudioLDM 2, but faster"). This many steps select
# the original, slow scheduler.
DDIM_FROM_STEPS = 100
GENERATED_TOKENS = 8  # hidden states that the language model generates per prompt (`sequence_gen_length` in training)


class AudioLDM2(TextToAudio):
    """AudioLDM 2, run with diffusers."""

    family = Family(
        name="audioldm2",
        title="AudioLDM 2",
        licence="CC BY-NC-SA 4.0: not for commercial use",
        model="cvssp/audioldm2",
        revision="c8e7e189d324425c05c4c2f81214041ef4107983",
        setting="audioldm2_model",
        download_gb=4.5,
        memory_gb=2.3,
        stem_gb=0.5,  # largest activations of the UNet, with guidance
        steps=20,
        guidance=3.5,
        max_duration_s=30.0,  # trained on 10.24 s; longer sounds are possible but untrained
        max_tokens=77,  # the limit that CLAP was trained with
    )

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        return LARGE if settings.audioldm2_model == LARGE.model else super().weights(settings)

    @classmethod
    def card(cls, settings: Settings) -> Card:
        card = super().card(settings)
        if card.model != LARGE.model:
            return card
        return replace(card, title="AudioLDM 2 Large")

    @classmethod
    def download_gb(cls, weights: Weights) -> float:
        return LARGE_DOWNLOAD_GB if weights == LARGE else super().download_gb(weights)

    @classmethod
    def clip_tflop(cls, settings: Settings, duration_s: float, steps: int) -> float:
        # Counted at full size: convolutions grow with the duration, attention with its square.
        return steps * (0.0292 * duration_s + 0.00045 * duration_s**2) + 0.19 * duration_s

    def scheduler(self, steps: int) -> str:
        return "DDIM" if steps >= DDIM_FROM_STEPS else "DPM-Solver++"

    def open(self, folder: Path, arguments: dict[str, Any]) -> Any:
        from diffusers import AudioLDM2Pipeline

        kind: Any = AudioLDM2Pipeline  # its methods have no types
        return kind.from_pretrained(folder, **arguments, **_language_model(folder, arguments))

    def encode(self, pipe: Any, text: str) -> dict[str, "torch.Tensor"]:
        # Each text alone: padding in a batch would shift the positions at which the language model continues.
        embeds, mask, generated = pipe.encode_prompt(
            [text], pipe._execution_device, 1, False, max_new_tokens=GENERATED_TOKENS
        )
        return {"prompt_embeds": embeds, "attention_mask": mask, "generated_prompt_embeds": generated}

    def latent_shape(self, pipe: Any, call: Call) -> tuple[int, ...]:
        vocoder = pipe.vocoder.config
        frames = math.ceil(call.duration_s * vocoder.sampling_rate / math.prod(vocoder.upsample_rates))
        scale = pipe.vae_scale_factor
        return pipe.unet.config.in_channels, math.ceil(frames / scale), vocoder.model_in_dim // scale

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
        _set_scheduler(pipe, self.scheduler(call.steps))
        every = prompts if negative is None else [*prompts, negative]
        length = max(text["prompt_embeds"].shape[1] for text in every)
        conditioning = _stacked(prompts, length)
        if negative is not None:
            conditioning |= {
                f"negative_{name}": tensor for name, tensor in _stacked([negative] * len(prompts), length).items()
            }
        result = pipe(
            **conditioning,
            latents=noise,
            audio_length_in_s=call.duration_s,
            num_inference_steps=call.steps,
            guidance_scale=call.guidance,
            callback=lambda index, timestep, latents: on_step(index),
            output_type="latent",
        )
        return cast("torch.Tensor", result.audios)

    def decode(self, pipe: Any, latent: "torch.Tensor", call: Call) -> tuple[Samples, int]:
        spectrogram = pipe.vae.decode(latent / pipe.vae.config.scaling_factor).sample
        return pipe.mel_spectrogram_to_waveform(spectrogram).numpy(), pipe.vocoder.config.sampling_rate


def _language_model(folder: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Load GPT2LMHeadModel where a repository names GPT2Model: the weights are the same, but only it can generate."""
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    if index["language_model"][1] != "GPT2Model":
        return {}
    from transformers import GPT2LMHeadModel

    return {"language_model": GPT2LMHeadModel.from_pretrained(folder / "language_model", **arguments)}


def _set_scheduler(pipe: Any, name: str) -> None:
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

    kind = {"DDIM": DDIMScheduler, "DPM-Solver++": DPMSolverMultistepScheduler}[name]
    if not isinstance(pipe.scheduler, kind):
        pipe.scheduler = kind.from_config(pipe.scheduler.config)


def _stacked(texts: list[dict[str, "torch.Tensor"]], length: int) -> dict[str, "torch.Tensor"]:
    """Return the texts as one batch. T5 embeddings are padded to a common length; the mask excludes the padding."""
    import torch
    from torch.nn.functional import pad

    missing = [length - text["prompt_embeds"].shape[1] for text in texts]
    embeds = [pad(text["prompt_embeds"], (0, 0, 0, more)) for text, more in zip(texts, missing)]
    masks = [pad(text["attention_mask"], (0, more)) for text, more in zip(texts, missing)]
    generated = [text["generated_prompt_embeds"] for text in texts]
    return {
        "prompt_embeds": torch.cat(embeds),
        "attention_mask": torch.cat(masks),
        "generated_prompt_embeds": torch.cat(generated),
    }
