"""The time line under the player: a lane per source, the play position, zoom, and the onsets."""

import re

import pytest

from pipeline.soundscape import Source

from ..support.browser import IN_BROWSER, PHONE, choose_example, make_sound

pytestmark = IN_BROWSER
INK = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((_, index) => index % 4 === 3 && data[index] > 0).length / (canvas.width * canvas.height);
}"""
# What can be pressed and is under 32 px high or wide. Links in a text and what lies in a label may be smaller.
TOO_SMALL = """() => [...document.querySelectorAll("#desk :is(button, input, select, textarea, summary)")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => !node.matches(".link, .source-box, [type=checkbox], [type=file]"))
    .map((node) => [node.getBoundingClientRect(), node.getAttribute("aria-label") ?? node.textContent])
    .filter(([{ width, height }]) => Math.min(width, height) > 1 && Math.min(width, height) < 32)
    .map(([{ width, height }, name]) => `${name}: ${width} x ${height}`)"""
ONSETS = "(index) => desk.state.document().sources[index].onsets_s ?? null"


def made(page, name="Harbour", length="4"):
    choose_example(page, name)
    page.locator("#duration input[type=number]").fill(length)
    make_sound(page)
    page.wait_for_function("desk.state.sources().every(({ stem }) => stem !== null)")
    page.evaluate("desk.transport.pause()")
    return page


def test_every_source_has_a_lane_in_its_colour_once_there_is_a_sound(visit):
    page = visit()
    choose_example(page, "Harbour")
    assert not page.locator(".lanes").is_visible()
    made(page)
    page.locator(".lane").nth(5).wait_for()
    page.wait_for_function(f"[...document.querySelectorAll('.lane canvas')].every((canvas) => ({INK})(canvas) > 0.01)")
    colour = "nodes => nodes.map((node) => getComputedStyle(node).getPropertyValue('--colour'))"
    assert page.locator(".lane").evaluate_all(colour) == page.locator(".source").evaluate_all(colour)
    page.locator(".source").nth(2).get_by_role("button", name="Solo").click()
    assert page.locator(".lane.muted").count() == 5
    page.locator(".lane").nth(1).hover()
    assert page.locator(".source.strong .name").input_value() == "gulls", "its row is shown, too"
    place = page.locator(".lane").first.bounding_box()
    page.locator(".source .name").nth(3).fill("creak " * 10)
    assert page.locator(".lane").nth(3).get_attribute("title") == "creak " * 10
    assert page.locator(".lane").first.bounding_box() == place, "a long name moves nothing"


def test_a_click_and_keys_move_the_play_position(visit):
    page = made(visit())
    lane = page.locator(".lane").first
    box = lane.bounding_box()
    lane.click(position={"x": box["width"] / 2, "y": 30})
    assert page.evaluate("desk.transport.position()") == pytest.approx(2, abs=0.05)
    head = page.locator(".playhead").bounding_box()
    assert head["x"] + 1 == pytest.approx(box["x"] + box["width"] / 2, abs=3)
    ruler = page.get_by_role("slider", name="Play position")
    ruler.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("desk.transport.position()") == pytest.approx(3, abs=0.05)
    assert ruler.get_attribute("aria-valuetext") == "3\u00a0s of 4\u00a0s"
    page.evaluate("desk.transport.seek(0)")
    page.evaluate("desk.transport.play()")
    page.wait_for_function("parseFloat(document.querySelector('.playhead').style.left) > 3")
    page.evaluate("desk.transport.pause()")


def test_zoom_shows_a_part_and_the_view_follows(visit):
    page = made(visit())
    marks = page.locator(".ruler span")
    marks.first.wait_for()
    whole = marks.all_inner_texts()
    page.evaluate("desk.transport.seek(3)")
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    near = marks.all_inner_texts()
    assert near != whole and "0\u00a0s" not in near
    lane = page.locator(".lane").first
    lane.click(position={"x": 1, "y": 30})
    start = page.evaluate("desk.transport.position()")
    assert 2 < start < 3, "a quarter of the sound is seen"
    for _ in range(2):
        page.get_by_role("button", name="Zoom out").click()
    assert marks.all_inner_texts() == whole


@pytest.mark.skipif("onsets_s" not in Source.model_fields, reason="documents have no onsets yet")
def test_onsets_are_moved_added_and_removed_by_mouse_and_keys(visit):
    page = made(visit())
    lane = page.locator(".lane").nth(1)
    lane.locator(".onset").first.wait_for()
    page.evaluate("desk.render.soon = () => {}")  # the sound is not made anew between the steps
    box = lane.bounding_box()
    lane.dblclick(position={"x": box["width"] * 0.9, "y": 30})
    onsets = page.evaluate(ONSETS, 1)
    assert any(each == pytest.approx(3.6, abs=0.05) for each in onsets)
    handle = lane.get_by_role("slider").nth(onsets.index(max(onsets, key=lambda each: -abs(each - 3.6))))
    handle.focus()
    page.keyboard.press("ArrowLeft")
    assert any(each == pytest.approx(3.5, abs=0.05) for each in page.evaluate(ONSETS, 1))
    focused = page.locator(":focus")
    assert focused.get_attribute("aria-valuetext") == "3.5\u00a0s" and "of gulls" in focused.get_attribute("aria-label")
    page.keyboard.press("Delete")
    assert len(page.evaluate(ONSETS, 1)) == len(onsets) - 1
    page.evaluate("desk.transport.seek(1)")
    lane.focus()
    page.keyboard.press("Enter")
    assert 1 in page.evaluate(ONSETS, 1)
    for _ in range(4):
        page.keyboard.press("Control+z")
    assert page.evaluate(ONSETS, 1) is None


@pytest.mark.skipif("onsets_s" not in Source.model_fields, reason="documents have no onsets yet")
def test_a_sound_that_goes_on_all_the_time_has_no_onsets(visit):
    page = made(visit())
    assert page.locator(".lane").first.get_by_role("slider").count() == 0
    page.locator(".lane").first.dblclick(position={"x": 50, "y": 30})
    assert page.evaluate(ONSETS, 0) is None
    for words in (page.locator(".lanes .hint"), page.locator(".said")):
        assert "sounds all the time, so it has no onsets" in words.inner_text()


def test_on_a_phone_the_lanes_are_folded(visit):
    page = made(visit(PHONE, has_touch=True, is_mobile=True), length="2")
    page.locator(".lanes summary").wait_for()
    assert not page.locator(".lane").first.is_visible()
    page.locator(".lanes summary").tap()
    page.locator(".lane").first.wait_for()
    page.locator(".unfold").first.tap()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert ";".join(page.evaluate(TOO_SMALL)) == ""
    text = page.locator("#desk").inner_text()
    assert re.search(r"\d\u00a0(dB|m|s|%)", text) and not re.search(r"\d (dB|LUFS|m|s|%)\b", text)


def test_a_part_of_a_sound_is_made_again_if_the_model_can(visit):
    page = made(visit(), "Harbour", "2")
    page.locator(".unfold").nth(1).click()
    part = page.locator(".source").nth(1).get_by_role("group", name="Make a part again")
    assert not part.is_visible(), "the embedded synthesiser cannot"
    page.evaluate("() => { desk.render = () => { window.renders = (window.renders ?? 0) + 1 } }")
    page.evaluate("desk.state.rendered({ ...desk.transport.info(), can_redo: true })")
    start, end = part.get_by_role("spinbutton").all()
    start.fill("1.5")
    end.fill("3")
    part.get_by_role("button", name="Make this part again").click()
    assert "from 0 to 2\u00a0seconds" in part.get_by_role("alert").inner_text()
    end.fill("2")
    part.get_by_role("button", name="Make this part again").click()
    assert part.locator("p").text_content() == "" and page.evaluate("window.renders") == 1
    redo = page.locator("#redo :is(input, textarea)")
    page.wait_for_function("(node) => node.value === '{\"1\":[1.5,2]}'", arg=redo.element_handle())
    page.locator(".source .number").nth(1).focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function("(node) => node.value === '{\"0\":[1.5,2]}'", arg=redo.element_handle())
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.wait_for_function("(node) => node.value === ''", arg=redo.element_handle())
