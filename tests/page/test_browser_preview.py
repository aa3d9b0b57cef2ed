"""The preview of the page against the mix of the server: the graph is rendered offline in Chromium and compared."""

import base64
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest

from pipeline.audio import Clip
from pipeline.job import Result
from pipeline.mixing.loudness import integrated_loudness, true_peaks
from pipeline.mixing.mix import dry_stems, mixdown
from pipeline.mixing.space import SPACES
from pipeline.page import preview, scratch
from pipeline.page.scripts import DESK
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import Stem

from ..conftest import RATE, noise
from ..support.browser import IN_BROWSER

pytestmark = IN_BROWSER
DURATION_S = 2
SCRIPTS = ("law.js", "measure.js", "graph.js")
HELPERS = """
const decoder = new OfflineAudioContext(1, 1, 44100);
const load = async ({ path }) => decoder.decodeAudioData(await (await fetch(path)).arrayBuffer());
const loadStems = ({ stems }) => Promise.all(stems.map(({ file }) => load(file)));
const loadSpace = async ({ spaces }, space) => (spaces[space] ? desk.unitEnergy(await load(spaces[space])) : null);
const asText = (samples) => {
    const [bytes, size] = [new Uint8Array(samples.buffer), 32768];
    let text = "";
    for (let at = 0; at < bytes.length; at += size) text += String.fromCharCode(...bytes.subarray(at, at + size));
    return btoa(text);
};"""
# Renders a document as the page would hear it: the whole mix, and each stem with the same curves.
RENDER = """async ({ info, document }) => {
    const buffers = await loadStems(info);
    const response = await loadSpace(info, document.space);
    const heard = document.sources.map((source, index) => ({
        source, usual: info.usual[index], stem: info.stems.findIndex((stem) => stem.source === index) }))
        .map((each) => ({ ...each, stem: each.stem < 0 ? null : each.stem }));
    const { beds, events } = await desk.renderGroups(info, buffers, heard, document.space, response);
    const { duck, bus, mix, lufs } = desk.measure.master(info.law, beds, events);
    const delay = desk.law.delayOf(info.law);
    const stems = [];
    for (const alone of info.stems.keys()) {
        const context = new OfflineAudioContext(4, buffers[0].length + delay, info.law.sample_rate_hz);
        const graph = desk.makeGraph(context, info, buffers, { isMeasuring: true });
        graph.place(heard, document.space, response, { alone, smooth: false });
        graph.start();
        const rendered = await context.startRendering();
        const isBed = document.sources[info.stems[alone].source].role === "bed";
        const first = isBed ? 0 : 2;
        stems.push([first, first + 1].map((channel) => {
            const samples = rendered.getChannelData(channel).slice(delay);
            if (isBed && duck) desk.measure.apply(duck, samples);
            return desk.measure.apply(bus, samples);
        }));
    }
    return { mix: mix.map(asText), stems: stems.map((stem) => stem.map(asText)), lufs };
}"""


@pytest.fixture(scope="module")
def desk_page(browser, tmp_path_factory):
    """A page with the scripts of the graph, which reads files of this machine."""
    page = browser.new_page()
    page.route("http://desk.test/**", serve_file)
    page.goto("http://desk.test/")
    for name in SCRIPTS:
        page.add_script_tag(path=DESK / name)
    page.add_script_tag(content=HELPERS)
    yield page
    page.close()


def serve_file(route):
    path = urlsplit(route.request.url).path
    route.fulfill(path=path) if path != "/" else route.fulfill(body="<!doctype html>", content_type="text/html")


@pytest.fixture(scope="module")
def spaces(tmp_path_factory):
    """Keep the files of the spaces, which take a while to make, for the whole module."""
    with pytest.MonkeyPatch.context() as patch:
        own = scratch.Scratch(tmp_path_factory.mktemp("scratch"), 1_000_000_000)
        patch.setattr(scratch, "own", lambda: own)
        preview.spaces_here()
        yield


@pytest.fixture
def heard_both_ways(desk_page, tmp_path, spaces):
    """Return what renders a document of some stems on the page and on the server."""

    def both(made: Soundscape, shown: Soundscape, stems: tuple[Stem, ...]) -> tuple[SimpleNamespace, SimpleNamespace]:
        folder = tmp_path / "soundscape"
        preview.prepare(folder)
        preview.writer(folder)(made, dry_stems(made, stems))
        info = preview.info(Result(folder, made, {}))
        found = desk_page.evaluate(RENDER, {"info": info, "document": shown.model_dump(mode="json")})
        kept = [shown.sources[place] for place in preview.places_of(made, stems)]
        heard = [samples_of(each) for each, source in zip(found["stems"], kept) if not source.mute]
        page = SimpleNamespace(mix=samples_of(found["mix"]), stems=heard)
        page.lufs = found["lufs"]
        server = mixdown(shown, tuple(Stem(source, stem.clip) for source, stem in zip(kept, stems)))
        return page, server

    return both


def samples_of(channels: list[str]) -> np.ndarray:
    return np.stack([np.frombuffer(base64.b64decode(each), np.float32) for each in channels])


def level_db(samples: np.ndarray) -> np.ndarray:
    """Return the levels of the left and the right side."""
    return 10 * np.log10(np.square(samples.astype(np.float64)).mean(axis=1) + 1e-12)


def hits(seed: int) -> Clip:
    """Three short hits, wide in stereo."""
    rng = np.random.default_rng(seed)
    samples = np.zeros((2, DURATION_S * RATE), np.float32)
    for at_s in (0.3, 0.8, 1.4):
        place = round(at_s * RATE)
        ring = np.exp(-np.arange(RATE // 2) / (0.05 * RATE))
        samples[:, place : place + RATE // 2] += (ring * rng.standard_normal((2, RATE // 2))).astype(np.float32)
    return Clip(samples)


def document(space: str, *sources: Source) -> Soundscape:
    return Soundscape(space=space, sources=sources)


BED = Source(name="river", role="bed", box=(0.0, 0.5, 0.6, 1.0), distance_m=8)
WIND = Source(name="wind", role="bed", distance_m=30, gain_db=-3)
DOG = Source(name="dog", action="barking", role="recurring", box=(0.7, 0.4, 0.9, 0.8), distance_m=25)
BELL = Source(name="bell", role="one-shot", pan=-0.8, distance_m=2)
FAR = Source(name="thunder", role="one-shot", distance_m=700, gain_db=4)


def stems_of(soundscape: Soundscape) -> tuple[Stem, ...]:
    """Return stereo noise for beds, and for events hits or, for the bell, mono noise."""
    clips = []
    for number, source in enumerate(soundscape.sources):
        if source.role == "bed":
            clips.append(noise(DURATION_S, channels=2, seed=number))
        else:
            clips.append(noise(DURATION_S, seed=number) if source.name == "bell" else hits(number))
    return tuple(Stem(source, clip) for source, clip in zip(soundscape.sources, clips) if not source.mute)


def changed(source: Source, **fields) -> Source:
    return source.model_copy(update=fields)


def assert_same_sound(page, server) -> None:
    assert page.mix.shape == server.clip.samples.shape
    assert integrated_loudness(page.mix, RATE) == pytest.approx(integrated_loudness(server.clip.samples, RATE), abs=0.1)
    assert page.lufs == pytest.approx(server.loudness_lufs, abs=0.1)
    for heard, stem in zip(page.stems, server.stems, strict=True):
        expected = level_db(stem.clip.samples)
        audible = expected > -80  # a side that is panned away holds rounding errors only
        assert level_db(heard)[audible] == pytest.approx(expected[audible], abs=0.2), stem.source.name
    assert 20 * np.log10(true_peaks(page.mix).max()) < -1


@pytest.mark.parametrize("space", ["open", *SPACES])
def test_the_preview_sounds_like_the_file_in_every_space(heard_both_ways, space):
    made = document(space, BED, WIND, DOG, BELL, FAR)
    assert_same_sound(*heard_both_ways(made, made, stems_of(made)))


CHANGES = {
    "gains": (changed(BED, gain_db=-20), WIND, changed(DOG, gain_db=10), BELL, FAR),
    "near and far": (
        changed(BED, distance_m=0.5),
        changed(WIND, distance_m=1000),
        changed(DOG, distance_m=100),
        BELL,
        FAR,
    ),
    "left and right": (
        changed(BED, pan=1.0),
        WIND,
        changed(DOG, box=(0.0, 0.1, 0.1, 0.2)),
        changed(BELL, pan=0.4),
        FAR,
    ),
    "one muted": (BED, changed(WIND, mute=True), DOG, BELL, FAR),
    "beds only": (BED, WIND, *(changed(each, mute=True) for each in (DOG, BELL, FAR))),
    "one alone": (*(changed(each, mute=True) for each in (BED, WIND, DOG, BELL)), FAR),
    "loud hits": (
        changed(BED, gain_db=-40),
        changed(WIND, gain_db=-40),
        changed(DOG, gain_db=12),
        changed(BELL, mute=True),
        FAR,
    ),
}


@pytest.mark.parametrize(("name", "space"), zip(CHANGES, ["open", *SPACES]), ids=str)
def test_a_changed_document_sounds_in_the_preview_as_it_will_in_the_file(heard_both_ways, space, name):
    made = document("room", BED, WIND, DOG, BELL, FAR)
    page, server = heard_both_ways(made, document(space, *CHANGES[name]), stems_of(made))
    assert_same_sound(page, server)
    if space == "open":  # without reflections, the stems can be compared sample by sample
        for heard, stem in zip(page.stems, server.stems, strict=True):
            assert np.corrcoef(heard.ravel(), stem.clip.samples.ravel())[0, 1] > 0.99, "in step, to the sample"


# A change while it sounds ---------------------------------------------------------------------------------------------

CHANGE_AT_S = 1.0
SOON_S = 0.04  # with 10 ms of the browser's output, a change is heard within 50 ms
# Changes the document while the graph runs. The clock is that of the sound, so a busy machine makes no difference.
CHANGE = """async ({ info, before, after, at }) => {
    const buffers = await loadStems(info);
    const heard = ({ sources }) => sources.map((source, index) => ({ source, usual: info.usual[index], stem: index }));
    const context = new OfflineAudioContext(4, buffers[0].length, info.law.sample_rate_hz);
    const graph = desk.makeGraph(context, info, buffers, { isMeasuring: true });
    graph.place(heard(before), before.space, await loadSpace(info, before.space), { smooth: false });
    graph.start();
    const next = await loadSpace(info, after.space);
    context.suspend(at).then(() => {
        graph.place(heard(after), after.space, next);
        context.resume();
    });
    const rendered = await context.startRendering();
    return [0, 1].map((side) => asText(rendered.getChannelData(side)));
}"""
HUM = Source(name="hum", role="bed", distance_m=10)
SUDDEN = {
    "gain": ("open", changed(HUM, gain_db=-20)),
    "pan": ("open", changed(HUM, pan=1.0)),
    "mute": ("open", changed(HUM, mute=True)),
    "distance": ("open", changed(HUM, distance_m=400)),
    "space": ("underwater", HUM),
}


@pytest.mark.parametrize("name", SUDDEN)
def test_a_change_is_heard_within_50_ms_and_without_a_click(desk_page, tmp_path, spaces, name):
    space, after = SUDDEN[name]
    before = document("open", HUM)
    folder = tmp_path / "soundscape"
    preview.prepare(folder)
    preview.writer(folder)(before, dry_stems(before, (Stem(HUM, noise(DURATION_S, channels=2)),)))
    info = preview.info(Result(folder, before, {}))
    documents = {"before": before.model_dump(mode="json"), "after": document(space, after).model_dump(mode="json")}
    heard = samples_of(desk_page.evaluate(CHANGE, {"info": info, "at": CHANGE_AT_S, **documents}))
    at, soon = (round(each * RATE) for each in (CHANGE_AT_S, CHANGE_AT_S + SOON_S))
    old, new, late = (
        bands_db(heard[:, place : place + RATE // 4]) for place in (at - RATE // 4, soon, soon + RATE // 2)
    )
    assert np.abs(new - old).max() > 3, "it is heard"
    if name != "space":  # whose reverberation takes its time
        assert new[late > -90] == pytest.approx(late[late > -90], abs=2), "all of it"
    steps = np.abs(np.diff(heard, axis=1)).max(axis=0)
    assert steps[at - 10 : soon].max() < 1.5 * steps[: at - 10].max()


def bands_db(samples: np.ndarray) -> np.ndarray:
    """Return the levels of both sides below and above 4 kHz."""
    power = np.square(np.abs(np.fft.rfft(samples, axis=1))) / samples.shape[1] ** 2
    edge = round(4000 * samples.shape[1] / RATE)
    return 10 * np.log10(np.stack((power[:, :edge].sum(axis=1), power[:, edge:].sum(axis=1))) + 1e-12)


# Two rounds of a sound that repeats.
ROUNDS = """async ({ info, document }) => {
    const buffers = await loadStems(info);
    const heard = document.sources.map((source, index) => ({ source, usual: info.usual[index], stem: index }));
    const { length, duration } = buffers[0];
    const context = new OfflineAudioContext(2, 2 * length + 4096, info.law.sample_rate_hz);
    const graph = desk.makeGraph(context, info, buffers);
    graph.place(heard, document.space, await loadSpace(info, document.space), { smooth: false });
    graph.follow(desk.measure.flat(length, 1));
    graph.setLoop(true);
    graph.start();
    context.suspend(duration - 0.05).then(() => { graph.clearAtSeam(); context.resume(); });
    const rendered = await context.startRendering();
    return [0, 1].map((side) => asText(rendered.getChannelData(side)));
}"""


def test_a_repetition_begins_without_the_reverberation_of_the_end_as_that_of_the_file_does(desk_page, tmp_path, spaces):
    bell = changed(BELL, distance_m=60)
    made = document("cave", bell)
    folder = tmp_path / "soundscape"
    preview.prepare(folder)
    preview.writer(folder)(made, dry_stems(made, (Stem(bell, hits(1)),)))
    info = preview.info(Result(folder, made, {}))
    heard = samples_of(desk_page.evaluate(ROUNDS, {"info": info, "document": made.model_dump(mode="json")}))
    first, second = (
        heard[:, round(at * RATE) :][:, : RATE // 10] for at in (0.05, DURATION_S + 0.05)
    )  # before the hits
    end = heard[:, : DURATION_S * RATE][:, -RATE // 10 :]
    # What is left is a constant offset of the filters, which no ear hears.
    assert level_db(first).max() < -65 and level_db(second).max() < -65 and level_db(end).min() > -60
    later = [heard[:, round(at * RATE) :][:, : RATE // 2] for at in (0.3, DURATION_S + 0.3)]
    assert np.corrcoef(*(each.ravel() for each in later))[0, 1] > 0.99


# The level of the whole mix changes at 0.5 s, and while it does, the visitor goes to another place.
CURVES = """async ({ info, document }) => {
    const buffers = await loadStems(info);
    const heard = document.sources.map((source, index) => ({ source, usual: info.usual[index], stem: index }));
    const { length } = buffers[0];
    const context = new OfflineAudioContext(2, length, info.law.sample_rate_hz);
    const graph = desk.makeGraph(context, info, buffers);
    graph.place(heard, "open", null, { smooth: false });
    graph.follow(desk.measure.flat(length, 0.5));
    graph.setLoop(true);
    graph.start(0.3);
    const positions = [];
    const after = (seconds, change) => context.suspend(seconds).then(() => { change(); context.resume(); });
    after(0.5, () => { positions.push(graph.position()); graph.follow(desk.measure.flat(length, 1)); });
    after(0.55, () => { graph.stop(); graph.start(1.9); });
    after(1, () => positions.push(graph.position()));
    const rendered = await context.startRendering();
    return { sound: [0, 1].map((side) => asText(rendered.getChannelData(side))), positions };
}"""


def test_the_level_of_the_mix_glides_and_survives_a_jump(desk_page, tmp_path, spaces):
    made = document("open", HUM)
    folder = tmp_path / "soundscape"
    preview.prepare(folder)
    preview.writer(folder)(made, dry_stems(made, (Stem(HUM, noise(DURATION_S)),)))
    info = preview.info(Result(folder, made, {}))
    found = desk_page.evaluate(CURVES, {"info": info, "document": made.model_dump(mode="json")})
    heard = samples_of(found["sound"])
    before, after = (level_db(heard[:, round(at * RATE) :][:, : RATE // 4]) for at in (0.2, 1.0))
    assert after - before == pytest.approx([6.02] * 2, abs=0.5)
    assert found["positions"] == pytest.approx([0.3 + 0.5, (1.9 + 0.45) % DURATION_S], abs=0.02)
    assert np.abs(np.diff(heard, axis=1)).max() < 2.5 * np.abs(np.diff(heard[:, RATE:], axis=1)).max()
