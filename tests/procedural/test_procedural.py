"""Every kind has a proper level, clean ends and the exact length, follows its seed, and responds to known words."""

import time
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from pipeline.audio import Clip
from pipeline.backends.audio.procedural import Procedural
from pipeline.errors import Cancelled
from pipeline.kinds.attributes import names
from pipeline.kinds.catalogue import all_kinds
from pipeline.procedural import mastering, signal, synthesize_kind, synthesize_source
from pipeline.procedural.__main__ import main
from pipeline.procedural.models import model_of
from pipeline.procedural.schedule import events, rhythm
from pipeline.procedural.voice import Voice, generator
from pipeline.soundscape import Soundscape, Source

from ..support.sounds import (
    RATE,
    active_share,
    band_levels_db,
    block_levels_db,
    centroid_hz,
    decay_s,
    distance_db,
    fingerprint,
    unevenness_db,
)

KINDS = {kind.name: kind for kind in all_kinds()}
SHORT_S = 3.0


@cache
def sound(name: str, seed: int = 1, duration_s: float = SHORT_S, **fields) -> np.ndarray:
    return synthesize_kind(KINDS[name], duration_s, seed, **fields)


def heard(**fields) -> np.ndarray:
    """Return the sound of a source that matches no kind, made from its words alone."""
    return synthesize_source(Source(**({"name": "gizmo"} | fields)), 4.0, 3)


every_kind = pytest.mark.parametrize("name", KINDS)


# Every kind ----------------------------------------------------------------------------------------------------------


@every_kind
def test_a_kind_makes_a_clean_clip(name):
    samples = sound(name)
    assert samples.dtype == np.float32 and samples.shape[0] in (1, 2)
    assert samples.shape[1] == round(SHORT_S * RATE)
    assert np.isfinite(samples).all()
    peak = np.abs(samples).max()
    loudness_db = 20 * np.log10(mastering.loudest_block(samples))
    assert peak <= mastering.PEAK + 1e-4
    # At the level, or as close to it as the peaks allow.
    assert loudness_db == pytest.approx(mastering.LEVEL_DB, abs=0.5) or peak > 0.8 * mastering.PEAK
    assert loudness_db > -45
    assert np.abs(samples.mean(axis=1)).max() < 0.01 * samples.std()


@every_kind
def test_a_kind_begins_and_ends_without_a_click(name):
    samples = sound(name)
    assert np.abs(samples[:, [0, -1]]).max() < 1e-4
    edge = round(0.002 * RATE)
    for end in (samples[:, :edge], samples[:, -edge:]):
        assert np.abs(end).max() <= 0.2 * np.abs(samples).max()


@every_kind
def test_the_seed_decides_all_of_it(name):
    again, same, other = (synthesize_kind(KINDS[name], 1.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(again, same)
    assert not np.array_equal(other, again)
    difference = np.sqrt(np.mean((other.mean(axis=0) - again.mean(axis=0)) ** 2))
    assert difference > 0.1 * again.std()


def test_no_two_kinds_sound_the_same():
    prints = {name: fingerprint(sound(name)) for name in KINDS}
    for (one, first), (other, second) in combinations(prints.items(), 2):
        distance = np.sqrt(np.mean((first - second) ** 2))
        assert distance > 0.7, f"{one} and {other} differ by {distance:.2f} dB"


# Chimes and flies come one by one even in a bed.
BEDS = [name for name, kind in KINDS.items() if kind.role == "bed" and name not in ("wind_chime", "flies")]


@pytest.mark.parametrize("name", BEDS)
def test_a_bed_goes_on_all_the_time(name):
    """There is no gap and no overall swell or fade, and the end matches the beginning in level."""
    samples = sound(name, 5, 6.0)
    levels = block_levels_db(samples, 0.5)
    assert levels.min() > np.median(levels) - 25
    first, second = np.array_split(samples.astype(float) ** 2, 2, axis=1)
    assert abs(10 * np.log10(first.mean() / second.mean())) < 9
    assert abs(np.mean(levels[:2]) - np.mean(levels[-2:])) < 18


def test_a_rhythm_begins_with_its_span_and_a_span_that_ends_first_has_none():
    for seed in range(20):
        voice = Voice(4.0, generator(seed))
        assert rhythm(voice, (0.5, 4.0), 1.9)[0] == pytest.approx(0.5)
        assert rhythm(voice, (3.0, 1.0), 0.5).size == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["church_bell", "crickets"])
def test_two_seconds_are_long_enough_to_be_heard(name, seed):
    assert np.abs(sound(name, seed, 2.0)).max() > 0.01


TONAL = {"mains_hum", "refrigerator", "mosquito", "computer", "propeller_plane", "power_tool", "crickets", "cicadas"}


@pytest.mark.parametrize("name", [name for name in BEDS if name not in TONAL])
def test_a_bed_does_not_repeat(name):
    """No half second occurs twice: its best match elsewhere is far from a copy."""
    mono = sound(name, 5, 6.0).mean(axis=0)[::2]
    piece = mono[RATE // 2 : RATE // 2 + RATE // 4]
    rest = mono[RATE:]
    size = len(rest) + len(piece)
    match = np.fft.irfft(np.fft.rfft(rest, size) * np.conj(np.fft.rfft(piece, size)), size)[: len(rest) - len(piece)]
    sums = np.cumsum(np.concatenate([[0], rest.astype(float) ** 2]))
    energy = (sums[len(piece) :] - sums[: -len(piece)])[: len(match)]
    assert np.max(np.abs(match) / np.sqrt(energy * np.sum(piece**2) + 1e-9)) < 0.97


# Length and cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "duration_s"),
    [("rain", 1.0), ("rain", 60.0), ("thunder", 2.0), ("thunder", 7.777), ("dog", 1.0), ("dog", 60.0)],
)
def test_any_length_is_met_exactly(name, duration_s):
    samples = synthesize_kind(KINDS[name], duration_s, 3)
    assert samples.shape[1] == round(duration_s * RATE)
    assert np.isfinite(samples).all() and np.abs(samples).max() > 0.01


@pytest.mark.parametrize("name", ["stream", "wind", "steps_gravel"])
def test_cost_grows_in_line_with_the_duration(name):
    def cost_s(duration_s: float) -> float:
        times = []
        for seed in (1, 2):
            start = time.process_time()
            synthesize_kind(KINDS[name], duration_s, seed)
            times.append(time.process_time() - start)
        return min(times)

    cost_s(1.0)  # warm up
    assert cost_s(16.0) < 8 * cost_s(4.0) + 0.1


# Roles ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rain", "wind", "fire", "fan", "stream", "car_engine"])
def test_a_texture_comes_and_goes_as_its_role_says(name):
    share = {role: active_share(sound(name, 4, 12.0, role=role)) for role in ("bed", "recurring", "one-shot")}
    assert share["bed"] > 0.95
    assert share["recurring"] < 0.9 * share["bed"]
    assert 0.1 < share["one-shot"] < share["recurring"] + 0.2


@pytest.mark.parametrize("interval_s", [0.8, 2.0])
def test_events_follow_the_role(interval_s):
    times = {
        role: events(Voice(20.0, generator(5), role=role), interval_s) for role in ("bed", "recurring", "one-shot")
    }
    assert len(times["one-shot"]) in (1, 2)
    assert len(times["bed"]) > len(times["recurring"]) > 2
    gaps = np.diff(times["recurring"])
    assert gaps.std() > 0.2 * gaps.mean(), "recurring events must not tick like a clock"


@pytest.mark.parametrize("name", ["dog", "thunder", "church_bell", "splashing"])
def test_a_one_shot_happens_less_often(name):
    recurring, once = (sound(name, 6, 12.0, role=role) for role in ("recurring", "one-shot"))
    assert active_share(once, 15) < active_share(recurring, 15)


# Words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rain", "wind", "car_engine", "frogs", "church_bell", "dishes", "crowd"])
def test_bright_and_dark_move_the_spectrum(name):
    def usual_hz(*timbre: str) -> float:  # the median, since other plates are struck with each seed
        return float(np.median([centroid_hz(sound(name, seed, 4.0, timbre=timbre)) for seed in (3, 4, 5)]))

    dark, plain, bright = usual_hz("dark"), usual_hz(), usual_hz("bright")
    assert dark * 1.08 < plain < bright / 1.08


@pytest.mark.parametrize("name", ["rain", "wind", "stream", "fire", "traffic"])
def test_soft_and_harsh_change_the_edges(name):
    soft, plain, harsh = (sound(name, 3, 4.0, timbre=(word,)) for word in ("soft", "", "harsh"))
    assert centroid_hz(soft) < centroid_hz(plain)
    assert distance_db(plain, harsh) > 0.3
    # Overdrive reduces the ratio of peak to RMS.
    crest = [np.abs(each).max() / each.std() for each in (plain, harsh)]
    assert crest[1] < crest[0]


@pytest.mark.parametrize("name", ["dripping", "dog", "birdsong"])
def test_sparse_and_dense_change_the_number_of_events(name):
    sparse, dense = (sound(name, 3, 10.0, timbre=(word,)) for word in ("sparse", "dense"))
    assert active_share(dense) > 1.2 * active_share(sparse)


@pytest.mark.parametrize("name", ["boiling", "dry_leaves", "stream"])
def test_sparse_and_dense_change_how_evenly_a_texture_flows(name):
    sparse, dense = (sound(name, 3, 6.0, timbre=(word,)) for word in ("sparse", "dense"))
    assert unevenness_db(dense) < unevenness_db(sparse)


@pytest.mark.parametrize("name", ["clock", "steps_gravel", "train", "car_engine", "sea_waves"])
def test_slow_and_fast_change_the_pace(name):
    """The strongest rhythm of the level, or of the waveform for an engine, is faster."""

    def pace_hz(samples: np.ndarray) -> float:
        mono = samples.mean(axis=0)
        if name == "car_engine":  # its firing rate: 28 Hz for 850 rpm and four cylinders
            spectrum = np.abs(np.fft.rfft(np.abs(mono) - np.abs(mono).mean())) ** 2
            frequencies = np.fft.rfftfreq(len(mono), 1 / RATE)
            inside = (frequencies > 14) & (frequencies < 56)
            return float(frequencies[inside][np.argmax(spectrum[inside])])
        levels = np.sqrt(np.mean(mono[: len(mono) // 441 * 441].reshape(-1, 441) ** 2, axis=1))
        spectrum = np.abs(np.fft.rfft((levels - levels.mean()) * np.hanning(len(levels)), 1 << 18)) ** 2
        frequencies = np.fft.rfftfreq(1 << 18, 1 / 100)
        inside = (frequencies > 0.08) & (frequencies < 10)
        return float(np.sum(frequencies[inside] * spectrum[inside]) / spectrum[inside].sum())

    slow, fast = (np.mean([pace_hz(sound(name, seed, 14.0, timbre=(word,))) for seed in (3, 4)]) for word in PACES)
    assert slow < fast


PACES = ("slow", "fast")


def test_timbre_words_change_a_generic_sound():
    plain = heard(material="metal", action="scraping")
    for word in names("timbres"):
        assert distance_db(plain, heard(material="metal", action="scraping", timbre=(word,))) > 0.3, word


def test_metal_rings_longer_than_glass_and_glass_longer_than_wood():
    metal, glass, wood, cloth = (
        decay_s(heard(action="striking", material=each)) for each in ("metal", "glass", "wood", "cloth")
    )
    assert metal > 1.5 * glass > 1.5 * wood
    assert wood > cloth or cloth < 0.06


def test_hard_materials_are_brighter_than_soft_ones():
    glass, wood, rubber = (centroid_hz(heard(action="striking", material=each)) for each in ("glass", "wood", "rubber"))
    assert glass > 2 * wood > 2 * rubber


def test_every_material_and_every_action_sounds_different():
    bodies = {each: heard(action="striking", material=each) for each in names("materials")}
    actions = {each: heard(action=each, material="metal") for each in names("actions")}
    for family in (bodies, actions):
        prints = {name: fingerprint(samples) for name, samples in family.items()}
        for (one, first), (other, second) in combinations(prints.items(), 2):
            distance = np.sqrt(np.mean((first - second) ** 2))
            assert distance > 1.2, f"{one} and {other} differ by {distance:.2f} dB"


def test_material_changes_kinds_that_touch():
    for name in ("rain_roof", "factory"):
        metal, wood = (sound(name, 3, 4.0, material=each) for each in ("metal", "wood"))
        assert np.abs(band_levels_db(metal) - band_levels_db(wood)).max() > 1.5, name


def test_no_word_at_all_makes_a_soft_texture():
    samples = heard()
    assert centroid_hz(samples) < 1500
    assert active_share(samples) > 0.95
    assert np.abs(samples).max() < 0.6


# The tools -----------------------------------------------------------------------------------------------------------


def test_noise_follows_its_curve():
    rng = generator(1)
    samples = signal.noise(rng, RATE * 4, [(100, 0), (1000, -20)])
    assert signal.rms(samples) == pytest.approx(1.0, rel=0.05)
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    at = [power[(hertz > low) & (hertz < high)].mean() for low, high in ((90, 110), (900, 1100))]
    assert 10 * np.log10(at[0] / at[1]) == pytest.approx(20, abs=1.5)


def test_a_damped_tone_has_its_pitch_decay_and_place():
    one = signal.damped_tones(
        RATE, np.array([0.25]), np.array([1000.0]), np.array([0.05]), np.array([1.0]), pans=np.array([-1.0])
    )
    assert one.shape == (2, RATE)
    assert np.abs(one[1]).max() < 1e-6 < np.abs(one[0]).max()
    assert not one[0, : RATE // 4 - 1].any()
    assert np.fft.rfftfreq(RATE, 1 / RATE)[np.argmax(np.abs(np.fft.rfft(one[0])))] == pytest.approx(1000, abs=10)
    early, late = (np.abs(one[0, start : start + 100]).max() for start in (RATE // 4, RATE // 4 + RATE // 20))
    assert early / late == pytest.approx(np.e, rel=0.1)


@pytest.mark.parametrize("pitch_hz", [150, 1000, 6000])
@pytest.mark.parametrize("channels", [0, 2])
def test_a_tail_gets_the_share_of_the_power_that_it_is_given(pitch_hz, channels):
    dry = signal.noise(generator(1), RATE * 3, signal.band(pitch_hz / 1.2, pitch_hz * 1.2), channels=channels)
    wet = signal.airy(dry, generator(2), 0.5, 0.25)
    tail = wet - np.sqrt(0.75) * dry
    assert np.mean(tail**2) / np.mean(dry**2) == pytest.approx(0.25, rel=0.05)
    assert np.mean(wet**2) == pytest.approx(np.mean(dry**2), rel=0.3)


def test_a_slow_curve_keeps_its_range():
    for rate_hz in (0.2, 2.0, 20.0):
        curve = np.concatenate([signal.wander(generator(seed), RATE * 10, rate_hz) for seed in range(6)])
        assert abs(curve.mean()) < 0.25 and 0.7 < curve.std() < 1.3
    spread = signal.drift(generator(2), RATE * 60, 2.0, 3.0, 5.0)
    assert spread.min() >= 3.0 and spread.max() <= 5.0 and 3.8 < spread.mean() < 4.2


# Backend and gallery -------------------------------------------------------------------------------------------------


def test_the_backend_makes_a_clip_for_each_source_and_reports_progress(soundscape):
    backend, steps = Procedural(), []
    clips = backend.synthesize(
        soundscape, soundscape.sources, duration_s=2.0, seeds=(1, 2, 3), on_step=lambda *step: steps.append(step)
    )
    assert [type(clip) for clip in clips] == [Clip] * 3
    assert all(clip.duration_s == 2.0 and clip.sample_rate == backend.sample_rate for clip in clips)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    alone = backend.synthesize(soundscape, soundscape.sources[1:2], duration_s=2.0, seeds=(2,))
    assert np.array_equal(alone[0].samples, clips[1].samples)


def test_the_backend_stops_when_the_progress_callback_raises(soundscape):
    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        Procedural().synthesize(soundscape, soundscape.sources, duration_s=2.0, seeds=(1, 2, 3), on_step=stop)


def test_one_sound_can_be_stopped_too():
    shares = []
    synthesize_source(Source(name="rain"), 1.0, 1, on_block=shares.append)
    assert shares[0] == 0.0 and shares[-1] == 1.0 and shares == sorted(shares)


def test_editing_what_is_not_heard_keeps_the_sound():
    source = Source(name="river", action="rushing")
    moved = source.model_copy(update={"distance_m": 40.0, "gain_db": -6.0, "pan": 0.5, "confidence": 0.2})
    assert np.array_equal(synthesize_source(source, 2.0, 9), synthesize_source(moved, 2.0, 9))


def test_settings_of_a_kind_reach_its_model():
    kind = KINDS["car_engine"]
    model = model_of(kind)
    faster = replace(model, params=model.params | {"rpm": 3000})
    assert distance_db(sound("car_engine"), synthesize_kind(kind, SHORT_S, 1, model=faster)) > 1.0


def test_the_gallery_has_a_player_and_a_picture_for_every_sound(tmp_path, capsys):
    assert main(["--gallery", str(tmp_path), "--only", "rain", "dog", "--seeds", "1", "2", "--duration", "1"]) == 0
    page = (tmp_path / "index.html").read_text()
    chosen = [kind.name for kind in all_kinds() if model_of(kind).family == "rain"] + ["dog"]
    for name in (f"{kind}_{seed}" for kind in chosen for seed in (1, 2)):
        assert f'src="{name}.wav"' in page and f'src="{name}.png"' in page
        picture = np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"))
        assert picture.std() > 5
    assert capsys.readouterr().out.strip().endswith("index.html")


def test_the_whole_soundscape_of_the_limit_can_be_made():
    sources = tuple(Source(name=name) for name in list(KINDS)[:8])
    clips = Procedural().synthesize(Soundscape(sources=sources), sources, duration_s=1.0, seeds=tuple(range(8)))
    assert len(clips) == 8
