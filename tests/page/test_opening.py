"""Earlier results open unchanged from a ZIP, a folder or files. Damaged and hostile ones are refused with a reason."""

import io
import json
import os
import shutil
import struct
import sys
import unicodedata
import zipfile
from dataclasses import asdict
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
from PIL import Image

import app
from pipeline.audio import read_wav
from pipeline.errors import SoundscapeError
from pipeline.job import Job, run
from pipeline.page import document, earlier, fragments, opening, preview, views
from pipeline.page.form import remembered, titles, wishes_of
from pipeline.page.opening import open_result
from pipeline.results.manifest import EDITED, differences
from pipeline.results.result import MAX_MEMBERS
from pipeline.soundscape import Soundscape
from pipeline.synthesize import forget_stems, synthesize

from ..support.page_server import RIVER, finished, uploaded, visitor

STEM = "stems/01_river_rushing.wav"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The result of a blue picture with a river and some wind."""
    folder = tmp_path_factory.mktemp("made") / "river"
    picture = Image.new("RGB", (60, 40), (40, 90, 160))
    result = run(Job(picture, Soundscape.from_json(RIVER), audio="procedural", duration_s=2, seed=7), folder)
    result.write_bundle()
    return result


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the result folder that a test may change."""
    return Path(shutil.copytree(made.folder, tmp_path / "copy"))


def packed(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as bundle:
        for name, data in members.items():
            bundle.writestr(name, data)
    return path


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What comes up --------------------------------------------------------------------------------------------------------


def test_a_result_comes_up_as_it_was_from_zip_folder_and_files(made, tmp_path):
    inside = {f"my river/{name}": data for name, data in files(made.folder).items()} | {"__MACOSX/._mix.wav": b"x"}
    flat = [path for path in made.folder.rglob("*") if path.is_file()]
    for number, given in enumerate(([made.bundle_path], [made.folder], flat, [packed(tmp_path / "again.zip", inside)])):
        opened = open_result(given, tmp_path / str(number))
        assert files(tmp_path / str(number)) == files(made.folder)
        assert opened.result.soundscape == made.soundscape and opened.has_sound and opened.picture
        assert opened.result.report["seed"] == 7 and opened.result.report["warnings"] == made.report["warnings"]
        assert [path.name for path in opened.result.stem_paths] == [path.name for path in made.stem_paths]


def test_the_page_shows_all_of_it_and_can_make_the_same_again(made, visitors_root):
    values = app.on_open(uploaded(made.bundle_path), visitor())
    refusal, picture, shown, *_ = values
    text, origin = shown["json"], document.read_origin(json.dumps(shown["origin"]))
    assert len(values) == 1 + views.OPENED and refusal == ""
    assert Soundscape.from_json(text) == made.soundscape
    assert document.is_for(picture, text, origin) and not document.is_edited(text, origin)
    player, mix, bundle, stems, facts, *_ = values[4:11]
    assert Path(mix).read_bytes() == made.mix_path.read_bytes() and zipfile.is_zipfile(bundle)
    assert Path(player["mix"]["path"]).samefile(mix) and player["stems"] == [], "a bundle has no dry stems"
    assert not player["is_edited"]
    assert [stem["name"] for stem in stems] == ["river", "wind"] and "Embedded synthesiser" in facts
    again = finished(app.on_make(picture, text, origin, None, visitor(), lambda *_, **__: None, *values[-11:]))
    assert Path(again[1]).read_bytes() == made.mix_path.read_bytes() and len(again[0]["stems"]) == 2


def test_an_earlier_result_gets_its_dry_stems_in_the_background(made, visitors_root):
    folder = app.on_open(uploaded(made.bundle_path), visitor())[11]
    player = earlier.player(gr, folder)
    assert len(player["stems"]) == 2 and player["is_later"] and player["mix"]["path"] == str(folder / "mix.wav")
    for stem, source in zip(player["stems"], made.soundscape.sources):
        (kept,) = synthesize(Soundscape(sources=(source,)), "procedural", duration_s=2, seed=7)
        heard = read_wav(Path(stem["file"]["path"])).samples
        assert np.corrcoef(heard.ravel(), kept.clip.samples.ravel())[0, 1] > 0.999, source.name
    assert earlier.player(gr, folder) == earlier.player(gr, None) == gr.skip(), "not twice"


@pytest.mark.parametrize("kept", [True, False])
def test_a_large_model_does_not_run_for_an_earlier_result(made, visitors_root, monkeypatch, kept):
    """The stems of another model are used only if all of them are kept."""
    stems = synthesize(made.soundscape, "procedural", duration_s=2.0, seed=7)
    monkeypatch.setattr("pipeline.backends.EMBEDDED", ())
    ran = []
    monkeypatch.setattr(sys.modules["pipeline.synthesize"], "synthesize_batch", lambda *_, **__: ran.append(1))
    if not kept:
        forget_stems()
    player = earlier.player(gr, app.on_open(uploaded(made.bundle_path), visitor())[11])
    assert (player != gr.skip()) == kept and len(stems) == 2 and not ran


def test_stems_with_names_of_every_script_come_up(made, copy, tmp_path):
    name = "नदी_का_पानी_é"
    for form in ("NFC", "NFD"):  # macOS writes the second
        stem = copy / f"stems/01_{unicodedata.normalize(form, name)}.wav"
        next((copy / "stems").glob("01_*")).rename(stem)
        opened = open_result([copy], tmp_path / form)
        assert opened.result.stem_paths[0].name == unicodedata.normalize("NFC", f"01_{name}.wav")
    inside = {path.relative_to(copy).as_posix(): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    opened = open_result([packed(tmp_path / "made.zip", inside)], tmp_path / "zip")
    assert [path.name for path in opened.result.stem_paths] == [f"01_{name}.wav", "02_wind.wav"]


def test_a_pipe_among_uploaded_files_is_not_opened(copy, tmp_path):
    os.mkfifo(tmp_path / "result.zip")
    assert opening.bytes_of([tmp_path / "result.zip"]) < 10_000
    assert "not a regular file" in refused(tmp_path / "result.zip", tmp_path / "place")


def test_every_wish_of_a_result_is_remembered(made):
    options = {"steps": 50, "guidance": 2.5, "negative_prompt": "hiss", "candidates": 3, "precision": "float16"}
    own = {"prompts": {1: "a light breeze"}, "redo": {1: (0.5, 1.5)}}
    report = made.report | {"options": options | own}
    wishes = remembered(report)
    assert wishes[1:] == [2, "7", False, 50, 2.5, "hiss", 3, "float16", "\na light breeze", '{"1": [0.5, 1.5]}']
    assert asdict(wishes_of(*wishes)["options"]) == options | own
    assert wishes_of(*wishes, is_new=True)["options"].redo == {}, "the parts are of another document"
    with pytest.raises(SoundscapeError, match="reload the page"):
        wishes_of(*wishes[:-1], '{"1": 3}')
    beyond = report | {"options": options | {"steps": 500, "guidance": 40, "candidates": 9, "prompts": {}}}
    assert remembered(beyond)[4:8] == [200, 15, "hiss", 4]
    unknown = report | {"audio": {"backend": "of another day"}}
    assert remembered(made.report)[0] == "procedural" and remembered(unknown)[0] == ""


@pytest.mark.parametrize("name", ["soundscape.json", "my notes.json"])
def test_a_soundscape_alone_can_be_opened(name, tmp_path, visitors_root):
    (tmp_path / name).write_text(RIVER)
    values = app.on_open(uploaded(tmp_path / name), visitor())
    assert values[1] is None and Soundscape.from_json(values[2]["json"]) == Soundscape.from_json(RIVER)
    assert values[9].visible and not values[10].visible, "there is no sound yet"


def test_later_changes_are_reported_and_not_refused(copy, tmp_path):
    (copy / "soundscape.json").write_text(RIVER.replace("-6", "-9"))
    (copy / "prompts.json").write_text("[]")
    (copy / STEM).unlink()
    opened = open_result([copy], tmp_path / "opened")
    assert opened.result.soundscape.sources[1].gain_db == -9
    assert opened.result.report["warnings"] == [EDITED, "Changed since then: prompts.json.", f"Missing: {STEM}."]
    assert preview.info(opened.result)["is_edited"], "the player says so"


def test_an_edited_description_may_be_written_generously(copy, tmp_path):
    (copy / "soundscape.json").write_bytes(f"// quieter\n{RIVER.replace('-6', '-9')}".encode("utf-16"))
    opened = open_result([copy], tmp_path / "opened")
    assert opened.result.soundscape.sources[1].gain_db == -9
    assert opened.result.report["warnings"] == ["Read with repairs: comments.", EDITED]


def test_stems_of_an_edited_soundscape_keep_their_own_names(made):
    edited = Soundscape.from_json('{"sources": [{"name": "crowd"}]}')
    assert [each["name"] for each in fragments.stems(edited, made.stem_paths)] == ["river rushing", "wind"]


# What is refused ------------------------------------------------------------------------------------------------------


def refused(given, place):
    with pytest.raises(SoundscapeError) as caught:
        open_result([given] if isinstance(given, Path) else given, place)
    assert not place.exists(), "nothing is left"
    assert "Traceback" not in str(caught.value) and str(place.parent) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nonsense", b"\x00" * 5000])
def test_a_file_that_is_not_a_zip_is_reported_as_damaged(data, tmp_path):
    (tmp_path / "result.zip").write_bytes(data)
    assert "result.zip cannot be read. It is damaged" in refused(tmp_path / "result.zip", tmp_path / "place")


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9, 0.999])
def test_an_incomplete_zip_is_reported_as_damaged(made, tmp_path, place):
    data = made.bundle_path.read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: int(len(data) * place)])
    assert "cut.zip cannot be read" in refused(tmp_path / "cut.zip", tmp_path / "place")
    turned = bytearray(data)
    turned[int(len(data) * 0.5)] ^= 0xFF
    (tmp_path / "turned.zip").write_bytes(turned)
    assert "turned.zip cannot be read" in refused(tmp_path / "turned.zip", tmp_path / "place")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (
            "soundscape.json",
            b'{"sources": [{"name": "river", "gain_db": 99}]}',
            "soundscape.json has problems. sources[0].gain_db",
        ),
        (
            "soundscape.json",
            b"\xff\xfe\x00",
            "soundscape.json has problems. The file is neither UTF-8 nor UTF-16 text.",
        ),
        ("manifest.json", b"[]", "manifest.json is damaged"),
        ("manifest.json", b'{"seed": -1}', "manifest.json is damaged: seed is not valid"),
        ("manifest.json", b'{"loudness_lufs": NaN}', "manifest.json is damaged: loudness_lufs is not valid"),
        ("manifest.json", b"[" * 100_000, "manifest.json is damaged"),
        ("picture.jpg", b"<svg onload='alert(1)'/>", "picture.jpg is not a picture"),
        ("mix.wav", b"<script>alert(1)</script>", "mix.wav is not a sound"),
        (STEM, b"RIFF0000WAVEfmt ", "01_river_rushing.wav is"),
    ],
)
def test_a_damaged_part_is_named(copy, tmp_path, name, data, words):
    (copy / name).write_bytes(data)
    assert words in refused(copy, tmp_path / "place")


def test_files_that_are_not_a_result_are_refused(tmp_path, made):
    (tmp_path / "photo.jpg").write_bytes((made.folder / "picture.jpg").read_bytes())
    assert "There is no soundscape.json in it." in refused(tmp_path / "photo.jpg", tmp_path / "place")
    two = {f"{name}/soundscape.json": RIVER for name in "ab"}
    assert "There are 2 results in it." in refused(packed(tmp_path / "two.zip", two), tmp_path / "place")
    assert "one ZIP at a time" in refused([made.bundle_path, made.bundle_path], tmp_path / "place")
    assert "Nothing was chosen" in refused([], tmp_path / "place")


def test_a_file_with_a_path_of_its_own_is_never_written(tmp_path):
    evil = ["../evil.wav", "/tmp/evil.wav", "stems/../../evil.wav", "stems\\evil.wav", "C:\\evil.wav", "stems/evil.wav"]
    evil += ["mix.wav/evil", "index.html", "stems/01_evil.html", ".hidden"]
    place = tmp_path / "deep" / "place"
    open_result([packed(tmp_path / "evil.zip", dict.fromkeys(evil, b"evil") | {"soundscape.json": RIVER})], place)
    assert [path.name for path in (tmp_path / "deep").rglob("*") if path.is_file()] == ["soundscape.json"]


def test_a_link_in_a_zip_is_read_as_text(tmp_path):
    link = zipfile.ZipInfo("mix.wav")
    link.external_attr = 0o120777 << 16
    path = packed(tmp_path / "link.zip", {"soundscape.json": RIVER, link: "/etc/passwd"})
    assert "mix.wav is not a sound" in refused(path, tmp_path / "place")


def test_a_bomb_ends_at_the_limit_of_its_file(tmp_path, monkeypatch):
    path = packed(tmp_path / "bomb.zip", {"soundscape.json": RIVER, "mix.wav": bytes(40_000_000)})
    assert path.stat().st_size < 100_000
    assert "mix.wav is too large. It may have at most 32 MB" in refused(path, tmp_path / "place")
    lying = path.read_bytes().replace(struct.pack("<I", 40_000_000), struct.pack("<I", 1000))
    path.write_bytes(lying)
    refused(path, tmp_path / "place")
    monkeypatch.setattr(opening, "MAX_BYTES", 1000)
    many = {"soundscape.json": RIVER, "prompts.json": "x" * 2000}
    assert "too large" in refused(packed(tmp_path / "many.zip", many), tmp_path / "place")


def test_a_zip_of_a_million_names_is_refused_before_they_are_read(tmp_path, monkeypatch):
    path = packed(tmp_path / "many.zip", {f"{number}.txt": b"" for number in range(MAX_MEMBERS + 1)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "holds more than 200 files" in refused(path, tmp_path / "place")


def test_compressions_that_take_gigabytes_to_undo_are_refused(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as bundle:
        bundle.writestr("soundscape.json", RIVER)
    (tmp_path / "lzma.zip").write_bytes(file.getvalue())
    assert "cannot be read" in refused(tmp_path / "lzma.zip", tmp_path / "place")


def test_no_manifest_asks_about_files_of_the_server(copy, tmp_path):
    manifest = json.loads((copy / "manifest.json").read_text())
    names = ["/etc/passwd", "../copy/mix.wav", "/no/such/file"]
    report = {"files": {name: {"sha256": "0" * 64} for name in names}}
    assert differences(copy, report) == [f"Missing: {', '.join(sorted(names))}."], (
        "the same for existing and missing files"
    )
    assert manifest["files"]


def test_what_a_manifest_says_is_escaped_and_only_what_is_known_is_kept(copy, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest |= {"warnings": [evil], "unknown": evil, "seconds": {evil: 1, "mix": 2}}
    manifest["audio"] |= {"backend": evil, "model": evil, "device": evil}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    report = open_result([copy], tmp_path / "opened").result.report
    html = fragments.report(report, titles(report))
    assert "<img" not in html and "&lt;img" in html and "unknown" not in report


def test_a_visitor_cannot_open_a_file_of_the_server(address, made):
    config = httpx.get(f"{address}/config").json()
    (call,) = (each for each in config["dependencies"] if each["api_name"] == "on_open")
    file = {"path": str(made.bundle_path), "meta": {"_type": "gradio.FileData"}}
    body = {"data": [[file]], "fn_index": call["id"], "session_hash": "somebody"}
    answer = httpx.post(f"{address}/gradio_api/queue/join", json=body)
    assert answer.status_code == 422 and "Upload it" in answer.text and made.bundle_path.name not in answer.text


def test_only_regular_files_of_a_result_are_read(copy, tmp_path):
    for name in ("prompts.json", "mix.wav"):
        (copy / name).unlink()
        os.mkfifo(copy / name)
    (copy / "manifest.json").unlink()
    (copy / "manifest.json").mkdir()
    opened = open_result([copy], tmp_path / "opened")
    assert opened.result.soundscape and not opened.has_sound, "reading a pipe would never end"


def test_room_is_reserved_by_real_sizes(made, tmp_path):
    size_bytes = sum(path.stat().st_size for path in made.folder.rglob("*") if path.is_file())
    for given in ([made.folder], [made.bundle_path], [path for path in made.folder.rglob("*") if path.is_file()]):
        assert size_bytes <= opening.bytes_of(given) < 1.2 * size_bytes + 20_000
    bomb = packed(tmp_path / "bomb.zip", {"soundscape.json": RIVER, "mix.wav": bytes(300_000_000)})
    assert opening.bytes_of([bomb]) == opening.MAX_BYTES
    assert opening.bytes_of([tmp_path / "missing.zip"]) == 0
