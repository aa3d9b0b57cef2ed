"""The overview in any window, with anything in its documents, and with a thousand results."""

import re
from contextlib import closing

import pytest

from pipeline.overview import write_overview

from ..support.browser import DESKTOP, FAILING_IMAGE, IN_BROWSER, PHONE
from ..support.overview_page import EVIL, count, names, titles, until
from ..support.trees import make_tree

MOST_CARDS = 60  # drawn at a time, on any screen here
NAMELESS = """() => [...document.querySelectorAll("button, input, select, a, audio")]
    .filter((node) => node.checkVisibility() && !node.getAttribute("aria-label") && !node.title)
    .filter((node) => !node.textContent.trim() && !node.labels?.length).map((node) => node.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll("button, select, input:not([type=range])")]
    .filter((node) => node.checkVisibility()).map((node) => [node, node.getBoundingClientRect()])
    .filter(([, { width, height }]) => width < 24 || height < 24).map(([node]) => node.outerHTML.slice(0, 120))"""
CARDS_IN_VIEW = """[0.3, 0.5, 0.7].flatMap((share) => document.elementsFromPoint(innerWidth / 6, share * innerHeight))
    .some((node) => node.closest(".card"))"""

pytestmark = IN_BROWSER


# Whatever stands in the documents -------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["scene", "sound", "prompt", "backend", "folder"])
def test_text_of_documents_stays_text(look, tree, group):
    page = look(tree, f"#group={group}&open=evil")
    page.locator("#contents summary").click()
    page.locator("#failures summary").click()
    assert page.locator("#details h2").inner_text() == EVIL and EVIL[:60] in page.inner_text("#details .stems")
    page.fill("#search", EVIL)
    assert EVIL in titles(page)
    assert page.evaluate("window.hit") is None
    assert page.locator("body script:not([src])").count() == 1 and page.locator("img[src=x]").count() == 0


def test_even_markup_that_came_onto_the_page_could_not_run(browser, tree):
    """The page's security policy is a second defence, in case the first one fails."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto((tree / "index.html").as_uri())
        page.locator("body[data-ready]").wait_for()
        page.evaluate("text => { byId('message').innerHTML = text; }", EVIL)
        page.evaluate("document.body.append(make('script', { text: 'window.hit = 1' }))")
        page.evaluate(FAILING_IMAGE)
        assert page.evaluate("window.hit") is None


# A thousand of them ---------------------------------------------------------------------------------------------------


def test_a_thousand_results_are_drawn_where_they_are_near_and_answer_at_once(look, tmp_path):
    make_tree(tmp_path, 1000)
    write_overview(tmp_path)
    page = look(tmp_path)
    assert count(page) == "1,000 results"
    drawn = [page.locator(".card").count()]
    for share in (0.5, 1):
        page.evaluate("share => scrollTo(0, share * document.body.scrollHeight)", share)
        until(page, CARDS_IN_VIEW)  # cards are drawn at every scroll position
        drawn.append(page.locator(".card").count())
    assert names(page)[-1] == page.evaluate("list.places.at(-1).result.name")
    assert 4 <= min(drawn) <= max(drawn) <= MOST_CARDS
    page.select_option("#group", "sound")
    assert page.evaluate("list.places.length") == 2000 and page.locator(".card").count() <= MOST_CARDS
    took = """words => { const start = performance.now(); const box = byId("search"); box.value = words;
        box.dispatchEvent(new Event("input")); return performance.now() - start; }"""
    assert page.evaluate(took, "kettle 0099") < 500, "ms, also on a slow machine"
    assert count(page) == "2 of 1,000 results"
    images = page.evaluate("performance.getEntriesByType('resource').length")
    assert images < 100, "pictures are loaded when they come near"


# Every window ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "viewport", [PHONE, DESKTOP, {"width": 800, "height": 1000}], ids=["phone", "desktop", "tablet"]
)
@pytest.mark.parametrize("address", ["", "#group=scene&open=evil"])
def test_nothing_is_out_of_reach_too_small_or_nameless(look, tree, viewport, address):
    page = look(tree, address, viewport=viewport)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('#details')].every((node) => node.scrollWidth <= node.clientWidth)"
    )
    assert page.evaluate(NAMELESS) == [] and page.evaluate(SMALL) == []


def test_light_and_dark_follow_the_system_in_the_colours_of_the_app(look, tree):
    grounds = {}
    for scheme in ("light", "dark"):
        page = look(tree, color_scheme=scheme)
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        ground, ink = (sum(map(int, re.findall(r"\d+", each)[:3])) for each in colours)
        grounds[scheme] = ground
        assert abs(ground - ink) > 450
    assert grounds["dark"] < 150 < 600 < grounds["light"]


def test_a_missing_part_of_the_index_is_told(browser, tmp_path):
    make_tree(tmp_path, 1)
    write_overview(tmp_path)
    (*_, last) = sorted((tmp_path / "_index").glob("*.js"), key=lambda path: path.stat().st_size)
    last.unlink()
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto((tmp_path / "index.html").as_uri())
        page.locator("#count", has_text="A part of the index is missing").wait_for()


def test_an_empty_tree_says_so(look, tmp_path):
    write_overview(tmp_path)
    page = look(tmp_path)
    assert count(page) == "0 results" and "no results here yet" in page.inner_text("#nothing")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    page.keyboard.press("o")
    assert page.locator("#details").is_hidden()
