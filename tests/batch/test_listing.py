"""What a folder is searched for: pictures under all their endings, links once, and nothing that systems put there."""

import errno
import json
import os
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.batch import listing, storage
from pipeline.batch.command import main
from pipeline.batch.run import run_batch
from pipeline.batch.tasks import find_tasks
from pipeline.errors import SoundscapeError
from pipeline.files import check_file, read_file

from ..support.runs import go, made, paint, tree


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def found(root: Path, out: Path | None = None) -> tuple[list[str], str]:
    passed: Counter[str] = Counter()
    tasks = find_tasks([root], out or root.parent / "out", passed)
    return [task.source for task in tasks], listing.sum_up(passed)


def test_all_endings_of_pictures_are_found(tmp_path):
    names = ["a.JFIF", "b.jpe", "c.mpo", "d.HIF", "e.heics", "f.apng", "g.JPG", "h.Tiff"]
    assert found(touched(tmp_path / "in", *names, "i.txt", "j.mp4", "k")) == (
        names,
        "Passed over: 3 files of other kinds.",
    )


def test_what_systems_make_for_themselves_is_no_picture(tmp_path):
    folders = ["@eaDir", ".@__thumb", "#recycle", "#snapshot", ".Spotlight-V100", ".Trashes", ".fseventsd"]
    folders += [
        ".TemporaryItems",
        ".AppleDouble",
        "__MACOSX",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
    ]
    folders += [
        ".thumbnails",
        ".dropbox.cache",
        ".stfolder",
        ".stversions",
        "lost+found",
        "@Recycle",
        "Network Trash Folder",
    ]
    hidden = [f"{folder}/x.jpg" for folder in folders] + [f"dog/{folder}/x.jpg" for folder in folders]
    files = ["._a.jpg", "Thumbs.db", "desktop.ini", "dog/.DS_Store", "dog/ehthumbs.db"]
    assert found(touched(tmp_path / "in", *hidden, *files, "a.jpg", "dog/b.jpg")) == (["a.jpg", "dog/b.jpg"], "")


def test_remote_folders_of_systems_are_left_out_too():
    root = storage.place("memory://listing")
    for name in ("a.jpg", "@eaDir/a.jpg", "#recycle/b.jpg", "notes.txt", "B.JFIF"):
        storage.write_bytes(root / name, b"x")
    passed: Counter[str] = Counter()
    try:
        names = [path.name for path in storage.pictures(root, (".jpg", ".jfif"), passed)]
    finally:
        storage.remove(root)
    assert (names, passed[listing.OTHER]) == (["B.JFIF", "a.jpg"], 1)


def test_links_to_folders_are_followed_once(tmp_path):
    root = touched(tmp_path / "in", "real/1.jpg", "real/deep/2.jpg")
    touched(tmp_path / "other", "3.jpg", "back/4.jpg")
    links = {"a-first": root / "real", "elsewhere": tmp_path / "other", "elsewhere-2": tmp_path / "other"}
    links |= {"real/loop": root, "real/deep/up": root / "real", "everything": tmp_path, "root": Path("/")}
    for name, target in links.items():
        (root / name).symlink_to(target)
    (tmp_path / "other/back/loop").symlink_to(tmp_path / "other")
    (root / "itself").symlink_to(root / "itself")
    (root / "nowhere").symlink_to(root / "no such folder")
    sources, words = found(root)
    assert sources == ["elsewhere/3.jpg", "elsewhere/back/4.jpg", "real/1.jpg", "real/deep/2.jpg"]
    assert words == "Passed over: 2 files of other kinds, 7 links to folders not followed."


def test_an_input_may_be_a_link(tmp_path):
    touched(tmp_path / "real", "1.jpg")
    (tmp_path / "in").symlink_to(tmp_path / "real")
    assert found(tmp_path / "in") == (["1.jpg"], "")


def test_results_among_the_pictures_are_not_counted(pictures, plan):
    inside = replace(plan, out=pictures / "results")
    go(pictures / "cat", replace(inside, skip_audio=True))
    assert found(pictures, inside.out)[1] == ""


def test_a_run_says_at_its_end_what_it_passed_over(tmp_path, capsys):
    paint(touched(tmp_path / "in", "notes.txt") / "a.jpg")
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    assert main([str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--vision", "tagger", "--skip-audio"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "Passed over: 1 file of another kind, 1 link to a folder not followed."
    (tmp_path / "in/a.jpg").unlink()
    assert main([str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    assert "1 file of another kind" in capsys.readouterr().err


# Files that cannot be read --------------------------------------------------------------------------------------------


def test_placeholders_of_clouds_are_failures_until_they_are_downloaded(pictures, plan):
    described = replace(plan, skip_audio=True)
    touched(pictures, ".sea.jpg.icloud", "cat/.notes.txt.icloud")
    rows = {row["source"]: row.get("error", "") for row in go(pictures, described)}
    assert rows.pop("sea.jpg") == "sea.jpg is only in the cloud. Download it to this computer, then try again."
    assert len(rows) == 4 and not any(rows.values())
    (failure,) = map(json.loads, (plan.out / "failures.jsonl").read_text().splitlines())
    assert failure["picture"] == "sea.jpg"
    paint((pictures / ".sea.jpg.icloud").rename(pictures / "sea.jpg"))
    assert made(go(pictures, described)) == ["sea"] and not (plan.out / "failures.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("st_file_attributes", 0x400020), ("st_file_attributes", 0x1020), ("st_flags", 0x40000000)]
)
def test_marks_of_placeholders_are_known(tmp_path, name, value, monkeypatch):
    path = touched(tmp_path, "a.jpg") / "a.jpg"

    class Marked:
        st_mode, st_size = path.stat().st_mode, 10

    setattr(Marked, name, value)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: Marked)
    with pytest.raises(SoundscapeError, match="only in the cloud"):
        check_file(path)


def test_sparse_files_are_read(tmp_path):
    with (tmp_path / "sparse.json").open("wb") as file:
        file.truncate(1000)
    assert read_file(tmp_path / "sparse.json") == bytes(1000)


def test_files_without_permission_are_failures(pictures, plan, monkeypatch):
    real = {name: getattr(os, name) for name in ("open", "scandir", "stat")}
    secret = {"open": pictures / "lake.jpg", "scandir": pictures / "dog", "stat": pictures / "mine/a.jpg"}

    def refused(name):
        def call(path, *arguments, **options):
            if not isinstance(path, int) and Path(path) == secret[name]:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return real[name](path, *arguments, **options)

        return call

    for name in real:  # root could read everything
        monkeypatch.setattr(os, name, refused(name))
    passed: Counter[str] = Counter()
    tasks = find_tasks([pictures, secret["stat"]], plan.out, passed)
    rows = []
    run_batch(tasks, replace(plan, skip_audio=True), rows.append)
    errors = {row["source"]: row.get("error", "") for row in rows}
    assert errors.pop("lake.jpg") == "lake.jpg cannot be read: Permission denied."
    assert errors.pop("a.jpg") == "a.jpg cannot be read: Permission denied."
    assert errors == {"cat/001.jpg": "", "cat/001.png": ""}
    assert listing.sum_up(passed) == "Passed over: 1 folder that cannot be read."


# Names ----------------------------------------------------------------------------------------------------------------


def names(root: Path, *files: str) -> list[str]:
    return [task.name for task in find_tasks([touched(root / "in", *files)], root / "out")]


def test_names_of_other_scripts_are_kept(tmp_path):
    wanted = ["हिन्दी/नदी", "ไทย/น้ำ", "தமிழ்"]
    assert sorted(names(tmp_path, *(f"{name}.jpg" for name in wanted))) == sorted(wanted)


def test_names_that_are_the_same_to_some_system_get_different_results(tmp_path):
    groups = [["É.jpg", "e\u0301.png"], ["Dog.jpg", "dog.jpg"], ["🎉.jpg", "🐕.jpg"]]
    groups += [["NUL.jpg", "nul.png"], ["a..jpg", "a.jpg"]]
    result = names(tmp_path, *(name for group in groups for name in group))
    assert len(result) == 10 and len({unicodedata.normalize("NFD", name).casefold() for name in result}) == 10
    assert not any(name.endswith(".") or name.lower() == "nul" for name in result)


def test_a_long_name_is_written(tmp_path, plan):
    paint(tmp_path / "in" / f"{'𠀀' * 62}.jpg")
    (row,) = go(tmp_path / "in", replace(plan, skip_audio=True))
    assert "error" not in row and (plan.out / row["name"] / "soundscape.json").is_file()


def test_a_run_finds_the_results_that_earlier_versions_named_otherwise(tmp_path, plan):
    pictures = tmp_path / "in"
    paint(pictures / "नदी/हिन्दी.jpg", 1)
    go(pictures, plan)
    (plan.out / "नदी/हिन्दी").rename(plan.out / "old")
    (plan.out / "नदी").rename(plan.out / "नद")
    (plan.out / "old").rename(plan.out / "नद/ह_न_द")
    records = plan.out / ".descriptions"
    (records / "नद").mkdir()
    (records / "नदी/हिन्दी.json").rename(records / "नद/ह_न_द.json")
    before = tree(plan.out)
    (row,) = go(pictures, plan)
    assert row["unchanged"] and row["name"] == "नद/ह_न_द" and tree(plan.out) == before
    (plan.out / "नद/ह_न_द/manifest.json").unlink()
    assert find_tasks([pictures], plan.out)[0].name == "नद/ह_न_द", "by the record of its description"
    paint(pictures / "नदी/हिन्दी.jpg", 2)
    assert find_tasks([pictures], plan.out)[0].name == "नदी/हिन्दी"


def test_a_new_ending_does_not_take_the_name_of_an_earlier_result(tmp_path):
    tasks = find_tasks([touched(tmp_path / "in", "a.jfif", "a.jpg", "b.jfif")], tmp_path / "out")
    assert [task.source for task in tasks] == ["a.jfif", "a.jpg", "b.jfif"]
    assert [task.name for task in tasks][1:] == ["a", "b"] and tasks[0].name.startswith("a-")
