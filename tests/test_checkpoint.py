"""Checkpoints: a job can be stopped between its steps, and so can the threads that work for it."""

import pytest

from pipeline.checkpoint import Pool, checked_by, checkpoint
from pipeline.job import Job, run
from pipeline.kinds.catalogue import all_kinds
from pipeline.procedural import synthesize_kind


class Stopped(Exception):
    pass


def stop():
    raise Stopped


def after(count):
    """A check that stops at the checkpoint of this number."""
    passed = []

    def check():
        passed.append(True)
        if len(passed) >= count:
            raise Stopped

    return check, passed


def test_a_checkpoint_does_what_the_innermost_block_says():
    checkpoint()
    with checked_by(stop):
        with checked_by(lambda: None):
            checkpoint()
        with pytest.raises(Stopped):
            checkpoint()
    checkpoint()


def test_the_threads_of_a_pool_are_stopped_with_the_job():
    with Pool(2) as pool:
        list(pool.map(lambda _: checkpoint(), range(3)))
        with checked_by(stop), pytest.raises(Stopped):
            list(pool.map(lambda _: checkpoint(), range(3)))
        with checked_by(stop), pytest.raises(Stopped):
            pool.submit(checkpoint).result()


def test_a_job_stops_at_any_checkpoint_and_leaves_nothing(tmp_path, soundscape):
    job = Job(soundscape=soundscape, audio="procedural", duration_s=2, seed=3)
    check, passed = after(10**6)
    with checked_by(check):
        result = run(job, tmp_path / "whole")
        before = len(passed)
        result.write_bundle()
    assert len(passed) - before >= len(result.stem_paths), "the bundle has checkpoints of its own"
    for number in (1, before // 3, 2 * before // 3, before - 1):
        check, _ = after(number)
        with checked_by(check), pytest.raises(Stopped):
            run(Job(**vars(job) | {"seed": 4 + number}), tmp_path / "stopped")
        assert [path.name for path in tmp_path.iterdir() if "stopped" in path.name] == []


def test_the_synthesiser_has_checkpoints_in_every_model():
    for kind in all_kinds()[::7]:
        check, passed = after(10**6)
        with checked_by(check):
            synthesize_kind(kind, 2.0, 1)
        assert len(passed) >= 3, kind.name
