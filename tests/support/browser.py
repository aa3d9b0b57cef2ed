"""A visitor in a real headless Chromium, and common actions on the page."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
KEEP_PLAYER = """const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { window.player = this; return play.call(this); };"""
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


@pytest.fixture
def visit(browser, address):
    """Open the page in a window. At the end, check that no script failed and no request left this machine."""
    contexts, complaints = [], []

    def visit(viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.add_init_script(KEEP_PLAYER)  # the player's audio element is not part of the document
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if leaves(request.url) else None)
        page.goto(address)
        page.locator("#hear").wait_for()
        page.locator("#sources .empty").wait_for()
        return page

    def leaves(url):
        return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))

    yield visit
    for context in contexts:
        context.close()
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


def choose_example(page, name="Forest stream"):
    page.locator("#gallery button", has_text=name).click()
    page.locator(".source").first.wait_for()


def document(page):
    """Return the document in the editor. The page holds only the visible lines, so the editor itself is asked."""
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


def make_sound(page, button="#make"):
    page.click(button)
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
