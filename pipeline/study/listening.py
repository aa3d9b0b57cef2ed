"""The blind listening page: a picture and two sounds with opaque names, in a different order for each listener.

Only listen_key.json says which group made which sound; the page and its source do not reveal it. The names are hashes
of the seed and the sound, so they stay the same when the page is made again, and earlier answers can still be read.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeGuard

from ..audio import Clip, db_to_gain, read_wav, wav_bytes
from ..errors import SoundscapeError
from ..files import MAX_MEDIA_BYTES, read_file, sha256_of, write_file
from ..picture import MAX_FILE_BYTES
from ..results.result import MIX, PICTURE
from .groups import NO_PICTURE, Group, Sample, common_pictures
from .pages import asset, render
from .ratings import KEY, SCALE

PAGE = "listen.html"
FOLDER = "listen"
PICTURES = 20  # about a quarter of an hour; ITU-R BT.500 lets a session last half an hour at most
SEATINGS = 32  # assignments of the groups to A and B; a listener's name selects one of them
MATCH_LU = 0.1  # smaller differences in loudness are kept; the just noticeable difference is about 1 dB
NAME_DIGITS = 10


@dataclass(frozen=True)
class Trial:
    """The results of both groups for one picture."""

    first: Sample
    second: Sample


@dataclass(frozen=True)
class ListeningPage:
    """The files written, and what to know before handing them out. `matched` counts trials with adjusted loudness."""

    path: Path
    key: Path
    groups: tuple[str, str]
    pictures: int
    matched: int
    cautions: tuple[str, ...]


def write_listening_page(out: Path, first: Group, second: Group, *, seed: int, limit: int = PICTURES) -> ListeningPage:
    """Write listen.html, the folder listen/ and the key.

    Raises SoundscapeError when the groups have no picture in common or an earlier key is damaged.
    """
    trials = _trials(first, second, seed, limit)
    if not trials:
        raise SoundscapeError(f"{first.label} and {second.label} have no picture in common, so none can be compared.")
    names = [_names(trial, (first, second), seed) for trial in trials]
    matched = 0
    files: dict[str, bytes] = {}
    for trial, (picture, *sounds) in zip(trials, names):
        gains = _gains(trial)
        matched += any(gain != 0 for gain in gains)
        for sample, sound, gain in zip((trial.first, trial.second), sounds, gains):
            files[f"{sound}.wav"] = _wav(sample.entry.folder / MIX, gain)
        if (trial.first.entry.folder / PICTURE).is_file():
            files[f"{picture}.jpg"] = read_file(trial.first.entry.folder / PICTURE, MAX_FILE_BYTES)
    files |= {"page.js": asset("listen.js"), "page.css": asset("listen.css")}
    for name in sorted(files):  # in this order, so that the times of the files do not reveal the groups
        write_file(out / FOLDER / name, files[name])
    key = _write_key(out / KEY, trials, names, (first, second), seed)
    study = _study(names, files, seed)
    page = write_file(out / PAGE, render("listen.html", study=study, folder=FOLDER, scale=SCALE).encode())
    return ListeningPage(page, key, (first.label, second.label), len(trials), matched, _cautions(trials))


def _trials(first: Group, second: Group, seed: int, limit: int) -> list[Trial]:
    """Draw at most `limit` common pictures at random. Of several results of a picture, the first is used."""
    of_first, of_second = _by_picture(first), _by_picture(second)
    pictures = [each for each in common_pictures(first, second) if not each.startswith(NO_PICTURE)]
    if len(pictures) > limit:
        pictures = Random(seed).sample(pictures, limit)
    return [Trial(of_first[each], of_second[each]) for each in pictures]


def _by_picture(group: Group) -> dict[str, Sample]:
    return {sample.picture: sample for sample in reversed(group.samples)}


def _names(trial: Trial, groups: tuple[Group, Group], seed: int) -> tuple[str, str, str]:
    """Return opaque names for the picture and for both sounds."""
    first, second = (
        _opaque(seed, group.label, sample.name, _sha256_of_mix(sample))
        for group, sample in zip(groups, (trial.first, trial.second))
    )
    return _opaque(seed, *sorted((first, second))), first, second


def _opaque(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:NAME_DIGITS]


def _sha256_of_mix(sample: Sample) -> str:
    return sha256_of(sample.entry.folder / MIX)


def _gains(trial: Trial) -> tuple[float, float]:
    """Return the gains in dB that turn the louder sound down to the level of the quieter one."""
    first, second = (sample.entry.manifest.get("loudness_lufs") for sample in (trial.first, trial.second))
    if not (_is_level(first) and _is_level(second)):
        return 0.0, 0.0
    gains = min(first, second) - first, min(first, second) - second
    return (0.0, 0.0) if max(map(abs, gains)) <= MATCH_LU else gains


def _is_level(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _wav(path: Path, gain_db: float) -> bytes:
    if gain_db == 0:
        return read_file(path, MAX_MEDIA_BYTES)
    clip = read_wav(path)
    return wav_bytes(Clip(clip.samples * db_to_gain(gain_db), clip.sample_rate))


def _study(names: Sequence[tuple[str, str, str]], files: dict[str, bytes], seed: int) -> dict[str, Any]:
    """Return the data of the page: the trials, with their sounds sorted by name, and the seatings.

    A seating has one digit per trial, which says which of its two sounds is A. In each seating, every group is A in
    half of the trials. Every second seating mirrors the one before.
    """
    trials = [
        {"picture": picture, "image": f"{picture}.jpg" in files, "sounds": sorted(sounds)} for picture, *sounds in names
    ]
    swaps = [first != min(first, second) for _, first, second in names]  # True when the first group's name sorts last
    draw = Random(f"{seed} seating")
    seatings = []
    for _ in range(SEATINGS // 2):
        first_is_a = [place % 2 == 0 for place in range(len(names))]
        draw.shuffle(first_is_a)
        seatings += [_seating(first_is_a, swaps), _seating([not each for each in first_is_a], swaps)]
    # Sorted by opaque name, so that the order of the trials does not reveal the file names of the pictures.
    order = sorted(range(len(trials)), key=lambda place: names[place][0])
    return {
        "id": _opaque(seed, *sorted(sound for name in names for sound in name)),
        "seed": seed,
        "trials": [trials[place] for place in order],
        "seatings": ["".join(seating[place] for place in order) for seating in seatings],
    }


def _seating(first_is_a: list[bool], swaps: list[bool]) -> str:
    """Return one digit per trial: the index of sound A among the trial's sounds, sorted by name."""
    return "".join(str(int(swap if is_a else not swap)) for is_a, swap in zip(first_is_a, swaps))


def _write_key(
    path: Path,
    trials: list[Trial],
    names: list[tuple[str, str, str]],
    groups: tuple[Group, Group],
    seed: int,
) -> Path:
    """Write the meaning of the names. The entries of an earlier key are kept, since answers to it may still arrive."""
    sounds, pictures = _earlier(path)
    for trial, (picture, *own) in zip(trials, names):
        pictures[picture] = trial.first.name
        for group, sample, sound in zip(groups, (trial.first, trial.second), own):
            sounds[sound] = {"group": group.label, "result": sample.name, "picture": picture}
    key = {
        "note": "Do not show this file to the listeners: it says which group made which sound.",
        "seed": seed,
        "groups": [group.label for group in groups],
        "sounds": sounds,
        "pictures": pictures,
    }
    return write_file(path, json.dumps(key, indent=1, ensure_ascii=False).encode())


def _earlier(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not path.is_file():
        return {}, {}
    try:
        key = json.loads(read_file(path, MAX_FILE_BYTES))
        return dict(key["sounds"]), dict(key["pictures"])
    except (ValueError, KeyError, TypeError) as error:
        raise SoundscapeError(
            f"{path.name} is damaged. If you do not need it to read earlier answers, delete it and run this again."
        ) from error


def _cautions(trials: list[Trial]) -> tuple[str, ...]:
    cautions = []
    lengths = [[s.entry.manifest.get("duration_s") for s in (trial.first, trial.second)] for trial in trials]
    unequal = sum(a != b for a, b in lengths)
    if unequal:
        cautions.append(
            f"In {unequal} of {len(trials)} pairs the two sounds differ in length, which may reveal the group."
        )
    if any(not (trial.first.entry.folder / PICTURE).is_file() for trial in trials):
        cautions.append("Some results contain no picture file, so the page shows no picture for them.")
    return tuple(cautions)
