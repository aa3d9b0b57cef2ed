"""The scratch folder: its owner, its size limit, and what is deleted first."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

import app
from pipeline.errors import SoundscapeError
from pipeline.page import scratch, visitors
from pipeline.page.scratch import Scratch

from ..support.page_server import RIVER, ROOT, finished, serve, uploaded, visitor

LONG_AGO_S = 2 * scratch.IN_USE_S
MB = 1_000_000


def put(own, name, size, age_s=0.0):
    path = own.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    for each in (path, *path.parents):
        if each != own.folder and own.folder in each.parents:
            os.utime(each, (time.time() - age_s,) * 2)
    return path


@pytest.fixture
def own(tmp_path):
    return Scratch(tmp_path, 10 * MB)


def test_the_oldest_that_is_not_in_use_makes_room(own):
    oldest = put(own, "visitors/a/1/soundscape/mix.wav", 4 * MB, 3 * LONG_AGO_S)
    older = put(own, "0123/photo.jpg", 3 * MB, 2 * LONG_AGO_S)
    young = put(own, "4567/photo.jpg", 2 * MB)
    with own.room_for(MB // 2):
        assert oldest.exists(), "there was room"
    with own.room_for(2 * MB):
        assert not oldest.exists() and older.exists() and young.exists()
    with pytest.raises(SoundscapeError, match="no room for more files"), own.room_for(9 * MB):
        pass
    assert older.exists(), "nothing is deleted in vain"
    with own.room_for(7 * MB):
        assert not older.exists() and young.exists(), "it is in use"


def test_reserved_room_counts(own):
    with own.room_for(6 * MB), pytest.raises(SoundscapeError), own.room_for(5 * MB):
        pass
    with own.room_for(6 * MB):
        pass
    with pytest.raises(ZeroDivisionError), own.room_for(9 * MB):
        _ = 1 / 0
    with own.room_for(9 * MB):
        pass


def test_entries_that_are_too_old_go_even_if_there_is_room(own):
    old = put(own, "visitors/a/1/soundscape.zip", 10, 2 * scratch.KEPT_S)
    left = put(own, "tmp_upload_that_broke_off", 10, 2 * scratch.KEPT_S)
    (own.visitors / "empty").mkdir()
    os.utime(own.visitors / "empty", (time.time() - 2 * scratch.KEPT_S,) * 2)
    with own.room_for(10):
        assert not old.exists() and not left.exists() and not (own.visitors / "empty").exists()


def test_tickets_of_waiting_jobs_are_never_chosen(own, monkeypatch):
    ticket = put(own, "visitors/a/1.ticket", 0, 2 * LONG_AGO_S)
    old = put(own, "0123/photo.jpg", 8 * MB, LONG_AGO_S)
    monkeypatch.setattr(scratch, "MAX_ENTRIES", 1)
    with own.room_for(8 * MB):
        assert ticket.exists() and not old.exists()


def test_what_can_never_fit_is_said_at_once(own):
    with pytest.raises(SoundscapeError, match="needs 11 MB, and the app has room for 10 MB"), own.room_for(11 * MB):
        pass
    with own.room_for(-5 * MB), pytest.raises(SoundscapeError), own.room_for(11 * MB):
        pass


def test_visitors_may_leave_while_others_ask_for_room(own):
    ends_at, visits = time.monotonic() + 1, []

    def come_and_go():
        while time.monotonic() < ends_at:
            put(own, "visitors/b/1/soundscape/stems/01.wav", 10)
            shutil.rmtree(own.visitors / "b")  # fails if somebody else deleted it
            visits.append(True)

    visitor = threading.Thread(target=come_and_go)
    visitor.start()
    while time.monotonic() < ends_at:
        with own.room_for(10):
            pass
    visitor.join()
    assert len(visits) > 5 and not (own.visitors / "b").exists(), "the visitor was not disturbed"


def test_a_visit_that_ends_leaves_no_folder(visitors_root):
    ticket = visitors.new_ticket("a")
    visitors.end_ticket(ticket)
    assert not list(visitors_root.iterdir())


def test_small_files_count_as_what_they_take_on_the_disk(own, monkeypatch):
    for number in range(1500):
        put(own, f"{number}/file", 5, LONG_AGO_S if number < 500 else 0)
    with pytest.raises(SoundscapeError), own.room_for(3 * MB):
        pass
    roomy = Scratch(own.folder, 1000 * MB)
    monkeypatch.setattr(scratch, "MAX_ENTRIES", 1200)
    with roomy.room_for(MB):
        assert len(list(own.folder.iterdir())) == 1200


def test_many_at_once_stay_below_the_limit(own):
    written, refused, most = [], [], []

    def write(number):
        try:
            with own.room_for(3 * MB):
                written.append(put(own, f"{number}/file", 3 * MB))
                most.append(sum(path.stat().st_size for path in own.folder.rglob("file")))
                time.sleep(0.05)
        except SoundscapeError:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 10 * MB and len(written) + len(refused) == 8
    assert len(written) in (2, 3), "a file that is being written may count twice, as file and as reserved room"


def test_every_write_of_the_app_asks_for_room(visitors_root, monkeypatch):
    def make():
        wishes = ["", 2, "7", False, 0, 0, "", 1, "", ""]
        return finished(app.on_make(None, RIVER, app.Origin(), None, visitor(), lambda *_, **__: None, *wishes))

    _, _, bundle, *_, folder = make()[:8]
    full = Scratch(visitors_root.parent, 1)
    monkeypatch.setattr(scratch, "own", lambda: full)
    shelf = SimpleNamespace(folder_of=lambda name: folder)
    open_shelf = app.open_from(shelf)
    for ask in (
        make,
        lambda: app.on_measure(folder, None),
        lambda: open_shelf(visitor(), SimpleNamespace(name="x")),
    ):
        with pytest.raises(app.gr.Error, match="has room for 0 MB"):
            ask()
    assert "has room for 0\u00a0MB" in app.on_open(uploaded(bundle), visitor())[0]


def test_results_are_served_from_where_they_lie(address, server_scratch, tmp_path):
    """Copies in the cache of Gradio would double the size of a result."""
    from gradio_client import Client

    client = Client(address, verbose=False, download_files=tmp_path)
    client.predict(RIVER, "", 2, 11, api_name="/render")
    mixes = list(server_scratch.rglob("mix.wav"))
    assert mixes and all("visitors" in path.parts for path in mixes)


# A full disk ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path, request):
    """A disk of 3 MB, or of as many as the test says, where the system lets us mount one."""
    disk = tmp_path / "gradio"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={getattr(request, 'param', 3)}m", "tmpfs", disk], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_ends_a_job_in_words_and_leaves_no_half_file(small_disk, monkeypatch):
    own = Scratch(small_disk, 1_000_000_000)
    own.visitors.mkdir()
    monkeypatch.setattr(scratch, "own", lambda: own)
    ticket = Path(app.begin(visitor())[0])
    wishes = ["", 20, "7", False, 0, 0, "", 1, "", ""]
    with pytest.raises(app.gr.Error, match="The disk of this machine is full"):
        made = app.on_make(None, RIVER, app.Origin(), ticket, visitor(), lambda *_, **__: None, *wishes)
        list(made)
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [ticket]
    assert shutil.disk_usage(small_disk).used < MB


@pytest.mark.parametrize("small_disk", [12], indirect=True)  # the app itself writes up to 4 MB at its start
def test_an_upload_to_a_full_disk_is_refused_in_words_and_deleted(small_disk, tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCH_GB", "1")
    with serve(tmp_path / "log.txt") as address:
        files = {"files": ("large.jpg", bytes(16 * MB))}
        answer = httpx.post(f"{address}/gradio_api/upload", files=files, timeout=60)
        assert answer.status_code == 507 and "disk of this machine is full" in answer.text
        small = httpx.post(f"{address}/gradio_api/upload", files={"files": ("small.jpg", b"x")}, timeout=60)
        assert small.status_code == 200, "the half file was deleted"
        assert max(path.stat().st_size for path in small_disk.rglob("*")) < 4 * MB


# Whose folder it is ---------------------------------------------------------------------------------------------------

START = """
import os, sys
from pipeline.page import scratch
own = scratch.own()
print(own.folder, oct(own.folder.stat().st_mode & 0o777), os.environ["GRADIO_TEMP_DIR"], flush=True)
if len(sys.argv) > 1: sys.stdin.readline(); os._exit(9)
"""


def start(base, *arguments):
    environment = os.environ | {"GRADIO_TEMP_DIR": str(base)}
    return subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_each_process_has_a_folder_of_its_own_that_ends_with_it(tmp_path):
    running = start(tmp_path, "wait")
    folder, mode, gradio = running.stdout.readline().split()
    assert mode == "0o700" and gradio == folder
    age(tmp_path)
    other = start(tmp_path)
    second = other.communicate()[0].split()[0]
    assert second != folder and not Path(second).exists(), "deleted at the end"
    assert Path(folder).exists(), "it belongs to a running process"
    running.communicate("end\n")  # without any chance to tidy up
    assert Path(folder).exists()
    age(tmp_path)
    start(tmp_path).communicate()
    assert not Path(folder).exists(), "deleted at the next start"


def test_folders_of_others_are_left_alone(tmp_path):
    """Such as the one that an archive of the code unpacks to."""
    names = ("image-to-soundscape-main", "image-to-soundscape-a1b2c3d4", "image-to-soundscape-b1b2c3d4")
    for name in names:
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "precious.txt").write_text("mine")
    (tmp_path / names[2] / ".lock").touch()
    (tmp_path / names[2]).chmod(0o755)
    age(tmp_path)
    start(tmp_path).communicate()
    assert all((tmp_path / name / "precious.txt").exists() for name in names)


def age(base):
    for folder in base.glob("image-to-soundscape-*"):
        os.utime(folder, (time.time() - 2 * scratch.YOUNG_S,) * 2)


def test_a_service_that_is_stopped_leaves_nothing(tmp_path):
    with serve(tmp_path / "log.txt") as address:
        assert httpx.get(f"{address}/config").status_code == 200
        assert list((tmp_path / "gradio").glob("image-to-soundscape-*"))
    assert not list((tmp_path / "gradio").glob("image-to-soundscape-*")), "SIGTERM ended it"


@pytest.mark.parametrize(("name", "value"), [("SCRATCH_GB", "x"), ("GRADIO_TEMP_DIR", "/dev/null/x")])
def test_a_wrong_setting_is_told_at_the_start(name, value):
    started = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | {name: value}, capture_output=True, text=True
    )
    assert started.returncode == 2 and "Traceback" not in started.stderr and "app.py: error: " in started.stderr


def test_the_limit_is_a_setting(monkeypatch, tmp_path):
    usage = type("Usage", (), {"free": 5_000_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert scratch._limit_bytes(tmp_path) == 500_000_000
    usage.free = 10**12
    assert scratch._limit_bytes(tmp_path) == 2_000_000_000
    monkeypatch.setenv("SCRATCH_GB", "0.5")
    assert scratch._limit_bytes(tmp_path) == 500_000_000
    for wrong in ("x", "-1", "0", "nan", "inf"):
        monkeypatch.setenv("SCRATCH_GB", wrong)
        with pytest.raises(SoundscapeError, match="SCRATCH_GB must be a number of gigabytes"):
            scratch._limit_bytes(tmp_path)


def test_the_visitors_lie_in_it(visitors_root):
    assert visitors.folder_of("a").parent == visitors_root == scratch.own().visitors
