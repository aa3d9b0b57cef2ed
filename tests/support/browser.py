"""A visitor in headless Chromium, and the actions that the tests share."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
    " --use-fake-device-for-media-stream --use-fake-ui-for-media-stream"  # a camera that shows a test picture
)
KEEP_PLAYER = """const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { window.player = this; return play.call(this); };"""
# Ends after the error handlers of all images that were put into the page before.
FAILING_IMAGE = """() => new Promise((done) => {
    document.body.append(Object.assign(new Image(), { onerror: () => setTimeout(done), src: "x" }));
})"""
POLICY = "Content Security Policy"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists() and not os.environ.get("CI"), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser):
    """Return a browser context for some options. Tests share it, so that the files of the page come from its cache."""
    contexts = {}

    def context(**options):
        key = json.dumps(options, sort_keys=True)
        if key not in contexts:
            contexts[key] = browser.new_context(accept_downloads=True, **options)
        return contexts[key]

    yield context
    for each in contexts.values():
        each.close()


@pytest.fixture
def visit(context, address):
    """Open the page in a new tab, as a new visitor.

    No script may fail, no request may leave this machine, and nothing may be against the page's own policy.
    """
    pages, complaints = [], []

    def visit(viewport=DESKTOP, **options):
        page = context(viewport=viewport, **options).new_page()
        pages.append(page)
        page.set_default_timeout(60_000)  # a machine may be busy; what is there in time costs nothing
        page.add_init_script(KEEP_PLAYER)  # the player's audio element is not part of the document
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if leaves(request.url) else None)
        page.on("console", lambda message: complaints.append(message.text) if POLICY in message.text else None)
        page.goto(address)
        page.locator("#hear").wait_for()
        page.locator("#sources .empty").wait_for()
        return page

    def leaves(url):
        return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))

    yield visit
    for page in pages:
        page.close()
    assert complaints == []


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """Sky, hills and a lake, as a JPEG."""
    path = tmp_path_factory.mktemp("pictures") / "lake.jpg"
    picture = Image.new("RGB", (900, 600), (140, 185, 235))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(0, 320), (250, 180), (520, 330), (900, 200), (900, 600), (0, 600)], fill=(60, 110, 60))
    pen.rectangle((0, 400, 900, 600), fill=(40, 95, 150))
    picture.save(path)
    return path


def give(page, path):
    page.set_input_files("#picture input[type=file]", path)
    page.locator("#picture img").wait_for()


def drop(page, *paths, onto="#sound-column"):
    """Drop files or folders of this machine onto a part of the page, as from a file manager."""
    box = page.locator(onto).bounding_box()
    place = {"x": box["x"] + 20, "y": box["y"] + 20}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


def choose_example(page, name="Forest stream"):
    page.locator("#gallery button", has_text=name).click()
    page.locator(".source").first.wait_for()


def document(page):
    """The document in the editor, from the editor's own state: the page holds only the visible lines."""
    page.get_by_role("tab", name="JSON").click()
    page.locator("#editor .cm-content").click()
    text = page.locator("#editor .cm-content").evaluate(
        "node => node.cmTile?.view?.state.doc.toString() ?? node.cmView.view.state.doc.toString()"
    )
    return json.loads(text)


def write(page, text):
    """Replace the text in the editor by typing over it."""
    page.get_by_role("tab", name="JSON").click()
    page.locator("#editor .cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


# A button is disabled while its work goes on. It may be so short that only an observer sees it.
WATCH_BUTTON = """(button) => {
    window.hasBegun = false;
    new MutationObserver((changes, observer) => {
        if (!document.querySelector(button).disabled) return;
        window.hasBegun = true;
        observer.disconnect();
    }).observe(document.body, { subtree: true, childList: true, attributeFilter: ["disabled"] });
}"""


def make_sound(page, button="#make"):
    """Press the button and wait for the sound: the report of an earlier one does not count."""
    page.evaluate(WATCH_BUTTON, button)
    page.click(button)
    page.wait_for_function("window.hasBegun")
    page.locator("#report dl").wait_for(timeout=60_000)
    page.locator("#hear:enabled").wait_for()


def names(page):
    return [each.input_value() for each in page.locator(".source .name").all()]


def luminance(colour):
    """Return the relative luminance of a CSS rgb() colour (WCAG 2.2)."""
    values = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(page, selector):
    """Return the contrast ratio of an element's text and the first opaque background behind it (WCAG 2.2)."""
    colours = page.locator(selector).first.evaluate("""(node) => {
        const clear = (colour) => colour === 'transparent' || /, 0\\)$/.test(colour);
        let behind = node;
        while (behind && clear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
        return [getComputedStyle(node).color, getComputedStyle(behind ?? document.body).backgroundColor];
    }""")
    dark, light = sorted(luminance(colour) for colour in colours)
    return (light + 0.05) / (dark + 0.05)
