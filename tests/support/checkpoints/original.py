"""Stable Audio 3 in the format of its authors, written from a pipeline of diffusers.

The names are those of the reference code (stable_audio_3/models of github.com/Stability-AI/stable-audio-3), written
down here once more and in the other direction than in the conversion.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

FEED_FORWARD = {"ff.proj_in.": "ff.ff.0.proj.", "ff.proj_out.": "ff.ff.2."}
SAME_LAYER = {"norm_attn.": "pre_norm.", "attn.": "self_attn.", "norm_ff.": "ff_norm."} | FEED_FORWARD
OUTSIDE = ("to_", "preprocess_conv", "postprocess_conv")  # of the inner transformer
TEXT_FOLDER = "t5gemma-b-b-ul2"


def build_original(folder: Path, pipe: Any, **changes: Any) -> Path:
    """Write the pipeline in the original format. `changes` replace settings of the diffusion in model_config.json."""
    text = folder / TEXT_FOLDER
    pipe.tokenizer.save_pretrained(text)
    pipe.text_encoder.config.save_pretrained(text)
    save_file(text_weights(pipe.text_encoder), text / "model.safetensors", metadata={"format": "pt"})
    save_file(root_weights(pipe), folder / "model.safetensors")
    (folder / "model_config.json").write_text(json.dumps(settings(pipe, **changes), indent=4))
    return folder


def text_weights(encoder: Any) -> dict[str, torch.Tensor]:
    """Return the weights of T5Gemma with a decoder, which is not needed."""
    weights = {f"model.{name}": weights.contiguous() for name, weights in encoder.state_dict().items()}
    return weights | {"model.decoder.norm.weight": torch.ones(8), "lm_head.out_proj.weight": torch.ones(8, 8)}


def root_weights(pipe: Any) -> dict[str, torch.Tensor]:
    """Return the weights of the file at the root: transformer, conditioners and autoencoder."""
    weights = {}
    for name, tensor in pipe.transformer.state_dict().items():
        weights[_of_transformer(name)] = _reference_order(name, tensor)
    for name in ("weight", "bias"):
        place = f"conditioner.conditioners.seconds_total.embedder.embedding.1.{name}"
        weights[place] = getattr(pipe.duration_embedder.linear, name).detach()
    for name, tensor in pipe.vae.state_dict().items():
        weights[f"pretransform.model.{_of_autoencoder(name, pipe.vae)}"] = _reference_order(name, tensor)
    for side, first in (("encoder", 0), ("decoder", 3)):
        for block, layers in enumerate(getattr(pipe.vae, side).blocks, first):
            for layer in range(len(layers.transformers)):
                place = f"pretransform.model.{side}.layers.{block}.transformers.{layer}.rope.inv_freq"
                weights[place] = layers.transformers[layer].attn.rope.inv_freq
    latent_dim = 0  # of the noise that the bottleneck could add
    weights["pretransform.model.bottleneck.noise_scaling_factor"] = torch.ones(1, latent_dim, 1)
    return {name: tensor.contiguous() for name, tensor in weights.items()}


def _of_transformer(name: str) -> str:
    if name == "prompt_padding_embedding":
        return "conditioner.conditioners.prompt.padding_embedding"
    if name.startswith(OUTSIDE):
        return f"model.model.{name}"
    name = name.replace("transformer_blocks.", "layers.")
    for new, old in FEED_FORWARD.items():
        name = name.replace(new, old)
    name = {"proj_in.weight": "project_in.weight", "proj_out.weight": "project_out.weight"}.get(name, name)
    return f"model.model.transformer.{name}"


def _of_autoencoder(name: str, vae: Any) -> str:
    if name.startswith("bottleneck."):
        return name.replace(".scale", ".scaling_factor")
    side, rest = name.split(".", 1)
    if rest.startswith("proj."):  # encoder: after the blocks and a transposition; decoder: after a transposition
        number = len(vae.encoder.blocks) + 1 if side == "encoder" else 1
        return f"{side}.layers.{number}.{rest.removeprefix('proj.')}"
    _, block, rest = rest.split(".", 2)
    if rest.startswith("transformers."):
        _, layer, rest = rest.split(".", 2)
        old = next(old for new, old in SAME_LAYER.items() if rest.startswith(new))
        new = next(new for new in SAME_LAYER if rest.startswith(new))
        rest = f"transformers.{layer}.{old}{rest.removeprefix(new)}"
    return f"{side}.layers.{int(block) + (3 if side == 'decoder' else 0)}.{rest}"


def _reference_order(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return a differential projection in the order [q | k | v | q2 | k2]; diffusers has [q | q2 | k | k2 | v]."""
    if not name.endswith("to_qkv.weight") or tensor.shape[0] == 3 * tensor.shape[1]:
        return tensor
    width = tensor.shape[1]
    q, q2, k, k2, v = (tensor[place * width : (place + 1) * width] for place in range(5))
    return torch.cat([q, k, v, q2, k2])


def settings(pipe: Any, **changes: Any) -> dict[str, Any]:
    """Return model_config.json with the settings that the published files have."""
    vae, transformer = pipe.vae.config, pipe.transformer.config
    coder = {
        "channels": vae.encoder_channels,
        "c_mults": list(vae.encoder_c_mults),
        "strides": list(vae.encoder_strides),
        "latent_dim": vae.latent_dim,
        "transformer_depths": list(vae.encoder_transformer_depths),
        "differential": True,
        "dyt": True,
        "dim_heads": vae.dim_heads,
        "ff_mult": vae.ff_mult,
        "variable_stride": True,
    }
    decoder = {"sinusoidal_blocks": list(vae.decoder_sinusoidal_blocks)}
    if vae.get("chunk_size"):
        coder |= {"chunk_size": vae.chunk_size, "chunk_midpoint_shift": vae.is_shifted}
        decoder |= {"conv_mapping": vae.decoder_kernel == 3, "mask_noise": 0.01}
    else:
        coder |= {"sliding_window": [vae.sliding_window] * 2}
    diffusion = {
        "io_channels": transformer.io_channels,
        "embed_dim": transformer.embed_dim,
        "depth": transformer.depth,
        "num_heads": transformer.num_heads,
        "cond_token_dim": transformer.cond_token_dim,
        "global_cond_dim": transformer.global_cond_dim,
        "local_add_cond_dim": transformer.local_add_cond_dim,
        "timestep_features_dim": transformer.timestep_features_dim,
        "global_cond_type": "adaLN",
        "timestep_features_type": "expo",
        "norm_type": "rms_norm",
        "attn_kwargs": {"qk_norm": "rms", "differential": transformer.use_differential_attention},
        "ff_kwargs": {"mult": transformer.ff_mult},
        "num_memory_tokens": transformer.num_memory_tokens,
    } | changes
    objective = "rf_denoiser" if pipe.scheduler.config.stochastic_sampling else "rectified_flow"
    conditioners = [
        {"id": "prompt", "type": "t5gemma", "config": {"subfolder": TEXT_FOLDER, "max_length": 256}},
        {"id": "seconds_total", "type": "number", "config": {"min_val": 0, "max_val": 384}},
    ]
    return {
        "model_type": "diffusion_cond_inpaint",
        "sample_rate": 44_100,
        "audio_channels": 2,
        "model": {
            "pretransform": {
                "type": "autoencoder",
                "config": {
                    "encoder": {"type": "same", "config": coder},
                    "decoder": {"type": "same", "config": coder | decoder},
                    "downsampling_ratio": pipe.vae.downsampling_ratio,
                    "io_channels": 2,
                },
            },
            "conditioning": {"configs": conditioners, "cond_dim": transformer.cond_token_dim},
            "diffusion": {"type": "dit", "diffusion_objective": objective, "config": diffusion},
        },
    }
