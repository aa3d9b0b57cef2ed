"""The overview as people use it: opened from disk in headless Chromium, without a server."""

from contextlib import closing

import pytest

from pipeline.overview import write_overview

from ..support.browser import DESKTOP, IN_BROWSER, PHONE
from ..support.overview_page import EVIL, count, current, names, plays, until
from ..support.trees import make_tree

pytestmark = IN_BROWSER


# Looking --------------------------------------------------------------------------------------------------------------


def test_every_result_is_there_with_picture_spectrogram_and_words(look, tree):
    page = look(tree)
    assert count(page) == "33 results"
    page.fill("#search", "long/one")
    card = page.locator(".card")
    assert card.count() == 1
    for image in card.locator("img").all():
        image.evaluate("image => image.complete || new Promise((done) => (image.onload = done))")
        assert image.evaluate("image => image.naturalWidth") > 50 and image.get_attribute("alt")
    words = card.inner_text()
    for expected in ("Café by the water", "calm · forest", "river", "90 %", "jay", "40 %", "1 problem", "long/one"):
        assert expected in words
    assert card.locator(".sources .seen").inner_text().startswith("river")
    assert card.locator(".sources .inferred").inner_text().startswith("jay")


def test_search_finds_all_words_anywhere_at_once_and_is_kept_in_the_address(look, tree):
    page = look(tree)
    page.locator("#search").press_sequentially("CAFE  audioldm2")
    assert (count(page), names(page)) == ("1 of 33 results", ["long/two"])
    until(page, "location.hash.includes('audioldm2')")
    page.reload()
    page.locator("body[data-ready]").wait_for()
    assert page.input_value("#search") == "CAFE  audioldm2" and names(page) == ["long/two"]
    for words, found in {"kettle set1": 2, "bird 3": 6, "river, close": 8, "tram kettle": 0, "clipped": 1}.items():
        page.fill("#search", words)
        assert page.evaluate("list.places.length") == found, words
    page.fill("#search", "tram kettle")
    assert "tram kettle" in page.locator("#nothing").inner_text() and page.locator(".card").count() == 0
    page.fill("#search", "")
    assert count(page) == "33 results"


@pytest.mark.parametrize(
    ("group", "headings"),
    [
        ("folder", ["(top)", "long", "set0", "set1", "set2"]),
        ("space", ["forest", "hall", "open", "room", "street"]),
        ("backend", ["tagger → audioldm2", "tagger → procedural"]),
    ],
)
def test_results_are_grouped(look, tree, group, headings):
    page = look(tree)
    page.select_option("#group", group)
    assert [each for each in page.evaluate("list.groups.map(({ label }) => label)") if EVIL not in each] == headings
    page.locator("#contents summary").click()
    links = [text for text in page.locator("#contents a").all_inner_texts() if EVIL not in text]
    assert [text.rsplit(" ", 1)[0] for text in links] == headings
    drawn = [text for text in page.locator(".heading h2").all_inner_texts() if EVIL not in text]
    assert drawn == headings[: len(drawn)] and drawn


def test_by_sound_and_by_prompt_a_result_stands_in_each_of_its_groups(look, tree):
    page = look(tree, "#group=sound&q=long/")
    assert page.locator(".heading h2").all_inner_texts() == ["jay", "river"] and page.locator(".card").count() == 4
    assert count(page) == "2 of 33 results"
    page.select_option("#group", "prompt")
    assert page.locator(".heading h2").all_inner_texts() == ["jay, close", "river, close"]


def test_a_group_has_a_link_of_its_own(look, tree):
    page = look(tree, viewport=PHONE)
    page.select_option("#group", "space")
    until(page, "location.hash.includes('group=space')")
    page.locator("#contents summary").click()
    page.locator("#contents a", has_text="street").click()
    heading = page.locator(".heading h2", has_text="street")
    heading.wait_for()
    until(page, "location.hash.includes('at=street')")
    address = page.evaluate("location.hash")
    assert "at=street" in address and "group=space" in address
    again = look(tree, address, viewport=PHONE)
    top = again.locator(".heading h2", has_text="street").evaluate("node => node.getBoundingClientRect().top")
    bar = again.locator(".bar").evaluate("node => node.getBoundingClientRect().bottom")
    assert bar <= top < bar + 90


def test_sorted_by_a_figure_those_without_it_come_last(look, tree):
    page = look(tree)
    page.select_option("#sort", "checks.high_band_db")
    assert page.evaluate("state.down") and names(page)[0] == "long/one"
    assert "5" in page.locator(".card footer .figure b").first.inner_text()
    order = page.evaluate("list.places.map(({ result }) => result.name)")
    assert order[1] == "evil" and order[-1] == "long/two"
    page.click("#down")
    order = page.evaluate("list.places.map(({ result }) => result.name)")
    assert order[0] == "set2/00029" and order[-2:] == ["long/one", "long/two"]


def test_problems_and_failures_are_told(look, tree):
    page = look(tree)
    assert page.inner_text("#only") == "1 with problems"
    page.click("#only")
    assert names(page) == ["long/one"]
    page.locator("#failures summary").click()
    assert "It is damaged." in page.inner_text("#failures")


def test_all_about_a_result_unfolds_beside_the_list_and_has_an_address(look, tree):
    page = look(tree)
    page.fill("#search", "long/one")
    page.locator(".card .picture").click()
    panel = page.locator("#details")
    words = panel.inner_text()
    for expected in (
        "Café by the water",
        "in the picture, 90 %",
        "inferred, 40 %",
        "river, close",
        "The sound is clipped.",
        "tagger",
    ):
        assert expected in words
    assert panel.locator(".stems .sound").count() == 2 and panel.locator(".box").count() == 1
    figure = panel.locator(".figures dt", has_text="Above 8 kHz")
    assert len(figure.get_attribute("title")) > 30, "no figure without its meaning"
    assert [link.get_attribute("href") for link in panel.locator("a").all()] == [
        f"long/one/{name}" for name in ("mix.wav", "soundscape.json", "prompts.json", "manifest.json")
    ]
    until(page, "location.hash.includes('open=')")
    again = look(tree, page.evaluate("location.hash"))
    assert again.locator("#details h2").inner_text() == "Café by the water"
    again.keyboard.press("Escape")
    assert again.locator("#details").is_hidden()
    until(again, "!location.hash.includes('open')")


# Listening ------------------------------------------------------------------------------------------------------------


def test_one_sound_is_heard_at_a_time_and_nothing_is_loaded_before(look, tree):
    page = look(tree, "#q=long/")
    assert page.evaluate("[player.preload, player.src]") == ["none", ""] and page.locator("audio").count() == 0
    cards = page.locator(".card")
    cards.nth(0).locator(".play").click()
    until(page, "player.currentTime > 0.2")
    assert plays(page, "long/one") and cards.nth(0).locator(".play").get_attribute("aria-pressed") == "true"
    cards.nth(1).locator(".play").click()
    until(page, "player.currentTime > 0.1 && player.src.includes('two')")
    assert plays(page, "long/two") and cards.nth(0).locator(".play").get_attribute("aria-pressed") == "false"
    cards.nth(0).locator(".picture").click()
    page.locator(".stems .play").nth(1).click()
    until(page, "player.src.endsWith('long/one/stems/02_stem.wav') && !player.paused")
    until(page, "document.querySelectorAll('.playing').length === 1")
    page.locator(".stems .play").nth(1).click()
    until(page, "player.paused && !document.querySelector('.playing')")


def test_a_click_into_the_spectrogram_plays_from_there(look, tree):
    page = look(tree, "#q=long/two")
    line = page.locator(".card .line")
    box = line.bounding_box()
    page.evaluate("player.addEventListener('playing', () => { window.began = player.currentTime; }, { once: true })")
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    until(page, "window.began && !player.paused && player.currentTime > 1.6")
    assert page.evaluate("window.began") < 2.8


def test_a_sound_whose_file_is_gone_is_told(browser, tmp_path):
    make_tree(tmp_path, 2)
    write_overview(tmp_path)
    (tmp_path / "set0/00000/mix.wav").unlink()
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto((tmp_path / "index.html").as_uri())
        page.locator(".card .play").first.click()
        page.locator("#message", has_text="cannot be played").wait_for()


def test_the_keyboard_goes_through_the_results(look, tree):
    page = look(tree, "#q=long/")
    page.keyboard.press("j")
    assert current(page) == "long/one"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert current(page) == "long/two"
    page.keyboard.press(" ")
    until(page, "!player.paused && player.currentTime > 0")
    assert plays(page, "long/two")
    page.keyboard.press(" ")
    assert page.evaluate("player.paused")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("player.currentTime") >= 2
    page.keyboard.press("o")
    assert page.locator("#details p").first.inner_text() == "long/two"
    page.keyboard.press("k")
    assert page.locator("#details p").first.inner_text() == "long/one" and current(page) == "long/one"
    page.keyboard.press("Escape")
    assert page.locator("#details").is_hidden()
    page.keyboard.press("/")
    page.keyboard.type("jo k")
    assert page.input_value("#search") == "long/jo k", "letters are text where one types"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")


def test_the_keyboard_brings_what_is_far_away_into_view(look, tree):
    page = look(tree)
    for _ in range(30):
        page.keyboard.press("j")
    card = page.locator(".card.current")
    assert card.locator("footer p:last-child span").inner_text() == page.evaluate("list.places[29].result.name")
    box = card.bounding_box()
    bar = page.locator(".bar").bounding_box()
    assert bar["y"] + bar["height"] <= box["y"] and box["y"] + box["height"] <= DESKTOP["height"]
    assert page.evaluate("document.activeElement === document.querySelector('.card.current')")
