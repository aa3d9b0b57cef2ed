"""An earlier result on the page: chosen or dropped, as a ZIP file or a folder."""

import json
import shutil
import sys
import zipfile

import pytest
from PIL import Image

from pipeline.job import Job, run
from pipeline.soundscape import Soundscape

from ..support.browser import DESKTOP, IN_BROWSER, choose_example, document, drop, make_sound, names
from ..support.page_server import RIVER, serve

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The result of a blue picture with a river and some wind, 3 s from seed 42."""
    folder = tmp_path_factory.mktemp("tree") / "river"
    picture = Image.new("RGB", (300, 200), (40, 90, 160))
    result = run(Job(picture, Soundscape.from_json(RIVER), audio="procedural", duration_s=3, seed=42), folder)
    result.write_bundle()
    return result


def choose(page, button, path):
    with page.expect_file_chooser() as chooser:
        page.locator("#opening").get_by_role("button", name=button).click()
    chooser.value.set_files(path)


def wait_for_river(page):
    page.wait_for_function("document.querySelector('.scene')?.value === 'A river'")
    page.locator("#report dl").wait_for()


def test_a_zip_comes_up_as_it_was_and_makes_the_same_again(visit, made, tmp_path):
    page = visit()
    choose(page, "a ZIP file", made.bundle_path)
    wait_for_river(page)
    assert names(page) == ["river", "wind"] and page.locator("#picture img").count() == 1
    assert page.locator("#seed :is(input, textarea)").input_value() == "42"
    assert page.locator("#duration input[type=number]").input_value() == "3"
    assert not page.locator("#random input").is_checked()
    page.wait_for_function("window.player?.duration > 2.9")
    page.wait_for_function("desk.transport.preview() === 'ready'")
    assert page.locator(".lane").count() == 2 and page.evaluate("desk.transport.mode()") == "file"
    page.locator("#mix .what p", has_text="This is the finished sound.").wait_for()
    assert [source["name"] for source in document(page)["sources"]] == ["river", "wind"]

    page.click("#stems-fold button")
    page.get_by_role("button", name="Play river alone").click()
    page.locator("#stems li.playing", has_text="river").wait_for()

    with page.expect_download() as opened:
        page.click("#mix-file")
    opened.value.save_as(tmp_path / "opened.wav")
    assert (tmp_path / "opened.wav").read_bytes() == made.mix_path.read_bytes()
    make_sound(page)
    with page.expect_download() as bundle:
        page.click("#bundle")
    bundle.value.save_as(tmp_path / "again.zip")
    again = zipfile.ZipFile(tmp_path / "again.zip")
    assert again.read("mix.wav") == made.mix_path.read_bytes() and "picture.jpg" in again.namelist()


def test_a_folder_is_chosen_and_edits_are_kept(visit, made):
    page = visit()
    choose_example(page, "Campfire")
    page.locator(".source .name").first.fill("bonfire")
    choose(page, "a folder", made.folder)
    wait_for_river(page)
    page.click("#bring-back")
    page.wait_for_function("document.querySelector('.source .name').value === 'bonfire'")
    page.locator("#note", has_text="another picture").wait_for()


def test_a_zip_or_a_folder_is_dropped_anywhere(visit, made):
    for path, onto in ((made.bundle_path, "#picture"), (made.folder, "#sound-column")):
        page = visit()
        drop(page, path, onto=onto)
        wait_for_river(page)
        assert page.locator("#picture img").count() == 1


def test_a_picture_is_dropped_where_pictures_go(visit, photograph):
    page = visit()
    drop(page, photograph, onto="#picture")
    page.locator("#picture img").wait_for()
    assert page.locator("#refusal p, #opening .refusal").count() == 0


def test_a_folder_of_several_results_is_not_sent(visit, made, tmp_path):
    page = visit()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "upload" in request.url else None)
    for name in "ab":
        (tmp_path / "results" / name).mkdir(parents=True)
        (tmp_path / "results" / name / "soundscape.json").write_text(RIVER)
    drop(page, tmp_path / "results")
    page.locator("#opening .refusal", has_text="There are 2 results in this folder.").wait_for()
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "pictures" / "one.png")
    choose(page, "a folder", tmp_path / "pictures")
    page.locator("#opening .refusal", has_text="There is no soundscape.json in it").wait_for()
    assert sent == []


def test_a_damaged_zip_is_refused_and_nothing_is_lost(visit, made, tmp_path):
    page = visit()
    choose_example(page, "Campfire")
    page.locator(".source .name").first.fill("bonfire")
    page.wait_for_function("'edited' in document.body.dataset")
    before = names(page)
    (tmp_path / "cut.zip").write_bytes(made.bundle_path.read_bytes()[:9000])
    choose(page, "a ZIP file", tmp_path / "cut.zip")
    page.locator("#refusal", has_text="cut.zip cannot be read. It is damaged").wait_for()
    assert names(page) == before and page.evaluate("'edited' in document.body.dataset"), (
        "closing the page still asks first"
    )
    assert page.locator("#opening [role=status]").inner_text() == ""
    choose(page, "a ZIP file", made.bundle_path)
    wait_for_river(page)
    page.locator("#refusal p").wait_for(state="detached")
    for _ in range(2):  # the same again, after an edit
        page.wait_for_function("!('edited' in document.body.dataset)")
        page.locator(".source .name").first.fill("brook")
        page.wait_for_function("'edited' in document.body.dataset")
        choose(page, "a ZIP file", made.bundle_path)
    page.wait_for_function("!('edited' in document.body.dataset)")


def test_later_edits_of_a_result_are_reported(visit, made, tmp_path):
    page = visit()
    with zipfile.ZipFile(made.bundle_path) as bundle, zipfile.ZipFile(tmp_path / "edited.zip", "w") as edited:
        for name in bundle.namelist():
            data = bundle.read(name)
            if name == "soundscape.json":
                soundscape = json.loads(data)
                soundscape["sources"][0]["gain_db"] = -12
                data = json.dumps(soundscape).encode()
            edited.writestr(name, data)
    choose(page, "a ZIP file", tmp_path / "edited.zip")
    page.locator("#report .warnings", has_text="edited after this sound was made").wait_for()
    assert document(page)["sources"][0]["gain_db"] == -12
    page.locator("#mix .what", has_text="Render writes the file").wait_for()
    page.get_by_role("button", name="Render").click()
    page.locator("#mix .what", has_text="This is the finished sound.").wait_for()
    page.wait_for_function("desk.transport.preview() === 'ready'")


def test_results_of_this_machine_are_searched_and_opened(browser, made, tmp_path_factory):
    for number in range(60):
        folder = made.folder.parent / "many" / f"{number:02d}"
        shutil.copytree(made.folder, folder)
        scene = {"scene": "A river" if number == 47 else f"A pond {number}"}
        (folder / "soundscape.json").write_text(json.dumps(json.loads(RIVER) | scene))
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serve(log, sys.executable, "app.py", str(made.folder.parent / "many")) as address:
        page = browser.new_page(viewport=DESKTOP)
        page.goto(address)
        tiles = page.locator("#shelf .gallery button")
        page.locator("#shelf .count", has_text="60 results").wait_for()
        assert tiles.count() < 60, "not all at once"
        while (shown := tiles.count()) < 60:
            page.mouse.wheel(0, 9000)
            page.wait_for_function(f"document.querySelectorAll('#shelf .gallery button').length > {shown}")
        page.wait_for_function("document.querySelectorAll('#shelf .gallery button').length === 60")
        tiles.nth(47).focus()
        page.keyboard.press("Enter")
        wait_for_river(page)
        page.wait_for_function("document.querySelector('#mix').getBoundingClientRect().top > 0")
        page.locator("#shelf input").fill("pond 12")
        page.locator("#shelf .count", has_text="1 result").wait_for()
        tiles.first.click()
        page.wait_for_function("document.querySelector('.scene').value === 'A pond 12'")
        page.close()
