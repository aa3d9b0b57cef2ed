"""Signal checks: measure a finished sound as a sound engineer would, and report faults.

The name of a figure ends in its unit; `MEANINGS` explains it. The thresholds were set on constructed faults, on every
kind of sound of the procedural synthesiser and on field recordings, so that bells, fans, crickets and clocks pass.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..audio import Clip, Samples, gain_to_db
from ..mixing.loudness import integrated_loudness, true_peaks
from .glossary import meanings_of
from .spectra import POWER_FLOOR, Frequencies, Power, band_edges_hz, band_powers, frequencies_hz, power_frames

Likeness = npt.NDArray[np.float64]  # autocorrelation by delay, in frames

MEANINGS = {name: each.meaning for name, each in meanings_of("checks").items()}

SILENCE_DBFS = -60.0  # of a step: below the noise of a quiet room at usual listening levels
STEP_S = 0.05
HIGH_BAND_HZ = 8000.0  # half the sample rate of a 16 kHz model, which can produce nothing above it
FLOOR_DB = -100.0  # the lowest level reported: 16 bits hold 96 dB
MOVING_DB = 3.0  # a frequency is steady when its level has a lower standard deviation; noise has 5.6
LONG_WINDOW = 4096  # samples, 93 ms at 44.1 kHz: resolves the partials of a hum
SHORT_WINDOW, HOP = 1024, 512  # 23 ms: resolves events
REPETITION_BANDS = 20
SHORTEST_LOOP_S = 0.5  # faster repetition is heard as a rhythm or a buzz, not as a loop
LONGEST_LOOP_SHARE = 0.7  # of the duration; a longer loop leaves less than a third to compare
LEAST_MOVEMENT = 0.05  # of the level over time; a perfectly even sound has no audible repetition

CLIPPED_SHARE = 1e-4  # a few dozen samples in 10 s of stereo
QUIET_LUFS = -40.0
OFFSET_SHARE = 0.1
TONE_SHARE = 0.85  # mains hum with some noise has 0.8, a refrigerator 0.9
LOOP = 0.96  # autocorrelation of a pattern heard three times; the strokes of a broom have 0.95, some clocks more
MAYBE_LOOP = 0.8  # autocorrelation of a pattern heard twice: above this the waveforms are compared
COPY = 0.7  # correlation of a copied waveform; two calls of one animal have less than 0.3
CANCELLING = -0.3
MOSTLY_SILENT = 0.9
EDGE_DB = 30.0  # drop of the spectrum within 600 Hz; no natural sound drops that steeply
EDGE_BELOW_HZ = 17_000.0  # most people cannot hear a higher edge


def check(clip: Clip) -> dict[str, Any]:
    """Return the figures of a clip as JSON data, named as in `MEANINGS`; "problems" is a list of sentences.

    A figure that does not exist (the loudness of silence, the stereo image of mono) is None.
    """
    samples = clip.samples
    is_finite = bool(np.isfinite(samples).all())
    if not is_finite:
        clip = Clip(np.nan_to_num(samples, posinf=0.0, neginf=0.0), clip.sample_rate)
    if samples.shape[1] == 0:
        clip = Clip(np.zeros((samples.shape[0], 1), np.float32), clip.sample_rate)
    long = power_frames(clip, LONG_WINDOW, LONG_WINDOW // 2)
    frequency_hz = frequencies_hz(clip, LONG_WINDOW)
    spectrum = long.mean(axis=0)
    edge_hz = _edge_hz(spectrum, frequency_hz)
    repetition, period_s, is_loop = _repetition(clip)
    figures = {
        "loudness_lufs": _rounded(integrated_loudness(clip.samples, clip.sample_rate), 2),
        "true_peak_dbtp": _rounded(gain_to_db(_true_peak(clip.samples)), 2),
        "clipped_share": _rounded(_clipped_share(clip.samples), 6),
        "silent_share": _rounded(_silent_share(clip), 4),
        "dc_share": _rounded(_dc_share(clip.samples), 4),
        "high_band_db": _rounded(_high_band_db(spectrum, frequency_hz), 1),
        "bandwidth_hz": _rounded(edge_hz or _bandwidth_hz(spectrum, frequency_hz), 0),
        "steady_tone_share": _rounded(_steady_tone_share(long, frequency_hz), 3),
        "stereo_correlation": _rounded(_stereo_correlation(clip.samples), 3),
        "repetition": _rounded(repetition, 3),
        "repetition_period_s": _rounded(period_s, 2),
    }
    return figures | {"problems": _problems(figures, edge_hz, is_loop, is_finite)}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits) + 0.0  # turns -0.0 into 0.0


# Levels --------------------------------------------------------------------------------------------------------------


def _true_peak(samples: Samples) -> float:
    """Return the true peak as an amplitude, 0 for silence.

    Only the surroundings of the highest samples are oversampled, which takes a fifth of the time. Between lower samples
    the wave exceeds them by at most 3 dB, as a tone at a quarter of the sample rate does.
    """
    step, margin, most = 64, 16, 1500  # the filter of `true_peaks` reaches 10 samples to each side
    padded = np.pad(samples, ((0, 0), (margin, margin + -samples.shape[1] % step)))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, step + 2 * margin, axis=1)[:, ::step]
    pieces = pieces.reshape(-1, step + 2 * margin)
    highest = np.abs(padded[:, margin:-margin]).reshape(-1, step).max(axis=1)
    if not highest.any():
        return 0.0
    chosen = np.flatnonzero(highest >= 0.7 * highest.max())
    if chosen.size > most:
        chosen = chosen[np.argpartition(highest[chosen], -most)[-most:]]
    return float(true_peaks(pieces[chosen])[margin:-margin].max())


def _clipped_share(samples: Samples) -> float:
    """Return the share of samples in flat tops: three or more in a row at the peak of their channel, with one sign.

    A low tone has flat tops too, but its samples thin out gradually below the peak. Clipping piles them up at the peak.
    """
    clipped = 0
    for channel in samples:
        height = np.abs(channel)
        peak = float(height.max(initial=0.0))
        width = max(1e-4 * peak, 1e-4)  # three 16-bit steps: dither moves a flat top by that much
        near = np.flatnonzero(height >= peak - 10 * width)
        if peak <= 100 * width or near.size < 3:
            continue
        top = near[height[near] >= peak - width]
        if top.size < 0.6 * near.size:  # a sine has 0.32
            continue
        runs = np.split(top, np.flatnonzero((np.diff(top) > 1) | (np.diff(np.sign(channel[top])) != 0)) + 1)
        clipped += sum(run.size for run in runs if run.size >= 3)
    return clipped / max(samples.size, 1)


def _silent_share(clip: Clip) -> float:
    step = max(1, round(STEP_S * clip.sample_rate))
    steps = np.add.reduceat(np.square(clip.samples).mean(axis=0), np.arange(0, clip.samples.shape[1], step)) / step
    return float(np.mean(steps < 10 ** (SILENCE_DBFS / 10)))


def _dc_share(samples: Samples) -> float:
    offset = np.abs(samples.mean(axis=1, dtype=np.float64))
    rms = np.sqrt(np.square(samples).mean(axis=1, dtype=np.float64))
    return float((offset / np.maximum(rms, 1e-9)).max())


def _stereo_correlation(samples: Samples) -> float | None:
    if samples.shape[0] != 2:
        return None
    left, right = samples - samples.mean(axis=1, keepdims=True)
    energy = float(np.vdot(left, left)) * float(np.vdot(right, right))
    return float(np.vdot(left, right)) / np.sqrt(energy) if energy > 0 else None


# Spectrum ------------------------------------------------------------------------------------------------------------


def _high_band_db(spectrum: Power, frequency_hz: Frequencies) -> float | None:
    if frequency_hz[-1] <= HIGH_BAND_HZ:
        return None
    total = float(spectrum.sum())
    share = float(spectrum[frequency_hz >= HIGH_BAND_HZ].sum()) / total if total > POWER_FLOOR else 0.0
    return max(FLOOR_DB, 10 * np.log10(share)) if share > 0 else None


def _levels_db(spectrum: Power, frequency_hz: Frequencies) -> tuple[Power, Frequencies]:
    """Return the levels of bands of 100 Hz, and their middles."""
    edges_hz = np.arange(0.0, frequency_hz[-1], 100.0)
    return 10 * np.log10(band_powers(spectrum[None], frequency_hz, edges_hz)[0] + 1e-16), edges_hz[:-1] + 50.0


def _bandwidth_hz(spectrum: Power, frequency_hz: Frequencies) -> float | None:
    levels_db, middles_hz = _levels_db(spectrum, frequency_hz)
    if levels_db.max() < FLOOR_DB:
        return None
    return float(middles_hz[np.flatnonzero(levels_db >= levels_db.max() - 70.0)[-1]])


def _edge_hz(spectrum: Power, frequency_hz: Frequencies) -> float | None:
    """Return the frequency at which the spectrum is cut off, None when it fades out naturally."""
    levels_db, middles_hz = _levels_db(spectrum, frequency_hz)
    above = np.maximum.accumulate(levels_db[::-1])[::-1]  # the highest level at and above each band
    below = np.lib.stride_tricks.sliding_window_view(levels_db, 6).min(axis=1)  # all six bands carry sound
    places = np.arange(20, levels_db.size - 6)  # from 2 kHz on
    if places.size == 0 or levels_db.max() < FLOOR_DB:
        return None
    falls_db = below[places - 6] - above[places + 6]
    best = int(np.argmax(falls_db))
    edge_hz = float(middles_hz[places[best]])
    return edge_hz if falls_db[best] >= EDGE_DB and edge_hz < EDGE_BELOW_HZ else None


def _steady_tone_share(power: Power, frequency_hz: Frequencies) -> float | None:
    """Return the share of the energy at frequencies of constant level: the partials of a hum, not those of a bell."""
    audible = power[:, frequency_hz >= 30.0]
    total = audible.sum(axis=1)
    sounding = audible[total > max(1e-4 * float(total.max()), 1e-9)]
    if len(sounding) < 8:  # less than half a second: too short to call anything steady
        return None
    deviation_db = (10 * np.log10(sounding + POWER_FLOOR)).std(axis=0)
    energy = sounding.sum(axis=0)
    return float(energy[deviation_db < MOVING_DB].sum() / energy.sum())


# Repetition ----------------------------------------------------------------------------------------------------------


def _repetition(clip: Clip) -> tuple[float | None, float | None, bool]:
    """Return the highest autocorrelation of the sound over time (0..1), its delay in seconds, and whether it is a loop.

    A loop is the same pattern three times, or a copy of the waveform; the same call twice is none.

    The autocorrelation (by the Wiener-Khinchin theorem) is that of band powers over time, compressed as loudness is:
    Stevens' exponent is 0.3 of the intensity, here 0.25.
    """
    power = power_frames(clip, SHORT_WINDOW, HOP)
    frames, rate = len(power), clip.sample_rate / HOP
    first, last = round(SHORTEST_LOOP_S * rate), int(LONGEST_LOOP_SHARE * frames)
    if last < 2 * first:
        return None, None, False
    edges_hz = band_edges_hz(60.0, min(16_000.0, clip.sample_rate / 2), REPETITION_BANDS)
    course = np.sqrt(np.sqrt(band_powers(power, frequencies_hz(clip, SHORT_WINDOW), edges_hz) + POWER_FLOOR))
    course[1:-1] = (course[:-2] + 2 * course[1:-1] + course[2:]) / 4  # a loop need not be a whole number of frames
    mean = course.mean(axis=0)
    course = course - mean
    if np.sqrt(np.square(course).mean()) < LEAST_MOVEMENT * mean.mean():
        return 0.0, None, False
    likeness = _autocorrelation(course)[: last + 1]
    inner = likeness[first:last]
    peaks = first + np.flatnonzero((inner >= likeness[first - 1 : last - 1]) & (inner >= likeness[first + 1 :]))
    if peaks.size == 0 or likeness[peaks].max() <= 0:
        return 0.0, None, False
    best = int(peaks[np.argmax(likeness[peaks])])
    period = _first_turn(likeness, best, first)
    third = float(likeness[2 * period - 2 : 2 * period + 3].max(initial=0.0))
    is_regular = likeness[best] > LOOP and third > LOOP - 0.05
    is_loop = is_regular or (likeness[best] > MAYBE_LOOP and _is_copy(clip, best * HOP))
    return float(likeness[best]), period / rate, is_loop


def _first_turn(likeness: Likeness, delay: int, first: int) -> int:
    """Return the period of a loop: the shortest delay that `delay` is a multiple of and that correlates about as well.

    A loop correlates after two turns as after one, and slightly better where only two turns are a whole number of
    frames.
    """
    for turns in range(delay // first, 1, -1):
        place = round(delay / turns)
        near = likeness[place - 1 : place + 2]
        if near.max() > likeness[delay] - 0.15:
            return place - 1 + int(np.argmax(near))
    return delay


def _is_copy(clip: Clip, delay: int) -> bool:
    """Return whether the waveform itself repeats after about `delay` samples."""
    from scipy.signal import correlate

    mono = clip.samples.mean(axis=0)
    later = mono[delay - HOP :]
    earlier = mono[: later.size - 2 * HOP]
    found = np.abs(correlate(later, earlier, mode="valid")).max()
    energy = float(np.vdot(later[HOP:-HOP], later[HOP:-HOP])) * float(np.vdot(earlier, earlier))
    return bool(found > COPY * np.sqrt(energy))


def _autocorrelation(course: Power) -> Likeness:
    """Return the normalised autocorrelation of band levels, shape (frames, bands), at each delay in frames."""
    from scipy import fft

    frames = len(course)
    size = fft.next_fast_len(2 * frames, real=True)
    spectrum = fft.rfft(course, size, axis=0)
    products = fft.irfft((np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=1), size)[:frames]
    energy = np.concatenate([[0.0], np.cumsum(np.square(course).sum(axis=1, dtype=np.float64))])
    delay = np.arange(frames)
    overlapping = energy[frames - delay] * (energy[frames] - energy[delay])
    likeness: Likeness = products / np.sqrt(np.maximum(overlapping, 1e-30))
    return likeness


# In words ------------------------------------------------------------------------------------------------------------


def _problems(figures: dict[str, Any], edge_hz: float | None, is_loop: bool, is_finite: bool) -> list[str]:
    found = []
    if not is_finite:
        found.append("The sound contains invalid values (not finite numbers); players turn them into clicks.")
    if figures["silent_share"] == 1.0:
        return [*found, "The sound is silent."]
    loudness, peak = figures["loudness_lufs"], figures["true_peak_dbtp"]
    tests = [
        (loudness is not None and loudness < QUIET_LUFS, f"The sound is very quiet: {loudness} LUFS."),
        (peak is not None and peak > 0, f"The peaks exceed full scale by {peak} dB: players will distort them."),
        (
            figures["clipped_share"] > CLIPPED_SHARE,
            f"The sound is clipped: {100 * figures['clipped_share']:.2g} % of its samples are cut off at the maximum.",
        ),
        (
            figures["dc_share"] > OFFSET_SHARE,
            "The waveform has a constant offset (DC), which can cause clicks at the start and the end.",
        ),
        (
            figures["silent_share"] > MOSTLY_SILENT,
            f"The sound is silent for {100 * figures['silent_share']:.0f} % of the time.",
        ),
        (
            edge_hz is not None,
            f"There is almost nothing above {(edge_hz or 0) / 1000:.1f} kHz, as if cut off: it may sound muffled.",
        ),
        (
            (figures["steady_tone_share"] or 0) > TONE_SHARE,
            "Almost the whole sound is one steady hum. Unless a hum is intended, the sound model has failed: try "
            "another seed.",
        ),
        (
            (figures["stereo_correlation"] or 0) < CANCELLING,
            "Left and right cancel each other out: on a single loudspeaker much of the sound disappears.",
        ),
        (
            is_loop,
            f"The sound repeats every {figures['repetition_period_s']} s. That suits a clock or a machine; otherwise "
            "it is heard as a loop.",
        ),
    ]
    return found + [sentence for is_so, sentence in tests if is_so]
