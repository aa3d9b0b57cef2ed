"""The snippets of Python and of the API run, the latter through a proxy that serves the app below a path."""

import http.client
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.docs.pages import PAGES, blocks
from tests.support.page_server import serve

PREFIX = "/soundscape"
SHOWN = "http://127.0.0.1:7860"
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


def snippets(*, api: bool) -> list[str]:
    pages = (page for page in PAGES if page != "docs/adding-a-model.md")  # which has a test to itself
    return [block for page in pages for block in blocks(page, "python") if ("gradio_client" in block) == api]


@pytest.fixture
def photo(tmp_path, monkeypatch):
    Image.new("RGB", (60, 40), (40, 120, 40)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("snippet", snippets(api=False))
def test_the_python_snippet_runs(snippet, photo):
    names = {}
    exec(snippet, names)
    assert names["clip"].samples.shape == (2, 441000) and names["clip"].sample_rate == 44100
    assert names["result"].mix_path.is_file()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the proxy serves the app, which was started as docs/spaces.md says."""
    folder = tmp_path_factory.mktemp("proxied")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        with serve(folder / "log.txt") as app, ThreadingHTTPServer(("127.0.0.1", 0), proxy_to(app)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
            server.shutdown()


def proxy_to(app: str) -> type[BaseHTTPRequestHandler]:
    """Return a handler that does what the block for nginx does: it removes the prefix and buffers nothing."""

    class Proxy(BaseHTTPRequestHandler):
        def forward(self) -> None:
            if not self.path.startswith(f"{PREFIX}/") and self.path != PREFIX:
                self.send_error(404)
                return
            upstream = http.client.HTTPConnection(urlsplit(app).netloc, timeout=60)
            headers = dict(self.headers) | {"X-Forwarded-Proto": "http"}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream.request(self.command, self.path.removeprefix(PREFIX) or "/", body, headers)
            answer = upstream.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(http.client.IncompleteRead, ConnectionError):  # one of both sides has gone
                while part := answer.read1():
                    self.wfile.write(part)
                    self.wfile.flush()

        do_GET = do_POST = do_HEAD = forward  # noqa: N815

        def log_message(self, *_) -> None:
            pass

    return Proxy


@pytest.mark.parametrize("snippet", snippets(api=True))
def test_the_snippet_of_the_api_runs_through_a_proxy_below_a_path(snippet, photo, address):
    assert SHOWN in snippet
    names = {}
    exec(snippet.replace(SHOWN, address), names)
    assert Path(names["mix_path"]).is_file() and Path(names["bundle_path"]).is_file()
    assert names["report"]["seed"] == 7
