"""Stems -> one stereo clip: each source panned to its place in the picture, all in one acoustic space.

The placed stems add up to the mix, sample by sample, because the bus and its limiter apply one gain to all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..audio import SAMPLE_RATE_HZ, Clip, Floats, Samples, db_to_gain, fade_ends, fit_length, gain_to_db, resample
from ..checkpoint import Pool, checkpoint
from ..errors import SoundscapeError
from ..kinds.catalogue import kind_of
from ..soundscape import Soundscape, Source
from ..synthesize import Stem
from .loudness import MAX_LIMITING_DB, integrated_loudness, limiter_gain, true_peaks
from .space import impulse_response, transmission, wet_share

TARGET_LUFS = -20.0
CEILING_DBTP = -1.0
CEILING_MARGIN_DB = 0.3  # for meters with finer oversampling than ours, and for the dither
STEM_LUFS = -26.0  # of a source of level 0 dB at its usual distance, before the bus
DEFAULT_DISTANCE_M = 5.0  # usual distance of a source of unknown kind; also the default of the document
MAX_NEARNESS_DB = 20.0  # above the level at the usual distance, however near the source is
MAX_RANGE_DB = 12.0  # from the loudest source to the softest, before gains: loudspeakers cover less than nature
SILENCE_DB = -80.0  # RMS below which a stem counts as silent
LEAST_TOGETHER = 0.1  # of the energy of two channels, in their sum
DC_SHARE = 0.1  # of the RMS, above which a constant offset is reported
MAX_DUCKING_DB = 3.0  # the most that beds are lowered during events
DUCKING_STEP_S = 0.02
DUCKING_SMOOTHING_S = 0.25

_Spectrum = npt.NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class Mixdown:
    """The mix, the placed stems that add up to it, its measurements, and warnings about what was repaired.

    `dry` are the stems before they were placed, repaired and at the sample rate of the mix, and `dry_lufs` is the
    loudness of each; `gain_db` is the gain of the bus where its limiter does nothing. A preview needs them.
    """

    clip: Clip
    stems: tuple[Stem, ...]
    loudness_lufs: float
    true_peak_dbtp: float
    warnings: tuple[str, ...]
    dry: tuple[Stem, ...] = ()
    dry_lufs: tuple[float, ...] = ()
    gain_db: float = 0.0


def mix(soundscape: Soundscape, stems: tuple[Stem, ...]) -> Clip:
    """Return the mix of the stems: stereo, 44,100 Hz, -20 LUFS integrated, true peak at most -1 dBTP."""
    return mixdown(soundscape, stems).clip


def mixdown(soundscape: Soundscape, stems: tuple[Stem, ...]) -> Mixdown:
    """Return the mix with its placed stems and measurements.

    Stems may be mono or stereo and have any sample rate. The longest sets the length of the mix. Muted sources are left
    out. Raises SoundscapeError if nothing can be heard.
    """
    warnings: list[str] = []
    clean = [_clean(stem, warnings) for stem in stems if not stem.source.mute]
    heard = [stem for stem in clean if stem is not None]
    if not heard:
        why = "\n".join(warnings) or "Every source is muted. Unmute at least one."
        raise SoundscapeError(f"There is nothing to hear. {why}")
    length = max(stem.clip.samples.shape[1] for stem in heard)
    with Pool(2) as pool:  # the transforms release Python's lock
        dry_lufs = list(pool.map(lambda stem: _loudness(stem.clip), heard))
        gains_db = [level + STEM_LUFS - lufs for level, lufs in zip(_levels_db(soundscape, heard), dry_lufs)]
        placed = list(pool.map(lambda stem, gain: _place(stem, gain, soundscape.space, length), heard, gains_db))
    placed = _duck(heard, placed)
    gain, loudness_lufs, true_peak_dbtp = _bus_gain(_sum(placed), warnings)
    sources = [stem.source for stem in heard]
    finished = [Stem(source, Clip(samples * gain)) for source, samples in zip(sources, placed)]
    total = Clip(_sum(stem.clip.samples for stem in finished))
    measured = (loudness_lufs, true_peak_dbtp, tuple(warnings))
    gain_db = gain_to_db(float(gain.max()))
    return Mixdown(total, tuple(finished), *measured, dry=tuple(heard), dry_lufs=tuple(dry_lufs), gain_db=gain_db)


def _sum(parts: Iterable[Samples]) -> Samples:
    return sum(parts, np.zeros(1, np.float32))


# One stem ------------------------------------------------------------------------------------------------------------


def _clean(stem: Stem, warnings: list[str]) -> Stem | None:
    """Return the stem without defects at the sample rate of the mix, or None if it is silent. Add warnings."""
    checkpoint()
    name, samples = stem.source.name, stem.clip.samples
    warnings += [f"{name}: {note}" for note in stem.clip.notes]
    if not np.isfinite(samples).all():
        warnings.append(f"{name}: the sound contained invalid values (not finite numbers), which were silenced.")
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    if samples.shape[0] > 2:
        samples = samples.mean(axis=0, keepdims=True)
    offset = samples.mean(axis=1, keepdims=True)
    rms = float(np.sqrt(np.mean(np.square(samples - offset), dtype=np.float64)))
    if gain_to_db(rms) < SILENCE_DB:
        warnings.append(f"{name}: the sound is silent, so it was left out.")
        return None
    if np.abs(offset).max() > DC_SHARE * rms:
        warnings.append(f"{name}: the sound had a constant offset (DC), which was removed.")
    clean = Clip(np.ascontiguousarray(samples - offset, dtype=np.float32), stem.clip.sample_rate)
    return Stem(stem.source, resample(clean, SAMPLE_RATE_HZ))


def _place(stem: Stem, gain_db: float, space: str, length: int) -> Samples:
    """Return the stem in stereo, shape (2, length), at its pan position and distance in the space."""
    from scipy import fft

    checkpoint()
    source, samples = stem.source, fit_length(stem.clip.samples, length)
    samples = samples * db_to_gain(gain_db)
    wet = wet_share(space, source.distance_m)
    size = fft.next_fast_len(length + (impulse_response(space).shape[1] if wet else 0), real=True)
    spectrum = fft.rfft(samples, size, axis=1)
    farther_m = max(source.distance_m - DEFAULT_DISTANCE_M, 0.0)  # stems already sound a few metres away
    spectrum *= transmission(space, farther_m, fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ))
    direct = _pan(fft.irfft(spectrum, size, axis=1)[:, :length], source)
    if not wet:
        return fade_ends(direct, SAMPLE_RATE_HZ)
    checkpoint()
    reflected = fft.irfft(_middle(spectrum) * _response_spectrum(space, size), size, axis=1)[:, :length]
    both = np.sqrt(1 - wet) * direct + np.sqrt(wet) * reflected
    return fade_ends(both.astype(np.float32), SAMPLE_RATE_HZ)


def _middle(spectrum: _Spectrum) -> _Spectrum:
    """Return one channel with half the energy of all channels. It excites both sides of the space."""
    middle = spectrum.sum(axis=0)
    energy, together = (float(np.square(np.abs(each)).sum()) for each in (spectrum, middle))
    # The limit keeps the little that is left of channels in opposite phase from being boosted without bounds.
    scaled: _Spectrum = middle * np.float32(np.sqrt(0.5 * energy / max(together, LEAST_TOGETHER * energy)))
    return scaled


@lru_cache(maxsize=4)
def _response_spectrum(space: str, size: int) -> _Spectrum:
    from scipy import fft

    spectrum: _Spectrum = fft.rfft(impulse_response(space), size, axis=1)
    return spectrum


def _loudness(clip: Clip) -> float:
    checkpoint()
    loudness = integrated_loudness(clip.samples, clip.sample_rate)
    return loudness if np.isfinite(loudness) else gain_to_db(float(np.sqrt(np.mean(np.square(clip.samples)))))


def _levels_db(soundscape: Soundscape, stems: list[Stem]) -> list[float]:
    """Return the level of each stem: its natural level, compressed into MAX_RANGE_DB, plus the user's gain.

    Muted sources count too, so that muting one does not change the balance of the others.
    """
    natural = [_natural_level_db(source) for source in soundscape.sources]
    loudest, span = max(natural), max(natural) - min(natural)
    share = min(1.0, MAX_RANGE_DB / span) if span else 1.0
    return [loudest - share * (loudest - _natural_level_db(stem.source)) + stem.source.gain_db for stem in stems]


def _natural_level_db(source: Source) -> float:
    """Return the usual level of the kind, changed by -6 dB per doubling of its usual distance."""
    level_db, usual_m = usual_level(source)
    return level_db + min(gain_to_db(usual_m / source.distance_m), MAX_NEARNESS_DB)


def usual_level(source: Source) -> tuple[float, float]:
    """Return the level in dB of the kind of this source, and its usual distance in metres."""
    kind = kind_of(source)
    return (kind.level_db, kind.distance_m) if kind else (0.0, DEFAULT_DISTANCE_M)


def pan_of(source: Source) -> float:
    """Return the pan position, -1 (left) to 1 (right): the source's own, the centre of its box, or the middle."""
    if source.pan is not None:
        return source.pan
    return source.box[0] + source.box[2] - 1.0 if source.box else 0.0


def _pan(samples: Samples, source: Source) -> Samples:
    """Pan samples, shape (1 or 2, samples), by the equal-power law. A stereo image narrows towards the sides."""
    centre = pan_of(source)
    gains = _side_gains(centre)[:, None]
    if samples.shape[0] == 1:
        return (gains * samples).astype(np.float32)
    width: float = (source.box[2] - source.box[0] if source.box else 1.0) * (1.0 - abs(centre))
    middle, side = samples.mean(axis=0), (samples[0] - samples[1]) / 2
    narrowed = np.stack((middle + width * side, middle - width * side))
    power = np.square(samples).sum() / max(np.square(narrowed).sum(), 1e-20)  # keeps the power
    panned: Floats = gains * np.sqrt(2.0 * power) * narrowed
    return panned.astype(np.float32)


def _side_gains(pan: float) -> Floats:
    angle = (pan + 1.0) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)])


# All stems together --------------------------------------------------------------------------------------------------


def _duck(stems: list[Stem], placed: list[Samples]) -> list[Samples]:
    """Lower the beds slowly, by at most 3 dB, during events: more so the stronger the event is."""
    is_bed = [stem.source.role == "bed" for stem in stems]
    if all(is_bed) or not any(is_bed):
        return placed
    beds = _envelope(_sum(samples for samples, bed in zip(placed, is_bed) if bed))
    events = _envelope(_sum(samples for samples, bed in zip(placed, is_bed) if not bed))
    share = events / np.maximum(events + beds, 1e-12)
    gain = _to_samples(_smooth(10 ** (-MAX_DUCKING_DB * share / 20)), placed[0].shape[1])
    return [samples * gain if bed else samples for samples, bed in zip(placed, is_bed)]


def _envelope(samples: Samples) -> Samples:
    """Return the mean square of each step of 20 ms."""
    step = round(DUCKING_STEP_S * SAMPLE_RATE_HZ)
    padded = np.pad(samples, ((0, 0), (0, -samples.shape[1] % step)))
    envelope: Samples = np.square(padded).mean(axis=0).reshape(-1, step).mean(axis=1)
    return envelope


def _smooth(steps: Floats) -> Floats:
    reach = round(DUCKING_SMOOTHING_S / DUCKING_STEP_S)
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth: Floats = np.convolve(np.pad(steps, reach, mode="edge"), window / window.sum(), mode="valid")
    return smooth


def _to_samples(steps: Floats, length: int) -> Samples:
    centres = (np.arange(steps.size) + 0.5) * DUCKING_STEP_S * SAMPLE_RATE_HZ
    return np.interp(np.arange(length), centres, steps).astype(np.float32)


def _bus_gain(total: Samples, warnings: list[str]) -> tuple[Samples, float, float]:
    """Return the gain of the bus, shape (samples,), and the resulting loudness (LUFS) and true peak (dBTP)."""
    checkpoint()
    peaks = true_peaks(total)
    checkpoint()
    ceiling = db_to_gain(CEILING_DBTP - CEILING_MARGIN_DB)
    most = db_to_gain(MAX_LIMITING_DB) * ceiling / max(float(peaks.max()), 1e-9)
    # Measured at full scale: distant or faint sources alone may be below the absolute gate of the meter, -70 LUFS.
    full = 1.0 / max(float(peaks.max()), 1e-9)
    loudness_lufs = integrated_loudness(total * np.float32(full), SAMPLE_RATE_HZ) - gain_to_db(full)
    level = min(db_to_gain(TARGET_LUFS - loudness_lufs), most)
    gain, mixed = np.full(total.shape[1], level, np.float32), total * np.float32(level)
    loudness_lufs += gain_to_db(level)
    for _ in range(8):  # makes up for the loudness lost to the limiter, mostly in one or two rounds
        checkpoint()
        if peaks.max() * level <= ceiling:
            break
        gain = np.float32(level) * limiter_gain(peaks * level, ceiling, SAMPLE_RATE_HZ)
        mixed = total * gain
        loudness_lufs = integrated_loudness(mixed, SAMPLE_RATE_HZ)
        if level == most or abs(TARGET_LUFS - loudness_lufs) < 0.1:
            break
        level = min(level * db_to_gain(TARGET_LUFS - loudness_lufs), most)
    peak = float(peaks.max()) * level
    if peak > ceiling:
        peak = float(true_peaks(mixed).max())
    if peak > ceiling:  # a changing gain can raise the true peak between two samples a little
        gain, peak = gain * np.float32(ceiling / peak), ceiling
    if loudness_lufs < TARGET_LUFS - 1.0:
        warnings.append(f"The mix has {loudness_lufs:.1f} LUFS: a few loud moments leave no room to make it louder.")
    return gain, loudness_lufs, gain_to_db(peak)
