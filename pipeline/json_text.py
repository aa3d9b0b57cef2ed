"""Reads JSON as people, editors and language models write it.

Strict JSON is read as it is. Other text is read as JSON5 (https://spec.json5.org) if its meaning is certain, together
with a list of what was read differently. Everything else is refused with its line and column.

>>> read("Here it is:\\n{'name': “river”, /* metres */ distance_m: 6,}").data
{'name': 'river', 'distance_m': 6}
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pyjson5

from .errors import SoundscapeError

MAX_DEPTH = 20
TOO_DEEP = "This is not a soundscape: it is nested too deeply."

_SPACE = r"[\s\ufeff]++"
_COMMENT = r"//[^\n\u2028\u2029]*+|/\*(?s:.*?)\*/"
_IGNORED = re.compile(rf"(?:{_SPACE}|{_COMMENT})*+")
_DOUBLE, _SINGLE = "“”„‟«»", "‘’‚‛"  # typographic quotes
# No alternative backtracks, so the time is proportional to the length of the text.
_TOKEN = re.compile(
    rf"""(?P<space>{_SPACE})|(?P<comment>{_COMMENT})
    |(?P<text>"(?:[^"\\\n]|\\(?s:.))*+"|'(?:[^'\\\n]|\\(?s:.))*+')
    |(?P<typographic>[{_DOUBLE}](?:[^{_DOUBLE}"\\\n]|\\.)*+[{_DOUBLE}]|[{_SINGLE}](?:[^{_SINGLE}"'\\\n]|\\.)*+[{_SINGLE}])
    |(?P<word>[-+.\w$]++)|(?P<mark>[{{}}\[\],:])""",
    re.VERBOSE,
)
_FENCE_OF_OBJECT = re.compile(r"(?<!`)`{3,}+\s*+(?:\w++\s*+)?(?=\{)")
_FENCE = re.compile(r"\s*```")
_LIKE_JSON = re.compile(r"[{}\[\]]|[\"'”’]\s*+:")  # in text around the object: perhaps a part of it
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NUMBER_OF_JSON5 = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F]+|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
)
_LONGEST_NUMBER = 400  # digits; Python refuses thousands
_PYTHON = {"True": "true", "False": "false", "None": "null"}
_NOT_FINITE = ("nan", "infinity", "inf")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # a new line stands in a text only after a backslash

# What the JSON5 reader objects to -> what we say.
_WORDS = [
    ("Expected b'comma'", "a comma is missing before {found}"),
    ("Expected b'colon'", "a colon is missing before {found}"),
    ("Stray b'comma'", "there is one comma too many"),
    ("Expected b'JSON5Value'", "a value is missing before {found}"),
    ("Expected b'IdentifierStart'", "a field name is missing before {found}"),
    ("Unclosed b'NumericLiteral'", "this number is too large"),
    ("hexadecimal", "\\u must be followed by four hexadecimal digits"),
    ("Expected U+005c", "half of a character is missing after \\u"),
]


class CutOffError(SoundscapeError):
    """The text ends before its object is complete."""


@dataclass(frozen=True)
class Reading:
    """The data of a JSON text, and what was read differently than strict JSON."""

    data: Any
    repairs: tuple[str, ...] = ()


def read(text: str) -> Reading:
    """Read JSON text, generously if it is not strict JSON.

    Raises SoundscapeError if the meaning is not certain, for duplicate keys and for numbers that are not finite;
    CutOffError if the text ends too early.
    """
    text = text.removeprefix("\ufeff")
    try:
        return Reading(json.loads(text, parse_constant=_refuse, object_pairs_hook=_without_duplicates))
    except (ValueError, RecursionError):  # what strict JSON forbids is found again with its place
        return _read_json5(text.replace("\r\n", "\n").replace("\r", "\n"))


def decoded(data: bytes) -> Reading:
    """Return the text of a file in UTF-8, UTF-16, UTF-32 or Windows-1252 as the data of a reading.

    Raises SoundscapeError if the encoding is not certain.
    """
    try:
        return Reading(data.decode(json.detect_encoding(data)).removeprefix("\ufeff"))
    except UnicodeDecodeError:
        if not _is_windows_1252(data):
            raise SoundscapeError("The file is neither UTF-8 nor UTF-16 text. Save it as UTF-8.") from None
        return Reading(data.decode("cp1252"), ("text in Windows-1252",))


def note_of(repairs: Iterable[str]) -> str:
    """Return the repairs as one sentence; "" if there are none."""
    listed = ", ".join(repairs)
    return f"Read with repairs: {listed}." if listed else ""


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key is written twice")
    return fields


def _is_windows_1252(data: bytes) -> bool:
    """Return whether bytes that are not UTF-8 are text of western Europe.

    Other encodings have long runs of bytes above 127, and damaged UTF-8 has its two-byte letters.
    """
    if re.search(rb"[\x00-\x08\x0e-\x1f\x81\x8d\x8f\x90\x9d]|[\x80-\xff]{3}|[\xc2\xc3][\x80-\xbf]", data):
        return False
    return bool(re.search(rb"[\xc0-\xff\x80-\x9f]", data))


def _read_json5(text: str) -> Reading:
    start, is_fenced = _start_of_object(text)
    scan = _Scan(text)
    end = scan.run(start)
    if _is_whole(text, start, end, is_fenced):
        around = ["comments"] if f"{text[:start]}{text[end:]}".strip() else []
    else:
        around = ["a code fence" if is_fenced else "text around the object"]
    try:
        data = pyjson5.decode("".join(scan.letters[start:end]), MAX_DEPTH)
    except pyjson5.Json5DecoderException as error:
        raise _objection(text, start, str(error.args[0])) from None
    return Reading(data, tuple(dict.fromkeys([*around, *scan.repairs])))


def _start_of_object(text: str) -> tuple[int, bool]:
    """Return where the object or list begins, and whether it is the only one in a code fence."""
    start = _after_ignored(text, 0)
    if text[start : start + 1] in ("{", "["):
        return start, False
    fenced = [fence.end() for fence in _FENCE_OF_OBJECT.finditer(text)]
    if len(fenced) > 1:
        raise _problem(text, fenced[1], "this is a second object in a code fence. Keep one of them")
    if fenced:
        return fenced[0], True
    if not text.strip():
        raise CutOffError("This is not JSON yet (line 1, column 1): the text is empty.")
    brace = text.find("{")
    if brace < 0:
        raise _problem(text, start, "there is no object in braces { }")
    if found := _LIKE_JSON.search(text, 0, brace):
        raise _problem(text, found.start(), "there is text before the opening brace that may belong to the object")
    return brace, False


def _is_whole(text: str, start: int, end: int, is_fenced: bool) -> bool:
    """Return whether there is nothing but comments around the object.

    Raises SoundscapeError if other text around it may belong to it.
    """
    rest = _after_ignored(text, end)
    is_last = rest == len(text)
    if not is_last and not (is_fenced and _FENCE.match(text, end)):
        is_on_new_line = "\n" in text[end:rest] or _FENCE.match(text, end)
        if not is_on_new_line or text[rest] in ",:" or _LIKE_JSON.search(text, rest):
            raise _problem(text, rest, "there is text after the closing brace. Delete it, or move it inside")
    return is_last and start == _after_ignored(text, 0)


def _after_ignored(text: str, position: int) -> int:
    """Return the position after white space and comments."""
    found = _IGNORED.match(text, position)
    return found.end() if found else position


@dataclass
class _Open:
    mark: str
    position: int
    keys: set[str] = field(default_factory=set)


class _Scan:
    """One pass over the tokens of an object: finds its end, and collects what differs from strict JSON.

    Typographic quotes and the words of Python are replaced by those of JSON, letter by letter, so positions stay.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.letters = list(text)
        self.repairs: dict[str, None] = {}  # an ordered set
        self._open: list[_Open] = []
        self._last = ""  # the last token that is neither space nor comment

    def run(self, start: int) -> int:
        """Return the position after the object that begins at `start`. Raises SoundscapeError."""
        position = start
        while True:
            token = _TOKEN.match(self.text, position)
            if token is None or token.lastgroup is None:
                raise self._no_token(position)
            if token.lastgroup not in ("space", "comment"):
                getattr(self, f"_{token.lastgroup}")(token[0], position)
                self._last = token[0]
            elif token.lastgroup == "comment":
                self._repair("comments")
            position = token.end()
            if not self._open:
                return position

    def _mark(self, mark: str, position: int) -> None:
        if mark in "{[":
            self._open.append(_Open(mark, position))
            if len(self._open) > MAX_DEPTH:
                raise SoundscapeError(TOO_DEEP)
        elif mark in "}]":
            opened = self._open.pop()
            if opened.mark + mark not in ("{}", "[]"):
                words = f"this {mark} does not match the {opened.mark} of line {_line(self.text, opened.position)}"
                raise _problem(self.text, position, words)
            if self._last == ",":
                self._repair("trailing commas")

    def _text(self, token: str, position: int) -> None:
        if token[0] == "'":
            self._repair("single quotes")
        if re.search(r"\\[^\"\\/bfnrtu]", token):
            self._repair("escapes that only JavaScript has")
        if _CONTROL.search(token):
            self._repair("tabs or control characters in texts")
        self._check_key(position, position + len(token))

    def _typographic(self, token: str, position: int) -> None:
        self._repair("typographic quotes")
        end = position + len(token)
        self.letters[position] = self.letters[end - 1] = '"'
        self._check_key(position, end)

    def _word(self, word: str, position: int) -> None:
        end = position + len(word)
        if end == len(self.text):
            raise self._cut_off(position)
        if self._check_key(position, end):
            if not word.replace("$", "_").isidentifier():
                raise _problem(self.text, position, f"put the field name {_short(word)} in quotes")
            self._repair("field names without quotes")
        elif word in _PYTHON:
            self.letters[position:end] = _PYTHON[word]
            self._repair("True, False or None as in Python")
        elif word.lstrip("+-").casefold() in _NOT_FINITE:
            where = _where(self.text, position)
            raise SoundscapeError(f"{word} is not a number that JSON allows ({where}). Write a finite number.")
        elif word not in ("true", "false", "null") and not _NUMBER.fullmatch(word):
            if not _NUMBER_OF_JSON5.fullmatch(word):
                is_number = word[0] in "+-.0123456789"
                words = f"{_short(word)} is not a number" if is_number else f"put {_short(word)} in quotes"
                raise _problem(self.text, position, words)
            self._repair("numbers that are not written as in JSON")
        if len(word) > _LONGEST_NUMBER:
            raise _problem(self.text, position, "this number or word is too long")

    def _check_key(self, start: int, end: int) -> bool:
        """Return whether this text or word is the name of a field. Raises SoundscapeError for a duplicate."""
        if not self._open or self._open[-1].mark != "{" or self._last not in ("{", ","):
            return False
        if self.text[(colon := _after_ignored(self.text, end)) : colon + 1] != ":":
            return False
        name = "".join(self.letters[start:end])
        if name[0] in "\"'":
            try:
                name = str(pyjson5.decode(name))
            except pyjson5.Json5DecoderException as error:
                raise _objection(self.text, start, str(error.args[0])) from None
        if name in self._open[-1].keys:
            where = _where(self.text, start)
            raise SoundscapeError(f"{_short(name)}: is written twice in one object ({where}). Keep one of them.")
        self._open[-1].keys.add(name)
        return True

    def _repair(self, words: str) -> None:
        self.repairs[words] = None

    def _no_token(self, position: int) -> SoundscapeError:
        rest = self.text[position:]
        if not rest:
            return self._cut_off(position)
        if rest[0] in f"\"'{_DOUBLE}{_SINGLE}":
            words = "this text has no closing quote of the same kind on its line"
        elif rest.startswith("/*"):
            words = "this comment has no end. Add */"
        else:
            return _problem(self.text, position, f"{_short(rest[0])} is not expected here")
        return (SoundscapeError if "\n" in rest else CutOffError)(_placed(self.text, position, words))

    def _cut_off(self, position: int) -> CutOffError:
        opened = self._open[-1]
        words = f"the text ends before the {opened.mark} of line {_line(self.text, opened.position)} is closed"
        return CutOffError(_placed(self.text, position, words))


# Words for problems --------------------------------------------------------------------------------------------------


def _problem(text: str, position: int, words: str) -> SoundscapeError:
    return SoundscapeError(_placed(text, position, words))


def _placed(text: str, position: int, words: str) -> str:
    return f"This is not JSON yet ({_where(text, position)}): {words}."


def _objection(text: str, start: int, message: str) -> SoundscapeError:
    """Return what the JSON5 reader objects to in `text` from `start` on, in our words."""
    near = re.search(r"near (\d+)", message)
    position = start + max(int(near[1]) - 1, 0) if near else start
    words = next((words for begins, words in _WORDS if begins in message), "{found} is not expected here")
    token = _TOKEN.match(text, position)
    found = token[0] if token else text[position : position + 1]
    return _problem(text, position, words.format(found=_short(found)))


def _short(text: str) -> str:
    """Return the text to be quoted in a message."""
    text = text if text.isprintable() and text else ascii(text)[1:-1]
    return text if len(text) <= 30 else f"{text[:30]}..."


def _where(text: str, position: int) -> str:
    return f"line {_line(text, position)}, column {position - text.rfind(chr(10), 0, position)}"


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
