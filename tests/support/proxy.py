"""A reverse proxy that serves an app below a path, as nginx with the settings of docs/spaces.md does."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from .page_server import free_port

METHODS = ["GET", "HEAD", "POST", "OPTIONS"]
OF_ONE_CONNECTION = ("connection", "transfer-encoding", "keep-alive")  # a proxy does not pass these on
START_LIMIT_S = 20


@contextmanager
def below(prefix: str, address: str) -> Iterator[tuple[str, list[str]]]:
    """Serve what is at `address` below `prefix`. Yield the new address, and the paths that were asked for elsewhere."""
    strays: list[str] = []
    client = httpx.AsyncClient(base_url=address, timeout=60, limits=httpx.Limits(max_connections=None))

    async def forward(request: Request) -> Response:
        path = request.url.path
        if not path.startswith(f"{prefix}/"):
            strays.append(path)
            return Response(status_code=404)
        target = path.removeprefix(prefix) + (f"?{request.url.query}" if request.url.query else "")
        asked = client.build_request(request.method, target, headers=request.headers.raw, content=request.stream())
        answer = await client.send(asked, stream=True)

        async def body() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    yield chunk
            finally:
                await answer.aclose()

        passed = {key: value for key, value in answer.headers.items() if key not in OF_ONE_CONNECTION}
        return StreamingResponse(body(), answer.status_code, passed)

    app = Starlette(routes=[Route("/{path:path}", forward, methods=METHODS)])
    config = uvicorn.Config(app, port=free_port(), log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + START_LIMIT_S
    while not server.started:
        assert time.monotonic() < end, "the proxy did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{config.port}{prefix}/", strays
    finally:
        server.should_exit = True
        thread.join(START_LIMIT_S)
