"""The card "How well does it fit?": every figure is shown with its meaning, and models add their scores."""

import gc
import json
import re
import shutil
import zipfile
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

import app
from pipeline.backends import memory
from pipeline.backends.audio.clap import Clap
from pipeline.job import Job, run
from pipeline.page import fit, views, visitors
from pipeline.page.zero_gpu import MEASURING_S, gpu_seconds
from pipeline.quality.glossary import meanings_of
from pipeline.results.manifest import report_in
from pipeline.soundscape import Soundscape

from ..support.checkpoints.audio import build_clap
from ..support.checkpoints.pe_av import build_pe_av
from ..support.checkpoints.vision import build_clip
from ..support.page_server import RIVER, uploaded, visitor

NOT_HERE = {"clap": "It is not here.", "clip": "It is not here."}
SCORES = {
    "mix_text_percentile": 83.3,
    "mix_text_others": 60,
    "picture_text_percentile": 50,
    "stems_text_percentile": 71,
}


def silent(*_, **__):
    """A progress function that does nothing."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "river"
    picture = Image.new("RGB", (60, 40), (40, 90, 160))
    return run(Job(picture, Soundscape.from_json(RIVER), audio="procedural", duration_s=2, seed=7), folder)


@pytest.fixture
def result(made, visitors_root):
    """A copy of the result in a visitor's folder."""
    return Path(shutil.copytree(made.folder, visitors.new_result("visitor")))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    built = {"CLAP_MODEL": build_clap(root / "clap"), "CLIP_MODEL": build_clip(root / "clip")}
    gc.freeze()
    return built


@pytest.fixture
def models(checkpoints, monkeypatch):
    monkeypatch.setenv("DEVICE", "cpu")
    for name, path in checkpoints.items():
        monkeypatch.setenv(name, str(path))
    memory.forget_others()
    yield
    memory.forget_others()


# The card -------------------------------------------------------------------------------------------------------------


def card(made, coherence=None, reasons=NOT_HERE, **checks):
    report = made.report | {"checks": made.report["checks"] | checks}
    return fit.card(made.soundscape, report, coherence, reasons)


def test_every_figure_stands_with_its_meaning(made):
    html = card(made, SCORES)
    signs = re.findall(r'<p class="label">(.*?)</p><p class="quiet">(.*?)</p></li>', html)
    rows = re.findall(r'<dt>(.*?)</dt><dd>.*?<p class="quiet">(.*?)</p></dd>', html)
    assert len(signs) == html.count("<li") >= 3 + 4 + 2 and len(rows) == html.count("<dt>") >= 8
    assert all(len(meaning) > 20 for _, meaning in signs + rows)
    assert {label for label, _ in rows} <= {meaning.label for meaning in meanings_of("checks").values()}


def test_its_summary_counts_the_good_signs(made):
    def gist(**more):
        return re.search(r'class="gist">(.*?)<', card(made, **more))[1]

    good, judged, rest = re.match(r"(\d+) of (\d+) signs are good(.*)\.$", gist(problems=[])).groups()
    good, judged = int(good), int(judged)
    neutral = card(made, problems=[]).count('title="neutral"')
    assert rest == (f", plus {neutral} neutral" if neutral else "")
    assert 1 <= good <= judged
    assert gist(problems=["It hums."]) == f"{good - 1} of {judged} signs are good{rest}. Look at: The sound itself."
    poor = gist(coherence={"mix_text_percentile": 12}, problems=[])
    assert poor == f"{good} of {judged + 1} signs are good{rest}. Look at: Sound fits the scene."


def test_problems_are_shown_in_full(made):
    assert "It &lt;hums&gt;." in card(made, problems=["It <hums>."])


@pytest.mark.parametrize(
    ("figure", "unit", "shown"),
    [
        (-20.04, "LUFS", "−20.0\u00a0LUFS"),
        (4705.6, "Hz", "4,706\u00a0Hz"),
        (0.0004, "", "0.0004"),
        (0.0, "", "0"),
        (-0.031, "", "−0.03"),
        (fit.number(-0.0), "", "0"),
        (2.5, "s", "2.50\u00a0s"),
    ],
)
def test_figures_are_written_for_people(figure, unit, shown):
    assert fit._shown(figure, unit) == shown


@pytest.mark.parametrize("value", [None, "1", True, [1], float("nan"), 10**400, {}])
def test_a_value_that_is_not_a_number_is_left_out(made, value):
    checks = dict.fromkeys(made.report["checks"], value)
    report = {"checks": checks, "senses": {"picture": value, "sound": value}, "files": value}
    html = fit.card(made.soundscape, report, {"mix_text_percentile": value}, NOT_HERE)
    assert "<dt>" not in html and "nan" not in html and "Sound fits the scene" not in html


def test_a_result_of_an_older_version_has_no_card(made):
    assert fit.card(made.soundscape, {"seed": 7}, None, NOT_HERE) == ""


# The models -----------------------------------------------------------------------------------------------------------


def test_without_models_there_is_no_button_and_the_card_says_so(made):
    html, button = views.fitting(gr, made.folder, made.report)
    if fit.models_here():
        pytest.skip("CLAP or CLIP lie on this machine")
    assert not button.visible and "CLAP and CLIP are not available on this machine" in html


def test_models_say_how_well_it_fits(models, result):
    card, button = views.fitting(gr, result, report_in(result))
    assert button.visible and button.value == "Measure with CLAP and CLIP"
    assert "not available" not in card
    bundle, card, button = app.on_measure(result, None, silent)
    assert not button.visible and "Sound fits the scene" in card and " open>" in card
    coherence = json.loads(zipfile.ZipFile(bundle).read("coherence.json"))
    assert isinstance(coherence["mix_text_percentile"], float)
    names = zipfile.ZipFile(bundle).namelist()
    assert not any(name.endswith(".npz") for name in names), "no intermediate files"
    opened = app.on_open(uploaded(bundle), visitor())
    assert opened[-14] == card.replace(" open>", ">", 1), "an earlier result shows what was measured"


def test_pe_av_measures_too_where_it_is_set(models, result, tmp_path, monkeypatch):
    monkeypatch.setenv("PE_AV_MODEL", str(build_pe_av(tmp_path / "pe_av")))
    card, button = views.fitting(gr, result, report_in(result))
    assert button.value == "Measure with CLAP, CLIP and PE-AV"
    assert "PE-AV measures how well the sound fits the picture" in card
    _, card, button = app.on_measure(result, None, silent)
    assert not button.visible and "Sound fits the scene" in card
    assert "Sound fits the picture, raw score" in card and "it cannot be judged" in card


def test_pe_av_is_named_with_the_others_where_it_is_missing(made):
    html = card(made, reasons=NOT_HERE | {"pe_av": "It is not here."})
    assert "CLAP, CLIP and PE-AV are not available on this machine" in html


def test_the_reference_texts_are_read_once_for_all_visitors(models, result, made, monkeypatch):
    app.on_measure(result, None, silent)
    other = Path(shutil.copytree(made.folder, visitors.new_result("other")))
    read = []

    features = Clap.text_features
    monkeypatch.setattr(Clap, "text_features", lambda self, texts: read.append(len(texts)) or features(self, texts))
    app.on_measure(other, None, silent)
    assert read and max(read) <= 3, "only the texts of its own result"


def test_measuring_ends_when_the_ticket_is_taken_back(models, result):
    ticket = app.begin(visitor())[0]
    app.end(ticket)
    with pytest.raises(gr.Error, match="Stopped"):
        app.on_measure(result, ticket, silent)
    assert not list(result.glob("*coherence*"))


@pytest.mark.parametrize("folder", [None, Path("/no/such/folder")])
def test_a_deleted_sound_cannot_be_measured(folder):
    with pytest.raises(gr.Error, match="has been deleted"):
        app.on_measure(folder, None, silent)


def test_on_a_borrowed_gpu_it_goes_through_the_one_entry(result, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    asked = []
    monkeypatch.setattr(app, "work_on_gpu", lambda *task: asked.append(task))
    app.on_measure(result, None, silent)
    assert asked == [(None, result, None, silent)] and gpu_seconds(*asked[0]) == MEASURING_S <= 60
