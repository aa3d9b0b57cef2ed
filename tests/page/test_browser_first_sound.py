"""The first sound on the page, before its file is there; and what the page says when a job or the app ends."""

import json

import pytest

from pipeline.soundscape import Soundscape, Source

from ..support.browser import IN_BROWSER, PHONE, choose_example, make_sound

pytestmark = IN_BROWSER
BEING_MADE, FINISHED = "The file is being made", "This is the finished sound."
# Keeps all that the player says, and the positions at which it starts.
LISTEN = """() => {
    [window.said, window.starts] = [[], 0];
    const words = () => document.querySelector("#mix .what p")?.textContent;
    new MutationObserver(() => { if (words() && words() !== said.at(-1)) said.push(words()); })
        .observe(document.querySelector("#desk"), { childList: true, subtree: true });
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (...when) {
        if (this.context instanceof AudioContext && this.buffer.sampleRate === 44100) window.starts += 1;
        return start.apply(this, when);
    };
}"""


def says(page, words):
    page.locator("#mix .what p", has_text=words).wait_for()


def show(page, count, duration_s):
    """Show a document of so many sources."""
    sources = [Source(name=name) for name in ("river", "wind", "rain", "fire", "crowd", "traffic", "crickets", "waves")]
    document = Soundscape(space="hall", sources=sources[:count]).model_dump(mode="json")
    page.evaluate("(given) => desk.state.arrive(given, desk.state.origin())", document)
    page.locator("#duration input[type=number]").fill(str(duration_s))
    page.keyboard.press("Tab")


@pytest.fixture
def page(visit):
    page = visit()
    page.evaluate(LISTEN)
    return page


def test_a_sound_is_heard_before_its_file_is_there_and_plays_on(page):
    show(page, 2, 20)
    make_sound(page)
    says(page, FINISHED)
    assert BEING_MADE in " ".join(page.evaluate("said"))
    page.wait_for_function("desk.transport.isPlaying() && desk.transport.position() > 0.3")
    assert page.evaluate("window.player?.paused ?? true"), "the preview goes on"
    assert page.evaluate("starts") == 2, "each stem has started once"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    page.wait_for_function("!desk.transport.isPlaying()")
    at = page.evaluate("desk.transport.position()")
    page.keyboard.press("Space")
    page.wait_for_function("window.player && !window.player.paused && desk.transport.mode() === 'file'")
    assert page.evaluate("desk.transport.position()") >= at
    page.locator(".source .name").first.click()
    page.keyboard.press("Space")
    assert page.evaluate("desk.transport.isPlaying()"), "a field keeps its spaces"
    assert "space bar" in page.get_by_role("button", name="Pause", exact=True).get_attribute("title")


def test_a_job_that_is_stopped_after_its_first_sound_offers_no_file(page):
    show(page, 2, 2)
    make_sound(page)
    page.locator("#report dl").wait_for()
    show(page, 8, 30)
    page.evaluate("""() => new MutationObserver((_, observer) => {
        if (!document.querySelector("#mix .what p")?.textContent.includes("being made")) return;
        observer.disconnect();
        document.querySelector("#stop-making").click();
    }).observe(document.querySelector("#desk"), { childList: true, subtree: true })""")
    page.click("#make")
    says(page, "Its file was not finished. Render makes it.")
    assert not page.locator("#report").is_visible() and page.evaluate("desk.transport.isPlaying()")
    page.locator("#duration input[type=number]").fill("2")
    with page.expect_download() as download:
        page.click("#mix-file")
    assert download.value.path().stat().st_size < 2.2 * 44_100 * 4, "the file of the sound that is asked for now"
    says(page, FINISHED)
    assert page.locator("#report").is_visible()


def test_what_is_paused_stays_so_after_a_small_edit_and_random_stays_ticked(page):
    show(page, 2, 2)
    make_sound(page)
    page.evaluate("desk.transport.pause()")
    page.evaluate("desk.state.change('take', (document) => { document.sources[1].take = 1; })")
    assert page.evaluate("desk.render.soon()") is True
    assert not page.evaluate("desk.transport.isPlaying()")
    assert page.locator("#random input").is_checked() and page.evaluate("document.body.dataset.wished") is None


def test_an_app_that_does_not_answer_is_told_and_nothing_is_lost(page):
    show(page, 2, 2)
    make_sound(page)
    page.context.set_offline(True)
    try:
        page.get_by_role("button", name="New take of wind").click()
        page.get_by_role("alert").filter(has_text="The app does not answer.").wait_for(timeout=5000)
        page.evaluate("desk.state.change('gain', (document) => { document.sources[0].gain_db = -7; })")
    finally:
        page.context.set_offline(False)
    page.get_by_role("alert").filter(has_text="The app answers again.").wait_for(timeout=10_000)
    page.wait_for_function("desk.transport.info().document.sources[1].take === 1")
    says(page, FINISHED)
    assert page.evaluate("desk.state.document().sources[0].gain_db") == -7


def test_a_take_that_fails_goes_back_to_the_one_that_is_heard(page):
    show(page, 2, 2)
    make_sound(page)
    page.evaluate("desk.state.change('mute', (document) => document.sources.forEach((each) => { each.mute = true; }))")
    page.get_by_role("button", name="New take of wind").click()
    page.get_by_test_id("toast-body").wait_for()
    page.wait_for_function("!desk.state.document().sources[1].take")


def test_a_document_survives_the_reload_of_a_page_that_lost_its_app(page):
    show(page, 2, 2)
    page.evaluate("desk.state.change('gain', (document) => { document.sources[0].gain_db = -7; })")
    page.context.set_offline(True)
    page.evaluate("fetch('theme.css').catch(() => null)")
    page.get_by_role("alert").filter(has_text="The app does not answer.").wait_for()
    page.context.set_offline(False)
    page.reload()
    page.get_by_role("alert").filter(has_text="Your soundscape is here again.").wait_for()
    assert json.loads(page.evaluate("desk.state.text()"))["sources"][0]["gain_db"] == -7


def test_a_phone_has_a_small_player_when_the_other_is_out_of_sight(visit):
    page = visit(PHONE)
    choose_example(page)
    page.locator("#duration input[type=number]").fill("2")
    small = page.get_by_role("group", name="Small player")
    assert not small.is_visible()
    make_sound(page)
    page.evaluate("window.scrollTo(0, 0)")
    small.wait_for()
    page.evaluate("desk.transport.pause()")
    small.get_by_role("button", name="Play the sound").click()
    page.wait_for_function("desk.transport.isPlaying()")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.locator("#mix .player").scroll_into_view_if_needed()
    small.wait_for(state="hidden")
