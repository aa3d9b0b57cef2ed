"""Repairs of values in a document: null for the default, numbers in quotes, boxes with their corners swapped."""

import math
import re
from collections.abc import Collection
from typing import Any

_NUMBERS = ("distance_m", "gain_db", "pan", "confidence", "take", "height")
_LISTS_OF_NUMBERS = ("box", "onsets_s")
_NULLABLE = ("box", "pan", "onsets_s", "height")
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")
_WHOLE = re.compile(r"\s*[-+]?[0-9]+\s*")


def number_of(value: Any) -> Any:
    """Return the number that is written in a text; any other value as it is."""
    if not isinstance(value, str) or len(value) > 40 or not _NUMBER.fullmatch(value):
        return value
    if _WHOLE.fullmatch(value):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else value


def numbers_of(value: Any) -> Any:
    """Return a list with `number_of` of its entries; any other value as it is."""
    return [number_of(each) for each in value] if isinstance(value, list) else value


class Repairs:
    """Replaces values whose meaning is certain although they are not valid, and counts them.

    `known` are the names of the fields of a document, `known_of_source` those of a source.
    """

    def __init__(self, known: Collection[str], known_of_source: Collection[str]) -> None:
        self._known, self._known_of_source = known, known_of_source
        self.nulls = self.quoted = self.boxes = 0

    def listed(self) -> tuple[str, ...]:
        """Return what was replaced, in words."""
        counts = (
            (self.nulls, "null where the default is meant", "{} times null where the default is meant"),
            (self.quoted, "a number in quotes", "{} numbers in quotes"),
            (self.boxes, "a box with its corners in another order", "{} boxes with their corners in another order"),
        )
        return tuple((one if count == 1 else many).format(count) for count, one, many in counts if count)

    def of_document(self, data: Any) -> Any:
        """Return the JSON data of a document with its repairs. What is not certain stays as it is."""
        if not isinstance(data, dict):
            return data
        fields = self._without_nulls(data, self._known)
        if "version" in fields:
            fields["version"] = self._number(fields["version"])
        if isinstance(fields.get("sources"), list):
            fields["sources"] = [self._of_source(source) for source in fields["sources"]]
        return fields

    def _of_source(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        fields = self._without_nulls(data, self._known_of_source)
        for name in fields.keys() & {*_NUMBERS}:
            fields[name] = self._number(fields[name])
        for name in fields.keys() & {*_LISTS_OF_NUMBERS}:
            if isinstance(fields[name], list):
                fields[name] = [self._number(each) for each in fields[name]]
        if "box" in fields:
            fields["box"] = self._box(fields["box"])
        return fields

    def _without_nulls(self, data: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
        """Return the fields without those that are null, which is the default of all fields that may be null."""
        nulls = [name for name, value in data.items() if value is None and name in known]
        self.nulls += sum(name not in _NULLABLE for name in nulls)
        return {name: value for name, value in data.items() if name not in nulls}

    def _number(self, value: Any) -> Any:
        number = number_of(value)
        self.quoted += number is not value
        return number

    def _box(self, value: Any) -> Any:
        if not isinstance(value, list) or len(value) != 4 or not all(type(each) in (int, float) for each in value):
            return value
        (x0, x1), (y0, y1) = sorted(value[0::2]), sorted(value[1::2])
        if value == [x0, y0, x1, y1]:
            return value
        self.boxes += 1
        return [x0, y0, x1, y1]
