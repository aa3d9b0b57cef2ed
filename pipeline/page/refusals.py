"""What the guard and its checks share: the refusal of a request, and the types of ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """A request is refused. Holds the status and the message of the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def header(scope: Scope, name: bytes) -> bytes:
    """Return the first header of that name, the one that the app reads; b"" for none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


def length(scope: Scope) -> int | None:
    """Return the content length that the request states, None if it states none."""
    stated = header(scope, b"content-length")
    return int(stated) if stated.isdigit() else None
