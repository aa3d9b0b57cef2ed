"""The corpus of odd and hostile files: each gives what its manifest says. The search for more runs for a moment."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import SoundscapeError
from pipeline.page.opening import open_result
from pipeline.picture import load_picture, warnings_of
from pipeline.results.manifest import report_in
from pipeline.soundscape import Soundscape

from . import corpus, fuzz

ROOT = Path(__file__).parents[1]
EXPECTED = tomllib.loads((ROOT / "tests/corpus/expected.toml").read_text("utf-8"))
CASES = [(kind, name) for kind, files in corpus.KINDS.items() for name in files]
TOLERANCE = 6  # of colours, between versions of the codecs


def of_picture(path: Path) -> dict[str, Any]:
    image = load_picture(path)
    pixels = np.asarray(image, np.float32)
    half = max(image.width // 2, 1)
    left, right = pixels[:, :half].mean((0, 1)), pixels[:, -half:].mean((0, 1))
    return {"size": list(image.size), "left": left, "right": right, "warnings": list(warnings_of(image))}


def of_document(path: Path) -> dict[str, Any]:
    soundscape, note = Soundscape.read(path.read_bytes())
    first = soundscape.sources[0].model_dump(mode="json", exclude_defaults=True)
    return {"note": note, "first": first, "count": len(soundscape.sources)}


def of_bundle(path: Path) -> dict[str, Any]:
    place = path.with_suffix(".opened")
    try:
        opened = open_result([path], place)
    except SoundscapeError:
        assert not place.exists(), "nothing is left of what was refused"
        raise
    assert all(each.resolve().is_relative_to(place) for each in place.rglob("*"))
    result = opened.result
    found = {"sound": opened.has_sound, "picture": bool(opened.picture), "stems": len(result.stem_paths)}
    return found | {"warnings": result.report["warnings"]}


def of_manifest(path: Path) -> dict[str, Any]:
    place = path.with_suffix(".folder")
    place.mkdir()
    path.rename(place / "manifest.json")
    (place / "soundscape.json").write_text(corpus.documents.TEXT)
    report = report_in(place)
    found = {name: report[name] for name in ("seed", "duration_s", "warnings")}
    return found | {"audio": (report["audio"] or {}).get("backend")}


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "pictures": of_picture,
    "documents": of_document,
    "bundles": of_bundle,
    "manifests": of_manifest,
}


def test_the_manifest_names_every_file_of_the_corpus():
    assert {(kind, name) for kind, files in EXPECTED.items() for name in files} == set(CASES)


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind}/{name}" for kind, name in CASES])
def test_a_file_gives_what_the_manifest_says(kind, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(corpus.KINDS[kind][name]())
    wanted = EXPECTED[kind][name]
    if "refused" in wanted:
        with pytest.raises(SoundscapeError) as caught:
            READERS[kind](path)
        assert wanted["refused"] in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
        return
    found = READERS[kind](path)
    for half in ("left", "right"):
        if half in wanted:
            assert found[half] == pytest.approx(wanted.pop(half), abs=TOLERANCE)
    usual = {"warnings": [], "note": "", "count": 1, "seed": None, "duration_s": None, "audio": None, "size": None}
    assert {name: found.get(name, usual.get(name)) for name in usual | wanted} == usual | wanted


# The search -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", fuzz.READERS)
def test_the_search_accepts_the_corpus(kind):
    for make in corpus.KINDS[kind].values():
        if len(data := make()) <= fuzz.MAX_BYTES:
            fuzz.check(fuzz.READERS[kind], data)


def test_the_search_allows_no_other_exception():
    def broken(data: bytes) -> None:
        raise KeyError(data)

    def wordless(data: bytes) -> None:
        raise SoundscapeError(" ")

    with pytest.raises(KeyError):
        fuzz.check(broken, b"")
    with pytest.raises(AssertionError, match="no sentence"):
        fuzz.check(wordless, b"")


def test_the_search_runs_guided_by_coverage(tmp_path):
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "1", "--only", "documents", "--findings", tmp_path]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "Nothing was found." in ran.stdout and "stat::number_of_executed_units" in ran.stderr
    assert list(tmp_path.iterdir()) == []
