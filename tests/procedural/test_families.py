"""The models of contact, creatures and pitched bodies have the measurable properties of what they imitate."""

import numpy as np
import pytest
from scipy import signal as dsp

from pipeline.procedural import contact, creatures, crowds, friction, insects, steps, tonal
from pipeline.procedural.bodies import Body
from pipeline.procedural.signal import RATE
from pipeline.procedural.voice import Voice


def a_voice(seed=5, duration_s=6.0, role="recurring", **words):
    return Voice(duration_s, np.random.default_rng(seed), role=role, **words)


def mono(samples):
    return samples.mean(axis=0) if samples.ndim == 2 else samples


def envelope(samples, rate_hz=200):
    """Return the RMS of consecutive blocks, `rate_hz` per second."""
    size = RATE // rate_hz
    pieces = mono(samples)[: len(mono(samples)) // size * size].reshape(-1, size)
    return np.sqrt(np.mean(pieces.astype(float) ** 2, axis=1))


def onsets_s(samples, rate_hz=400, threshold=0.15, apart_s=0.06):
    """Return the times of onsets, where the level jumps up."""
    level = envelope(samples, rate_hz)
    rise = np.maximum(np.diff(level, prepend=level[0]), 0)
    peaks, _ = dsp.find_peaks(rise, height=threshold * rise.max(), distance=max(int(apart_s * rate_hz), 1))
    return peaks / rate_hz


def centroid_hz(samples):
    frequencies, power = dsp.welch(mono(samples), RATE, nperseg=4096)
    return float(np.sum(frequencies * power) / np.sum(power))


def pitch_hz(samples, low_hz, high_hz):
    """Return the pitch and the periodicity (0 .. 1) of the loudest 40 ms, by autocorrelation."""
    size = int(0.04 * RATE)
    middle = int(np.argmax(envelope(samples, 50))) * (RATE // 50) + RATE // 100
    start = int(np.clip(middle - size // 2, 0, len(samples) - size))
    piece = samples[start : start + size].astype(float)
    similar = np.correlate(piece, piece, "full")[size - 1 :]
    similar /= similar[0] * (1 - np.arange(size) / size)
    lags = np.arange(int(RATE / high_hz), int(RATE / low_hz))
    best = lags[np.argmax(similar[lags])]
    return RATE / best, float(similar[best])


def time_to_fall_s(samples, fall_db=20):
    """Return the time after which the remaining energy of a blow is `fall_db` lower."""
    left = np.cumsum(samples[::-1].astype(float) ** 2)[::-1]
    return float(np.argmax(left < left[0] * 10 ** (-fall_db / 10))) / RATE


# Bodies --------------------------------------------------------------------------------------------------------------


def blow_on(material, **size):
    return Body.of(a_voice(), material, **size).blow(np.random.default_rng(3))


def test_metal_rings_longer_than_glass_and_glass_longer_than_wood():
    metal, glass, wood = (time_to_fall_s(blow_on(name)) for name in ("metal", "glass", "wood"))
    assert metal > 1.5 * glass > 3.0 * wood


def test_a_smaller_body_sounds_higher():
    assert centroid_hz(blow_on("ceramic", pitch=2.0)) > 1.3 * centroid_hz(blow_on("ceramic", pitch=0.7))


def test_a_harder_blow_is_brighter_and_no_two_blows_are_equal():
    body, rng = Body.of(a_voice(), "wood"), np.random.default_rng(1)
    soft = [body.blow(rng, 0.2) for _ in range(12)]
    hard = [body.blow(rng, 1.0) for _ in range(12)]
    assert np.mean([centroid_hz(each) for each in hard]) > np.mean([centroid_hz(each) for each in soft])
    assert not np.array_equal(soft[0], soft[1])


@pytest.mark.parametrize("model", [contact.hammer_wood, contact.knock, contact.keyboard, contact.door])
def test_the_named_material_becomes_the_body(model):
    wood, metal = (model(a_voice(material=name)) for name in ("wood", "metal"))
    assert abs(np.log2(centroid_hz(metal) / centroid_hz(wood))) > 0.1


def test_what_cannot_ring_leaves_the_usual_body():
    assert np.array_equal(contact.knock(a_voice(material="water")), contact.knock(a_voice(material="")))


# Steps and strokes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", [steps.stone, steps.wood, steps.gravel])
def test_steps_keep_their_pace(ground):
    level = envelope(ground(a_voice(role="bed", duration_s=10.0)), 100)
    similar = np.correlate(level - level.mean(), level - level.mean(), "full")[len(level) - 1 :]
    window = slice(40, 80)  # 0.4 to 0.8 s
    lag_s = (40 + np.argmax(similar[window])) / 100
    assert lag_s == pytest.approx(0.57, abs=0.06)
    assert similar[window].max() > 0.2 * similar[0]


def test_hurried_steps_come_faster():
    slow, fast = (
        len(onsets_s(steps.stone(a_voice(role="bed", speed=speed)), threshold=0.3, apart_s=0.25))
        for speed in (-0.8, 0.8)
    )
    assert fast > 1.5 * slow


def test_grounds_differ_in_colour():
    stone, leaves = (centroid_hz(steps.stone(a_voice(material=name))) for name in ("stone", "leaves"))
    assert leaves > 1.3 * stone


def test_a_clock_is_even():
    ticks = onsets_s(contact.clock(a_voice(role="bed")), rate_hz=1000, threshold=0.3, apart_s=0.2)
    intervals = np.diff(ticks)
    assert np.median(intervals) == pytest.approx(0.5, abs=0.01)
    assert intervals.std() < 0.02


def test_a_ball_that_is_left_alone_bounces_out():
    bounces = onsets_s(contact.ball(a_voice(seed=8, duration_s=8.0)), threshold=0.1, apart_s=0.07)
    shortening = [np.diff(bounces[start : start + 5]) for start in range(len(bounces) - 4)]
    assert any(np.all(np.diff(gaps) < 0) and gaps[-1] < 0.75 * gaps[0] for gaps in shortening)


def test_saw_strokes_follow_one_another_at_an_even_pace():
    level = envelope(friction.saw(a_voice(role="bed")), 100)
    similar = np.correlate(level - level.mean(), level - level.mean(), "full")[len(level) - 1 :]
    assert 0.38 < (30 + np.argmax(similar[30:60])) / 100 < 0.54


# Creatures -----------------------------------------------------------------------------------------------------------


def test_a_bark_is_harmonic_and_lies_in_the_range_of_dogs():
    barks = [creatures._bark(a_voice(seed=seed), 1.0, 0.16) for seed in range(6)]
    pitches = [pitch_hz(bark, 200, 900) for bark in barks]
    assert all(300 < hz < 900 for hz, _ in pitches)
    assert np.median([periodic for _, periodic in pitches]) > 0.35


def test_a_large_dog_barks_lower():
    small, large = (
        np.median([pitch_hz(creatures._bark(a_voice(seed=s), size, 0.16), 150, 1200)[0] for s in range(6)])
        for size in (0.8, 1.5)
    )
    assert small > 1.3 * large


def test_no_bark_comes_twice():
    voice = a_voice()
    first, second = creatures._bark(voice, 1.0, 0.16), creatures._bark(voice, 1.0, 0.16)
    assert not np.array_equal(first, second)


def test_a_cow_lows_below_a_sheep_and_a_cat_calls_above_both():
    cow = centroid_hz(creatures.cow(a_voice()))
    sheep = centroid_hz(creatures.sheep(a_voice()))
    assert cow < 0.7 * sheep
    assert centroid_hz(creatures.cat(a_voice())) > cow


def test_a_rough_throat_is_less_periodic():
    def periodic(roughness):
        calls = [creatures._bark(a_voice(seed=seed, roughness=roughness), 1.0, 0.16) for seed in range(8)]
        return np.mean([pitch_hz(call, 200, 900)[1] for call in calls])

    assert periodic(1.0) < periodic(-1.0) - 0.1


def test_a_one_shot_dog_barks_at_most_in_two_groups():
    barks = onsets_s(creatures.dog(a_voice(role="one-shot", duration_s=8.0)), rate_hz=100, apart_s=0.1)
    groups = 1 + int(np.sum(np.diff(barks) > 1.0))
    assert 1 <= len(barks) <= 12 and groups <= 2


# Insects -------------------------------------------------------------------------------------------------------------


def modulation(samples, band_hz, rate_hz=400):
    """Return the modulation spectrum (frequencies, power) of the level within a band of the sound."""
    sections = dsp.butter(4, band_hz, "bandpass", fs=RATE, output="sos")
    level = envelope(dsp.sosfiltfilt(sections, mono(samples)), rate_hz)
    return dsp.welch(level / level.mean() - 1, rate_hz, nperseg=512)


def test_crickets_have_the_carrier_and_the_pulses_of_field_crickets():
    sound = insects.crickets(a_voice(role="bed", params={"insects": 1}))
    frequencies, power = dsp.welch(mono(sound), RATE, nperseg=4096)
    high = frequencies > 1500
    assert 4000 < frequencies[high][np.argmax(power[high])] < 5300
    rates, movement = modulation(sound, (3800, 5400))
    pulses = (rates > 15) & (rates < 60)
    assert 20 < rates[pulses][np.argmax(movement[pulses])] < 36


@pytest.mark.parametrize("wing_hz", [190.0, 420.0])
def test_wings_beat_at_their_rate(wing_hz):
    sound = mono(insects.flies(a_voice(role="bed", params={"wing_hz": wing_hz, "insects": 1})))
    size = RATE // 10
    heard = [pitch_hz(sound[start : start + size], 120, 900)[0] for start in range(0, len(sound) - size, size)]
    assert np.median(heard) == pytest.approx(wing_hz, rel=0.25)


def test_more_insects_where_it_is_dense():
    sparse, dense = (insects.crickets(a_voice(role="bed", density=each)) for each in (-1.0, 1.0))
    fullness = [
        np.percentile(envelope(each, 50), 25) / np.percentile(envelope(each, 50), 95) for each in (sparse, dense)
    ]
    assert fullness[1] > 1.3 * fullness[0]


# People --------------------------------------------------------------------------------------------------------------


def test_a_crowd_never_pauses():
    level = envelope(crowds.crowd(a_voice(role="bed", duration_s=8.0)), 5)
    assert level.min() > 0.35 * np.median(level)


def test_no_single_talker_stands_out_of_a_crowd():
    """Speech needs level modulation at 2 to 8 Hz to be understood; many talkers average it out."""

    def syllables(samples):
        rates, movement = modulation(samples, (300, 3000), 100)
        return np.sqrt(np.trapezoid(movement[(rates > 2) & (rates < 8)], rates[(rates > 2) & (rates < 8)]))

    voice = a_voice(role="bed")
    alone = crowds._upsampled(crowds._babble(voice, voice.length // 4, 1.0)[None], voice.length)
    crowd = crowds.crowd(a_voice(role="bed"))
    assert syllables(crowd) < 0.4 * syllables(alone)


def test_a_crowd_surrounds_and_a_knock_comes_from_one_place():
    def likeness(samples):
        return float(np.corrcoef(samples)[0, 1])

    assert likeness(crowds.crowd(a_voice(role="bed"))) < 0.7
    assert likeness(contact.knock(a_voice())) > 0.8


def test_applause_is_denser_with_more_people():
    def peakiness(people):
        sound = mono(crowds.applause(a_voice(role="bed", duration_s=4.0, params={"people": people})))
        return float(np.mean(sound**4) / np.mean(sound**2) ** 2)

    assert peakiness(10) > 1.5 * peakiness(150)


# Tonal bodies --------------------------------------------------------------------------------------------------------


def test_a_bell_has_the_partials_of_a_church_bell():
    sound = mono(tonal.church_bell(a_voice(role="one-shot", duration_s=8.0)))
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
    peaks, _ = dsp.find_peaks(spectrum, height=0.03 * spectrum.max(), distance=40)
    found = frequencies[peaks]
    fits = [
        np.mean([np.min(np.abs(found / (ratio * prime) - 1)) < 0.02 for ratio in (0.5, 1.0, 1.19, 1.5, 2.0)])
        for prime in np.linspace(380, 620, 400)
    ]
    assert max(fits) == 1.0


def test_a_bell_beats_since_it_is_not_quite_round():
    sound = mono(tonal.church_bell(a_voice(role="one-shot", duration_s=8.0)))
    start = int(np.argmax(np.abs(sound)))
    frequencies, power = dsp.welch(sound[start:], RATE, nperseg=16384)
    loudest = frequencies[np.argmax(power)]
    sections = dsp.butter(2, (loudest - 12, loudest + 12), "bandpass", fs=RATE, output="sos")
    level = envelope(dsp.sosfiltfilt(sections, sound[start:]), 50)[25:-25]
    falling = np.log(level) - np.polyval(np.polyfit(np.arange(len(level)), np.log(level), 1), np.arange(len(level)))
    assert falling.std() > 0.08


def test_a_wooden_chime_is_shorter_than_a_metal_one():
    wood, metal = (tonal.wind_chime(a_voice(role="bed", material=name)) for name in ("wood", "metal"))
    quiet = [np.percentile(envelope(each, 50), 20) / envelope(each, 50).max() for each in (wood, metal)]
    assert quiet[0] < 0.5 * quiet[1]


@pytest.mark.parametrize(("horn", "low_hz", "high_hz"), [(tonal.ship_horn, 130, 350), (tonal.car_horn, 350, 600)])
def test_horns_sound_in_their_range(horn, low_hz, high_hz):
    frequencies, power = dsp.welch(mono(horn(a_voice())), RATE, nperseg=8192)
    strong = frequencies[(power > 0.05 * power.max()) & (frequencies > 100)]
    assert low_hz < strong.min() < high_hz


# Words ---------------------------------------------------------------------------------------------------------------

MODELS = [contact.dishes, creatures.dog, insects.bees, crowds.crowd, tonal.church_bell, friction.saw, steps.gravel]


@pytest.mark.parametrize("model", MODELS)
def test_bright_words_move_the_spectrum_up(model):
    dark, bright = (
        np.mean([centroid_hz(model(a_voice(seed=seed, duration_s=4.0, brightness=each))) for seed in range(3)])
        for each in (-1.0, 1.0)
    )
    assert bright > 1.06 * dark


@pytest.mark.parametrize("model", [contact.dishes, contact.chain, contact.coins])
def test_dense_words_bring_more_events(model):
    sparse, dense = (
        sum(len(onsets_s(model(a_voice(seed=seed, density=each)), apart_s=0.01)) for seed in range(3))
        for each in (-1, 1)
    )
    assert dense > 1.3 * sparse


@pytest.mark.parametrize("model", [contact.keyboard, contact.hammer_metal, steps.hooves])
def test_fast_words_make_events_come_sooner(model):
    slow, fast = (
        sum(len(onsets_s(model(a_voice(seed=seed, role="bed", speed=each)), threshold=0.25)) for seed in range(2))
        for each in (-0.9, 0.9)
    )
    assert fast > 1.25 * slow


@pytest.mark.parametrize("model", [crowds.crowd, crowds.applause, insects.crickets, insects.cicadas, insects.bees])
def test_beds_never_fall_silent(model):
    level = envelope(model(a_voice(role="bed")), 10)
    assert level.min() > 0.01 * level.max()
