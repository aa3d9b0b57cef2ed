"""Stems -> one stereo clip: each source panned to its place in the picture, all in one acoustic space.

The placed stems add up to the mix, sample by sample, because the bus and its limiter apply one gain to all of them.
"""

import math
import weakref
from collections.abc import Iterable, Sequence
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
from .space import air_absorption_db_per_m, impulse_response, transmission, wet_share

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
class DryStems:
    """The stems that are heard, repaired and at the sample rate of the mix, before they are placed.

    `lufs` is the loudness of each, `length` the samples of the longest, and `warnings` say what was repaired. `gain_db`
    estimates the gain of the bus from the levels alone: the mix itself has not been made.
    """

    stems: tuple[Stem, ...]
    lufs: tuple[float, ...]
    length: int
    gain_db: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mixdown:
    """The mix, the placed stems that add up to it, its measurements, and warnings about what was repaired."""

    clip: Clip
    stems: tuple[Stem, ...]
    loudness_lufs: float
    true_peak_dbtp: float
    warnings: tuple[str, ...]


def mix(soundscape: Soundscape, stems: tuple[Stem, ...]) -> Clip:
    """Return the mix of the stems: stereo, 44,100 Hz, -20 LUFS integrated, true peak at most -1 dBTP."""
    return mixdown(soundscape, stems).clip


def mixdown(soundscape: Soundscape, stems: tuple[Stem, ...]) -> Mixdown:
    """Return the mix with its placed stems and measurements.

    Stems may be mono or stereo and have any sample rate. The longest sets the length of the mix. Muted sources are left
    out. Raises SoundscapeError if nothing can be heard.
    """
    return mixdown_of(soundscape, dry_stems(soundscape, stems))


def dry_stems(soundscape: Soundscape, stems: tuple[Stem, ...]) -> DryStems:
    """Repair and measure the stems that are not muted. Raises SoundscapeError if nothing can be heard."""
    with Pool(2) as pool:  # numpy and scipy release Python's lock
        clean = list(pool.map(_clean, (stem for stem in stems if not stem.source.mute)))
    warnings = tuple(warning for each in clean for warning in each.warnings)
    heard = tuple(each.stem for each in clean if each.stem is not None)
    lufs = tuple(each.lufs for each in clean if each.stem is not None)
    if not heard:
        why = "\n".join(warnings) or "Every source is muted. Unmute at least one."
        raise SoundscapeError(f"There is nothing to hear. {why}")
    length = max(stem.clip.samples.shape[1] for stem in heard)
    energy = sum(10 ** ((level_db + STEM_LUFS) / 10) for level_db in _levels_db(soundscape, heard))
    gain_db = TARGET_LUFS - 10 * math.log10(energy)
    return DryStems(heard, lufs, length, gain_db, warnings)


def mixdown_of(soundscape: Soundscape, dry: DryStems) -> Mixdown:
    """Return the mix of stems that are repaired and measured."""
    heard, warnings = dry.stems, list(dry.warnings)
    gains_db = [level + STEM_LUFS - lufs for level, lufs in zip(_levels_db(soundscape, heard), dry.lufs)]
    with Pool(2) as pool:  # numpy and scipy release Python's lock
        placed = list(pool.map(lambda stem, gain: _place(stem, gain, soundscape.space, dry.length), heard, gains_db))
        placed = _duck(heard, placed)
        gain, loudness_lufs, true_peak_dbtp = _bus_gain(_sum(placed), warnings)
        clips = pool.map(lambda samples: Clip(samples * gain), placed)
        finished = tuple(Stem(stem.source, clip) for stem, clip in zip(heard, clips))
    total = Clip(_sum(stem.clip.samples for stem in finished))
    return Mixdown(total, finished, loudness_lufs, true_peak_dbtp, tuple(warnings))


def _sum(parts: Iterable[Samples]) -> Samples:
    first, *others = parts
    total = first.copy()
    for part in others:
        total += part
    return total


# One stem ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Clean:
    """A stem without defects, its loudness, and what was repaired. A silent stem is None."""

    stem: Stem | None
    lufs: float
    warnings: list[str]


def _clean(stem: Stem) -> _Clean:
    """Repair a stem, convert it to the sample rate of the mix, and measure it."""
    checkpoint()
    name, samples = stem.source.name, stem.clip.samples
    warnings = [f"{name}: {note}" for note in stem.clip.notes]
    if not np.isfinite(samples).all():
        warnings.append(f"{name}: the sound contained invalid values (not finite numbers), which were silenced.")
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    if samples.shape[0] > 2:
        samples = samples.mean(axis=0, keepdims=True)
    offset = samples.mean(axis=1, keepdims=True)
    rms = float(np.sqrt(np.mean(np.square(samples - offset), dtype=np.float64)))
    if gain_to_db(rms) < SILENCE_DB:
        warnings.append(f"{name}: the sound is silent, so it was left out.")
        return _Clean(None, -math.inf, warnings)
    if np.abs(offset).max() > DC_SHARE * rms:
        warnings.append(f"{name}: the sound had a constant offset (DC), which was removed.")
    centred = Clip(np.ascontiguousarray(samples - offset, dtype=np.float32), stem.clip.sample_rate)
    clean = resample(centred, SAMPLE_RATE_HZ)
    return _Clean(Stem(stem.source, clean), _known_loudness(stem.clip, clean), warnings)


def _known_loudness(clip: Clip, clean: Clip) -> float:
    """Return the loudness of a clip after its repair. It is measured once for a clip that is kept in memory."""
    if clip.samples.flags.writeable:
        return _loudness(clean)
    key = id(clip)
    known = _loudnesses.get(key)
    if known is None or known[0]() is not clip:
        forget = weakref.ref(clip, lambda _: _loudnesses.pop(key, None))
        known = _loudnesses[key] = forget, _loudness(clean)
    return known[1]


_loudnesses: dict[int, tuple[weakref.ref[Clip], float]] = {}


def _place(stem: Stem, gain_db: float, space: str, length: int) -> Samples:
    """Return the stem in stereo, shape (2, length), at its pan position and distance in the space.

    Direct and reflected sound are added as spectra, so only two channels are transformed back.
    """
    from scipy import fft

    checkpoint()
    source, samples = stem.source, fit_length(stem.clip.samples, length)
    wet = wet_share(space, source.distance_m)
    size = fft.next_fast_len(length + (impulse_response(space).shape[1] if wet else 0), real=True)
    spectrum = fft.rfft(samples, size, axis=1)
    farther_m = max(source.distance_m - DEFAULT_DISTANCE_M, 0.0)  # stems already sound a few metres away
    spectrum *= transmission(space, farther_m, *_air(size))
    middle = spectrum.sum(axis=0)
    energy, together = _energy(spectrum), _energy(middle)
    gain = db_to_gain(gain_db)
    direct = gain * np.sqrt(1 - wet) * _panning(spectrum.shape[0], energy, together, source)
    placed = np.empty((2, spectrum.shape[1]), spectrum.dtype)
    for side, gains in zip(placed, direct.astype(np.float32)):
        np.multiply(spectrum[0], gains[0], out=side)
        for channel, own in zip(spectrum[1:], gains[1:]):
            side += own * channel
    if wet:
        # Half of the energy of all channels excites both sides of the space. The limit keeps the little that is left
        # of channels in opposite phase from being boosted without bounds.
        share = 0.5 * energy / max(together, LEAST_TOGETHER * energy)
        middle *= np.float32(gain * np.sqrt(wet * share))
        for side, response in zip(placed, _response_spectrum(space, size)):
            side += middle * response
    return fade_ends(fft.irfft(placed, size, axis=1)[:, :length], SAMPLE_RATE_HZ)


def _energy(spectrum: _Spectrum) -> float:
    """Return the energy of a single-precision spectrum, up to a constant factor."""
    return float(np.square(spectrum.view(np.float32)).sum())


@lru_cache(maxsize=4)
def _air(size: int) -> tuple[Samples, Samples]:
    """Return the frequencies in hertz of a spectrum of `size` samples, and the absorption of air at each."""
    from scipy import fft

    frequency_hz = fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    return frequency_hz.astype(np.float32), air_absorption_db_per_m(frequency_hz).astype(np.float32)


@lru_cache(maxsize=4)
def _response_spectrum(space: str, size: int) -> _Spectrum:
    from scipy import fft

    spectrum: _Spectrum = fft.rfft(impulse_response(space), size, axis=1)
    return spectrum


def _loudness(clip: Clip) -> float:
    checkpoint()
    loudness = integrated_loudness(clip.samples, clip.sample_rate)
    return loudness if np.isfinite(loudness) else gain_to_db(float(np.sqrt(np.mean(np.square(clip.samples)))))


def _levels_db(soundscape: Soundscape, stems: Sequence[Stem]) -> list[float]:
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


def _panning(channels: int, energy: float, together: float, source: Source) -> Floats:
    """Return the gain of each channel on each side, shape (2, channels), by the equal-power law.

    A stereo image narrows towards the sides. `energy` is that of all channels, `together` that of their sum.
    """
    centre = pan_of(source)
    gains = _side_gains(centre)[:, None]
    if channels == 1:
        return gains
    width = (source.box[2] - source.box[0] if source.box else 1.0) * (1.0 - abs(centre))
    narrow = np.array([[1 + width, 1 - width], [1 - width, 1 + width]]) / 2
    narrowed = together / 2 + width**2 * (energy - together / 2)  # the energy of middle and side
    panned: Floats = gains * np.sqrt(2.0 * energy / max(narrowed, 1e-20)) * narrow  # keeps the power
    return panned


def _side_gains(pan: float) -> Floats:
    angle = (pan + 1.0) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)])


# All stems together --------------------------------------------------------------------------------------------------


def _duck(stems: Sequence[Stem], placed: list[Samples]) -> list[Samples]:
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
