"""What the guard and its checks share: the refusal of a request, and the types of ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

NO_CALL = 'The request must be a JSON object with the arguments in a list: {"data": [...]}.'


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


def handlers() -> dict[type[Exception], Callable[..., Any]]:
    """Return what answers requests that do not have the form of a call, by the error that Gradio raises for them."""
    from fastapi.exceptions import RequestValidationError
    from starlette.responses import JSONResponse

    def no_call(request: Any, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": NO_CALL}, 422)

    def no_such_arguments(request: Any, error: Exception) -> JSONResponse:
        if "/call/v2/" not in request.url.path:
            raise error
        return JSONResponse({"detail": f"{str(error).partition(' Please click')[0].rstrip('.')}."}, 422)

    return {RequestValidationError: no_call, TypeError: no_such_arguments}
