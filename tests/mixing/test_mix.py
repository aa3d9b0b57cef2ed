"""The mix, measured on test signals: position, level, space and bus."""

import io

import numpy as np
import pyloudnorm
import pytest
import soundfile
from scipy.signal import resample_poly

from pipeline.audio import Clip, wav_bytes
from pipeline.errors import SoundscapeError
from pipeline.mixing.mix import _place, mix, mixdown
from pipeline.mixing.space import SPACES, air_absorption_db_per_m, impulse_response, wet_share
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import Stem

from ..conftest import RATE, noise

SIDES = {"a": -1.0, "b": 1.0}


def of(*sources: Source, space: str = "open") -> Soundscape:
    return Soundscape(space=space, sources=sources)


def rms_db(samples: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.square(samples.astype(np.float64)).mean(axis=-1) + 1e-20)


def level_between(a: Source, b: Source) -> float:
    """Return how much louder b is than a in one mix, in dB, with the same noise for both."""
    a, b = (source.model_copy(update={"pan": pan}) for source, pan in ((a, -1.0), (b, 1.0)))
    left, right = rms_db(mix(of(a, b), (Stem(a, noise()), Stem(b, noise(seed=1)))).samples)
    return float(right - left)


def true_peak_dbtp(samples: np.ndarray, oversampling: int = 8) -> float:
    return float(20 * np.log10(np.abs(resample_poly(samples, oversampling, 1, axis=1)).max()))


def tone_noise(low_hz: float, high_hz: float) -> Clip:
    spectrum = np.fft.rfft(noise().samples[0])
    frequency_hz = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    spectrum[(frequency_hz < low_hz) | (frequency_hz > high_hz)] = 0
    return Clip(np.fft.irfft(spectrum).astype(np.float32)[None])


# Place ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pan", [-1.0, -0.6, 0.0, 0.25, 1.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_source_is_heard_where_it_is_panned_at_equal_power(pan, channels):
    source = Source(name="thing", pan=pan)
    left, right = 10 ** (rms_db(mix(of(source), (Stem(source, noise(channels=channels)),)).samples) / 20)
    heard = np.arctan2(right, left) * 4 / np.pi - 1
    assert heard == pytest.approx(pan, abs=0.005)


def test_the_power_does_not_depend_on_the_side():
    powers = []
    for pan in (-1.0, -0.3, 0.0, 0.7):
        here, there = Source(name="here", pan=pan), Source(name="there", pan=0.0)
        placed = mixdown(of(here, there), (Stem(here, noise()), Stem(there, noise(seed=1)))).stems
        powers.append(np.square(placed[0].clip.samples).sum() / np.square(placed[1].clip.samples).sum())
    assert np.ptp(10 * np.log10(powers)) < 0.05


def test_the_centre_of_the_box_gives_the_place_unless_pan_is_set():
    boxed = Source(name="thing", box=(0.5, 0.0, 0.9, 1.0))
    left, right = 10 ** (rms_db(mix(of(boxed), (Stem(boxed, noise()),)).samples) / 20)
    assert np.arctan2(right, left) * 4 / np.pi - 1 == pytest.approx(0.4, abs=0.005)
    panned = boxed.model_copy(update={"pan": -1.0})
    left, right = rms_db(mix(of(panned), (Stem(panned, noise()),)).samples)
    assert left - right > 60


def test_a_stereo_stem_without_a_box_stays_as_wide_as_it_is():
    source, clip = Source(name="thing"), noise(channels=2)
    samples = mix(of(source), (Stem(source, clip),)).samples
    for channel in range(2):
        assert np.corrcoef(samples[channel], clip.samples[channel])[0, 1] > 0.99


# Level ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain_db", [-40.0, -12.0, -3.0, 6.0, 12.0])
def test_gain_is_kept_to_a_tenth_of_a_decibel(gain_db):
    assert level_between(Source(name="a"), Source(name="b", gain_db=gain_db)) == pytest.approx(gain_db, abs=0.1)


def test_each_doubling_of_the_distance_takes_six_decibels():
    low = tone_noise(100, 2000)  # where air absorbs almost nothing
    a, b = Source(name="a", pan=-1.0, distance_m=5), Source(name="b", pan=1.0, distance_m=20)
    left, right = rms_db(mix(of(a, b), (Stem(a, low), Stem(b, low))).samples)
    assert right - left == pytest.approx(-12.04, abs=0.15)


def test_no_source_at_its_own_gain_lies_more_than_12_decibels_under_the_loudest():
    names = ("rocket", "fire", "crickets", "clock ticking", "church bell", "tall grass")
    sources = tuple(Source(name=name, distance_m=distance) for name, distance in zip(names, (3, 30, 40, 60, 2, 90)))
    low = tone_noise(100, 2000)
    placed = mixdown(of(*sources), tuple(Stem(source, low) for source in sources)).stems
    levels = [rms_db(stem.clip.samples).max() for stem in placed]
    assert 11 < max(levels) - min(levels) < 13.5, "some more for the air"


def test_muting_one_source_does_not_shift_the_balance_of_the_others():
    a, b, far = Source(name="a"), Source(name="b", distance_m=20), Source(name="c", distance_m=500)
    low = tone_noise(100, 2000)

    def balance(*sources: Source) -> float:
        placed = mixdown(of(*sources), tuple(Stem(source, low) for source in sources)).stems
        return float(rms_db(placed[0].clip.samples).max() - rms_db(placed[1].clip.samples).max())

    muted = far.model_copy(update={"mute": True})
    assert balance(a, b, far) == pytest.approx(balance(a, b, muted), abs=0.05)
    assert balance(a, b, far) < balance(a, b)


def test_how_loud_a_stem_happens_to_be_does_not_matter_its_kind_does():
    a, b = Source(name="thing", pan=-1.0), Source(name="other", pan=1.0)
    left, right = rms_db(mix(of(a, b), (Stem(a, noise(level=0.001)), Stem(b, noise(level=0.3)))).samples)
    assert right - left == pytest.approx(0, abs=0.2)
    assert level_between(Source(name="clock ticking"), Source(name="traffic")) > 6


def test_far_sources_lose_their_treble_to_the_air():
    def treble_db(distance_m: float) -> float:
        source = Source(name="thing", distance_m=distance_m)
        samples = mix(of(source), (Stem(source, noise()),)).samples[0]
        power = np.abs(np.fft.rfft(samples)) ** 2
        frequency_hz = np.fft.rfftfreq(samples.size, 1 / RATE)
        bands = [power[(frequency_hz > low) & (frequency_hz < high)].mean() for low, high in ((7e3, 9e3), (2e2, 1e3))]
        return float(10 * np.log10(bands[0] / bands[1]))

    assert treble_db(5) == pytest.approx(0, abs=0.3)
    assert treble_db(205) - treble_db(5) == pytest.approx(-200 * air_absorption_db_per_m(np.array([8e3]))[0], rel=0.15)


def test_air_absorbs_as_the_standard_says():
    # ISO 9613-1, table 1: 20 degrees Celsius, 70 % relative humidity, dB/km
    table = {125: 0.34, 500: 2.8, 1000: 5.0, 4000: 22.9, 8000: 76.6}
    for frequency_hz, db_per_km in table.items():
        ours = 1000 * air_absorption_db_per_m(
            np.array([float(frequency_hz)]), temperature_k=293.15, humidity_percent=70
        )
        assert ours[0] == pytest.approx(db_per_km, rel=0.05)


def test_beds_give_way_to_events_by_at_most_three_decibels():
    bed, event = Source(name="bed", pan=-1.0), Source(name="event", role="one-shot", pan=1.0, gain_db=12)
    sound = noise(4.0).samples.copy()
    sound[:, : 2 * RATE] = 0
    alone = mixdown(of(bed), (Stem(bed, noise(4.0)),)).stems[0].clip.samples[0]
    ducked = mixdown(of(bed, event), (Stem(bed, noise(4.0)), Stem(event, Clip(sound)))).stems[0].clip.samples[0]

    def fall_db(samples: np.ndarray) -> float:
        return float(rms_db(samples[:RATE]) - rms_db(samples[3 * RATE : -RATE // 2]))

    assert 2.0 < fall_db(ducked) - fall_db(alone) <= 3.05


def test_muted_sources_are_not_in_the_mix():
    a, b = Source(name="a", pan=-1.0), Source(name="b", pan=1.0, mute=True)
    mixed = mixdown(of(a, b), (Stem(a, noise()), Stem(b, noise())))
    assert [stem.source.name for stem in mixed.stems] == ["a"]
    assert rms_db(mixed.clip.samples)[1] < -100
    with pytest.raises(SoundscapeError, match="Unmute"):
        mix(of(b), (Stem(b, noise()),))


# Space ---------------------------------------------------------------------------------------------------------------


def click(space: str, distance_m: float = 30.0) -> np.ndarray:
    samples = np.zeros((1, 4 * RATE), np.float32)
    samples[0, RATE] = 0.5
    source = Source(name="click", distance_m=distance_m)
    return mix(of(source, space=space), (Stem(source, Clip(samples)),)).samples


def test_the_open_is_dry_and_every_other_space_answers():
    def after_db(space: str) -> float:
        samples = click(space)
        return float(rms_db(samples[:, RATE + 500 :]).max() - rms_db(samples[:, RATE - 100 : RATE + 100]).max())

    assert after_db("open") < -60
    assert all(after_db(space) > -45 for space in SPACES)


@pytest.mark.parametrize("space", list(SPACES))
def test_the_tail_falls_as_fast_as_the_space_says(space):
    response = impulse_response(space)
    energy = np.cumsum(np.square(response[:, ::-1]).sum(axis=0))[::-1]  # Schroeder 1965
    decay_db = 10 * np.log10(energy / energy[0])
    at_5, at_25 = (int(np.argmax(decay_db < level)) for level in (-5, -25))
    seconds = 3 * (at_25 - at_5) / RATE  # T20
    assert 0.3 * SPACES[space].tail_s < seconds < 1.3 * SPACES[space].tail_s
    assert np.square(response).sum(axis=1) == pytest.approx([1, 1], rel=1e-4)
    assert abs(np.corrcoef(response)[0, 1]) < 0.3, "both ears hear different tails"


def test_a_hall_rings_longer_than_a_room_and_a_far_source_is_wetter():
    def length(space: str) -> int:
        return impulse_response(space).shape[1]

    assert length("room") < length("street") < length("hall") < length("cave")
    assert wet_share("hall", 2) < wet_share("hall", 10) < wet_share("hall", 100) <= SPACES["hall"].most_wet
    assert wet_share("open", 100) == 0


def test_a_space_answers_one_channel_two_of_the_same_and_two_others_alike():
    one, other = noise(), noise(seed=1)
    source = Source(name="thing", distance_m=100.0)

    def gained_db(*channels: Clip) -> float:
        stem = Stem(source, Clip(np.concatenate([each.samples for each in channels])))
        dry, wet = (np.square(_place(stem, 0.0, space, 2 * RATE)).sum() for space in ("open", "hall"))
        return 10 * np.log10(wet / dry)

    assert gained_db(one, one) == pytest.approx(gained_db(one), abs=0.1)
    assert gained_db(one, other) == pytest.approx(gained_db(one), abs=0.5)


def test_under_water_everything_is_dull():
    source = Source(name="thing")
    spectra = [
        np.abs(np.fft.rfft(mix(of(source, space=s), (Stem(source, noise()),)).samples[0]))
        for s in ("open", "underwater")
    ]
    high = slice(spectra[0].size // 2, None)
    assert np.square(spectra[1][high]).sum() < 0.01 * np.square(spectra[0][high]).sum()


# Bus -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", ["open", "hall"])
def test_the_mix_is_stereo_at_minus_20_lufs_and_its_stems_add_up_to_it(space, soundscape):
    stems = tuple(Stem(source, noise(3, seed=i)) for i, source in enumerate(soundscape.sources))
    mixed = mixdown(soundscape.model_copy(update={"space": space}), stems)
    assert mixed.clip.samples.shape == (2, 3 * RATE) and mixed.clip.sample_rate == RATE
    measured = pyloudnorm.Meter(RATE).integrated_loudness(mixed.clip.samples.T)
    assert measured == pytest.approx(-20, abs=0.2) and mixed.loudness_lufs == pytest.approx(measured, abs=0.05)
    residual = mixed.clip.samples - sum(stem.clip.samples for stem in mixed.stems)
    assert rms_db(residual).max() < rms_db(mixed.clip.samples).min() - 100


@pytest.mark.parametrize("faint", [{"distance_m": 1000.0}, {"gain_db": -40.0, "distance_m": 1000.0}])
def test_a_faint_source_alone_is_brought_to_minus_20_lufs_like_any_other(faint):
    source = Source(name="thing", **faint)
    mixed = mixdown(of(source), (Stem(source, noise()),))
    measured = pyloudnorm.Meter(RATE).integrated_loudness(mixed.clip.samples.T)
    assert measured == pytest.approx(-20, abs=0.2) and mixed.loudness_lufs == pytest.approx(measured, abs=0.05)


def bursts(seed: int = 0) -> Clip:
    """Short loud bursts over a soft background, which need a limiter."""
    samples = noise(4.0, level=0.01, seed=seed).samples.copy()
    for start in range(0, samples.shape[1], RATE):
        samples[:, start : start + 400] *= 60
    return Clip(samples)


def test_the_true_peak_stays_under_minus_1_dbtp_in_the_written_file_too():
    source = Source(name="thing")
    mixed = mixdown(of(source), (Stem(source, bursts()),))
    assert mixed.true_peak_dbtp <= -1
    written, _ = soundfile.read(io.BytesIO(wav_bytes(mixed.clip)), dtype="float32", always_2d=True)
    assert true_peak_dbtp(written.T) <= -1
    assert true_peak_dbtp(mixed.clip.samples) > -3, "it is not simply turned down"


@pytest.mark.parametrize("seed", [10, 11])
def test_what_the_limiter_takes_is_given_back_and_a_finer_meter_finds_no_higher_peak(seed):
    rng = np.random.default_rng(seed)
    samples = noise(4.0, channels=2, level=0.01, seed=seed).samples.copy()
    for start in rng.integers(0, 4 * RATE - 2000, 12):
        samples[:, start : start + rng.integers(20, 2000)] *= rng.uniform(3, 100)
    source = Source(name="thing")
    mixed = mixdown(of(source), (Stem(source, Clip(samples)),))
    assert mixed.loudness_lufs == pytest.approx(-20, abs=0.5)
    assert true_peak_dbtp(mixed.clip.samples, oversampling=16) <= -1


def test_the_limiter_keeps_the_stems_adding_up():
    a, b = Source(name="a"), Source(name="b")
    mixed = mixdown(of(a, b), (Stem(a, bursts()), Stem(b, noise(4.0))))
    residual = mixed.clip.samples - sum(stem.clip.samples for stem in mixed.stems)
    assert rms_db(residual).max() < -120


def test_a_few_clicks_are_not_squashed_to_the_target_and_that_is_said():
    samples = np.zeros((1, 4 * RATE), np.float32)
    samples[0, ::RATE] = 0.5
    source = Source(name="clicks")
    mixed = mixdown(of(source), (Stem(source, Clip(samples)),))
    assert mixed.loudness_lufs < -21 and "LUFS" in mixed.warnings[0]


def test_the_ends_are_faded():
    source = Source(name="thing")
    samples = mix(of(source, space="hall"), (Stem(source, noise(channels=2)),)).samples
    assert np.abs(samples[:, [0, -1]]).max() < 1e-6


# Defects -------------------------------------------------------------------------------------------------------------


def test_what_is_not_a_number_is_silenced_and_reported():
    samples = noise().samples.copy()
    samples[0, 100:110] = np.nan
    samples[0, 200] = np.inf
    source = Source(name="river")
    mixed = mixdown(of(source), (Stem(source, Clip(samples)),))
    assert np.isfinite(mixed.clip.samples).all()
    assert mixed.warnings == ("river: the sound contained invalid values (not finite numbers), which were silenced.",)


def test_dc_is_removed_and_reported():
    source = Source(name="river")
    mixed = mixdown(of(source), (Stem(source, Clip(noise().samples + np.float32(0.2))),))
    assert abs(mixed.clip.samples.mean()) < 1e-4
    assert mixed.warnings == ("river: the sound had a constant offset (DC), which was removed.",)


def test_more_channels_than_two_become_one():
    source = Source(name="river")
    samples = np.concatenate([noise(seed=seed).samples + np.float32(0.2 * (seed == 0)) for seed in range(4)])
    mixed = mixdown(of(source), (Stem(source, Clip(samples)),)).clip.samples
    assert np.array_equal(mixed[0], mixed[1]) and abs(mixed.mean()) < 1e-4


def test_a_silent_stem_is_left_out_and_reported_and_silence_alone_is_an_error():
    a, b = Source(name="a"), Source(name="b")
    nothing = Clip(np.zeros((1, 2 * RATE), np.float32))
    mixed = mixdown(of(a, b), (Stem(a, noise()), Stem(b, nothing)))
    assert [stem.source.name for stem in mixed.stems] == ["a"]
    assert mixed.warnings == ("b: the sound is silent, so it was left out.",)
    with pytest.raises(SoundscapeError, match="nothing to hear"):
        mix(of(b), (Stem(b, nothing),))


def test_what_the_sound_model_noted_is_passed_on():
    source = Source(name="river")
    clip = Clip(noise().samples, notes=("Made in float32.",))
    assert mixdown(of(source), (Stem(source, clip),)).warnings == ("river: Made in float32.",)


def test_stems_of_other_rates_and_lengths_are_brought_together():
    a, b = Source(name="a"), Source(name="b")
    half = Clip(noise(1.0).samples[:, :16_000], 16_000)
    assert mix(of(a, b), (Stem(a, half), Stem(b, noise(3.0)))).samples.shape == (2, 3 * RATE)


def test_the_input_is_left_as_it_was():
    clip, source = noise(channels=2), Source(name="thing", gain_db=3)
    before = clip.samples.copy()
    clip.samples.setflags(write=False)  # like stems from the cache
    mix(of(source, space="room"), (Stem(source, clip),))
    assert np.array_equal(clip.samples, before)
