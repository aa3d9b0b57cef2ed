"""ASGI middleware that refuses harmful requests before the app reads them.

Gradio limits only the size of uploaded files. It reads other bodies of any size, opens files that a request names and
fetches web addresses. The guard limits every body while it streams in, and a request may only name uploaded files.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..errors import SoundscapeError
from . import scratch
from .failures import FULL_DISK, is_full_disk

MAX_JSON_BYTES = 1_000_000  # a soundscape has at most 64 KB, which is about 400 KB when escaped twice
MAX_UPLOAD_BYTES = 200_000_000  # all files of one request: those of a result folder
MAX_FIELD_BYTES = 64_000  # all fields of an upload that are not files, with the headers of all parts
READING = ("GET", "HEAD", "OPTIONS")  # methods without a body
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})

_UPLOAD = re.compile(r"(/gradio_api)?/upload/?")
_WEB_FILE = re.compile(r"/file[=/]\s*https?:", re.IGNORECASE)
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)

WEB_FILE = "This app does not fetch files from web addresses. Upload the file."
TOO_LONG = "The request is too long."

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """A request is refused. Holds the status and the message of the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Guard:
    """Checks each request. `hosts` are the allowed host names; None allows any."""

    def __init__(self, app: Any, hosts: frozenset[str] | None = None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            _check_host(scope, self.hosts)
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if _WEB_FILE.search(path):
                raise Refused(403, WEB_FILE)
            if scope["method"] in READING:
                await self.app(scope, receive, answer)
            elif _UPLOAD.fullmatch(path):
                await self._upload(scope, receive, answer)
            else:
                body = await _read(scope, receive)
                await asyncio.to_thread(_check_json, body)
                await self.app(scope, _replay(body, receive), answer)
        except Refused as refused:
            await answer.refuse(refused)
        except OSError as error:
            if not is_full_disk(error):
                raise
            await answer.refuse(Refused(507, FULL_DISK))

    async def _upload(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """Let the app read files up to the limit. Beyond it, the app is told that the visitor disconnected."""
        limited = _Upload(receive, _header(scope, b"content-type"))
        size_bytes = _length(scope) or MAX_UPLOAD_BYTES
        _check_length(size_bytes)
        async with _room_for(size_bytes):
            try:
                await self.app(scope, limited, answer.unless(lambda: limited.refusal))
            except Exception:
                if not limited.refusal:
                    raise
        if limited.refusal:
            raise limited.refusal


@asynccontextmanager
async def _room_for(size_bytes: int) -> AsyncIterator[None]:
    room = scratch.own().room_for(size_bytes)
    try:
        await asyncio.to_thread(room.__enter__)
    except SoundscapeError as error:
        raise Refused(507, str(error)) from None
    try:
        yield
    finally:
        await asyncio.to_thread(room.__exit__, None, None, None)


class _Answer:
    """Sends the answer, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False

    async def __call__(self, message: Message) -> None:
        self._has_begun = True
        await self._send(message)

    def unless(self, refused: Callable[[], Refused | None]) -> Send:
        """Return a `send` that drops the app's answer once the request is refused."""

        async def send(message: Message) -> None:
            if not refused():
                await self(message)

        return send

    async def refuse(self, refused: Refused) -> None:
        if self._has_begun:
            raise refused
        body = json.dumps({"detail": str(refused)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


class _Upload:
    """Passes the body of an upload to the app, up to the limits."""

    def __init__(self, receive: Receive, content_type: bytes) -> None:
        self.refusal: Refused | None = None
        self._receive = receive
        self._bytes = self._field_bytes = 0
        self._name = self._value = b""  # of the header that is being read
        self._is_file = False
        self._parser = self._parser_of(content_type)

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or self.refusal:
            return message
        try:
            self._count(message.get("body", b""))
        except Refused as refused:
            self.refusal = refused
            return {"type": "http.disconnect"}
        return message

    def _count(self, data: bytes) -> None:
        self._bytes += len(data)
        _check_length(self._bytes)
        try:
            if self._parser:
                self._parser.write(data)
        except MultipartParseError:
            self._parser = None  # the app fails at the same place and reports it

    def _parser_of(self, content_type: bytes) -> MultipartParser | None:
        """Return a parser that counts the bytes outside files, which the app keeps in memory."""
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            return None
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_name,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
            },
        )

    def _begin_part(self) -> None:
        self._name, self._value, self._is_file = b"", b"", False

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._count_field(end - start)

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._count_field(end - start)

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(self._value)[1]
        self._name = self._value = b""

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._count_field(end - start)

    def _count_field(self, count: int) -> None:
        self._field_bytes += count
        if self._field_bytes > MAX_FIELD_BYTES:
            raise Refused(413, "This upload has long fields besides its files. Send the files only.")


def _check_length(count: int) -> None:
    if count > MAX_UPLOAD_BYTES:
        raise Refused(413, f"The upload is too large. It may have at most {MAX_UPLOAD_BYTES // 1_000_000} MB.")


# Bodies other than uploads --------------------------------------------------------------------------------------------


async def _read(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body. Raises Refused if it is too long or the visitor disconnects."""
    if (_length(scope) or 0) > MAX_JSON_BYTES:
        raise Refused(413, TOO_LONG)
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


def _check_json(body: bytes) -> None:
    """Raise Refused if the body is not JSON in UTF-8, as the app reads it, or names a file that was not uploaded."""
    if not body:
        return
    try:
        data = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused(400, "The request must be JSON in UTF-8.") from None
    except RecursionError:
        raise Refused(400, "The request is nested too deeply.") from None
    except ValueError:
        raise Refused(400, "The request must be JSON in UTF-8.") from None
    for name in _named_files(data):
        if "://" in name:
            raise Refused(422, WEB_FILE)
        try:
            scratch.own().find(name)
        except SoundscapeError as error:
            raise Refused(422, str(error)) from None


def _named_files(data: Any) -> Iterator[str]:
    """Yield every `path` in the data. Gradio takes an object with a `path` for a file."""
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("path"), str):
                yield value["path"]
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


# Headers --------------------------------------------------------------------------------------------------------------


def _header(scope: Scope, name: bytes) -> bytes:
    """Return the first header of that name, the one that the app reads; b"" for none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


def _length(scope: Scope) -> int | None:
    """Return the content length that the request states, None if it states none."""
    stated = _header(scope, b"content-length")
    return int(stated) if stated.isdigit() else None


def _check_host(scope: Scope, hosts: frozenset[str] | None) -> None:
    """Raise Refused for an invalid or unknown host name. Other sites may make their names point to this machine."""
    named = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
    found = _HOST.fullmatch(named[0]) if len(named) == 1 else None
    if found is None:
        raise Refused(400, "The request must name one valid host.")
    if hosts is not None and found["name"].lower() not in hosts:
        words = "This app does not answer to this host name. To use it under this name, set ALLOWED_HOSTS."
        raise Refused(421, words)


def hosts_of(allowed: str, server_name: str, *, is_shared: bool) -> frozenset[str] | None:
    """Return the allowed host names, None for any.

    `allowed` is the setting ALLOWED_HOSTS. If it is empty and only this machine can reach the app, the names of this
    machine are allowed. That stops DNS rebinding, with which a page of another site could reach the app.
    """
    names = frozenset(name.strip().lower() for name in allowed.split(",") if name.strip())
    if "*" in names:
        return None
    if names:
        return names | LOCAL_NAMES
    is_local = server_name in ("", *LOCAL_NAMES - {"0.0.0.0"}, "::1")
    return LOCAL_NAMES if is_local and not is_shared else None
