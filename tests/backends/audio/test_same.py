"""The autoencoders of Stable Audio 3: SAME-S, decoding in windows, and tables in half precision."""

from types import SimpleNamespace

import pytest
import torch

from pipeline.backends.audio import same

from ...support.checkpoints.audio import _wake, stable_audio_3
from ...support.checkpoints.original import root_weights

COUNTED = {  # of the published model.safetensors: tensors of transformer, autoencoder and conditioners, and bytes
    "small": ((438, 244, 3), 2_270_384_940),
    "medium": ((522, 472, 3), 9_222_116_660),
}
ROUNDING = 2e-5  # of the angles of late positions in float32; a halo that is one frame too short gives 0.3
HEADER_BYTES = 150_000  # at most; a name, a shape and a place for each tensor


@torch.no_grad()
@pytest.mark.parametrize("mode", ["encoder", "decoder"])
@pytest.mark.parametrize("frames", [4, 7])
def test_a_token_attends_to_its_chunk_and_then_to_the_shifted_one(mode, frames):
    """Against a plain loop over pairs of frames, with layers that mix the tokens of a chunk."""

    class Mix(torch.nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            return x + self.factor * x.mean(dim=1, keepdim=True)

    stride, width = 2, 3
    block = same.ChunkedBlock(
        width, width, stride, mode=mode, transformer_depth=0, chunk_size=2 * stride, is_shifted=True, kernel=1
    )
    block.transformers = torch.nn.ModuleList(Mix(factor) for factor in (0.5, 0.3, 0.2, 0.1))
    block.new_tokens.data = torch.tensor([[[0.3, -0.2, 0.1]]])
    torch.manual_seed(0)
    x = torch.randn(2, width, frames * stride if mode == "encoder" else frames)

    given, learned = (stride, 1) if mode == "encoder" else (1, stride)
    rows = []
    for row in x:
        row = torch.nn.functional.pad(row, (0, given * (frames % 2)))
        groups = [
            torch.cat([row[:, start : start + given].T, block.new_tokens[0].repeat(learned, 1)])
            for start in range(0, row.shape[1], given)
        ]
        groups = pairwise(groups, block.transformers[:2])
        groups = pairwise([groups[0], *groups, groups[-1]], block.transformers[2:])[1:-1]
        rows.append(torch.cat([group[-learned:] for group in groups[:frames]]).T)
    assert torch.allclose(block(x), torch.stack(rows), atol=1e-6)


def pairwise(groups, layers):
    result = []
    for first, second in zip(groups[::2], groups[1::2], strict=True):
        chunk = torch.cat([first, second])[None]
        for layer in layers:
            chunk = layer(chunk)
        result += chunk[0].split(len(first))
    return result


@torch.no_grad()
@pytest.mark.parametrize("is_small", [True, False], ids=["small", "medium"])
@pytest.mark.parametrize("frames", [1, 2, 16, 40, 41])
def test_decoding_in_windows_gives_the_samples_of_the_whole(is_small, frames):
    vae = stable_audio_3(is_small=is_small).vae
    latent = torch.randn(1, 16, frames, generator=torch.Generator().manual_seed(1))
    whole = vae.decode(latent).sample
    assert whole.std() > 0.1
    assert torch.allclose(same.decode_in_windows(vae, latent, window_frames=8), whole, atol=ROUNDING)
    assert torch.equal(same.decode_in_windows(vae, latent), whole), "a short sound is one window"


@torch.no_grad()
@pytest.mark.parametrize("is_small", [True, False], ids=["small", "medium"])
def test_a_window_is_decoded_with_just_what_its_samples_depend_on(is_small):
    """A change outside of the halo changes nothing; one of the frame before changes something."""
    vae = stable_audio_3(is_small=is_small).vae
    latent = torch.randn(1, 16, 64, generator=torch.Generator().manual_seed(1))
    halo, middle = same._halo(vae), slice(32 * 4096, 33 * 4096)
    before = vae.decode(latent).sample[..., middle]
    far, near = latent.clone(), latent.clone()
    far[..., : 32 - halo] += 1
    far[..., 33 + halo :] += 1
    near[..., 31] *= 10
    assert torch.allclose(vae.decode(far).sample[..., middle], before, atol=ROUNDING)
    assert not torch.allclose(vae.decode(near).sample[..., middle], before, atol=5 * ROUNDING)


@torch.no_grad()
def test_the_encoder_makes_one_frame_for_each_4096_samples():
    vae = stable_audio_3(is_small=True).vae
    _wake(vae)
    for samples in (4096, 4097, 3 * 4096):
        assert vae.encode(torch.randn(1, 2, samples)).latents.shape == (1, 16, -(-samples // 4096))


def full_size(size: str) -> SimpleNamespace:
    """The parts of the published checkpoint without weights."""
    from diffusers import AutoencoderSAME, StableAudio3DiTModel
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder

    with torch.device("meta"):
        if size == "small":
            vae = same.ChunkedSAME()
            transformer = StableAudio3DiTModel(embed_dim=1024, depth=20, num_heads=16, use_differential_attention=False)
        else:
            layers = {"encoder_transformer_depths": [12], "decoder_sinusoidal_blocks": [8]}
            vae = AutoencoderSAME(encoder_channels=256, **layers)
            transformer = StableAudio3DiTModel()
        return SimpleNamespace(vae=vae, transformer=transformer, duration_embedder=StableAudio3DurationEmbedder())


@pytest.mark.parametrize("size", COUNTED)
def test_the_parts_at_full_size_have_as_many_tensors_and_bytes_as_the_published_files(size):
    weights = root_weights(full_size(size))
    groups = [sum(name.startswith(group) for name in weights) for group in ("model.", "pretransform.", "conditioner.")]
    counts, size_bytes = COUNTED[size]
    assert tuple(groups) == counts
    assert 0 < size_bytes - sum(4 * tensor.numel() for tensor in weights.values()) < HEADER_BYTES
    if size == "small":  # as listed from the published file
        assert weights["model.model.transformer.layers.19.self_attn.to_qkv.weight"].shape == (3072, 1024)
        assert weights["model.model.transformer.layers.0.cross_attn.to_kv.weight"].shape == (2048, 1024)
        assert weights["model.model.transformer.rotary_pos_emb.inv_freq"].shape == (16,)
        assert weights["pretransform.model.decoder.layers.3.mapping.weight_v"].shape == (512, 768, 3)
        assert "pretransform.model.encoder.layers.2.weight" in weights
        assert "pretransform.model.decoder.layers.1.weight" in weights


def test_tables_of_positions_and_frequencies_stay_exact_in_half_precision():
    exact, pipe = stable_audio_3(), stable_audio_3().to(torch.bfloat16)
    assert pipe.duration_embedder.freqs.dtype == torch.bfloat16, "the library rounds them"
    same.restore_tables(pipe)
    places = ("transformer", "rotary_pos_emb"), ("vae", "encoder.blocks.0.transformers.0.attn.rope")
    for part, place in places:
        found = getattr(pipe, part).get_submodule(place)
        expected = getattr(exact, part).get_submodule(place)
        assert torch.equal(found.inv_freq, expected.inv_freq)
        assert torch.equal(found(2000, torch.device("cpu")), expected(2000, torch.device("cpu")))
    assert torch.equal(pipe.duration_embedder.freqs, exact.duration_embedder.freqs)
