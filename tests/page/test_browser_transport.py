"""The player of the page: the file, the preview of changes, and downloads of what is heard."""

import io
import json

import numpy as np
import pytest
import soundfile

from ..support.browser import IN_BROWSER, PHONE, choose_example, contrast, make_sound, write

pytestmark = IN_BROWSER
# Left and right levels of what the preview puts out.
TAP = """() => { const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && this.context instanceof AudioContext) {
        const splitter = this.context.createChannelSplitter(2);
        window.taps = [0, 1].map((side) => {
            const tap = new AnalyserNode(this.context, { fftSize: 2048 });
            connect.call(splitter, tap, side);
            return tap;
        });
        connect.call(this, splitter);
    }
    return connect.call(this, target, ...rest);
};
window.levels = () => window.taps.map((tap) => {
    const samples = new Float32Array(tap.fftSize);
    tap.getFloatTimeDomainData(samples);
    return 10 * Math.log10(samples.reduce((sum, sample) => sum + sample * sample, 1e-12) / tap.fftSize);
}); }"""
SIDES = {
    "sources": [
        {"name": "river", "action": "rushing", "pan": -1},
        {"name": "wind", "pan": 1},
    ]
}
FINISHED, PREVIEW = "This is the finished sound.", "Preview. Render writes the file"


@pytest.fixture
def listen(visit):
    """Open the page, make the sound of a river on the left and wind on the right, and wait for its preview."""

    def listen(document=SIDES, duration_s=3, **options):
        page = visit(**options)
        page.evaluate(TAP)
        write(page, json.dumps(document))
        count = len(document["sources"])
        page.wait_for_function("(count) => document.querySelectorAll('.source').length === count", arg=count)
        page.get_by_role("tab", name="Sounds").click()
        page.locator("#duration input[type=number]").fill(str(duration_s))
        make_sound(page)
        page.wait_for_function("desk.transport.preview() === 'ready'")
        page.get_by_role("button", name="Repeat").click()
        page.evaluate("desk.transport.play()")
        return page

    return listen


def says(page, words):
    page.locator("#mix .what p", has_text=words).wait_for()


def row(page, index):
    return page.locator(".source").nth(index)


def sides_db(sound: bytes) -> np.ndarray:
    samples, _ = soundfile.read(io.BytesIO(sound))
    return 10 * np.log10(np.square(samples).mean(axis=0))


def downloaded(page, button="#mix-file") -> bytes:
    with page.expect_download() as download:
        page.click(button)
    return download.value.path().read_bytes()


def test_a_change_is_heard_while_it_plays_and_undone_in_the_file(listen):
    page = listen()
    says(page, FINISHED)
    assert page.evaluate("desk.transport.mode() === 'file' && !window.player.paused")
    row(page, 0).get_by_role("button", name="Mute").click()
    says(page, PREVIEW)
    page.wait_for_function("window.player.paused && levels()[0] < -70 && levels()[1] > -50")
    before = page.evaluate("[desk.transport.position(), performance.now() / 1000]")
    page.wait_for_timeout(300)
    after = page.evaluate("[desk.transport.position(), performance.now() / 1000]")
    passed = (after[0] - before[0]) % 3
    assert passed == pytest.approx(after[1] - before[1], abs=0.1), "it plays on"
    row(page, 0).get_by_role("button", name="Mute").click()
    says(page, FINISHED)
    page.wait_for_function("!window.player.paused && desk.transport.isPlaying() && levels()[1] < -70")
    assert page.evaluate("desk.transport.mode()") == "file"


def test_what_is_downloaded_is_what_is_heard(listen):
    page = listen()
    before = sides_db(downloaded(page))
    row(page, 0).locator(".level input").fill("-20")
    says(page, PREVIEW)
    heard = page.evaluate("desk.transport.info().mix.url")
    after = sides_db(downloaded(page))
    assert (after[0] - after[1]) - (before[0] - before[1]) == pytest.approx(-20, abs=0.5)
    says(page, FINISHED)
    assert page.evaluate("desk.transport.info().mix.url") != heard
    row(page, 1).locator(".level input").fill("-9")
    bundle = downloaded(page, "#bundle")
    assert bundle.startswith(b"PK") and b"mix.wav" in bundle
    says(page, FINISHED)


def test_a_source_that_was_muted_while_rendering_can_be_heard_again_at_once(listen):
    page = listen()
    row(page, 1).get_by_role("button", name="Solo").click()
    says(page, PREVIEW)
    page.get_by_role("button", name="Render").click()
    says(page, FINISHED)
    page.wait_for_function("desk.transport.preview() === 'ready' && desk.transport.isPlaying()")
    row(page, 1).get_by_role("button", name="Solo").click()
    says(page, PREVIEW)
    assert "new sound" not in page.locator("#mix .what p").inner_text()
    page.wait_for_function("levels()[0] > -50 && levels()[1] > -50")


def test_the_page_says_which_sounds_only_a_render_makes(listen):
    page = listen()
    name = row(page, 0).locator(".name")
    name.fill("brook")
    says(page, "Render writes the file, with a new sound for brook.")
    page.wait_for_function("levels()[0] > -50")  # the old sound meanwhile
    page.get_by_role("button", name="Add a sound").click()
    page.keyboard.type("bell")
    says(page, "with a new sound for brook and bell.")
    for index in range(3):
        row(page, index).get_by_role("button", name="Mute").click()
    says(page, "Every sound is muted.")


def test_a_render_goes_on_from_the_position(listen):
    page = listen(duration_s=20)
    begun_s = page.evaluate("desk.transport.seek(8); performance.now() / 1000")
    row(page, 1).get_by_role("button", name="New take").click()
    says(page, PREVIEW)
    says(page, FINISHED)
    position_s, now_s = page.evaluate(
        "desk.transport.isPlaying() && [desk.transport.position(), performance.now() / 1000]"
    )
    assert (8 + now_s - begun_s - position_s) % 20 < 3, "the rounds of a slow machine included"
    page.get_by_role("button", name="Pause", exact=True).click()
    paused_s = page.evaluate("desk.transport.position()")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("(at) => !window.player.paused && window.player.currentTime > at", arg=paused_s)


def test_a_render_that_fails_does_not_speak_of_the_seed(listen):
    page = listen()
    for index in range(2):
        row(page, index).get_by_role("button", name="Mute").click()
    says(page, "Every sound is muted.")
    assert page.get_by_role("button", name="Render").is_disabled()
    assert page.evaluate("desk.render()") is False
    page.get_by_test_id("toast-body").wait_for()
    page.locator("#make:enabled").wait_for()
    assert page.evaluate("document.body.dataset.wished") is None


def test_an_empty_soundscape_is_not_called_muted(listen):
    page = listen({"sources": [{"name": "river"}]})
    row(page, 0).locator(".unfold").click()
    row(page, 0).get_by_role("button", name="Remove").click()
    says(page, "The soundscape is empty.")
    assert not page.get_by_role("button", name="Render").is_visible()


def test_one_source_alone(listen):
    page = listen()
    alone = row(page, 0).get_by_role("button", name="alone")
    alone.click()
    page.wait_for_function("levels()[0] > -50 && levels()[1] < -70 && window.player.paused")
    assert alone.get_attribute("aria-pressed") == "true"
    says(page, FINISHED)
    alone.click()
    page.wait_for_function("!desk.transport.isPlaying() && levels()[0] < -70")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("!window.player.paused")


def test_the_player_is_named_and_follows_the_keyboard(listen):
    page = listen(duration_s=6)
    page.get_by_role("button", name="Pause").click()
    position = page.get_by_role("slider", name="Position in the sound")
    position.focus()
    page.keyboard.press("Home")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.evaluate("desk.transport.position()") == pytest.approx(2, abs=0.05)
    assert position.get_attribute("aria-valuetext") == "0:02 of 0:06"
    page.get_by_role("button", name="Repeat", pressed=True).click()
    page.get_by_role("button", name="Repeat", pressed=False).wait_for()
    page.get_by_role("slider", name="Volume").fill("0.5")
    assert page.evaluate("window.player.volume") == 0.5
    page.evaluate("desk.transport.seek(5.7)")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("!desk.transport.isPlaying() && desk.transport.position() === 0")


def test_a_preview_ends_where_the_file_ends(listen):
    page = listen(duration_s=2)
    page.get_by_role("button", name="Repeat").click()
    row(page, 0).locator(".level input").fill("-3")
    says(page, PREVIEW)
    page.wait_for_function("!desk.transport.isPlaying() && desk.transport.position() === 0")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("desk.transport.position() > 0.3 && window.player.paused")


def test_a_new_document_is_silent(listen):
    page = listen()
    page.locator("#gallery button", has_text="Campfire").click()
    page.locator("#result").wait_for(state="hidden")
    page.wait_for_function("!desk.transport.isPlaying() && window.player.paused")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_state_of_the_player_can_be_read(visit, scheme):
    page = visit(PHONE, color_scheme=scheme)
    choose_example(page)
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    assert contrast(page, "#mix .what p") >= 4.5 and contrast(page, "#mix .time") >= 4.5
    height = page.locator("#mix").bounding_box()["height"]
    row(page, 0).get_by_role("button", name="Mute").click()
    says(page, PREVIEW)
    assert contrast(page, "#mix .what p") >= 4.5 and contrast(page, "#mix .render") >= 4.5
    assert page.locator("#mix").bounding_box()["height"] == height, "what is below stays where it is"
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
