"""Stable Audio Open (Evans et al. 2024): captions -> stereo sound at 44.1 kHz, up to 47 s."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...audio import Samples
from ...errors import SoundscapeError
from ...settings import Settings
from ...soundscape import Soundscape, Source
from .. import SoundOptions
from .diffusion import TextToAudio
from .family import Call, Family

if TYPE_CHECKING:
    import torch

# The model was trained on canvases of 47.5 s, however short the sound in them. A canvas fitted to the requested
# duration is several times less work, but nobody has judged its sound by listening, so the default is "full".
CANVASES = ("full", "fitted")
# Extra latent frames (46 ms each) after the end of the sound: the decoder looks ahead by less than 12.
MARGIN_FRAMES = 16


# Of the public checkpoint, for estimates before it is loaded. The operations were counted at full size.
CANVAS_FRAMES, FRAMES_PER_S, FULL_STEP_TFLOP = 1024, 44_100 / 2048, 4.55


class StableAudioOpen(TextToAudio):
    """Stable Audio Open, run with diffusers."""

    family = Family(
        name="stable-audio-open",
        title="Stable Audio Open",
        licence="Stability AI Community License: commercial use only below 1 million US$ of yearly revenue",
        model="stabilityai/stable-audio-open-1.0",
        revision="f21265c1e2710b3bd2386596943f0007f55f802e",
        setting="stable_audio_model",
        download_gb=5.3,
        memory_gb=2.7,
        stem_gb=1.0,  # for a few decoder tensors of 128 channels at 44.1 kHz, 0.11 GB each
        steps=100,
        guidance=7.0,
        max_duration_s=47.0,
        max_tokens=128,
        gated=True,
        packages=("torch", "transformers", "diffusers", "torchsde"),
    )

    def request(self, soundscape: Soundscape, source: Source, options: SoundOptions) -> dict[str, Any]:
        return super().request(soundscape, source, options) | {"canvas": self._canvas}

    @classmethod
    def clip_tflop(cls, settings: Settings, duration_s: float, steps: int) -> float:
        is_fitted = settings.stable_audio_canvas == "fitted"
        share = min(1.0, (duration_s * FRAMES_PER_S + MARGIN_FRAMES + 1) / CANVAS_FRAMES) if is_fitted else 1.0
        return steps * share * FULL_STEP_TFLOP + 0.13 * duration_s

    @property
    def _canvas(self) -> str:
        canvas = self._settings.stable_audio_canvas
        if canvas not in CANVASES:
            raise SoundscapeError(f"STABLE_AUDIO_CANVAS is '{canvas}'. Set it to {' or '.join(CANVASES)}.")
        return canvas

    def open(self, folder: Path, arguments: dict[str, Any]) -> Any:
        from diffusers import StableAudioPipeline

        kind: Any = StableAudioPipeline  # its methods have no types
        return kind.from_pretrained(folder, **arguments)

    def encode(self, pipe: Any, text: str) -> dict[str, "torch.Tensor"]:
        device, tokenizer = pipe._execution_device, pipe.tokenizer
        limit = tokenizer.model_max_length
        tokens = tokenizer([text], padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
        mask = tokens.attention_mask.to(device)
        embeds = pipe.text_encoder(tokens.input_ids.to(device), attention_mask=mask)[0]
        return {"prompt_embeds": embeds * mask.unsqueeze(-1).to(embeds.dtype), "attention_mask": mask}

    def latent_shape(self, pipe: Any, call: Call) -> tuple[int, ...]:
        canvas = pipe.transformer.config.sample_size
        frames = _frames(pipe, call.duration_s)
        if frames > canvas:
            longest_s = canvas * pipe.vae.hop_length / pipe.vae.sampling_rate
            raise SoundscapeError(f"This model makes at most {longest_s:.1f} s of sound. Choose a shorter duration.")
        if self._canvas == "fitted":
            canvas = min(canvas, frames + MARGIN_FRAMES)
        return pipe.transformer.config.in_channels, canvas

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

        conditioning = {name: torch.cat([text[name] for text in prompts]) for name in prompts[0]}
        if negative is not None and call.negative_prompt:  # the pipeline encodes an empty text as zeros
            conditioning |= {f"negative_{name}": torch.cat([each] * len(prompts)) for name, each in negative.items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="torchsde")  # it warns about rounding errors at its own limits
            result = pipe(
                **conditioning,
                latents=noise,
                audio_end_in_s=call.duration_s,
                num_inference_steps=call.steps,
                guidance_scale=call.guidance,
                generator=generators,
                callback=lambda index, timestep, latents: on_step(index),
                output_type="latent",
            )
        return cast("torch.Tensor", result.audios)

    def decode(self, pipe: Any, latent: "torch.Tensor", call: Call) -> tuple[Samples, int]:
        sample_rate: int = pipe.vae.sampling_rate
        kept = latent[..., : _frames(pipe, call.duration_s) + MARGIN_FRAMES]
        samples = pipe.vae.decode(kept).sample[0, :, : round(call.duration_s * sample_rate)]
        return samples.float().cpu().numpy(), sample_rate


def _frames(pipe: Any, duration_s: float) -> int:
    return math.ceil(duration_s * int(pipe.vae.sampling_rate) / int(pipe.vae.hop_length))
