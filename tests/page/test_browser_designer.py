"""What a sound designer does on the page, from the description to the file, and what is heard in the end."""

import io
import json
import wave
import zipfile

import numpy as np
import pytest

from pipeline.audio import Clip
from pipeline.soundscape import Source
from pipeline.stems.events import onsets_of

from ..support.browser import IN_BROWSER, choose_example, make_sound, names

pytestmark = IN_BROWSER
HAS_TAKES = {"take", "onsets_s"} <= Source.model_fields.keys()
HEARD = "desk.state.sources().every(({ stem }) => stem !== null) && !desk.state.isChanged()"
# The fewest milliseconds from moving the slider of the first gain to the change that the sound is given.
PROMPT = """() => {
    const { setTargetAtTime } = AudioParam.prototype;
    const taken = [-3, -6, -9, -12, -15].map((gain) => {
        let at = Infinity;
        AudioParam.prototype.setTargetAtTime = function (...given) {
            at = Math.min(at, performance.now());
            return setTargetAtTime.apply(this, given);
        };
        const slider = document.querySelector(".source .level input");
        const start = performance.now();
        slider.value = gain;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        return at - start;
    });
    AudioParam.prototype.setTargetAtTime = setTargetAtTime;
    return Math.min(...taken);
}"""
# Digests of the dry stems.
DRY = """() => Promise.all(desk.transport.info().stems.map(async ({ file }) => {
    const digest = await crypto.subtle.digest("SHA-256", await (await fetch(file.url)).arrayBuffer());
    return new Uint8Array(digest).join();
}))"""
GULLS, RIGGING = 1, 2  # places in the example "Harbour"


def document(page):
    return json.loads(page.evaluate("desk.state.text()"))


def download(page, path):
    with page.expect_download() as bundle:
        page.click("#bundle")
    bundle.value.save_as(path)
    return zipfile.ZipFile(path)


def stems(bundle):
    """Return the placed stems by place: float, shape (2, samples)."""
    found = {}
    for name in bundle.namelist():
        if name.startswith("stems/") and name.endswith(".wav"):
            with wave.open(io.BytesIO(bundle.read(name))) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).T / 32768
            found[int(name.removeprefix("stems/")[:2]) - 1] = samples
    return found


def level_db(samples):
    return 10 * np.log10(np.square(samples).mean())


def side_db(samples):
    """How much louder the right channel is."""
    return level_db(samples[1]) - level_db(samples[0])


def likeness(one, other):
    """The correlation of two stems, whatever their levels."""
    return abs(np.vdot(one, other)) / np.sqrt(np.vdot(one, one) * np.vdot(other, other))


def drag(page, locator, by):
    locator.hover()
    box = locator.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + by[0], box["y"] + box["height"] / 2 + by[1], steps=8)
    page.mouse.up()


def render(page):
    """Make the file of the document as it is, with the seed of the sound that is shown."""
    page.evaluate("desk.render()")
    page.wait_for_function(HEARD)
    page.locator("#make:enabled").wait_for()


def test_a_sound_designer_changes_one_sound_and_keeps_the_rest(visit, tmp_path):
    page = visit()
    choose_example(page, "Harbour")
    page.locator(".source-box").first.wait_for()
    page.locator("#duration input[type=number]").fill("6")
    page.locator("#random input").uncheck()
    page.locator("#seed :is(input, textarea)").fill("6")
    make_sound(page)
    page.wait_for_function(HEARD)
    page.locator(".lane").nth(5).wait_for()
    first = stems(download(page, tmp_path / "first.zip"))
    start, dry = document(page), page.evaluate(DRY)

    row = page.locator(".source").nth(GULLS)
    row.get_by_role("button", name="Solo").click()
    assert [each["mute"] for each in document(page)["sources"]] == [index != GULLS for index in range(6)]
    assert page.locator(".lane.muted").count() == 5
    row.get_by_role("button", name="Solo").click()
    assert document(page) == start

    page.locator(".source .level input").nth(RIGGING).fill("-17")
    picture = page.locator("#picture img").bounding_box()
    drag(page, page.locator(".source-box").nth(GULLS), (-0.5 * picture["width"], 0))
    x0, _, x1, _ = document(page)["sources"][GULLS]["box"]
    assert x0 + x1 - 1 < -0.4

    if HAS_TAKES:
        take_and_onset(page)
    steps = [page.evaluate("desk.state.text()")]
    for _ in range(5):
        page.get_by_role("button", name="Undo").click()
        steps.append(page.evaluate("desk.state.text()"))
    assert json.loads(steps[-1]) == start if HAS_TAKES else len(set(steps)) >= 4
    for expected in steps[-2::-1]:
        page.get_by_role("button", name="Redo").click()
        assert page.evaluate("desk.state.text()") == expected

    wanted = document(page)
    render(page)
    bundle = download(page, tmp_path / "second.zip")
    made = json.loads(bundle.read("soundscape.json"))
    assert {key: made[key] for key in wanted if key != "sources"} == {
        key: wanted[key] for key in wanted if key != "sources"
    }
    for source, expected in zip(made["sources"], wanted["sources"], strict=True):
        assert source | expected == source
    second = stems(bundle)
    assert side_db(second[GULLS]) < -6 < 1 < side_db(first[GULLS]), "the gulls are on the left now"
    balance = [level_db(each[RIGGING]) - level_db(each[0]) for each in (first, second)]
    change = -17 - start["sources"][RIGGING]["gain_db"]
    assert balance[1] - balance[0] == pytest.approx(change, abs=0.7)
    for place in set(first) - {GULLS, RIGGING}:
        assert likeness(first[place], second[place]) > 0.98, "all other sounds are the same"
    changed = [place for place, (one, other) in enumerate(zip(dry, page.evaluate(DRY), strict=True)) if one != other]
    assert changed == ([GULLS] if HAS_TAKES else []), "the bytes of all other dry stems are the same"
    if HAS_TAKES:
        measured = onsets_of(Clip(second[GULLS].astype(np.float32)))
        for onset_s in wanted["sources"][GULLS]["onsets_s"]:
            assert min(abs(onset_s - each) for each in measured) < 0.03

    page.reload()
    page.locator("#sources .empty").wait_for()
    page.set_input_files("#opening input[type=file]", tmp_path / "second.zip")
    page.locator(".source").first.wait_for()
    assert names(page) == [source["name"] for source in wanted["sources"]]
    assert document(page) == made
    page.locator(".source-box").nth(GULLS).wait_for()


def test_sources_of_the_same_words_keep_their_sounds_when_they_are_reordered(visit):
    page = visit()
    page.evaluate(
        """() => desk.state.change("birds", (document) => document.sources.push(
            ...[-1, 1].map((pan) => ({ ...desk.NEW_SOURCE, timbre: [], name: "gull", pan }))))"""
    )
    page.locator("#duration input[type=number]").fill("2")
    make_sound(page)
    page.wait_for_function(HEARD)
    first = page.evaluate(DRY)
    assert len(set(first)) == 2
    page.locator(".source .number").first.focus()
    page.keyboard.press("ArrowDown")
    assert [each["pan"] for each in document(page)["sources"]] == [1, -1]
    assert page.evaluate("desk.state.sources().map(({ stem }) => stem)") == [1, 0]
    assert page.evaluate("desk.state.sources().every(({ id }) => desk.state.isHeard(id))"), "no new sound is needed"
    render(page)
    assert page.evaluate(DRY) == first[::-1]
    page.keyboard.press("Control+z")
    render(page)
    assert page.evaluate(DRY) == first
    assert page.evaluate(PROMPT) < 10, "with at most 40 ms of the graph, a change is heard within 50 ms"


def take_and_onset(page):
    """Move an onset, hear a new take, and go back to the former take."""
    lane = page.locator(".lane").nth(GULLS)
    before = page.evaluate("(index) => desk.state.stemOf(desk.state.sources()[index].id).onsets_s", GULLS)
    lane.locator(".onset").first.focus()
    page.keyboard.press("Shift+ArrowRight")
    onsets = document(page)["sources"][GULLS]["onsets_s"]
    assert min(abs(before[0] + 1 - onset_s) for onset_s in onsets) < 0.006, "moved by a second"
    page.wait_for_function(HEARD)  # it is made by itself
    page.locator("#make:enabled").wait_for()
    heard = page.evaluate("(index) => desk.state.stemOf(desk.state.sources()[index].id).onsets_s", GULLS)
    assert min(abs(each - onsets[0]) for each in heard) < 0.02

    page.locator(".source").nth(GULLS).get_by_role("button", name="New take").click()
    assert document(page)["sources"][GULLS]["take"] == 1
    page.wait_for_function(HEARD)
    page.locator("#make:enabled").wait_for()
    page.locator(".source .unfold").nth(GULLS).click()
    page.get_by_label("Take", exact=True).nth(GULLS).select_option("0")
    assert document(page)["sources"][GULLS].get("take", 0) == 0
    page.wait_for_function(HEARD)
    page.locator("#make:enabled").wait_for()
