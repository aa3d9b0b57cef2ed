"""Stable Audio 3: captions -> stereo sound at 44.1 kHz in 8 steps. It needs weights in the format of diffusers."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...audio import Samples
from ...settings import Settings
from .. import Card
from .diffusion import TextToAudio
from .family import Call, Family

if TYPE_CHECKING:
    import torch

CONVERSION = "https://huggingface.co/docs/diffusers/api/pipelines/stable_audio_3"


class StableAudio3(TextToAudio):
    """Stable Audio 3, run with diffusers."""

    family = Family(
        name="stable-audio-3",
        title="Stable Audio 3",
        licence="Stability AI Community License: commercial use only below 1 million US$ of yearly revenue",
        model="stabilityai/stable-audio-3-medium",
        revision="main",
        setting="stable_audio_3_model",
        download_gb=0.0,
        memory_gb=5.0,
        stem_gb=0.5,  # 11 latent frames per second, so attention needs little memory
        decode_tflop=2.2,
        steps=8,
        guidance=1.0,  # distilled: the guidance is built into the weights
        max_duration_s=60.0,  # the model allows 380 s; this is enough for a picture
        max_tokens=256,
        half="bfloat16",  # T5Gemma was trained in it and overflows in float16
        gated=True,
    )

    @classmethod
    def card(cls, settings: Settings) -> Card:
        card = super().card(settings)
        if settings.stable_audio_3_model:
            return card
        return replace(
            card,
            reason=(
                "its weights are not published in the format of diffusers. Convert them as described at "
                f"{CONVERSION} and set STABLE_AUDIO_3_MODEL to the folder."
            ),
        )

    @classmethod
    def step_tflop(cls, settings: Settings, duration_s: float) -> float:
        return 0.052 * duration_s

    def open(self, folder: Path, arguments: dict[str, Any]) -> Any:
        from diffusers import StableAudio3Pipeline

        kind: Any = StableAudio3Pipeline  # its methods have no types
        return kind.from_pretrained(folder, **arguments)

    def encode(self, pipe: Any, text: str) -> dict[str, "torch.Tensor"]:
        embeds, mask = pipe.encode_prompt([text], pipe._execution_device, 1)
        return {"embeds": embeds, "mask": mask}

    def latent_shape(self, pipe: Any, call: Call) -> tuple[int, ...]:
        vae = pipe.vae
        return vae.config.latent_dim, math.ceil(call.duration_s * vae.config.sampling_rate / vae.downsampling_ratio)

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

        conditioning = {
            "prompt_embeds": torch.cat([text["embeds"] for text in prompts]),
            "encoder_attention_mask": torch.cat([text["mask"] for text in prompts]),
        }
        if negative is not None:
            conditioning |= {
                "negative_prompt_embeds": torch.cat([negative["embeds"]] * len(prompts)),
                "negative_encoder_attention_mask": torch.cat([negative["mask"]] * len(prompts)),
            }

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

    def decode(self, pipe: Any, latent: "torch.Tensor", call: Call) -> tuple[Samples, int]:
        sample_rate = pipe.vae.config.sampling_rate
        samples = pipe.vae.decode(latent).sample[0, :, : round(call.duration_s * sample_rate)]
        return samples.clamp(-1.0, 1.0).float().cpu().numpy(), sample_rate
