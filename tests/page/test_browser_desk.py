"""The document on the page as one thing with many views: rows, boxes, lanes, JSON, undo and redo."""

import json

import pytest
from PIL import Image

from pipeline.files import sha256_of

from ..support.browser import IN_BROWSER, PHONE, choose_example, document, give, make_sound, names, write

pytestmark = IN_BROWSER
ARRIVE = """(document) => desk.state.arrive(document, { picture: "", text: JSON.stringify(document) },
    { isAnswer: true, label: "a new description" })"""


def source(page, index=0):
    return page.evaluate("(index) => desk.state.document().sources[index]", index)


def text(page):
    return page.evaluate("desk.state.text()")


def drag(page, start, by, steps=8):
    x, y = start
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=steps)
    page.mouse.up()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def undo(page):
    page.get_by_role("button", name="Undo").click()


# Undo -----------------------------------------------------------------------------------------------------------------


def test_undo_and_redo_go_through_changes_of_all_views(visit):
    page = visit()
    choose_example(page)
    seen = [text(page)]

    def changed():
        seen.append(text(page))
        assert seen[-1] != seen[-2]

    name = page.locator(".source .name").first
    name.fill("")
    name.press_sequentially("brook", delay=20)
    changed()
    page.locator(".source .level input").first.focus()
    page.keyboard.press("ArrowRight")
    changed()
    page.locator(".source").nth(1).get_by_role("button", name="Mute").click()
    changed()
    write(page, seen[-1].replace("brook", "torrent"))
    page.wait_for_function("desk.state.document().sources[0].name === 'torrent'")
    changed()
    page.get_by_role("tab", name="Sounds").click()
    assert names(page)[0] == "torrent"
    choose_example(page, "Campfire")
    page.wait_for_function("desk.state.document().scene.includes('fire')")
    changed()
    page.locator("#sources .add").focus()
    for expected in seen[-2::-1]:
        page.keyboard.press("Control+z")
        assert text(page) == expected
    for expected in seen[1:]:
        page.keyboard.press("Control+Shift+z")
        assert text(page) == expected
    undo(page)
    assert text(page) == seen[-2] and document(page) == json.loads(seen[-2]), "the JSON editor follows"


def test_undo_of_a_document_of_another_picture_says_so(visit):
    page = visit()
    choose_example(page)
    choose_example(page, "Campfire")
    page.wait_for_function("desk.state.document().scene.includes('fire')")
    undo(page)
    page.locator("#note", has_text="This was written for another picture.").wait_for()
    page.get_by_role("button", name="Redo").click()
    page.locator("#note p").wait_for(state="detached")


def test_keys_in_other_fields_undo_what_is_typed_there(visit):
    page = visit()
    choose_example(page)
    page.locator(".source .name").first.fill("brook")
    seed = page.locator("#seed :is(input, textarea)")
    seed.press_sequentially("7")
    seed.press("Control+z")
    assert names(page)[0] == "brook" and seed.input_value() == ""


# Nothing typed is lost ------------------------------------------------------------------------------------------------


def test_a_description_that_comes_while_one_types_waits(visit):
    page = visit()
    choose_example(page)
    page.evaluate("desk.state.begin()")
    name = page.locator(".source .name").first
    name.fill("")
    name.press_sequentially("bro")
    page.evaluate(
        ARRIVE, {"sources": [{**source(page), "name": "fire"}], "scene": "", "mood": "", "space": "open", "version": 1}
    )
    name.press_sequentially("ok")
    assert names(page)[0] == "brook" and page.evaluate("document.activeElement.value") == "brook"
    page.get_by_role("button", name="Use the new description").click()
    assert names(page) == ["fire"]
    undo(page)
    assert names(page)[0] == "brook"


def test_typing_in_the_json_and_in_a_row_at_once_loses_neither(visit):
    page = visit()
    choose_example(page)
    page.route("**/queue/join*", lambda route: (page.wait_for_timeout(400), route.continue_()))  # a slow server
    write(page, text(page).replace("stream", "torrent"))
    page.wait_for_function("desk.state.document().sources[0].name === 'torrent'")
    shown = json.loads(text(page))
    write(page, json.dumps(shown | {"mood": "wild"}))
    page.get_by_role("tab", name="Sounds").click()
    page.locator(".source .name").first.fill("brook")
    page.wait_for_timeout(1000)  # the answer to what was typed in the JSON is there
    assert names(page)[0] == "brook"
    after = document(page)
    assert (after["sources"][0]["name"], after["mood"]) == ("brook", "wild")


def test_a_text_with_problems_stays_until_it_is_undone(visit):
    page = visit()
    choose_example(page)
    before = text(page)
    write(page, "{")
    page.locator(".problems").wait_for()
    assert page.locator("#sources .view[inert]").count() == 1 and text(page) == before
    page.locator("#gallery button", has_text="Campfire").click()
    page.wait_for_function("desk.state.document().scene.includes('fire')")
    page.locator(".problems").wait_for(state="detached")
    assert page.locator("#sources .view[inert]").count() == 0


# Rows -----------------------------------------------------------------------------------------------------------------


def test_rows_are_reordered_copied_and_removed_by_mouse_and_keys(visit):
    page = visit()
    choose_example(page)
    before = names(page)
    colours = page.locator(".source").evaluate_all(
        "nodes => nodes.map((node) => node.style.getPropertyValue('--colour'))"
    )
    page.locator(".source .number").nth(1).focus()
    page.keyboard.press("ArrowUp")
    assert names(page) == [before[1], before[0], *before[2:]]
    assert page.evaluate("document.activeElement.textContent") == "1", "the focus goes with the row"
    moved = page.locator(".source").evaluate_all(
        "nodes => nodes.map((node) => node.style.getPropertyValue('--colour'))"
    )
    assert moved[:2] == colours[1::-1], "a source keeps its colour"
    rows = page.locator(".source")
    x, y = middle(page.locator(".source .number").first)
    drag(page, (x, y), (0, middle(rows.nth(1))[1] + rows.nth(1).bounding_box()["height"] / 4 - y))
    assert names(page) == before
    page.locator(".unfold").first.click()
    page.get_by_role("button", name="Duplicate").first.click()
    assert names(page) == [before[0], *before]
    page.locator(".remove:visible").first.click()
    assert names(page) == before
    undo(page)
    assert names(page) == [before[0], *before]


# Boxes ----------------------------------------------------------------------------------------------------------------


def test_all_boxes_are_shown_in_the_colours_of_the_rows(visit):
    page = visit()
    choose_example(page)
    boxes = page.locator(".source-box")
    boxes.first.wait_for()
    assert boxes.count() == sum(bool(each["box"]) for each in json.loads(text(page))["sources"])
    colour = "node => node.style.getPropertyValue('--colour')"
    assert boxes.first.evaluate(colour) == page.locator(".source").first.evaluate(colour)
    page.locator(".source .name").nth(1).hover()
    assert page.locator(".source-box.strong").inner_text() == f"2 {names(page)[1]}"
    for left in (0.05, 0.4, 0.9):
        change = """(x) => desk.state.change("", ({ sources }) => {
            Object.assign(sources[1], { box: [x, 0.5, x + 0.1, 0.6], name: "a bird with a long name ".repeat(2) })
        })"""
        page.evaluate(change, left)
        label, picture = (page.locator(each).bounding_box() for each in (".source-box.strong span", "#picture img"))
        assert picture["x"] <= label["x"] + 3 and label["x"] + label["width"] <= picture["x"] + picture["width"] + 3
        assert label["width"] > 100, "it can be read"


def test_dragging_a_box_moves_the_sound(visit):
    page = visit()
    choose_example(page, "Harbour")
    page.locator(".source-box").first.wait_for()
    before = source(page)
    picture = page.locator("#picture img").bounding_box()
    box = page.locator(".source-box").first
    place = box.bounding_box()
    drag(
        page, (place["x"] + place["width"] / 10, place["y"] + place["height"] * 0.8), (60, -15)
    )  # smaller ones are above
    after = source(page)
    assert after["box"][0] - before["box"][0] == pytest.approx(60 / picture["width"], abs=0.01)
    assert after["box"][2] - after["box"][0] == pytest.approx(before["box"][2] - before["box"][0], abs=0.002)
    assert after["pan"] is None and after["distance_m"] > before["distance_m"], "up is farther"
    box.focus()
    corner = box.locator(".corner.right.bottom")
    drag(page, middle(corner), (20, 0))
    wider = source(page)
    assert wider["box"][2] - after["box"][2] == pytest.approx(20 / picture["width"], abs=0.01)
    assert wider["box"][:2] == after["box"][:2] and wider["distance_m"] == after["distance_m"]
    undo(page)
    undo(page)
    assert source(page) == before, "each drag is one step"


def test_a_click_on_a_box_goes_to_its_row_and_keys_move_it(visit):
    page = visit()
    choose_example(page)
    box = page.locator(".source-box").first
    box.wait_for()
    box.focus()
    before = source(page)["box"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")
    after = source(page)["box"]
    assert after[0] == pytest.approx(before[0] + 0.02) and after[2] == pytest.approx(before[2], abs=0.001)
    assert "wide" in page.locator(".said").inner_text()
    page.mouse.click(*middle(box))
    page.wait_for_function("document.activeElement.matches('.source .number')")
    assert page.evaluate("document.activeElement.textContent") == "1"


def test_a_source_without_a_box_is_dropped_onto_the_picture(visit):
    page = visit()
    choose_example(page)
    page.get_by_role("button", name="Add a sound").click()
    index = page.locator(".source").count() - 1
    number = page.locator(".source .number").nth(index)
    number.scroll_into_view_if_needed()
    page.evaluate("window.scrollTo(0, Math.min(scrollY, 200))")
    x, y = middle(number)
    picture = page.locator("#picture img").bounding_box()
    drag(page, (x, y), (picture["x"] + picture["width"] / 4 - x, picture["y"] + picture["height"] / 2 - y))
    x0, y0, x1, y1 = source(page, index)["box"]
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (pytest.approx(0.25, abs=0.02), pytest.approx(0.5, abs=0.02))
    assert page.locator(".source-box").count() == index + 1
    page.get_by_role("button", name="off the picture").last.click()
    assert source(page, index)["box"] is None
    page.get_by_role("button", name="on the picture", exact=False).filter(has_text="Place").last.click()
    assert source(page, index)["box"] is not None and page.evaluate("document.activeElement.className").startswith(
        "source-box"
    )


# At once --------------------------------------------------------------------------------------------------------------


def test_a_picture_is_described_without_a_click(visit, photograph):
    page = visit()
    give(page, photograph)
    page.locator(".source").first.wait_for()
    scene = json.loads(text(page))["scene"]
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page, "#hear")
    assert json.loads(text(page))["scene"] == scene
    report = page.locator("#report").inner_text()
    assert "Described by" in report and "description" not in report, "the sound alone was left to make"


def test_the_last_picture_is_the_one_that_is_described(visit, photograph, tmp_path):
    page = visit()
    Image.new("RGB", (640, 480), (200, 190, 150)).save(tmp_path / "sand.png")
    page.set_input_files("#picture input[type=file]", photograph)
    page.locator("#picture img").wait_for()
    page.get_by_label("Remove Image").click()
    page.set_input_files("#picture input[type=file]", tmp_path / "sand.png")
    page.locator("#picture img").wait_for()
    wanted = sha256_of(tmp_path / "sand.png")
    page.wait_for_function("(wanted) => desk.state.origin().picture === wanted", arg=wanted)
    page.wait_for_timeout(1500)  # what is left of the first description would be there by then
    assert page.evaluate("desk.state.origin().picture") == wanted and page.get_by_test_id("toast-body").count() == 0


def test_a_new_picture_replaces_no_edit(visit, photograph):
    page = visit()
    choose_example(page)
    page.locator(".source .name").first.fill("brook")
    mine = names(page)
    page.get_by_label("Remove Image").click()
    give(page, photograph)
    page.locator("#note", has_text="This was written for another picture.").wait_for()
    assert names(page) == mine


def test_on_a_phone_boxes_are_tapped_and_nothing_scrolls_sideways(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    choose_example(page, "Rainy street")
    page.locator(".source-box").first.wait_for()
    page.locator(".source-box").first.dispatch_event(
        "pointerdown", {"pointerType": "touch", "button": 0, "bubbles": True}
    )
    page.locator(".source-box").first.dispatch_event("pointerup", {"pointerType": "touch", "bubbles": True})
    page.wait_for_function("document.activeElement.matches('.source .number')")
    page.locator(".unfold").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_json_editor_has_a_name(visit):
    page = visit()
    choose_example(page)
    page.get_by_role("tab", name="JSON").click()
    page.get_by_role("textbox", name="Soundscape as JSON").wait_for()


def test_two_tabs_do_not_disturb_each_other(visit):
    one, other = visit(), visit()
    choose_example(one)
    choose_example(other, "Campfire")
    one.locator(".source .name").first.fill("brook")
    other.locator(".source .name").first.fill("bonfire")
    undo(other)
    for page, name in ((one, "brook"), (other, "fire")):
        page.locator("#duration input[type=number]").fill("2")
        make_sound(page)
        made = page.evaluate("JSON.stringify(desk.state.document()) && desk.state.sources()[0].source.name")
        assert made == name and page.evaluate("desk.state.isChanged()") is False
    undo(one)
    assert names(one)[0] == "stream" and names(other)[0] == "fire"
