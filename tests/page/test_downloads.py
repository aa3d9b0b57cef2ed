"""The names of what visitors download."""

import json
import unicodedata
import zipfile

import pytest

import app
from pipeline.page import downloads, scratch, views, visitors
from pipeline.results.result import MIX, SOUNDSCAPE


@pytest.fixture
def folder(tmp_path):
    """A function that writes a small result with this scene."""

    def write(scene: str = "", *names: str):
        folder = tmp_path / "soundscape"
        folder.mkdir(exist_ok=True)
        sources = [{"name": name} for name in names or ("wind",)]
        (folder / SOUNDSCAPE).write_text(json.dumps({"scene": scene, "sources": sources}), "utf-8")
        (folder / MIX).write_bytes(b"the mix")
        return folder

    return write


@pytest.mark.parametrize(
    ("scene", "name"),
    [
        ("A harbour at dusk.", "a_harbour_at_dusk"),
        ("../../etc/passwd", "etc_passwd"),
        ('a\\b:c*d?e"f<g>h|i\0\n', "a_b_c_d_e_f_g_h_i"),
        ("", "wind_far_bells"),
        ("...", "soundscape"),
    ],
)
def test_a_download_is_named_by_its_scene(folder, scene, name):
    place = folder(scene, "wind", "far bells")
    bundle = downloads.pack(place)
    assert (bundle.name, downloads.mix_of(place).name) == (f"{name}.zip", f"{name}.wav")
    assert {each.parent for each in (bundle, downloads.mix_of(place))} == {place.parent}
    assert zipfile.ZipFile(bundle).namelist() == [MIX, SOUNDSCAPE], "the names inside stay"


@pytest.mark.parametrize("scene", ["word " * 60, "港" * 200, "नदी के किनारे " * 20, "👩‍👩‍👧 " * 50])
def test_long_names_are_cut(folder, scene):
    place = folder(scene)
    assert downloads.pack(place).is_file() and downloads.mix_of(place).read_bytes() == b"the mix"
    name = downloads.mix_of(place).stem
    assert len(name) <= 60 and unicodedata.is_normalized("NFC", name)


def test_the_mix_takes_no_room_twice_and_may_be_packed_again(folder, monkeypatch):
    place = folder("A river")
    downloads.pack(place)
    downloads.pack(place)
    assert downloads.mix_of(place).samefile(place / MIX)
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("not here")))
    downloads.pack(place)
    assert downloads.mix_of(place).read_bytes() == b"the mix" and not downloads.mix_of(place).samefile(place / MIX)


def test_the_page_and_the_end_points_hand_out_these_files(visitors_root):
    text = '{"scene": "Regen über Köln", "sources": [{"name": "rain"}]}'
    result = app.render(
        app.job_of(None, text, duration_s=2, seed=1), visitors.new_result("visitor"), None, lambda *_, **__: None
    )
    mix, bundle, report = views.files(result)
    assert views.sound(app.gr, result)[1:3] == [mix, bundle] and report["seed"] == 1
    for path in (mix, bundle):
        assert scratch.own().find(path).stem == downloads.mix_of(result.folder).stem
    assert scratch.bytes_in(result.folder.parent) <= app.bytes_of(app.job_of(None, text, duration_s=2))
