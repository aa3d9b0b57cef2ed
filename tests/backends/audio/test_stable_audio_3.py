"""Stable Audio 3: its variants, what is known before loading, long sounds, and parts that are made again."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline import backends
from pipeline.backends import SoundOptions, availability, memory
from pipeline.backends.audio import painting, stable_audio_3, variant
from pipeline.backends.audio.painting import Known, Window, window_around, windows
from pipeline.backends.audio.stable_audio_3 import StableAudio3
from pipeline.backends.audio.variant import MEDIUM, SMALL, Variant, variant_of
from pipeline.backends.machine import Gpu
from pipeline.errors import SoundscapeError
from pipeline.settings import Settings
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, synthesize

from ...support.checkpoints import audio as checkpoints
from .conftest import MODELS, STEPS, TOLERANCE, sound, the_request
from .test_same import full_size

NAME = "stable-audio-3"
FRAMES_PER_S = 44_100 / 4096

# Variants ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected", "title"),
    [
        ("stabilityai/stable-audio-3-small-sfx", Variant(SMALL, "SFX"), "Stable Audio 3 Small SFX"),
        ("stabilityai/stable-audio-3-small-sfx-base", Variant(SMALL, "SFX", True), "Stable Audio 3 Small SFX Base"),
        ("stabilityai/stable-audio-3-small-music", Variant(SMALL, "Music"), "Stable Audio 3 Small Music"),
        ("stabilityai/stable-audio-3-medium", Variant(MEDIUM), "Stable Audio 3 Medium"),
        ("stabilityai/stable-audio-3-medium-base", Variant(MEDIUM, "", True), "Stable Audio 3 Medium Base"),
        ("someone/sa3", Variant(SMALL), "Stable Audio 3 Small"),
    ],
)
def test_a_name_tells_the_variant(name, expected, title):
    assert variant_of(name) == expected
    assert expected.title == title
    assert (expected.steps, expected.guidance) == ((100, 7.0) if expected.is_base else (8, 1.0))


def test_files_are_preferred_to_the_name(tmp_path):
    checkpoints.build_stable_audio_3(tmp_path / "base", is_base=True)
    assert variant_of("stable-audio-3-medium", tmp_path / "base") == Variant(SMALL, "", True)  # 32 wide
    for name, text in {"medium": '{"model": {"diffusion": {"config": {"embed_dim": 1536}}}}', "odd": "[1]"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "model_config.json").write_text(text)
    assert variant_of("x", tmp_path / "medium") == Variant(MEDIUM)
    assert variant_of("x-base", tmp_path / "odd") == Variant(SMALL, "", True)


def test_a_base_checkpoint_is_asked_for_its_steps_with_guidance(tmp_path, monkeypatch, two):
    folder = checkpoints.build_stable_audio_3(tmp_path / "tuned", is_base=True)
    monkeypatch.setenv("STABLE_AUDIO_3_MODEL", str(folder))
    request = the_request(NAME, SoundOptions())
    assert (request["steps"], request["guidance"]) == (100, 7.0)
    assert request["negative_prompt"]
    assert backends.card(NAME).title == "Stable Audio 3 Small Base"
    assert len(sound(two, NAME)) == 2


# Before anything is loaded -------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_here(monkeypatch):
    monkeypatch.delenv("STABLE_AUDIO_3_MODEL")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_TOKEN", raising=False)
    monkeypatch.setattr(availability, "is_offline", lambda: False)


def test_the_card_says_what_a_first_use_costs(nothing_here, monkeypatch):
    monkeypatch.setattr(stable_audio_3, "_cores", lambda: 2)
    card = backends.card(NAME)
    assert (card.title, card.model) == ("Stable Audio 3 Small SFX", "stabilityai/stable-audio-3-small-sfx")
    assert len(card.revision) == 40
    assert "https://huggingface.co/stabilityai/stable-audio-3-small-sfx" in card.reason and "HF_TOKEN" in card.reason
    assert "commercial" in card.licence and "Gemma" in card.licence
    assert card.note == "The first use downloads 3.5 GB. One sound of 10 s takes roughly 40 seconds on this CPU."
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    assert backends.card(NAME).reason == ""
    monkeypatch.setattr(availability, "memory_gb", lambda device: 2.0)
    assert backends.card(NAME).reason == "it needs 3 GB of memory; this machine has 2 GB. Use a GPU."


@pytest.mark.parametrize("name", ["medium", "medium-base", "small-music"])
def test_other_variants_are_gated_too_and_have_their_own_card(name, nothing_here, monkeypatch):
    monkeypatch.setenv("STABLE_AUDIO_3_MODEL", f"stabilityai/stable-audio-3-{name}")
    card = backends.card(NAME)
    assert f"https://huggingface.co/stabilityai/stable-audio-3-{name}" in card.reason
    assert card.download_gb == (10.5 if "medium" in name else 3.5)
    assert len(card.revision) == (4 if "base" in name else 40)  # main, or a commit


def test_it_is_preferred_where_the_token_opens_it_and_the_embedded_pair_on_a_cpu(nothing_here, monkeypatch):
    audioldm2 = "audioldm2"
    monkeypatch.delenv(MODELS[audioldm2][0])
    monkeypatch.setattr(backends, "accelerator", lambda: "cuda")
    assert backends.default_audio() == audioldm2
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    assert backends.default_audio() == NAME
    monkeypatch.setattr(backends, "accelerator", lambda: "cpu")
    assert backends.default_audio() == "procedural"


# Work ----------------------------------------------------------------------------------------------------------------


def counted_tflop(size: str, duration_s: float, steps: int) -> float:
    """Count what one clip costs, with models of full size that compute only shapes."""
    frames = round(duration_s * FRAMES_PER_S + 0.5)
    parts = full_size(size)

    def tflop(call) -> float:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            call()
        return counter.get_total_flops() / 1e12

    with torch.device("meta"):
        sizes = (256, frames), (), (257, 768), (768,)
        inputs = [torch.empty(1, *size) for size in sizes]
        known = torch.empty(1, 257, frames)
        step = tflop(lambda: parts.transformer(*inputs, local_add_cond=known))
        from pipeline.backends.audio.same import decode_in_windows

        return steps * step + tflop(lambda: decode_in_windows(parts.vae, torch.empty(1, 256, frames)))


@pytest.mark.parametrize("size", ["small-sfx", "medium"])
@pytest.mark.parametrize("duration_s", [2.0, 10.0, 60.0])
def test_the_work_is_a_tight_upper_bound(size, duration_s):
    settings = Settings(stable_audio_3_model=f"stabilityai/stable-audio-3-{size}")
    counted = counted_tflop(size.split("-")[0], duration_s, steps=8)
    work = StableAudio3.work(settings, clips=1, duration_s=duration_s, steps=None)
    assert counted < work.tflop < 1.2 * counted + SMALL.text_tflop
    twice = StableAudio3.work(settings, clips=2, duration_s=duration_s, steps=None)
    assert twice.tflop == pytest.approx(2 * work.tflop)
    assert work.weights_gb == twice.weights_gb == (5.2 if size == "medium" else 1.7)
    assert work.read_gb == 0


def test_guidance_steps_and_windows_are_counted():
    settings = Settings(stable_audio_3_model="stabilityai/stable-audio-3-small-sfx")
    base = Settings(stable_audio_3_model="stabilityai/stable-audio-3-small-sfx-base")

    def tflop(settings, duration_s, steps):
        return StableAudio3.work(settings, clips=1, duration_s=duration_s, steps=steps).tflop

    few, more = tflop(settings, 10.0, 8), tflop(settings, 10.0, 16)
    rest = 2 * few - more  # decoder and text
    assert 0 < rest < 0.4 * few
    assert tflop(base, 10.0, 8) == pytest.approx(2 * few - rest + SMALL.text_tflop)
    assert tflop(base, 10.0, None) == pytest.approx(tflop(base, 10.0, 100))
    assert 2.0 < tflop(settings, 230.0, 8) / tflop(settings, 115.0, 8) < 2.3, "10 s are made twice"


# Long sounds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("longest", "context"), [(100, 10), (22, 5), (50, 0)])
def test_windows_cover_every_frame_once_and_know_enough(longest, context):
    for frames in range(1, 700):
        plan = windows(frames, longest, context)
        assert plan[0].start == plan[0].known == 0
        assert plan[-1].end == frames
        assert {window.end - window.start for window in plan} == {plan[0].end}
        assert plan[0].end <= longest
        for before, after in pairwise(plan):
            assert after.start + after.known == before.end
            assert after.known >= context


@pytest.mark.parametrize(
    ("span", "frames", "expected"),
    [
        ((4, 6), 20, Window(0, 20)),
        ((0, 3), 90, Window(0, 30)),
        ((44, 46), 90, Window(30, 60)),
        ((85, 90), 90, Window(60, 90)),
    ],
)
def test_a_span_is_made_again_in_the_middle_of_its_window(span, frames, expected):
    assert window_around(*span, frames, longest=30) == expected


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of 2 s that know 0.5 s."""
    monkeypatch.setattr(StableAudio3, "_window_s", 2.0)
    monkeypatch.setattr(stable_audio_3, "CONTEXT_S", 0.5)
    made, of = [], Known.of

    def recorded(self, latents, mask):
        made.append((latents.clone(), mask.clone()))
        return of(self, latents, mask)

    monkeypatch.setattr(painting.Known, "of", recorded)
    return made


def long_sound(soundscape, options=STEPS, **more):
    forget_stems()
    stems = synthesize(soundscape, NAME, duration_s=5.0, seed=1, options=options, **more)
    return [stem.clip.samples for stem in stems]


def test_a_long_sound_continues_from_its_last_seconds(two, short_windows, monkeypatch):
    finished, decode = [], StableAudio3.decode

    def recorded(self, pipe, latent, call):
        finished.append(latent)
        return decode(self, pipe, latent, call)

    monkeypatch.setattr(StableAudio3, "decode", recorded)
    first = long_sound(two)
    assert first[0].shape == (2, 5 * 44_100)
    plan = windows(54, 22, 5)
    assert len(short_windows) == len(plan) == 3
    for (latents, mask), window in zip(short_windows, plan):
        assert mask.sum() == window.known
        for clip in range(2):  # what is known is what was made and is kept
            kept = finished[clip][0, :, window.start : window.start + window.known]
            assert torch.equal(latents[clip, :, : window.known], kept)
    for a, b in zip(first, long_sound(two)):
        assert np.array_equal(a, b), "the same seed gives the same sound"
    alone = long_sound(two.model_copy(update={"sources": two.sources[1:]}))
    assert np.abs(alone[0] - first[1]).max() < TOLERANCE


def test_the_steps_of_all_windows_are_counted_and_each_may_stop(two, short_windows):
    told = []
    long_sound(two, on_step=lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {4}
    assert told == sorted(told) and told[-1] == (4, 4)
    assert len(told) == 1 + 1 + 3 * 2  # begun twice, then two steps of each window


def test_ten_minutes_are_the_limit(two):
    with pytest.raises(SoundscapeError, match="between 2 and 600 seconds with stable-audio-3"):
        synthesize(two, NAME, duration_s=601)


# What is known -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copies", [1, 2], ids=["alone", "with guidance"])
def test_the_transformer_reads_what_is_known_and_zeros_otherwise(copies):
    class Transformer(torch.nn.Module):
        config = SimpleNamespace(local_add_cond_dim=4)

        def forward(self, noisy, time, local_add_cond):
            return local_add_cond

    transformer = Transformer()
    known = Known(transformer)
    noisy, latents = torch.ones(2 * copies, 3, 5), torch.arange(30.0).view(2, 3, 5)
    assert torch.equal(transformer(noisy, 0), torch.zeros(2 * copies, 4, 5))
    with known.of(latents, torch.tensor([1, 1, 0, 0, 1]).bool()):
        read = transformer(noisy, 0)
    assert read[:, 0].tolist() == [[1, 1, 0, 0, 1]] * 2 * copies
    assert torch.equal(read[:2, 1:, :2], latents[..., :2]) and torch.equal(read[-1, 1:, 4], latents[1, :, 4])
    assert not read[..., 2:4].any()
    assert not transformer(noisy, 0).any(), "nothing is known afterwards"


def test_what_is_known_changes_what_is_made(two, short_windows, monkeypatch):
    with_context = long_sound(two)
    monkeypatch.setattr(stable_audio_3, "CONTEXT_S", 0.0)
    assert np.abs(long_sound(two)[0] - with_context[0]).max() > 0.01


# Parts that are made again -------------------------------------------------------------------------------------------


def test_only_the_part_changes_and_only_of_its_source(two):
    plain = long_sound(two)
    options = replace(STEPS, redo={1: (2.0, 2.5)})
    redone = long_sound(two, options)
    assert np.array_equal(redone[0], plain[0])
    edge_s = 3 / FRAMES_PER_S  # one frame, and the two that the decoder of this checkpoint reaches
    before, after = round((2.0 - edge_s) * 44_100), round((2.5 + edge_s) * 44_100)
    assert np.abs(redone[1] - plain[1])[:, :before].max() < TOLERANCE
    assert np.abs(redone[1] - plain[1])[:, after:].max() < TOLERANCE
    middle = slice(round(2.1 * 44_100), round(2.4 * 44_100))
    assert np.abs(redone[1] - plain[1])[:, middle].max() > 0.1
    assert np.array_equal(long_sound(two, options)[1], redone[1])
    alone = two.model_copy(update={"sources": two.sources[1:]})
    assert np.abs(long_sound(alone, replace(STEPS, redo={0: (2.0, 2.5)}))[0] - redone[1]).max() < TOLERANCE


def test_a_part_of_a_long_sound_is_made_again_in_its_window(two, short_windows):
    plain = long_sound(two)
    short_windows.clear()
    told = []
    options = replace(STEPS, redo={0: (4.0, 4.3), 1: (0.0, 0.2)}, guidance=3.0)
    redone = long_sound(two, options, on_step=lambda done, total: told.append((done, total)))
    assert [mask.tolist().count(False) for _, mask in short_windows[-2:]] == [4, 3]  # frames
    assert [len(mask) for _, mask in short_windows[-2:]] == [22, 22]
    assert told == sorted(told) and told[-1] == (4, 4)
    assert redone[0].shape == plain[0].shape


def test_a_part_is_in_the_request_and_the_cache_tells_parts_apart(two):
    assert "redo" not in the_request(NAME)
    assert the_request(NAME, replace(STEPS, redo={0: (1.0, 1.5)}))["redo"] == [1.0, 1.5]
    plain = synthesize(two, NAME, duration_s=2, seed=1, options=STEPS)
    for span in ((0.5, 1.0), (1.0, 1.5)):
        redone = synthesize(two, NAME, duration_s=2, seed=1, options=replace(STEPS, redo={0: span}))
        assert not np.array_equal(redone[0].clip.samples, plain[0].clip.samples)
        assert redone[1].clip is plain[1].clip, "the other sound is still known"


def test_a_part_belongs_to_its_source():
    options = SoundOptions(redo={0: (0.0, 1.0), 2: (1.0, 2.0)})
    assert options.only(2).redo == {0: (1.0, 2.0)}
    assert options.only(1).redo == {}
    assert options.only(2, 0).redo == {0: (1.0, 2.0), 1: (0.0, 1.0)}


@pytest.mark.parametrize(
    "span", [(-1.0, 1.0), (1.5, 1.5), (1.5, 1.0), (1.0, 2.5), (1.0, 1.05), (float("nan"), 1.0), (0.0, float("inf"))]
)
def test_a_part_that_is_none_is_refused(span, two):
    with pytest.raises(
        SoundscapeError, match=r"part of sound 2 to redo must be 0.1 to 60 seconds long and lie between"
    ):
        synthesize(two, NAME, duration_s=2, options=replace(STEPS, redo={1: span}))


def test_a_part_of_no_sound_is_refused(two):
    with pytest.raises(SoundscapeError, match="There is no sound 3 to redo a part of"):
        synthesize(two, NAME, duration_s=2, options=replace(STEPS, redo={2: (0.0, 1.0)}))


@pytest.mark.parametrize("name", ["audioldm2", "stable-audio-open", "procedural"])
def test_other_models_refuse_it_in_words(name):
    soundscape = Soundscape(sources=(Source(name="rain"),))
    with pytest.raises(SoundscapeError, match=rf"{name} cannot redo a part of a sound\. Choose stable-audio-3"):
        synthesize(soundscape, name, duration_s=2, options=replace(STEPS, redo={0: (0.0, 1.0)}))


def test_the_size_of_a_sound_is_that_of_the_model():
    assert variant.SMALL.frames(120.0) == 1292 and variant.MEDIUM.frames(380.0) == 4092


def test_on_a_gpu_without_bfloat16_it_runs_in_float32_and_says_so(monkeypatch):
    monkeypatch.setattr(memory, "gpu", lambda: Gpu("Tesla T4", 16.0, 7.5))
    monkeypatch.setattr(memory, "_computes_bfloat16", lambda: False)
    note = StableAudio3.card(Settings(device="cuda")).note
    assert "runs in float32, which is slower" in note and "runs in float16" not in note
    model = StableAudio3()
    model.__dict__["_placement"] = memory.Placement("cuda")
    assert model._precision("") == "float32" and model._precision("float16") == "float16"
