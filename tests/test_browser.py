"""The page as a person uses it, in a real headless Chromium: every test begins with a fresh visitor."""

import io
import json
import os
import wave
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from .page_server import serve

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
NAMELESS = """() => [...document.querySelectorAll("#desk :is(button, input, select, textarea), #gallery button")]
    .filter((node) => node.checkVisibility() && node.type !== "file")
    .filter((node) => !node.getAttribute("aria-label") && !node.title && !node.textContent.trim())
    .filter((node) => !node.labels?.length)
    .map((node) => node.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll("#desk :is(button, input, select, textarea, a), #gallery button")]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".visually-hidden"))
    .map((node) => [node, (node.type === "checkbox" ? node.closest("label") : node).getBoundingClientRect()])
    .filter(([, { width, height }]) => width < 24 || height < 24)
    .map(([node, { width, height }]) => `${node.outerHTML.slice(0, 120)} ${width} x ${height}`)"""
KEEP_PLAYER = """const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { window.player = this; return play.call(this); };"""
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists() and not os.environ.get("CI"), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open the page in a window; at the end nothing on it may have failed or left this machine."""
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
    """The document in the editor. Only what is on the screen is in the page, so it is copied as a person would."""
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


def test_a_photograph_is_described_edited_and_heard(visit, photograph, tmp_path):
    page = visit()
    give(page, photograph)
    page.click("#describe")
    page.locator(".source").first.wait_for()
    described = document(page)
    assert described["scene"] and described["sources"][0]["name"]

    described["sources"][0]["gain_db"] = 99
    write(page, json.dumps(described))
    page.locator(".problems", has_text="sources[0].gain_db must be at most 12").wait_for()
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
    page.wait_for_function("window.player?.currentTime > 0.1")  # it plays by itself
    assert page.evaluate("window.player.duration") == pytest.approx(3, abs=0.01)

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
    assert "Seen by" in page.locator("#report").inner_text()


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


def names(page):
    return [each.input_value() for each in page.locator(".source .name").all()]


def test_a_soundscape_never_goes_with_a_picture_that_it_was_not_written_for(visit, photograph, tmp_path):
    page = visit()
    choose_example(page)
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


def test_one_player_sounds_at_a_time(visit):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("6")
    make_sound(page)
    page.wait_for_function("window.player?.currentTime > 0.1")
    page.evaluate("window.mix = window.player")
    page.click("#stems-fold button")
    play = page.locator("#stems .play")
    play.first.click()
    page.wait_for_function("window.mix.paused && !window.player.paused && window.player.currentTime > 0.3")
    assert play.first.get_attribute("aria-pressed") == "true"
    bars = page.locator("#stems .progress")
    play.nth(1).click()
    page.locator("#stems li.playing").nth(0).wait_for()
    assert bars.first.evaluate("node => node.clientWidth") == 0, "its line goes with it"
    page.locator("#mix .play-pause-button").click()
    page.wait_for_function("!window.mix.paused")
    page.locator("#stems li.playing").wait_for(state="detached")


def test_the_keyboard_stays_with_the_button_that_was_pressed(visit):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("40")
    page.locator("#make").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'stop-making'")
    page.locator("#report dl").wait_for(timeout=60_000)
    page.wait_for_function("document.activeElement.id === 'make'")


def test_a_phone_goes_to_where_something_happened(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True, reduced_motion="reduce")
    top = "Math.abs(document.getElementById('{}').getBoundingClientRect().top) < 5"
    page.locator("#gallery button", has_text="Rainy street").tap()
    page.wait_for_function(top.format("picture-column"))
    page.locator("#duration input[type=number]").fill("2")
    page.locator("#hear").tap()
    page.locator("#report dl").wait_for(timeout=60_000)
    page.wait_for_function("document.getElementById('mix').getBoundingClientRect().bottom < innerHeight")
    assert page.locator("#mix").bounding_box()["y"] >= -5


def test_a_desktop_stays_where_it_is(visit):
    page = visit({"width": 1440, "height": 600})
    page.locator("#gallery button").last.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    page.locator("#gallery button").last.click()
    page.locator(".source").first.wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") >= before > 0


def test_everything_can_be_hit_with_a_finger(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    choose_example(page, "Rainy street")
    page.locator(".unfold").first.click()
    assert page.evaluate(SMALL) == []


def test_a_sound_without_a_name_is_said_to_need_one(visit):
    page = visit()
    choose_example(page)
    page.locator(".source .name").first.fill("")
    page.locator(".source .nameless", has_text="A sound needs a name").wait_for()
    page.click("#make")
    page.get_by_test_id("toast-body").filter(has_text="sources[0].name: must not be empty").wait_for()
    page.locator("#make:enabled").wait_for()
    assert page.locator("#report dl").count() == 0
    page.locator(".source .name").first.fill("brook")
    assert page.locator(".source .nameless:visible").count() == 0
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    assert page.get_by_test_id("toast-body").count() == 0, "the old complaint is gone"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda page: page.locator("#duration input[type=number]").fill("3"), "the length or the seed"),
        (lambda page: page.locator("#seed :is(input, textarea)").press_sequentially("7"), "the length or the seed"),
        (lambda page: page.locator("#random input").click(), "the length or the seed"),
        (lambda page: page.locator(".scene").fill("Elsewhere"), "the soundscape"),
    ],
)
def test_what_was_changed_since_the_sound_is_said(visit, change, words):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    said = "getComputedStyle(document.querySelector('#result'), '::before').content"
    page.wait_for_function(f"{said} === 'none'")
    change(page)
    page.wait_for_function(f"{said}.includes('You have changed {words} since')")


def test_a_file_that_is_no_picture_is_refused_at_once(visit, tmp_path, photograph):
    page = visit()
    (tmp_path / "notes.jpg").write_text("not a picture")
    page.set_input_files("#picture input[type=file]", tmp_path / "notes.jpg")
    page.locator("#refusal", has_text="notes.jpg is no picture that can be read here").wait_for()
    page.locator("#picture img").wait_for(state="detached")
    give(page, photograph)
    page.locator("#refusal p").wait_for(state="detached")


def test_a_strip_leaves_room_for_the_preview(visit, tmp_path):
    page = visit()
    Image.new("RGB", (3000, 40), (90, 120, 150)).save(tmp_path / "strip.png")
    give(page, tmp_path / "strip.png")
    assert page.locator("#picture").bounding_box()["height"] > 150


def test_the_page_does_not_jump_while_it_works_and_says_that_it_stopped(visit):
    page = visit()
    choose_example(page)
    page.locator("#duration input[type=number]").fill("60")
    before = page.locator("#sound-column .empty").bounding_box()["y"]
    page.click("#make")
    page.locator("#sound-status", has_text="Making the sounds").wait_for()
    assert page.locator("#sound-column .empty").bounding_box()["y"] == pytest.approx(before, abs=1)
    page.click("#stop-making")
    page.locator("#sound-status", has_text="Stopped.").wait_for()
    assert page.locator("#sound-column .empty").bounding_box()["y"] == pytest.approx(before, abs=1)


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
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None


def test_a_source_is_shown_on_the_picture(visit):
    page = visit()
    choose_example(page)
    box = next(source for source in document(page)["sources"] if source["box"])["box"]
    page.get_by_role("tab", name="Sounds").click()
    page.wait_for_function("document.querySelector('#picture img').naturalWidth > 0")
    page.locator(".source .name").first.focus()
    shown = page.locator(".source-box").bounding_box()
    picture = page.locator("#picture img").bounding_box()
    assert shown["x"] == pytest.approx(picture["x"] + box[0] * picture["width"], abs=3)
    assert shown["height"] == pytest.approx((box[3] - box[1]) * picture["height"], abs=3)


def test_stop_ends_the_work(visit):
    page = visit()
    sources = [{"name": name} for name in ("rain", "stream", "waves", "fire", "crowd", "wind", "crickets", "traffic")]
    write(page, json.dumps({"sources": sources}))
    page.locator("#duration input[type=number]").fill("60")
    page.click("#make")
    page.locator("#sound-status", has_text="Making the sounds").wait_for()
    page.click("#stop-making")
    page.locator("#make:enabled").wait_for(timeout=5_000)
    page.locator("#stop-making").wait_for(state="hidden")
    page.wait_for_timeout(1500)
    assert page.locator("#report dl").count() == 0
    page.locator("#duration input[type=number]").fill("2")
    write(page, json.dumps({"sources": sources[:1]}))
    make_sound(page)  # and the next job works


def test_asking_for_sound_without_anything_says_what_to_do(visit):
    page = visit()
    page.click("#hear")
    page.get_by_test_id("toast-body").filter(has_text="There is no picture yet").wait_for()
    page.click("#make")
    page.get_by_test_id("toast-body").filter(has_text="There is no soundscape yet").wait_for()
    page.locator("#hear:enabled").wait_for()


def test_the_page_fits_a_phone(visit):
    page = visit(PHONE, has_touch=True, is_mobile=True)
    widths = [page.evaluate("document.documentElement.scrollWidth")]
    choose_example(page, "Rainy street")
    page.locator(".unfold").first.click()
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    document(page)
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    assert widths == [PHONE["width"]] * 3
    tops = [page.locator(f"#{name}-column").bounding_box()["y"] for name in ("picture", "soundscape", "sound")]
    assert tops == sorted(tops) and len(set(tops)) == 3


def test_the_columns_stand_side_by_side_on_a_desktop(visit):
    page = visit()
    boxes = [page.locator(f"#{name}-column").bounding_box() for name in ("picture", "soundscape", "sound")]
    assert len({round(box["y"]) for box in boxes}) == 1
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"] < boxes[1]["x"] + boxes[1]["width"] < boxes[2]["x"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_by_day_and_by_night(visit, scheme):
    page = visit(color_scheme=scheme)
    choose_example(page)
    for selector in (".masthead p", "#hear", "#describe", ".source .words", ".source .facts", ".scene", "h2"):
        assert contrast(page, selector) >= 4.5, selector
    page.locator(".source").first.get_by_role("button", name="Mute").click()
    for selector in (".source.muted .name", ".source.muted .words", ".source.muted .toggle[aria-pressed=true]"):
        assert contrast(page, selector) >= 4.5, selector
    document(page)
    for place in range(page.locator("#editor .cm-line > span").count()):
        assert contrast(page, f"#editor .cm-line > span >> nth={place}") >= 4.5
    corner = Image.open(io.BytesIO(page.screenshot())).convert("L").getpixel((5, 5))
    assert (corner < 60) == (scheme == "dark")


def test_the_keyboard_reaches_everything_that_matters(visit):
    page = visit()
    choose_example(page)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    wanted = {"hear", "describe", "make"}
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if page.evaluate("document.activeElement.id") == "hear":
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if wanted <= set(reached):
            break
    assert wanted <= set(reached) and any("name" in each for each in reached) and "unfold" in reached
    mute = page.locator(".source").nth(1).get_by_role("button", name="Mute")
    mute.focus()
    page.keyboard.press("Enter")
    assert mute.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.ariaLabel") == mute.get_attribute("aria-label"), "it stays there"
    page.locator("#gallery button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.scene').value.includes('fire')")


def test_every_control_has_a_name(visit):
    page = visit()
    choose_example(page)
    page.locator(".unfold").first.click()
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    assert all(image.get_attribute("alt") for image in page.locator("#gallery img, #picture img").all())


def luminance(colour):
    """Relative luminance of a CSS rgb() colour, WCAG 2.2."""
    values = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(page, selector):
    """Contrast ratio of an element's text to the first opaque background behind it, WCAG 2.2."""
    colours = page.locator(selector).first.evaluate("""(node) => {
        const clear = (colour) => colour === 'transparent' || /, 0\\)$/.test(colour);
        let behind = node;
        while (behind && clear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
        return [getComputedStyle(node).color, getComputedStyle(behind ?? document.body).backgroundColor];
    }""")
    dark, light = sorted(luminance(colour) for colour in colours)
    return (light + 0.05) / (dark + 0.05)
