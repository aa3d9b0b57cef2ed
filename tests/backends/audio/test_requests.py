"""Requests to text-to-audio models, ranking of candidates, and what is known before a model is loaded."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import backends
from pipeline.audio import Clip
from pipeline.backends import Card, SoundOptions, availability, memory
from pipeline.backends.audio import diffusion
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.settings import read_settings
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, synthesize

from .conftest import DURATION_S, MODELS, STEPS, TOLERANCE, plain_sound, sound, the_request

# Requests ------------------------------------------------------------------------------------------------------------


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
    before = plain_sound(two, name) if base == STEPS else sound(two, name, base)
    after = sound(two, name, replace(base, **change))
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
        assert re.match(rf"(a )?{stem.source.name}\b", text.lower())
        assert len(clips) == 3
        assert np.array_equal(stem.clip.samples, clips[1].samples)
        assert "Candidate 2 of 3 fits the prompt best (CLAP scores: 0.100, 0.300, 0.200)." in stem.clip.notes
    assert np.abs(stems[0].clip.samples - plain_sound(two, name)[0]).max() > 0.01


def test_clap_is_downloaded_before_the_candidates_are_made(two, monkeypatch):
    def fail(clap, on_step):
        raise SoundscapeError("there is no network")

    monkeypatch.setattr(diffusion.Clap, "fetch", fail)
    monkeypatch.setattr(diffusion.TextToAudio, "_made", lambda *_: pytest.fail("made in vain"))
    with pytest.raises(SoundscapeError, match="there is no network"):
        sound(two, "audioldm2", replace(STEPS, candidates=2))


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


@pytest.mark.parametrize("name", MODELS)
def test_a_long_caption_loses_phrases_until_the_model_reads_all_of_it(name):
    limit = {"audioldm2": 77, "stable-audio-open": 128, "stable-audio-3": 256}[name]
    words = [f"{first}{last}" for first in "bdfgklmnprst" for last in ("ab", "ock", "ush", "int")]
    fields = [" ".join(words[place : place + 12])[:60] for place in (0, 12, 24)]
    source = Source(name=fields[0], action=f"humming {fields[1]}"[:60], material=fields[2], timbre=tuple(words[36:41]))
    request = the_request(name, source=source)
    _, model = backends.load_audio(name)
    assert len(model._tokenizer(request["prompt"]).input_ids) <= limit
    assert request["prompt"].lower().startswith(f"a {words[0]} {words[1]}")
    assert bool(request["left_out"]) == (name != "stable-audio-3")


@pytest.mark.parametrize("name", MODELS)
def test_the_negative_prompt_spares_the_words_of_its_own_caption(name):
    options = replace(STEPS, guidance=4.0)
    box, river = Source(name="music box", action="ringing"), Source(name="river")
    negatives = [the_request(name, options, source)["negative_prompt"] for source in (box, river)]
    assert [text.startswith("music, melody") for text in negatives] == [False, True]
    assert negatives[1] == f"music, {negatives[0]}"
    together = sound(Soundscape(sources=(box, river)), name, options)
    for source, expected in zip((box, river), together):
        forget_stems()
        assert np.abs(sound(Soundscape(sources=(source,)), name, options)[0] - expected).max() < TOLERANCE
    wanted = the_request(name, replace(options, negative_prompt="music"), box)
    assert wanted["negative_prompt"] == "music", "what a person writes is kept"


@pytest.mark.parametrize("options", [{"steps": 0}, {"guidance": math.nan}, {"candidates": 99}, {"precision": "int8"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(SoundscapeError, match=r"must be between|no precision 'int8'"):
        the_request("audioldm2", SoundOptions(**options))


def test_more_than_47_seconds_of_stable_audio_open_are_refused_in_words(two):
    with pytest.raises(SoundscapeError, match="between 2 and 47 seconds with stable-audio-open, not 48"):
        synthesize(two, "stable-audio-open", duration_s=48)
    with pytest.raises(SoundscapeError, match=r"at most 5.9 s"):  # the limit of this checkpoint
        synthesize(two, "stable-audio-open", duration_s=10, options=STEPS)


# CLAP ----------------------------------------------------------------------------------------------------------------


def test_clap_scores_depend_on_words_and_sound_and_on_nothing_else():
    clap = diffusion.Clap(read_settings())
    rng = np.random.default_rng(0)
    noise = Clip(rng.standard_normal((2, 12 * 44_100)).astype(np.float32))  # longer than one window of CLAP
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
    with pytest.raises(SoundscapeError, match="CLAP, which ranks the candidates, cannot run here"):
        sound(two, "stable-audio-3", replace(STEPS, candidates=2), on_step=lambda *step: told.append(step))
    assert told == []


# Before anything is loaded -------------------------------------------------------------------------------------------


def test_the_page_can_be_served_before_torch_is_imported():
    cards = "from pipeline import backends; [backends.card(name) for name in backends.AUDIO]"
    check = "import sys; assert not {'torch', 'transformers', 'diffusers', 'scipy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", f"{cards}; {check}"], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize("name", MODELS)
def test_a_card_tells_licence_model_and_that_it_is_ready(name, folders):
    card = backends.card(name)
    assert card.reason == ""
    assert card.model == folders[MODELS[name][1]].name  # results are shared, so they must not contain local paths
    assert card.download_gb == 0
    assert "commercial" in card.licence


def test_a_card_without_weights_tells_what_to_do(monkeypatch):
    for variable, _ in MODELS.values():
        monkeypatch.delenv(variable)
    cards = {name: backends.card(name) for name in MODELS}
    assert all(isinstance(card, Card) and card.reason for card in cards.values())
    assert cards["audioldm2"].model == "cvssp/audioldm2"
    assert all(len(card.revision) == 40 for card in cards.values()), "full commit hashes"
    assert cards["audioldm2"].download_gb == 4.5
    assert cards["stable-audio-3"].model == "stabilityai/stable-audio-3-small-sfx"
    monkeypatch.setenv("AUDIOLDM2_MODEL", "cvssp/audioldm2-large")
    large = backends.card("audioldm2")
    assert (large.title, large.download_gb, len(large.revision)) == ("AudioLDM 2 Large", 6.0, 40)


def test_gated_weights_say_what_to_click_and_which_secret_to_set(monkeypatch):
    monkeypatch.delenv("STABLE_AUDIO_MODEL")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_TOKEN", raising=False)
    monkeypatch.setattr(availability, "is_offline", lambda: False)
    reason = backends.card("stable-audio-open").reason
    assert "https://huggingface.co/stabilityai/stable-audio-open-1.0" in reason
    assert "HF_TOKEN" in reason


def test_a_folder_without_a_model_is_named(tmp_path, monkeypatch, two):
    monkeypatch.setenv("AUDIOLDM2_MODEL", str(tmp_path))
    with pytest.raises(SoundscapeError, match=r"audioldm2 cannot run here: .*model_index.json"):
        synthesize(two, "audioldm2")
