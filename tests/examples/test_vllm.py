"""The recipe for vLLM, against a server that answers in its form: documents land where --skip-vlm finds them."""

import base64
import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from pipeline.batch.run import in_this_process
from pipeline.batch.stage import Plan
from pipeline.batch.tasks import find_tasks
from pipeline.soundscape import Soundscape

ROOT = Path(__file__).parents[2]
SOURCE = {
    "name": "river",
    "material": "water",
    "action": "rushing",
    "timbre": ["bright"],
    "role": "bed",
    "evidence": "visible",
    "bbox_2d": [0, 0, 28, 28],
    "distance_m": 5,
    "confidence": 0.9,
}
ANSWER = json.dumps({"scene": "A river.", "mood": "calm", "space": "forest", "sources": [SOURCE]})


class Server(BaseHTTPRequestHandler):
    """Answers chat completions. The first answer for a wide picture is cut off, that for a square one is in a fence.

    A tiny picture gets an answer that ends too early, and a tall one is refused.
    """

    asked: list[dict] = []  # noqa: RUF012  one server, one test

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        image, text = body["messages"][0]["content"]
        picture = Image.open(io.BytesIO(base64.b64decode(image["image_url"]["url"].partition(",")[2])))
        schema = body["response_format"]["json_schema"]["schema"]
        self.asked.append({"size": picture.size, "text": text["text"], "schema": schema})
        is_first = [each["size"] for each in self.asked].count(picture.size) == 1
        is_cut = picture.width > picture.height and is_first
        text = ANSWER[:50] if is_cut or picture.width == 28 else ANSWER
        if picture.width == picture.height > 28:
            text = f"Here is the description:\n```json\n{text}\n```\nLet me know if you need more."
        choice = {"message": {"content": text}, "finish_reason": "length" if is_cut else "stop"}
        data = json.dumps({"choices": [choice]}).encode()
        self.send_response(400 if picture.height > picture.width else 200)
        self.end_headers()
        self.wfile.write(b"out of memory" if picture.height > picture.width else data)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server():
    Server.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()


def describe(pictures: Path, out: Path, server: str) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-m",
        "examples.describe_with_vllm",
        str(pictures),
        "--out",
        str(out),
        "--server",
        server,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_documents_of_a_server_are_sounded(server, tmp_path):
    for name, size in (
        ("a/wide.jpg", (1500, 900)),
        ("a/square.jpg", (90, 90)),
        ("tall.png", (60, 300)),
        ("tiny.png", (30, 30)),
    ):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "teal").save(tmp_path / "in" / name)
    ended = describe(tmp_path / "in", tmp_path / "out", server)
    assert ended.returncode == 1
    assert "tall.png: the server answered 400: out of memory" in ended.stderr
    assert "tiny.png: The model ended its answer before the JSON was complete." in ended.stderr
    wide, square = (
        Soundscape.from_json((tmp_path / f"out/a/{name}/soundscape.json").read_text()) for name in ("wide", "square")
    )
    assert wide.sources[0].name == square.sources[0].name == "river"
    assert square.sources[0].box == (0, 0, 0.3333, 0.3333), "three squares of 28 pixels"
    for each in Server.asked:
        assert each["size"][0] % 28 == each["size"][1] % 28 == 0
        assert each["size"][0] * each["size"][1] <= 640 * 28 * 28
        assert f"{each['size'][0]} pixels wide" in each["text"]
        limits = each["schema"]["properties"]["sources"]["items"]["properties"]["bbox_2d"]["anyOf"][0]["prefixItems"]
        assert limits[0]["maximum"] == each["size"][0]

    asked = len(Server.asked)
    describe(tmp_path / "in", tmp_path / "out", server)
    assert len(Server.asked) == asked + 2, "only those that failed are asked for again"

    plan = Plan(tmp_path / "out", audio="procedural", duration_s=2, skip_vlm=True)
    rows = {row["name"]: row for row in in_this_process(find_tasks([tmp_path / "in"], plan.out), plan)}
    assert "error" not in rows["a/wide"]
    assert Path(rows["a/square"]["mix"]).is_file()
    assert "Run without --skip-vlm" in rows["tall"]["error"]
