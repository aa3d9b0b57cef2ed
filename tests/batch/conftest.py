"""Fixtures of the tests of runs."""

from pathlib import Path

import pytest

from pipeline.batch.stage import Plan

from ..support.runs import paint


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    for number, name in enumerate(("lake.jpg", "dog/001.jpg", "cat/001.jpg", "cat/001.png")):
        paint(folder / name, number)
    return folder


@pytest.fixture
def plan(tmp_path) -> Plan:
    return Plan(tmp_path / "results", vision="tagger", audio="procedural", duration_s=2, seed=7)
