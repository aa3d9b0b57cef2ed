"""Runs over folders of pictures: they can always be resumed, make nothing twice, and continue after a bad picture."""

import json
import os
import random
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import backends
from pipeline.__main__ import main
from pipeline.batch.run import in_this_process, run_batch
from pipeline.batch.stage import Plan
from pipeline.batch.tasks import find_tasks
from pipeline.errors import SoundscapeError
from pipeline.job import Job, run
from pipeline.results.result import repair
from pipeline.synthesize import forget_stems

from ..support.runs import go, made, paint, tree

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "3"))  # 50 is the real test; fewer keep the suite short


# Only what changed ----------------------------------------------------------------------------------------------------


def test_a_second_run_makes_nothing(pictures, plan):
    first = go(pictures, plan)
    assert len(made(first)) == 4
    before = tree(plan.out)
    second = go(pictures, plan)
    assert made(second) == [] and tree(plan.out) == before
    assert [row["mix"] for row in second] == [row["mix"] for row in first]


def test_an_edited_description_gets_a_new_sound_and_others_do_not(pictures, plan):
    go(pictures, replace(plan, skip_audio=True))
    document = plan.out / "dog/001/soundscape.json"
    assert [path.name for path in document.parent.iterdir()] == ["soundscape.json"]
    go(pictures, plan)
    document.write_text('{"sources": [{"name": "church bell"}]}')
    assert made(go(pictures, plan)) == ["dog/001"]
    assert [path.name for path in (document.parent / "stems").iterdir()] == ["01_church_bell.wav"]
    vision = json.loads((document.parent / "manifest.json").read_text())["vision"]
    assert vision["backend"] == "tagger" and vision["edited"] is True
    assert made(go(pictures, plan)) == []


def test_an_edit_while_the_sound_is_made_is_kept_and_used_by_the_next_run(pictures, plan, monkeypatch):
    go(pictures, replace(plan, skip_audio=True))
    document = plan.out / "lake/soundscape.json"

    def edited_meanwhile(job, folder, on_progress):
        if folder.name == "lake":
            document.write_text('{"sources": [{"name": "church bell"}]}')
        return run(job, folder, on_progress)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("pipeline.batch.sounder.run", edited_meanwhile)
        go(pictures, plan)
    assert "church bell" in document.read_text()
    assert made(go(pictures, plan)) == ["lake"]
    assert [path.name for path in (document.parent / "stems").iterdir()] == ["01_church_bell.wav"]


def test_a_result_that_was_made_elsewhere_keeps_its_seed(plan, soundscape):
    seed = run(Job(soundscape=soundscape, duration_s=2), plan.out / "river").report["seed"]
    document = plan.out / "river/soundscape.json"
    for gain_db in (1, 2):
        document.write_text(json.dumps({"sources": [{"name": "rain", "gain_db": gain_db}]}))
        rows = []
        run_batch(find_tasks([document], plan.out), replace(plan, seed=None), rows.append)
        assert made(rows) == ["river"] and rows[0]["seed"] == seed


def test_white_space_in_a_description_does_not_count_as_a_change(pictures, plan, done):
    document = plan.out / "lake/soundscape.json"
    document.write_text(json.dumps(json.loads(document.read_text())))
    assert made(go(pictures, plan)) == []


def test_a_changed_picture_is_described_again_and_the_edited_description_kept(pictures, plan, done):
    document = plan.out / "lake/soundscape.json"
    document.write_text('{"sources": [{"name": "church bell"}]}')
    paint(pictures / "lake.jpg", 99)
    rows = go(pictures, plan)
    assert made(rows) == ["lake"] and "church bell" not in document.read_text()
    (row,) = [row for row in rows if row["name"] == "lake"]
    assert "church bell" in Path(row["earlier_soundscape"]).read_text()


def test_an_edited_description_is_kept_with_a_new_revision_of_the_model(pictures, plan, done, monkeypatch):
    (plan.out / "lake/soundscape.json").write_text('{"sources": [{"name": "church bell"}]}')
    (plan.out / "dog/001/soundscape.json").write_text("{not yet")
    card = backends.card("tagger")
    monkeypatch.setattr(backends, "card", lambda name: replace(card, revision="another"))
    rows = go(pictures, replace(plan, skip_audio=True))
    assert made(rows) == sorted(row["name"] for row in rows if row["name"].startswith("cat"))
    assert "church bell" in (plan.out / "lake/soundscape.json").read_text()
    assert (plan.out / "dog/001/soundscape.json").read_text() == "{not yet"


def test_a_soundscape_inside_a_result_folder_updates_that_result(pictures, plan):
    go(pictures, replace(plan, seed=None))
    document = plan.out / "dog/001/soundscape.json"
    before = json.loads((document.parent / "manifest.json").read_text())
    document.write_text('{"sources": [{"name": "church bell"}]}')
    rows = []
    again = replace(plan, seed=None, skip_vlm=True)
    run_batch(find_tasks([document], plan.out), again, rows.append)
    assert made(rows) == ["dog/001"] and rows[0]["seed"] == before["seed"]
    assert (document.parent / "picture.jpg").is_file()


def test_a_soundscape_inside_a_result_folder_is_recognised_by_any_path(pictures, plan, done, monkeypatch):
    monkeypatch.chdir(plan.out.parent)
    rows, document = [], plan.out / "dog/001/soundscape.json"
    here = replace(plan, out=Path("results"))
    run_batch(find_tasks([document], here.out), here, rows.append)
    assert made(rows) == [] and rows[0]["name"] == "dog/001"
    assert [task.path.name for task in find_tasks([document, pictures / "dog"], here.out)] == ["001.jpg", document.name]
    assert len(find_tasks([document, pictures], here.out)) == 4, "its picture is an input too"
    assert made(go(pictures, plan)) == []


def test_a_second_run_without_sound_says_that_nothing_was_made(pictures, plan):
    assert len(made(go(pictures, replace(plan, skip_audio=True)))) == 4
    assert made(go(pictures, replace(plan, skip_audio=True))) == []
    assert len(made(go(pictures, plan))) == 4


def test_a_changed_picture_is_copied_even_if_its_description_is_kept(pictures, plan, done):
    before = (plan.out / "lake/picture.jpg").read_bytes()
    paint(pictures / "lake.jpg", 99)
    assert made(go(pictures, replace(plan, skip_vlm=True))) == ["lake"]
    assert (plan.out / "lake/picture.jpg").read_bytes() != before


def test_editing_one_source_of_a_soundscape_file_keeps_the_seed(tmp_path, soundscape):
    file = tmp_path / "river.json"
    plan = Plan(tmp_path / "out", audio="procedural", duration_s=2, skip_vlm=True)
    file.write_text(soundscape.to_json())
    (first,) = go(file, plan)
    louder = soundscape.sources[0].model_copy(update={"timbre": ("bright",)})
    file.write_text(soundscape.model_copy(update={"sources": (louder, *soundscape.sources[1:])}).to_json())
    (second,) = go(file, plan)
    assert made([second]) == ["river"] and first["seed"] == second["seed"]


@pytest.mark.parametrize("change", [{"seed": 8}, {"duration_s": 3.0}, {"again": True}])
def test_other_options_make_other_sounds(pictures, plan, done, change):
    assert len(made(go(pictures, replace(plan, **change)))) == 4


def test_without_a_seed_each_picture_has_its_own_and_keeps_it(pictures, plan):
    plan = replace(plan, seed=None)
    seeds = {row["name"]: row["seed"] for row in go(pictures, plan)}
    assert len(set(seeds.values())) == 4
    assert made(go(pictures, plan)) == []


@pytest.mark.parametrize(
    "damage", ["torn manifest", "edited manifest", "torn mix", "lost stem", "lost folder", "torn record"]
)
def test_damaged_or_missing_files_are_made_again(pictures, plan, done, damage):
    whole = tree(plan.out)
    result = plan.out / "lake"
    if damage == "torn manifest":
        (result / "manifest.json").write_text((result / "manifest.json").read_text()[:100])
    elif damage == "edited manifest":
        manifest = json.loads((result / "manifest.json").read_text())
        (result / "manifest.json").write_text(json.dumps(manifest | {"audio": "procedural"}))
    elif damage == "torn mix":
        os.truncate(result / "mix.wav", 1000)
    elif damage == "lost stem":
        next((result / "stems").iterdir()).unlink()
    elif damage == "lost folder":
        (plan.out / "lake").rename(plan.out.parent / "elsewhere")
    else:
        (plan.out / ".descriptions/lake.json").write_text('{"key"')
    go(pictures, plan)
    assert tree(plan.out) == whole


# Failures -------------------------------------------------------------------------------------------------------------


def failures(plan: Plan) -> list[dict]:
    with (plan.out / "failures.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_a_bad_picture_is_one_line_and_stops_nothing(pictures, plan):
    (pictures / "broken.jpg").write_bytes(b"no picture")
    rows = go(pictures, plan)
    assert len(made(rows)) == 4
    (failure,) = failures(plan)
    assert failure["picture"] == "broken.jpg" and failure["stage"] == "picture" and "not a picture" in failure["error"]
    paint(pictures / "broken.jpg")
    assert made(go(pictures, plan)) == ["broken"]
    assert not (plan.out / "failures.jsonl").exists()


def test_failures_of_other_pictures_are_kept_and_an_incomplete_line_is_dropped(pictures, plan):
    plan.out.mkdir()
    kept = {"picture": "far/away.jpg", "stage": "describe", "error": "Too dark."}
    (plan.out / "failures.jsonl").write_text(json.dumps(kept) + '\n{"picture": "to')
    go(pictures / "dog", plan)
    assert failures(plan) == [kept]


def test_an_interrupted_run_keeps_the_failures_of_pictures_that_it_did_not_reach(pictures, plan):
    (pictures / "broken.jpg").write_bytes(b"no picture")
    go(pictures, plan)
    before = failures(plan)
    ended = []

    def broken_off(tasks, plan):
        try:
            yield tasks[-1].row()
        finally:
            ended.append((plan.out / ".lock").exists())

    def stop(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(find_tasks([pictures], plan.out), plan, stop, rows=broken_off)
    assert failures(plan) == before and len(before) == 1
    assert ended == [True], "the work ends before the folder is unlocked"


def test_names_of_any_bytes_and_lines_of_any_json_stop_nothing(tmp_path, plan):
    strange = tmp_path / "pictures" / os.fsdecode(b"lake\xff\xe2\x80\xa8.png")
    paint(strange.with_name("lake.png")).rename(strange)
    strange.with_name("bad" + strange.name).write_bytes(b"")
    plan.out.mkdir()
    (plan.out / "failures.jsonl").write_text('[]\n{"picture": ["a"], "stage": "mix", "error": ""}\n')
    assert made(go(strange.parent, plan)) == ["lake"]
    assert [failure["picture"] for failure in failures(plan)] == ["bad" + strange.name]
    assert json.loads((plan.out / "lake/manifest.json").read_text())["input"]["path"] == strange.name
    assert made(go(strange.parent, plan)) == [] and len(failures(plan)) == 1


def test_failures_contain_no_paths_of_this_machine(pictures, plan, tmp_path):
    go(pictures, replace(plan, skip_vlm=True))
    assert len(failures(plan)) == 4 and str(tmp_path) not in json.dumps(failures(plan))


def test_the_error_of_an_invalid_edit_names_the_field_and_the_file_is_kept(pictures, plan):
    go(pictures, replace(plan, skip_audio=True))
    document = plan.out / "lake/soundscape.json"
    document.write_text('{"sources": [{"name": "bell", "gain_db": 99}]}')
    rows = go(pictures, plan)
    assert len(made(rows)) == 3
    assert failures(plan)[0]["error"] == "sources[0].gain_db: must be at most 12" and "99" in document.read_text()


def test_two_runs_do_not_write_into_one_folder(pictures, plan):
    def meanwhile(tasks, plan):
        with pytest.raises(SoundscapeError, match="Another run is writing to"):
            go(pictures, plan)
        return in_this_process(tasks, plan)

    assert len(made(go(pictures, plan, rows=meanwhile))) == 4
    assert not (plan.out / ".lock").exists()


# Kills ----------------------------------------------------------------------------------------------------------------


def test_runs_killed_at_random_moments_end_with_the_tree_of_an_undisturbed_run(tmp_path):
    """Runs with one process and with two are killed alternately."""
    pictures = tmp_path / "pictures"
    for number in range(max(12, KILLS // 2)):
        paint(pictures / f"{number % 3}/{number}.png", number)
    (pictures / "bad.png").write_bytes(b"")
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    command = [str(pictures), "--duration", "2", "--seed", "7", "--out"]
    moments = random.Random(3)
    for kill in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *command, str(broken), "--workers", str(1 + kill % 2)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=moments.uniform(0.3, 5.0))
        process.kill()
        process.communicate()  # until its workers, which have the same output, have ended with it
    for out in (broken, unbroken):
        forget_stems()
        assert main([*command, str(out)]) == 1  # bad.png
    assert tree(broken) == tree(unbroken)
    assert len(list(broken.rglob("mix.wav"))) == max(12, KILLS // 2)


def test_a_kill_between_two_renames_loses_nothing(tmp_path):
    """The old folder is renamed already, the new one not yet."""
    for name in (".dog.0a1b2c3d.old", ".dog.0a1b2c3d.part"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        (tmp_path / "animals" / name / "notes.txt").write_text(name)
    (tmp_path / "animals/.index.html.0a1b2c3d.part").write_text("half")
    repair(tmp_path)
    assert [path.name for path in (tmp_path / "animals").iterdir()] == ["dog"]
    assert (tmp_path / "animals/dog/notes.txt").read_text() == ".dog.0a1b2c3d.old"
