"""The GPU time that a job asks for on ZeroGPU."""

import re
from itertools import pairwise, product
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from spaces.zero import config

import app
from pipeline import backends
from pipeline.backends import SoundOptions, machine
from pipeline.backends.audio.clap import Clap
from pipeline.backends.work import SPEEDS
from pipeline.errors import Cancelled
from pipeline.job import Job
from pipeline.page import zero_gpu
from pipeline.soundscape import Soundscape, Source

from ..support.page_server import finished

COUNTED = Path(__file__).parents[1] / "benchmarks" / "work.txt"
PICTURE = Image.new("RGB", (9, 9))
DURATIONS_S = (5, 10, 30, 60)


def of(sources: int, **wishes) -> Job:
    return Job(soundscape=Soundscape(sources=tuple(Source(name=f"wind {n}") for n in range(sources))), **wishes)


@pytest.fixture(
    autouse=True, params=config.json.loads(config.files("spaces.zero").joinpath("configs.json").read_text())
)
def card(request, monkeypatch):
    """A Space on each card of ZeroGPU, whose defaults were loaded at start."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(config, "get_config", lambda: request.param)
    monkeypatch.setattr(backends, "_started", {"qwen2.5-vl": "", "audioldm2": ""})
    machine._lent_gpu.cache_clear()
    yield request.param
    machine._lent_gpu.cache_clear()


def seconds(job: Job, *, only_look: bool = False) -> float:
    return zero_gpu.needed_s(job, zero_gpu.models_of(job, only_look=only_look))


def test_the_table_of_every_pair(card, capsys):
    """More sources, a longer sound and looking at the picture never ask for less, and the usual job gets its GPU."""
    with capsys.disabled():
        print(f"\nGPU seconds on {card['model']} for 1 and 8 sources of {DURATIONS_S} s")
        for vision, audio in product(backends.VISION, backends.AUDIO):
            models = {"vision": vision, "audio": audio}
            longest_s = backends._class_of(audio).max_duration_s
            durations = [duration_s for duration_s in DURATIONS_S if _longest(audio) >= duration_s]
            table = [[seconds(of(n, duration_s=d, **models)) for d in durations] for n in range(1, 9)]
            look = seconds(Job(PICTURE, **models), only_look=True)
            print(f"{vision:12}{audio:19} looking {look:4.0f}   one {table[0]}   eight {table[-1]}")
            assert longest_s
            for column in (*table, *zip(*table)):
                assert all(a <= b for a, b in pairwise(column))
            both = Job(PICTURE, duration_s=10, **models)
            assert seconds(both) >= max(look, table[-1][1])


def _longest(audio: str) -> float:
    limit = backends._class_of(audio).max_duration_s
    return limit if isinstance(limit, float) else backends._class_of(audio)().max_duration_s


def test_the_usual_job_of_the_defaults_is_far_below_the_limit():
    usual = Job(PICTURE, vision="qwen2.5-vl", audio="audioldm2")
    assert 5 < seconds(usual) <= zero_gpu.LIMIT_S / 2


def test_the_embedded_pair_needs_no_gpu():
    assert zero_gpu.models_of(Job(PICTURE, vision="tagger", audio="procedural"), only_look=False) == []
    assert zero_gpu.models_of(Job(PICTURE, vision="blip", audio="procedural"), only_look=False) == ["blip"]
    assert zero_gpu.models_of(Job(PICTURE, vision="blip", audio="audioldm2"), only_look=True) == ["blip"]
    assert zero_gpu.models_of(of(2, audio="audioldm2"), only_look=False) == ["audioldm2"], "there is nothing to look at"


@pytest.mark.parametrize("options", [{"steps": 400}, {"candidates": 4}, {"precision": "float32"}])
def test_options_that_cost_time_are_counted(options):
    audio = {"audio": "stable-audio-open"}
    assert seconds(of(5, options=SoundOptions(**options), **audio)) > 1.5 * seconds(of(5, **audio))


def test_guidance_that_a_distilled_model_does_not_need_is_counted():
    sizes = {"clips": 8, "duration_s": 10.0, "steps": 200}
    for name, times in (("stable-audio-3", 2), ("audioldm2", 1)):
        plain, guided = (backends.work_of(name, **sizes, guidance=guidance) for guidance in (None, 5.0))
        assert guided.tflop == pytest.approx(times * plain.tflop)


def test_fewer_steps_ask_for_less():
    few, usual = (of(5, audio="stable-audio-open", options=SoundOptions(steps=steps)) for steps in (10, None))
    assert seconds(few) < seconds(usual)


def test_muted_sources_are_not_counted():
    loud = of(8, audio="stable-audio-open")
    assert loud.soundscape
    quiet = [each.model_copy(update={"mute": True}) for each in loud.soundscape.sources[1:]]
    one = Job(soundscape=Soundscape(sources=(loud.soundscape.sources[0], *quiet)), audio="stable-audio-open")
    assert seconds(one) == seconds(of(1, audio="stable-audio-open")) < seconds(loud)


def test_a_model_that_was_not_loaded_at_start_asks_for_the_time_to_load_it(monkeypatch):
    loaded = seconds(of(1, audio="audioldm2"))
    monkeypatch.setattr(backends, "_started", {})
    assert seconds(of(1, audio="audioldm2")) > loaded


def test_the_declared_time_allows_for_the_factor_of_the_card(card):
    job = of(8, audio="stable-audio-open", duration_s=40)
    declared = zero_gpu.gpu_seconds(job, Path("result"), None, app.PROGRESS)
    assert seconds(job) <= declared * card["duration_factor"] <= seconds(job) + 2


def test_the_works_are_those_that_were_counted():
    """tests/benchmarks/work.txt holds the operations for five sources of 10 s."""
    for name, label in (("audioldm2", "audioldm2"), ("stable-audio-open", "stable-audio-open, full canvas")):
        counted = float(
            re.findall(rf"{label}\n(?:.+\n)*?TFLOP in all\s+\S+\s+(\S+)", COUNTED.read_text())[0].replace(",", "")
        )
        stated = backends.work_of(name, clips=5, duration_s=10, steps=None)
        assert stated
        assert counted <= stated.tflop <= 1.1 * counted


def test_the_cards_of_zero_gpu_are_in_the_table(card):
    assert card["model"] in SPEEDS


# Before a call -------------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor_job(monkeypatch):
    """Send a job as a visitor does; return the downloads before the call and the calls."""
    events = []
    monkeypatch.setattr("pipeline.backends.availability.is_offline", lambda: False)
    monkeypatch.setattr(backends, "fetch", lambda name, on_step: events.append(name) or on_step(3, 9))
    monkeypatch.setattr(app, "work_on_gpu", lambda *task: events.append("call"))

    def send(job, progress=lambda *_, **__: None):
        app.describe(job, None, progress)
        return events

    return send


def test_what_is_missing_is_downloaded_before_gpu_time_counts(visitor_job):
    shown = []
    events = visitor_job(Job(PICTURE, vision="blip"), lambda *step, **words: shown.append((step, words)))
    assert events == ["blip", "call"]
    assert shown == [(((3, 9),), {"desc": "Downloading a model", "unit": ""})]


def test_what_was_loaded_at_start_is_not_downloaded(visitor_job):
    assert visitor_job(Job(PICTURE, vision="qwen2.5-vl")) == ["call"]


def test_another_precision_than_at_start_is_downloaded_before_the_call(visitor_job):
    """ZeroGPU deletes the files of the models that it has packed."""
    job = of(1, audio="audioldm2", options=SoundOptions(precision="float32"))
    zero_gpu.prepare(job, ["qwen2.5-vl", "audioldm2"], lambda *_: None)
    assert visitor_job(Job(PICTURE, vision="qwen2.5-vl")) == ["audioldm2", "call"]


def test_clap_is_downloaded_before_the_call_and_counted_if_it_ranks_candidates(visitor_job, monkeypatch):
    fetched = []
    monkeypatch.setattr(Clap, "fetch", lambda clap, on_step: fetched.append(on_step))
    for number in (1, 2):
        job = of(1, audio="audioldm2", options=SoundOptions(candidates=number))
        zero_gpu.prepare(job, ["audioldm2"], print)
    assert fetched == [print]
    job = of(2, audio="audioldm2")
    assert seconds(of(1, audio="audioldm2", options=SoundOptions(candidates=2))) == seconds(job) + zero_gpu.RANKING_S


def test_a_model_that_could_not_be_loaded_at_start_is_refused_before_its_download(visitor_job, monkeypatch):
    monkeypatch.setattr(backends, "_started", {"blip": "it could not be loaded when the Space started."})
    with pytest.raises(gr.Error, match="blip cannot run here: it could not be loaded"):
        visitor_job(Job(PICTURE, vision="blip"))
    monkeypatch.setattr(backends, "_started", {"qwen2.5-vl": ""})
    assert visitor_job(Job(PICTURE, vision="qwen2.5-vl")) == ["call"]


def test_the_download_can_be_stopped(visitor_job):
    def stop(*_, **__):
        raise Cancelled

    with pytest.raises(gr.Error, match="Stopped"):
        visitor_job(Job(PICTURE, vision="blip"), stop)


def test_a_job_above_the_limit_is_refused_in_our_words_before_the_call(monkeypatch):
    monkeypatch.setattr(app, "work_on_gpu", lambda *task: pytest.fail("a call was made"))
    sources = [{"name": f"wind {n}"} for n in range(8)]
    text = Soundscape(sources=tuple(Source(**each) for each in sources)).to_json()
    steps = [150, 0, "", 4, "", ""]
    request = gr.Request(session_hash="a visitor")
    with pytest.raises(gr.Error, match=r"asks for \d+ s of GPU time; a visitor has at most 120 s. Choose fewer steps"):
        wishes = ("stable-audio-open", 40, "7", False, *steps)
        finished(app.on_make(None, text, app.Origin(), None, request, app.PROGRESS, *wishes))


def test_the_limit_is_a_setting(monkeypatch):
    job = of(8, audio="stable-audio-open", duration_s=40, options=SoundOptions(candidates=4))
    monkeypatch.setenv("GPU_LIMIT_S", "3600")
    zero_gpu.prepare(job, [], lambda *_: None)
    assert zero_gpu.limit() == 3600
    assert zero_gpu.gpu_seconds(job, Path("result")) > zero_gpu.LIMIT_S
    for unclear in ("", "-5", "much", "0"):
        monkeypatch.setenv("GPU_LIMIT_S", unclear)
        assert zero_gpu.limit() == zero_gpu.LIMIT_S
