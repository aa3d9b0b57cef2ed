"""What people said of the sounds: answers read from CSV files, and what they agree on.

Two forms are read. The listening page writes `id` and `picture`, which listen_key.json turns into results; a table of
one's own has `group` and `result` instead. Both have `listener` and `rating` (1 to 5).
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from ..errors import SoundscapeError
from . import statistics
from .groups import Group
from .statistics import Share

KEY = "listen_key.json"
SCALE = (1, 2, 3, 4, 5)
PREFERENCES = {"yes": 1.0, "equal": 0.5, "no": 0.0}  # as the page writes whether a sound was the one preferred
MAX_BYTES = 20 * 1024 * 1024  # a listener's answers are a few kilobytes


@dataclass(frozen=True)
class Answer:
    """What one listener said of one sound. On the listening page `side` is "A" or "B", and `trial` the pair's name."""

    listener: str
    group: str
    result: str
    rating: int
    preferred: float | None = None
    side: str = ""
    trial: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Ratings:
    """All answers, and a sentence for everything that was left out."""

    answers: tuple[Answer, ...]
    left_out: tuple[str, ...] = ()

    @property
    def listeners(self) -> list[str]:
        return sorted({answer.listener for answer in self.answers})

    def figures(self) -> dict[tuple[str, str], dict[str, float]]:
        """Return by (group, result): the mean rating, and how often the sound was preferred (an equal counts half)."""
        of: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        for answer in self.answers:
            of[answer.group, answer.result].append(answer)
        return {sound: _figures(answers) for sound, answers in of.items()}

    def counts(self, group: str) -> list[int]:
        """Return how often each value of the scale was given to a group."""
        given = [answer.rating for answer in self.answers if answer.group == group]
        return [given.count(value) for value in SCALE]

    def fit_agreement(self) -> float | None:
        """Krippendorff's alpha of the ratings, ordinal; one unit a sound."""
        units: dict[tuple[str, str], list[float]] = defaultdict(list)
        for answer in self.answers:
            units[answer.group, answer.result].append(answer.rating)
        return statistics.krippendorff_alpha(list(units.values()))

    def preference_agreement(self) -> float | None:
        """Krippendorff's alpha of the preferences, as categories; one unit a pair of sounds, told by one of the two."""
        units: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for answer in self.answers:
            if answer.preferred is not None and answer.trial:
                units[answer.trial][answer.group].append(answer.preferred)
        return statistics.krippendorff_alpha([of[min(of)] for of in units.values()], ordinal=False)

    def side_bias(self) -> Share | None:
        """How often the sound on the left was preferred, of all choices that were not equal; None without any."""
        choices = [a for a in self.answers if a.side in ("A", "B") and a.preferred == 1]
        if not choices:
            return None
        return statistics.share(sum(answer.side == "A" for answer in choices), len(choices))

    def preferences(self, group: str) -> tuple[int, int, int] | None:
        """Return how often a group's sound was preferred, equal, and not preferred; None where nobody was asked."""
        given = [answer.preferred for answer in self.answers if answer.group == group and answer.preferred is not None]
        return (given.count(1.0), given.count(0.5), given.count(0.0)) if given else None


def read_ratings(paths: Iterable[Path], groups: Sequence[Group], keys: Iterable[Path]) -> Ratings:
    """Read answers from CSV files. The first of `keys` that is there, or a key beside the CSV, tells opaque names.

    Raises SoundscapeError when a file is no such table, or a key is needed and missing.
    """
    keys = list(keys)
    known = {(group.label, sample.name) for group in groups for sample in group.samples}
    answers: dict[tuple[str, str, str], Answer] = {}
    left_out: dict[str, int] = defaultdict(int)
    for path in paths:
        rows = _rows(path)
        sounds = _sounds([path.with_name(KEY), *keys], path) if "id" in rows[0] else {}
        for row in rows:
            try:
                answer = _answer(row, sounds)
            except ValueError as error:
                left_out[str(error)] += 1
                continue
            if (answer.group, answer.result) not in known:
                left_out["of a result that is not in this study"] += 1
                continue
            sound = (answer.listener, answer.group, answer.result)
            if sound in answers:
                left_out["replaced by a later answer of the same listener to the same sound"] += 1
            answers[sound] = answer
    sentences = tuple(f"{_lines(count)} left out: {reason}." for reason, count in left_out.items())
    if not answers:
        raise SoundscapeError(f"No answer in these ratings belongs to a result of this study. {' '.join(sentences)}")
    return Ratings(tuple(answers.values()), sentences)


def _figures(answers: list[Answer]) -> dict[str, float]:
    found = {"ratings.fit": fmean(answer.rating for answer in answers)}
    preferred = [answer.preferred for answer in answers if answer.preferred is not None]
    return found | ({"ratings.preferred": fmean(preferred)} if preferred else {})


def _rows(path: Path) -> list[dict[str, str]]:
    """Read a table, separated by commas or, as some spreadsheets save it, by semicolons."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SoundscapeError(f"{path.name} is too large for a table of ratings.")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SoundscapeError(f"{path.name} cannot be read as a table of ratings (CSV, UTF-8).") from error
    head = text.partition("\n")[0]
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if head.count(";") > head.count(",") else ","))
    names = set(rows[0]) if rows else set()
    if not names >= {"listener", "rating"} or not (names >= {"id"} or names >= {"group", "result"}):
        raise SoundscapeError(
            f"{path.name} is no table of ratings: it needs the columns listener, rating, and either id (as the"
            " listening page writes it) or group and result."
        )
    return rows


def _sounds(keys: list[Path], path: Path) -> dict[str, dict[str, Any]]:
    """Return what the opaque names stand for, read from the first key that is there."""
    for key in keys:
        if key.is_file():
            try:
                return json.loads(key.read_text("utf-8"))["sounds"]
            except (ValueError, KeyError, TypeError) as error:
                raise SoundscapeError(f"{key.name} is damaged and cannot be read.") from error
    raise SoundscapeError(f"{path.name} needs the key that was made with the listening page: put {KEY} beside it.")


def _answer(row: dict[str, str], sounds: dict[str, dict[str, Any]]) -> Answer:
    """Raises ValueError, with the reason, for a line that says nothing."""
    listener = (row["listener"] or "").strip()
    rating = (row["rating"] or "").strip()
    if not listener:
        raise ValueError("without a listener")
    if rating not in map(str, SCALE):
        raise ValueError(f"without a rating from {SCALE[0]} to {SCALE[-1]}")
    sound = row
    if "id" in row:
        sound = sounds.get(row["id"] or "")
        if sound is None:
            raise ValueError("with a sound that is not in the key")
    seconds = row.get("seconds") or ""
    return Answer(
        listener,
        sound["group"],
        sound["result"],
        int(rating),
        PREFERENCES.get((row.get("preference") or "").strip()),
        (row.get("sound") or "").strip(),
        (row.get("picture") or "").strip() if "id" in row else "",
        float(seconds) if seconds.replace(".", "", 1).isdecimal() else None,
    )


def _lines(count: int) -> str:
    return "1 answer was" if count == 1 else f"{count} answers were"
