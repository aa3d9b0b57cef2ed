"""What the page gets for its preview: the dry stems, the spaces and the law of the mix."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

import app
from pipeline import prompting
from pipeline.audio import Clip, fade_ends, gain_to_db, read_wav
from pipeline.job import Result
from pipeline.mixing import mix
from pipeline.mixing.law import law
from pipeline.mixing.loudness import integrated_loudness, true_peaks
from pipeline.mixing.space import SPACES, impulse_response, transmission, wet_share
from pipeline.page import preview, scratch, visitors
from pipeline.page.downloads import bundle_of
from pipeline.page.form import bytes_of
from pipeline.page.scripts import DESK
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import Stem

from ..conftest import RATE, noise
from ..support.page_server import RIVER

NODE = shutil.which("node")
MUTED = '{"sources": [{"name": "river"}, {"name": "dog", "mute": true}, {"name": "river"}]}'


def render(text: str = RIVER, seed: int = 3, *, dry: bool = True) -> Result:
    folder = visitors.new_result("visitor")
    if dry:
        preview.prepare(folder)
    return app.render(app.job_of(None, text, duration_s=2, seed=seed), folder, None, lambda *_, **__: None)


def path_of(file: dict) -> Path:
    return Path(file["path"])


# The dry stems --------------------------------------------------------------------------------------------------------


def test_the_dry_stems_lie_beside_the_result_and_not_in_it(visitors_root):
    result = render(MUTED)
    info = preview.info(result)
    assert [stem["source"] for stem in info["stems"]] == [0, 2], "a muted source has none"
    assert [path_of(stem["file"]).name for stem in info["stems"]] == ["1.wav", "3.wav"]
    assert info["document"] == json.loads(result.soundscape.to_json()) and len(info["usual"]) == 3
    for stem in info["stems"]:
        clip = read_wav(path_of(stem["file"]))
        assert clip.samples.shape[1] == 2 * RATE and clip.samples.shape[0] == stem["channels"]
        assert integrated_loudness(clip.samples, RATE) == pytest.approx(stem["lufs"], abs=0.05)
        assert scratch.own().find(str(path_of(stem["file"]))), "it may be served"
    assert not any(name.startswith("dry") for name in zipfile.ZipFile(bundle_of(result.folder)).namelist())


def test_the_dry_stems_are_counted_and_go_with_the_visitor(visitors_root):
    result = render()
    job = app.job_of(None, RIVER, duration_s=2)
    assert scratch.bytes_in(result.folder.parent) <= bytes_of(job)
    files = [path_of(stem["file"]) for stem in preview.info(result)["stems"]]
    assert all(path.is_file() for path in files)
    visitors.forget("visitor")
    assert not any(path.exists() for path in files)


def test_programs_and_old_results_have_no_dry_stems(visitors_root):
    result = render(dry=False)
    assert preview.info(result)["stems"] == [] and "law" not in preview.info(result)
    assert [path.name for path in result.folder.parent.iterdir() if path.is_dir()] == ["soundscape"]


def test_stems_are_told_apart_by_what_they_were_made_with(visitors_root):
    one, again = preview.info(render()), preview.info(render(MUTED))
    other = preview.info(render(seed=4))
    assert one["wishes"] == again["wishes"] != other["wishes"]


def test_a_model_whose_prompts_name_the_place_is_known(visitors_root, monkeypatch):
    class Prompted:
        def request(self, soundscape, source, options):
            return {"prompt": prompting.compile_prompt("audioldm2", source, soundscape.space).text}

    result = render()
    assert preview.place_limits_m(result) is None
    assert preview.place_limits_m(Result(result.folder, result.soundscape, {"audio": {"backend": "bygone"}})) is None
    monkeypatch.setattr("pipeline.backends.load_audio", lambda name: (name, Prompted()))
    limits = preview.place_limits_m(result)
    said = [prompting.compile_prompt("audioldm2", Source(name="x", distance_m=each), "open").text for each in limits]
    assert len(limits) > 1 and len(set(said)) == len(limits)


def test_the_spaces_are_served_and_written_again_when_they_are_gone(visitors_root):
    paths = preview.spaces_here()
    assert set(paths) == set(SPACES) and sum(path.stat().st_size for path in paths.values()) < 3e6
    for name, path in paths.items():
        samples = read_wav(path).samples
        unit = samples / np.sqrt(np.square(samples).sum(axis=1, keepdims=True))
        assert np.sqrt(np.square(unit - impulse_response(name)).sum(axis=1)).max() < 0.01, name
    paths["cave"].unlink()
    assert preview.spaces_here()["cave"].is_file()
    with scratch.own().room_for(0):
        assert paths["hall"].is_file()


# The law: the page's formulas against the server's --------------------------------------------------------------------


def in_node(code: str, **values):
    """Return what a JavaScript expression gives. It sees `desk`, `law` and the values."""
    files = [str(DESK / name) for name in ("law.js", "measure.js")]
    script = f"""
        const values = JSON.parse(require("fs").readFileSync(0, "utf-8"));
        {json.dumps(files)}.forEach((file) => require(file));
        const desk = globalThis.desk, sound = (channels) => channels.map((each) => Float32Array.from(each));
        const {{ law, {", ".join(values)} }} = values;
        console.log(JSON.stringify({code}, (_, value) => ArrayBuffer.isView(value) ? [...value] : value));
    """
    data = json.dumps({"law": law(), **values})
    done = subprocess.run([NODE, "-e", script], input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(not NODE, reason="there is no Node.js")
SOURCES = (
    Source(name="river", distance_m=8, gain_db=-3),
    Source(name="dog", action="barking", role="recurring", distance_m=0.5),
    Source(name="thunder", role="one-shot", distance_m=900),
    Source(name="clock", role="recurring", distance_m=2, gain_db=6),
)


@needs_node
def test_levels_follow_the_same_law():
    soundscape = Soundscape(sources=SOURCES)
    stems = [Stem(source, noise()) for source in SOURCES]
    usual = [dict(zip(("level_db", "distance_m"), mix.usual_level(source))) for source in SOURCES]
    sources = [source.model_dump() for source in SOURCES]
    levels = in_node("desk.law.levelsDb(law, sources, usual)", sources=sources, usual=usual)
    assert levels == pytest.approx(mix._levels_db(soundscape, stems))


@needs_node
@pytest.mark.parametrize("space", ["open", *SPACES])
def test_paths_follow_the_same_law(space):
    distances = [0.5, 5, 60, 1000]
    wet, gains = in_node(
        "[desk.law.wetShare, desk.law.transmission].map((one) => distances.map((each) => one(law, space, each)))",
        space=space,
        distances=distances,
    )
    assert wet == pytest.approx([wet_share(space, each) for each in distances])
    frequency_hz = np.fft.rfftfreq(law()["filter_size"], 1 / RATE)
    for each, found in zip(distances, gains):
        assert found == pytest.approx(
            transmission(space, max(each - mix.DEFAULT_DISTANCE_M, 0), frequency_hz), rel=1e-5
        )


@needs_node
def test_the_filter_of_a_path_has_its_gains():
    gains = transmission("underwater", 95, np.fft.rfftfreq(law()["filter_size"], 1 / RATE)).tolist()
    taps = np.array(in_node("desk.law.filterOf(law, gains)", gains=gains))
    assert np.array_equal(taps, taps[::-1]), "all frequencies are equally late"
    assert np.abs(np.fft.rfft(taps, law()["filter_size"])) == pytest.approx(np.array(gains), abs=0.003)


def test_every_constant_of_the_page_is_the_servers(monkeypatch):
    monkeypatch.setattr(mix, "TARGET_LUFS", -23.0)
    monkeypatch.setattr(mix, "MAX_RANGE_DB", 6.0)
    changed = law.__wrapped__()
    assert (changed["target_lufs"], changed["max_range_db"]) == (-23, 6)


def hits(level: float) -> np.ndarray:
    """Half a second of quiet noise with two hits."""
    samples = noise(0.5, channels=2, level=0.02).samples.copy()
    for at in (4000, 15000):
        samples[:, at : at + 600] += level * np.hanning(600) * np.sin(np.arange(600) * 0.9)
    return samples.astype(np.float32)


@needs_node
def test_meters_read_the_same():
    samples = hits(1.0)
    lufs, peaks = in_node(
        "[desk.measure.loudness(law, sound(samples)), desk.measure.truePeaks(law, sound(samples), 0.1)]",
        samples=samples.tolist(),
    )
    assert lufs == pytest.approx(integrated_loudness(samples, RATE), abs=0.01)
    expected = true_peaks(samples)
    loud = expected > 0.2
    assert np.array(peaks)[loud] == pytest.approx(expected[loud], abs=1e-3) and loud.sum() > 100


@needs_node
@pytest.mark.parametrize("level", [0.1, 1.0, 8.0])
def test_the_bus_and_the_ducking_follow_the_same_law(level):
    """The highest level needs a limiter with as much gain reduction as there may be."""
    bed, event = Source(name="wind"), Source(name="bell", role="one-shot")
    beds, events = noise(0.5, channels=2, level=0.05, seed=4).samples, hits(level)
    found = in_node("desk.measure.master(law, sound(beds), sound(events))", beds=beds.tolist(), events=events.tolist())
    stems = [Stem(source, Clip(samples)) for source, samples in ((bed, beds), (event, events))]
    total = sum(mix._duck(stems, [fade_ends(stem.clip.samples, RATE) for stem in stems]))
    gain, lufs, _ = mix._bus_gain(total, [])
    heard = np.array(found["mix"], np.float32)
    assert found["lufs"] == pytest.approx(lufs, abs=0.1)
    assert gain_to_db(np.sqrt(np.square(heard - total * gain).mean() / np.square(total * gain).mean())) < -30
    assert true_peaks(heard).max() < 10 ** (-1 / 20)
