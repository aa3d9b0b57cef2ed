"""The overview of a tree of results: atomic, incremental, deterministic, and safe to open."""

import csv
import json
import os
import re
import shutil

import pytest
from PIL import Image
from pyarrow import parquet

from pipeline import overview
from pipeline.overview import drawings, tables, write_overview
from pipeline.overview.command import main
from pipeline.results.result import read_result
from pipeline.soundscape import Soundscape, Source

from ..support.trees import make_tree, write_small

EVIL = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'


def scripts(root):
    """Return the data in the scripts of the page, in order."""
    names = re.search(r'data-scripts="([^"]*)"', (root / "index.html").read_text())[1].split()
    texts = [(root / "_index" / name).read_text("ascii") for name in names]
    assert all(text.startswith("take(") and text.endswith(");\n") for text in texts)
    return [json.loads(text[5:-3]) for text in texts]


def shown(root):
    return [result for script in scripts(root) for result in script.get("results", [])]


def table(root):
    with (root / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(root):
    """Return the bytes of every file that the overview wrote."""
    paths = [root / name for name in ("index.html", "summary.csv", "results.parquet")]
    paths += [path for path in (root / "_index").rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.exists()}


def drawn(root):
    return {name for name in files(root) if name.endswith(".webp")}


def one(**fields):
    return Soundscape(sources=(Source(name="river"),), **fields)


# What it says --------------------------------------------------------------------------------------------------------


def test_page_and_tables_tell_of_every_result(tmp_path):
    make_tree(tmp_path, 7)
    assert write_overview(tmp_path) == tmp_path / "index.html"
    names = [f"set{number % 3}/{number:05d}" for number in (0, 3, 6, 1, 4, 2, 5)]
    assert [result["name"] for result in shown(tmp_path)] == names
    assert [row["name"] for row in table(tmp_path)] == names
    assert parquet.read_table(tmp_path / "results.parquet")["name"].to_pylist() == names


def test_a_result_is_told_in_full(tmp_path, soundscape):
    write_small(
        tmp_path / "a", soundscape, warnings=["It is quiet."], checks={"clipped_share": 0.5, "problems": ["Bad."]}
    )
    (tmp_path / "a/coherence.json").write_text('{"own_score": 0.25}')
    write_overview(tmp_path)
    head, _ = scripts(tmp_path)
    (result,) = shown(tmp_path)
    assert result["scene"] == "A river over boulders" and result["space"] == "forest"
    assert [source["name"] for source in result["sources"]] == ["river", "birdsong", "thunder"]
    first = result["sources"][0]
    assert (first["evidence"], first["confidence"], first["box"]) == ("visible", 0.92, [0.1, 0.55, 0.9, 1.0])
    assert (first["stem"], first["prompt"]) == ("01_stem.wav", "river, close")
    assert (result["warnings"], result["problems"]) == (["It is quiet."], ["Bad."])
    keys = [figure["key"] for figure in head["figures"]]
    assert result["figures"][keys.index("checks.clipped_share")] == 0.5
    assert result["figures"][keys.index("coherence.own_score")] == 0.25
    assert all(figure["title"] and figure["meaning"] for figure in head["figures"])
    for name in (result["thumbnail"], result["spectrogram"]):
        assert Image.open(tmp_path / "_index" / name).format == "WEBP"


def test_the_summary_has_flat_columns_with_units_and_numbers_as_numbers(tmp_path, soundscape):
    write_small(tmp_path / "b", soundscape, input={"path": "dog/001.jpg"}, seconds={"describe": 1.25, "stretch": 3})
    write_small(tmp_path / "a", one(scene="Où l'eau\ncoule, 水"), checks={})
    write_overview(tmp_path)
    first, second = table(tmp_path)
    assert first["scene"] == "Où l'eau coule, 水" and first["picture"] == "a/picture.jpg"
    assert second["picture"] == "dog/001.jpg"
    assert second["sources_text"] == "river (visible, 0.92); birdsong (inferred, 1.00); thunder (inferred, 1.00)"
    assert (second["sources_count"], second["loudness_lufs"], second["true_peak_dbtp"]) == ("3", "-20", "-3.5")
    assert (second["describe_s"], second["stretch_s"], first["stretch_s"]) == ("1.25", "3", "")
    assert (second["checks_high_band_db"], first["checks_high_band_db"]) == ("-9.5", "")
    assert (second["audio_backend"], second["seed"]) == ("procedural", "7")


def test_no_cell_is_a_formula(tmp_path):
    for number, text in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "a=1")):
        warnings = [text, "and more"]
        source = Source(name=text.strip() or "x", action=text)
        write_small(tmp_path / str(number), Soundscape(scene=text, mood=text, sources=(source,)), warnings=warnings)
    write_overview(tmp_path)
    for row in table(tmp_path):
        for name, cell in row.items():
            is_number = re.fullmatch(r"-?[\d.e+-]+", cell) and name not in ("scene", "mood")
            assert is_number or not cell.startswith(("=", "+", "-", "@", "\t", "＝")), (name, cell)
    assert [row["scene"] for row in table(tmp_path)][-1] == "a=1"
    raw = parquet.read_table(tmp_path / "results.parquet")["scene"].to_pylist()
    assert raw[:2] == ["=1+1", "+1"], "a data frame takes texts as they are"


def test_the_parquet_file_has_types_sources_and_the_documents_whole(tmp_path, soundscape):
    write_small(tmp_path / "a", soundscape, seed=2**40)
    write_overview(tmp_path)
    (row,) = parquet.read_table(tmp_path / "results.parquet").to_pylist()
    assert (row["seed"], row["loudness_lufs"], row["sources_count"]) == (2**40, -20.0, 3)
    assert [source["name"] for source in row["sources"]] == ["river", "birdsong", "thunder"]
    assert row["sources"][0]["box"] == [0.1, 0.55, 0.9, 1.0] and row["sources"][0]["timbre"] == ["bright", "broadband"]
    assert row["sources"][2]["stem"] == "03_stem.wav"
    assert Soundscape.from_json(row["document_json"]) == soundscape
    assert json.loads(row["manifest_json"]) == read_result(tmp_path / "a").manifest


def test_without_pyarrow_there_is_no_parquet_file_and_none_of_before(tmp_path, monkeypatch):
    make_tree(tmp_path, 2)
    write_overview(tmp_path)
    monkeypatch.setattr(tables, "has_package", lambda name: False)
    write_overview(tmp_path)
    assert not (tmp_path / "results.parquet").exists() and len(table(tmp_path)) == 2


def test_failures_are_told_and_an_empty_tree_is_no_error(tmp_path):
    failure = {"picture": "dog/001.jpg", "stage": "picture", "error": EVIL}
    (tmp_path / "failures.jsonl").write_text(json.dumps(failure) + "\n" + '{"picture": "torn')
    write_overview(tmp_path)
    (head,) = scripts(tmp_path)
    assert head["failures"] == {"count": 1, "shown": [failure]} and head["count"] == 0
    assert table(tmp_path) == []


def test_text_of_documents_never_becomes_part_of_the_page(tmp_path):
    evil = Soundscape(scene=EVIL, mood="\u2028*/", sources=(Source(name="</script>"[:60], action=EVIL[:60]),))
    write_small(tmp_path / "a", evil, warnings=[EVIL, "\ud800"], vision={"backend": EVIL, "model": "/home/me/secret/m"})
    write_overview(tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "onerror" not in page and page.count("</script>") == 1
    assert shown(tmp_path)[0]["scene"] == EVIL
    assert not any(
        b"/home/me" in data for name, data in files(tmp_path).items() if name.endswith((".js", ".csv", ".html"))
    )


# When things are damaged ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manifest",
    [
        {"vision": ["x"], "audio": 3, "seconds": "long", "warnings": "none", "files": [], "checks": 1, "senses": None},
        {"vision": {"backend": 1}, "seconds": {"describe": "1", "=a": 2, "sound": True}, "warnings": [1, {}]},
        {"seed": "7", "duration_s": [], "loudness_lufs": True, "input": {"path": 5}, "checks": {"problems": "bad"}},
        {
            "loudness_lufs": float("nan"),
            "true_peak_dbtp": float("-inf"),
            "seed": 2**70,
            "checks": {"=cmd": 1, "a b": 2},
        },
        {"checks": {"x": 10**400}, "seconds": {"mix": 10**400}, "seed": 10**400},
        {"files": {"mix.wav": {"bytes": 1, "sha256": "0"}, "stems/../../x.wav": {}, "picture.jpg": None}},
    ],
)
def test_a_manifest_of_anything_is_shown_without_what_is_wrong(tmp_path, manifest):
    write_small(tmp_path / "a", one(scene="still here"), **manifest)
    write_overview(tmp_path)
    (result,), (row,) = shown(tmp_path), table(tmp_path)
    assert result["scene"] == row["scene"] == "still here"
    assert "=a_s" not in row and not any("cmd" in name for name in row)
    assert len(drawn(tmp_path)) == 2
    assert parquet.read_table(tmp_path / "results.parquet").num_rows == 1


def test_a_damaged_picture_or_sound_costs_only_its_drawing(tmp_path, caplog):
    make_tree(tmp_path, 3, different=True)
    (tmp_path / "set0/00000/mix.wav").write_bytes(b"RIFF no sound")
    (tmp_path / "set1/00001/picture.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "set2/00002/picture.jpg").unlink()
    (tmp_path / "set2/00002/prompts.json").write_text("[{")
    write_overview(tmp_path)
    assert len(shown(tmp_path)) == 3 and len(drawn(tmp_path)) == 3
    assert len(caplog.messages) == 3


# Again and again -----------------------------------------------------------------------------------------------------


def test_equal_trees_give_equal_bytes(tmp_path):
    make_tree(tmp_path / "a", 5, different=True)
    shutil.copytree(tmp_path / "a", tmp_path / "other name")
    write_overview(tmp_path / "a")
    once = files(tmp_path / "a")
    write_overview(tmp_path / "a")
    write_overview(tmp_path / "other name")
    assert files(tmp_path / "a") == once == files(tmp_path / "other name")
    assert len(drawn(tmp_path / "a")) == 10


def test_only_what_is_new_or_changed_is_drawn_and_the_vanished_goes(tmp_path, monkeypatch):
    make_tree(tmp_path, 6, different=True)
    write_overview(tmp_path)
    before = drawn(tmp_path)
    (tmp_path / "_index/mine.txt").write_text("a note")
    made = []
    for name in ("_thumbnail", "_spectrogram"):
        draw = getattr(drawings, name)
        monkeypatch.setattr(
            drawings, name, lambda path, draw=draw: made.append(path.relative_to(tmp_path).as_posix()) or draw(path)
        )
    write_overview(tmp_path)
    assert made == [] and drawn(tmp_path) == before

    first = tmp_path / "set0/00000"
    write_small(first, one(scene="now another sound"), variant=99)
    shutil.rmtree(tmp_path / "set1/00001")
    write_overview(tmp_path)
    assert sorted(made) == ["set0/00000/mix.wav", "set0/00000/picture.jpg"]
    after = drawn(tmp_path)
    assert len(before - after) == 4 and len(after - before) == 2
    referred = {f"_index/{result[key]}" for result in shown(tmp_path) for key in ("thumbnail", "spectrogram")}
    assert after == referred
    assert len([name for name in files(tmp_path) if name.endswith(".js")]) == len(scripts(tmp_path))
    assert (tmp_path / "_index/mine.txt").read_text() == "a note"


@pytest.mark.parametrize("stop_at", [("read", 2), ("draw", 2), ("write", 0)])
def test_stopped_at_any_moment_the_page_of_before_is_whole(tmp_path, stop_at):
    make_tree(tmp_path, 3, different=True)
    write_overview(tmp_path)
    before = files(tmp_path)
    make_tree(tmp_path, 9, different=True)

    def stop(stage, done, total):
        if (stage, done) == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_overview(tmp_path, stop)
    assert files(tmp_path).items() >= before.items() and len(shown(tmp_path)) == 3
    write_overview(tmp_path)
    assert len(shown(tmp_path)) == len(table(tmp_path)) == 9 and len(drawn(tmp_path)) == 18
    assert not any(path.name.endswith(".part") for path in tmp_path.rglob("*"))


def test_a_full_disk_leaves_the_page_of_before(tmp_path, monkeypatch):
    make_tree(tmp_path, 2)
    write_overview(tmp_path)
    before = files(tmp_path)
    make_tree(tmp_path, 4)

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(overview.page, "write_file", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_overview(tmp_path)
    assert files(tmp_path) == before


def test_progress_counts_every_result(tmp_path):
    make_tree(tmp_path, 20)
    told = []
    write_overview(tmp_path, lambda *step: told.append(step))
    for stage, total in (("read", 0), ("draw", 20)):
        assert [step for step in told if step[0] == stage] == [(stage, done, total) for done in range(1, 21)]
    assert told[-1] == ("write", 1, 1)


def test_prompts_that_are_a_pipe_or_huge_are_skipped(tmp_path, caplog):
    make_tree(tmp_path, 3)
    pipe, huge = sorted(tmp_path.rglob("prompts.json"))[:2]
    pipe.unlink()
    os.mkfifo(pipe)
    with huge.open("ab") as file:
        file.truncate(2_000_000_000)
    write_overview(tmp_path)
    assert len(shown(tmp_path)) == 3
    assert caplog.text.count("skipped its damaged prompts.json") == 2


# The command line ----------------------------------------------------------------------------------------------------


def test_the_command_writes_the_page_and_tells_its_path(tmp_path, capsys):
    make_tree(tmp_path, 1)
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "index.html")


def test_a_folder_of_pictures_is_no_tree_of_results_and_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "photos/a.jpg")
    assert main([str(tmp_path / "photos")]) == 1
    assert capsys.readouterr().err == "photos holds no finished results.\n"
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 1
    assert "There is no folder" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_told(tmp_path, capsys):
    make_tree(tmp_path, 1)
    tmp_path.chmod(0o500)
    assert main([str(tmp_path)]) == 1
    assert "could not be written" in capsys.readouterr().err
