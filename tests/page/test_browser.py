"""The page as a person uses it, in headless Chromium. Every test begins with a new visitor."""

import json
import wave
import zipfile

import pytest

from ..support.browser import FAILING_IMAGE, IN_BROWSER, choose_example, document, give, make_sound, write

pytestmark = IN_BROWSER


def test_a_photograph_is_described_edited_and_heard(visit, photograph, tmp_path):
    page = visit()
    give(page, photograph)
    page.click("#describe")
    page.locator(".source").first.wait_for()
    described = document(page)
    assert described["scene"] and described["sources"][0]["name"]

    described["sources"][0]["gain_db"] = 99
    write(page, json.dumps(described))
    page.locator(".problems", has_text="Sound 1, gain_db must be at most 12").wait_for()
    page.click("#make")
    page.get_by_test_id("toast-body").filter(has_text="must be at most 12").wait_for()
    assert '"gain_db": 99' in page.locator("#editor .cm-content").inner_text(), "the text is not lost"

    described["scene"] = "A lake among hills. " * 10
    described["sources"] = [{"name": "brook", "action": "murmuring"}, {"name": "wind"}]
    write(page, json.dumps(described))
    page.locator(".problems").wait_for(state="detached")
    page.get_by_role("tab", name="Sounds").click()
    assert [each.input_value() for each in page.locator(".source .name").all()] == ["brook", "wind"]
    assert page.locator(".scene").evaluate(
        "node => node.clientHeight >= node.scrollHeight - 2 && node.clientHeight > 60"
    )

    page.locator("#duration input[type=number]").fill("3")
    make_sound(page)
    page.wait_for_function("desk.transport.isPlaying() && desk.transport.position() > 0.1")  # it plays by itself
    assert page.evaluate("desk.transport.duration()") == pytest.approx(3, abs=0.01)

    with page.expect_download() as mix:
        page.click("#mix-file")
    mix.value.save_as(tmp_path / "mix.wav")
    with wave.open(str(tmp_path / "mix.wav")) as file:
        assert (file.getnchannels(), file.getnframes()) == (2, 3 * 44_100)
    with page.expect_download() as bundle:
        page.click("#bundle")
    bundle.value.save_as(tmp_path / "bundle.zip")
    made = json.loads(zipfile.ZipFile(tmp_path / "bundle.zip").read("soundscape.json"))
    assert [source["name"] for source in made["sources"]] == ["brook", "wind"]
    seed = page.locator("#seed input, #seed textarea").first.input_value()
    assert seed.isdecimal() and seed in page.locator("#report").inner_text()

    page.click("#stems-fold button")
    page.get_by_role("button", name="Play brook alone").click()
    page.locator("#stems li.playing", has_text="brook").wait_for()
    page.wait_for_function("window.player.currentTime > 0 && window.player.src.includes('01_brook')")


def test_one_button_does_everything(visit, photograph):
    page = visit()
    give(page, photograph)
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page, "#hear")
    assert page.locator(".source").count() >= 1
    assert "Described by" in page.locator("#report").inner_text()


def test_one_player_sounds_at_a_time(visit):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("6")
    make_sound(page)
    page.wait_for_function("desk.transport.isPlaying() && desk.transport.position() > 0.1")
    page.click("#stems-fold button")
    play = page.locator("#stems .play")
    play.first.click()
    page.wait_for_function("!desk.transport.isPlaying() && !window.player.paused && window.player.currentTime > 0.3")
    assert play.first.get_attribute("aria-pressed") == "true"
    bars = page.locator("#stems .progress")
    play.nth(1).click()
    page.locator("#stems li.playing:nth-child(2)").wait_for()
    assert bars.first.evaluate("node => node.clientWidth") == 0, "its progress line goes too"
    page.locator("#mix .player .play-pause-button").first.click()
    page.wait_for_function("desk.transport.isPlaying()")
    page.locator("#stems li.playing").wait_for(state="detached")


CHANGES = (
    lambda page: page.locator("#duration input[type=number]").fill("3"),
    lambda page: page.locator("#seed :is(input, textarea)").press_sequentially("7"),
    lambda page: page.locator("#random input").click(),
)


def test_changes_since_the_sound_was_made_are_reported(visit):
    page = visit()
    choose_example(page)
    said = "getComputedStyle(document.querySelector('#result'), '::before').content"
    for change in CHANGES:
        page.locator("#duration input[type=number]").fill("2")
        make_sound(page)
        page.wait_for_function(f"{said} === 'none'")
        change(page)
        page.wait_for_function(f"{said}.includes('You have changed the length or the seed since')")
    make_sound(page)
    page.locator("#mix .what", has_text="This is the finished sound.").wait_for()
    page.locator(".scene").fill("Elsewhere")
    page.locator("#mix .what.changed", has_text="Preview. Render writes the file.").wait_for()


def test_a_file_that_is_no_picture_is_refused_at_once(visit, tmp_path, photograph):
    page = visit()
    (tmp_path / "notes.jpg").write_text("not a picture")
    page.set_input_files("#picture input[type=file]", tmp_path / "notes.jpg")
    page.locator("#refusal", has_text="notes.jpg is not a picture that can be read here").wait_for()
    page.locator("#picture img").wait_for(state="detached")
    give(page, photograph)
    page.locator("#refusal p").wait_for(state="detached")


def test_what_stands_in_a_document_is_never_run(visit):
    page = visit()
    evil = "<img src=x onerror='window.ran = 1'>"
    write(page, json.dumps({"scene": evil, "sources": [{"name": evil, "material": evil}]}))
    page.get_by_role("tab", name="Sounds").click()
    page.locator(".source").first.hover()
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    page.click("#stems-fold button")
    write(page, json.dumps({evil: 1, "sources": []}))
    page.locator(".problems").wait_for()
    page.click("#make")
    page.get_by_test_id("toast-body").wait_for()
    page.evaluate(FAILING_IMAGE)
    assert page.evaluate("window.ran") is None


REPORTS = """() => {
    window.reports = [];
    new MutationObserver(() => {
        const report = document.querySelector("#report dl")?.textContent;
        if (report && report !== reports.at(-1)) reports.push(report);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_stop_ends_the_work(visit):
    page = visit()
    page.evaluate(REPORTS)
    sources = [{"name": name} for name in ("rain", "stream", "waves", "fire", "crowd", "wind", "crickets", "traffic")]
    write(page, json.dumps({"sources": sources}))
    page.wait_for_function("document.querySelectorAll('.source').length === 8")  # the page has read it
    page.locator("#duration input[type=number]").fill("60")
    page.click("#make")
    page.locator("#sound-status", has_text="Making the sounds").wait_for()
    page.click("#stop-making")
    page.locator("#make:enabled").wait_for(timeout=5_000)
    page.locator("#stop-making").wait_for(state="hidden")
    assert page.locator("#report dl").count() == 0
    page.locator("#duration input[type=number]").fill("2")
    write(page, json.dumps({"sources": sources[:1]}))
    page.wait_for_function("document.querySelectorAll('.source').length === 1")
    make_sound(page)  # and the next job works
    assert page.evaluate("window.reports.length") == 1, "nothing came of the first"


def test_asking_for_sound_without_anything_says_what_to_do(visit):
    page = visit()
    page.click("#hear")
    page.get_by_test_id("toast-body").filter(has_text="There is no picture yet").wait_for()
    page.click("#make")
    page.get_by_test_id("toast-body").filter(has_text="There is no soundscape yet").wait_for()
    page.locator("#hear:enabled").wait_for()
