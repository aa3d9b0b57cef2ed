"""A local hub that serves folders as repositories, for the real download code."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c" * 40


@contextmanager
def serve(
    repositories: dict[str, Path], *, gated: tuple[str, ...] = (), refused: tuple[str, ...] = ()
) -> Iterator[str]:
    """Serve each folder as the repository "owner/name". Yield the address for HF_ENDPOINT.

    Repositories that are gated need a token. The tokens that are refused give no access to anything.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            info = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/[^?]+.*", self.path)
            tree = re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^?]+.*", self.path)
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self.path)
            name = (info or tree or file or ["", ""])[1]
            if self.headers.get("authorization", "").removeprefix("Bearer ") in refused:
                return self._send(b"{}", 401, {"X-Error-Message": "Invalid credentials in Authorization header"})
            if name not in repositories:
                return self._answer(404, error="RepoNotFound")
            if info:
                return self._answer(200, {"id": name, "modelId": name, "sha": COMMIT, "siblings": [], "tags": []})
            paths = [path for path in sorted(repositories[name].rglob("*")) if path.is_file()]
            if tree:
                return self._answer(200, [_entry(path, repositories[name]) for path in paths])
            if name in gated and "authorization" not in self.headers:
                return self._answer(403, error="GatedRepo")
            path = repositories[name] / file[2]
            return self._send(path.read_bytes()) if path in paths else self._answer(404, error="EntryNotFound")

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, status: int, body: object = None, *, error: str = "") -> None:
            body = {"error": error} if error else body
            self._send(json.dumps(body).encode(), status, {"X-Error-Code": error} if error else {})

        def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            tag = hashlib.sha256(body).hexdigest()
            sent = {"Content-Length": str(len(body)), "ETag": f'"{tag}"', "X-Repo-Commit": COMMIT} | (headers or {})
            for key, value in sent.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _entry(path: Path, root: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {
        "type": "file",
        "path": path.relative_to(root).as_posix(),
        "size": len(content),
        "oid": hashlib.sha1(content).hexdigest(),
    }
