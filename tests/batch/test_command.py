"""The command line: exit status, one line of JSON per picture, progress apart from results.

A process takes seconds to start. So only what a process alone can show is checked in one; the rest calls `main`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pipeline.__main__ import main
from pipeline.job import Job, run
from pipeline.synthesize import forget_stems

ROOT = Path(__file__).parents[2]


def start(*arguments, cwd=ROOT) -> subprocess.CompletedProcess:
    """Run the command line as a process."""
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def call(capsys):
    """Run the command line in this process, with the same answer as `start`: exit status and both outputs."""

    def call(*arguments) -> subprocess.CompletedProcess:
        capsys.readouterr()
        try:
            status = main([*map(str, arguments)])
        except SystemExit as end:
            status = end.code
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return call


def lines(process: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in process.stdout.splitlines()]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    Image.new("RGB", (90, 60), (40, 120, 40)).save(folder / "meadow.jpg")
    Image.new("RGB", (90, 60), (30, 60, 160)).save(folder / "meadow.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_picture_becomes_a_result_folder(pictures, tmp_path):
    process = start(pictures / "meadow.jpg", "--out", tmp_path, "--duration", 2, "--seed", 7)
    assert process.returncode == 0, process.stderr
    (line,) = lines(process)
    assert line["seed"] == 7 and (line["vision"], line["audio"]) == ("tagger", "procedural")
    assert Path(line["mix"]) == tmp_path / "meadow/mix.wav" and Path(line["mix"]).is_file()
    assert "meadow.jpg: done" in process.stderr


def test_pictures_with_the_same_name_get_separate_folders_and_a_bad_one_stops_nothing(pictures, tmp_path):
    inputs = (pictures / "meadow.jpg", pictures / "notes.txt", pictures / "meadow.png")
    process = start(*inputs, "--out", tmp_path, "--duration", 2)
    assert process.returncode == 1
    assert "2 done, 1 failed; the reasons are in failures.jsonl" in process.stderr
    first, bad, second = lines(process)
    assert first["name"] == "meadow" and second["name"].startswith("meadow-")
    assert "notes.txt is not a picture" in bad["error"] and "Traceback" not in process.stderr
    assert {path.parent.name for path in tmp_path.rglob("mix.wav")} == {first["name"], second["name"]}
    assert json.loads((tmp_path / "failures.jsonl").read_text())["picture"] == "notes.txt"


def test_a_run_on_several_processes_ends_with_a_page_and_a_table_of_all_pictures(pictures, tmp_path):
    process = start(pictures, "--out", tmp_path, "--duration", 2, "--workers", 2)
    assert process.returncode == 0, process.stderr
    assert len(lines(process)) == 2
    assert f"open {tmp_path / 'index.html'}" in process.stderr and " left)" in process.stderr
    assert "meadow" in (tmp_path / "summary.csv").read_text("utf-8-sig")


def test_describe_edit_and_make_sound_in_steps(call, pictures, tmp_path):
    described = call(pictures / "meadow.jpg", "--out", tmp_path, "--skip-audio")
    assert described.returncode == 0, described.stderr
    path = tmp_path / "meadow/soundscape.json"
    assert [each.name for each in path.parent.iterdir()] == ["soundscape.json"]
    document = json.loads(path.read_text())
    document["sources"] = [{"name": "church bell"}]
    path.write_text(json.dumps(document))
    done = call(pictures / "meadow.jpg", "--out", tmp_path, "--skip-vlm", "--duration", 2)
    assert done.returncode == 0, done.stderr
    assert [each.name for each in (tmp_path / "meadow/stems").iterdir()] == ["01_church_bell.wav"]
    assert (tmp_path / "meadow/picture.jpg").is_file()


def test_an_edited_description_is_never_lost(call, pictures, tmp_path):
    call(pictures / "meadow.jpg", "--out", tmp_path, "--skip-audio")
    path = tmp_path / "meadow/soundscape.json"
    path.write_text('{"sources": [{"name": "church bell"}]}')
    call(pictures / "meadow.jpg", "--out", tmp_path, "--skip-audio")
    assert "church bell" in path.read_text()
    process = call(pictures / "meadow.jpg", "--out", tmp_path, "--skip-audio", "--again")
    assert lines(process)[0]["earlier_soundscape"] == str(tmp_path / "meadow/soundscape.before.json")
    assert "church bell" in (tmp_path / "meadow/soundscape.before.json").read_text()
    assert "kept as soundscape.before.json" in process.stderr


def test_the_same_command_again_makes_nothing_and_says_so(call, pictures, tmp_path):
    first = call(pictures / "meadow.jpg", "--out", tmp_path, "--duration", 2)
    again = call(pictures / "meadow.jpg", "--out", tmp_path, "--duration", 2)
    assert again.returncode == 0 and "meadow.jpg: already done" in again.stderr
    assert lines(again)[0]["unchanged"] is True and lines(again)[0]["seed"] == lines(first)[0]["seed"]


def test_ctrl_c_says_that_it_stopped_and_keeps_finished_results(pictures, tmp_path, monkeypatch, capsys):
    def interrupted(job, folder, on_progress):
        if folder.name != "meadow":
            raise KeyboardInterrupt
        return run(job, folder, on_progress)

    monkeypatch.setattr("pipeline.batch.sounder.run", interrupted)
    files = [str(pictures / "meadow.jpg"), str(pictures / "meadow.png")]
    assert main([*files, "--out", str(tmp_path), "--duration", "2"]) == 130
    assert "Stopped. Finished results are kept" in capsys.readouterr().err
    assert [path.parent.name for path in tmp_path.rglob("mix.wav")] == ["meadow"]


def test_a_soundscape_file_in_place_of_a_picture(call, tmp_path, soundscape):
    (tmp_path / "river.json").write_text(soundscape.to_json(), encoding="utf-8-sig")  # some editors write a BOM
    process = call(tmp_path / "river.json", "--out", tmp_path / "out", "--skip-vlm", "--duration", 2)
    assert process.returncode == 0, process.stderr
    assert lines(process)[0]["vision"] is None
    assert len(list((tmp_path / "out/river/stems").iterdir())) == 3


def test_a_bundle_makes_the_same_again_with_its_seed(call, tmp_path, soundscape):
    result = run(Job(soundscape=soundscape, duration_s=2), tmp_path / "river")
    forget_stems()
    process = call(result.write_bundle(), "--out", tmp_path / "again", "--duration", 2)
    assert process.returncode == 0, process.stderr
    assert lines(process)[0]["seed"] == result.report["seed"]
    assert (tmp_path / "again/river/mix.wav").read_bytes() == result.mix_path.read_bytes()


def test_ctrl_c_while_a_command_is_imported_prints_no_traceback(call, monkeypatch):
    def stopped(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.__main__.import_module", stopped)
    process = call("photos/")
    assert (process.returncode, process.stderr) == (130, "\nStopped.\n")


def test_the_error_of_a_bad_soundscape_file_names_the_field(call, tmp_path):
    (tmp_path / "bad.json").write_text('{"sources": [{"name": "a", "gain_db": 99}]}')
    process = call(tmp_path / "bad.json", "--out", tmp_path / "out", "--skip-vlm")
    assert process.returncode == 1
    assert lines(process)[0]["error"] == "sources[0].gain_db: must be at most 12"


def test_a_folder_is_read_and_limited(call, pictures, tmp_path):
    process = call(pictures, "--out", tmp_path, "--skip-audio", "--limit", 1)
    assert process.returncode == 0 and len(lines(process)) == 1


def test_results_among_the_pictures_are_not_inputs(call, pictures, tmp_path):
    Image.open(pictures / "meadow.jpg").save(tmp_path / "meadow.jpg")
    for _ in range(2):
        process = call(tmp_path, "--out", tmp_path, "--duration", 2)
        assert process.returncode == 0 and len(lines(process)) == 1, process.stderr
    assert (tmp_path / "meadow/picture.jpg").is_file()


def test_skipping_vision_without_a_description_says_what_to_do(call, pictures, tmp_path):
    process = call(pictures / "meadow.jpg", "--out", tmp_path, "--skip-vlm")
    assert process.returncode == 1 and "Run without --skip-vlm first" in lines(process)[0]["error"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "required"),
        (("a.jpg", "--out", "x", "--ray", "--workers", "2"), "choose one"),
        ((".", "--out", "x"), "no picture was found"),
        (("a.jpg",), "--out"),
        (("a.jpg", "--out", "x", "--audio", "nothing"), "there is no backend 'nothing'"),
        (("a.jpg", "--out", "x", "--skip-vlm", "--skip-audio"), "nothing to do"),
        (("a.jpg", "--out", "x", "--duration", "long"), "--duration"),
        (("a.jpg", "--out", "x", "--duration", "0"), "must be at least 2"),
        (("a.jpg", "--out", __file__), "cannot be written"),
        (("a.jpg", "--out", "x", "--seed", "-1"), "whole number from 0"),
        (("a.jpg", "--out", "x", "--seed", "abc"), "whole number from 0"),
        (("a.jpg", "--out", "x", "--limit", "0"), "at least 1"),
        (("a.jpg", "--out", "x", "--workers", "two"), "at least 1"),
        (("a.jpg", "--out", "x", "--ray-vision", "1"), "add --ray"),
        (("a.jpg", "--out", "x", "--unknown"), "unrecognized"),
    ],
)
def test_wrong_usage_exits_with_2(call, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    process = call(*arguments)
    assert process.returncode == 2 and words in process.stderr and process.stdout == ""
    assert " _" not in process.stderr  # no internal names


def test_wrong_usage_is_an_exit_status_of_the_process(tmp_path):
    process = start("a.jpg", "--out", "x", "--unknown", cwd=tmp_path)
    assert process.returncode == 2 and "unrecognized" in process.stderr and process.stdout == ""


def test_closing_standard_output_stops_the_run(pictures, tmp_path):
    command = [sys.executable, "-m", "pipeline", pictures, "--out", tmp_path, "--duration", "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141 and "standard output was closed" in errors and "Traceback" not in errors


def test_help_needs_no_heavy_imports():
    command = "import sys, pipeline.__main__; print([m for m in ('torch', 'scipy', 'gradio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
