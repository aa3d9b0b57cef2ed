"""The autoencoder of Stable Audio 3: SAME-S, which diffusers lacks, and decoding in windows.

Import this module only when weights are loaded: it imports torch and diffusers.

SAME (arXiv 2605.17991) has two sizes. In SAME-L, which diffusers has, a token attends to a band around it. In SAME-S,
the tokens are cut into chunks of two latent frames, and each token attends to its chunk. In the second half of the
layers the chunks are shifted by one frame. The last layer of its decoder is a convolution over three patches.
"""

import math
from typing import Any, cast

import torch
from diffusers import AutoencoderSAME
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.autoencoder_same import SAMETransformerResamplingBlock
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import weight_norm

WINDOW_FRAMES = 128  # 12 s: little of it is decoded twice, and the mask of SAME-L stays small
HALO_CHUNKS = 4  # before and after a window; its samples depend on less than three


class ChunkedBlock(SAMETransformerResamplingBlock):
    """A resampling block that attends within chunks of `chunk_size` patches and their learned tokens."""

    def __init__(self, *arguments: Any, chunk_size: int, is_shifted: bool, kernel: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if chunk_size % self.stride:
            raise ValueError(f"The chunk size {chunk_size} is not a multiple of the stride {self.stride}.")
        self.frames_per_chunk = chunk_size // self.stride
        self.is_shifted = is_shifted
        if kernel > 1:
            self.mapping = weight_norm(nn.Conv1d(self.in_channels, self.out_channels, kernel, padding="same"))

    def _encode(self, x: Tensor) -> Tensor:
        frames = -(-x.shape[-1] // self.stride)
        x = _padded(x, self.stride * self.frames_per_chunk)
        x = self.mapping(x).transpose(1, 2)
        tokens = self._attended(x.reshape(len(x), -1, self.stride, x.shape[-1]), learned=1)
        return tokens[:, :frames, -1].transpose(1, 2)

    def _decode(self, x: Tensor) -> Tensor:
        patches = x.shape[-1] * self.stride
        x = _padded(x, self.frames_per_chunk).transpose(1, 2)
        tokens = self._attended(x.unsqueeze(2), learned=self.stride)
        x = tokens[:, :, -self.stride :].flatten(1, 2).transpose(1, 2)
        return cast(Tensor, self.mapping(x))[..., :patches]

    def _attended(self, x: Tensor, learned: int) -> Tensor:
        """Return the tokens after all layers. Shape before and after: (batch, frames, tokens per frame, channels)."""
        new = self.new_tokens.expand(*x.shape[:2], learned, -1)
        x = torch.cat([x, new], dim=2)
        half = len(self.transformers) // 2 if self.is_shifted else len(self.transformers)
        x = self._in_chunks(x, self.transformers[:half])
        if not self.is_shifted:
            return x
        shift = self.frames_per_chunk // 2
        x = torch.cat([x[:, :shift], x, x[:, -shift:]], dim=1)
        return self._in_chunks(x, self.transformers[half:])[:, shift:-shift]

    def _in_chunks(self, x: Tensor, layers: nn.ModuleList) -> Tensor:
        shape = x.shape
        x = x.reshape(-1, self.frames_per_chunk * shape[2], shape[3])
        for layer in layers:
            x = layer(x)
        return x.reshape(shape)


class ChunkedSAME(AutoencoderSAME):
    """SAME-S. `decoder_kernel` is the width of the convolution after the decoder, in patches."""

    encoder: Any
    decoder: Any

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        audio_channels: int = 2,
        patch_size: int = 256,
        encoder_channels: int = 128,
        encoder_c_mults: tuple[int, ...] = (6,),
        encoder_strides: tuple[int, ...] = (16,),
        encoder_transformer_depths: tuple[int, ...] = (6,),
        latent_dim: int = 256,
        use_differential_attention: bool = True,
        dim_heads: int = 64,
        ff_mult: int = 3,
        encoder_sinusoidal_blocks: tuple[int, ...] = (0,),
        decoder_sinusoidal_blocks: tuple[int, ...] = (0,),
        sampling_rate: int = 44_100,
        chunk_size: int = 32,
        is_shifted: bool = True,
        decoder_kernel: int = 3,
        sliding_window: int = 0,  # none
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            audio_channels=audio_channels,
            patch_size=patch_size,
            encoder_channels=encoder_channels,
            encoder_c_mults=encoder_c_mults,
            encoder_strides=encoder_strides,
            encoder_transformer_depths=encoder_transformer_depths,
            latent_dim=latent_dim,
            use_differential_attention=use_differential_attention,
            dim_heads=dim_heads,
            ff_mult=ff_mult,
            encoder_sinusoidal_blocks=encoder_sinusoidal_blocks,
            decoder_sinusoidal_blocks=decoder_sinusoidal_blocks,
            sampling_rate=sampling_rate,
            sliding_window=sliding_window,
        )
        stacks: tuple[tuple[Any, tuple[int, ...], int], ...] = (
            (self.encoder, encoder_sinusoidal_blocks, 1),
            (self.decoder, decoder_sinusoidal_blocks[::-1], decoder_kernel),  # its blocks are in reverse order
        )
        for stack, waves, kernel in stacks:
            levels = waves * (len(stack.blocks) if len(waves) == 1 else 1)
            stack.blocks = nn.ModuleList(
                ChunkedBlock(
                    block.in_channels,
                    block.out_channels,
                    block.stride,
                    mode=block.mode,
                    transformer_depth=len(block.transformers),
                    dim_heads=dim_heads,
                    use_differential=use_differential_attention,
                    ff_mult=ff_mult,
                    sinusoidal_blocks=sinusoidal,
                    chunk_size=chunk_size,
                    is_shifted=is_shifted,
                    kernel=kernel,
                )
                for block, sinusoidal in zip(stack.blocks, levels, strict=True)
            )


def decode_in_windows(vae: Any, latent: Tensor, window_frames: int = WINDOW_FRAMES) -> Tensor:
    """Return the samples of a latent, shape (1, latent channels, frames), decoded window by window.

    A window is decoded with as many frames around it as its samples depend on, so the result is that of the whole
    latent, up to rounding. Without windows, memory would grow with the square of the duration: SAME-L would need
    50 GB for the mask of 600 s.
    """
    frames, halo = latent.shape[-1], _halo(vae)
    pieces = []
    for start in range(0, frames, window_frames):
        end = min(start + window_frames, frames)
        first, last = max(0, start - halo), min(frames, end + halo)
        samples = vae.decode(latent[..., first:last]).sample
        ratio = vae.downsampling_ratio
        pieces.append(samples[..., (start - first) * ratio : (end - first) * ratio])
    return torch.cat(pieces, dim=-1)


def _halo(vae: Any) -> int:
    """Return how many frames before and after a window its samples depend on, in whole chunks."""
    if isinstance(vae, ChunkedSAME):
        return HALO_CHUNKS * int(vae.decoder.blocks[0].frames_per_chunk)
    reach: int = vae.config.sliding_window * sum(vae.config.encoder_transformer_depths)
    return reach


def _padded(x: Tensor, multiple: int) -> Tensor:
    return functional.pad(x, (0, -x.shape[-1] % multiple))


@torch.no_grad()
def restore_tables(pipe: Any) -> None:
    """Compute the fixed tables of positions and frequencies again in float32.

    Weights in half precision turn them into half precision too. Then positions above 256 are rounded to even numbers,
    and the angles of a frequency of 10 kHz are noise.
    """
    for model in (pipe.vae, pipe.transformer):
        for module in model.modules():
            if "inv_freq" in module._buffers:
                size = 2 * len(module.inv_freq)
                powers = 10_000 ** (torch.arange(0, size, 2).float() / size)
                module.inv_freq = (1.0 / powers).to(module.inv_freq.device)
    embedder = pipe.duration_embedder
    low, high = math.log(embedder.config.min_freq), math.log(embedder.config.max_freq)
    ramp = torch.linspace(0.0, 1.0, len(embedder.freqs))
    embedder.freqs = torch.exp(ramp * (high - low) + low).to(embedder.freqs.device)
