"""The page on desktop and phone, in light and dark, with keyboard and touch."""

import io

import pytest
from PIL import Image

from ..support.browser import IN_BROWSER, PHONE, choose_example, contrast, document, give

pytestmark = IN_BROWSER
NAMELESS = """() => [...document.querySelectorAll("#desk :is(button, input, select, textarea), #gallery button")]
    .filter((node) => node.checkVisibility() && node.type !== "file")
    .filter((node) => !node.getAttribute("aria-label") && !node.title && !node.textContent.trim())
    .filter((node) => !node.labels?.length)
    .map((node) => node.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll("#desk :is(button, input, select, textarea, a), #gallery button")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".visually-hidden"))
    .map((node) => [node, (node.type === "checkbox" ? node.closest("label") : node).getBoundingClientRect()])
    .filter(([, { width, height }]) => width < 24 || height < 24)
    .map(([node, { width, height }]) => `${node.outerHTML.slice(0, 120)} ${width} x ${height}`)"""


def test_the_columns_stand_side_by_side_on_a_desktop(visit):
    page = visit()
    boxes = [page.locator(f"#{name}-column").bounding_box() for name in ("picture", "soundscape", "sound")]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"] < boxes[1]["x"] + boxes[1]["width"] < boxes[2]["x"]


def test_the_page_fits_a_phone(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    widths = [page.evaluate("document.documentElement.scrollWidth")]
    choose_example(page, "Rainy street")
    page.locator(".unfold").first.click()
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    document(page)
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    assert widths == [PHONE["width"]] * 3
    tops = [page.locator(f"#{name}-column").bounding_box()["y"] for name in ("picture", "soundscape", "sound")]
    assert tops == sorted(tops) and len(set(tops)) == 3


def test_a_phone_goes_to_where_something_happened(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True, reduced_motion="reduce")
    top = "Math.abs(document.getElementById('{}').getBoundingClientRect().top) < 5"
    page.locator("#gallery button", has_text="Rainy street").tap()
    page.wait_for_function(top.format("picture-column"))
    page.locator("#duration input[type=number]").fill("2")
    page.locator("#hear").tap()
    page.locator("#report dl").wait_for(timeout=60_000)
    page.wait_for_function("document.getElementById('mix').getBoundingClientRect().bottom < innerHeight")
    assert page.locator("#mix").bounding_box()["y"] >= -5


def test_a_desktop_stays_where_it_is(visit):
    page = visit({"width": 1440, "height": 600})
    page.locator("#gallery button").last.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    page.locator("#gallery button").last.click()
    page.locator(".source").first.wait_for()
    page.wait_for_timeout(300)  # nothing is to happen: a phone would have begun to scroll after 100 ms
    assert page.evaluate("scrollY") >= before > 0


def test_everything_can_be_hit_with_a_finger(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    choose_example(page, "Rainy street")
    page.locator(".unfold").first.click()
    assert page.evaluate(SMALL) == []


def test_a_strip_leaves_room_for_the_preview(visit, tmp_path):
    page = visit()
    Image.new("RGB", (3000, 40), (90, 120, 150)).save(tmp_path / "strip.png")
    give(page, tmp_path / "strip.png")
    assert page.locator("#picture").bounding_box()["height"] > 150


def test_the_page_does_not_jump_while_it_works_and_says_that_it_stopped(visit):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("60")
    before = page.locator("#sound-column .empty").bounding_box()["y"]
    page.click("#make")
    page.locator("#sound-status", has_text="Making the sounds").wait_for()
    assert page.locator("#sound-column .empty").bounding_box()["y"] == pytest.approx(before, abs=1)
    page.click("#stop-making")
    page.locator("#sound-status", has_text="Stopped.").wait_for()
    assert page.locator("#sound-column .empty").bounding_box()["y"] == pytest.approx(before, abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_by_day_and_by_night(visit, scheme):
    page = visit(color_scheme=scheme)
    choose_example(page)
    for selector in (".masthead p", "#hear", "#describe", ".source .words", ".source .facts", ".scene", "h2"):
        assert contrast(page, selector) >= 4.5, selector
    page.locator(".source").first.get_by_role("button", name="Mute").click()
    for selector in (".source.muted .name", ".source.muted .words", ".source.muted .toggle[aria-pressed=true]"):
        assert contrast(page, selector) >= 4.5, selector
    document(page)
    for place in range(page.locator("#editor .cm-line > span").count()):
        assert contrast(page, f"#editor .cm-line > span >> nth={place}") >= 4.5
    corner = Image.open(io.BytesIO(page.screenshot())).convert("L").getpixel((5, 5))
    assert (corner < 60) == (scheme == "dark")


def test_the_keyboard_reaches_everything_that_matters(visit):
    page = visit()
    choose_example(page)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    wanted = {"hear", "describe", "make"}
    reached = []
    for _ in range(90):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if page.evaluate("document.activeElement.id") == "hear":
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if wanted <= set(reached):
            break
    assert wanted <= set(reached) and any("name" in each for each in reached) and "unfold" in reached
    mute = page.locator(".source").nth(1).get_by_role("button", name="Mute")
    mute.focus()
    page.keyboard.press("Enter")
    assert mute.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.ariaLabel") == mute.get_attribute("aria-label"), "the focus stays"
    page.locator("#gallery button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.scene').value.includes('fire')")


def test_the_keyboard_stays_with_the_button_that_was_pressed(visit):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("2")
    page.evaluate("window.focused = []")
    page.evaluate("document.addEventListener('focusin', ({ target }) => window.focused.push(target.id))")
    page.locator("#make").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("window.focused.includes('stop-making')")
    page.locator("#report dl").wait_for(timeout=60_000)
    page.wait_for_function("document.activeElement.id === 'make'")


def test_every_control_has_a_name(visit):
    page = visit()
    choose_example(page)
    page.locator(".unfold").first.click()
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    assert all(image.get_attribute("alt") for image in page.locator("#gallery img, #picture img").all())
