"""Result folders and bundles: written completely or not at all, with safe names, and read back."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from pipeline.audio import read_wav
from pipeline.errors import SoundscapeError
from pipeline.results import result
from pipeline.results.result import (
    BEFORE,
    read_result,
    repair,
    safe_name,
    stem_names,
    write_bundle,
    write_result,
    write_soundscape,
)
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import Stem

from ..conftest import noise


def written(folder, soundscape, **changes):
    stems = tuple(Stem(source, noise(0.5, channels=2, seed=i)) for i, source in enumerate(soundscape.sources))
    content = {
        "soundscape": soundscape,
        "clip": noise(0.5, channels=2),
        "stems": stems,
        "prompts": [{"source": each.name, "prompt": "words"} for each in soundscape.sources],
        "manifest": {"format": 1, "seed": 7},
        "picture": Image.new("RGB", (30, 20), "red"),
    }
    return write_result(folder, **(content | changes))


def test_the_folder_holds_everything_and_the_manifest_hashes_every_file(tmp_path, soundscape):
    manifest = written(tmp_path / "a", soundscape)
    files = {path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert files == {
        "mix.wav",
        "stems/01_river_rushing.wav",
        "stems/02_birdsong_singing.wav",
        "stems/03_thunder_rolling.wav",
        "soundscape.json",
        "prompts.json",
        "manifest.json",
        "picture.jpg",
    }
    assert json.loads((tmp_path / "a/manifest.json").read_text()) == manifest
    assert set(manifest["files"]) == files - {"manifest.json"}
    for name, entry in manifest["files"].items():
        data = (tmp_path / "a" / name).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert np.abs(read_wav(tmp_path / "a/mix.wav").samples - noise(0.5, channels=2).samples).max() < 1e-4


def test_a_result_without_a_picture_has_none(tmp_path, soundscape):
    written(tmp_path / "a", soundscape, picture=None)
    assert not (tmp_path / "a/picture.jpg").exists()


def test_a_second_result_replaces_the_first_and_leaves_no_temporary_files(tmp_path, soundscape):
    written(tmp_path / "a", soundscape)
    fewer = soundscape.model_copy(update={"sources": soundscape.sources[:1]})
    written(tmp_path / "a", fewer)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in (tmp_path / "a/stems").iterdir()] == ["01_river_rushing.wav"]


def test_files_that_the_user_added_are_kept(tmp_path, soundscape):
    (tmp_path / "a/drafts").mkdir(parents=True)
    (tmp_path / "a/thesis.doc").write_text("mine")
    (tmp_path / "a/drafts/one.txt").write_text("mine too")
    for _ in range(2):
        written(tmp_path / "a", soundscape)
        assert (tmp_path / "a/thesis.doc").read_text() == "mine"
        assert (tmp_path / "a/drafts/one.txt").read_text() == "mine too"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("whole", [True, False])
def test_all_replaced_descriptions_are_kept(tmp_path, soundscape, whole):
    moods = ("edited", "other", "third", "third")
    for mood in moods:
        document = soundscape.model_copy(update={"mood": mood})
        written(tmp_path / "a", document) if whole else write_soundscape(tmp_path / "a", document)
    kept = {path.name: Soundscape.from_json(path.read_text()).mood for path in (tmp_path / "a").glob("soundscape*")}
    assert kept.pop("soundscape.json") == "third" and kept.pop(BEFORE) == "other"
    assert list(kept.values()) == ["edited"]


def test_white_space_does_not_make_a_different_description(tmp_path, soundscape):
    write_soundscape(tmp_path / "a", soundscape)
    (tmp_path / "a/soundscape.json").write_text(json.dumps(json.loads(soundscape.to_json())), "utf-8-sig")
    written(tmp_path / "a", soundscape)
    assert not (tmp_path / "a" / BEFORE).exists()


@pytest.mark.parametrize("whole", [True, False])
def test_a_description_replaced_by_a_different_one_is_kept(tmp_path, soundscape, whole):
    edited, other = (soundscape.model_copy(update={"mood": mood}) for mood in ("edited", "other"))

    def write(document):
        written(tmp_path / "a", document) if whole else write_soundscape(tmp_path / "a", document)

    write_soundscape(tmp_path / "a", edited)
    write(edited)
    assert not (tmp_path / "a" / BEFORE).exists()
    write(other)
    assert Soundscape.from_json((tmp_path / "a" / BEFORE).read_text()) == edited
    assert Soundscape.from_json((tmp_path / "a/soundscape.json").read_text()) == other


def test_when_writing_fails_the_old_result_is_still_there(tmp_path, soundscape, monkeypatch):
    written(tmp_path / "a", soundscape)
    before = (tmp_path / "a/manifest.json").read_bytes()

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(result.Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="no space"):
        written(tmp_path / "a", soundscape)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a/manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("river rushing", "river_rushing"),
        ("../../etc/passwd", "etc_passwd"),
        ("Vögel: über/unter \\ Häuser?", "vögel_über_unter_häuser"),
        ("鳥の声", "鳥の声"),
        ("नदी का पानी", "नदी_का_पानी"),
        ("น้ำตก ไหล", "น้ำตก_ไหล"),
        ("மழை பெய்கிறது", "மழை_பெய்கிறது"),
        ("e\u0301cho", "\u00e9cho"),
        ("\u202egpj.exe", "gpj_exe"),
        ("🎉👨‍👩‍👧❤️", "source"),
        ("𠀀" * 62, "𠀀" * 50),
        ("ö" * 57 + "각각각각", "ö" * 57 + "각각각"),
        ("", "source"),
        ("a" * 200, "a" * 60),
        ("CON", "con"),
        ("-rf *", "rf"),
        ("x\x00y\n", "x_y"),
    ],
)
def test_file_names_are_safe_for_any_source_name(text, name):
    assert safe_name(text, "source") == name


def test_stems_are_numbered_by_their_source_even_if_some_are_muted_or_equal():
    twin = Source(name="bird", action="singing")
    soundscape = Soundscape(sources=(twin, Source(name="wind", mute=True), twin))
    stems = tuple(Stem(source, noise(0.5)) for source in (twin, twin))
    assert stem_names(soundscape, stems) == ["01_bird_singing.wav", "03_bird_singing.wav"]


def test_the_bundle_holds_the_folder_and_equal_folders_give_equal_bytes(tmp_path, soundscape):
    for name in ("a", "b"):
        written(tmp_path / name, soundscape)
    bundle = write_bundle(tmp_path / "a", tmp_path / "a.zip")
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "a" / name).read_bytes()
        assert len(archive.namelist()) == 8
    assert bundle.read_bytes() == write_bundle(tmp_path / "b", tmp_path / "b.zip").read_bytes()


def test_folder_and_bundle_are_read_back(tmp_path, soundscape):
    manifest = written(tmp_path / "a", soundscape)
    for path in (tmp_path / "a", write_bundle(tmp_path / "a", tmp_path / "a.zip")):
        finished = read_result(path)
        assert (finished.soundscape, finished.manifest) == (soundscape, manifest)


def test_files_that_are_not_results_are_refused_with_a_reason(tmp_path, soundscape):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("hello")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("soundscape.json", b" " * 50_000_000)
        archive.writestr("manifest.json", "{}")
    written(tmp_path / "a", soundscape)
    bundle = bytearray(write_bundle(tmp_path / "a", tmp_path / "cut.zip").read_bytes())
    with zipfile.ZipFile(tmp_path / "cut.zip") as archive:
        start = archive.getinfo("soundscape.json").header_offset
    bundle[start + 60 : start + 90] = bytes([255] * 30)
    (tmp_path / "cut.zip").write_bytes(bundle)
    for name, words in {
        "cut.zip": "damaged",
        "empty": "is not a result",
        "nothing": "is not a result",
        "other.zip": "is not a result",
        "text.zip": "damaged",
        "bomb.zip": "damaged",
    }.items():
        with pytest.raises(SoundscapeError, match=words):
            read_result(tmp_path / name)


def test_writing_a_description_leaves_the_other_files(tmp_path, soundscape):
    written(tmp_path / "a", soundscape)
    changed = soundscape.model_copy(update={"mood": "wild"})
    write_soundscape(tmp_path / "a", changed)
    assert Soundscape.from_json((tmp_path / "a/soundscape.json").read_text()) == changed
    assert (tmp_path / "a/mix.wav").is_file() and len(list((tmp_path / "a").iterdir())) == 7, "the earlier one too"


def test_interrupted_results_inside_an_interrupted_folder_are_repaired(tmp_path):
    (tmp_path / ".dog.0a1b2c3d.old/.001.0a1b2c3d.part").mkdir(parents=True)
    (tmp_path / ".dog.0a1b2c3d.old/.002.0a1b2c3d.old").mkdir()
    repair(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["dog", "dog/002"]


@pytest.mark.parametrize("moment", range(7))
def test_a_result_that_contains_others_is_complete_or_has_no_manifest(tmp_path, soundscape, monkeypatch, moment):
    """dog.jpg is next to the folder dog: while result dog is replaced, another process writes dog/001."""
    written(tmp_path / "dog", soundscape)
    written(tmp_path / "dog/001", soundscape)
    (tmp_path / "dog/.002.0a1b2c3d.part").mkdir()
    whole, other = result.Path.replace, soundscape.model_copy(update={"mood": "other"})
    moves = []

    def killed(path, target):
        if len(moves) == moment:
            raise KeyboardInterrupt
        moves.append(target)
        return whole(path, target)

    monkeypatch.setattr(result.Path, "replace", killed)
    if moment == 6:  # after the last move
        written(tmp_path / "dog", other, picture=None)
        assert not (tmp_path / "dog/picture.jpg").exists() and moves[-1].name == "manifest.json"
        assert read_result(tmp_path / "dog").soundscape == other
    else:
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path / "dog", other, picture=None)
        assert not (tmp_path / "dog/manifest.json").exists()
        kept = [Soundscape.from_json(path.read_text()) for path in (tmp_path / "dog").glob("soundscape*.json")]
        assert soundscape in kept
    assert read_result(tmp_path / "dog/001").soundscape == soundscape
    assert (tmp_path / "dog/.002.0a1b2c3d.part").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["dog"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_bundle_of_another_compression_is_refused(tmp_path, soundscape, compression):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", compression) as bundle:
        bundle.writestr("soundscape.json", soundscape.to_json())
        bundle.writestr("manifest.json", "{}")
    with pytest.raises(SoundscapeError, match=r"odd\.zip is damaged"):
        read_result(tmp_path / "odd.zip")
