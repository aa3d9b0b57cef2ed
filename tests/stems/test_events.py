"""The events of stems: found, and placed at other times."""

import numpy as np
import pytest

from pipeline.audio import Clip
from pipeline.kinds.catalogue import all_kinds
from pipeline.procedural import synthesize_kind
from pipeline.stems.events import events_of, onsets_of, placed_at

RATE = 44_100
TIMES_S = (0.5, 3.5, 6.5, 8.9)
# Sounds whose events last longer than the time between these onsets, so the next one begins inside the last.
OVERLAPPING = {"helicopter", "aeroplane", "propeller_plane", "rocket", "passing_car", "bicycle", "wheels", "pouring"}
OVERLAPPING |= {"saw", "thunder", "birdsong", "wings", "power_tool", "ship_horn", "train_horn"}


def knocks(*times_s: float, duration_s: float = 4.0, noise: float = 0.0) -> Clip:
    """Decaying bursts at these times over a bed of noise."""
    rng = np.random.default_rng(0)
    samples = noise * rng.standard_normal(round(duration_s * RATE))
    for time_s in times_s:
        start = round(time_s * RATE)
        burst = rng.standard_normal(len(samples) - start) * np.exp(-np.arange(len(samples) - start) / (0.04 * RATE))
        samples[start:] += 0.3 * burst
    return Clip(samples.astype(np.float32)[np.newaxis])


def test_the_events_of_a_clip_are_found_where_they_begin():
    assert onsets_of(knocks(0.5, 1.25, 3.0)) == pytest.approx([0.5, 1.25, 3.0], abs=0.005)


def test_a_bed_of_noise_under_the_events_is_no_event():
    assert onsets_of(knocks(0.5, 1.25, 3.0, noise=0.005)) == pytest.approx([0.5, 1.25, 3.0], abs=0.005)


def test_silence_has_no_event_and_a_steady_sound_has_one():
    assert events_of(Clip(np.zeros((1, RATE), np.float32))) == []
    hum = Clip(np.sin(np.arange(2 * RATE) * 0.02).astype(np.float32)[np.newaxis])
    assert len(events_of(hum)) == 1
    assert not placed_at(Clip(np.zeros((2, RATE), np.float32)), [0.1]).any()


@pytest.mark.parametrize("channels", [1, 2])
def test_placed_events_begin_within_ten_milliseconds_and_nothing_else_sounds(channels):
    clip = knocks(0.5, 1.25)
    clip = Clip(np.repeat(clip.samples, channels, axis=0))
    placed = placed_at(clip, [0.2, 1.0, 2.6])
    assert placed.shape == clip.samples.shape and placed.dtype == np.float32
    assert onsets_of(Clip(placed)) == pytest.approx([0.2, 1.0, 2.6], abs=0.01)
    assert not placed[:, : round(0.18 * RATE)].any()
    assert np.abs(placed).max() <= np.abs(clip.samples).max()


def test_events_are_used_in_their_order_and_again():
    clip = knocks(0.5, 2.0)
    first, second = (placed_at(clip, times) for times in ([1.0], [0.1, 1.0]))
    again = placed_at(clip, [0.1, 0.5, 1.0])
    at = slice(round(0.995 * RATE), round(1.1 * RATE))
    assert np.array_equal(first[:, at], again[:, at]), "the third is the first again"
    assert not np.array_equal(first[:, at], second[:, at])


def test_times_at_and_after_the_end_are_not_heard():
    clip = knocks(0.5)
    assert not placed_at(clip, [4.0, 300.0]).any()
    assert placed_at(clip, [3.99]).any()
    assert placed_at(clip, [0.0])[0, : round(0.01 * RATE)].any(), "the lead before the first sample is left out"


@pytest.mark.parametrize("kind", [kind for kind in all_kinds() if kind.role != "bed"], ids=lambda kind: kind.name)
def test_every_kind_of_the_synthesiser_sounds_at_the_given_times(kind):
    placed = Clip(placed_at(Clip(synthesize_kind(kind, 10, 3)), TIMES_S))
    found = onsets_of(placed)
    late = [min(abs(time_s - onset_s) for onset_s in found) for time_s in TIMES_S]
    if kind.name in OVERLAPPING:
        first = round(TIMES_S[0] * RATE)
        assert not placed.samples[:, : first - round(0.02 * RATE)].any()
        assert np.abs(placed.samples[:, first : first + round(0.02 * RATE)]).max() > 0.003, "the first is heard in time"
    else:
        assert max(late) <= 0.0105
