"""Fixtures of the tests of runs."""

import shutil
from pathlib import Path

import pytest

from pipeline.batch.stage import Plan

from ..support.runs import go, paint_all


def plan_of(out: Path) -> Plan:
    return Plan(out, vision="tagger", audio="procedural", duration_s=2, seed=7)


@pytest.fixture
def pictures(tmp_path) -> Path:
    return paint_all(tmp_path / "pictures")


@pytest.fixture
def plan(tmp_path) -> Plan:
    return plan_of(tmp_path / "results")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The tree that a run of `plan` on `pictures` leaves, made once per module."""
    root = tmp_path_factory.mktemp("finished")
    go(paint_all(root / "pictures"), plan_of(root / "results"))
    return root / "results"


@pytest.fixture
def done(finished, plan) -> None:
    """The state after a first run."""
    shutil.copytree(finished, plan.out)
