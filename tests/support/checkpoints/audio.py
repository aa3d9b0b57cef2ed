"""Tiny checkpoints of the text-to-audio models.

They match the real ones where it affects the interface: sample rates, hop lengths, channels, types of tokenizers and
text encoders, and the layout of the files.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from .tokenizers import byte_pairs, gemma, unigrams

CLAP_WIDTH = T5_WIDTH = 16
CANVAS_FRAMES = 128  # 5.9 s; the real Stable Audio Open has 1024, 47.6 s


def build_audioldm2(folder: Path, seed: int = 0) -> Path:
    """AudioLDM 2 as diffusers saves it today: 16 kHz, 100 spectrogram frames per second, 8 latent channels."""
    from diffusers import (
        AudioLDM2Pipeline,
        AudioLDM2ProjectionModel,
        AudioLDM2UNet2DConditionModel,
        AutoencoderKL,
        DDIMScheduler,
    )
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    clap, clap_tokenizer, features = _clap()
    tokenizer, t5 = _t5()
    language = GPT2LMHeadModel(
        GPT2Config(n_embd=16, n_head=2, n_layer=1, vocab_size=16, n_positions=256, bos_token_id=0, eos_token_id=0)
    ).eval()
    language.config.max_new_tokens = 8
    unet = AudioLDM2UNet2DConditionModel(
        sample_size=256,
        in_channels=8,
        out_channels=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=[[None, 16, T5_WIDTH]] * 2,
    )
    _amplify(unet, "attn2.to_v", 8.0)
    vae = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=8,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        scaling_factor=0.41,
    )
    scheduler = DDIMScheduler(
        beta_start=0.0015,
        beta_end=0.0195,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    AudioLDM2Pipeline(
        vae=vae,
        text_encoder=clap,
        text_encoder_2=t5,
        projection_model=AudioLDM2ProjectionModel(CLAP_WIDTH, T5_WIDTH, 16),
        language_model=language,
        tokenizer=clap_tokenizer,
        tokenizer_2=tokenizer,
        feature_extractor=features,
        unet=unet,
        scheduler=scheduler,
        vocoder=_vocoder(),
    ).save_pretrained(folder)
    return folder


def as_public_audioldm2(source: Path, folder: Path) -> Path:
    """Copy a checkpoint in the layout of the public repositories.

    It has older names of the tokenizer classes, and a GPT2Model, whose weights lack the prefix of GPT2LMHeadModel.
    """
    from transformers import GPT2LMHeadModel

    shutil.copytree(source, folder)
    index = json.loads((folder / "model_index.json").read_text())
    older = {"language_model": "GPT2Model", "tokenizer": "RobertaTokenizerFast", "tokenizer_2": "T5TokenizerFast"}
    index |= {part: ["transformers", name] for part, name in older.items()}
    for part in ("tokenizer", "tokenizer_2"):
        file = folder / part / "tokenizer_config.json"
        config = json.loads(file.read_text()) | {"tokenizer_class": older[part].removesuffix("Fast")}
        file.write_text(json.dumps(config))
    (folder / "model_index.json").write_text(json.dumps(index))
    shutil.rmtree(folder / "language_model")
    language = GPT2LMHeadModel.from_pretrained(source / "language_model").transformer
    language.config.architectures, language.config.max_new_tokens = ["GPT2Model"], 8
    language.save_pretrained(folder / "language_model")
    return folder


def build_stable_audio_open(folder: Path, seed: int = 0, canvas_frames: int = CANVAS_FRAMES) -> Path:
    """Stable Audio Open: stereo at 44.1 kHz, 2048 samples per frame, the scheduler that needs torchsde."""
    from diffusers import (
        AutoencoderOobleck,
        CosineDPMSolverMultistepScheduler,
        StableAudioDiTModel,
        StableAudioPipeline,
        StableAudioProjectionModel,
    )

    torch.manual_seed(seed)
    tokenizer, t5 = _t5()
    transformer = StableAudioDiTModel(
        sample_size=canvas_frames,
        in_channels=64,
        out_channels=64,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        num_key_value_attention_heads=2,
        cross_attention_dim=T5_WIDTH,
        cross_attention_input_dim=T5_WIDTH,
        global_states_input_dim=2 * T5_WIDTH,
        time_proj_dim=32,
    )
    _amplify(transformer, "attn2.to_v", 8.0)
    vae = AutoencoderOobleck(
        encoder_hidden_size=4,
        downsampling_ratios=[2, 4, 4, 8, 8],
        channel_multiples=[1, 1, 2, 2, 2],
        decoder_channels=4,
        decoder_input_channels=64,
    )
    StableAudioPipeline(
        vae=vae,
        text_encoder=t5,
        projection_model=StableAudioProjectionModel(T5_WIDTH, T5_WIDTH, min_value=0, max_value=512),
        tokenizer=tokenizer,
        transformer=transformer,
        scheduler=CosineDPMSolverMultistepScheduler(),
    ).save_pretrained(folder)
    return folder


def build_stable_audio_3(folder: Path, seed: int = 0, *, is_base: bool = False) -> Path:
    """Stable Audio 3 medium, distilled or not, as its conversion for diffusers is saved."""
    stable_audio_3(seed, is_base=is_base).save_pretrained(folder)
    return folder


def stable_audio_3(seed: int = 0, *, is_small: bool = False, is_base: bool = False) -> Any:
    """Stable Audio 3: T5Gemma, the SAME autoencoder of either size, differential attention in the medium size."""
    from diffusers import AutoencoderSAME, FlowMatchEulerDiscreteScheduler, StableAudio3DiTModel, StableAudio3Pipeline
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder
    from transformers import T5GemmaConfig, T5GemmaEncoderModel

    from pipeline.backends.audio.same import ChunkedSAME

    torch.manual_seed(seed)
    tokenizer = gemma()
    width = 32
    encoder = {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "max_position_embeddings": 256,
        "sliding_window": 64,
    }
    t5gemma = T5GemmaConfig(encoder=encoder, decoder=dict(encoder), is_encoder_decoder=False, vocab_size=len(tokenizer))
    transformer = StableAudio3DiTModel(
        io_channels=16,
        embed_dim=width,
        depth=2,
        num_heads=2,
        cond_token_dim=width,
        global_cond_dim=width,
        local_add_cond_dim=17,
        timestep_features_dim=16,
        ff_mult=2.0,
        num_memory_tokens=4,
        use_differential_attention=not is_small,
    )
    vae = (ChunkedSAME if is_small else AutoencoderSAME)(
        encoder_channels=16,
        encoder_c_mults=[2],
        encoder_transformer_depths=[2],
        latent_dim=16,
        dim_heads=16,
        ff_mult=2,
    )
    _wake(transformer)
    _wake(vae)
    _amplify(transformer, "cross_attn", 4.0)
    _scale(vae.decoder.blocks[-1].mapping.weight_g, 0.4)  # not to clip
    return StableAudio3Pipeline(
        vae=vae.eval(),
        text_encoder=T5GemmaEncoderModel(t5gemma).eval(),
        tokenizer=tokenizer,
        duration_embedder=StableAudio3DurationEmbedder(output_dim=width, fourier_dim=256),
        transformer=transformer.eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, stochastic_sampling=not is_base),
    )


def build_clap(folder: Path, seed: int = 0) -> Path:
    """CLAP with its processor."""
    from transformers import ClapProcessor

    torch.manual_seed(seed)
    model, tokenizer, features = _clap()
    model.save_pretrained(folder)
    ClapProcessor(feature_extractor=features, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def _clap() -> tuple[Any, Any, Any]:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer

    vocabulary, merges = byte_pairs(480, first=("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
    tokenizer = RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=512)  # as in the real tokenizer
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "max_position_embeddings": 514,
        "projection_dim": CLAP_WIDTH,
    }
    audio = {
        "spec_size": 256,
        "num_mel_bins": 64,
        "patch_embeds_hidden_size": 4,
        "hidden_size": 32,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 2, 2],
        "projection_dim": CLAP_WIDTH,
        "num_classes": 5,
    }
    model = ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=CLAP_WIDTH)).eval()
    _amplify(model.text_model, "embeddings", 10.0)
    features = ClapFeatureExtractor(feature_size=64, sampling_rate=48_000, truncation="rand_trunc", padding="repeatpad")
    return model, tokenizer, features


def _t5() -> tuple[Any, Any]:
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    tokenizer = T5Tokenizer(vocab=unigrams(), extra_ids=0, model_max_length=128)
    size = {"d_model": T5_WIDTH, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 1}
    return tokenizer, T5EncoderModel(T5Config(vocab_size=len(tokenizer), **size)).eval()


def _vocoder() -> Any:
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=64,
            sampling_rate=16_000,
            upsample_initial_channel=32,
            upsample_rates=[5, 4, 2, 2, 2],
            upsample_kernel_sizes=[16, 16, 8, 4, 4],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1, 3]],
            normalize_before=False,
        )
    ).eval()
    for weights in vocoder.parameters():
        if weights.dim() == 3:  # with the initial weights, its output is about 1e-10
            torch.nn.init.normal_(weights, std=weights[0].numel() ** -0.5)
    return vocoder


@torch.no_grad()
def _scale(weights: torch.Tensor, factor: float) -> None:
    weights.mul_(factor)


@torch.no_grad()
def _amplify(model: Any, part: str, factor: float) -> None:
    """Scale the weights that read the text. Random weights almost ignore it, but other words must change the sound."""
    for name, weights in model.named_parameters():
        if part in name and weights.dim() == 2:
            weights.mul_(factor)


@torch.no_grad()
def _wake(model: Any) -> None:
    """Randomise layers that are initialised with zeros, which would make the sound ignore words and seed."""
    for name, weights in model.named_parameters():
        if weights.dim() >= 2 and weights.abs().max() == 0:
            torch.nn.init.normal_(weights, std=3.0 * weights[0].numel() ** -0.5)
        elif "new_tokens" in name:
            torch.nn.init.normal_(weights, std=0.3)
