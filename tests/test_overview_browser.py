"""The overview as a person looks through it: opened from disk in a real headless Chromium, which has no server."""

import json
import re
import time
from contextlib import closing

import pytest

from pipeline.overview import write_overview
from pipeline.soundscape import Soundscape, Source

from .browser import DESKTOP, FAILING_IMAGE, IN_BROWSER, PHONE
from .trees import make_tree, write_small

EVIL = '<img src=x onerror="window.hit=1"></script><script>window.hit=1</script>'
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


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Thirty small results, and some that stand out."""
    root = make_tree(tmp_path_factory.mktemp("trees") / "a tree #1 100%", 30)
    river = Source(name="river", action="rushing", evidence="visible", confidence=0.9, box=(0.1, 0.5, 0.9, 1.0))
    jay = Source(name="jay", action="calling", role="recurring", confidence=0.4)
    two = Soundscape(scene="Café by the water", mood="calm", space="forest", sources=(river, jay))
    write_small(
        root / "long/one", two, variant=1, sound_s=3.0, checks={"high_band_db": 5, "problems": ["It is clipped."]}
    )
    write_small(root / "long/two", two, variant=2, sound_s=3.0, checks={}, audio={"backend": "audioldm2"})
    evil = Soundscape(scene=EVIL, mood=EVIL[:120], sources=(Source(name=EVIL[:60], action=EVIL[:60]),))
    write_small(root / "evil", evil, warnings=[EVIL], vision={"backend": EVIL, "model": EVIL})
    failures = [{"picture": EVIL, "stage": "picture", "error": "It is damaged."}]
    (root / "failures.jsonl").write_text("".join(json.dumps(each) + "\n" for each in failures))
    write_overview(root)
    return root


@pytest.fixture
def look(browser):
    """Open the page of a tree; at the end nothing on it may have failed or looked outside of the tree."""
    contexts, complaints = [], []

    def look(root, address="", viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        home = root.as_uri()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("request", lambda sent: None if sent.url.startswith(home) else complaints.append(sent.url))
        page.goto(f"{home}/index.html{address}")
        page.locator("body[data-ready]").wait_for()
        return page

    yield look
    for context in contexts:
        context.close()
    assert complaints == []


def count(page):
    return page.locator("#count").inner_text()


def titles(page):
    return page.locator(".card h3").all_inner_texts()


def names(page):
    return page.locator(".card footer p:last-child span").all_inner_texts()


def current(page):
    return page.locator(".card.current footer p:last-child span").inner_text()


def until(page, condition):
    """Wait until a condition holds; Playwright's own way needs eval, which the page forbids."""
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def plays(page, name):
    """True while the whole of this result is heard, alone."""
    return page.evaluate("name => !player.paused && decodeURIComponent(player.src).endsWith(`/${name}/mix.wav`)", name)


# Looking -------------------------------------------------------------------------------------------------------------


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
        "It is clipped.",
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


# Listening -----------------------------------------------------------------------------------------------------------


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
        page.locator("#told", has_text="cannot be played").wait_for()


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


# Whatever stands in the documents ------------------------------------------------------------------------------------


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
    """The policy of the page: a second wall, should the first one ever have a hole."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto((tree / "index.html").as_uri())
        page.locator("body[data-ready]").wait_for()
        page.evaluate("text => { byId('told').innerHTML = text; }", EVIL)
        page.evaluate("document.body.append(make('script', { text: 'window.hit = 1' }))")
        page.evaluate(FAILING_IMAGE)
        assert page.evaluate("window.hit") is None


# A thousand of them --------------------------------------------------------------------------------------------------


def test_a_thousand_results_are_drawn_where_they_are_near_and_answer_at_once(look, tmp_path):
    make_tree(tmp_path, 1000)
    write_overview(tmp_path)
    page = look(tmp_path)
    assert count(page) == "1,000 results"
    drawn = [page.locator(".card").count()]
    for share in (0.5, 1):
        page.evaluate("share => scrollTo(0, share * document.body.scrollHeight)", share)
        until(page, CARDS_IN_VIEW)  # there are cards wherever one looks
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


# Every window --------------------------------------------------------------------------------------------------------


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
