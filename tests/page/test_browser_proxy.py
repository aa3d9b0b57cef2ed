"""The page behind a reverse proxy that serves it below a path."""

import zipfile

import pytest

from ..support.browser import DESKTOP, IN_BROWSER, POLICY, give, make_sound
from ..support.page_server import serve
from ..support.proxy import below

pytestmark = IN_BROWSER
PREFIX = "/some/prefix"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """The address of the app behind the proxy, and the paths that browsers ask for outside of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        with serve(tmp_path_factory.mktemp("server") / "log.txt") as address, below(PREFIX, address) as proxied:
            yield proxied


def test_a_sound_is_made_below_a_path(browser, proxied, photograph):
    address, strays = proxied
    complaints = []
    page = browser.new_page(viewport=DESKTOP, accept_downloads=True)
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if POLICY in message.text else None)
    page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
    page.goto(address)
    page.locator("#sources .empty").wait_for()
    give(page, photograph)
    page.wait_for_function("document.querySelector('#picture img').naturalWidth === 900")
    page.locator(".source").first.wait_for()
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    page.wait_for_function("desk.transport.preview() === 'ready'")  # its rooms and stems were fetched
    page.locator("#mix .player .play-pause-button").click()
    page.wait_for_function("desk.transport.position() > 0.2")
    page.click("#stems-fold button")
    with page.expect_download() as stem:
        page.locator("#stems a").first.click()
    assert stem.value.path().stat().st_size > 1000
    with page.expect_download() as bundle:
        page.click("#bundle")
    assert "mix.wav" in zipfile.ZipFile(bundle.value.path()).namelist()
    page.close()
    own = [url for url in complaints if not url.endswith("/favicon.ico")]  # browsers look for it at the top
    assert own == [] and set(strays) <= {"/favicon.ico"}
