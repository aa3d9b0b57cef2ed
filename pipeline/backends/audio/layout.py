"""The parts of a diffusers pipeline of Stable Audio 3, from the settings of an original checkpoint.

Import this module only when weights are loaded: it imports torch, transformers and diffusers. Absent settings have the
defaults of the reference code.
"""

import json
import math
import warnings
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.pipelines import stable_audio_3
from transformers import AutoConfig, T5GemmaEncoderModel

from ...errors import SoundscapeError
from .same import ChunkedSAME
from .variant import ORIGINAL

_library: Any = diffusers  # its methods have no types
_modules: Any = stable_audio_3
# The settings that diffusers computes with: (place, setting, the only value it knows, value if absent).
FIXED: tuple[tuple[str, str, Any, Any], ...] = (
    ("diffusion", "global_cond_type", "adaLN", "prepend"),
    ("diffusion", "timestep_features_type", "expo", "learned"),
    ("diffusion", "timestep_features_logsnr", False, False),
    ("diffusion", "norm_type", "rms_norm", "layer_norm"),
    ("encoder", "conv_mapping", False, False),
    *((side, "dyt", True, True) for side in ("encoder", "decoder")),
    *((side, "variable_stride", True, False) for side in ("encoder", "decoder")),
)
SHARED = (  # by encoder and decoder
    *("channels", "c_mults", "strides", "transformer_depths", "latent_dim", "differential", "dim_heads", "ff_mult"),
    *("chunk_size", "chunk_midpoint_shift", "sliding_window"),
)


def parts_of(source: Path, text: Path, model: str) -> dict[str, Any]:
    """Return the parts that have weights, without their weights. `text` is the folder of the text encoder.

    Raises SoundscapeError if a settings file is missing or damaged, or the model is not one that diffusers knows.
    """
    try:
        config = json.loads((source / ORIGINAL).read_text("utf-8"))
        _check(config, model)
        with torch.device("meta"), warnings.catch_warnings():  # shapes only
            warnings.simplefilter("ignore", FutureWarning)  # of torch, about layers of these models
            parts = {
                "vae": _autoencoder(config),
                "duration_embedder": _modules.StableAudio3DurationEmbedder(**_duration(config)),
                "transformer": _library.StableAudio3DiTModel(**_transformer(config)),
                "text_encoder": _text_encoder(text),
            }
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise SoundscapeError(f"A settings file of {model} is missing or damaged. Download it again.") from error
    return parts


def state_of(module: Any) -> dict[str, torch.Tensor]:
    """Return the weights of a part that the original has; the frequencies of the duration are computed."""
    state: dict[str, torch.Tensor] = module.state_dict()
    return {name: weights for name, weights in state.items() if name != "freqs"}


def computed(part: str, folder: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a part that diffusers stores and the original does not have."""
    if part != "duration_embedder":
        return {}
    config = json.loads((folder / "config.json").read_text())
    sizes = {name: value for name, value in config.items() if not name.startswith("_")}
    freqs: torch.Tensor = _modules.StableAudio3DurationEmbedder(**sizes).freqs
    return {"freqs": freqs}


def save_config(module: Any, folder: Path) -> None:
    """Write the settings of a part in the format of its library."""
    if isinstance(module, T5GemmaEncoderModel):
        module.config.architectures = ["T5GemmaEncoderModel"]
        module.config.save_pretrained(folder)
    else:
        module.save_config(folder)


def scheduler_of(source: Path) -> Any:
    """Return the scheduler: the distilled checkpoints draw new noise at every step, the base ones do not."""
    config = json.loads((source / ORIGINAL).read_text("utf-8"))
    is_distilled = config["model"]["diffusion"]["diffusion_objective"] == "rf_denoiser"
    # The model reads times from 0 to 1.
    return _library.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, stochastic_sampling=is_distilled)


def _check(config: dict[str, Any], model: str) -> None:
    coder = config["model"]["pretransform"]["config"]
    places = {
        "diffusion": config["model"]["diffusion"]["config"],
        "encoder": coder["encoder"]["config"],
        "decoder": coder["decoder"]["config"],
    }
    wrong = [f"{place}.{name}" for place, name, value, absent in FIXED if places[place].get(name, absent) != value]
    wrong += [name for name in SHARED if places["encoder"].get(name) != places["decoder"].get(name)]
    if config["model"]["diffusion"]["diffusion_objective"] not in ("rf_denoiser", "rectified_flow"):
        wrong.append("diffusion_objective")
    if wrong:
        raise SoundscapeError(
            f"{model} cannot be used: its settings ({', '.join(wrong)}) are not those of a Stable Audio 3 model that "
            "this app knows. Set STABLE_AUDIO_3_MODEL to another model, or unset it."
        )


def _conditioner(config: dict[str, Any], name: str) -> dict[str, Any]:
    found = {each["id"]: each["config"] for each in config["model"]["conditioning"]["configs"]}
    settings: dict[str, Any] = found[name]
    return settings


def _duration(config: dict[str, Any]) -> dict[str, Any]:
    settings = _conditioner(config, "seconds_total")
    return {
        "output_dim": config["model"]["conditioning"]["cond_dim"],
        "min_val": float(settings.get("min_val", 0)),
        "max_val": float(settings.get("max_val", 1)),
    }


def _transformer(config: dict[str, Any]) -> dict[str, Any]:
    settings = config["model"]["diffusion"]["config"]
    same = ("io_channels", "embed_dim", "depth", "num_heads", "cond_token_dim", "global_cond_dim", "local_add_cond_dim")
    return {name: settings[name] for name in same} | {
        "patch_size": settings.get("patch_size", 1),
        "timestep_features_dim": settings.get("timestep_features_dim", 256),
        "ff_mult": float(settings.get("ff_kwargs", {}).get("mult", 4)),
        "num_memory_tokens": settings.get("num_memory_tokens", 0),
        "use_differential_attention": settings.get("attn_kwargs", {}).get("differential", False),
    }


def _autoencoder(config: dict[str, Any]) -> Any:
    coder = config["model"]["pretransform"]["config"]
    encoder, decoder = coder["encoder"]["config"], coder["decoder"]["config"]
    levels = len(encoder["strides"])
    settings = {
        "audio_channels": coder.get("io_channels", 2),
        "patch_size": coder["downsampling_ratio"] // math.prod(encoder["strides"]),
        "encoder_channels": encoder["channels"],
        "encoder_c_mults": encoder["c_mults"],
        "encoder_strides": encoder["strides"],
        "encoder_transformer_depths": encoder["transformer_depths"],
        "latent_dim": encoder["latent_dim"],
        "use_differential_attention": encoder.get("differential", True),
        "dim_heads": encoder.get("dim_heads", 128),
        "ff_mult": encoder.get("ff_mult", 3),
        "encoder_sinusoidal_blocks": [0] * levels,
        "decoder_sinusoidal_blocks": decoder.get("sinusoidal_blocks", [0] * levels),
        "sampling_rate": config["sample_rate"],
    }
    if encoder.get("sliding_window"):
        return _library.AutoencoderSAME(**settings, sliding_window=encoder["sliding_window"][0])
    return ChunkedSAME(
        **settings,
        chunk_size=encoder.get("chunk_size", 128),
        is_shifted=encoder.get("chunk_midpoint_shift", False),
        decoder_kernel=3 if decoder.get("conv_mapping", False) else 1,
    )


def _text_encoder(folder: Path) -> T5GemmaEncoderModel:
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    config.is_encoder_decoder = False
    return T5GemmaEncoderModel(config)
