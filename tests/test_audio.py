"""Clips and WAV files."""

import io

import numpy as np
import pytest
import soundfile

from pipeline.audio import Clip, db_to_gain, fade_ends, fit_length, gain_to_db, read_wav, resample, wav_bytes

from .conftest import RATE, noise


def test_a_clip_insists_on_its_convention():
    with pytest.raises(ValueError, match=r"shape \(100,\)"):
        Clip(np.zeros(100, np.float32))
    with pytest.raises(ValueError, match="float64"):
        Clip(np.zeros((1, 100)))
    assert noise(1.5, channels=2).duration_s == 1.5


def test_decibels_go_there_and_back():
    assert db_to_gain(-6.0206) == pytest.approx(0.5, rel=1e-5)
    assert gain_to_db(db_to_gain(-17.3)) == pytest.approx(-17.3)
    assert gain_to_db(0.0) == -np.inf


def test_a_fade_begins_and_ends_in_silence_and_leaves_the_middle_alone():
    samples = np.ones((2, RATE), np.float32)
    faded = fade_ends(samples, RATE)
    assert faded[0, 0] == 0 and faded[0, -1] == 0
    assert np.all(faded[:, 441:-441] == 1) and np.all(np.diff(faded[0, :441]) >= 0)
    assert np.all(samples == 1), "the input is left as it was"
    assert fade_ends(samples[:, :1], RATE).shape == (2, 1)


def test_fitting_cuts_or_pads_with_silence():
    assert fit_length(np.ones((1, 5), np.float32), 3).shape == (1, 3)
    assert fit_length(np.ones((1, 3), np.float32), 5).tolist() == [[1, 1, 1, 0, 0]]


def test_resampling_keeps_pitch_level_and_length():
    time_s = np.arange(16_000) / 16_000
    clip = resample(Clip(np.sin(2 * np.pi * 440 * time_s)[None].astype(np.float32), 16_000), RATE)
    assert clip.samples.shape == (1, RATE) and clip.samples.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(clip.samples[0]))
    assert spectrum.argmax() == 440
    assert np.sqrt(np.mean(clip.samples**2)) == pytest.approx(0.5**0.5, rel=0.01)


def test_a_wav_file_is_16_bit_pcm_and_comes_back(tmp_path):
    clip = noise(0.5, channels=2)
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(clip))
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_16", 2, RATE)
    assert np.abs(read_wav(path).samples - clip.samples).max() <= 2.0 / 32768


def test_dither_keeps_what_rounding_would_lose():
    quiet = (0.4 / 32767 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE))[None].astype(np.float32)
    steps, _ = soundfile.read(io.BytesIO(wav_bytes(Clip(quiet))), dtype="int16")
    spectrum = np.abs(np.fft.rfft(steps.astype(float)))
    assert spectrum.argmax() == 1000, "a tone below half a step is still there"
    assert np.abs(steps).max() <= 2


def test_full_scale_does_not_wrap_around_and_equal_clips_give_equal_bytes():
    loud = Clip(np.full((1, 1000), 1.5, np.float32))
    steps, _ = soundfile.read(io.BytesIO(wav_bytes(loud)), dtype="int16")
    assert steps.min() == 32767
    assert wav_bytes(noise()) == wav_bytes(noise())
