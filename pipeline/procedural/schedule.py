"""When a source sounds: its role turned into times.

A bed is continuous. A recurring source returns after irregular pauses. A one-shot happens once, or twice in a long
recording. Rhythmic sources (steps, hooves, strokes of a saw) keep their rhythm within a bout.
"""

import numpy as np

from ..audio import Floats
from . import signal
from .voice import Voice

Span = tuple[float, float]  # start and end in seconds

_LATEST_START_S = 4.0
_PATIENCE = 1.5  # factor on the pauses of recurring sources
_TWICE_FROM_S = 12.0  # shortest recording in which a one-shot may happen twice


def pace(voice: Voice) -> float:
    """Return the factor on rates for the quality `speed`: 0.5 to 2."""
    return float(2.0**voice.speed)


def bouts(voice: Voice, bout_s: Span = (2.0, 4.0), pause_s: Span = (1.5, 4.0)) -> list[Span]:
    """Return the spans in which the source is active: one for a bed, several if recurring, one or two for a one-shot.

    `bout_s` and `pause_s` hold the shortest and the longest bout and pause.
    """
    duration = voice.duration_s
    if voice.role == "bed":
        return [(0.0, duration)]
    if voice.role == "one-shot":
        return [(start, min(start + float(voice.rng.uniform(*bout_s)), duration)) for start in _shots(voice, bout_s[1])]
    # The sources of a picture must not all start together with the recording.
    spans, start = [], voice.rng.uniform(0.0, min(_LATEST_START_S, 0.2 * duration))
    while start < duration - 0.05:
        end = start + voice.rng.uniform(*bout_s)
        spans.append((start, min(end, duration)))
        # Density scales the pauses: 0.4 times as long when dense, 2.5 times when sparse.
        start = end + _PATIENCE * voice.rng.uniform(*pause_s) * 2.5**-voice.density
    return spans


def _shots(voice: Voice, length_s: float) -> list[float]:
    """Return the start of the one-shot, and of its repetition in a long recording."""
    duration = voice.duration_s
    room = max(duration - length_s, 0.0)
    first = voice.rng.uniform(0.05, 0.5) * min(room, 4.0) + min(0.1, 0.1 * duration)
    if duration < _TWICE_FROM_S or voice.rng.random() < 0.4:
        return [first]
    return [first, first + length_s + voice.rng.uniform(0.5, 0.95) * max(duration - first - 2 * length_s, 0.0)]


def rhythm(voice: Voice, span: Span, interval_s: float, jitter: float = 0.04) -> Floats:
    """Return regular times in a span, the first at its start; none when the span ends before it starts.

    `jitter` is the relative deviation of each interval. A higher `speed` shortens the intervals.
    """
    start, end = span
    interval = interval_s / pace(voice)
    count = max(int((end - start) / interval), 0) + 2
    intervals = interval * (1.0 + jitter * voice.rng.standard_normal(count))
    times: Floats = start + np.cumsum(intervals) - intervals[0]
    return times[(times >= start - 1e-9) & (times < end)]


def events(voice: Voice, interval_s: float, *, length_s: float = 0.5, evenness: float = 3.0) -> Floats:
    """Return the times of events that last about `length_s`; `interval_s` is their mean interval when recurring.

    In a bed they are closer and more even; a one-shot has one or two. Intervals are gamma distributed: an `evenness`
    of 1 is a Poisson process, 10 is almost a beat. `density` and `speed` shorten the interval.
    """
    if voice.role == "one-shot":
        return np.array(_shots(voice, length_s))
    mean = interval_s * 2.0 ** -(voice.density + 0.5 * voice.speed)
    if voice.role == "bed":
        mean, evenness = mean * 0.7, evenness * 1.5
    mean = max(mean, 0.05)
    count = int(voice.duration_s / mean * 1.5) + 8
    gaps = voice.rng.gamma(evenness, mean / evenness, count)
    gaps[0] = voice.rng.uniform(0.05, 0.6) * min(mean, voice.duration_s)
    if voice.role == "recurring":
        gaps[0] += voice.rng.uniform(0.0, min(_LATEST_START_S, 0.15 * voice.duration_s))
    times = np.cumsum(gaps)
    inside = times[times < max(voice.duration_s - 0.3 * length_s, 0.1)]
    return inside if len(inside) else np.array([0.1 * voice.duration_s])


def presence(voice: Voice) -> Floats:
    """Return the level of a continuous texture over time, by its role: steady, intermittent, or a single swell."""
    if voice.role == "bed":
        return np.ones(voice.length, np.float32)
    spans = bouts(voice, (2.0, 5.5), (1.5, 5.0))
    level = np.zeros(voice.length, np.float32)
    for start, end in spans:
        size = max(signal.seconds(end - start), 2)
        rise = 0.5 - 0.5 * np.cos(np.pi * np.minimum(np.linspace(0, 4, size), 1.0))
        fall = 0.5 - 0.5 * np.cos(np.pi * np.minimum(np.linspace(2.5, 0, size), 1.0))
        signal.place(level, (rise * fall).astype(np.float32), start)
    floor = 0.05 if voice.role == "recurring" else 0.0
    return floor + (1.0 - floor) * np.minimum(level, 1.0)
