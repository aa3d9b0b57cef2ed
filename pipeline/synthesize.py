"""Soundscape -> stems: one for each source that is not muted, seeded, and remembered.

Seeds and cache know a source by its words alone. So moving a source, its level or its neighbours costs nothing, and
editing the words of one leaves the sound of the others as it was, bit for bit.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from . import backends
from .audio import Clip
from .backends import OnStep, SoundOptions
from .errors import SoundscapeError
from .soundscape import Soundscape, Source

MIN_DURATION_S = 2.0  # a shorter piece is no place to listen to
CACHE_BYTES = 256 * 1024 * 1024  # 14 stems of 60 s, or 72 of 10 s, in stereo


@dataclass(frozen=True)
class Stem:
    """The sound of one source, before it is placed in the picture."""

    source: Source
    clip: Clip


def synthesize(
    soundscape: Soundscape,
    backend: str = "",
    *,
    duration_s: float = 10.0,
    seed: int = 0,
    options: SoundOptions | None = None,
    on_step: OnStep | None = None,
) -> tuple[Stem, ...]:
    """Return one stem of `duration_s` seconds for each source that is not muted, in their order.

    `backend` is a key of `backends.AUDIO`, empty for the default. Raises SoundscapeError for a duration that the
    backend cannot make, and whatever `on_step` raises.
    """
    name, audio = backends.load_audio(backend)
    options = options or SoundOptions()
    check_duration(name, duration_s, audio.max_duration_s)
    heard = [index for index, source in enumerate(soundscape.sources) if not source.mute]
    sources = tuple(soundscape.sources[index] for index in heard)
    if not sources:
        raise SoundscapeError("Every source is muted. Unmute at least one.")
    all_seeds = seeds_of(soundscape, seed)
    seeds = tuple(all_seeds[index] for index in heard)
    requests = [audio.request(soundscape, source, options.only(index)) for index, source in zip(heard, sources)]
    keys = [_key(name, request, duration_s, each) for request, each in zip(requests, seeds)]

    clips = {key: clip for key in keys if (clip := _cache.get(key)) is not None}
    new = [place for place, key in enumerate(keys) if key not in clips]
    if new:
        made = audio.synthesize(
            soundscape,
            tuple(sources[place] for place in new),
            duration_s=duration_s,
            seeds=tuple(seeds[place] for place in new),
            on_step=on_step,
            options=options.only(*(heard[place] for place in new)),
        )
        for place, clip in zip(new, made, strict=True):
            clips[keys[place]] = clip
            _cache.put(keys[place], clip)
    return tuple(Stem(source, clips[key]) for source, key in zip(sources, keys))


def seeds_of(soundscape: Soundscape, seed: int) -> tuple[int, ...]:
    """Return the seed of each source: from the run's seed, its words, and its place among sources of equal words."""
    count: dict[str, int] = {}
    seeds = []
    for source in soundscape.sources:
        words = json.dumps([source.name, source.material, source.action, source.timbre, source.role])
        count[words] = count.get(words, 0) + 1
        digest = hashlib.blake2b(f"{seed}/{words}/{count[words]}".encode(), digest_size=8).digest()
        seeds.append(int.from_bytes(digest, "big") >> 1)  # 63 bits: what a torch generator takes
    return tuple(seeds)


def check_duration(name: str, duration_s: float, longest_s: float) -> None:
    """Raise SoundscapeError when the backend of this name makes no sound of this length."""
    if not MIN_DURATION_S <= duration_s <= longest_s:  # false for NaN too
        limits = f"between {MIN_DURATION_S:g} and {longest_s:g} seconds"
        raise SoundscapeError(f"The duration must be {limits} with {name}, not {duration_s:g}.")


def _key(name: str, request: dict[str, Any], duration_s: float, seed: int) -> str:
    return json.dumps([name, request, duration_s, seed], sort_keys=True)


class _StemCache:
    """The clips used last, up to a number of bytes; safe to share between threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> Clip | None:
        with self._lock:
            if key in self._clips:
                self._clips.move_to_end(key)
            return self._clips.get(key)

    def put(self, key: str, clip: Clip) -> None:
        clip.samples.setflags(write=False)  # it is handed to every later job
        with self._lock:
            if key in self._clips:
                return
            self._clips[key] = clip
            self._bytes += clip.samples.nbytes
            while self._bytes > self._limit_bytes:
                self._bytes -= self._clips.popitem(last=False)[1].samples.nbytes

    def clear(self) -> None:
        with self._lock:
            self._clips.clear()
            self._bytes = 0


_cache = _StemCache(CACHE_BYTES)
forget_stems = _cache.clear
