"""One function runs a whole job: the embedded pair, from a picture to the result folder."""

import json
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from pipeline import backends
from pipeline.audio import Clip, read_wav
from pipeline.backends import SoundOptions, memory
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.job import STAGES, Job, run
from pipeline.mixing.loudness import integrated_loudness
from pipeline.mixing.mix import DryStems
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, seeds_of, synthesize

from .support.checkpoints.audio import build_audioldm2


@pytest.fixture
def beach() -> Image.Image:
    """Blue sky above blue water above sand."""
    picture = Image.new("RGB", (300, 200), (120, 170, 230))
    picture.paste((30, 90, 150), (0, 90, 300, 150))
    picture.paste((220, 200, 150), (0, 150, 300, 200))
    return picture


def test_a_picture_becomes_a_whole_result(tmp_path, beach):
    steps = []
    result = run(Job(picture=beach, duration_s=2, seed=7), tmp_path / "beach", lambda *step: steps.append(step))
    stages = list(dict.fromkeys(stage for stage, _, _ in steps))
    assert stages == list(STAGES) and all(0 <= done <= total for _, done, total in steps)
    assert Soundscape.from_json((tmp_path / "beach/soundscape.json").read_text()) == result.soundscape
    clip = read_wav(result.mix_path)
    assert clip.samples.shape == (2, 2 * 44_100)
    stems = [read_wav(path).samples for path in result.stem_paths]
    assert len(stems) == len(result.soundscape.sources)
    assert np.abs(clip.samples - sum(stems)).max() < 5e-4, "the stems in the folder add up to the mix"
    report = json.loads((tmp_path / "beach/manifest.json").read_text())
    assert (report["vision"]["backend"], report["audio"]["backend"], report["seed"]) == ("tagger", "procedural", 7)
    assert set(result.report["seconds"]) == set(STAGES)
    assert report["loudness_lufs"] == pytest.approx(integrated_loudness(clip.samples, 44_100), abs=0.1)
    prompts = json.loads((tmp_path / "beach/prompts.json").read_text())
    assert [each["source"] for each in prompts] == [source.name for source in result.soundscape.sources]
    assert [each["seed"] for each in prompts] == list(seeds_of(result.soundscape, 7))


def test_same_seed_same_bytes_another_seed_other_bytes(tmp_path, soundscape):
    def mix_bytes(name: str, seed: int) -> bytes:
        forget_stems()
        return run(Job(soundscape=soundscape, duration_s=2, seed=seed), tmp_path / name).mix_path.read_bytes()

    assert mix_bytes("a", 7) == mix_bytes("b", 7) != mix_bytes("c", 8)


def test_editing_one_source_leaves_the_other_stems_as_they_were(tmp_path, soundscape):
    from pipeline import synthesize

    before = synthesize(soundscape, "procedural", duration_s=2, seed=7)
    sources = (soundscape.sources[0].model_copy(update={"action": "trickling"}), *soundscape.sources[1:])
    forget_stems()
    after = synthesize(soundscape.model_copy(update={"sources": sources}), "procedural", duration_s=2, seed=7)
    same = [np.array_equal(a.clip.samples, b.clip.samples) for a, b in zip(before, after)]
    assert same == [False, True, True]


def test_the_dry_stems_are_handed_out_before_anything_is_mixed_checked_or_written(tmp_path, soundscape, monkeypatch):
    from pipeline import job

    order = []
    for name in ("mixdown_of", "check", "of_sound", "write_files"):
        original = getattr(job, name)
        monkeypatch.setattr(job, name, lambda *a, _name=name, _do=original, **k: order.append(_name) or _do(*a, **k))
    plain = run(Job(soundscape=soundscape, duration_s=2, seed=7), tmp_path / "plain").mix_path.read_bytes()
    assert sorted(order) == ["check", "mixdown_of", "of_sound", "write_files"]
    order.clear()

    def on_stems(described: Soundscape, dry: DryStems) -> None:
        assert described == soundscape and [stem.source for stem in dry.stems] == list(soundscape.sources)
        assert dry.length == 2 * 44_100 and len(dry.lufs) == len(dry.stems)
        assert order == [] and not (tmp_path / "heard").exists()
        order.append("on_stems")

    result = run(Job(soundscape=soundscape, duration_s=2, seed=7), tmp_path / "heard", on_stems=on_stems)
    assert order[:2] == ["on_stems", "mixdown_of"] and len(order) == 5
    assert result.mix_path.read_bytes() == plain


def test_an_error_while_the_dry_stems_are_taken_ends_the_job(tmp_path, soundscape):
    def on_stems(described: Soundscape, dry: DryStems) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        run(Job(soundscape=soundscape, duration_s=2, seed=7), tmp_path / "a", on_stems=on_stems)
    assert not (tmp_path / "a").exists()


def test_new_stems_are_on_disk_and_no_thread_is_left_when_a_job_ends(tmp_path, soundscape, monkeypatch):
    put = []

    class Disk:
        def get(self, key: str) -> None:
            return None

        def put(self, key: str, clip: Clip) -> None:
            put.append(threading.current_thread())

    monkeypatch.setattr(sys.modules["pipeline.synthesize"], "disk_cache", Disk)
    forget_stems()
    before = threading.active_count()
    run(Job(soundscape=soundscape, duration_s=2, seed=11), tmp_path / "a")
    assert len(put) == len(soundscape.sources) and threading.main_thread() not in put
    assert threading.active_count() == before, "a fork finds no running thread"
    forget_stems()
    synthesize(soundscape, "procedural", duration_s=2, seed=11)
    assert put[len(soundscape.sources) :] == [threading.main_thread()] * len(soundscape.sources)


def test_without_a_seed_one_is_drawn_and_told(tmp_path, soundscape):
    seeds = {run(Job(soundscape=soundscape, duration_s=2), tmp_path / "a").report["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_with_a_soundscape_no_picture_is_looked_at(tmp_path, soundscape):
    result = run(Job(soundscape=soundscape, duration_s=2, seed=1), tmp_path / "a")
    assert result.soundscape == soundscape and result.report["vision"] is None
    assert "describe" not in result.report["seconds"]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Job(), "no picture yet"),
        (Job(picture=Image.new("RGB", (9, 9)), vision="taggr"), "no vision backend 'taggr'. Did you mean 'tagger'"),
        (Job(picture=Image.new("RGB", (9, 9)), seed=-1), "whole number from 0"),
        (Job(picture=Image.new("RGB", (9, 9)), duration_s=0.1), "must be between 2 and"),
    ],
)
def test_bad_wishes_are_refused_in_words_and_nothing_is_written(tmp_path, job, words):
    with pytest.raises(SoundscapeError, match=words):
        run(job, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"audio": "nothing"}, {"duration_s": 999}, {"seed": -1}])
def test_what_is_wrong_with_the_sound_is_told_before_the_picture_is_looked_at(tmp_path, beach, wrong):
    steps = []
    with pytest.raises(SoundscapeError):
        run(Job(picture=beach, **wrong), tmp_path / "a", lambda *step: steps.append(step))
    assert steps == []


@pytest.mark.parametrize("stage", STAGES)
def test_cancelling_in_any_stage_leaves_nothing_behind(tmp_path, beach, stage):
    forget_stems()

    def stop(now, done, total):
        if now == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(Job(picture=beach, duration_s=2, seed=1), tmp_path / "a", stop)
    assert list(tmp_path.iterdir()) == []


def test_words_that_the_synthesiser_does_not_know_are_told(tmp_path):
    sources = (
        Source(name="river"),
        Source(name="glorbnax"),
        Source(name="glorbnax", material="metal", action="scraping"),
    )
    result = run(Job(soundscape=Soundscape(sources=sources), duration_s=2, seed=1), tmp_path / "a")
    assert result.report["warnings"] == [
        "glorbnax: The synthesiser knows none of these words, so it made a soft texture instead.",
        "glorbnax: The synthesiser does not know this name, so it made the sound from the material and the action.",
    ]


def test_the_bundle_is_written_beside_the_folder(tmp_path, soundscape):
    result = run(Job(soundscape=soundscape, duration_s=2, seed=1), tmp_path / "a")
    assert result.write_bundle() == result.bundle_path == tmp_path / "a.zip"
    assert result.bundle_path.is_file()


def test_loading_a_model_has_a_stage_of_its_own(tmp_path, monkeypatch, soundscape):
    monkeypatch.setenv("AUDIOLDM2_MODEL", str(build_audioldm2(tmp_path / "model")))
    monkeypatch.setenv("DEVICE", "cpu")
    backends._instance.cache_clear()
    job = Job(soundscape=soundscape, audio="audioldm2", duration_s=2, seed=1, options=SoundOptions(steps=2))
    stages = []
    for _ in range(2):
        seen = []
        run(job, tmp_path / "result", lambda *step, seen=seen: seen.append(step))
        stages.append(list(dict.fromkeys(stage for stage, _, _ in seen)))
        forget_stems()
    loading = [step for step in seen if step[0] == "load"]
    memory.forget_others()
    backends._instance.cache_clear()
    assert stages == [["sound", "load", "mix", "files"], ["sound", "mix", "files"]] and not loading
