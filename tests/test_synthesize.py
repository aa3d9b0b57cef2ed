"""Stems are seeded by their words, cached, and made again only after a change."""

import sys

import numpy as np
import pytest

from pipeline import backends
from pipeline.audio import Clip
from pipeline.backends import Card, SoundOptions
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.soundscape import Soundscape, Source
from pipeline.stems.cache import MemoryCache
from pipeline.synthesize import forget_stems, seeds_of, synthesize

from .conftest import RATE, noise


class Hum:
    """An audio backend that records its requests and returns seeded noise."""

    max_duration_s = 47.0
    sample_rate = RATE

    def __init__(self):
        self.calls = []

    @classmethod
    def card(cls, settings):
        return Card("Hum", "none", "none")

    def request(self, soundscape, source, options):
        return {"prompt": options.prompts.get(0, f"{source.name}, {source.action}"), "space": soundscape.space}

    def synthesize(self, soundscape, sources, *, duration_s, seeds, on_step=None, options=None):
        self.calls.append(([source.name for source in sources], options.prompts))
        for done in range(len(sources)):
            if on_step:
                on_step(done + 1, len(sources))
        return [noise(duration_s, seed=seed) for seed in seeds]


@pytest.fixture
def hum(monkeypatch):
    backend = Hum()
    monkeypatch.setitem(backends.AUDIO, "hum", "nowhere:Hum")
    monkeypatch.setattr(backends, "_class_of", lambda name: type("Card", (), {"card": Hum.card}))
    monkeypatch.setattr(backends, "_instance", lambda name: backend)
    forget_stems()
    yield backend
    forget_stems()


def edited(soundscape: Soundscape, index: int, **changes) -> Soundscape:
    sources = list(soundscape.sources)
    sources[index] = sources[index].model_copy(update=changes)
    return soundscape.model_copy(update={"sources": tuple(sources)})


def test_one_stem_a_source_in_their_order(hum, soundscape):
    stems = synthesize(soundscape, "hum", duration_s=2, seed=7)
    assert [stem.source for stem in stems] == list(soundscape.sources)
    assert all(stem.clip.duration_s == 2 for stem in stems)


def test_the_same_again_costs_nothing_and_editing_one_source_makes_one_stem(hum, soundscape):
    before = synthesize(soundscape, "hum", duration_s=2, seed=7)
    changed = edited(soundscape, 1, action="warbling")
    after = synthesize(changed, "hum", duration_s=2, seed=7)
    assert [names for names, _ in hum.calls] == [["river", "birdsong", "thunder"], ["birdsong"]]
    same = [np.array_equal(a.clip.samples, b.clip.samples) for a, b in zip(before, after)]
    assert same == [True, False, True]


@pytest.mark.parametrize("change", [{"gain_db": 5.0}, {"pan": 0.5}, {"box": None}, {"distance_m": 90.0}])
def test_moving_a_source_makes_no_sound_anew_but_the_stem_knows_the_change(hum, soundscape, change):
    synthesize(soundscape, "hum", duration_s=2, seed=7)
    stems = synthesize(edited(soundscape, 0, **change), "hum", duration_s=2, seed=7)
    assert len(hum.calls) == 1
    assert stems[0].source == soundscape.sources[0].model_copy(update=change)


@pytest.mark.parametrize("change", [{"seed": 8}, {"duration_s": 3}])
def test_another_seed_or_duration_makes_all_anew(hum, soundscape, change):
    asked = {"seed": 7, "duration_s": 2}
    synthesize(soundscape, "hum", **asked)
    synthesize(soundscape, "hum", **(asked | change))
    assert len(hum.calls[1][0]) == 3


def test_seeds_come_from_words_not_from_neighbours(soundscape):
    seeds = seeds_of(soundscape, 7)
    without_first = soundscape.model_copy(update={"sources": soundscape.sources[1:]})
    assert seeds_of(without_first, 7) == seeds[1:]
    assert seeds_of(edited(soundscape, 0, gain_db=3.0), 7) == seeds
    assert seeds_of(soundscape, 8) != seeds
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_two_sources_of_equal_words_sound_different():
    bird = Source(name="bird")
    first, second = seeds_of(Soundscape(sources=(bird, bird)), 7)
    assert first != second
    assert (first, second) == (8694393133382878142, 2148188641728991937), "documents without twin numbers sound as ever"

    swapped = Soundscape(sources=(bird.model_copy(update={"twin": 2}), bird))
    assert seeds_of(swapped, 7) == (second, first), "a twin number keeps the sound of each when the order changes"
    removed = Soundscape(sources=(bird.model_copy(update={"twin": 2}),))
    assert seeds_of(removed, 7) == (second,)


def test_muted_sources_are_not_made_and_all_muted_is_an_error(hum, soundscape):
    stems = synthesize(edited(soundscape, 0, mute=True), "hum", duration_s=2)
    assert [stem.source.name for stem in stems] == ["birdsong", "thunder"]
    with pytest.raises(SoundscapeError, match="Every source is muted"):
        synthesize(Soundscape(sources=(Source(name="a", mute=True),)), "hum", duration_s=2)


def test_an_own_prompt_follows_its_source_past_muted_and_remembered_ones(hum, soundscape):
    options = SoundOptions(prompts={2: "my thunder"})
    synthesize(edited(soundscape, 0, mute=True), "hum", duration_s=2, options=options)
    assert hum.calls[-1] == (["birdsong", "thunder"], {1: "my thunder"})
    synthesize(soundscape, "hum", duration_s=2)
    assert hum.calls[-1][0] == ["river", "thunder"], "thunder was known with another prompt only"


@pytest.mark.parametrize("duration_s", [0.0, 1.99, 47.1, -5.0, float("nan"), float("inf")])
def test_a_duration_out_of_range_is_refused_with_the_limits(hum, soundscape, duration_s):
    with pytest.raises(SoundscapeError, match="between 2 and 47 seconds with hum"):
        synthesize(soundscape, "hum", duration_s=duration_s)


def test_cancelling_ends_it_and_keeps_nothing(hum, soundscape):
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        synthesize(soundscape, "hum", duration_s=2, on_step=stop)
    synthesize(soundscape, "hum", duration_s=2)
    assert len(hum.calls) == 2


def test_the_cache_forgets_what_was_used_longest_ago_and_guards_what_it_keeps():
    clip_bytes = noise(1.0).samples.nbytes
    cache = MemoryCache(2 * clip_bytes)
    for key in "ab":
        cache.put(key, noise(1.0))
    cache.get("a")
    cache.put("c", noise(1.0))
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    with pytest.raises(ValueError, match="read-only"):
        cache.get("a").samples[0, 0] = 1
    cache.put("d", Clip(np.zeros((2, 3 * RATE), np.float32)))
    assert cache.get("d") is None, "what is larger than the cache is not kept"


def test_an_unknown_backend_is_refused_with_the_nearest_name(soundscape):
    with pytest.raises(SoundscapeError, match="Did you mean 'procedural'"):
        synthesize(soundscape, "proceduarl")


def test_fewer_stems_are_kept_from_when_that_is_wished():
    cache = MemoryCache(1_000_000)
    for name in "abc":
        cache.put(name, noise(1))
    cache.limit(noise(1).samples.nbytes)
    assert [cache.get(name) is not None for name in "abc"] == [False, False, True]


@pytest.mark.parametrize("what", ["revision", "device", "code", "library"])
def test_a_stem_of_another_revision_device_code_or_library_is_made_again(hum, soundscape, monkeypatch, what):
    engine = sys.modules[synthesize.__module__]
    synthesize(soundscape, "hum", duration_s=2)
    if what in ("revision", "device"):
        other = Card("Hum", "none", "none", **{what: "other"})
        monkeypatch.setattr(Hum, "card", classmethod(lambda cls, settings: other))
    elif what == "code":
        monkeypatch.setattr(engine, "revision_of", lambda *parts: "other")
    else:
        monkeypatch.setattr(engine, "versions", lambda: {"torch": "other"})
    synthesize(soundscape, "hum", duration_s=2)
    assert len(hum.calls) == 2
