"""The benchmarks of the large models measure what they claim, as far as this can be checked without a GPU."""

import pytest
import torch

from .benchmarks import full_size, gpu, work

# Bytes of all safetensors files of cvssp/audioldm2, float32. They also contain the projections, which we do not build.
AUDIOLDM2_BYTES = 4_474_362_800
# Parameters of stabilityai/stable-audio-open-1.0 without its text encoder. They include the duration embedders.
STABLE_AUDIO_OPEN_PARAMETERS = 1_213_337_474


def test_the_models_of_full_size_are_as_large_as_the_published_ones():
    with torch.device("meta"):
        audioldm2 = (
            full_size.audioldm2_unet(),
            full_size.audioldm2_vae(),
            full_size.audioldm2_vocoder(),
            *full_size.audioldm2_texts().values(),
        )
        stable_audio = full_size.stable_audio_open_transformer(), full_size.stable_audio_open_vae()
    assert 4 * full_size.parameters(*audioldm2) == pytest.approx(AUDIOLDM2_BYTES, rel=0.002)
    assert full_size.parameters(*stable_audio) == pytest.approx(STABLE_AUDIO_OPEN_PARAMETERS, rel=0.002)


def test_calls_are_recorded_and_their_operations_counted_at_full_size():
    part = work.Part(
        find=lambda pipe: pipe,
        build=lambda: torch.nn.Linear(3000, 500),
        call=lambda model, shapes: model(work.blank(shapes["0"][0], 3000)),
    )
    subject = work.Subject(
        name="linear",
        build=None,
        variable="",
        plain_steps=0,
        plain_call={},
        parts={"layer": part},
        samples=lambda shapes: 0,
    )
    small = torch.nn.Linear(3, 5)
    with work.recorded(subject, small) as run:
        small(torch.zeros(2, 3))
        small(torch.zeros(2, 3))
        small(torch.zeros(7, 3))
    small(torch.zeros(1, 3))
    assert run.count("layer") == 3
    assert work.flops(subject, run, "layer") == 2 * 3000 * 500 * (2 + 2 + 7)


def test_without_a_gpu_the_benchmark_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 1
    assert "no GPU of NVIDIA" in capsys.readouterr().err


def test_the_whole_ladder_runs_on_small_models(capsys):
    assert gpu.main(["--tiny", "--stems", "1"]) == 0
    printed = capsys.readouterr().out
    for rung in ("plain: float32", "one batch", "20 steps", "static cache"):
        assert rung in printed
