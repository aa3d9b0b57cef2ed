"""Progress per step, cancelling, running out of memory, and numeric overflow."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline import backends
from pipeline.backends import SoundOptions, memory
from pipeline.backends.audio import diffusion
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.synthesize import forget_stems, synthesize

from .conftest import DURATION_S, MODELS, STEPS, TOLERANCE, plain_sound, sound


@pytest.mark.parametrize("name", MODELS)
def test_every_step_is_told_and_a_job_ends_within_one(name, two):
    told = []
    sound(two, name, SoundOptions(steps=4), on_step=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told if done] == [2, 4, 6, 8]
    assert {total for _, total in told} == {8}

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        if done:
            raise Cancelled

    forget_stems()
    told.clear()
    with pytest.raises(Cancelled):
        sound(two, name, SoundOptions(steps=4), on_step=stop)
    assert told[-1] == (2, 8)
    assert len(sound(two, name)) == 2  # the next job works


@pytest.mark.parametrize("name", MODELS)
def test_on_a_small_gpu_parts_wait_in_main_memory_and_it_is_told(name, two, monkeypatch):
    expected = plain_sound(two, name)
    forget_stems()
    memory.forget(name)
    monkeypatch.setattr(
        memory, "placement", lambda settings: memory.Placement("cpu", offload=True, reason="Too small.")
    )
    backends._instance.cache_clear()
    stems = synthesize(two, name, duration_s=DURATION_S, seed=1, options=STEPS)
    assert hasattr(memory._residents[name].model.pipe.text_encoder, "_hf_hook")
    assert np.abs(stems[0].clip.samples - expected[0]).max() < TOLERANCE
    assert stems[0].clip.notes == ("Too small.",)
    memory.forget(name)


def fail_with(error: Exception, times: int):
    """Return a callback that raises `error` the first `times` times, and the list of its calls."""
    calls = []

    def fail(*_: object) -> None:
        calls.append(1)
        if len(calls) <= times:
            raise error

    return fail, calls


OUT_OF_MEMORY = [
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "mps", "cpu"])
def test_out_of_memory_halves_the_batch_once(error, two, monkeypatch):
    expected = plain_sound(two, "stable-audio-3")
    forget_stems()
    sizes = record_batches(monkeypatch, "stable-audio-3", fail_with(error, times=1)[0])
    for a, b in zip(expected, sound(two, "stable-audio-3")):
        assert np.abs(a - b).max() < TOLERANCE
    assert sizes == [2, 1, 1]


@pytest.mark.parametrize("name", MODELS)
def test_out_of_memory_twice_is_told_and_the_next_job_works(name, two, monkeypatch):
    expected = plain_sound(two, name)
    forget_stems()
    with monkeypatch.context() as broken:
        record_batches(broken, name, fail_with(OUT_OF_MEMORY[0], times=2)[0])
        with pytest.raises(SoundscapeError, match=r"memory of the device is too small.*shorter duration") as caught:
            sound(two, name)
        assert caught.value.__context__ is None  # nothing keeps the tensors of the failed job alive
    assert np.array_equal(sound(two, name)[0], expected[0])


def test_an_error_that_is_not_about_memory_stays_what_it_is(two, monkeypatch):
    record_batches(monkeypatch, "stable-audio-3", fail_with(RuntimeError("bad shape"), times=1)[0])
    with pytest.raises(RuntimeError, match="bad shape"):
        sound(two, "stable-audio-3")


def record_batches(monkeypatch, name: str, before) -> list[int]:
    """Call `before` at the start of each batch, and record the number of stems in each batch."""
    _, model = backends.load_audio(name)
    denoise, sizes = type(model).denoise, []

    def recorded(self, pipe, prompts, *rest):
        sizes.append(len(prompts))
        before()
        return denoise(self, pipe, prompts, *rest)

    monkeypatch.setattr(type(model), "denoise", recorded)
    return sizes


@pytest.mark.parametrize(("name", "where"), [*((name, "latents") for name in MODELS), ("stable-audio-open", "samples")])
def test_what_is_not_finite_is_made_again_in_float32(name, where, two, monkeypatch):
    exact = plain_sound(two, name)
    spoil(monkeypatch, name, where, only_in="bfloat16")
    stems = synthesize(two, name, duration_s=DURATION_S, seed=1, options=replace(STEPS, precision="bfloat16"))
    assert np.abs(stems[0].clip.samples - exact[0]).max() < TOLERANCE
    assert "Made in float32, because the numbers overflowed in bfloat16." in stems[0].clip.notes
    assert stems[1].clip.notes == ()  # the other one was valid


@pytest.mark.parametrize("name", MODELS)
def test_what_is_not_finite_in_float32_either_is_an_error(name, two, monkeypatch):
    spoil(monkeypatch, name, "latents", only_in="")
    with pytest.raises(SoundscapeError, match="made no valid sound"):
        sound(two, name)


def spoil(monkeypatch, name: str, where: str, only_in: str) -> None:
    """Put NaN or infinity into the output of the first stem of a batch."""
    _, model = backends.load_audio(name)
    denoise, decode = type(model).denoise, type(model).decode
    decoded = []

    def spoilt_denoise(self, pipe, prompts, negative, noise, generators, call, on_step):
        latents = denoise(self, pipe, prompts, negative, noise, generators, call, on_step)
        if call.precision.startswith(only_in):
            latents[0].view(-1)[5] = math.nan
        return latents

    def spoilt_decode(self, pipe, latent, call):
        samples, sample_rate = decode(self, pipe, latent, call)
        decoded.append(call.precision)
        if call.precision.startswith(only_in) and len(decoded) == 1:
            samples[0, 7] = math.inf
        return samples, sample_rate

    changed = spoilt_denoise if where == "latents" else spoilt_decode
    monkeypatch.setattr(type(model), "denoise" if where == "latents" else "decode", changed)


def test_a_sound_that_is_cut_off_is_noted():
    wave = np.sin(np.linspace(0, 600, 44_100, dtype=np.float32))[None]
    assert diffusion._clipping(np.clip(2 * wave, -1, 1)).startswith("The sound is clipped: ")
    noise = np.random.default_rng(0).standard_normal((1, 44_100)).astype(np.float32)
    assert diffusion._clipping(noise) == diffusion._clipping(0 * noise) == ""
