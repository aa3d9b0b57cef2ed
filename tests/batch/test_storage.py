"""Local folders and remote file systems behave alike. A remote result is complete or has no manifest."""

import os
import sys
from pathlib import Path

import pytest

from pipeline.batch.storage import (
    is_local,
    local_copy,
    names,
    pictures,
    place,
    read_bytes,
    remove,
    working_folder,
    write_bytes,
)
from pipeline.errors import SoundscapeError
from pipeline.picture import SUFFIXES


@pytest.fixture
def memory():
    folder = place("memory://storage-test")
    yield folder
    remove(folder)


@pytest.fixture(params=["local", "remote"])
def anywhere(request, tmp_path):
    """A local folder, then a remote one."""
    yield tmp_path / "place" if request.param == "local" else request.getfixturevalue("memory")


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def contents(folder: Path) -> dict[str, str]:
    found = [each for each in folder.rglob("*") if each.is_file()]
    return {str(each).removeprefix(str(folder)).lstrip("/"): each.read_text() for each in found}


def finished(stems: list[str], text: str) -> dict[str, str]:
    sound = {f"stems/{name}": text for name in stems}
    return {"soundscape.json": text, "prompts.json": text, "mix.wav": text, "manifest.json": text} | sound


def test_a_local_place_is_a_path(tmp_path):
    assert place(str(tmp_path)) == tmp_path
    assert place(tmp_path) is tmp_path
    assert place(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    assert is_local(place("results"))


def test_an_address_is_a_remote_place():
    remote = place("memory://somewhere/deep")
    assert not is_local(remote)
    assert remote.name == "deep"
    assert str(remote / "x.jpg").endswith("somewhere/deep/x.jpg")


def test_local_paths_need_no_optional_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "upath", None)
    assert is_local(place("pictures"))


def test_without_the_package_the_requirements_file_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(SoundscapeError, match=r"pip install -r requirements-batch\.txt"):
        place("memory://anything")


@pytest.mark.parametrize(("address", "remedy"), [("s3://bucket/x", "s3fs"), ("gs://bucket/x", "gcsfs")])
def test_a_missing_driver_is_named(address, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, remedy, None)
    with pytest.raises(SoundscapeError, match=f"pip install {remedy}"):
        place(address)


def test_an_unknown_kind_of_address_is_refused():
    with pytest.raises(SoundscapeError, match=r"nonsense://bucket cannot be reached: .*nonsense"):
        place("nonsense://bucket")


def test_bytes_are_read_back_and_folders_are_made(anywhere):
    path = write_bytes(anywhere / "a" / "b.bin", b"\x00\x01")
    assert read_bytes(path) == b"\x00\x01"
    assert names(anywhere / "a") == ["b.bin"]
    write_bytes(path, b"other")
    assert read_bytes(path) == b"other"


def test_a_missing_file_is_not_found(anywhere):
    with pytest.raises(FileNotFoundError):
        read_bytes(anywhere / "nothing")
    assert names(anywhere / "nothing") == []
    remove(anywhere / "nothing")


def test_a_folder_is_removed_with_its_contents(anywhere):
    write_bytes(anywhere / "a" / "b" / "c.txt", b"c")
    write_bytes(anywhere / "d.txt", b"d")
    remove(anywhere / "a")
    remove(anywhere / "d.txt")
    assert contents(anywhere) == {}


def test_pictures_are_found_in_all_folders_and_results_are_not(anywhere):
    files = ["b.JPG", "a/2.png", "a/1.jpg", "a.b/3.webp", "picture.jpg", "notes.txt", ".hidden.jpg", ".git/x.jpg"]
    results = ["out/dog/picture.jpg", "out/dog/soundscape.json", "out/index.html", "out/_index/dog/thumb.jpg"]
    fill(anywhere, dict.fromkeys([*files, *results, "_index/mine.jpg"], "x"))
    found = [str(path).removeprefix(str(anywhere)).lstrip("/") for path in pictures(anywhere, SUFFIXES)]
    assert found == ["_index/mine.jpg", "a/1.jpg", "a/2.png", "a.b/3.webp", "b.JPG", "picture.jpg"]


def test_an_unreadable_folder_is_skipped_and_logged(tmp_path, caplog, monkeypatch):
    whole = os.scandir

    def closed(folder):
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return whole(folder)

    fill(tmp_path, {"a.jpg": "x", "closed/b.jpg": "x"})
    monkeypatch.setattr(os, "scandir", closed)
    assert [path.name for path in pictures(tmp_path, SUFFIXES)] == ["a.jpg"]
    assert "closed: skipped: Permission denied" in caplog.text


def test_a_remote_picture_is_downloaded_for_a_while_under_its_name(memory):
    path = write_bytes(memory / "dog 1.jpg", b"jpeg")
    with local_copy(path) as local:
        assert isinstance(local, Path)
        assert local.name == "dog 1.jpg"
        assert local.read_bytes() == b"jpeg"
    assert not local.exists()
    with pytest.raises(SoundscapeError, match=r"no file .*missing\.jpg"), local_copy(memory / "missing.jpg"):
        pass


def test_a_large_file_is_refused_before_it_is_downloaded(memory, monkeypatch):
    path = write_bytes(memory / "large.jpg", bytes(1_500_000))
    for download in ("cat_file", "get_file"):
        monkeypatch.setattr(memory.fs, download, lambda *_, **__: pytest.fail("it was downloaded"))
    with pytest.raises(SoundscapeError, match=r"large\.jpg has 2 MB\. Choose a file of at most 1 MB"):
        read_bytes(path)
    with pytest.raises(SoundscapeError, match=r"large\.jpg has 2 MB"), local_copy(path, 1_000_000):
        pass
    monkeypatch.undo()
    assert len(read_bytes(path, limit_bytes=None)) == 1_500_000
    with local_copy(path, 2_000_000) as local:
        assert local.stat().st_size == 1_500_000


def test_a_local_picture_is_read_in_place(tmp_path):
    fill(tmp_path, {"dog.jpg": "x"})
    with local_copy(tmp_path / "dog.jpg") as local:
        assert local == tmp_path / "dog.jpg"
    with working_folder(tmp_path / "dog") as local:
        assert local == tmp_path / "dog"


def test_a_new_remote_result_replaces_the_old_one(memory):
    folder = memory / "dog"
    fill(folder, finished(["01_dog.wav", "02_sea.wav"], "old") | {"picture.jpg": "old"})
    fill(folder, {"coherence.json": "of the old sound", "notes.txt": "mine"})
    with working_folder(folder) as local:
        assert (local / "soundscape.json").read_text() == "old"
        assert not (local / "mix.wav").exists(), "sound that will be made again is not downloaded"
        (local / "picture.jpg").unlink()
        fill(local, finished(["01_dog.wav"], "new"))
    assert contents(folder) == finished(["01_dog.wav"], "new") | {"notes.txt": "mine"}


def test_a_changed_description_keeps_the_sound(memory):
    folder = memory / "dog"
    fill(folder, finished(["01_dog.wav"], "old"))
    with working_folder(folder) as local:
        fill(local, {"soundscape.json": "new"})
    assert contents(folder) == finished(["01_dog.wav"], "old") | {"soundscape.json": "new"}


def test_nothing_is_uploaded_when_the_work_failed(memory):
    folder = memory / "dog"
    with pytest.raises(ZeroDivisionError), working_folder(folder) as local:
        fill(local, finished(["01_dog.wav"], "new"))
        raise ZeroDivisionError
    assert contents(folder) == {}


@pytest.mark.parametrize("writes", range(6))
def test_an_upload_that_fails_in_the_middle_leaves_no_manifest(memory, writes, monkeypatch):
    """The result has six files. Whichever upload fails, the result does not count as finished."""
    folder = memory / "dog"
    fill(folder, finished(["01_dog.wav", "02_sea.wav"], "old"))
    whole, done = memory.fs.put_file, []

    def failing(source, target, **options):
        if len(done) == writes:
            raise ConnectionResetError("the line is dead")
        done.append(target)
        whole(source, target, **options)

    monkeypatch.setattr(memory.fs, "put_file", failing)
    refused = pytest.raises(SoundscapeError, match=r"dog could not be written: the line is dead")
    with refused, working_folder(folder) as local:
        fill(local, finished(["01_dog.wav", "02_sea.wav"], "new"))
    assert "manifest.json" not in contents(folder)
    assert len(done) == writes

    monkeypatch.undo()
    with working_folder(folder) as local:
        fill(local, finished(["01_dog.wav"], "third"))
    assert contents(folder) == finished(["01_dog.wav"], "third")


def test_the_manifest_comes_last(memory, monkeypatch):
    whole, order = memory.fs.put_file, []

    def noted(source, target, **options):
        order.append(target)
        whole(source, target, **options)

    monkeypatch.setattr(memory.fs, "put_file", noted)
    with working_folder(memory / "dog") as local:
        fill(local, finished(["01_dog.wav"], "new"))
    assert order[-1].endswith("dog/manifest.json")
    assert len(order) == 5
