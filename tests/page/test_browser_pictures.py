"""A picture on the page: chosen, dropped anywhere, pasted or taken by the camera. No work on the page is lost."""

import json
import re

import pillow_heif
import pytest
from PIL import Image

from pipeline.files import sha256_of
from pipeline.job import describe_picture
from pipeline.picture import load_picture

from ..support.browser import IN_BROWSER, document, drop, give, make_sound, names, write

pytestmark = IN_BROWSER
pillow_heif.register_heif_opener()

CLIPBOARD = """async (text) => {
    const canvas = new OffscreenCanvas(50, 40);
    canvas.getContext("2d").fillRect(0, 0, 50, 40);
    const items = { "image/png": await canvas.convertToBlob({ type: "image/png" }) };
    if (text) items["text/plain"] = new Blob([text], { type: "text/plain" });
    await navigator.clipboard.write([new ClipboardItem(items)]);
}"""
# A drop as scripts can make it: with a name, a type and bytes that no file manager need agree with.
DROP = """async ({ url, name, type, link, onto }) => {
    const data = new DataTransfer();
    if (url) data.items.add(new File([await (await fetch(url)).arrayBuffer()], name, { type }));
    if (link) data.setData("text/uri-list", link);
    const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector(onto ?? "h1").dispatchEvent(event);
    return event.defaultPrevented;
}"""
UPLOAD = re.compile(r"/gradio_api/upload(\?.*)?$")
ASKS = "() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
SHOWN = """([width, height]) => {
    const image = document.querySelector("#picture img");
    return image?.complete && image.naturalWidth === width && image.naturalHeight === height;
}"""


@pytest.fixture
def picture(tmp_path):
    """Return what saves a picture of one colour in a size that tells it from the others."""

    def picture(name, size, colour=(60, 110, 60), **options):
        Image.new("RGB", size, colour).save(tmp_path / name, **options)
        return tmp_path / name

    return picture


def wait_for_picture(page, size, path=None):
    """Wait until the picture is shown, and described if its path is given."""
    page.wait_for_function(SHOWN, arg=size)
    if path:
        page.wait_for_function("(wanted) => desk.state.origin().picture === wanted", arg=sha256_of(path))


def refusal(page, words):
    page.locator("#refusal, #opening .refusal").filter(has_text=words).wait_for()


def test_pictures_come_one_after_the_other_by_every_way(visit, picture):
    page = visit(permissions=["clipboard-read", "clipboard-write", "camera"])
    ways = (
        lambda path: drop(page, path, onto="#picture"),
        lambda path: drop(page, path, onto="#picture"),
        lambda path: drop(page, path, onto="#sound-column"),
        lambda path: drop(page, path, onto="#editor, #views"),
        lambda path: give(page, path),
    )
    for number, way in enumerate(ways):
        size = (300 + number, 200)
        path = picture(f"{number}.jpg", size)
        way(path)
        wait_for_picture(page, size, path)

    page.evaluate(CLIPBOARD, "")
    page.locator("h1").click()
    page.keyboard.press("Control+V")
    wait_for_picture(page, (50, 40))
    page.wait_for_function("document.querySelector('.scene').value.includes('black')")
    page.get_by_label("Remove Image").click()
    page.locator("#picture img").wait_for(state="detached")

    page.get_by_label("Paste from clipboard").click()
    wait_for_picture(page, (50, 40))
    page.get_by_label("Remove Image").click()
    page.get_by_label("Capture from camera").click()
    page.get_by_text("Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('#picture video')?.videoWidth > 0")
    before = page.evaluate("desk.state.origin().picture")
    page.locator("#picture button[aria-label='capture photo']").click()
    page.locator("#picture .image-frame img").wait_for()
    page.wait_for_function("(before) => desk.state.origin().picture !== before", arg=before)

    path = picture("last.jpg", (310, 200))
    drop(page, path, onto="#picture")
    wait_for_picture(page, (310, 200), path)
    assert page.locator("#refusal p, #opening .refusal").count() == 0
    page.locator("#picture input[type=file]").evaluate("input => input.closest('button').click()")
    assert ".heic" in page.locator("#picture input[type=file]").get_attribute("accept"), "systems may not know it"


def test_what_counts_is_what_the_file_is_and_browsers_can_show_it(visit, picture, tmp_path):
    page = visit()
    for number, kind in enumerate(("", "application/octet-stream", "image/heic")):
        size, name = (320, 200 + number), f"hills-{number}"
        half = Image.new("RGB", size, (120, 175, 235))
        half.paste((60, 110, 60), (0, 100, *size))
        half.save(tmp_path / f"{name}.heic")
        page.route(f"**/{name}", lambda route: route.fulfill(path=tmp_path / f"{route.request.url[-7:]}.heic"))
        page.evaluate(DROP, {"url": name, "name": f"{name}.heic", "type": kind, "onto": "#picture"})
        wait_for_picture(page, size)
        assert page.locator("#picture img").get_attribute("src").endswith(f"/shown/{name}.jpg")
    described = describe_picture(load_picture(tmp_path / f"{name}.heic"), "tagger", lambda *_: None)
    page.wait_for_function("(scene) => desk.state.document()?.scene === scene", arg=described.scene)
    assert document(page) == json.loads(described.to_json()), "as the command line describes it"

    exif = Image.Exif()
    exif[0x0112] = 6
    drop(page, picture("lies.tif", (300, 200), exif=exif.tobytes()), onto="#picture")
    wait_for_picture(page, (200, 300))


def test_what_cannot_be_taken_is_refused_in_words_and_nothing_is_lost(visit, picture, tmp_path):
    page = visit()
    path = picture("first.jpg", (300, 200))
    drop(page, path)
    wait_for_picture(page, (300, 200), path)
    page.locator(".source .name").first.fill("brook")
    mine = names(page)

    (tmp_path / "notes.txt").write_text("no picture")
    drop(page, tmp_path / "notes.txt", onto="#soundscape-column")
    refusal(page, "notes.txt is not a picture that can be read here. Use JPEG, PNG")
    (tmp_path / "empty").mkdir()
    drop(page, tmp_path / "empty")
    refusal(page, "The folder is empty.")
    (tmp_path / "long.tif").touch()
    with (tmp_path / "long.tif").open("r+b") as file:
        file.truncate(41_000_000)
    drop(page, tmp_path / "long.tif")
    refusal(page, "The file is too large: it has 41 MB, and the limit is 40 MB.")
    assert page.evaluate(DROP, {"link": "https://example.com/a.jpg"}), "the browser would leave the page"
    refusal(page, "This is a link, not a file.")
    assert not page.evaluate(DROP, {"link": "https://example.com/a.jpg", "onto": ".scene"}), "text may be dropped there"
    page.evaluate("document.querySelector('#picture img').dispatchEvent(new DragEvent('dragstart', { bubbles: true }))")
    drop(page, picture("own.jpg", (301, 200)))
    page.evaluate("document.dispatchEvent(new DragEvent('dragend'))")
    page.route(UPLOAD, lambda route: route.abort())
    drop(page, path)
    refusal(page, "first.jpg could not be sent. Check the connection, and try again.")
    page.unroute(UPLOAD)
    wait_for_picture(page, (300, 200), path)
    assert names(page) == mine

    drop(page, picture("second.jpg", (302, 200)), tmp_path / "notes.txt", path)
    wait_for_picture(page, (302, 200))
    page.locator("#opening .quiet", has_text="Only second.jpg was taken.").wait_for()
    page.locator("#refusal p").wait_for(state="detached")
    assert names(page) == mine, "edits are kept"


def test_text_is_pasted_into_a_text_field(visit):
    page = visit(permissions=["clipboard-read", "clipboard-write", "camera"])
    write(page, '{"scene": "A quay", "sources": [{"name": "gull"}]}')
    page.get_by_role("tab", name="Sounds").click()
    page.evaluate(CLIPBOARD, "at night")
    page.locator(".scene").press("End")
    page.keyboard.press("Control+V")
    page.wait_for_function("document.querySelector('.scene').value === 'A quayat night'")
    assert page.locator("#picture img").count() == 0 and page.evaluate("!('sending' in document.body.dataset)")


def test_the_page_asks_before_it_is_left_and_goes_on_if_the_visitor_stays(visit, picture):
    page = visit()
    held = []
    page.route(UPLOAD, lambda route: held.append(route))
    with page.expect_request(UPLOAD):
        drop(page, picture("first.jpg", (300, 200)))
    assert page.evaluate(ASKS), "an upload"
    held[0].continue_()
    page.locator(".source").first.wait_for()
    page.locator("#duration input[type=number]").fill("20")
    page.click("#make")
    page.locator("#stop-making").wait_for()
    assert page.evaluate(ASKS), "a job"
    page.locator("#report dl").wait_for()
    page.locator("#make:enabled").wait_for()
    page.locator(".scene").fill("Elsewhere")
    page.wait_for_function("'edited' in document.body.dataset")
    assert page.evaluate(ASKS), "an edit"
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
