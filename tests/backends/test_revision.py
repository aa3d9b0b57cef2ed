"""The revisions of the embedded pair and of the mix change with their code and data."""

import shutil

import pytest

from pipeline.backends import card, revision
from pipeline.batch.sounder import MIXING


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """A copy of the package, from which the revisions are computed."""
    copy = shutil.copytree(revision.PIPELINE, tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revision, "PIPELINE", copy)
    revision.revision_of.cache_clear()
    yield copy
    revision.revision_of.cache_clear()


def revisions() -> dict[str, str]:
    revision.revision_of.cache_clear()
    found = {name: card(name).revision for name in ("tagger", "procedural")}
    return found | {"mix": revision.revision_of(*MIXING)}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("tagger/sounds.toml", {"tagger"}),
        ("backends/vision/tagger.py", {"tagger"}),
        ("procedural/models.toml", {"procedural"}),
        ("procedural/liquids.py", {"procedural"}),
        ("backends/audio/procedural.py", {"procedural"}),
        ("kinds/catalogue/birds.toml", {"procedural", "mix"}),
        ("kinds/attributes.toml", {"procedural", "mix"}),
        ("mixing/space.py", {"mix"}),
        ("audio.py", {"mix"}),
        ("page/form.py", set()),
    ],
)
def test_a_changed_file_is_another_revision_of_what_is_made_of_it(pipeline, file, changed):
    before = revisions()
    with (pipeline / file).open("a") as open_file:
        open_file.write("# changed\n")
    after = revisions()
    assert {name for name in after if after[name] != before[name]} == changed
