"""Scores of pictures and sounds by PE-AV: only on request, among the sounds of the other results, and kept."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.audio import wav_bytes
from pipeline.backends import memory
from pipeline.backends.pe_av import PeAv
from pipeline.quality import coherence, embeddings
from pipeline.quality.coherence import MEANINGS, availability, score_collection, score_result
from pipeline.quality.command import main
from pipeline.quality.figures import figures_of
from pipeline.results.collection import read_collection
from pipeline.settings import read_settings
from pipeline.study.tables import FIGURES

from ..conftest import noise
from ..support.checkpoints.audio import build_clap
from ..support.checkpoints.hub import serve
from ..support.checkpoints.pe_av import build_pe_av
from ..support.checkpoints.vision import build_clip
from ..support.scored import report_of, tone, write_result

ROOT = Path(__file__).parents[2]
BUILDS = {"CLAP_MODEL": build_clap, "CLIP_MODEL": build_clip, "PE_AV_MODEL": build_pe_av}
OURS = {name for name in MEANINGS if name.startswith("picture_sound")}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    built = {name: build(root / name.lower()) for name, build in BUILDS.items()}
    gc.freeze()
    yield built
    memory.forget_others()


@pytest.fixture(autouse=True)
def models(folders, monkeypatch):
    """Set CLAP and CLIP, and the weights that PE-AV has by default: it is not asked for."""
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.delenv("PE_AV_MODEL", raising=False)
    for name in ("CLAP_MODEL", "CLIP_MODEL"):
        monkeypatch.setenv(name, str(folders[name]))
    monkeypatch.setattr("pipeline.backends.pe_av.MODEL", str(folders["PE_AV_MODEL"]))
    monkeypatch.setattr("pipeline.backends.pe_av.REVISION", "")


@pytest.fixture
def tree(tmp_path):
    for number in range(3):
        write_result(tmp_path / "tree" / f"{number:03}", number)
    return tmp_path / "tree"


def no_model(monkeypatch) -> None:
    memory.forget_others()
    monkeypatch.setattr(PeAv, "_load", lambda *_: pytest.fail("PE-AV was loaded"))


def test_it_is_not_used_unless_asked_for(tree, monkeypatch):
    no_model(monkeypatch)
    assert score_collection(tree).warnings == ()
    assert not OURS & report_of(tree, "000").keys() and "pe_av" not in report_of(tree, "000")["models"]
    assert set(availability()) == {"clap", "clip"}


def test_each_sound_is_ranked_among_the_others_for_its_picture(tree):
    scored = score_collection(tree, pe_av=True)
    assert (scored.results, scored.computed, scored.warnings) == (3, 3, ())
    model = PeAv(read_settings())
    heard = model.audio_features([noise(0.4, channels=2, seed=number) for number in range(3)])
    for number in range(3):
        report = report_of(tree, f"{number:03}")
        assert set(report) - {"models"} == set(MEANINGS)
        with Image.open(tree / f"{number:03}" / "picture.jpg") as picture:
            fits = heard @ model.picture_features([picture])[0]
        assert report["picture_sound_score"] == pytest.approx(fits[number], abs=5e-3)
        assert report["picture_sound_rank"] == 1 + np.count_nonzero(fits > fits[number])
        assert report["picture_sound_others"] == 2
        assert report["models"]["pe_av"]["name"] == "pe_av_model" and report["models"]["pe_av"]["revision"]


def test_the_setting_asks_for_it_too(tree, folders, monkeypatch):
    monkeypatch.setenv("PE_AV_MODEL", str(folders["PE_AV_MODEL"]))
    assert availability() == {"clap": "", "clip": "", "pe_av": ""}
    score_collection(tree)
    assert report_of(tree, "000").keys() >= OURS


def test_a_single_result_has_a_score_and_no_rank(tree):
    score_result(tree / "000")
    score_collection(tree / "000", pe_av=True)
    report = report_of(tree, "000")
    assert OURS & report.keys() == {"picture_sound_score"} and -1 <= report["picture_sound_score"] <= 1


def test_progress_is_told_under_its_name(tree):
    told = []
    score_collection(tree, lambda *step: told.append(step), pe_av=True)
    assert told[-1] == ("pe_av", 3, 3)


def test_earlier_scores_are_kept_without_asking_or_loading(tree, monkeypatch):
    score_collection(tree, pe_av=True)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    no_model(monkeypatch)
    for asked in (False, True):
        assert score_collection(tree, pe_av=asked).computed == 0
        assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before
    first = report_of(tree, "000")["picture_sound_score"]
    (tree / "001/mix.wav").write_bytes(wav_bytes(tone(900)))
    write_result(tree / "new", 9)
    assert score_collection(tree).warnings == ()
    assert report_of(tree, "000")["picture_sound_score"] == first
    assert report_of(tree, "000")["picture_sound_others"] == 1, "one of the others has another sound now"
    assert not OURS & (report_of(tree, "001").keys() | report_of(tree, "new").keys())


def test_only_what_changed_is_computed_again(tree):
    score_collection(tree, pe_av=True)
    (tree / "001/mix.wav").write_bytes(wav_bytes(tone(900)))
    (tree / "002/picture.jpg").unlink()
    before = report_of(tree, "001")["picture_sound_score"]
    assert score_collection(tree, pe_av=True).computed == 1
    assert report_of(tree, "001")["picture_sound_score"] != before
    assert not OURS & report_of(tree, "002").keys() and "mix_text_score" in report_of(tree, "002")


def test_other_weights_give_another_score(tree, tmp_path, monkeypatch):
    score_collection(tree, pe_av=True)
    before = report_of(tree, "000")
    monkeypatch.setenv("PE_AV_MODEL", str(build_pe_av(tmp_path / "other", seed=1)))
    assert score_collection(tree).computed == 3
    after = report_of(tree, "000")
    assert after["picture_sound_score"] != before["picture_sound_score"]
    assert after["mix_text_score"] == before["mix_text_score"] and after["models"]["pe_av"]["name"] == "other"


def test_without_its_weights_the_others_score_and_the_person_is_told_how(tree, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.backends.pe_av.MODEL", "facebook/pe-av-small-16-frame")
    monkeypatch.setattr("pipeline.backends.pe_av.REVISION", "c" * 40)
    monkeypatch.setattr(embeddings, "cached_folder", lambda weights: None)
    monkeypatch.setattr("pipeline.backends.availability.is_offline", lambda: False)
    monkeypatch.setattr("pipeline.backends.pe_av.fetch", lambda *_, **__: pytest.fail("asked the network"))
    assert main([str(tree), "--pe-av"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"results": 3, "computed": 3}
    assert "PE-AV was skipped" in err and "--download to fetch 3.4 GB" in err and "PE_AV_MODEL" in err
    assert "mix_text_score" in report_of(tree, "000") and not OURS & report_of(tree, "000").keys()
    assert main([str(tree)]) == 0


def test_the_command_takes_the_wish(tree, capsys):
    assert main([str(tree), "--pe-av"]) == 0
    assert json.loads(capsys.readouterr().out) == {"results": 3, "computed": 3}
    assert report_of(tree, "000").keys() >= OURS


def test_with_leave_to_download_the_command_fetches_it(tree, folders, tmp_path):
    """In a separate process, from a local hub; the second run works without the hub, and PE-AV stays in the report."""
    environment = os.environ | {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    environment |= {"PE_AV_MODEL": "owner/pe-av"}

    def score(*more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "pipeline", "score", str(tree), *more]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, cwd=ROOT)

    with serve({"owner/pe-av": folders["PE_AV_MODEL"]}) as address:
        environment["HF_ENDPOINT"] = address
        done = score("--download")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"results": 3, "computed": 3}
    assert json.loads(score("--pe-av").stdout) == {"results": 3, "computed": 0}
    assert report_of(tree, "000")["models"]["pe_av"]["name"] == "owner/pe-av"


def test_a_damaged_picture_stops_nothing(tree):
    (tree / "001/picture.jpg").write_bytes(b"no picture")
    assert all("001 was skipped" in each for each in score_collection(tree, pe_av=True).warnings)
    assert not OURS & report_of(tree, "001").keys() and report_of(tree, "000")["picture_sound_others"] == 1


def test_the_reports_show_it_where_it_is(tree, tmp_path):
    from pipeline.__main__ import main as pipeline

    score_collection(tree, pe_av=True)
    shown = {key for entry in read_collection(tree) for key in figures_of(entry)}
    assert {key for key in shown if "picture_sound" in key} == {
        "coherence.picture_sound_score",
        "coherence.picture_sound_percentile",
    }
    assert pipeline(["study", str(tree), "--out", str(tmp_path / "report")]) == 0
    assert "coherence.picture_sound_percentile" in (tmp_path / "report" / FIGURES).read_text()
    assert "Sound fits the picture" in (tmp_path / "report/index.html").read_text()
    assert pipeline(["index", str(tree)]) == 0
    assert "picture_sound_percentile" in (tree / "summary.csv").read_text()
    page = [path for path in tree.rglob("*") if path.suffix in (".html", ".js")]
    assert any("Sound fits the picture" in path.read_text() for path in page)


def test_the_cache_knows_its_inputs(tree):
    space = coherence.Correspondence(read_settings())
    (entry,) = read_collection(tree / "000")
    before = embeddings.key_of(space, space.content(entry))
    (tree / "000/picture.jpg").write_bytes((tree / "001/picture.jpg").read_bytes())
    assert embeddings.key_of(space, space.content(entry)) != before
