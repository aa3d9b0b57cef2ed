"""What a request may name and cost, tested on the running app and on the guard alone."""

import asyncio
import errno
import json
import os
from types import SimpleNamespace

import httpx
import pytest
from PIL import Image

import app
from pipeline.page import headers, json_body, scratch
from pipeline.page import upload as uploads
from pipeline.page.guard import Guard, hosts_of

from ..support.page_server import ROOT, visitor

META = {"meta": {"_type": "gradio.FileData"}}


@pytest.fixture
def photo(tmp_path):
    """A photograph on the server that nobody uploaded."""
    path = tmp_path / "private.jpg"
    Image.new("RGB", (60, 40), (200, 30, 30)).save(path)
    return path


def post(address, route, body, **options):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = options.pop("headers", {"content-type": "application/json"})
    return httpx.post(f"{address}/gradio_api/{route}", content=content, headers=headers, timeout=30, **options)


def upload(address, path):
    (there,) = httpx.post(f"{address}/gradio_api/upload", files={"files": path.open("rb")}).json()
    return there


# Files that a request names -------------------------------------------------------------------------------------------


def test_no_end_point_reads_a_file_that_was_not_uploaded(address, photo, server_scratch):
    """Public and private end points, with each of their components, by each of Gradio's routes for data."""
    link = server_scratch / "link.jpg"
    link.symlink_to(photo)
    (server_scratch / "folder").mkdir()
    os.mkfifo(server_scratch / "pipe")
    inside = [str(server_scratch / name) for name in ("link.jpg", "folder", "pipe", "missing.jpg", "../../x.jpg", ".")]
    names = [
        str(photo),
        f"{photo}.missing",
        "/dev/zero",
        "/etc/passwd",
        "app.py",
        "~",
        "",
        "\0",
        str(server_scratch / ".lock"),
        *inside,
    ]
    config = httpx.get(f"{address}/config").json()
    called = [(each["id"], len(each["inputs"])) for each in config["dependencies"]]
    assert len(called) > 20
    answers = set()
    for name in names:
        for file in ({"path": name}, {"path": name} | META, {"path": name, "url": "x", "meta": None}):
            for number, count in called if name == str(photo) else called[:3]:
                body = {"data": [[file]] * count, "fn_index": number, "session_hash": "s", "event_data": file}
                answers.add((post(address, "queue/join", body).status_code, post(address, "queue/join", body).text))
            for route in (
                "call/image_to_soundscape",
                "call/on_hear",
                "api/describe",
                "run/on_upload",
                "call/v2/describe",
            ):
                answer = post(address, route, {"data": [file, "", "", 2, 1], "picture": file})
                answers.add((answer.status_code, answer.text))
    assert answers == {(422, json.dumps({"detail": scratch.NOT_HERE}))}, "one answer, whatever the name"


def test_what_was_uploaded_is_read(address, photo):
    there = upload(address, photo)
    answer = post(address, "call/describe", {"data": [{"path": there}, ""]})
    assert answer.status_code == 200, answer.text + there
    event = answer.json()["event_id"]
    assert "event: complete" in httpx.get(f"{address}/gradio_api/call/describe/{event}", timeout=30).text


def test_a_component_hands_over_uploads_only_whoever_asks(visitors_root, photo):
    """The second line of defence, for requests that the guard does not see."""
    demo = app.create_demo()
    takers = [each for each in demo.blocks.values() if isinstance(each, app.gr.Image | app.gr.File)]
    taken = [each for each in takers if any(each in fn.inputs for fn in demo.fns.values())]
    assert len(taken) == 2
    for component in taken:
        payload = component.data_model.model_validate({"path": str(photo)} | META)
        with pytest.raises(app.gr.Error, match="Upload it"):
            component.preprocess(payload)
    with pytest.raises(app.gr.Error, match="Upload it"):
        app.on_picture(SimpleNamespace(path=str(photo)))
    assert "Upload it" in app.on_open(SimpleNamespace(paths=[str(photo)]), visitor())[0]


def test_files_of_other_sites_are_never_fetched(address):
    body = {"data": [{"path": "http://127.0.0.1:9/a.jpg"} | META, ""]}
    escaped = json.dumps(body).replace("http", "\\u0068ttp").encode()
    for content in (json.dumps(body).encode(), escaped):
        for route in ("call/describe", "queue/join", "api/describe", "run/describe"):
            answer = post(address, route, content)
            assert answer.status_code == 422 and "Upload the file" in answer.text
    twice = [("content-type", "application/json"), ("content-type", "multipart/form-data; boundary=x")]
    assert post(address, "call/describe", body, headers=twice).status_code == 422
    for way in ("file=http://127.0.0.1:9/a", "file/http://127.0.0.1:9/a", "file=HTTPS://127.0.0.1:9/a"):
        assert httpx.get(f"{address}/gradio_api/{way}").status_code == 403


@pytest.mark.parametrize("path", ["/etc/passwd", str(ROOT / "app.py"), str(ROOT / "pipeline" / "job.py"), "../app.py"])
def test_files_of_the_server_are_not_served(address, path):
    assert httpx.get(f"{address}/gradio_api/file={path}").status_code in (403, 404)


# What a request may cost ----------------------------------------------------------------------------------------------


def test_bodies_are_read_as_the_app_reads_them(address, photo):
    body = json.dumps({"data": [{"path": str(photo)}, ""]})
    for code in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        answer = post(address, "call/describe", body.encode(code))
        assert answer.status_code == 400 and "UTF-8" in answer.text
    assert post(address, "call/describe", b"data=1").status_code == 400
    assert "nested too deeply" in post(address, "call/describe", b"[" * 100_000).text
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    assert post(address, "call/describe", body.encode(), headers=multipart).status_code == 422
    assert post(address, "process_recording", b"--x\r\n", headers=multipart).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"data": [' + ",".join(["[[]]"] * 1000) + "]}", 413),
        ('{"data": ' + "[" * 30 + "]" * 30 + "}", 400),
        ('{"data": [NaN]}', 400),
        ('{"data": ["\\ud800"]}', 400),
        ('{"data": [], "session_hash": "' + "x" * 100 + '"}', 400),
        ('{"data": [], "session_hash": "../x"}', 400),
        ('{"data": [], "event_id": 7}', 400),
    ],
)
def test_bodies_have_a_shape_that_costs_little(address, body, status):
    for route in ("queue/join", "call/render", "component_server"):
        assert post(address, route, body.encode()).status_code == status


def test_ids_and_addresses_are_short(address):
    assert httpx.get(f"{address}/gradio_api/upload_progress?upload_id={'x' * 100}").status_code == 400
    assert httpx.get(f"{address}/gradio_api/queue/data?session_hash=a%20b").status_code == 400
    assert httpx.get(f"{address}/gradio_api/heartbeat/{'x' * 100}").status_code == 400
    assert httpx.get(f"{address}/?x={'x' * 5000}").status_code == 414


UNUSED = [
    "gradio_api/deep_link?session_hash=x",
    "gradio_api/proxy=http://127.0.0.1:9",
    "monitoring",
    "monitoring/summary",
]
UNUSED += ["gradio_api/custom_component/1/a/b/c", "gradio_api/dev/reload", "gradio_api/stream/a/1/1/playlist.m3u8"]


@pytest.mark.parametrize("path", UNUSED)
def test_routes_that_the_app_does_not_use_are_closed(address, path):
    answer = httpx.get(f"{address}/{path}")
    assert answer.status_code == 404 and "no such page" in answer.text


def test_no_program_passes_the_queue_by(address):
    for route in ("run/render", "api/render"):
        assert post(address, route, {"data": ["", "", 2, 1]}).status_code == 404


@pytest.mark.parametrize("route", ["run/none", "call/none", "call/v2/none"])
def test_an_unknown_end_point_is_answered_in_words(address, route):
    answer = post(address, route, {"data": []})
    assert answer.status_code >= 400 and answer.json()["detail"]


def streamed(count):
    for _ in range(count):
        yield bytes(100_000)


def test_long_bodies_are_refused_while_they_stream_in(address):
    for content_type in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        answer = httpx.post(
            f"{address}/gradio_api/call/render", content=streamed(3000), headers={"content-type": content_type}
        )
        assert answer.status_code == 413
    assert post(address, "call/render", {"data": ["x" * 1_100_000]}).status_code == 413


def test_an_upload_holds_files_and_no_long_fields(address, server_folder):
    log = server_folder / "log.txt"
    before = log.stat().st_size
    field = {"files": (None, "x" * 100_000)}
    disguised = (
        b"--x\r\nContent-Disposition-Not: form-data; filename=a\r\nContent-Disposition: form-data; name=files\r\n\r\n"
        + b"x" * 100_000
        + b"\r\n--x--\r\n"
    )
    answers = [httpx.post(f"{address}/gradio_api/upload", files=field)]
    answers.append(post(address, "upload", disguised, headers={"content-type": "multipart/form-data; boundary=x"}))
    assert [(each.status_code, "long fields" in each.text) for each in answers] == [(413, True)] * 2
    assert b"Traceback" not in log.read_bytes()[before:]


def test_an_upload_has_few_files(address):
    files = [("files", (f"{number}.txt", b"x")) for number in range(uploads.MAX_FILES + 1)]
    answer = httpx.post(f"{address}/gradio_api/upload", files=files)
    assert answer.status_code == 413 and "at most 40 files" in answer.text
    assert httpx.post(f"{address}/gradio_api/upload", files=files[1:]).status_code == 200


def test_an_upload_has_a_limit_in_all(address):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%d.bin"\r\n\r\n'

    def parts():
        for number in range(5):
            yield head % number
            for _ in range(450):
                yield bytes(100_000)
            yield b"\r\n"

    multipart = {"content-type": "multipart/form-data; boundary=x"}
    answer = httpx.post(f"{address}/gradio_api/upload", content=parts(), headers=multipart, timeout=60)
    assert answer.status_code == 413 and "200 MB" in answer.text


# The guard alone ------------------------------------------------------------------------------------------------------


def ask(inner, hosts=None, path="/gradio_api/call/x", body=b"{}", host=b"localhost:7860", prefix="", **headers):
    """Send a request through the guard to the app `inner`. Return the status and the text of the answer."""
    sent = []
    named = [(b"host", host)] if host is not None else []
    named += [(name.replace("_", "-").encode(), value) for name, value in headers.items()]

    async def receive():
        if body is None:  # nothing arrives
            await asyncio.sleep(60)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "root_path": prefix, "headers": named}
    asyncio.run(Guard(inner, hosts)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


async def well(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})


@pytest.mark.parametrize("host", [None, b"", b"a b", b"a/b", b"a@b", b"a:b", b"\xff", b"<script>"])
def test_what_is_no_host_is_refused(host):
    assert ask(well, host=host)[0] == 400


@pytest.mark.parametrize(
    ("allowed", "server", "is_shared", "answers"),
    [
        ("", "", False, {"localhost": 200, "127.0.0.1": 200, "[::1]": 200, "evil.example": 421}),
        ("", "127.0.0.1", True, {"abc.gradio.live": 200}),
        ("", "0.0.0.0", False, {"localhost": 200, "192.168.1.5": 200, "me.example": 200}),
        ("sounds.example, b.example", "0.0.0.0", False, {"SOUNDS.example": 200, "localhost": 200, "evil.example": 421}),
        ("*", "127.0.0.1", False, {"any.example": 200}),
    ],
)
def test_the_app_answers_to_its_own_names(allowed, server, is_shared, answers):
    hosts = hosts_of(allowed, server, is_shared=is_shared)
    assert {name: ask(well, hosts, host=f"{name}:7860".encode())[0] for name in answers} == answers


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_words(number):
    async def full(scope, receive, send):
        raise OSError(number, "no space")

    status, body = ask(full)
    assert status == 507 and json.loads(body)["detail"].startswith("The disk of this machine is full.")


def test_an_upload_that_has_no_room_is_refused(visitors_root, monkeypatch):
    own = scratch.Scratch(visitors_root.parent, 2 * uploads.STEP_BYTES - 1)
    monkeypatch.setattr(scratch, "own", lambda: own)
    assert ask(well, path="/gradio_api/upload")[0] == 200
    with own.room_for(uploads.STEP_BYTES):
        status, text = ask(well, path="/gradio_api/upload")
    assert status == 507 and "no room" in text
    assert ask(well, path="/gradio_api/upload")[0] == 200, "the room is free again"
    assert ask(well, path="/gradio_api/upload", content_length=b"300000000")[0] == 413


def test_an_upload_without_bytes_reserves_nothing_and_ends(visitors_root, monkeypatch):
    monkeypatch.setattr(scratch, "own", lambda: scratch.Scratch(visitors_root.parent, 1))
    for module in (uploads, json_body):
        monkeypatch.setattr(module, "READ_WITHIN_S", 0.05)
    for path in ("/gradio_api/upload", "/gradio_api/call/x"):
        assert ask(well, path=path, body=None, content_length=b"100000000" if "upload" in path else b"9")[0] == 408


@pytest.mark.parametrize("site", ["https://evil.example", "null", "http://localhost.evil.example", "http://a@b", "x:["])
def test_pages_of_other_sites_may_not_use_a_local_app(site):
    local = hosts_of("", "", is_shared=False)
    assert ask(well, local, origin=site.encode())[0] == 403
    assert ask(well, local, sec_fetch_site=b"cross-site")[0] == 403
    assert ask(well, local, origin=b"http://localhost:7860", sec_fetch_site=b"same-origin")[0] == 200
    assert ask(well, None, origin=site.encode())[0] == 200, "a public app may be embedded"


@pytest.mark.parametrize("forwarded", [b"evil.example", b"a:b:c", b"localhost, evil.example", b"\x01"])
def test_forwarded_hosts_are_checked_too(forwarded):
    assert ask(well, hosts_of("", "", is_shared=False), x_forwarded_host=forwarded)[0] in (400, 421)
    assert ask(well, x_forwarded_proto=b"javascript")[0] == 400
    assert ask(well, None, x_forwarded_host=b"me.example", x_forwarded_proto=b"https, http")[0] == 200
    assert ask(well, None, x_gradio_server=b"http://evil.example")[0] == 400


def test_an_unexpected_error_is_an_answer_in_words(caplog):
    async def broken(scope, receive, send):
        raise RuntimeError("/home/secret")

    status, text = ask(broken)
    number = json.loads(text)["detail"].split("report error ")[1].rstrip(".")
    assert status == 500 and "secret" not in text and number in caplog.text


def test_behind_a_prefix_the_paths_are_the_same(visitors_root):
    assert ask(well, path="/prefix/gradio_api/upload", body=b"no JSON", prefix="/prefix")[0] == 200
    assert ask(well, path="/other/gradio_api/upload", body=b"no JSON", prefix="/prefix")[0] == 400


# Headers --------------------------------------------------------------------------------------------------------------


def test_every_answer_keeps_the_page_to_its_own_site(address):
    for path in ("/", "/gradio_api/info", "/gradio_api/deep_link", "/gradio_api/file=/etc/passwd"):
        answer = httpx.get(address + path)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
        assert policy["frame-ancestors"] == "'self' https://huggingface.co"
        others = " ".join(words for name, words in policy.items() if name != "frame-ancestors")
        assert "http" not in others and "*" not in others, "no other site"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=(self)" in answer.headers["permissions-policy"]


def test_a_header_that_the_app_sets_is_kept():
    begin = {"type": "http.response.start", "status": 200, "headers": [(b"Referrer-Policy", b"no-referrer")]}
    given = headers.add(begin)["headers"]
    assert [value for name, value in given if name.lower() == b"referrer-policy"] == [b"no-referrer"]
    assert len(given) == len(headers.HEADERS)
    body = {"type": "http.response.body", "body": b"a"}
    assert headers.add(body) == body
