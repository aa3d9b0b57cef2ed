"""`python -m pipeline remix`: changes of the document that keep the other sounds."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pipeline.audio import read_wav
from pipeline.backends import SoundOptions
from pipeline.job import Job, run
from pipeline.remix import main
from pipeline.soundscape import Soundscape, Source
from pipeline.stems.events import onsets_of
from pipeline.synthesize import Stem, forget_stems

from .conftest import noise


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A result of three sources with a picture, and its bundle."""
    sources = (Source(name="river"), Source(name="bell", role="recurring"), Source(name="Church bell", role="one-shot"))
    job = Job(picture=Image.new("RGB", (60, 40)), soundscape=Soundscape(sources=sources), duration_s=4, seed=5)
    result = run(job, tmp_path_factory.mktemp("made") / "harbour")
    result.write_bundle()
    return result


@pytest.fixture
def remix(made, tmp_path, capsys):
    """Run the command on the result; return the new folder and the line on standard output."""

    def call(*options, given=None):
        forget_stems()
        status = main([str(given or made.folder), "--out", str(tmp_path / "new"), *options])
        assert status == 0
        return tmp_path / "new", json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def refusal(made, tmp_path, capsys):
    """Run the command with options that make no sense; return the message."""

    def call(*options):
        with pytest.raises(SystemExit) as ended:
            main([str(made.folder), "--out", str(tmp_path / "new"), *options])
        assert ended.value.code == 2 and not (tmp_path / "new").exists()
        return capsys.readouterr().err.splitlines()[-1]

    return call


def document(folder) -> list[dict]:
    return json.loads((folder / "soundscape.json").read_text())["sources"]


def dry(folder) -> dict[str, dict]:
    return {each["source"]: each for each in json.loads((folder / "prompts.json").read_text())}


@pytest.mark.parametrize("form", ["folder", "bundle"])
def test_every_option_changes_its_field_and_nothing_else(remix, made, form):
    options = ["--gain", "river=-6", "--pan", "2=-0.5", "--distance", "church bell=80", "--mute", "river"]
    given = made.folder if form == "folder" else made.bundle_path
    folder, said = remix(*options, "--take", "2=3", "--onsets", "3=2.5,1", "--space", "hall", given=given)
    river, bell, church = document(folder)
    assert (river["gain_db"], river["mute"], bell["pan"], bell["take"]) == (-6, True, -0.5, 3)
    assert (church["distance_m"], church["onsets_s"]) == (80, [1.0, 2.5])
    assert json.loads((folder / "soundscape.json").read_text())["space"] == "hall"
    assert said["folder"] == str(folder) and [each["source"] for each in said["stems"]] == ["bell", "Church bell"]
    assert (folder / "picture.jpg").is_file()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["seed"], manifest["duration_s"], manifest["audio"]["backend"]) == (5, 4.0, "procedural")


def test_a_new_take_changes_that_stem_alone_bit_for_bit(remix, made):
    folder, _ = remix("--take", "bell=+1")
    before, after = (made.stem_paths, sorted((folder / "stems").glob("*.wav")))
    dry_before, dry_after = dry(made.folder), dry(folder)
    assert dry_before["bell"]["seed"] != dry_after["bell"]["seed"]
    assert [dry_before[name]["seed"] == dry_after[name]["seed"] for name in ("river", "Church bell")] == [True, True]
    assert len(before) == len(after) == 3
    again, _ = remix("--take", "bell=+1", given=folder)
    assert document(again)[1]["take"] == 2
    back, _ = remix("--take", "bell=0", given=folder)
    assert (back / "mix.wav").read_bytes() == made.mix_path.read_bytes(), "take 0 is the stem of today"


def test_an_event_sounds_where_it_was_put(remix):
    folder, _ = remix("--onsets", "3=0.5,2.5", "--solo", "3", "--space", "open")
    found = onsets_of(read_wav(folder / "mix.wav"))
    assert [min(abs(each - time_s) for each in found) < 0.01 for time_s in (0.5, 2.5)] == [True, True]


def test_the_manifest_says_what_was_made_kept_and_placed_anew(remix, made, monkeypatch, tmp_path):
    monkeypatch.setenv("STEM_CACHE_GB", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert {each["origin"] for each in made.report["stems"]} == {"made"}
    remix()
    folder, said = remix("--gain", "river=3", "--onsets", "church bell=1", "--take", "2=1")
    assert [each["origin"] for each in said["stems"]] == ["kept", "made", "placed anew"]
    assert json.loads((folder / "manifest.json").read_text())["stems"] == said["stems"]


def test_solo_silences_the_others_and_unmute_brings_back(remix):
    folder, _ = remix("--solo", "bell")
    assert [source["mute"] for source in document(folder)] == [True, False, True]
    folder, _ = remix("--unmute", "1", given=folder)
    assert [source["mute"] for source in document(folder)] == [False, False, True]
    assert np.abs(read_wav(folder / "mix.wav").samples).max() > 0.01


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--mute", "rivr"],
            "there is no such source. Did you mean 'river'? Choices: river, bell, Church bell.",
        ),
        (["--gain", "4=3"], "there is no source 4. There are: 1 river"),
        (["--gain", "river"], "write it as NAME=VALUE, such as river=3."),
        (["--gain", "river=loud"], "the value must be a number."),
        (["--gain", "river=nan"], "the value must be a number."),
        (["--gain", "river=99"], "sources[0].gain_db: must be at most 12"),
        (["--take", "river=1.5"], "the value must be a whole number."),
        (["--take", "river=-1"], "sources[0].take: must be at least 0"),
        (["--onsets", "bell=1,x"], "times in seconds, such as 1,4.5."),
        (["--redo", "river=3"], "write it as NAME=START-END in seconds, such as rain=3-4.5."),
        (["--redo", "river=a-4"], "--redo river=a: the value must be a number."),
        (["--space", "cathedral"], "invalid choice: 'cathedral'"),
    ],
)
def test_what_makes_no_sense_is_refused(refusal, options, words):
    assert words in refusal(*options)


def test_a_name_that_several_sources_have_is_refused(made, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(made.folder, copy)
    twins = Soundscape(sources=(Source(name="wind"), Source(name="Wind")))
    (copy / "soundscape.json").write_text(twins.to_json())
    with pytest.raises(SystemExit):
        main([str(copy), "--out", str(tmp_path / "new"), "--mute", "wind"])
    assert "several sources have this name. Use a number. There are: 1 wind, 2 Wind." in capsys.readouterr().err


def test_a_model_that_cannot_make_a_span_again_refuses_it(made, tmp_path, capsys):
    assert main([str(made.folder), "--out", str(tmp_path / "new"), "--redo", "river=1-2"]) == 1
    assert "procedural cannot redo a part of a sound. Choose stable-audio-3" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_what_is_no_result_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--out", str(tmp_path / "new")]) == 1
    assert "empty is not a result" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["wrong bits", "encrypted"])
def test_a_picture_that_cannot_be_unpacked_is_told(made, tmp_path, capsys, damage):
    """All other files of the bundle are whole."""
    data = bytearray(made.bundle_path.read_bytes())
    if damage == "encrypted":
        for signature, flags, length, name in ((b"PK\3\4", 6, 26, 30), (b"PK\1\2", 8, 28, 46)):
            place = -1
            while (place := data.find(signature, place + 1)) >= 0:
                if data[place + name : place + name + data[place + length]] == b"picture.jpg":
                    data[place + flags] |= 1
    else:
        data[data.find(b"\xff\xd8\xff") + 30] ^= 0xFF  # in the JPEG, which is stored without compression
    (tmp_path / "harbour.zip").write_bytes(data)
    assert main([str(tmp_path / "harbour.zip"), "--out", str(tmp_path / "new"), "--gain", "river=2"]) == 1
    assert "harbour.zip is damaged and cannot be read. Use another copy of it." in capsys.readouterr().err


def test_the_model_that_described_the_picture_is_still_named(tmp_path, capsys):
    first = run(Job(picture=Image.new("RGB", (60, 40), "blue"), vision="tagger", duration_s=2, seed=5), tmp_path / "0")
    for number, options, is_edited in ((1, [], False), (2, ["--gain", "1=-3"], True), (3, [], True)):
        assert main([str(tmp_path / str(number - 1)), "--out", str(tmp_path / str(number)), *options]) == 0
        vision = json.loads((tmp_path / str(number) / "manifest.json").read_text())["vision"]
        assert vision == first.report["vision"] | {"edited": is_edited}


def test_a_result_with_long_prompts_and_many_warnings_can_be_read_again(tmp_path):
    """On a small GPU, each of eight sources has several notes: about its memory, its candidates, and its prompt."""
    notes = tuple(f"note {number}" + "x" * 2000 for number in range(4))
    sources = tuple(Source(name=f"river {number}") for number in range(8))
    stems = tuple(Stem(source, replace(noise(2.0), notes=notes)) for source in sources)
    options = SoundOptions(prompts=dict.fromkeys(range(8), "water " * 500), negative_prompt="music " * 500)
    run(Job(soundscape=Soundscape(sources=sources), duration_s=2, seed=5, stems=stems, options=options), tmp_path / "0")
    assert main([str(tmp_path / "0"), "--out", str(tmp_path / "1")]) == 0
