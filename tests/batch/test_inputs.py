"""Documents of a run in the forms and encodings in which people have them."""

import logging

from pipeline.soundscape import Soundscape

from ..support.runs import go

PASTED = "Here you are:\n```json\n{'sources': [{'name': 'rivière', 'gain_db': '-3'},]}\n```\n"
REPAIRS = "Read with repairs: a code fence, single quotes, trailing commas, a number in quotes."


def test_a_pasted_document_is_sounded_with_a_warning(tmp_path, plan, caplog):
    encodings = {"a": "utf-8-sig", "b": "utf-16", "c": "cp1252"}
    for name, encoding in encodings.items():
        (tmp_path / f"{name}.json").write_bytes(PASTED.encode(encoding))
    with caplog.at_level(logging.WARNING, "pipeline"):
        for name in encodings:
            (row,) = go(tmp_path / f"{name}.json", plan)
            assert "error" not in row
    for name in encodings:
        text = (plan.out / name / "soundscape.json").read_text("utf-8")
        (source,) = Soundscape.from_json(text).sources
        assert (source.name, source.gain_db) == ("rivière", -3) and Soundscape.from_json(text).to_json() == text
    assert caplog.messages.count(f"b.json: {REPAIRS}") == 1
    assert any("c.json: Read with repairs: text in Windows-1252, " in each for each in caplog.messages)


def test_an_edit_that_is_read_with_repairs_is_a_warning_of_its_result(tmp_path, plan):
    result = plan.out / "lake"
    result.mkdir(parents=True)
    (result / "soundscape.json").write_text(PASTED, "utf-8")
    (row,) = go(result / "soundscape.json", plan)
    assert row["warnings"][0] == REPAIRS
