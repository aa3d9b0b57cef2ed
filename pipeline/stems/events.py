"""The events of a stem (a bark, a drop, a chime): when they begin, and how to make them begin at other times.

An event begins where the level rises after a pause. Its onset is the moment at which it first reaches a tenth of
the amplitude of its peak. The same definition finds and places events, so a placed event is found where it was put.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio import Clip, Floats, Samples

HOP_S = 0.002  # resolution of the envelope
ONSET_SHARE = 0.1  # of the peak of an event: 20 dB below it
SILENT_SHARE = 0.01  # of the peak of the clip: 40 dB below it, the level between events
PAUSE_S = 0.12  # at least this long below the level of an onset, or the event goes on
LEAD_S, RELEASE_S = 0.01, 0.03  # kept before the onset, and faded at the end
GIVE_WAY_S, RING_ON = 0.08, 0.15  # what an event that is overtaken falls to, and how fast


@dataclass(frozen=True)
class Event:
    """A part of a clip, in samples: `start` up to `end`, with the onset between them."""

    start: int
    onset: int
    end: int


def events_of(clip: Clip) -> list[Event]:
    """Return the events of a clip, in the order of time. A steady sound is one event; silence has none."""
    hop = max(1, round(HOP_S * clip.sample_rate))
    level = _envelope(clip.samples, hop)
    if not level.max(initial=0.0):
        return []
    starts = _starts(level, round(PAUSE_S * clip.sample_rate / hop))
    found = []
    for before, start, end in zip([0, *starts], starts, [*starts[1:], len(level)]):
        part = level[start:end]
        rising = level[before:start] < ONSET_SHARE * part.max()  # a soft event begins below the level of its discovery
        onset = before + int(np.flatnonzero(rising)[-1]) + 1 if rising.any() else start
        heard = np.flatnonzero(part >= SILENT_SHARE * level.max())
        last = min(start + int(heard[-1]) + 1 + round(RELEASE_S * clip.sample_rate / hop), end)
        first = max(0, onset * hop - round(LEAD_S * clip.sample_rate))
        found.append(Event(first, onset * hop, min(last * hop, clip.samples.shape[1])))
    return found


def onsets_of(clip: Clip) -> list[float]:
    """Return the times in seconds at which the events of a clip begin."""
    return [event.onset / clip.sample_rate for event in events_of(clip)]


def placed_at(clip: Clip, onsets_s: Sequence[float]) -> Samples:
    """Return samples of the same shape in which the events of the clip begin at these times.

    The events are used in their order, again from the first when there are more times. An event that goes on when the
    next one begins gives way to it. Times after the end of the clip are not heard.
    """
    found = events_of(clip)
    placed = np.zeros_like(clip.samples)
    length = placed.shape[1]
    for number, onset_s in enumerate(onsets_s if found else ()):
        event = found[number % len(found)]
        start = round(onset_s * clip.sample_rate) - (event.onset - event.start)
        part = _faded(clip.samples[:, event.start : event.end], event.onset - event.start, clip.sample_rate)
        first, last = max(0, start), min(length, start + part.shape[1])
        if first < last:
            _give_way(placed[:, first:], clip.sample_rate)
            placed[:, first:last] += part[:, first - start : last - start]
    peak = float(np.abs(placed).max(initial=0.0))
    limit = float(np.abs(clip.samples).max(initial=0.0))
    return placed * np.float32(limit / peak) if peak > limit else placed


def _give_way(rest: Samples, sample_rate: int) -> None:
    """Lower what still sounds of earlier events: a source does one thing at a time, but a bell rings on."""
    fall = min(round(GIVE_WAY_S * sample_rate), rest.shape[1])
    rest[:, :fall] *= np.linspace(1.0, RING_ON, fall, dtype=np.float32)
    rest[:, fall:] *= np.float32(RING_ON)


def _envelope(samples: Samples, hop: int) -> Floats:
    """Return the peak of all channels in each hop."""
    level = np.abs(samples).max(axis=0)
    padded = np.pad(level, (0, -len(level) % hop))
    envelope: Floats = padded.reshape(-1, hop).max(axis=1)
    return envelope


def _starts(level: Floats, pause: int) -> list[int]:
    """Return where the level rises after a pause, in hops. The first is where anything is heard."""
    threshold = _threshold(level)
    loud = np.flatnonzero(level >= threshold)
    gaps = np.diff(loud) > pause
    return [int(loud[0]), *(int(place) for place in loud[1:][gaps])]


def _threshold(level: Floats) -> float:
    """Return the level of an onset: a tenth of the peak, but well above the bed of noise under the events."""
    floor = float(np.percentile(level, 20))
    return max(ONSET_SHARE * float(level.max()), min(3.0 * floor, 0.5 * float(level.max())))


def _faded(part: Samples, lead: int, sample_rate: int) -> Samples:
    """Return the part with its lead and its end faded, so that it begins and ends without a click."""
    faded = part.copy()
    rise, fall = min(lead, part.shape[1]), min(round(RELEASE_S * sample_rate), part.shape[1])
    if rise:
        faded[:, :rise] *= np.linspace(0.0, 1.0, rise, endpoint=False, dtype=np.float32)
    if fall:
        faded[:, -fall:] *= np.linspace(1.0, 0.0, fall, dtype=np.float32)
    return faded
