"""Odd files: pipes, huge files, flipped bits, full disks. Nothing hangs or fills the memory."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.batch import storage
from pipeline.batch.failures import Failures
from pipeline.errors import SoundscapeError
from pipeline.files import check_file, read_file, sha256_of
from pipeline.results.result import BEFORE, MAX_MEMBERS, read_result

from ..support.runs import go, made, paint, tree

ROOT = Path(__file__).parents[2]


def giant(path: Path, size_bytes: int = 2_000_000_000) -> Path:
    """Make a sparse file, which takes no space on the disk."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


def test_pipes_and_huge_files_fail_without_cost(pictures, plan):
    os.mkfifo(pictures / "pipe.jpg")
    os.mkfifo(pictures / "pipe.json")
    (pictures / "away.jpg").symlink_to("/no/such/picture.jpg")
    giant(pictures / "giant.tif")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = {row["name"]: row.get("error", "") for row in go(pictures, plan)}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 500_000
    assert rows["pipe"] == "pipe.jpg is not a regular file. Choose another one."
    assert rows["giant"] == "giant.tif has 2000 MB. Choose a file of at most 40 MB."
    assert rows["away"].startswith("There is no file away.jpg")
    assert sum(not error for error in rows.values()) == 4


def test_documents_must_be_regular_files_below_a_size_limit(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    giant(tmp_path / "large.json")
    giant(tmp_path / "large.zip", 3_000_000)
    for name, words in (("pipe.json", "not a regular file"), ("large.json", "at most 1 MB"), ("none.json", "no file")):
        with pytest.raises(SoundscapeError, match=words):
            read_file(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(tmp_path / "none.json")
    with pytest.raises(SoundscapeError):
        sha256_of(tmp_path / "pipe.json")
    with pytest.raises(SoundscapeError):
        check_file(Path("\0"))
    for damaged in ("large.zip", "pipe.json"):
        with pytest.raises(SoundscapeError):
            read_result(tmp_path / damaged)
    with (tmp_path / "many.zip").open("wb") as file:
        file.write(b"PK\x01\x02" * (MAX_MEMBERS + 1))
    with pytest.raises(SoundscapeError, match="more than 200 files"):
        read_result(tmp_path / "many.zip")


@pytest.mark.parametrize("name", ["mix.wav", "picture.jpg", "prompts.json"])
def test_a_file_with_flipped_bits_is_made_again(pictures, plan, name):
    go(pictures, plan)
    whole = tree(plan.out)
    path = plan.out / "lake" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)  # the size is unchanged
    assert made(go(pictures, plan)) == ["lake"]
    assert tree(plan.out) == whole


FULL = "The disk is full, so the result was not written. Free some space and run the command again."


def test_a_full_disk_gives_a_clear_error_and_no_incomplete_result(pictures, plan, monkeypatch):
    go(pictures, replace(plan, skip_audio=True))
    before = tree(plan.out)
    write = Path.write_bytes

    def full(path, data):
        if path.suffix == ".wav":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, data)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Path, "write_bytes", full)
        rows = go(pictures, plan)
    assert {row["error"] for row in rows} == {FULL}
    left = {name: file for name, file in tree(plan.out).items() if name != "failures.jsonl"}
    assert left == before, "only the descriptions are there"
    assert len(made(go(pictures, plan))) == 4


def test_ctrl_c_stops_all_workers_without_a_traceback(tmp_path):
    for number in range(30):
        paint(tmp_path / f"pictures/{number:02d}.jpg", number)
    command = [sys.executable, "-m", "pipeline", str(tmp_path / "pictures"), "--out", str(tmp_path / "out")]
    command += ["--workers", "2", "--vision", "tagger", "--audio", "procedural"]
    running = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    first = json.loads(running.stdout.readline())
    os.killpg(running.pid, signal.SIGINT)  # a terminal sends it to all processes
    output, errors = running.communicate(timeout=60)
    assert "error" not in first and running.returncode == 130
    assert "Traceback" not in errors and errors.rstrip().endswith("the same command continues from here.")
    end = time.monotonic() + 10
    while time.monotonic() < end and _is_alive(running.pid):
        time.sleep(0.05)
    assert not _is_alive(running.pid), "no worker remains"
    assert "Traceback" not in output


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_many_failures_do_not_block_the_next_run(pictures, plan):
    lines = [
        json.dumps({"picture": f"{number:05d}.jpg", "stage": "picture", "error": "x" * 200}) for number in range(10_000)
    ]
    plan.out.mkdir()
    (plan.out / "failures.jsonl").write_text("\n".join(lines) + "\n")
    assert len(made(go(pictures, plan))) == 4
    assert len((plan.out / "failures.jsonl").read_text().splitlines()) == 10_000


def test_many_failures_do_not_block_a_remote_folder():
    out = storage.place("memory://many-failures")
    lines = [json.dumps({"picture": f"{n:05d}.jpg", "stage": "picture", "error": "x" * 200}) for n in range(10_000)]
    storage.write_bytes(out / "failures.jsonl", "\n".join(lines).encode())
    try:
        Failures(out).close()
        assert len(storage.read_bytes(out / "failures.jsonl", None).splitlines()) == 10_000
    finally:
        storage.remove(out)


def test_a_large_remote_picture_fails_without_a_download(plan, monkeypatch):
    pictures = storage.place("memory://large-pictures")
    storage.write_bytes(pictures / "large.jpg", bytes(41_000_000))
    for download in ("get_file", "cat_file"):
        monkeypatch.setattr(pictures.fs, download, lambda *_, **__: pytest.fail("it was downloaded"))
    try:
        (row,) = go(pictures, plan)
    finally:
        storage.remove(pictures)
    assert row["error"] == "large.jpg has 41 MB. Choose a file of at most 40 MB."


def test_a_large_remote_picture_of_unknown_size_is_read_up_to_the_limit(plan, monkeypatch):
    pictures = storage.place("memory://unknown-sizes")
    storage.write_bytes(pictures / "large.jpg", bytes(41_000_000))
    info = pictures.fs.info
    monkeypatch.setattr(pictures.fs, "info", lambda path, **how: info(path, **how) | {"size": None})
    try:
        with (
            pytest.raises(SoundscapeError, match=r"large\.jpg has 41 MB"),
            storage.local_copy(pictures / "large.jpg", 40_000_000),
        ):
            pass
        storage.write_bytes(pictures / "small.jpg", b"small")
        with storage.local_copy(pictures / "small.jpg", 40_000_000) as local:
            assert local.read_bytes() == b"small"
    finally:
        monkeypatch.undo()
        storage.remove(pictures)


def test_an_earlier_description_that_is_huge_fails_that_picture_only(pictures, plan):
    go(pictures, replace(plan, skip_audio=True))
    giant(plan.out / "lake" / BEFORE)
    rows = {row["name"]: row.get("error", "") for row in go(pictures, plan)}
    assert rows.pop("lake") == f"{BEFORE} has 2000 MB. Choose a file of at most 1 MB."
    assert set(rows.values()) == {""}
