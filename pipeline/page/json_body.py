"""Bodies other than uploads: JSON of a limited size and shape, which names uploaded files only."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

from ..errors import SoundscapeError
from . import scratch
from .refusals import Message, Receive, Refused, Scope, length

MAX_JSON_BYTES = 1_000_000  # a soundscape has at most 64 KB, which is about 400 KB when escaped twice
MAX_VALUES, MAX_DEPTH = 2000, 20  # the page sends about 50; Gradio copies the whole tree several times
READ_WITHIN_S = 30  # the whole body
IDS = ("session_hash", "event_id", "upload_id")  # chosen by the visitor and kept by Gradio

WEB_FILE = "This app does not fetch files from web addresses. Upload the file."
NOT_JSON = "The request must be JSON in UTF-8."
TOO_LONG = "The request is too long."
TOO_DEEP = "The request is nested too deeply."
TOO_SLOW = "The request took too long to arrive. Please try again."

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body. Raises Refused if it is too long or too slow, or if the visitor disconnects."""
    if (length(scope) or 0) > MAX_JSON_BYTES:
        raise Refused(413, TOO_LONG)
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return await _read(receive)
    except TimeoutError:
        raise Refused(408, TOO_SLOW) from None


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "The request is not complete.")
        body += message.get("body", b"")
        if len(body) > MAX_JSON_BYTES:
            raise Refused(413, TOO_LONG)
        if not message.get("more_body"):
            return bytes(body)


def check_json(body: bytes) -> None:
    """Raise Refused if the body is not JSON that the app may read, or names a file that was not uploaded."""
    if not body:
        return
    data = _parse(body)
    for value in _values(data):
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict) and isinstance(value.get("path"), str):
            _check_file(value["path"])  # Gradio takes an object with a `path` for a file
    if isinstance(data, dict):
        for name in IDS:
            check_id(data.get(name))


def check_id(value: Any) -> None:
    """Raise Refused for an id that is no short word. Gradio keeps what belongs to an id under its name."""
    if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
        raise Refused(400, "The id of a session, an event or an upload must be a word of at most 64 letters.")


def _parse(body: bytes) -> Any:
    """Parse the body as the app does, which takes the encoding from the first bytes."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise Refused(400, TOO_DEEP) from None
    except ValueError:  # UnicodeDecodeError is one too
        raise Refused(400, NOT_JSON) from None


def _refuse_constant(name: str) -> None:
    raise Refused(400, f"{name} is not a number that JSON allows.")


def _values(data: Any) -> Iterator[Any]:
    """Yield all values and keys of the data. Raises Refused when there are too many."""
    pending, count = [(data, 0)], 0
    while pending:
        value, depth = pending.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise Refused(400, TOO_DEEP)
        if count + len(pending) > MAX_VALUES:
            raise Refused(413, "The request has too many values.")
        yield value
        if isinstance(value, dict):
            pending += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            pending += [(each, depth + 1) for each in value]


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which breaks the answer
        raise Refused(400, "The request holds text that is not valid Unicode.") from None


def _check_file(path: str) -> None:
    if "://" in path:
        raise Refused(422, WEB_FILE)
    try:
        scratch.own().find(path)
    except SoundscapeError as error:
        raise Refused(422, str(error)) from None


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body that was read, then what comes after it."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
