"""Soundscape -> stems: one per source that is not muted, seeded and cached.

Seeds and cache keys depend on the words, the twin number and the take of a source alone. So changing its position, its
level, its onsets or other sources runs no model, and editing the words of one source leaves the sound of all others
bit-identical.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

from . import backends
from .audio import Clip
from .backends import OnStep, SoundOptions
from .backends.revision import revision_of
from .errors import SoundscapeError
from .soundscape import Soundscape, Source
from .stems.cache import DiskCache, MemoryCache, disk_cache
from .stems.events import placed_at
from .versions import versions

CODE = ("audio.py", "backends/audio")  # makes clips of what a model returns
MIN_DURATION_S = 2.0  # less is too short to recognise a place
MIN_REDO_S, MAX_REDO_S = 0.1, 60.0  # of a span that is made again


@dataclass(frozen=True)
class Stem:
    """The sound of one source, and where it comes from: "made" now by the model, "kept" from memory or disk, or "placed
    anew": kept, with its events at other times.
    """

    source: Source
    clip: Clip
    origin: str = "made"


def synthesize(
    soundscape: Soundscape,
    backend: str = "",
    *,
    duration_s: float = 10.0,
    seed: int = 0,
    options: SoundOptions | None = None,
    on_step: OnStep | None = None,
    writer: Executor | None = None,
) -> tuple[Stem, ...]:
    """Return one stem of `duration_s` seconds per source that is not muted, in the order of the sources.

    `backend` is a key of `backends.AUDIO`; empty means the default. Raises SoundscapeError if the backend cannot run
    here or cannot make this duration or if every source is muted, and any exception that `on_step` raises. New stems
    are kept on disk before this returns, or by the `writer` in the background.
    """
    (stems,) = synthesize_batch(
        [soundscape], backend, duration_s=duration_s, seeds=[seed], options=options, on_step=on_step, writer=writer
    )
    return stems


def synthesize_batch(
    soundscapes: Sequence[Soundscape],
    backend: str = "",
    *,
    duration_s: float = 10.0,
    seeds: Sequence[int],
    options: SoundOptions | None = None,
    on_step: OnStep | None = None,
    writer: Executor | None = None,
) -> list[tuple[Stem, ...]]:
    """Return the stems of each soundscape, in one call where the backend supports it. Each sounds as it would alone.

    `seeds` holds one seed per soundscape. Raises what `synthesize` raises; one failure fails the whole batch.
    """
    name, audio = backends.load_audio(backend)
    options = options or SoundOptions()
    check_duration(name, duration_s, audio.max_duration_s)
    for soundscape in soundscapes if options.redo else ():
        check_redo(name, audio, options, duration_s, len(soundscape.sources))
    wanted = [
        _wanted(name, audio, soundscape, duration_s, seed, options)
        for soundscape, seed in zip(soundscapes, seeds, strict=True)
    ]
    disk = disk_cache()
    clips = {each.key: clip for group in wanted for each in group if (clip := _kept(each.key, disk)) is not None}
    kept = frozenset(clips)
    new = [[each for each in group if each.key not in clips] for group in wanted]
    for key, clip in _made(audio, soundscapes, new, duration_s, options, on_step):
        clips[key] = clip
        if not np.isfinite(clip.samples).all():  # the mix repairs it and warns; the next job makes it again
            continue
        _memory.put(key, clip)
        if disk and writer:
            writer.submit(disk.put, key, clip)
        elif disk:
            disk.put(key, clip)
    return [tuple(_stem(each, clips[each.key], each.key in kept) for each in group) for group in wanted]


def _kept(key: str, disk: DiskCache | None) -> Clip | None:
    clip = _memory.get(key)
    if clip is None and disk:
        clip = disk.get(key)
        if clip is not None:
            _memory.put(key, clip)
    return clip


def _stem(wanted: "_Wanted", clip: Clip, is_kept: bool) -> Stem:
    """Return the stem with its events at the times that the document gives, if it does."""
    source = wanted.source
    if source.onsets_s is None:
        return Stem(source, clip, "kept" if is_kept else "made")
    if source.role == "bed":
        note = "Its onsets are not used, because a bed sounds all the time."
        return Stem(source, replace(clip, notes=(*clip.notes, note)), "kept" if is_kept else "made")
    moved = replace(clip, samples=placed_at(clip, source.onsets_s))
    return Stem(source, moved, "placed anew" if is_kept else "made")


@dataclass(frozen=True)
class _Wanted:
    """A requested stem and its cache key."""

    source: Source
    place: int  # index of the source in its soundscape
    request: dict[str, Any]
    seed: int
    key: str


def _wanted(
    name: str,
    audio: backends.AudioBackend,
    soundscape: Soundscape,
    duration_s: float,
    seed: int,
    options: SoundOptions,
) -> list[_Wanted]:
    heard = [(place, source) for place, source in enumerate(soundscape.sources) if not source.mute]
    if not heard:
        raise SoundscapeError("Every source is muted. Unmute at least one.")
    seeds, made_by = seeds_of(soundscape, seed), _made_by(name)
    wanted = []
    for place, source in heard:
        request = audio.request(soundscape, source, options.only(place))
        key = json.dumps([made_by, request, duration_s, seeds[place]], sort_keys=True)
        wanted.append(_Wanted(source, place, request, seeds[place], key))
    return wanted


def _made_by(name: str) -> list[Any]:
    """Return what decides a sound besides its request. Stems on disk outlive changes of code, libraries and device."""
    card = backends.card(name)
    return [name, card.revision, card.device, revision_of(*CODE), versions()]


def _made(
    audio: backends.AudioBackend,
    soundscapes: Sequence[Soundscape],
    new: list[list[_Wanted]],
    duration_s: float,
    options: SoundOptions,
    on_step: OnStep | None,
) -> Iterator[tuple[str, Clip]]:
    """Yield the clips that are not cached, by key: in one call if the backend renders several soundscapes at once."""
    groups = [(soundscape, group) for soundscape, group in zip(soundscapes, new) if group]
    render: Callable[..., list[Clip]] | None = getattr(audio, "render", None)
    if len(groups) > 1 and render:
        together = list({each.key: each for _, group in groups for each in group}.values())
        requests, seeds = [each.request for each in together], [each.seed for each in together]
        made = render(requests, duration_s=duration_s, seeds=seeds, on_step=on_step)
        yield from zip((each.key for each in together), made, strict=True)
        return
    for soundscape, group in groups:
        made = audio.synthesize(
            soundscape,
            tuple(each.source for each in group),
            duration_s=duration_s,
            seeds=tuple(each.seed for each in group),
            on_step=on_step,
            options=options.only(*(each.place for each in group)),
        )
        yield from zip((each.key for each in group), made, strict=True)


def seeds_of(soundscape: Soundscape, seed: int) -> tuple[int, ...]:
    """Return one seed per source: of `seed`, its words, its twin number and its take.

    A source without a twin number has the lowest one that is free among the sources of the same words, in their order.
    """
    words = [json.dumps([each.name, each.material, each.action, each.timbre, each.role]) for each in soundscape.sources]
    used = {(own, source.twin) for own, source in zip(words, soundscape.sources)}
    seeds = []
    for own, source in zip(words, soundscape.sources):
        twin = source.twin or next(number for number in count(1) if (own, number) not in used)
        used.add((own, twin))
        take = f"/take {source.take}" if source.take else ""
        digest = hashlib.blake2b(f"{seed}/{own}/{twin}{take}".encode(), digest_size=8).digest()
        seeds.append(int.from_bytes(digest, "big") >> 1)  # 63 bits: the range of a torch generator
    return tuple(seeds)


def check_duration(name: str, duration_s: float, longest_s: float) -> None:
    """Raise SoundscapeError if the backend of this name cannot make a sound of this duration."""
    if not MIN_DURATION_S <= duration_s <= longest_s:  # false for NaN too
        limits = f"between {MIN_DURATION_S:g} and {longest_s:g} seconds"
        raise SoundscapeError(f"The duration must be {limits} with {name}, not {duration_s:g}.")


def check_redo(name: str, audio: backends.AudioBackend, options: SoundOptions, duration_s: float, sources: int) -> None:
    """Raise SoundscapeError if the backend cannot make a span again, or a span is not one of a sound that is made."""
    if not getattr(audio, "can_redo", False):
        raise SoundscapeError(
            f"{name} cannot redo a part of a sound. Choose stable-audio-3, or remove the times to redo."
        )
    for place, (start_s, end_s) in options.redo.items():
        if not 0 <= place < sources:
            raise SoundscapeError(f"There is no sound {place + 1} to redo a part of. Remove its times.")
        if not (0 <= start_s < end_s <= duration_s and MIN_REDO_S <= end_s - start_s <= MAX_REDO_S):  # true for NaN
            raise SoundscapeError(
                f"The part of sound {place + 1} to redo must be {MIN_REDO_S:g} to {MAX_REDO_S:g} seconds long and lie "
                f"between 0 and {duration_s:g} seconds, not from {start_s:g} to {end_s:g}."
            )


_memory = MemoryCache()
forget_stems = _memory.clear
limit_remembered_stems = _memory.limit  # in bytes
