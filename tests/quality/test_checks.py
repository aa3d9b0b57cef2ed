"""Signal checks: each fault is found, and natural sounds and machines are not reported as faults."""

import time
from functools import cache

import numpy as np
import pytest

from pipeline.audio import Clip, resample
from pipeline.kinds.catalogue import all_kinds
from pipeline.mixing.loudness import true_peaks
from pipeline.procedural import synthesize_kind
from pipeline.quality.checks import MEANINGS, check
from pipeline.quality.features import of_sound

from ..conftest import RATE, noise

SECONDS = np.arange(10 * RATE) / RATE


def clip(samples, rate: int = RATE) -> Clip:
    return Clip(np.atleast_2d(np.asarray(samples, np.float32)), rate)


def tone(hz: float, level: float = 0.2) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * SECONDS)


def problems(sound: Clip) -> str:
    return " ".join(check(sound)["problems"])


def test_every_figure_has_its_meaning_and_is_json():
    import json

    figures = check(noise(2.0, channels=2))
    assert set(figures) == set(MEANINGS)
    assert all(len(sentence) > 30 for sentence in MEANINGS.values())
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_clean_noise_has_no_problem_and_known_figures():
    figures = check(noise(10.0, channels=2, level=0.1))
    assert figures["problems"] == []
    assert figures["clipped_share"] == figures["silent_share"] == 0
    assert abs(figures["stereo_correlation"]) < 0.02
    assert figures["steady_tone_share"] < 0.02
    assert figures["repetition"] < 0.1
    # white: the share of the spectrum above 8 kHz
    assert figures["high_band_db"] == pytest.approx(10 * np.log10((RATE / 2 - 8000) / (RATE / 2)), abs=0.1)


def test_loudness_and_true_peak_of_the_standards_tone():
    """ITU-R BS.1770: 997 Hz at full scale in one channel is -3.01 LUFS. A quarter-rate tone peaks between samples."""
    silence = np.zeros_like(SECONDS)
    assert check(clip([tone(997, 1.0), silence]))["loudness_lufs"] == pytest.approx(-3.01, abs=0.05)
    between = 0.5 * np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4)
    assert check(clip(between))["true_peak_dbtp"] == pytest.approx(-6.02, abs=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_the_true_peak_of_a_few_places_is_that_of_the_whole(seed):
    sound = noise(3.0, channels=2, seed=seed)
    assert check(sound)["true_peak_dbtp"] == pytest.approx(20 * np.log10(true_peaks(sound.samples).max()), abs=0.01)


@pytest.mark.parametrize("level", [1.0, 0.4])  # also when the clipped sound was turned down
def test_clipping_is_found_and_a_low_tone_is_not_taken_for_it(level):
    clipped = level * np.clip(3 * tone(100, 0.5), -1, 1)
    assert check(clip(clipped))["clipped_share"] > 0.4
    assert "clipped" in problems(clip(clipped))
    rumble = np.convolve(noise(2.0, level=1.0).samples[0], np.hanning(30) / 4)
    assert 0.01 < check(clip(level * np.clip(rumble, -2, 2) / 2))["clipped_share"] < 0.1
    assert check(clip(level * rumble / 8))["clipped_share"] == 0
    for hz in (20, 30, 100, 441, 1000, RATE / 4):
        assert check(clip(tone(hz, level)))["clipped_share"] == 0


def test_silence_is_said_once_and_has_no_loudness():
    figures = check(clip(np.zeros((2, RATE))))
    assert figures["problems"] == ["The sound is silent."]
    assert figures["loudness_lufs"] is figures["true_peak_dbtp"] is figures["stereo_correlation"] is None
    assert figures["silent_share"] == 1


def test_a_sound_that_is_mostly_silent_or_very_quiet_is_told():
    mostly = np.where(SECONDS < 0.5, noise(10.0).samples[0], 0.0)
    assert check(clip(mostly))["silent_share"] == pytest.approx(0.95, abs=0.01)
    assert "silent for 95 % of the time" in problems(clip(mostly))
    assert "very quiet" in problems(noise(5.0, level=0.002))


def test_values_that_are_no_numbers_are_told_and_stop_nothing():
    broken = noise(2.0).samples.copy()
    broken[0, 100] = np.nan
    assert "not finite numbers" in problems(Clip(broken))


def test_an_offset_is_found():
    assert check(clip(noise(2.0, level=0.1).samples + 0.05))["dc_share"] == pytest.approx(0.447, abs=0.01)
    assert "offset" in problems(clip(noise(2.0).samples + 0.05))


def test_sides_that_cancel_are_found_and_mono_has_no_sides():
    one = noise(2.0).samples[0]
    assert check(clip([one, -one]))["stereo_correlation"] == -1
    assert "cancel" in problems(clip([one, -one]))
    assert check(clip([one, one]))["stereo_correlation"] == 1
    assert check(clip(one))["stereo_correlation"] is None
    assert problems(clip([one, one])) == ""


def test_peaks_above_full_scale_are_told():
    assert "exceed full scale" in problems(clip(tone(997, 1.5)))


# Spectrum ------------------------------------------------------------------------------------------------------------


def test_sound_of_a_16_khz_model_is_recognised_after_resampling():
    narrow = resample(clip(noise(10.0).samples[:, : 16_000 * 5], 16_000), RATE)
    figures = check(narrow)
    assert figures["high_band_db"] < -40
    assert figures["bandwidth_hz"] == pytest.approx(8000, abs=500)
    assert "nothing above" in problems(narrow)


def test_a_file_of_16_khz_has_no_band_above_8_khz_to_speak_of():
    figures = check(clip(noise(3.0).samples, 16_000))
    assert figures["high_band_db"] is None
    assert figures["problems"] == []


def test_a_hum_is_a_collapsed_model():
    steady = clip(tone(440))
    harmonics = clip(sum(tone(120 * k, 0.2 / k) for k in range(1, 8)))
    noisy = clip(tone(440, 0.1) + noise(10.0, level=0.007).samples)
    for hum in (steady, harmonics, noisy):
        assert check(hum)["steady_tone_share"] > 0.95
        assert "hum" in problems(hum)


def test_a_tone_that_dies_away_or_moves_is_no_hum():
    struck = clip(tone(440) * np.exp(-2 * (SECONDS % 2.0)))
    gliding = clip(0.2 * np.sin(2 * np.pi * (300 + 20 * SECONDS) * SECONDS))
    for sound in (struck, gliding):
        assert check(sound)["steady_tone_share"] < 0.5


# Repetition ----------------------------------------------------------------------------------------------------------


@cache
def five_seconds_of(name: str) -> np.ndarray:
    kind = next(kind for kind in all_kinds() if kind.name == name)
    return synthesize_kind(kind, 5.1, 3)


@pytest.mark.parametrize("name", ["rain", "birdsong", "traffic"])
@pytest.mark.parametrize("frames", [86.5, 215, 300.5, 430.5])  # of 11.6 ms: also fractions of a frame
def test_a_loop_is_heard_as_one_and_its_length_is_told(name, frames):
    turn = five_seconds_of(name)[:, : round(frames * 512)]
    looped = Clip(np.ascontiguousarray(np.tile(turn, (1, 10))[:, : 10 * RATE]))
    figures = check(looped)
    assert figures["repetition"] > 0.85
    assert figures["repetition_period_s"] == pytest.approx(turn.shape[1] / RATE, abs=0.03)
    assert "repeats every" in problems(looped)


def test_two_calls_that_resemble_each_other_are_no_loop():
    """Their levels over time agree, their waveforms do not; and a call heard only twice is no loop."""
    rng = np.random.default_rng(5)
    calls = np.zeros(10 * RATE)
    for begin_s in (1.0, 6.0):
        shape = np.hanning(RATE) * (1.5 + np.sin(2 * np.pi * 6 * np.arange(RATE) / RATE))
        calls[round(begin_s * RATE) :][:RATE] = 0.1 * shape * rng.standard_normal(RATE)
    figures = check(clip(calls))
    assert figures["repetition"] > 0.9
    assert figures["problems"] == []


def test_a_texture_of_the_same_kind_that_goes_on_is_no_loop():
    rng = np.random.default_rng(4)
    swelling = rng.standard_normal(10 * RATE) * np.repeat(rng.random(160), np.ceil(10 * RATE / 160))[: 10 * RATE]
    assert check(clip(0.1 * swelling))["repetition"] < 0.5


# Real and procedural sounds ------------------------------------------------------------------------------------------

REGULAR = {
    "clock": "repeats every",
    "refrigerator": "hum",
    "mains_hum": "hum",
}  # kinds that resemble a fault, and the word of the cautious message about them


@pytest.mark.parametrize("name", [kind.name for kind in all_kinds()])
def test_no_kind_of_the_synthesiser_is_called_faulty(name):
    kind = next(kind for kind in all_kinds() if kind.name == name)
    said = problems(Clip(0.5 * synthesize_kind(kind, 4.0, 11)))
    if name in REGULAR:
        assert said == "" or (REGULAR[name] in said and ("Unless" in said or "otherwise" in said))
    else:
        assert said == ""


@pytest.mark.parametrize("length", [0, 1, 50, 1000, 20_000])
@pytest.mark.parametrize("rate", [8000, 48_000])
def test_any_length_and_rate_is_measured(length, rate):
    figures = check(clip(0.1 * np.ones((2, length)), rate))
    assert isinstance(figures["problems"], list)


def test_the_check_and_the_senses_cost_little_in_every_job():
    sound = noise(10.0, channels=2)
    costs = []
    for _ in range(4):
        begin = time.process_time()
        check(sound)
        of_sound(sound)
        costs.append(time.process_time() - begin)
    assert min(costs) < 0.2, "about 0.06 s on an idle machine"
