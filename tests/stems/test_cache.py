"""Stems that are kept on disk."""

import os
import time
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.audio import Clip
from pipeline.settings import Settings
from pipeline.stems import cache
from pipeline.stems.cache import DiskCache, disk_cache

from ..conftest import noise

SECOND_BYTES = 44_100 * 4


@pytest.fixture
def kept(tmp_path) -> DiskCache:
    return DiskCache(tmp_path / "stems", 10 * SECOND_BYTES)


def files(cache: DiskCache) -> list:
    return sorted(cache._folder.rglob("*.npz"))


def test_a_clip_comes_back_bit_for_bit(kept):
    clip = Clip(noise(1.0, channels=2).samples, 48_000, notes=("made in float32", "“quoted”"))
    kept.put("key", clip)
    found = DiskCache(kept._folder, 1).get("key")
    assert found and np.array_equal(found.samples, clip.samples)
    assert (found.sample_rate, found.notes) == (48_000, clip.notes)
    assert kept.get("another key") is None


def test_the_longest_unused_go_when_the_limit_is_reached(kept):
    for number in range(9):
        kept.put(str(number), noise(1.0, seed=number))
        os.utime(files(kept)[-1] if number == 0 else kept._path(str(number)), (number, number))
        now = time.time() - 100 + number
        os.utime(kept._path(str(number)), (now, now))
    assert kept.get("0")
    kept.limit_bytes = 4.5 * SECOND_BYTES
    kept.sweep()
    assert [number for number in range(9) if kept.get(str(number))] == [0, 6, 7, 8], "0 was used last"


def test_old_stems_go(kept):
    kept.put("old", noise(1.0))
    os.utime(kept._path("old"), (0, time.time() - cache.KEPT_S - 1))
    kept.sweep()
    assert kept.get("old") is None and not files(kept)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", None])
def test_a_damaged_file_is_made_again(kept, damage):
    kept.put("key", noise(1.0))
    path = kept._path("key")
    path.write_bytes(path.read_bytes()[:-500] if damage is None else damage)
    assert kept.get("key") is None
    kept.put("key", noise(1.0))
    assert kept.get("key")


def test_what_cannot_be_written_is_not_kept(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    kept = DiskCache(tmp_path / "file", 1e9)
    kept.put("key", noise(1.0))
    assert kept.get("key") is None
    small = DiskCache(tmp_path / "small", 100)
    small.put("key", noise(1.0))
    assert not (tmp_path / "small").exists()


def test_files_with_wrong_bits_are_missing(kept):
    """numpy and zipfile raise errors of many kinds for them."""
    kept.put("key", noise(0.01))
    path = kept._path("key")
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x49]) + whole[place + 1 :])
        kept.get("key")


def test_other_users_cannot_read_it(kept):
    kept.put("key", noise(0.1))
    assert files(kept)[0].parents[1].stat().st_mode & 0o77 == 0


def test_it_does_not_fill_the_disk(kept, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(cache.shutil, "disk_usage", lambda folder: SimpleNamespace(free=5e8))
        kept.put("key", noise(0.1))
    assert not files(kept)
    kept.put("key", noise(0.1))
    assert files(kept)


def _fill(folder, number):
    kept = DiskCache(folder, 5 * SECOND_BYTES)
    for turn in range(20):
        clip = noise(1.0, seed=turn)
        kept.put(str(turn), clip)
        found = kept.get(str((turn * 7 + number) % 20))
        assert found is None or found.samples.shape == (1, 44_100)
        kept.sweep()


def test_several_processes_share_the_folder(tmp_path):
    context = get_context("spawn")
    workers = [context.Process(target=_fill, args=(tmp_path / "stems", number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert not list((tmp_path / "stems").rglob("*.part"))


def test_a_process_has_one_and_sweeps_it_once_at_its_start(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache.sys, "platform", "linux")
    swept = []
    monkeypatch.setattr(DiskCache, "sweep", lambda cache: swept.append(cache))
    for key in "abc":
        disk_cache(Settings()).put(key, noise(0.1))
    assert len(swept) == 1


def test_a_setting_turns_it_off_and_bounds_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache.sys, "platform", "linux")
    assert disk_cache(Settings(stem_cache_gb="0")) is None
    large, usual, unclear = (disk_cache(Settings(stem_cache_gb=size)) for size in ("2.5", "", "much"))
    assert large and large.limit_bytes == 2.5e9 and large._folder == tmp_path / "image-to-soundscape" / "stems"
    assert usual and unclear and usual.limit_bytes == unclear.limit_bytes == 1e9


def test_a_batch_writes_a_tenth_of_the_limit_at_most(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("STEM_CACHE_GB", str(25 * SECOND_BYTES / 1e9))
    monkeypatch.setattr(cache.sys, "platform", "linux")
    cache._disk_cache.cache_clear()
    cache.fill_once()
    kept = disk_cache()
    assert kept
    for number in range(5):
        kept.put(str(number), noise(1.0))
    assert [number for number in range(5) if kept.get(str(number))] == [0, 1]
    cache._disk_cache.cache_clear()
