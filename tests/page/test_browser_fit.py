"""The card "How well does it fit?" on the page: folded, with a summary line, and with scores if there are models."""

import sys

import pytest

from ..support.browser import DESKTOP, IN_BROWSER, PHONE, choose_example, contrast, make_sound
from ..support.checkpoints.audio import build_clap
from ..support.checkpoints.vision import build_clip
from ..support.page_server import serve

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def address_with_models(tmp_path_factory):
    """The app on a machine with CLAP and CLIP: tiny models, whose scores mean nothing."""
    root = tmp_path_factory.mktemp("checkpoints")
    names = {
        "CLAP_MODEL": str(build_clap(root / "clap")),
        "CLIP_MODEL": str(build_clip(root / "clip")),
        "DEVICE": "cpu",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        with serve(tmp_path_factory.mktemp("server") / "log.txt", sys.executable, "app.py") as address:
            yield address


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_card_is_folded_and_explains_itself(visit, viewport):
    page = visit(viewport)
    choose_example(page)
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    card = page.locator("#fit details.fit")
    assert "signs are good" in card.locator("summary").first.inner_text()
    assert page.locator("#fit li:visible").count() == 0
    card.locator("summary").first.focus()
    page.keyboard.press("Enter")
    signs = card.locator("li:visible")
    assert signs.count() >= 5 and card.locator("li .quiet:visible").count() == signs.count()
    card.get_by_text("All measurements of the sound").click()
    shown = card.locator("dt:visible")
    assert shown.count() >= 8 and card.locator("dd .quiet:visible").count() == shown.count()
    assert contrast(page, "#fit dd .quiet") >= 4.5 and contrast(page, "#fit .gist") >= 4.5
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


def test_models_are_asked_by_a_button(browser, address_with_models):
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address_with_models)
    page.locator("#sources .empty").wait_for()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    assert not page.locator("#measure").is_visible(), "it is hidden with the folded card"
    page.locator("#fit summary").first.click()
    page.get_by_role("button", name="Measure with CLAP and CLIP").click()
    for label in ("Sound fits the scene", "Description fits the picture"):
        page.locator("#fit .label", has_text=label).wait_for(timeout=60_000)
    page.locator("#make:enabled").wait_for()
    page.locator("#measure").wait_for(state="hidden")
    page.close()
