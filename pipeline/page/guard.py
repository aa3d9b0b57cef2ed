"""ASGI middleware: what no visitor needs to send is refused before the app reads it.

Gradio limits uploads, but neither the size of JSON bodies nor what they point to: it would fetch any URL that stands in
place of a file.
"""

import json
from typing import Any

MAX_JSON_BYTES = 1_000_000  # a soundscape has at most 64 KB, some 400 KB once escaped twice


class Guard:
    """Refuse long JSON bodies, and files that are given as web addresses."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and "file=http" in scope["path"].lower():
            await _refuse(send, 403, "Files of other sites are not fetched.")
            return
        if scope["type"] != "http" or not _is_json(scope):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            await _refuse(send, 413, "The request is longer than 1 MB.")
        elif _names_a_web_file(body):
            await _refuse(send, 422, "Files given as web addresses are not fetched. Upload the file.")
        else:
            await self.app(scope, _replay(body, receive), send)


def _is_json(scope: dict) -> bool:
    """True for every body that Gradio might read as JSON; uploads are multipart and have their own limit."""
    if scope["method"] not in ("POST", "PUT", "PATCH"):
        return False
    types = [value.lower() for name, value in scope["headers"] if name == b"content-type"]
    # All of them: of a header that is sent twice, the app reads the first.
    return not types or not all(each.startswith(b"multipart/form-data") for each in types)


async def _read(receive: Any) -> bytes | None:
    """Return the whole body, or None when it is too long or the visitor has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_JSON_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _names_a_web_file(body: bytes) -> bool:
    if b"path" not in body and b"\\u" not in body:
        return False
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return False  # the app answers it with its own error
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and "://" in path:
                return True
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return False


def _replay(body: bytes, receive: Any) -> Any:
    sent = False

    async def again() -> dict:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Any, status: int, words: str) -> None:
    body = json.dumps({"detail": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
