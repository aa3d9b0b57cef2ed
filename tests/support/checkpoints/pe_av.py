"""A tiny checkpoint of PE-AV."""

import json
from pathlib import Path

import torch

ARCHITECTURE = "vit_pe_core_tiny_patch16_384"
OPTIONS = {"embed_dim": 64, "depth": 2, "num_heads": 2, "img_size": 48, "patch_size": 16}
LABELS = 24


def build_pe_av(folder: Path, seed: int = 0) -> Path:
    """PE-AV as transformers saves it: every part of PeAudioVideoModel, with a frame encoder of timm in the config."""
    from transformers import PeAudioFeatureExtractor, PeAudioVideoConfig, PeAudioVideoModel

    from pipeline.backends.pe_encoders import frames_config

    size = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "head_dim": 16,
    }
    codec = {"encoder_hidden_size": 4, "hidden_size": 32, "codebook_dim": 8, "downsampling_ratios": [2, 8, 10, 12]}
    codec |= {"decoder_hidden_size": 16, "upsampling_ratios": [2, 2, 2, 2], "n_codebooks": 1, "codebook_size": 8}
    text = size | {"vocab_size": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    text |= {"cls_token_id": 1, "sep_token_id": 2}
    size |= {"head_dim": 16}
    frames = {"architecture": ARCHITECTURE, "model_args": OPTIONS, "num_classes": LABELS}
    config = PeAudioVideoConfig(
        text_config=text,
        audio_video_config=size | {"audio_config": size | {"dac_config": codec}, "video_config": size},
    )
    config.audio_video_config.video_config.vision_config = frames_config(frames)
    torch.manual_seed(seed)
    model = PeAudioVideoModel(config)
    _wake(model)
    model.save_pretrained(folder)
    PeAudioFeatureExtractor().save_pretrained(folder)
    path = folder / "config.json"
    stored = json.loads(path.read_text())
    frames |= {"model_type": "timm_wrapper", "do_pooling": True, "global_pool": "map", "initializer_range": 0.02}
    stored["audio_video_config"]["video_config"]["vision_config"] = frames
    path.write_text(json.dumps(stored))
    video = {"video_processor_type": "PeVideoVideoProcessor", "do_sample_frames": True, "num_frames": 16}
    video |= dict.fromkeys(("do_normalize", "do_resize", "do_rescale", "do_convert_rgb"), True)
    video |= {"size": {"height": 48, "width": 48}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "video_preprocessor_config.json").write_text(json.dumps(video))
    return folder


@torch.no_grad()
def _wake(model: torch.nn.Module) -> None:
    """Enlarge the weights: with the initial ones, all pictures and all sounds have nearly the same embedding."""
    for weights in model.parameters():
        if weights.dim() >= 2:
            torch.nn.init.normal_(weights, std=1.5 * weights[0].numel() ** -0.5)
