"""Words become sound with the real loading code and tiny checkpoints with random weights."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from pipeline import backends
from pipeline.__main__ import main
from pipeline.audio import Clip, resample
from pipeline.backends import SoundOptions, memory
from pipeline.backends.audio import diffusion
from pipeline.errors import SoundscapeError
from pipeline.mixing.mix import mix
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, seeds_of, synthesize

from ...support.checkpoints import audio as checkpoints
from .conftest import DURATION_S, MODELS, STEPS, TOLERANCE, plain_sound, sound, the_request

# From words to sound -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_a_soundscape_becomes_a_mix(name, two):
    stems = synthesize(two, name, duration_s=DURATION_S, seed=1, options=STEPS)
    for stem in stems:
        assert stem.clip.sample_rate == 44_100
        assert stem.clip.samples.shape == (1 if name == "audioldm2" else 2, round(DURATION_S * 44_100))
        assert np.sqrt(np.mean(stem.clip.samples**2)) > 0.01
    assert mix(two, stems).samples.shape == (2, round(DURATION_S * 44_100))


@pytest.mark.parametrize("name", MODELS)
def test_the_command_line_writes_the_mix_and_the_prompts(name, two, tmp_path, capsys):
    (tmp_path / "river.json").write_text(two.to_json())
    wanted = [str(tmp_path / "river.json"), "--out", str(tmp_path / "out"), "--audio", name, "--duration", "2"]
    assert main(wanted) == 0
    result = tmp_path / "out" / "river"
    assert soundfile.info(result / "mix.wav").duration == 2
    prompts = json.loads((result / "prompts.json").read_text())
    assert [prompt["prompt"].lower().removeprefix("a ").startswith(prompt["source"]) for prompt in prompts] == [
        True,
        True,
    ]


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_samples_and_another_one_does_not(name, two):
    first = plain_sound(two, name)
    forget_stems()
    again = sound(two, name)
    other = synthesize(two, name, duration_s=DURATION_S, seed=2, options=STEPS)
    for a, b, c in zip(first, again, other):
        assert np.array_equal(a, b)
        assert np.abs(a - c.clip.samples).max() > 0.01


@pytest.mark.parametrize("name", MODELS)
def test_a_stem_is_the_same_alone_and_in_company(name, two):
    together = plain_sound(two, name)
    for source, expected in zip(two.sources, together):
        forget_stems()
        alone = sound(two.model_copy(update={"sources": (source,)}), name)[0]
        assert np.abs(alone - expected).max() < TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_other_words_give_another_sound(name, two):
    first = sound(two, name, replace(STEPS, prompts={0: "a crow calling", 1: "wind"}))[0]
    second = sound(two, name, replace(STEPS, prompts={0: "rain on stones", 1: "wind"}))[0]
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "length", "negative"),
    [
        ("audioldm2", "audio_length_in_s", "far away calling crow"),  # as many tokens: the pipeline would pad or cut it
        ("stable-audio-open", "audio_end_in_s", "hum of a machine"),
        ("stable-audio-open", "audio_end_in_s", ""),
        ("stable-audio-3", "duration", "hum of a machine"),
    ],
)
def test_the_sound_is_what_the_pipeline_makes_of_the_words(name, length, negative):
    import torch

    crow = Soundscape(sources=(Source(name="crow"),))
    options = SoundOptions(steps=3, guidance=4.0, negative_prompt=negative, prompts={0: "crow calling far away"})
    ours = sound(crow, name, options)[0]
    _, model = backends.load_audio(name)
    pipe = memory._residents[name].model.pipe
    call = diffusion.Call(DURATION_S, options.steps, options.guidance, negative, "float32")
    generator = torch.Generator().manual_seed(seeds_of(crow, 1)[0])
    latents = torch.randn(model.latent_shape(pipe, call), generator=generator)[None]
    plain = pipe(
        ["crow calling far away"],
        negative_prompt=[negative] if negative else None,
        num_inference_steps=options.steps,
        guidance_scale=options.guidance,
        latents=latents,
        generator=[generator],
        output_type="latent",
        **{length: DURATION_S},
        **({"max_new_tokens": 8} if name == "audioldm2" else {}),
    ).audios
    with torch.no_grad():
        samples, sample_rate = model.decode(pipe, plain, call)
    expected = resample(Clip(samples, sample_rate), 44_100).samples
    assert np.abs(ours - expected[:, : ours.shape[1]]).max() < TOLERANCE


def test_the_layout_of_the_public_audioldm2_sounds_the_same(two, folders, monkeypatch):
    expected = plain_sound(two, "audioldm2")
    monkeypatch.setenv("AUDIOLDM2_MODEL", str(folders["public_audioldm2"]))
    forget_stems()
    backends._instance.cache_clear()
    for a, b in zip(expected, sound(two, "audioldm2")):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("name", MODELS)
def test_one_call_makes_all_stems_and_the_negative_words_are_read_once(name, two, monkeypatch):
    sound(two, name)  # loads
    _, model = backends.load_audio(name)
    calls, texts = [], []
    denoise, encode = type(model).denoise, type(model).encode
    monkeypatch.setattr(type(model), "denoise", lambda *args: calls.append(args[2]) or denoise(*args))
    monkeypatch.setattr(type(model), "encode", lambda self, pipe, text: texts.append(text) or encode(self, pipe, text))
    options = replace(STEPS, guidance=2.0, negative_prompt="buzz of a fridge")
    for words in ("owl", "frog"):
        sound(Soundscape(sources=(Source(name=words), Source(name=f"far {words}"))), name, options)
    assert [len(prompts) for prompts in calls] == [2, 2]
    assert texts.count("buzz of a fridge") == 1
    assert len(texts) == 5


# Stable Audio Open: no unnecessary work ------------------------------------------------------------------------------


def test_only_what_is_kept_is_decoded(two):
    import torch

    sound(two, "stable-audio-open")
    pipe = memory._residents["stable-audio-open"].model.pipe
    _, model = backends.load_audio("stable-audio-open")
    latent = torch.randn(1, 64, checkpoints.CANVAS_FRAMES, generator=torch.Generator().manual_seed(0))
    call = diffusion.Call(duration_s=DURATION_S, steps=2, guidance=7.0, negative_prompt="", precision="float32")
    with torch.no_grad():
        samples, sample_rate = model.decode(pipe, latent, call)
        whole = pipe.vae.decode(latent).sample[0].numpy()
    assert samples.shape == (2, round(DURATION_S * sample_rate))
    assert np.abs(samples - whole[:, : samples.shape[1]]).max() < TOLERANCE


def test_a_fitted_canvas_is_a_choice(two, monkeypatch):
    full = sound(two, "stable-audio-open")
    frames = _latent_frames()
    monkeypatch.setenv("STABLE_AUDIO_CANVAS", "fitted")
    backends._instance.cache_clear()
    fitted = sound(two, "stable-audio-open")
    assert the_request("stable-audio-open")["canvas"] == "fitted"
    assert frames == checkpoints.CANVAS_FRAMES
    assert _latent_frames() == math.ceil(DURATION_S * 44_100 / 2048) + 16
    assert fitted[0].shape == full[0].shape
    monkeypatch.setenv("STABLE_AUDIO_CANVAS", "huge")
    backends._instance.cache_clear()
    with pytest.raises(SoundscapeError, match="full or fitted"):
        the_request("stable-audio-open")


def _latent_frames() -> int:
    _, model = backends.load_audio("stable-audio-open")
    call = diffusion.Call(duration_s=DURATION_S, steps=2, guidance=7.0, negative_prompt="", precision="float32")
    return model.latent_shape(memory._residents["stable-audio-open"].model.pipe, call)[1]
