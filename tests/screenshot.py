"""Take the picture of the app that the README shows: python -m tests.screenshot [EXAMPLE]

An example is opened, its sound is made, and the page is photographed as a desktop browser shows it.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from .support.browser import CHROMIUM, FLAGS
from .support.page_server import ROOT, serve

PATH = ROOT / "examples" / "screenshot.jpg"
SIZE = {"width": 1440, "height": 900}


def photograph(address: str, example: str) -> Image.Image:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        page.goto(address)
        page.locator("#gallery button", has_text=example).click()
        page.locator(".source").first.wait_for()
        page.click("#make")
        page.locator("#report dl").wait_for(timeout=60_000)
        page.locator("#make:enabled").wait_for()
        page.locator(".source .name").nth(1).hover()  # shows its box on the picture
        page.wait_for_timeout(2500)  # some of it is played
        image = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    return image


def main() -> None:
    example = sys.argv[1] if len(sys.argv) > 1 else "Harbour"
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log.txt") as address:
        photograph(address, example).convert("RGB").save(PATH, quality=88, optimize=True)
    print(f"{PATH.relative_to(ROOT)}: {PATH.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
