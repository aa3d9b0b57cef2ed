"""Scores among shuffled pairs, by the real loading code on tiny checkpoints; ranks, the cache, and errors."""

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.audio import wav_bytes
from pipeline.backends import memory
from pipeline.backends.audio.clap import Clap
from pipeline.backends.vision.clip import PictureText
from pipeline.backends.weights import Weights
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.quality import coherence, embeddings
from pipeline.quality.coherence import MEANINGS, availability, score_collection, score_result
from pipeline.quality.command import main
from pipeline.quality.embeddings import EMBEDDINGS, REFERENCES, reference_texts, words_of
from pipeline.results.collection import read_collection
from pipeline.settings import read_settings
from pipeline.soundscape import Source

from ..conftest import noise
from ..support.checkpoints.audio import build_clap
from ..support.checkpoints.hub import serve
from ..support.checkpoints.vision import build_blip, build_clip, build_siglip
from ..support.scored import SCENES, report_of, tone, write_result

ROOT = Path(__file__).parents[2]
BUILDS = {"clap": build_clap, "clip": build_clip, "siglip": build_siglip, "blip": build_blip}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    built = {name: build(root / name) for name, build in BUILDS.items()}
    gc.freeze()
    yield built
    memory.forget_others()


@pytest.fixture(autouse=True)
def models(folders, monkeypatch):
    """Set CLAP and CLIP to the tiny checkpoints. Models loaded by an earlier test may stay in memory."""
    monkeypatch.setenv("DEVICE", "cpu")
    monkeypatch.setenv("CLAP_MODEL", str(folders["clap"]))
    monkeypatch.setenv("CLIP_MODEL", str(folders["clip"]))


@pytest.fixture
def tree(tmp_path):
    for number in range(4):
        write_result(tmp_path / "tree" / f"part{number % 2}" / f"{number:03}", number)
    return tmp_path / "tree"


# Models --------------------------------------------------------------------------------------------------------------


def test_directions_have_length_one_and_do_not_depend_on_what_is_beside_them():
    clap = Clap(read_settings())
    sounds = [noise(0.5), tone(300), noise(23.0, channels=2, seed=2), tone(2000)]
    together = clap.audio_features(sounds)
    alone = np.concatenate([clap.audio_features([sound]) for sound in sounds])
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    texts = ["rain", "a crow calling far away over the wet fields of an autumn evening", "rain " * 200]
    assert clap.text_features(texts) == pytest.approx(
        np.concatenate([clap.text_features([text]) for text in texts]), abs=1e-5
    )
    assert clap.scores("rain", sounds) == pytest.approx(list(together @ clap.text_features(["rain"])[0]), abs=1e-5)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_pictures_and_words_are_read_by_clip_and_by_siglip(kind, folders, monkeypatch):
    monkeypatch.setenv("CLIP_MODEL", str(folders[kind]))
    model = PictureText(read_settings())
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)), Image.new("L", (300, 20), 90)]
    seen, read = model.picture_features(pictures), model.text_features(["rain on a street", "waves " * 150])
    assert np.linalg.norm(np.concatenate([seen, read]), axis=1) == pytest.approx(1, abs=1e-5)
    assert seen.shape == read.shape == (2, 16 if kind == "clip" else 32)
    assert model.picture_features(pictures[:1])[0] == pytest.approx(seen[0], abs=1e-5)
    assert model.text_features(["rain on a street"])[0] == pytest.approx(read[0], abs=1e-5)
    assert model.text_features(["Rain on a Street"])[0] == pytest.approx(read[0], abs=1e-5), "case means nothing"
    assert np.abs(model.text_features(["waves on a shore"])[0] - read[0]).max() > 1e-3
    assert np.abs(seen[0] - seen[1]).max() > 1e-3


def test_another_kind_of_model_is_refused_in_words(folders, monkeypatch):
    monkeypatch.setenv("CLIP_MODEL", str(folders["blip"]))
    with pytest.raises(SoundscapeError, match="is a blip model, not CLIP or SigLIP"):
        PictureText(read_settings()).text_features(["rain"])


# A collection --------------------------------------------------------------------------------------------------------


def test_every_result_gets_scores_that_come_from_its_own_sounds_and_words(tree):
    scored = score_collection(tree)
    assert (scored.results, scored.computed, scored.warnings) == (4, 4, ())
    clap, clip = Clap(read_settings()), PictureText(read_settings())
    scenes = clap.text_features([SCENES[number] for number in range(4)])
    for entry in read_collection(tree):
        number, report = int(entry.name[-3:]), entry.coherence
        assert set(report) - {"models"} == {name for name in MEANINGS if not name.startswith("picture_sound")}
        own = clap.audio_features([noise(0.4, channels=2, seed=number)])[0]
        assert report["mix_text_score"] == pytest.approx(float(own @ scenes[number]), abs=5e-3)  # 16 bits, dithered
        assert report["mix_text_others"] == 3 + len(reference_texts()["scenes"])
        assert [stem["file"] for stem in report["stems"]] == ["01_rain.wav", "03_birds.wav"]
        assert [stem["text"] for stem in report["stems"]] == [f"rain falling {number}", "birds calling, bright"]
        assert report["stems"][0]["others"] == 7 + len(reference_texts()["sounds"])
        with Image.open(entry.folder / "picture.jpg") as picture:
            seen = clip.picture_features([picture])[0]
        fit = float(seen @ clip.text_features([SCENES[number]])[0])
        assert report["picture_text_score"] == pytest.approx(fit, abs=2e-3)
        assert report["models"]["clap"]["name"] == "clap" and "/" not in json.dumps(report["models"])


def test_words_that_others_share_are_ties(tree):
    """All four results have the same birds, so their words tie."""
    score_collection(tree)
    matrix = []
    for entry in read_collection(tree):
        birds = entry.coherence["stems"][1]
        assert birds["rank"] >= 2.5, "three equals, each half"
        matrix.append(birds["percentile"])
    assert max(matrix) <= 100 * (1 - 1.5 / 73) + 0.1


def test_a_second_run_loads_no_model_and_writes_nothing(tree, monkeypatch):
    score_collection(tree)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tree.rglob("*") if path.is_file()}
    for model in (Clap, PictureText):
        monkeypatch.setattr(model, "_load", lambda *_: pytest.fail("a model was loaded"))
    memory.forget_others()
    assert score_collection(tree).computed == 0
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tree.rglob("*") if path.is_file()} == before


def test_only_what_changed_is_computed_again_and_the_others_are_ranked_anew(tree):
    score_collection(tree)
    first = report_of(tree, "part0/000")
    (tree / "part1/001/mix.wav").write_bytes(wav_bytes(tone(900)))
    (tree / "part1/003/picture.jpg").unlink()
    write_result(tree / "part1" / "new", 9, scene="the wind moves through tall grass")
    assert score_collection(tree).computed == 2
    assert report_of(tree, "part0/000")["mix_text_others"] == first["mix_text_others"] + 1
    assert report_of(tree, "part0/000")["mix_text_score"] == first["mix_text_score"]
    assert "picture_text_score" not in report_of(tree, "part1/003")


def test_an_edited_description_is_read_again(tree):
    score_collection(tree)
    before = report_of(tree, "part0/000")
    path = tree / "part0/000/soundscape.json"
    path.write_text(path.read_text().replace(SCENES[0], SCENES[1]))
    assert score_collection(tree).computed == 1
    assert report_of(tree, "part0/000")["mix_text_score"] != before["mix_text_score"]


def test_another_model_is_another_score(tree, folders, monkeypatch):
    score_collection(tree)
    before = report_of(tree, "part0/000")
    monkeypatch.setenv("CLIP_MODEL", str(folders["siglip"]))
    assert score_collection(tree).computed == 4
    after = report_of(tree, "part0/000")
    assert after["picture_text_score"] != before["picture_text_score"]
    assert after["mix_text_score"] == before["mix_text_score"]
    assert after["models"]["clip"]["name"] == "siglip"


def test_a_torn_file_of_directions_is_made_anew_and_a_damaged_sound_stops_nothing(tree):
    score_collection(tree)
    before = report_of(tree, "part0/000")
    (tree / "part0/000" / EMBEDDINGS).write_bytes(b"PK\x03\x04torn")
    (tree / "part1/001/mix.wav").write_bytes(b"RIFF, but not for long")
    scored = score_collection(tree)
    assert "part1/001 was skipped" in scored.warnings[0]
    assert scored.computed == 1
    assert "mix_text_score" not in report_of(tree, "part1/001") and "picture_text_score" in report_of(tree, "part1/001")
    assert report_of(tree, "part0/000")["mix_text_score"] == before["mix_text_score"]


@pytest.mark.parametrize("damage", ["torn", "huge"])
def test_a_damaged_or_huge_picture_stops_nothing(tree, damage):
    with (tree / "part1/001/picture.jpg").open("r+b") as file:
        file.truncate(41_000_000 if damage == "huge" else 20)
    scored = score_collection(tree)
    assert ["part1/001 was skipped" in each for each in scored.warnings] == [True]
    assert "picture_text_score" not in report_of(tree, "part1/001") and "mix_text_score" in report_of(tree, "part1/001")
    assert "picture_text_score" in report_of(tree, "part0/000")


def test_progress_is_told_and_can_stop_it_and_what_is_done_is_kept(tree, monkeypatch):
    monkeypatch.setattr(coherence, "AT_ONCE", 1)
    told = []

    def stop_at_two(stage, done, total):
        told.append((stage, done, total))
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        score_collection(tree, stop_at_two)
    assert told == [("clap", 0, 4), ("clap", 1, 4), ("clap", 2, 4)]
    assert len(list(tree.rglob(EMBEDDINGS))) == 2 and not list(tree.rglob("*.part"))
    told.clear()
    score_collection(tree, lambda *step: told.append(step))
    assert told[0] == ("clap", 2, 4) and told[-1] == ("clip", 4, 4)


def test_a_single_result_is_ranked_among_the_reference_texts(tree):
    report = score_result(tree / "part0/000")
    assert report["mix_text_others"] == len(reference_texts()["scenes"])
    assert report["stems"][0]["others"] == 1 + len(reference_texts()["sounds"])
    assert (tree / "part0/000" / REFERENCES).is_file()
    for texts in reference_texts().values():
        assert len(texts) >= 40 and len(set(texts)) == len(texts)


def test_with_enough_results_they_alone_are_the_measure(tree, monkeypatch):
    monkeypatch.setattr(coherence, "FEWEST_OTHERS", 3)
    score_collection(tree)
    assert report_of(tree, "part0/000")["mix_text_others"] == 3
    assert not (tree / REFERENCES).exists()


def test_directions_take_little_room(tree):
    score_collection(tree)
    assert (tree / "part0/000" / EMBEDDINGS).stat().st_size < 4000


def test_words_of_a_source_are_a_caption():
    river = Source(name="river", material="water over stone", action="rushing", timbre=("bright", "broadband"))
    assert words_of(river) == "river rushing, water over stone, bright, broadband"
    assert words_of(Source(name="wind")) == "wind"


# Without weights -----------------------------------------------------------------------------------------------------


@pytest.fixture
def no_weights(monkeypatch):
    """The default models, which are not on this machine. Any use of the network fails the test."""
    monkeypatch.delenv("CLAP_MODEL")
    monkeypatch.delenv("CLIP_MODEL")
    monkeypatch.setattr(embeddings, "cached_folder", lambda weights: None)
    monkeypatch.setattr("pipeline.backends.availability.is_offline", lambda: False)
    monkeypatch.setattr("pipeline.backends.audio.clap.fetch", lambda *_, **__: pytest.fail("asked the network"))
    monkeypatch.setattr("pipeline.backends.vision.clip.fetch", lambda *_, **__: pytest.fail("asked the network"))


def test_nothing_is_downloaded_unless_asked_and_the_person_is_told_how(tree, no_weights, capsys):
    with pytest.raises(SoundscapeError, match=r"--download to fetch 0\.6 GB"):
        score_collection(tree)
    assert not list(tree.rglob("coherence.*"))
    assert main([str(tree)]) == 1
    said = capsys.readouterr().err
    assert "laion/clap-htsat-unfused" in said and "openai/clip-vit-base-patch32" in said and "CLIP_MODEL" in said
    assert all("--download" in reason for reason in availability().values())


def test_the_defaults_are_pinned_to_commits():
    for model in (Clap, PictureText):
        assert len(model.weights(read_settings({})).revision) == 40


def test_with_leave_to_download_the_command_fetches_both_models_and_scores(tree, folders, tmp_path):
    """In a separate process, from a local hub; the second run works without the hub."""
    environment = os.environ | {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    environment |= {"CLAP_MODEL": "owner/clap", "CLIP_MODEL": "owner/clip"}

    def score(*more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "pipeline", "score", str(tree), *more]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, cwd=ROOT)

    with serve({"owner/clap": folders["clap"], "owner/clip": folders["clip"]}) as address:
        environment["HF_ENDPOINT"] = address
        done = score("--download")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"results": 4, "computed": 4}
    assert json.loads(score().stdout) == {"results": 4, "computed": 0}


def test_with_one_model_missing_the_other_scores(tree, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CLIP_MODEL", str(tmp_path / "nowhere"))
    assert main([str(tree)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == {"results": 4, "computed": 4}
    assert "CLIP was skipped: There is no folder" in err
    report = report_of(tree, "part0/000")
    assert "mix_text_score" in report and "picture_text_score" not in report


def test_what_was_scored_stays_readable_when_the_weights_are_gone(tree, folders, monkeypatch):
    score_collection(tree)
    before = report_of(tree, "part0/000")
    monkeypatch.setattr(coherence, "is_here", lambda weights: False)
    assert score_collection(tree).warnings == ()
    assert report_of(tree, "part0/000") == before


def test_a_new_result_without_weights_does_not_cost_the_others_their_scores(tree, monkeypatch, tmp_path):
    score_collection(tree)
    write_result(tree / "part1" / "new", 9)
    monkeypatch.setattr(coherence, "is_here", lambda weights: False)
    scored = score_collection(tree)
    assert scored.computed == 0 and len(scored.warnings) == 2
    assert {"mix_text_score", "picture_text_score"} <= report_of(tree, "part0/000").keys()
    assert not (tree / "part1/new/coherence.json").exists()
    (tree / "part0/000/mix.wav").write_bytes(wav_bytes(tone(600)))
    (tree / "part0/000/picture.jpg").unlink()
    score_collection(tree)
    assert report_of(tree, "part0/000") == {"models": {}}, "those of an earlier sound are gone"


def test_the_command_scores_and_says_how_many(tree, capsys):
    assert main([str(tree)]) == 0
    assert json.loads(capsys.readouterr().out) == {"results": 4, "computed": 4}
    assert main([str(tree)]) == 0
    assert json.loads(capsys.readouterr().out) == {"results": 4, "computed": 0}


def test_a_folder_without_results_is_told(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1 and "no finished result" in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere")]) == 1 and "There is no folder" in capsys.readouterr().err


def test_the_key_knows_the_model():
    hearing = embeddings.Hearing(read_settings())
    key = embeddings.key_of(hearing, ["x"])
    hearing.weights = Weights("laion/other", "main")
    assert embeddings.key_of(hearing, ["x"]) != key


def test_ranking_many_results_takes_little_time():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((5000, 512)).astype(np.float32)
    pool = coherence._Pool(rows, None)
    begin = time.process_time()
    for place in range(200):
        pool.rank(place, rows[place], str(place))
    assert time.process_time() - begin < 2.0
