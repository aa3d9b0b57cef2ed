"""The text-to-audio models, by the real loading code on tiny checkpoints with random weights."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline import backends
from pipeline.__main__ import main
from pipeline.audio import Clip, resample
from pipeline.backends import Card, SoundOptions, diffusion, memory, weights
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.mix import mix
from pipeline.settings import read_settings
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, seeds_of, synthesize

from .checkpoints import audio as checkpoints

STEPS = SoundOptions(steps=2)
DURATION_S = 2.0
# Of float32 arithmetic in another order, summed up over the steps; the sounds have an RMS of 0.04 to 0.5.
TOLERANCE = 2e-5
MODELS = {
    "audioldm2": ("AUDIOLDM2_MODEL", "audioldm2"),
    "stable-audio-open": ("STABLE_AUDIO_MODEL", "stable_audio_open"),
    "stable-audio-3": ("STABLE_AUDIO_3_MODEL", "stable_audio_3"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny checkpoint of each model."""
    root = tmp_path_factory.mktemp("checkpoints")
    built = {
        "audioldm2": checkpoints.build_audioldm2(root / "audioldm2"),
        "stable_audio_open": checkpoints.build_stable_audio_open(root / "stable_audio_open"),
        "stable_audio_3": checkpoints.build_stable_audio_3(root / "stable_audio_3"),
        "clap": checkpoints.build_clap(root / "clap"),
    }
    built["public_audioldm2"] = checkpoints.as_public_audioldm2(built["audioldm2"], root / "public_audioldm2")
    return built


@pytest.fixture(autouse=True)
def local_models(folders, monkeypatch):
    """Every model named by its environment variable, and nothing left from the test before but what is loaded."""
    for variable, name in MODELS.values():
        monkeypatch.setenv(variable, str(folders[name]))
    monkeypatch.setenv("CLAP_MODEL", str(folders["clap"]))
    monkeypatch.setenv("DEVICE", "cpu")
    forget_stems()
    backends._instance.cache_clear()


@pytest.fixture
def two() -> Soundscape:
    """Two sources whose captions differ much in length."""
    river = Source(name="river", material="water over stone", action="rushing", timbre=("bright", "broadband"))
    return Soundscape(space="forest", sources=(river, Source(name="wind")))


def sound(soundscape: Soundscape, name: str, options: SoundOptions = STEPS, **more) -> list[np.ndarray]:
    stems = synthesize(soundscape, name, duration_s=DURATION_S, seed=1, options=options, **more)
    return [stem.clip.samples for stem in stems]


def the_request(name: str, options: SoundOptions = STEPS, source: Source | None = None) -> dict:
    _, model = backends.load_audio(name)
    source = source or Source(name="river", action="rushing")
    return model.request(Soundscape(sources=(source,)), source, options)


# From words to sound ---------------------------------------------------------------------------------------------


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
    assert [prompt["prompt"].lower().startswith(prompt["source"]) for prompt in prompts] == [True, True]


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_samples_and_another_one_does_not(name, two):
    first = sound(two, name)
    forget_stems()
    again = sound(two, name)
    other = synthesize(two, name, duration_s=DURATION_S, seed=2, options=STEPS)
    for a, b, c in zip(first, again, other):
        assert np.array_equal(a, b)
        assert np.abs(a - c.clip.samples).max() > 0.01


@pytest.mark.parametrize("name", MODELS)
def test_a_stem_is_the_same_alone_and_in_company(name, two):
    together = sound(two, name)
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
        ("audioldm2", "audio_length_in_s", "far away calling crow"),  # as many tokens: the plain way pads or cuts it
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
    expected = sound(two, "audioldm2")
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


# What is asked of a model ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "change",
    [
        {"steps": 3},
        {"guidance": 2.5},
        {"negative_prompt": "thunder", "guidance": 4.0},
        {"precision": "bfloat16"},
        {"prompts": {0: "a crow calling", 1: "a crow calling"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_option_changes_the_request_and_the_sound(name, change, two):
    base = replace(STEPS, guidance=4.0) if "negative_prompt" in change else STEPS
    assert the_request(name, base) != the_request(name, replace(base, **change))
    before, after = sound(two, name, base), sound(two, name, replace(base, **change))
    for a, b in zip(before, after):
        assert not np.array_equal(a, b)


@pytest.mark.parametrize("name", MODELS)
def test_candidates_change_the_request_and_the_best_is_kept_and_told(name, two, monkeypatch):
    options = replace(STEPS, candidates=3)
    assert the_request(name, options)["ranked_by"].endswith("clap")
    heard = []

    def scores(self, text, clips):
        heard.append((text, clips))
        return [0.1, 0.3, 0.2]

    monkeypatch.setattr(diffusion.Clap, "scores", scores)
    stems = synthesize(two, name, duration_s=DURATION_S, seed=1, options=options)
    for stem, (text, clips) in zip(stems, heard, strict=True):
        assert text.lower().startswith(stem.source.name)
        assert len(clips) == 3
        assert np.array_equal(stem.clip.samples, clips[1].samples)
        assert "Candidate 2 of 3 fitted the words best (CLAP: 0.100, 0.300, 0.200)." in stem.clip.notes
    assert np.abs(stems[0].clip.samples - sound(two, name)[0]).max() > 0.01


@pytest.mark.parametrize("name", MODELS)
def test_a_request_is_json_and_holds_what_decides_the_sound(name):
    request = the_request(name, SoundOptions())
    assert json.loads(json.dumps(request)) == request
    assert {"model", "revision", "prompt", "negative_prompt", "steps", "guidance", "scheduler"} <= request.keys()
    assert request["steps"] == {"audioldm2": 20, "stable-audio-open": 100, "stable-audio-3": 8}[name]
    assert request["guidance"] == {"audioldm2": 3.5, "stable-audio-open": 7.0, "stable-audio-3": 1.0}[name]
    assert ("music" in request["negative_prompt"]) == (request["guidance"] > 1)


def test_audioldm2_takes_ddim_for_many_steps(two):
    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled

    for steps, name, scheduler in (
        (200, "DDIM", "DDIMScheduler"),
        (100, "DDIM", "DDIMScheduler"),
        (99, "DPM-Solver++", "DPMSolverMultistepScheduler"),
    ):
        options = SoundOptions(steps=steps)
        assert the_request("audioldm2", options)["scheduler"] == name
        with pytest.raises(Cancelled):
            sound(two, "audioldm2", options, on_step=stop)
        assert type(memory._residents["audioldm2"].model.pipe.scheduler).__name__ == scheduler


def test_a_batch_is_as_large_as_memory_allows(monkeypatch):
    _, model = backends.load_audio("audioldm2")
    sizes = {}
    for free_gb in (0.1, 4, 1000):
        monkeypatch.setattr(memory, "free_gb", lambda device, free_gb=free_gb: free_gb)
        for duration_s in (10, 20):
            call = diffusion.Call(duration_s, 20, 3.5, "", "float16")
            sizes[free_gb, duration_s] = model._batch_size(call, "cuda")
    assert sizes == {(0.1, 10): 1, (0.1, 20): 1, (4, 10): 8, (4, 20): 4, (1000, 10): 16, (1000, 20): 16}


@pytest.mark.parametrize("name", MODELS)
def test_a_prompt_is_no_longer_than_the_model_reads_and_what_is_left_out_is_told(name, two):
    limit = {"audioldm2": 77, "stable-audio-open": 128, "stable-audio-3": 256}[name]
    own = " ".join(["crow"] * 300)
    request = the_request(name, replace(STEPS, prompts={0: own}))
    _, model = backends.load_audio(name)
    count = len(model._tokenizer(request["prompt"]).input_ids)
    assert limit - 8 < count <= limit
    assert request["prompt"].split() + request["left_out"][0].split() == own.split()
    clip = synthesize(two, name, duration_s=DURATION_S, options=replace(STEPS, prompts={0: own}))[0].clip
    assert any("left out: crow" in note for note in clip.notes)


@pytest.mark.parametrize("options", [{"steps": 0}, {"guidance": math.nan}, {"candidates": 99}, {"precision": "int8"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(SoundscapeError, match=r"must be between|no precision 'int8'"):
        the_request("audioldm2", SoundOptions(**options))


def test_more_than_47_seconds_of_stable_audio_open_are_refused_in_words(two):
    with pytest.raises(SoundscapeError, match="between 2 and 47 seconds with stable-audio-open, not 48"):
        synthesize(two, "stable-audio-open", duration_s=48)
    with pytest.raises(SoundscapeError, match=r"at most 5.9 s"):  # what this checkpoint can
        synthesize(two, "stable-audio-open", duration_s=10, options=STEPS)


# Stable Audio Open: no more work than is wanted --------------------------------------------------------------------


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


# Progress, and what goes wrong -----------------------------------------------------------------------------------


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
    expected = sound(two, name)
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
    """A denoiser's callback that raises so often and then goes on."""
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
    expected = sound(two, "stable-audio-3")
    forget_stems()
    sizes = record_batches(monkeypatch, "stable-audio-3", fail_with(error, times=1)[0])
    for a, b in zip(expected, sound(two, "stable-audio-3")):
        assert np.abs(a - b).max() < TOLERANCE
    assert sizes == [2, 1, 1]


@pytest.mark.parametrize("name", MODELS)
def test_out_of_memory_twice_is_told_and_the_next_job_works(name, two, monkeypatch):
    expected = sound(two, name)
    forget_stems()
    with monkeypatch.context() as broken:
        record_batches(broken, name, fail_with(OUT_OF_MEMORY[0], times=2)[0])
        with pytest.raises(SoundscapeError, match=r"memory of the device is too small.*shorter duration") as caught:
            sound(two, name)
        assert caught.value.__context__ is None  # nothing holds on to the tensors of the failed job
    assert np.array_equal(sound(two, name)[0], expected[0])


def test_an_error_that_is_not_about_memory_stays_what_it_is(two, monkeypatch):
    record_batches(monkeypatch, "stable-audio-3", fail_with(RuntimeError("bad shape"), times=1)[0])
    with pytest.raises(RuntimeError, match="bad shape"):
        sound(two, "stable-audio-3")


def record_batches(monkeypatch, name: str, before) -> list[int]:
    """Call `before` at the start of each batch, and note how many stems it makes."""
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
    exact = sound(two, name)
    spoil(monkeypatch, name, where, only_in="bfloat16")
    stems = synthesize(two, name, duration_s=DURATION_S, seed=1, options=replace(STEPS, precision="bfloat16"))
    assert np.abs(stems[0].clip.samples - exact[0]).max() < TOLERANCE
    assert "Made in float32: in bfloat16 the numbers overflowed." in stems[0].clip.notes
    assert stems[1].clip.notes == ()  # the other one was whole


@pytest.mark.parametrize("name", MODELS)
def test_what_is_not_finite_in_float32_either_is_an_error(name, two, monkeypatch):
    spoil(monkeypatch, name, "latents", only_in="")
    with pytest.raises(SoundscapeError, match="made no valid sound"):
        sound(two, name)


def spoil(monkeypatch, name: str, where: str, only_in: str) -> None:
    """Put a NaN into what the first stem of a batch comes to."""
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
    assert diffusion._clipping(np.clip(2 * wave, -1, 1)).startswith("It is clipped: ")
    noise = np.random.default_rng(0).standard_normal((1, 44_100)).astype(np.float32)
    assert diffusion._clipping(noise) == diffusion._clipping(0 * noise) == ""


# CLAP ------------------------------------------------------------------------------------------------------------


def test_clap_scores_depend_on_words_and_sound_and_on_nothing_else():
    clap = diffusion.Clap(read_settings())
    rng = np.random.default_rng(0)
    noise = Clip(rng.standard_normal((2, 12 * 44_100)).astype(np.float32))  # longer than one window
    tone = Clip(np.sin(np.arange(44_100, dtype=np.float32) * 0.05)[None])
    first = clap.scores("rain on stones", [noise, tone])
    assert first == clap.scores("rain on stones", [noise, tone])
    assert all(-1 <= score <= 1 for score in first)
    assert first[0] != first[1]
    assert clap.scores("a crow calling far away", [noise])[0] != first[0]


def test_candidates_are_ranked_by_clap_itself(two):
    options = replace(STEPS, candidates=2)
    for stem in synthesize(two, "stable-audio-3", duration_s=DURATION_S, seed=1, options=options):
        assert any(note.startswith("Candidate ") for note in stem.clip.notes)


def test_candidates_without_clap_are_refused_before_they_are_made(two, tmp_path, monkeypatch):
    monkeypatch.setenv("CLAP_MODEL", str(tmp_path))
    told = []
    with pytest.raises(SoundscapeError, match="CLAP, which chooses among several candidates, cannot run here"):
        sound(two, "stable-audio-3", replace(STEPS, candidates=2), on_step=lambda *step: told.append(step))
    assert told == []


# What is told before anything is loaded --------------------------------------------------------------------------


def test_the_page_can_be_served_before_torch_is_imported():
    cards = "from pipeline import backends; [backends.card(name) for name in backends.AUDIO]"
    check = "import sys; assert not {'torch', 'transformers', 'diffusers', 'scipy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", f"{cards}; {check}"], check=True, cwd=Path(__file__).parent.parent)


@pytest.mark.parametrize("name", MODELS)
def test_a_card_tells_licence_model_and_that_it_is_ready(name, folders):
    card = backends.card(name)
    assert card.reason == ""
    assert card.model == str(folders[MODELS[name][1]])
    assert card.download_gb == 0
    assert "commercial" in card.licence


def test_a_card_without_weights_tells_what_to_do(monkeypatch):
    for variable, _ in MODELS.values():
        monkeypatch.delenv(variable)
    cards = {name: backends.card(name) for name in MODELS}
    assert all(isinstance(card, Card) and card.reason for card in cards.values())
    assert cards["audioldm2"].model == "cvssp/audioldm2"
    assert len(cards["audioldm2"].revision) == len(cards["stable-audio-open"].revision) == 40
    assert cards["audioldm2"].download_gb == 4.5
    assert "STABLE_AUDIO_3_MODEL" in cards["stable-audio-3"].reason
    monkeypatch.setenv("AUDIOLDM2_MODEL", "cvssp/audioldm2-large")
    large = backends.card("audioldm2")
    assert (large.title, large.download_gb, len(large.revision)) == ("AudioLDM 2 Large", 6.0, 40)


def test_gated_weights_say_what_to_click_and_which_secret_to_set(monkeypatch):
    monkeypatch.delenv("STABLE_AUDIO_MODEL")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_TOKEN", raising=False)
    monkeypatch.setattr(weights, "is_offline", lambda: False)
    reason = backends.card("stable-audio-open").reason
    assert "https://huggingface.co/stabilityai/stable-audio-open-1.0" in reason
    assert "HF_TOKEN" in reason


def test_a_folder_without_a_model_is_named(tmp_path, monkeypatch, two):
    monkeypatch.setenv("AUDIOLDM2_MODEL", str(tmp_path))
    with pytest.raises(SoundscapeError, match=r"audioldm2 cannot run here: .*model_index.json"):
        synthesize(two, "audioldm2")
