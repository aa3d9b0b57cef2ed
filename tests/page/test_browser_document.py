"""The soundscape on the page: edited, kept, brought back, and never combined with another picture."""

import zipfile

import pytest

from ..support.browser import IN_BROWSER, choose_example, document, give, make_sound, names, write

pytestmark = IN_BROWSER


def test_edits_in_the_list_are_edits_of_the_document(visit):
    page = visit()
    choose_example(page)
    before = document(page)
    page.get_by_role("tab", name="Sounds").click()
    count = page.locator(".source").count()
    page.locator(".source .name").first.fill('waterfall "big"')
    page.locator(".source .level input").first.fill("-7.5")
    page.locator(".source").nth(1).get_by_role("button", name="Mute").click()
    page.locator(".unfold").first.click()
    page.get_by_label("Timbre").first.fill("deep, wide")
    page.get_by_label("Distance").first.press("End")
    page.get_by_label("Position from left to right").first.press("Home")
    page.get_by_label("Heard").first.select_option("one-shot")
    page.locator(".scene").fill("Another place")
    page.get_by_label("Space").select_option("cave")
    page.get_by_role("button", name="Add a sound").click()
    page.keyboard.type("kite")
    after = document(page)
    first = after["sources"][0]
    assert (first["name"], first["gain_db"], first["pan"]) == ('waterfall "big"', -7.5, -1)
    assert (first["timbre"], first["distance_m"], first["role"]) == (["deep", "wide"], 1000, "one-shot")
    assert (after["scene"], after["space"], after["mood"]) == ("Another place", "cave", before["mood"])
    assert after["sources"][1] == before["sources"][1] | {"mute": True}
    assert len(after["sources"]) == count + 1 and after["sources"][-1]["name"] == "kite"

    page.get_by_role("tab", name="Sounds").click()
    page.locator(".remove:visible").last.click()
    page.locator(".source").nth(1).get_by_role("button", name="Solo").click()
    after = document(page)
    assert [source["mute"] for source in after["sources"]] == [index != 1 for index in range(count)]


def clear_picture(page):
    page.get_by_label("Remove Image").click()
    page.locator("#picture img").wait_for(state="detached")


def test_a_soundscape_never_goes_with_a_picture_that_it_was_not_written_for(visit, photograph, tmp_path):
    page = visit()
    choose_example(page)
    page.locator(".source .name").first.fill("brook")  # a document that nobody edited is replaced at once
    clear_picture(page)
    give(page, photograph)
    page.locator("#note", has_text="This was written for another picture.").wait_for()
    page.locator(".source .name").first.focus()
    assert page.locator(".source-box").count() == 0
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    with page.expect_download() as bundle:
        page.click("#bundle")
    bundle.value.save_as(tmp_path / "bundle.zip")
    inside = zipfile.ZipFile(tmp_path / "bundle.zip").namelist()
    assert "mix.wav" in inside and not any(name.startswith("picture") for name in inside)
    page.click("#describe")
    page.locator("#note p").wait_for(state="detached")


def test_hearing_a_picture_keeps_what_is_written_for_it(visit):
    page = visit()
    choose_example(page, "Campfire")
    before = names(page)
    page.locator(".source .name").first.fill("bonfire")
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page, "#hear")
    assert names(page) == ["bonfire", *before[1:]]
    assert page.locator("#bring-back:visible").count() == 0


def test_edits_that_a_description_replaced_can_be_brought_back(visit):
    page = visit()
    choose_example(page, "Campfire")
    page.locator(".source .name").first.fill("bonfire")
    mine = names(page)
    page.click("#describe")
    page.locator("#bring-back").wait_for()
    page.wait_for_function("document.querySelector('.source .name').value !== 'bonfire'")
    page.click("#bring-back")
    page.wait_for_function("document.querySelector('.source .name').value === 'bonfire'")
    assert names(page) == mine and document(page)["sources"][0]["name"] == "bonfire"
    page.locator("#bring-back").wait_for(state="hidden")
    page.click("#describe")
    page.locator("#bring-back").wait_for()  # still known as edited


def test_a_sound_without_a_name_is_said_to_need_one(visit):
    page = visit()
    choose_example(page)
    page.locator(".source .name").first.fill("")
    page.locator(".source .nameless", has_text="A sound needs a name").wait_for()
    page.click("#make")
    page.get_by_test_id("toast-body").filter(has_text="Sound 1, name: must not be empty").wait_for()
    page.locator("#make:enabled").wait_for()
    assert page.locator("#report dl").count() == 0
    page.locator(".source .name").first.fill("brook")
    assert page.locator(".source .nameless:visible").count() == 0
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    assert page.get_by_test_id("toast-body").count() == 0, "the old message is gone"


def test_a_new_sound_is_heard_as_such_sounds_are(visit):
    page = visit()
    choose_example(page)
    page.get_by_role("button", name="Add a sound").click()
    assert page.get_by_label("Heard").last.input_value() == "recurring"
    page.keyboard.type("rain")
    page.keyboard.press("Tab")
    page.wait_for_function("[...document.querySelectorAll('[aria-label=Heard]')].at(-1).value === 'bed'")
    assert document(page)["sources"][-1]["role"] == "bed"


def test_edits_are_not_lost_by_a_reload_without_a_question(visit):
    page = visit()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    choose_example(page)
    assert asked == []
    page.locator(".source .name").first.fill("brook")
    page.wait_for_function("'edited' in document.body.dataset")
    page.reload()
    assert asked == ["beforeunload"]


def test_a_source_is_shown_on_the_picture(visit):
    page = visit()
    choose_example(page)
    box = next(source for source in document(page)["sources"] if source["box"])["box"]
    page.get_by_role("tab", name="Sounds").click()
    page.wait_for_function("document.querySelector('#picture img').naturalWidth > 0")
    page.locator(".source .name").first.focus()
    shown = page.locator(".source-box.strong").bounding_box()
    picture = page.locator("#picture img").bounding_box()
    assert shown["x"] == pytest.approx(picture["x"] + box[0] * picture["width"], abs=3)
    assert shown["height"] == pytest.approx((box[3] - box[1]) * picture["height"], abs=3)


def test_a_pasted_answer_is_read_and_stays_as_it_was_typed(visit):
    page = visit()
    choose_example(page)
    pasted = "Here it is:\n{sources: [{name: 'rain', gain_db: '-3'}]} // wet"
    write(page, pasted)
    page.locator("#problems", has_text="Read with repairs: text around the object, field names").wait_for()
    assert page.evaluate("desk.state.document().sources[0].gain_db") == -3
    assert page.locator("#editor .cm-line").all_inner_texts() == pasted.split("\n")
    write(page, pasted.replace("'-3'", "3 dB"))
    page.locator("#problems", has_text="This is not JSON yet (line 2, column").wait_for()
    write(page, pasted)
    page.locator("#problems .quiet").wait_for()
    page.get_by_role("tab", name="Sounds").click()
    page.locator(".source .name").first.fill("drizzle")
    page.locator("#problems p").wait_for(state="detached")
    assert document(page)["sources"][0]["name"] == "drizzle"
