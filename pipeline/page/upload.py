"""The body of an upload: files up to limits on their number, their size together, and everything besides them."""

import asyncio
from contextlib import ExitStack
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..errors import SoundscapeError
from . import scratch
from .json_body import TOO_SLOW
from .refusals import Message, Receive, Refused, Scope, header, length

MAX_UPLOAD_BYTES = 200_000_000  # all files of one request: those of a result folder
MAX_FILES = 40  # of one request; a result has 15
MAX_FIELD_BYTES = 64_000  # all fields of an upload that are not files, with the headers of all parts
STEP_BYTES = 8_000_000  # room is reserved as the bytes arrive
READ_WITHIN_S = 600  # the whole body


class Upload:
    """Passes the body of an upload to the app, up to the limits.

    Use it as an asynchronous context: the room that it reserves is kept until the app has written the files. Beyond a
    limit, the app is told that the visitor disconnected, and `refusal` says why.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.refusal: Refused | None = None
        self._receive = receive
        self._rooms = ExitStack()
        self._ends_at = asyncio.get_running_loop().time() + READ_WITHIN_S
        self._bytes = self._reserved_bytes = self._field_bytes = self._files = 0
        self._name = self._value = b""  # of the header that is being read
        self._is_file = False
        _check_length(length(scope) or 0)
        self._parser = self._parser_of(header(scope, b"content-type"))

    async def __aenter__(self) -> "Upload":
        self._rooms.enter_context(scratch.own().upload())
        return self

    async def __aexit__(self, *error: Any) -> None:
        await asyncio.to_thread(self._rooms.close)

    async def __call__(self) -> Message:
        if self.refusal:
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout_at(self._ends_at):
                message = await self._receive()
            if message["type"] == "http.request":
                await self._count(message.get("body", b""))
            return message
        except TimeoutError:
            self.refusal = Refused(408, TOO_SLOW)
        except Refused as refused:
            self.refusal = refused
        return {"type": "http.disconnect"}

    async def _count(self, data: bytes) -> None:
        self._bytes += len(data)
        _check_length(self._bytes)
        while self._bytes > self._reserved_bytes:
            await self._reserve()
        try:
            if self._parser:
                self._parser.write(data)
        except MultipartParseError:
            self._parser = None  # the app's own parser fails here too and answers

    async def _reserve(self) -> None:
        room = scratch.own().room_for(STEP_BYTES)
        try:
            await asyncio.to_thread(room.__enter__)
        except SoundscapeError as error:
            raise Refused(507, str(error)) from None
        self._rooms.push(room.__exit__)
        self._reserved_bytes += STEP_BYTES

    def _parser_of(self, content_type: bytes) -> MultipartParser | None:
        """Return a parser that counts files, and the bytes outside them, which the app keeps in memory."""
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
            self._files += self._is_file
            if self._files > MAX_FILES:
                raise Refused(413, f"An upload may have at most {MAX_FILES} files.")
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
