"""Several processes give the same results as one, and survive pictures that kill them."""

import os
import signal
import threading
from dataclasses import replace
from multiprocessing import active_children

import pytest

from pipeline.batch.stage import Plan, Stage
from pipeline.batch.tasks import find_tasks
from pipeline.batch.workers import check, in_processes
from pipeline.errors import SoundscapeError

from ..support.runs import go, made, paint, tree


def test_several_processes_make_the_same_tree(pictures, plan, tmp_path):
    (pictures / "broken.jpg").write_bytes(b"no picture")
    other = replace(plan, out=tmp_path / "other")
    go(pictures, plan)
    rows = go(pictures, other, rows=lambda tasks, plan: in_processes(tasks, plan, 2))
    assert len(rows) == 5 and tree(other.out) == tree(plan.out)


class Deadly(Stage):
    """Kills its process at each picture named killer, and once at each other picture."""

    name = "deadly"

    def __call__(self, rows, on_progress=None):
        (row,) = rows
        mark = self.plan.out / row["name"].replace("/", "_")
        if row["name"].startswith("killer") or not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return rows


def deadly(plan):
    return [Deadly(plan)]


def test_a_picture_that_kills_its_worker_twice_is_set_aside_and_no_other(pictures, tmp_path):
    paint(pictures / "killer.jpg")
    (tmp_path / "out").mkdir()
    rows = list(in_processes(find_tasks([pictures], tmp_path), Plan(tmp_path / "out"), 2, deadly))
    assert len(rows) == 5 and len({row["name"] for row in rows}) == 5
    (failed,) = [row for row in rows if "error" in row]
    assert failed["name"] == "killer" and "killed 2 times" in failed["error"]


def test_a_worker_killed_between_two_pictures_loses_none(pictures, plan):
    rows, before = [], set(threading.enumerate())
    for row in in_processes(find_tasks([pictures], plan.out), plan, 1):
        if not rows:
            (worker,) = active_children()
            worker.kill()
            worker.join()
            for thread in set(threading.enumerate()) - before:  # the pool knows of it when its threads have ended
                thread.join(10)
        rows.append(row)
    assert made(rows) == ["cat/001", *sorted({row["name"] for row in rows} - {"cat/001"})] and len(rows) == 4


def test_several_processes_are_only_for_the_embedded_pair(tmp_path):
    check(Plan(tmp_path, vision="tagger", audio="procedural"))
    with pytest.raises(SoundscapeError, match="blip on several GPUs, use --ray"):
        check(Plan(tmp_path, vision="blip", audio="procedural"))
