"""A cluster gives the same results as one machine. Killed workers lose no row and duplicate none."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import fsspec
import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from pipeline import backends
from pipeline.batch import crashes
from pipeline.batch.cluster import Pool, block_size, choose_pools, connected, in_cluster, passed_on
from pipeline.batch.run import run_batch
from pipeline.batch.stage import Plan
from pipeline.batch.storage import place
from pipeline.batch.tasks import find_tasks
from pipeline.errors import SoundscapeError

from ..support.folder_store import FolderStore, install

ROOT = Path(__file__).parents[2]
PICTURES = ("lake", "dog/001", "dog/002", "cat/001")
GPU = {"CPU": 16, "GPU": 4}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Path]:
    """The disk behind folder://, which workers can reach as well."""
    folder = tmp_path_factory.mktemp("store")
    install(folder / "installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOLDER_STORE", str(folder))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(folder / "installed")]))
        fsspec.register_implementation("folder", FolderStore, clobber=True)
        yield folder


@pytest.fixture(scope="module")
def cluster(store, tmp_path_factory):
    """One cluster for all tests, because it starts slowly. Ray assumes two GPUs.

    Each Ray takes all cores, so a second worker of pytest-xdist waits until the first cluster has ended.
    """
    import ray

    only_one = FileLock(tmp_path_factory.getbasetemp().parent / "ray.lock")
    with only_one, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "init", partial(ray.init, num_gpus=2))
        with connected(""):
            yield


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    for number, name in enumerate(PICTURES):
        paint(folder / f"{name}.jpg", number)
    return folder


def paint(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 255, (2, 3, 3), np.uint8)
    Image.fromarray(colours).resize((90, 60), Image.Resampling.BICUBIC).save(path)


def plan_of(out: Path, **wishes) -> Plan:
    return Plan(out, **{"vision": "tagger", "audio": "procedural", "duration_s": 2.0} | wishes)


def go(pictures: Path, plan: Plan, **pools: str) -> list[dict]:
    rows = []
    run_batch(
        find_tasks([pictures], plan.out), plan, rows.append, rows=lambda tasks, plan: in_cluster(tasks, plan, **pools)
    )
    return rows


def locally(pictures: Path, plan: Plan) -> list[dict]:
    rows = []
    run_batch(find_tasks([pictures], plan.out), plan, rows.append)
    return rows


def tree(folder: Path) -> dict[str, object]:
    """Return all files, without the recorded seconds."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: timeless(json.loads(data)) if name.endswith(".json") else data for name, data in files.items()}


def timeless(document: object) -> object:
    return (
        {name: document[name] for name in document if name not in ("seconds", "stems")}
        if isinstance(document, dict)
        else document
    )


def dates(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@contextmanager
def killer(out: Path, wants: Callable[[dict], bool]) -> Iterator[list[str]]:
    """Kill (SIGKILL) each worker whose marker `wants` accepts. Yield the names of the pictures that they worked on."""
    ended, killed, dead = threading.Event(), [], set()

    def watch() -> None:
        while not ended.wait(0.002):
            for mark in (out / crashes.FOLDER).glob("*.json"):
                try:
                    note = json.loads(mark.read_text())
                    # A marker remains after its worker was killed.
                    if note["process"] not in dead and wants(note):
                        os.kill(note["process"], signal.SIGKILL)
                        dead.add(note["process"])
                        killed.extend(note["pictures"])
                except (FileNotFoundError, ProcessLookupError):
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


# The work -------------------------------------------------------------------------------------------------------------


def test_a_remote_folder_becomes_the_same_tree_as_on_one_process(cluster, store, pictures, tmp_path, capfd):
    """From and to folder://, with separate pools for the stages, which share a GPU."""
    (pictures / "bad.jpg").write_text("no picture")
    shutil.copytree(pictures, store / "in")
    at_home = locally(pictures, plan_of(tmp_path / "home"))
    away = go(place("folder://in"), plan_of(place("folder://out/deep")), vision="1:0.5", sound="1:0.5")
    assert tree(store / "out" / "deep") == tree(tmp_path / "home")
    assert len([name for name in tree(tmp_path / "home") if name.endswith(".wav")]) >= 2 * len(PICTURES)
    assert shown(away) == shown(at_home)
    assert [(row["name"], row["stage"]) for row in away if "error" in row] == [("bad", "picture")]
    assert capfd.readouterr() == ("", ""), "Ray prints nothing"

    before = dates(store / "out")
    again = locally(place("folder://in"), plan_of(place("folder://out/deep")))
    assert [row["name"] for row in again if not row.get("unchanged")] == ["bad"]
    assert {path.name for path, date in dates(store / "out").items() if before[path] != date} == {"failures.jsonl"}


def shown(rows: list[dict]) -> list[dict]:
    """Return the rows sorted, without paths and times."""
    rows = [
        {name: row[name] for name in row if name not in ("picture", "soundscape", "mix", "seconds")} for row in rows
    ]
    return sorted(rows, key=lambda row: row["name"])


def test_killed_workers_lose_no_row_and_duplicate_none(cluster, pictures, tmp_path, capfd):
    """dog/001 kills every worker that works on it. For two other pictures, one worker is killed by chance."""
    out, by_chance = tmp_path / "out", {"lake", "cat/001"}

    def wants(note: dict) -> bool:
        (name,) = note["pictures"]
        if name in by_chance:
            by_chance.discard(name)
            return True
        return name == "dog/001"

    with killer(out, wants) as killed:
        rows = go(pictures, plan_of(out))
    assert Counter(killed) == {"dog/001": 2, "lake": 1, "cat/001": 1}
    assert sorted(row["name"] for row in rows) == sorted(PICTURES)
    failed = [row for row in rows if "error" in row]
    assert [(row["name"], row["error"]) for row in failed] == [("dog/001", crashes.SET_ASIDE)]
    assert not (out / crashes.FOLDER).exists()
    assert capfd.readouterr().out == ""

    # The next run, on any machine, retries only the picture that was set aside.
    before = dates(out)
    rows = locally(pictures, plan_of(out))
    assert [row["name"] for row in rows if "unchanged" not in row] == ["dog/001"]
    changed = {path for path, date in before.items() if dates(out).get(path) != date and path.parts[-1] != "001.json"}
    assert changed == {out / "failures.jsonl"}
    locally(pictures, plan_of(tmp_path / "home"))
    assert tree(out) == tree(tmp_path / "home")


def test_an_impossible_duration_is_refused_before_any_work(cluster, pictures, tmp_path):
    with pytest.raises(SoundscapeError, match="seconds"):
        go(pictures, plan_of(tmp_path / "out", duration_s=10_000.0))


# Without a cluster ----------------------------------------------------------------------------------------------------


def test_without_ray_the_requirements_file_is_named(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SoundscapeError, match=r"pip install -r requirements-batch\.txt"):
        go(pictures, plan_of(tmp_path / "out"))


def test_an_address_where_nothing_listens_is_refused_at_once(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # reserves the port for this test
        free = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(SoundscapeError, match=f"Ray could not be reached at {free}: .*refused"):
            go(pictures, plan_of(tmp_path / "out"), address=free)


@pytest.mark.parametrize("wish", ["none", "0", "2:", "2:-1", "2:x", "-1", "2:nan", "1.5"])
def test_invalid_pool_sizes_are_refused(wish, pictures, tmp_path):
    with pytest.raises(SoundscapeError, match="--ray-vision is a number of actors, such as 4"):
        go(pictures, plan_of(tmp_path / "out"), vision=wish)


def pools(resources: dict[str, float], wishes: dict | None = None, **plan) -> list[Pool]:
    wishes = {"describe": None, "sound": None} | (wishes or {})
    return choose_pools(plan_of(Path("out"), **plan), wishes, resources)


def test_the_embedded_pair_does_whole_pictures_on_every_core():
    assert pools({"CPU": 16}) == [Pool(("describe", "sound"), 16)]
    assert pools(GPU) == [Pool(("describe", "sound"), 16)]
    assert pools({"CPU": 16}, skip_audio=True) == [Pool(("describe",), 16)]


def test_real_models_share_the_gpus():
    real = {"vision": "qwen2.5-vl", "audio": "audioldm2"}
    assert pools(GPU, **real) == [Pool(("describe",), 4, 0.5, 0), Pool(("sound",), 4, 0.5, 0)]
    assert pools(GPU, **real, skip_audio=True) == [Pool(("describe",), 4, 1, 0)]
    assert pools(GPU, **real, skip_vlm=True) == [Pool(("describe", "sound"), 4, 1, 0)]


def test_one_real_model_gets_the_gpus_and_the_other_stage_the_cores():
    assert pools(GPU, vision="qwen2.5-vl") == [Pool(("describe",), 4, 1, 0), Pool(("sound",), 16)]
    assert pools(GPU, audio="audioldm2") == [Pool(("describe",), 16), Pool(("sound",), 4, 1, 0)]


def test_without_a_gpu_a_real_model_is_loaded_once():
    assert pools({"CPU": 8}, vision="blip") == [Pool(("describe",), 1, 0, 4), Pool(("sound",), 4)]
    assert pools({"CPU": 7}, audio="audioldm2") == [Pool(("describe",), 4), Pool(("sound",), 1, 0, 3)]


def test_given_sizes_override_the_defaults():
    wishes = {"describe": (2, 0.25), "sound": (3, None)}
    assert pools(GPU, wishes) == [Pool(("describe",), 2, 0.25, 0), Pool(("sound",), 3)]
    assert pools(GPU, wishes, vision="blip", audio="audioldm2")[1] == Pool(("sound",), 3, 0.5, 0)


@pytest.mark.parametrize("resources", [{"CPU": 1}, {"CPU": 2}, {"CPU": 3, "GPU": 1}, {"CPU": 2, "GPU": 8}])
@pytest.mark.parametrize("vision", ["tagger", "blip"])
@pytest.mark.parametrize("audio", ["procedural", "audioldm2"])
@pytest.mark.parametrize("skip", ["", "skip_vlm", "skip_audio"])
def test_default_pools_fit_together(resources, vision, audio, skip):
    """If the first pool took everything, the second one would wait for ever."""
    chosen = pools(resources, vision=vision, audio=audio, **({skip: True} if skip else {}))
    assert sum(pool.size * pool.gpus for pool in chosen) <= resources.get("GPU", 0)
    assert sum(pool.size * pool.cpus for pool in chosen) <= resources["CPU"]
    assert all(pool.cpus <= 1 or pool.cpus == int(pool.cpus) for pool in chosen), "Ray accepts no one and a half"


def test_blocks_suit_the_models_and_the_number_of_pictures():
    assert block_size(4, 2, 1) == 1
    assert block_size(20, 4, 8) == 5, "all four have something to do"
    assert block_size(1000, 4, 8) == 8
    assert block_size(1000, 2, 1) == 8, "little time is spent on scheduling"
    assert block_size(1_000_000, 2, 1) == 50


def test_only_settings_and_access_keys_are_sent_to_workers():
    environment = {
        "VISION_BACKEND": "blip",
        "QWEN_VL_MODEL": "some/model",
        "HF_TOKEN": "secret",
        "AWS_ACCESS_KEY_ID": "key",
        "HF_HOME": "/home/me/.cache",
        "AWS_PROFILE": "me",
        "HOME": "/home/me",
        "DEVICES_OF_MINE": "x",
    }
    assert sorted(passed_on(environment)) == ["AWS_ACCESS_KEY_ID", "HF_TOKEN", "QWEN_VL_MODEL", "VISION_BACKEND"]


def test_the_backends_named_in_these_tests_exist():
    assert {"blip", "qwen2.5-vl", "tagger"} <= backends.VISION.keys()
    assert {"audioldm2", "procedural"} <= backends.AUDIO.keys()
