"""The encoders of PE-AV for pictures and sounds, loaded from a checkpoint of transformers' PeAudioVideoModel.

The rest of PE-AV (texts, and sound and video together) is not loaded. transformers encodes sounds and the course of
frames. For single frames, it uses timm's vision transformer PE Core (Bolya et al. 2025), and timm needs torchvision. A
torchvision that was built for another torch makes every import of transformers fail. So PE Core is written out here,
with the names of timm's weights. This module imports torch: import it only to load PE-AV.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers import AutoModelForImageClassification, PeAudioVideoConfig, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput
from transformers.models.pe_audio.modeling_pe_audio import PeAudioContrastiveHead, PeAudioEncoder
from transformers.models.pe_video.modeling_pe_video import PeVideoContrastiveHead, PeVideoEncoder

from ..errors import SoundscapeError

POOL_HEADS = 8
MLP_RATIO = 4
NORM_EPSILON = 1e-5
ROTARY_BASE = 10_000.0
LABELS = 1024  # width of the output where a checkpoint does not tell it


@dataclass(frozen=True)
class Shape:
    """The size of a frame encoder. `trained_side`: patches per side of the pictures that it was trained with."""

    width: int
    depth: int
    heads: int
    patch_px: int
    picture_px: int
    trained_side: int

    @property
    def side(self) -> int:
        return self.picture_px // self.patch_px


SHAPES = {  # timm/models/eva.py
    "vit_pe_core_tiny_patch16_384": Shape(192, 12, 3, 16, 384, 24),
    "vit_pe_core_small_patch16_384": Shape(384, 12, 6, 16, 384, 24),
    "vit_pe_core_base_patch16_224": Shape(768, 12, 12, 16, 224, 14),
    "vit_pe_core_large_patch14_336": Shape(1024, 24, 16, 14, 336, 24),
}
OPTIONS = {
    "embed_dim": "width",
    "depth": "depth",
    "num_heads": "heads",
    "patch_size": "patch_px",
    "img_size": "picture_px",
}


class FramesConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]  # its hook for subclasses has no types
    """The settings of a frame encoder: an architecture of timm and the options that replace its defaults."""

    model_type = "pe_frames"
    architecture: str = "vit_pe_core_large_patch14_336"
    options: dict[str, Any] | None = None

    @property
    def shape(self) -> Shape:
        return replace(SHAPES[self.architecture], **{OPTIONS[name]: of for name, of in (self.options or {}).items()})


def frames_config(stored: Mapping[str, Any]) -> FramesConfig:
    """Return the settings for the `vision_config` of a PE-AV checkpoint.

    Raises SoundscapeError for an architecture or an option that is not known.
    """
    architecture = stored.get("architecture") or FramesConfig.architecture
    options = stored.get("model_args") or {}
    if architecture not in SHAPES or not options.keys() <= OPTIONS.keys() or stored.get("global_pool", "map") != "map":
        raise SoundscapeError(
            f"The frame encoder {architecture} of this PE-AV model is not supported. Set PE_AV_MODEL to "
            "facebook/pe-av-small-16-frame, facebook/pe-av-base-16-frame or facebook/pe-av-large-16-frame."
        )
    config = FramesConfig(architecture=architecture, options=dict(options))
    config.num_labels = stored.get("num_classes") or LABELS
    return config


class Frames(PreTrainedModel):  # type: ignore[no-untyped-call]  # as above
    """Embeds pictures, float32 of shape (pictures, 3, side, side) and -1 to 1: logits of shape (pictures, labels)."""

    config_class = FramesConfig
    base_model_prefix = "timm_model"
    _supports_sdpa = True

    def __init__(self, config: FramesConfig) -> None:
        super().__init__(config)
        self.timm_model = _Transformer(config.shape, config.num_labels or LABELS)
        self.post_init()  # type: ignore[no-untyped-call]  # a library function without types

    def forward(self, pixel_values: Tensor, **_: Any) -> ImageClassifierOutput:
        count = len(pixel_values)
        if pixel_values.stride(0) == 0:  # the frames of a still picture share their memory: one stands for all
            pixel_values = pixel_values[:1]
        return ImageClassifierOutput(logits=self.timm_model(pixel_values).expand(count, -1))


AutoModelForImageClassification.register(FramesConfig, Frames, exist_ok=True)  # for the video encoder


def encoders_config(stored: dict[str, Any]) -> tuple[PeAudioVideoConfig, Shape]:
    """Return the settings in the config.json of a PE-AV checkpoint, with a frame encoder of this module, and its shape.

    Raises SoundscapeError for a frame encoder that is not known.
    """
    config: Any = PeAudioVideoConfig.from_dict(stored)
    video = stored.get("audio_video_config", {}).get("video_config", {})
    frames = frames_config(video.get("vision_config") or {})
    config.audio_video_config.video_config.vision_config = frames
    return config, frames.shape


class Encoders(PreTrainedModel):  # type: ignore[no-untyped-call]  # as above
    """Embeds sounds and videos in one space."""

    config_class = PeAudioVideoConfig
    _supports_sdpa = True
    _keys_to_ignore_on_load_unexpected = {r"^(?!audio_model\.audio_|video_model\.video_)"}  # noqa: RUF012  # no tuple

    def __init__(self, config: Any) -> None:  # PeAudioVideoConfig, whose parts have no exact types
        super().__init__(config)
        audio, video = config.audio_video_config.audio_config, config.audio_video_config.video_config
        width = config.text_config.hidden_size
        audio_head = PeAudioContrastiveHead(audio.hidden_size, width)
        video_head = PeVideoContrastiveHead(video.hidden_size, width)
        self.audio_model = nn.ModuleDict({"audio_encoder": PeAudioEncoder(audio), "audio_head": audio_head})
        self.video_model = nn.ModuleDict({"video_encoder": PeVideoEncoder(video), "video_head": video_head})
        self.post_init()  # type: ignore[no-untyped-call]  # as above

    def of_sounds(self, samples: Tensor) -> Tensor:
        """Return the embeddings of mono sounds, shape (sounds, 1, samples), as (sounds, width)."""
        model = self.audio_model
        found: Tensor = model["audio_head"](model["audio_encoder"](input_values=samples).pooler_output)
        return found

    def of_videos(self, pixels: Tensor) -> Tensor:
        """Return the embeddings of videos, shape (videos, frames, 3, side, side), as (videos, width)."""
        model = self.video_model
        found: Tensor = model["video_head"](model["video_encoder"](pixel_values_videos=pixels).pooler_output)
        return found


class _Transformer(nn.Module):
    def __init__(self, shape: Shape, labels: int) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + shape.side**2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, shape.patch_px, shape.patch_px, bias=False)})
        self.norm_pre = nn.LayerNorm(width, NORM_EPSILON)
        self.blocks = nn.ModuleList(_Block(width, shape.heads) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(width, NORM_EPSILON)
        self.attn_pool = _Pool(width)
        self.head = nn.Linear(width, labels)

    def forward(self, pictures: Tensor) -> Tensor:
        patches = self.patch_embed["proj"](pictures).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1) + self.pos_embed
        rotation = _rotation(self.shape, tokens)
        tokens = self.norm_pre(tokens)
        for block in self.blocks:
            tokens = block(tokens, rotation)
        logits: Tensor = self.head(self.attn_pool(self.norm(tokens)))
        return logits


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, NORM_EPSILON)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, NORM_EPSILON)
        self.mlp = _Perceptron(width)

    def forward(self, tokens: Tensor, rotation: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens), rotation)
        moved: Tensor = tokens + self.mlp(self.norm2(tokens))
        return moved


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor, rotation: Tensor) -> Tensor:
        query, key, value = _split(self.qkv(tokens), 3, self.heads)
        found = scaled_dot_product_attention(_rotated(query, rotation), _rotated(key, rotation), value)
        joined: Tensor = self.proj(found.transpose(1, 2).flatten(2))
        return joined


class _Pool(nn.Module):
    """Attention of one learnt query over all tokens: (pictures, tokens, width) to (pictures, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.latent = nn.Parameter(torch.zeros(1, 1, width))
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, NORM_EPSILON)
        self.mlp = _Perceptron(width)

    def forward(self, tokens: Tensor) -> Tensor:
        (query,) = _split(self.q(self.latent.expand(len(tokens), -1, -1)), 1, POOL_HEADS)
        key, value = _split(self.kv(tokens), 2, POOL_HEADS)
        found = scaled_dot_product_attention(query, key, value)
        pooled = self.proj(found.transpose(1, 2).flatten(2))
        moved: Tensor = pooled + self.mlp(self.norm(pooled))
        return moved[:, 0]


class _Perceptron(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, MLP_RATIO * width)
        self.fc2 = nn.Linear(MLP_RATIO * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        moved: Tensor = self.fc2(gelu(self.fc1(tokens)))
        return moved


def _split(tokens: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """Split (pictures, tokens, parts x width) into parts of shape (pictures, heads, tokens, width of a head)."""
    pictures, count, _ = tokens.shape
    return tokens.reshape(pictures, count, parts, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)


def _rotation(shape: Shape, like: Tensor) -> Tensor:
    """Return cosine and sine of the rotary embedding of the patches: shape (2, patches, width of a head).

    The first half of the values turns with the column of a patch, the second half with its row.
    """
    bands = shape.width // shape.heads // 4
    frequency = ROTARY_BASE ** (-torch.arange(bands, dtype=torch.float32, device=like.device) / bands)
    place = (torch.arange(shape.side, dtype=torch.float32, device=like.device) + 1) / shape.side * shape.trained_side
    row, column = torch.meshgrid(place, place, indexing="ij")
    angle = (torch.stack([column, row], dim=-1)[..., None] * frequency).reshape(shape.side**2, 2 * bands)
    return torch.stack([angle.cos(), angle.sin()]).repeat_interleave(2, dim=-1).to(like.dtype)


def _rotated(heads: Tensor, rotation: Tensor) -> Tensor:
    """Rotate pairs of neighbouring values of every token but the first, which stands for the whole picture."""
    whole, patches = heads[:, :, :1], heads[:, :, 1:]
    turned = torch.stack([-patches[..., 1::2], patches[..., ::2]], dim=-1).flatten(-2)
    return torch.cat([whole, patches * rotation[0] + turned * rotation[1]], dim=2)
