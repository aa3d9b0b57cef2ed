"""Trees of results are read in order, one at a time, and damaged results are skipped."""

import json
import logging

import pytest

from pipeline.errors import SoundscapeError
from pipeline.results.collection import COHERENCE, FAILURES, read_collection, read_failures
from pipeline.results.result import write_soundscape

from .test_result import written


def names(root):
    return [entry.name for entry in read_collection(root)]


def test_results_are_found_in_nested_folders_sorted_by_path(tmp_path, soundscape):
    for name in ("dog/002", "a", "dog/001", "dog-2", "a/b/c"):
        written(tmp_path / name, soundscape, manifest={"seed": len(name)})
    entries = list(read_collection(tmp_path))
    assert [entry.name for entry in entries] == ["a", "a/b/c", "dog/001", "dog/002", "dog-2"]
    assert [entry.folder for entry in entries] == [tmp_path / entry.name for entry in entries]
    assert all(entry.soundscape == soundscape and entry.coherence is None for entry in entries)
    assert [entry.manifest["seed"] for entry in entries] == [1, 5, 7, 7, 5]


def test_a_result_folder_is_a_collection_of_one(tmp_path, soundscape):
    written(tmp_path / "alone", soundscape)
    assert names(tmp_path / "alone") == ["alone"]


def test_folders_of_the_overview_and_of_runs_are_not_searched(tmp_path, soundscape):
    for name in ("_index/x", ".attempts/x", ".descriptions/x", "a/stems/x", "a", ".a.0f.part"):
        written(tmp_path / name, soundscape)
    (tmp_path / "round").symlink_to(tmp_path)
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", None),
        ("soundscape.json", None),
        ("mix.wav", None),
        ("manifest.json", b""),
        ("manifest.json", b'{"seed": 7'),
        ("manifest.json", b"[1, 2]"),
        ("manifest.json", b"[" * 100_000),
        ("manifest.json", b"\xff\xfe"),
        ("manifest.json", b" " * 2_000_000 + b"{}"),
        ("soundscape.json", b'{"scene": "no sources"}'),
        ("soundscape.json", b"\x00\xff"),
    ],
)
def test_a_damaged_result_is_skipped_and_logged(tmp_path, soundscape, caplog, file, content):
    for name in ("a", "b", "c"):
        written(tmp_path / name, soundscape)
    (tmp_path / "b" / file).unlink()
    if content is not None:
        (tmp_path / "b" / file).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert names(tmp_path) == ["a", "c"]
    (line,) = caplog.messages
    assert line.startswith("b: skipped: ") and "\n" not in line and str(tmp_path) not in line


def test_empty_folders_and_descriptions_without_sound_give_no_warning(tmp_path, soundscape, caplog):
    (tmp_path / "empty/deeper").mkdir(parents=True)
    write_soundscape(tmp_path / "waits", soundscape)
    (tmp_path / "notes.txt").write_text("mine")
    assert names(tmp_path) == [] and caplog.messages == []


def test_scores_are_read_and_damaged_ones_ignored(tmp_path, soundscape, caplog):
    for name, text in {"a": '{"clap": 0.4}', "b": '{"clap":', "c": "[0.4]"}.items():
        written(tmp_path / name, soundscape)
        (tmp_path / name / COHERENCE).write_text(text)
    assert [entry.coherence for entry in read_collection(tmp_path)] == [{"clap": 0.4}, None, None]
    assert len(caplog.messages) == 2


def test_reading_is_lazy(tmp_path, soundscape):
    for name in ("a", "b"):
        written(tmp_path / name, soundscape)
    entries = read_collection(tmp_path)
    assert next(entries).name == "a"
    written(tmp_path / "b", soundscape, manifest={"seed": "later"})
    assert next(entries).manifest["seed"] == "later"


def test_a_missing_folder_is_refused_at_once(tmp_path):
    with pytest.raises(SoundscapeError, match="There is no folder"):
        read_collection(tmp_path / "nothing")


def test_failures_are_read_line_by_line_and_incomplete_ones_skipped(tmp_path):
    assert list(read_failures(tmp_path)) == []
    failures = [{"picture": f"{name}.jpg", "stage": "picture", "error": "It is damaged."} for name in "ab"]
    lines = [json.dumps(failures[0]), '["no object"]', "", json.dumps(failures[1]), '{"picture": "c']
    (tmp_path / FAILURES).write_text("\n".join(lines))
    assert list(read_failures(tmp_path)) == failures
