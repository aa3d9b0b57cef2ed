"""The scratch folder: its owner, its size limit, and what is deleted first."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import app
from pipeline.errors import SoundscapeError
from pipeline.page import scratch, visitors
from pipeline.page.scratch import Scratch

from ..support.page_server import RIVER, ROOT, visitor

LONG_AGO_S = 2 * scratch.IN_USE_S


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
    return Scratch(tmp_path, 10_000)


def test_the_oldest_that_is_not_in_use_makes_room(own):
    oldest = put(own, "visitors/a/1/soundscape/mix.wav", 4000, 3 * LONG_AGO_S)
    older = put(own, "0123/photo.jpg", 3000, 2 * LONG_AGO_S)
    young = put(own, "4567/photo.jpg", 2000)
    with own.room_for(900):
        assert oldest.exists(), "there was room"
    with own.room_for(2000):
        assert not oldest.exists() and older.exists() and young.exists()
    with own.room_for(7000):
        assert not older.exists() and young.exists()
    with pytest.raises(SoundscapeError, match="no room for more files at the moment"), own.room_for(8500):
        pass
    assert young.exists(), "it is in use"


def test_room_that_is_kept_counts(own):
    with own.room_for(6000), pytest.raises(SoundscapeError), own.room_for(5000):
        pass
    with own.room_for(6000):
        pass
    with pytest.raises(ZeroDivisionError), own.room_for(9000):
        _ = 1 / 0
    with own.room_for(9000):
        pass


def test_what_is_too_old_goes_even_if_there_is_room(own):
    old = put(own, "visitors/a/1/soundscape.zip", 10, 2 * scratch.KEPT_S)
    left = put(own, "tmp_upload_that_broke_off", 10, 2 * scratch.KEPT_S)
    with own.room_for(10):
        assert not old.exists() and not left.exists()


def test_many_at_once_stay_below_the_limit(tmp_path):
    own = Scratch(tmp_path, 10_000)
    written, refused, most = [], [], []

    def write(number):
        try:
            with own.room_for(3000):
                written.append(put(own, f"{number}/file", 3000))
                most.append(sum(path.stat().st_size for path in tmp_path.rglob("file")))
                time.sleep(0.05)
        except SoundscapeError:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 10_000 and len(written) + len(refused) == 8
    assert len(written) in (2, 3), "a file that is being written may count twice, as file and as reserved room"


def test_every_write_of_the_app_asks_for_room(visitors_root, monkeypatch):
    def make():
        wishes = ["", 2, "7", False, 0, 0, "", 1, "", ""]
        return app.on_make(None, RIVER, app.Origin(), None, visitor(), lambda *_, **__: None, *wishes)

    _, _, bundle, *_, folder = make()[:8]
    full = Scratch(visitors_root.parent, 1)
    monkeypatch.setattr(scratch, "own", lambda: full)
    shelf = SimpleNamespace(folder_of=lambda name: folder)
    open_shelf = app.open_from(shelf)
    for ask in (
        make,
        lambda: app.on_measure(folder, None),
        lambda: open_shelf("", app.Origin(), visitor(), SimpleNamespace(name="x")),
    ):
        with pytest.raises(app.gr.Error, match="no room"):
            ask()
    assert "no room" in app.on_open([bundle], "", app.Origin(), visitor())[1]


def test_results_are_served_from_where_they_lie(address, server_scratch, tmp_path):
    """Copies in the cache of Gradio would double the size of a result."""
    from gradio_client import Client

    client = Client(address, verbose=False, download_files=tmp_path)
    client.predict(RIVER, "", 2, 11, api_name="/render")
    mixes = list(server_scratch.rglob("mix.wav"))
    assert mixes and all("visitors" in path.parts for path in mixes)


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


def age(base):
    for folder in base.glob("image-to-soundscape-*"):
        os.utime(folder, (time.time() - 2 * scratch.YOUNG_S,) * 2)


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
