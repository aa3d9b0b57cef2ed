"""The large models at full size without their weights: configurations and their sources.

tests/test_benchmarks.py checks the numbers of parameters against the published file sizes.
"""

from typing import Any

# AudioLDM 2, base. From diffusers' script convert_original_audioldm2_to_diffusers.py, which made the public
# repository: model_channels 128 times (1, 2, 3, 5), context of 768 (GPT-2) and 1024 (Flan-T5), one layer per block;
# Flan-T5 large, GPT-2 base, CLAP with HTSAT base (hidden 1024, depths 2 2 12 2), HiFi-GAN for 64 mels at 16 kHz.
AUDIOLDM2 = {
    "unet": {
        "sample_size": 256,
        "in_channels": 8,
        "out_channels": 8,
        "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
        "up_block_types": (*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
        "block_out_channels": (128, 256, 384, 640),
        "cross_attention_dim": [[None, 768, 1024]] * 4,
        "attention_head_dim": 8,
    },
    "vae": {
        "in_channels": 1,
        "out_channels": 1,
        "block_out_channels": (128, 256, 512),
        "layers_per_block": 2,
        "latent_channels": 8,
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
    },
    "vocoder": {
        "model_in_dim": 64,
        "sampling_rate": 16_000,
        "upsample_initial_channel": 1024,
        "upsample_rates": [5, 4, 2, 2, 2],
        "upsample_kernel_sizes": [16, 16, 8, 4, 4],
        "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5]] * 3,
        "normalize_before": False,
    },
    "text_encoder_2": {  # google/flan-t5-large
        "vocab_size": 32128,
        "d_model": 1024,
        "d_kv": 64,
        "d_ff": 2816,
        "num_layers": 24,
        "num_heads": 16,
        "feed_forward_proj": "gated-gelu",
    },
    "language_model": {},  # gpt2: the defaults of transformers
    "clap_audio": {"patch_embeds_hidden_size": 128, "hidden_size": 1024, "depths": [2, 2, 12, 2]},
}

# Stable Audio Open 1.0: the defaults of diffusers are its configuration; the text encoder is T5 base.
STABLE_AUDIO_OPEN = {
    "transformer": {},
    "vae": {},
    "text_encoder": {
        "vocab_size": 32128,
        "d_model": 768,
        "d_kv": 64,
        "d_ff": 3072,
        "num_layers": 12,
        "num_heads": 12,
    },
}

# Stable Audio 3 medium: the defaults of diffusers' transformer; SAME-L as in the docstring of AutoencoderSAME.
STABLE_AUDIO_3 = {
    "transformer": {},
    "vae": {
        "encoder_channels": 256,
        "encoder_transformer_depths": [12],
        "decoder_sinusoidal_blocks": [8],
    },
}

# Stable Audio 3 small: SAME-S, the defaults of diffusers' autoencoder. The transformer's width, depth and plain
# attention follow from the 567.6 million parameters of the published file, of which 107.5 million are SAME-S.
STABLE_AUDIO_3_SMALL = {
    "transformer": {"embed_dim": 1024, "depth": 20, "num_heads": 16, "use_differential_attention": False},
    "vae": {},
}

# Qwen2.5-VL 7B: config.json of Qwen/Qwen2.5-VL-7B-Instruct.
QWEN2_5_VL = {
    "text_config": {
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [16, 24, 24]},
    },
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
    },
}

# Qwen2.5-VL 3B: config.json of Qwen/Qwen2.5-VL-3B-Instruct.
QWEN2_5_VL_3B = {
    "text_config": QWEN2_5_VL["text_config"]
    | {
        "vocab_size": 151_936,
        "hidden_size": 2048,
        "intermediate_size": 11_008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
    },
    "vision_config": QWEN2_5_VL["vision_config"] | {"out_hidden_size": 2048},
    "tie_word_embeddings": True,
}

# Small replacements of the decoders, for machines without a GPU.
TINY_AUDIOLDM2 = AUDIOLDM2 | {
    "vae": AUDIOLDM2["vae"] | {"block_out_channels": (8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4},
    "vocoder": AUDIOLDM2["vocoder"]
    | {"upsample_initial_channel": 32, "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1]]},
}
TINY_STABLE_AUDIO_OPEN = {"vae": {"encoder_hidden_size": 4, "decoder_channels": 4, "channel_multiples": [1] * 5}}


def audioldm2_unet(config: dict[str, Any] = AUDIOLDM2) -> Any:
    from diffusers import AudioLDM2UNet2DConditionModel

    return AudioLDM2UNet2DConditionModel(**config["unet"]).eval()


def audioldm2_vae(config: dict[str, Any] = AUDIOLDM2) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(**config["vae"]).eval()


def audioldm2_vocoder(config: dict[str, Any] = AUDIOLDM2) -> Any:
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    return SpeechT5HifiGan(SpeechT5HifiGanConfig(**config["vocoder"])).eval()


def audioldm2_text(config: dict[str, Any] = AUDIOLDM2) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(**config["text_encoder_2"])).eval()


def audioldm2_projection() -> Any:
    """Return the layers that bring CLAP and Flan-T5 to the width of GPT-2."""
    from diffusers import AudioLDM2ProjectionModel

    return AudioLDM2ProjectionModel(512, 1024, 768).eval()


def audioldm2_clap(config: dict[str, Any] = AUDIOLDM2) -> Any:
    from transformers import ClapConfig, ClapModel

    return ClapModel(ClapConfig(audio_config=config["clap_audio"])).eval()


def audioldm2_language_model(config: dict[str, Any] = AUDIOLDM2) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(**config["language_model"])).eval()
    model.config.max_new_tokens = 8
    return model


def audioldm2_texts(config: dict[str, Any] = AUDIOLDM2) -> dict[str, Any]:
    """Return CLAP, Flan-T5 and GPT-2 under their names in the pipeline."""
    return {
        "text_encoder": audioldm2_clap(config),
        "text_encoder_2": audioldm2_text(config),
        "language_model": audioldm2_language_model(config),
    }


def stable_audio_open_transformer(config: dict[str, Any] = STABLE_AUDIO_OPEN) -> Any:
    from diffusers import StableAudioDiTModel

    return StableAudioDiTModel(**config["transformer"]).eval()


def stable_audio_open_vae(config: dict[str, Any] = STABLE_AUDIO_OPEN) -> Any:
    from diffusers import AutoencoderOobleck

    return AutoencoderOobleck(**config["vae"]).eval()


def stable_audio_open_text(config: dict[str, Any] = STABLE_AUDIO_OPEN) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(**config["text_encoder"])).eval()


def stable_audio_open_projection() -> Any:
    """Return the embedders of texts and of the seconds of the sound."""
    from diffusers import StableAudioProjectionModel

    return StableAudioProjectionModel(768, 768, min_value=0, max_value=512).eval()


def stable_audio_3_transformer(config: dict[str, Any] = STABLE_AUDIO_3) -> Any:
    from diffusers import StableAudio3DiTModel

    return StableAudio3DiTModel(**config["transformer"]).eval()


def stable_audio_3_vae(config: dict[str, Any] = STABLE_AUDIO_3) -> Any:
    from diffusers import AutoencoderSAME

    return AutoencoderSAME(**config["vae"]).eval()


def stable_audio_3_text() -> Any:
    """Return the encoder of T5Gemma b-b (google/t5gemma-b-b-ul2), with the sizes from its model card."""
    from transformers import T5GemmaConfig, T5GemmaEncoderModel

    size = {
        "vocab_size": 256_000,
        "hidden_size": 768,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 12,
        "head_dim": 64,
    }
    config = T5GemmaConfig(encoder=size, decoder=dict(size), is_encoder_decoder=False)
    return T5GemmaEncoderModel(config).eval()


def stable_audio_3_duration() -> Any:
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder

    return StableAudio3DurationEmbedder().eval()


def qwen2_5_vl(config: dict[str, Any] = QWEN2_5_VL, *, dtype: Any = None, **ids: int) -> Any:
    """Return Qwen2.5-VL. `ids` are token ids in its configuration that differ from the published ones."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    settings = Qwen2_5_VLConfig(**config, **ids)
    return Qwen2_5_VLForConditionalGeneration._from_config(settings, dtype=dtype).eval()


def parameters(*models: Any) -> int:
    """Return the total number of parameters of the models."""
    return sum(weights.numel() for model in models for weights in model.parameters())
