"""Answers of listeners, read from CSV files, and how well the listeners agree.

Two kinds of tables are read. Those of the listening page have `id` and `picture`; listen_key.json says which result an
id is. Other tables have `group` and `result`. Both have `listener` and `rating` (1 to 5).
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
from ..files import read_file
from . import statistics
from .groups import Group
from .statistics import Share

KEY = "listen_key.json"
SCALE = (1, 2, 3, 4, 5)
PREFERENCES = {"yes": 1.0, "equal": 0.5, "no": 0.0}  # values of the column `preference`
MAX_BYTES = 20 * 1024 * 1024  # a listener's answers are a few kilobytes


@dataclass(frozen=True)
class Answer:
    """The answer of one listener on one sound. `side` ("A" or "B") and `trial` come from the listening page only."""

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
    """All answers, and a sentence for each reason why answers were left out."""

    answers: tuple[Answer, ...]
    left_out: tuple[str, ...] = ()

    @property
    def listeners(self) -> list[str]:
        return sorted({answer.listener for answer in self.answers})

    def figures(self) -> dict[tuple[str, str], dict[str, float]]:
        """Return the mean rating and the share of preferences ("equal" counts half) by (group, result)."""
        of: dict[tuple[str, str], list[Answer]] = defaultdict(list)
        for answer in self.answers:
            of[answer.group, answer.result].append(answer)
        return {sound: _figures(answers) for sound, answers in of.items()}

    def counts(self, group: str) -> list[int]:
        """Return how often a group got each value of the scale."""
        given = [answer.rating for answer in self.answers if answer.group == group]
        return [given.count(value) for value in SCALE]

    def fit_agreement(self) -> float | None:
        """Return Krippendorff's alpha of the ratings, ordinal; one unit per sound."""
        units: dict[tuple[str, str], list[float]] = defaultdict(list)
        for answer in self.answers:
            units[answer.group, answer.result].append(answer.rating)
        return statistics.krippendorff_alpha(list(units.values()))

    def preference_agreement(self) -> float | None:
        """Return Krippendorff's alpha of the preferences, nominal; one unit per pair, in terms of one of its sounds."""
        units: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for answer in self.answers:
            if answer.preferred is not None and answer.trial:
                units[answer.trial][answer.group].append(answer.preferred)
        return statistics.krippendorff_alpha([of[min(of)] for of in units.values()], ordinal=False)

    def side_bias(self) -> Share | None:
        """Return the share of choices for the sound on the left; None when nobody preferred either sound."""
        choices = [a for a in self.answers if a.side in ("A", "B") and a.preferred == 1]
        if not choices:
            return None
        return statistics.share(sum(answer.side == "A" for answer in choices), len(choices))

    def preferences(self, group: str) -> tuple[int, int, int] | None:
        """Return how often a group's sound was preferred, equal and not preferred; None without such answers."""
        given = [answer.preferred for answer in self.answers if answer.group == group and answer.preferred is not None]
        return (given.count(1.0), given.count(0.5), given.count(0.0)) if given else None


def read_ratings(paths: Iterable[Path], groups: Sequence[Group], keys: Iterable[Path]) -> Ratings:
    """Read answers from CSV files. Opaque names are looked up in the key beside the CSV file, else in one of `keys`.

    Raises SoundscapeError when a file is no table of ratings, its key is missing, or no answer can be used.
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
                left_out["for a result that is not in this study"] += 1
                continue
            sound = (answer.listener, answer.group, answer.result)
            if sound in answers:
                left_out["replaced by a later answer of the same listener for the same sound"] += 1
            answers[sound] = answer
    sentences = tuple(f"{_lines(count)} left out: {reason}." for reason, count in left_out.items())
    if not answers:
        raise SoundscapeError(f"None of these ratings can be used in this study. {' '.join(sentences)}")
    return Ratings(tuple(answers.values()), sentences)


def _figures(answers: list[Answer]) -> dict[str, float]:
    found = {"ratings.fit": fmean(answer.rating for answer in answers)}
    preferred = [answer.preferred for answer in answers if answer.preferred is not None]
    return found | ({"ratings.preferred": fmean(preferred)} if preferred else {})


def _rows(path: Path) -> list[dict[str, str]]:
    """Read a table separated by commas or, as some spreadsheets save it, by semicolons."""
    try:
        text = read_file(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SoundscapeError(f"{path.name} cannot be read as a table of ratings (CSV, UTF-8).") from error
    head = text.partition("\n")[0]
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if head.count(";") > head.count(",") else ","))
    names = set(rows[0]) if rows else set()
    if not names >= {"listener", "rating"} or not (names >= {"id"} or names >= {"group", "result"}):
        raise SoundscapeError(
            f"{path.name} is no table of ratings. It needs the columns listener and rating, and either id (as saved by"
            " the listening page) or group and result."
        )
    return rows


def _sounds(keys: list[Path], path: Path) -> dict[str, dict[str, Any]]:
    """Return the group and the result of each opaque name, from the first key that exists."""
    for key in keys:
        if key.is_file():
            try:
                sounds: dict[str, dict[str, Any]] = json.loads(read_file(key, MAX_BYTES))["sounds"]
            except (ValueError, KeyError, TypeError) as error:
                raise SoundscapeError(f"{key.name} is damaged and cannot be read.") from error
            return sounds
    raise SoundscapeError(f"{path.name} needs the key that was made with the listening page: put {KEY} beside it.")


def _answer(row: dict[str, str], sounds: dict[str, dict[str, Any]]) -> Answer:
    """Return the answer in a row. Raises ValueError, with the reason, when the row is incomplete."""
    listener = (row["listener"] or "").strip()
    rating = (row["rating"] or "").strip()
    if not listener:
        raise ValueError("without a listener")
    if rating not in map(str, SCALE):
        raise ValueError(f"without a rating from {SCALE[0]} to {SCALE[-1]}")
    sound = sounds.get(row["id"] or "") if "id" in row else row
    if sound is None:
        raise ValueError("for a sound that is not in the key")
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
