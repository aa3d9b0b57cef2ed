"""HTML that the page shows."""

import pytest

from pipeline.page import fragments

NON_COMMERCIAL = {"backend": "audioldm2", "licence": "CC BY-NC-SA 4.0: not for commercial use"}
FREE = {"backend": "procedural", "licence": "Apache-2.0"}


def test_a_licence_that_restricts_commercial_use_is_named_beside_the_downloads():
    facts = {"vision": {"backend": "tagger", "licence": "Apache-2.0"}, "audio": NON_COMMERCIAL}
    shown = fragments.terms(facts, {"audio": "AudioLDM 2"})
    assert "<b>AudioLDM 2</b>: CC BY-NC-SA 4.0: not for commercial use" in shown and "tagger" not in shown


def test_both_models_can_have_such_a_licence_and_every_text_is_escaped():
    vision = {"backend": "<i>", "licence": "Research, not for commercial use <b>"}
    shown = fragments.terms({"vision": vision, "audio": NON_COMMERCIAL}, {})
    assert shown.count("<li>") == 2 and "&lt;i&gt;" in shown and "use &lt;b&gt;" in shown


@pytest.mark.parametrize("facts", [{}, {"audio": None}, {"audio": FREE}, {"audio": {"backend": "procedural"}}])
def test_without_one_nothing_is_shown(facts):
    assert fragments.terms(facts, {}) == ""
