"""The meters of the mix, and the dry stems that they measure before the mix is made."""

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from pipeline.audio import Clip
from pipeline.mixing.loudness import integrated_loudness, true_peaks
from pipeline.mixing.mix import dry_stems, mixdown
from pipeline.soundscape import Source
from pipeline.synthesize import Stem

from ..conftest import RATE, noise
from .test_mix import of, rms_db

# Before the mix ------------------------------------------------------------------------------------------------------


def test_the_gain_of_the_bus_is_estimated_from_the_dry_stems():
    a, b = Source(name="a", gain_db=-20.0), Source(name="b")
    stems = (Stem(a, noise()), Stem(b, noise(seed=1)))
    dry = dry_stems(of(a, b), stems)
    louder = mixdown(of(a, b), stems).stems[1].clip
    gain_db = float((rms_db(louder.samples) - rms_db(stems[1].clip.samples)).mean()) + 3.01  # it is in the middle
    placed_db = gain_db - (-26.0 - dry.lufs[1])
    assert dry.gain_db == pytest.approx(6.0, abs=0.1), "the louder one has -26 LUFS, and the mix -20"
    assert dry.gain_db == pytest.approx(placed_db, abs=0.2)


def test_muted_and_silent_stems_are_no_dry_stems():
    a, b, c = Source(name="a"), Source(name="b", mute=True), Source(name="c")
    nothing = Clip(np.zeros((1, RATE), np.float32))
    dry = dry_stems(of(a, b, c), (Stem(a, noise()), Stem(b, noise()), Stem(c, nothing)))
    assert [stem.source for stem in dry.stems] == [a] and "silent" in dry.warnings[0]


# The meters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 9, 17_641, RATE + 7])
@pytest.mark.parametrize("channels", [1, 2])
def test_true_peaks_are_those_of_four_times_the_sample_rate(length, channels):
    samples = noise(4.0, channels=channels).samples[:, :length]
    oversampled = np.abs(resample_poly(samples, 4, 1, axis=1)).max(axis=0).reshape(-1, 4).max(axis=1)
    assert true_peaks(samples).shape == (length,) and np.allclose(
        true_peaks(samples), oversampled, rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_loudness_is_that_of_the_reference_meter(rate, channels):
    samples = noise(4.0, channels=channels).samples[:, : 3 * rate + 11].copy()
    samples[:, rate : 2 * rate] *= 0.01  # below the relative gate
    assert integrated_loudness(samples, rate) == pytest.approx(
        pyloudnorm.Meter(rate).integrated_loudness(samples.T), abs=1e-4
    )


def test_a_clip_that_is_kept_is_measured_once(monkeypatch):
    from pipeline.mixing import mix as module

    measured = []
    monkeypatch.setattr(module, "_loudness", lambda clip: measured.append(clip) or -30.0)
    a = Source(name="a")
    kept, loose = noise(), noise(seed=1)
    kept.samples.setflags(write=False)
    for clip in (kept, kept, loose, loose):
        assert dry_stems(of(a), (Stem(a, clip),)).lufs == (-30.0,)
    assert len(measured) == 3, "a clip that may change is measured each time"
    before = len(module._loudnesses)
    del kept, clip
    assert len(module._loudnesses) == before - 1, "the measurement goes with the clip"
