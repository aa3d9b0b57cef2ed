"""The blind listening page, used by keyboard in headless Chromium, and the report made from the answers."""

import csv
import json
import time

import pytest

from pipeline.soundscape import Soundscape, Source
from pipeline.study.command import main

from ..support.browser import DESKTOP, IN_BROWSER, PHONE, browser  # noqa: F401
from ..support.trees import write_small

pytestmark = IN_BROWSER
RIVER = Soundscape(scene="A river", sources=(Source(name="river"),))
OTHER = {"backend": "audioldm2", "model": "cvssp/audioldm2"}
SOUND_S = 0.4
PICTURES = 3


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Two trees of the same pictures by two models."""
    root = tmp_path_factory.mktemp("study")
    for name, model in (("a", {}), ("b", {"audio": OTHER})):
        for n in range(PICTURES):
            write_small(root / name / f"{n}", RIVER, variant=n, sound_s=SOUND_S, **model)
    return root


@pytest.fixture(scope="module")
def report(trees):
    assert main([f"{trees}/a", f"{trees}/b", "--out", f"{trees}/report", "--listen"]) == 0
    return trees / "report"


@pytest.fixture
def visit(browser, report):  # noqa: F811
    """Open a page of the report from disk. The test fails if the page raised an error or used the network."""
    contexts, complaints = [], []

    def visit(name="listen.html", *, context=None, viewport=DESKTOP, **options):
        if context is None:
            context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if is_ours(request.url) else complaints.append(request.url))
        page.goto((report / name).as_uri())
        return page

    def is_ours(url):
        return url.startswith((report.parent.as_uri(), "blob:"))

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def until(page, condition):
    """Wait for a condition. Playwright's own wait is blocked by the page's security policy."""
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def begin(page, listener="AB"):
    page.keyboard.type(listener)  # the field has the focus
    page.keyboard.press("Enter")
    page.locator("#trial").wait_for()


def hear_both(page):
    for key, side in (("1", "A"), ("2", "B")):
        page.keyboard.press(key)
        until(page, f"session.current.heard.{side} >= {SOUND_S} * 0.8")
    page.locator("[data-choice=A]:enabled").wait_for()


def answer(page, *keys):
    hear_both(page)
    for key in (*keys, "Enter"):
        page.keyboard.press(key)


def save(page, path):
    with page.expect_download() as download:
        page.keyboard.press("Enter")  # the button has the focus
    download.value.save_as(path)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def step(page):
    return page.locator("#step").inner_text()


def test_a_listener_goes_through_by_keyboard_and_a_report_is_made_of_it(visit, trees, report, tmp_path):
    page = visit()
    begin(page, "AB")
    assert page.locator("#place").inner_text() == f"Picture 1 of {PICTURES}"
    answer(page, "ArrowLeft", "5", "2")
    answer(page, "ArrowRight", "1", "4")
    answer(page, "Space", "3", "3")
    rows = save(page, tmp_path / "AB.csv")
    assert list(rows[0]) == ["picture", "listener", "sound", "id", "rating", "preference", "seconds", "order"]
    told = [(row["order"], row["sound"], row["rating"], row["preference"]) for row in rows]
    assert told == [
        ("1", "A", "5", "yes"),
        ("1", "B", "2", "no"),
        ("2", "A", "1", "no"),
        ("2", "B", "4", "yes"),
        ("3", "A", "3", "equal"),
        ("3", "B", "3", "equal"),
    ]
    assert {row["listener"] for row in rows} == {"AB"} and all(float(row["seconds"]) > 0 for row in rows)
    key = json.loads((report / "listen_key.json").read_text())["sounds"]
    assert len({row["id"] for row in rows} & key.keys()) == 2 * PICTURES

    arguments = [f"{trees}/a", f"{trees}/b", "--out", str(report), "--ratings", str(tmp_path / "AB.csv")]
    assert main(arguments) == 0
    text = (report / "index.html").read_text()
    assert f"1 listener gave {2 * PICTURES} ratings" in text and "3 pairs: too few to tell" in text
    with (report / "figures.csv").open() as file:
        fit = {
            (r["group"], r["result"]): float(r["value"]) for r in csv.DictReader(file) if r["figure"] == "ratings.fit"
        }
    assert fit == {(key[row["id"]]["group"], key[row["id"]]["result"]): float(row["rating"]) for row in rows}


def test_nothing_can_be_chosen_before_both_were_heard(visit):
    page = visit()
    begin(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    assert step(page) == "Listen to both sounds, at least 2 seconds of each."
    page.keyboard.press("1")
    until(page, f"session.current.heard.A >= {SOUND_S} * 0.8")
    page.keyboard.press("ArrowLeft")
    assert step(page) == "Listen to B too, at least 2 seconds of it."
    page.keyboard.press("b")
    page.locator("#step", has_text="Which one fits the picture better?").wait_for()
    page.keyboard.press("Enter")
    assert page.locator("#place").inner_text().startswith("Picture 1")


def test_digits_play_while_comparing_and_rate_after_it(visit):
    page = visit()
    begin(page)
    hear_both(page)
    page.keyboard.press("ArrowRight")
    assert step(page).startswith("How well does A fit")
    page.keyboard.press("2")
    page.keyboard.press("9")
    assert step(page).startswith("How well does B fit")
    page.keyboard.press("1")
    assert page.evaluate("session.current.ratings") == {"A": 2, "B": 1}
    for expected in ({"A": 2, "B": None}, {"A": None, "B": None}):
        page.keyboard.press("Backspace")
        assert page.evaluate("session.current.ratings") == expected
    page.keyboard.press("Backspace")
    assert step(page) == "Which one fits the picture better?"


def test_a_closed_tab_loses_nothing(visit):
    page = visit()
    begin(page, "Cy")
    answer(page, "ArrowLeft", "4", "2")
    hear_both(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("5")
    order = page.evaluate("trials.map((each) => each.sounds.A)")
    page.close()
    page = visit(context=page.context)
    page.get_by_role("button", name="Continue as Cy (1 of 3)").click()
    assert page.locator("#place").inner_text() == "Picture 2 of 3"
    assert step(page).startswith("How well does B fit")
    assert page.evaluate("trials.map((each) => each.sounds.A)") == order
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    assert page.evaluate("session.answers[1]")["ratings"] == {"A": 5, "B": 1}


def test_each_listener_has_an_order_of_their_own_and_always_the_same(visit):
    page = visit()
    plans = page.evaluate(
        "['AB', 'ab', ...Array.from({ length: 40 }, (_, n) => `L${n}`)].map((name) => JSON.stringify(plan(name)))"
    )
    assert plans[0] == plans[1] and len(set(plans)) > 20
    firsts = [json.loads(each)[0]["picture"] for each in plans]
    assert len(set(firsts)) == PICTURES
    assert {len({trial["picture"] for trial in json.loads(each)}) for each in plans} == {PICTURES}


def test_one_sound_at_a_time(visit):
    page = visit()
    begin(page)
    page.evaluate("for (const side of SIDES) players[side].loop = true")
    page.keyboard.press("1")
    until(page, "!players.A.paused")
    page.keyboard.press("2")
    until(page, "!players.B.paused && players.A.paused")
    page.keyboard.press("2")
    until(page, "players.A.paused && players.B.paused")


def test_a_name_is_text_in_the_page_and_in_the_table(visit, tmp_path):
    page = visit()
    evil = '=cmd,"<img src=x onerror=alert(1)>'
    begin(page, evil)
    answer(page, "Space", "3", "3")
    page.get_by_role("button", name="Stop for now").click()
    page.locator("#summary", has_text=evil).wait_for()
    assert {row["listener"] for row in save(page, tmp_path / "evil.csv")} == {f"'{evil}"}


def test_a_tabbed_button_is_pressed_by_space_and_a_clicked_one_gives_the_keys_back(visit):
    page = visit()
    begin(page)
    page.locator("#play-A").focus()
    page.keyboard.press("Space")
    until(page, f"session.current.heard.A >= {SOUND_S} * 0.8")
    page.locator("#play-B").click()
    until(page, f"session.current.heard.B >= {SOUND_S} * 0.8")
    page.locator("[data-choice=A]:enabled").wait_for()
    page.keyboard.press("Space")
    assert page.evaluate("session.current.choice") == "equal"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_by_day_and_night(visit, scheme):
    page = visit("index.html", viewport=PHONE, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(17, 22, 23)") == (scheme == "dark")
    page = visit(viewport=PHONE, color_scheme=scheme, has_touch=True, is_mobile=True)
    page.locator("#listener").fill("AB")
    page.get_by_role("button", name="Begin").tap()
    page.locator("#trial").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter((each) => each.checkVisibility())"
        ".filter((each) => each.getBoundingClientRect().height < 44).map((each) => each.outerHTML)"
    )
    assert small == []


def test_plots_and_pictures_of_the_report_are_shown(visit):
    page = visit("index.html")
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    until(page, "[...document.images].every((image) => image.complete)")
    assert page.evaluate("[...document.images].filter((image) => !image.naturalWidth).map((image) => image.src)") == []
    assert page.evaluate("document.images.length") > 0
