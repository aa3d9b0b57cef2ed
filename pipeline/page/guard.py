"""ASGI middleware that refuses harmful requests before the app reads them.

Gradio limits only the size of uploaded files. It reads other bodies of any size and shape, opens files that a request
names, fetches web addresses, and has routes that this app does not use. The guard limits every body while it streams
in, lets a request name uploaded files only, and answers every failure in words. Its headers tell the browser that the
page loads nothing from other sites.
"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect

from ..files import is_full_disk
from . import headers
from .failures import words_for
from .json_body import IDS, WEB_FILE, check_id, check_json, read_body, replay
from .refusals import Message, Receive, Refused, Scope, Send, header
from .upload import Upload

READING = ("GET", "HEAD", "OPTIONS")  # methods without a body
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})
MAX_QUERY_BYTES = 4000

_UPLOAD = re.compile(r"(/gradio_api)?/upload/?")
_WEB_FILE = re.compile(r"/file[=/]\s*https?:", re.IGNORECASE)
# Routes of Gradio that this app does not use: they write files, proxy, edit code, or tell how the app is used.
_UNUSED = re.compile(
    r"(/gradio_api)?/(deep_link|dev|run-history|runs|process_recording|vibe|undo-vibe|custom_component|proxy=|stream)"
    r"|(/gradio_api)?/monitoring",
    re.IGNORECASE,
)
_HEARTBEAT = re.compile(r"(/gradio_api)?/heartbeat/(?P<session>.*)", re.DOTALL)
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)


class Guard:
    """Checks each request. `hosts` are the allowed host names; None allows any."""

    def __init__(self, app: Any, hosts: frozenset[str] | None = None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, is_for_python=header(scope, b"user-agent").startswith(b"gradio_client"))
        try:
            _check_hosts(scope, self.hosts)
            _check_origin(scope, self.hosts)
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            _check_address(path, scope.get("query_string", b""))
            if scope["method"] in READING:
                await self.app(scope, receive, answer)
            elif _UPLOAD.fullmatch(path):
                await self._upload(scope, receive, answer)
            else:
                body = await read_body(scope, receive)
                await asyncio.to_thread(check_json, body)
                await self.app(scope, replay(body, receive), answer)
        except ClientDisconnect:
            pass
        except Refused as refused:
            await answer.refuse(refused)
        except Exception as error:
            if answer.has_begun:
                raise
            await answer.refuse(Refused(507 if is_full_disk(error) else 500, words_for(error)))

    async def _upload(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        async with Upload(scope, receive) as body:
            try:
                await self.app(scope, body, answer.unless(lambda: body.refusal))
            except Exception:
                if not body.refusal:
                    raise
        if body.refusal:
            raise body.refusal


class _Answer:
    """Sends the answer, and knows whether it has begun.

    The Python client of Gradio shows only the refusals of single values, so that refusals have this form for it.
    """

    def __init__(self, send: Send, *, is_for_python: bool = False) -> None:
        self._send = send
        self._is_for_python = is_for_python
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        await self._send(headers.add(message))

    def unless(self, refused: Callable[[], Refused | None]) -> Send:
        """Return a `send` that drops the app's answer once the request is refused."""

        async def send(message: Message) -> None:
            if not refused():
                await self(message)

        return send

    async def refuse(self, refused: Refused) -> None:
        if self.has_begun:
            raise refused
        status, detail = refused.status, cast(Any, str(refused))
        if self._is_for_python:
            status, detail = 422, [{"__type__": "validate", "is_valid": False, "message": str(refused)}]
        body = json.dumps({"detail": detail}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


# Addresses ------------------------------------------------------------------------------------------------------------


def _check_address(path: str, query: bytes) -> None:
    """Raise Refused for unused routes, files of other sites, and ids that are no short words."""
    if _UNUSED.match(path):
        raise Refused(404, "There is no such page.")
    if _WEB_FILE.search(path):
        raise Refused(403, WEB_FILE)
    if len(query) > MAX_QUERY_BYTES:
        raise Refused(414, "The address is too long.")
    for name, value in parse_qsl(query.decode("latin-1")):
        if name in IDS:
            check_id(value)
    if heartbeat := _HEARTBEAT.fullmatch(path):
        check_id(heartbeat["session"])


# Hosts ----------------------------------------------------------------------------------------------------------------


def _check_hosts(scope: Scope, hosts: frozenset[str] | None) -> None:
    """Raise Refused for invalid and unknown host names. Other sites may make their names point to this machine."""
    named = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
    if len(named) != 1:
        raise Refused(400, "The request must name one valid host.")
    forwarded = header(scope, b"x-forwarded-host").decode("latin-1")  # Gradio builds its addresses from it
    for each in [*named, *(part.strip() for part in forwarded.split(",") if forwarded)]:
        _check_host(each, hosts)
    protocols = {each.strip() for each in header(scope, b"x-forwarded-proto").split(b",")}  # one per proxy
    if not protocols <= {b"", b"http", b"https"} or header(scope, b"x-gradio-server"):
        raise Refused(400, "The request must come by http or https, straight or through proxies.")


def _check_host(host: str, hosts: frozenset[str] | None) -> None:
    found = _HOST.fullmatch(host)
    if found is None:
        raise Refused(400, "The request must name one valid host.")
    if hosts is not None and found["name"].lower() not in hosts:
        words = "This app does not answer to this host name. To use it under this name, set ALLOWED_HOSTS."
        raise Refused(421, words)


def _check_origin(scope: Scope, hosts: frozenset[str] | None) -> None:
    """Raise Refused if a page of another site asks an app with known names. Following a link to the page is allowed."""
    origin = header(scope, b"origin").decode("latin-1")
    if hosts is None or (not origin and scope["method"] in READING):
        return
    if header(scope, b"sec-fetch-site") == b"cross-site" or (origin and _name_in(origin) not in hosts):
        raise Refused(403, "This app does not answer to pages of other sites.")


def _name_in(origin: str) -> str:
    try:
        found = _HOST.fullmatch(urlsplit(origin).netloc)
    except ValueError:
        return ""
    return found["name"].lower() if found else ""


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
