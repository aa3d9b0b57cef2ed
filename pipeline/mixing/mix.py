"""Stems -> one stereo clip: each source placed where the picture shows it, in one acoustic space.

The placed stems add up to the mix, sample by sample: the bus, its limiter included, is one gain for all of them.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..audio import SAMPLE_RATE_HZ, Clip, db_to_gain, fade_ends, fit_length, gain_to_db, resample
from ..errors import SoundscapeError
from ..kinds.catalogue import kind_of
from ..soundscape import Soundscape, Source
from ..synthesize import Stem
from .loudness import MAX_LIMITING_DB, integrated_loudness, limiter_gain, true_peaks
from .space import impulse_response, transmission, wet_share

TARGET_LUFS = -20.0
CEILING_DBTP = -1.0
CEILING_MARGIN_DB = 0.3  # what a meter with finer oversampling than ours may find, and dither adds
STEM_LUFS = -26.0  # of a source of level 0 at its usual distance, before the bus
DEFAULT_DISTANCE_M = 5.0  # usual distance of a source whose kind is not known, and that of the document
MAX_NEARNESS_DB = 20.0  # above the level at the usual distance: thunder at arm's length is still only loud
MAX_RANGE_DB = 12.0  # from the loudest source to the softest, before gains: nature has more than a loudspeaker can tell
SILENCE_DB = -80.0  # RMS below which a stem counts as silent
DC_SHARE = 0.1  # of the RMS, above which an offset is worth a word
MAX_DUCKING_DB = 3.0  # beds give way to events by no more
DUCKING_STEP_S = 0.02
DUCKING_SMOOTHING_S = 0.25


@dataclass(frozen=True)
class Mixdown:
    """The mix, the placed stems that add up to it, what was measured and what was mended."""

    clip: Clip
    stems: tuple[Stem, ...]
    loudness_lufs: float
    true_peak_dbtp: float
    warnings: tuple[str, ...]


def mix(soundscape: Soundscape, stems: tuple[Stem, ...]) -> Clip:
    """Return the stems mixed: stereo, 44,100 Hz, -20 LUFS integrated, true peak at most -1 dBTP."""
    return mixdown(soundscape, stems).clip


def mixdown(soundscape: Soundscape, stems: tuple[Stem, ...]) -> Mixdown:
    """Return the mix with its placed stems and measurements.

    Stems may be mono or stereo, of any rate; the longest decides the length. Muted ones are left out. Raises
    SoundscapeError when nothing can be heard.
    """
    warnings: list[str] = []
    clean = [_clean(stem, warnings) for stem in stems if not stem.source.mute]
    heard = [stem for stem in clean if stem is not None]
    if not heard:
        why = "\n".join(warnings) or "Every source is muted. Unmute at least one."
        raise SoundscapeError(f"There is nothing to hear. {why}")
    length = max(stem.clip.samples.shape[1] for stem in heard)
    levels_db = _levels_db(soundscape, heard)
    with ThreadPoolExecutor(2) as pool:  # the transforms leave Python's lock alone
        placed = list(pool.map(lambda stem, level: _place(stem, level, soundscape.space, length), heard, levels_db))
    placed = _duck(heard, placed)
    gain, loudness_lufs, true_peak_dbtp = _bus_gain(sum(placed), warnings)
    sources = [stem.source for stem in heard]
    finished = [Stem(source, Clip(samples * gain)) for source, samples in zip(sources, placed)]
    total = Clip(sum(stem.clip.samples for stem in finished))
    return Mixdown(total, tuple(finished), loudness_lufs, true_peak_dbtp, tuple(warnings))


# One stem ------------------------------------------------------------------------------------------------------------


def _clean(stem: Stem, warnings: list[str]) -> Stem | None:
    """Return the stem at the mix's rate without defects, None when nothing is left; say what was found."""
    name, samples = stem.source.name, stem.clip.samples
    warnings += [f"{name}: {note}" for note in stem.clip.notes]
    if not np.isfinite(samples).all():
        warnings.append(f"{name}: the sound held values that are not numbers; they were silenced.")
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    if samples.shape[0] > 2:
        samples = samples.mean(axis=0, keepdims=True)
    offset = samples.mean(axis=1, keepdims=True)
    rms = float(np.sqrt(np.mean(np.square(samples - offset), dtype=np.float64)))
    if gain_to_db(rms) < SILENCE_DB:
        warnings.append(f"{name}: the sound is silent and was left out.")
        return None
    if np.abs(offset).max() > DC_SHARE * rms:
        warnings.append(f"{name}: a constant offset (DC) was removed.")
    clean = Clip(np.ascontiguousarray(samples - offset, dtype=np.float32), stem.clip.sample_rate)
    return Stem(stem.source, resample(clean, SAMPLE_RATE_HZ))


def _place(stem: Stem, level_db: float, space: str, length: int) -> np.ndarray:
    """Return the stem in stereo, shape (2, length), placed in the space at its level, side and distance."""
    from scipy import fft

    source, samples = stem.source, fit_length(stem.clip.samples, length)
    samples = samples * db_to_gain(level_db + STEM_LUFS - _loudness(stem.clip))
    wet = wet_share(space, source.distance_m)
    size = fft.next_fast_len(length + (impulse_response(space).shape[1] if wet else 0), real=True)
    spectrum = fft.rfft(samples, size, axis=1)
    farther_m = max(source.distance_m - DEFAULT_DISTANCE_M, 0.0)  # a stem sounds as from a few metres already
    spectrum *= transmission(space, farther_m, fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ))
    direct = _pan(fft.irfft(spectrum, size, axis=1)[:, :length], source)
    if not wet:
        return fade_ends(direct, SAMPLE_RATE_HZ)
    reflected = fft.irfft(_middle(spectrum) * _response_spectrum(space, size), size, axis=1)[:, :length]
    both = np.sqrt(1 - wet) * direct + np.sqrt(wet) * reflected
    return fade_ends(both.astype(np.float32), SAMPLE_RATE_HZ)


def _middle(spectrum: np.ndarray) -> np.ndarray:
    """Return one channel of half the energy of all: it excites both sides of the space, each with its half."""
    middle = spectrum.sum(axis=0)
    energy, together = (float(np.square(np.abs(each)).sum()) for each in (spectrum, middle))
    # Channels that cancel each other leave little, which is not to be blown up.
    return middle * np.float32(np.sqrt(0.5 * energy / max(together, 0.1 * energy)))


@lru_cache(maxsize=4)
def _response_spectrum(space: str, size: int) -> np.ndarray:
    from scipy import fft

    return fft.rfft(impulse_response(space), size, axis=1)


def _loudness(clip: Clip) -> float:
    loudness = integrated_loudness(clip.samples, clip.sample_rate)
    return loudness if np.isfinite(loudness) else gain_to_db(float(np.sqrt(np.mean(np.square(clip.samples)))))


def _levels_db(soundscape: Soundscape, stems: list[Stem]) -> list[float]:
    """The natural levels, brought into a range in which each is heard beside the others, and what the person set.

    Muted sources count too, so that muting one does not shift the balance of the rest.
    """
    natural = [_natural_level_db(source) for source in soundscape.sources]
    loudest, span = max(natural), max(natural) - min(natural)
    share = min(1.0, MAX_RANGE_DB / span) if span else 1.0
    return [loudest - share * (loudest - _natural_level_db(stem.source)) + stem.source.gain_db for stem in stems]


def _natural_level_db(source: Source) -> float:
    """The level of the kind at its usual distance, and 6 dB less for each doubling of it."""
    kind = kind_of(source)
    level_db, usual_m = (kind.level_db, kind.distance_m) if kind else (0.0, DEFAULT_DISTANCE_M)
    return level_db + min(gain_to_db(usual_m / source.distance_m), MAX_NEARNESS_DB)


def pan_of(source: Source) -> float:
    """Return where a source is heard, -1 (left) to 1 (right): as set, else the centre of its box, else the middle."""
    if source.pan is not None:
        return source.pan
    return source.box[0] + source.box[2] - 1.0 if source.box else 0.0


def _pan(samples: np.ndarray, source: Source) -> np.ndarray:
    """Place samples, shape (1 or 2, samples), by the equal-power law; a stereo image narrows towards a side."""
    centre = pan_of(source)
    if samples.shape[0] == 1:
        return (_side_gains(centre)[:, None] * samples).astype(np.float32)
    width = (source.box[2] - source.box[0] if source.box else 1.0) * (1.0 - abs(centre))
    middle, side = samples.mean(axis=0), (samples[0] - samples[1]) / 2
    narrowed = np.stack((middle + width * side, middle - width * side))
    power = np.square(samples).sum() / max(np.square(narrowed).sum(), 1e-20)  # is to stay what it was
    return (_side_gains(centre)[:, None] * np.sqrt(2.0 * power) * narrowed).astype(np.float32)


def _side_gains(pan: float) -> np.ndarray:
    angle = (pan + 1.0) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)])


# All stems together --------------------------------------------------------------------------------------------------


def _duck(stems: list[Stem], placed: list[np.ndarray]) -> list[np.ndarray]:
    """Let beds give way, by at most 3 dB and slowly, while an event of about their strength sounds."""
    is_bed = [stem.source.role == "bed" for stem in stems]
    if all(is_bed) or not any(is_bed):
        return placed
    beds = _envelope(sum(samples for samples, bed in zip(placed, is_bed) if bed))
    events = _envelope(sum(samples for samples, bed in zip(placed, is_bed) if not bed))
    share = events / np.maximum(events + beds, 1e-12)
    gain = _to_samples(_smooth(10 ** (-MAX_DUCKING_DB * share / 20)), placed[0].shape[1])
    return [samples * gain if bed else samples for samples, bed in zip(placed, is_bed)]


def _envelope(samples: np.ndarray) -> np.ndarray:
    """Mean square of each step of 20 ms."""
    step = round(DUCKING_STEP_S * SAMPLE_RATE_HZ)
    padded = np.pad(samples, ((0, 0), (0, -samples.shape[1] % step)))
    return np.square(padded).mean(axis=0).reshape(-1, step).mean(axis=1)


def _smooth(steps: np.ndarray) -> np.ndarray:
    reach = round(DUCKING_SMOOTHING_S / DUCKING_STEP_S)
    window = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(np.pad(steps, reach, mode="edge"), window / window.sum(), mode="valid")


def _to_samples(steps: np.ndarray, length: int) -> np.ndarray:
    centres = (np.arange(steps.size) + 0.5) * DUCKING_STEP_S * SAMPLE_RATE_HZ
    return np.interp(np.arange(length), centres, steps).astype(np.float32)


def _bus_gain(total: np.ndarray, warnings: list[str]) -> tuple[np.ndarray, float, float]:
    """Return the gain of the bus, shape (samples,), and the loudness (LUFS) and true peak (dBTP) it leads to."""
    peaks = true_peaks(total)
    ceiling = db_to_gain(CEILING_DBTP - CEILING_MARGIN_DB)
    most = db_to_gain(MAX_LIMITING_DB) * ceiling / max(float(peaks.max()), 1e-9)
    # Measured at full scale: far or faint sources alone may lie below the gate of the measurement, at -70 LUFS.
    full = 1.0 / max(float(peaks.max()), 1e-9)
    loudness_lufs = integrated_loudness(total * np.float32(full), SAMPLE_RATE_HZ) - gain_to_db(full)
    level = min(db_to_gain(TARGET_LUFS - loudness_lufs), most)
    gain, mixed = np.full(total.shape[1], level, np.float32), total * np.float32(level)
    loudness_lufs += gain_to_db(level)
    for _ in range(8):  # the limiter takes some loudness, which is given back: mostly in one or two turns
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
    if peak > ceiling:  # a gain that moves between two samples can lift the curve between them a little
        gain, peak = gain * np.float32(ceiling / peak), ceiling
    if loudness_lufs < TARGET_LUFS - 1.0:
        warnings.append(f"The mix is {loudness_lufs:.1f} LUFS: its few loud moments leave no room to make it louder.")
    return gain, loudness_lufs, gain_to_db(peak)
