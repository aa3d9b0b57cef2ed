"""PE-AV: embeddings of pictures and sounds by the real loading code on a tiny checkpoint, without timm."""

import gc
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pipeline.audio import Clip, resample
from pipeline.backends import memory
from pipeline.backends.pe_av import PeAv
from pipeline.backends.pe_encoders import Encoders, Frames, encoders_config, frames_config
from pipeline.errors import SoundscapeError
from pipeline.settings import Settings

from ..conftest import RATE, noise
from ..support.checkpoints.audio import build_clap
from ..support.checkpoints.pe_av import ARCHITECTURE, LABELS, OPTIONS, build_pe_av

TIMM = [[9.7587, 10.7124, -6.4218, -18.8062], [9.9655, 10.4036, -2.3934, -18.4992]]  # by timm 1.0.31 in float64
PUBLISHED = "facebook/pe-av-small-16-frame"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = build_pe_av(tmp_path_factory.mktemp("checkpoints") / "pe_av")
    gc.freeze()
    yield folder
    memory.forget_others()


@pytest.fixture
def copy(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def model_of(folder) -> PeAv:
    return PeAv(Settings(device="cpu", pe_av_model=str(folder)))


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)), Image.new("L", (300, 20), 90)]


def edit(path, change) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


# Embeddings ----------------------------------------------------------------------------------------------------------


def test_directions_have_length_one_and_do_not_depend_on_what_is_beside_them(checkpoint):
    model = model_of(checkpoint)
    sounds = [noise(0.5), noise(1.3, channels=2, seed=2), Clip(np.zeros((1, 300), np.float32), RATE)]
    heard, seen = model.audio_features(sounds), model.picture_features(pictures())
    assert heard.shape == (3, 32) and seen.shape == (2, 32)
    assert np.linalg.norm(np.concatenate([heard, seen]), axis=1) == pytest.approx(1, abs=1e-5)
    alone = [model.audio_features([sound])[0] for sound in sounds]
    assert heard == pytest.approx(np.stack(alone), abs=1e-6)
    assert seen == pytest.approx(np.stack([model.picture_features([each])[0] for each in pictures()]), abs=1e-6)
    assert np.abs(heard[0] - heard[1]).max() > 1e-2 and np.abs(seen[0] - seen[1]).max() > 1e-2


def test_nothing_is_embedded_as_nothing(checkpoint):
    assert len(model_of(checkpoint).audio_features([])) == len(model_of(checkpoint).picture_features([])) == 0


def test_a_long_sound_is_the_mean_of_its_windows(checkpoint, monkeypatch):
    monkeypatch.setattr("pipeline.backends.pe_av.WINDOW_S", 1.0)
    model, samples = model_of(checkpoint), noise(1.6).samples
    halves = model.audio_features([Clip(half, RATE) for half in np.array_split(samples, 2, axis=1)])
    mean = halves.mean(axis=0) / np.linalg.norm(halves.mean(axis=0))
    assert model.audio_features([Clip(samples, RATE)])[0] == pytest.approx(mean, abs=2e-2)  # resampled in one piece


def test_they_are_those_of_the_whole_model_of_transformers(checkpoint):
    """The frame encoder is ours in both. The processors of transformers make the same frames and samples."""
    from transformers import PeAudioFeatureExtractor, PeAudioVideoModel

    config, shape = encoders_config(json.loads((checkpoint / "config.json").read_text()))
    whole = PeAudioVideoModel.from_pretrained(checkpoint, config=config).eval()
    mono = resample(noise(1.0), 48_000).samples[0]
    samples = PeAudioFeatureExtractor.from_pretrained(checkpoint)(mono, sampling_rate=48_000, return_tensors="pt")
    square = pictures()[0].resize((shape.picture_px, shape.picture_px), Image.Resampling.BILINEAR)
    frame = torch.from_numpy(np.asarray(square, np.float32).transpose(2, 0, 1) / 127.5 - 1)
    with torch.inference_mode():
        found = whole(**samples, pixel_values_videos=frame.repeat(1, 16, 1, 1, 1))
    for ours, theirs in (
        (model_of(checkpoint).audio_features([noise(1.0)]), found.audio_embeds),
        (model_of(checkpoint).picture_features(pictures()[:1]), found.video_embeds),
    ):
        assert ours == pytest.approx(torch.nn.functional.normalize(theirs).numpy(), abs=1e-5)


def test_the_frame_encoder_computes_what_timm_computes():
    def drawn(shape, seed: int) -> torch.Tensor:
        return torch.from_numpy(np.random.RandomState(seed).standard_normal(tuple(shape)).astype(np.float32))

    frames = Frames(frames_config({"architecture": ARCHITECTURE, "model_args": OPTIONS, "num_classes": 4})).eval()
    with torch.inference_mode():
        for number, (_, weights) in enumerate(sorted(frames.timm_model.named_parameters())):
            weights.copy_(drawn(weights.shape, number) * (1.5 * weights[0].numel() ** -0.5))
        found = frames(drawn((2, 3, 48, 48), 99)).logits
    assert found.numpy() == pytest.approx(np.array(TIMM), abs=2e-3)


def test_a_still_picture_is_computed_once(checkpoint, monkeypatch):
    frames = Frames(frames_config({"architecture": ARCHITECTURE, "model_args": OPTIONS, "num_classes": LABELS})).eval()
    torch.nn.init.normal_(frames.timm_model.head.weight)
    counts = []
    forward = frames.timm_model.forward
    monkeypatch.setattr(frames.timm_model, "forward", lambda pixels: counts.append(len(pixels)) or forward(pixels))
    frame = torch.rand(1, 3, 48, 48)
    with torch.inference_mode():
        still, video = frames(frame.expand(16, -1, -1, -1)).logits, frames(frame.repeat(16, 1, 1, 1)).logits
    assert counts == [1, 16] and still.shape == video.shape
    assert still.numpy() == pytest.approx(video.numpy(), abs=1e-5)


# Loading -------------------------------------------------------------------------------------------------------------


def test_the_default_is_pinned_to_a_commit_and_free():
    weights = PeAv.weights(Settings())
    assert weights.model == PUBLISHED and len(weights.revision) == 40
    assert frames_config({}).shape.picture_px == 336, "what the published weights have"


def test_the_encoders_of_texts_are_not_loaded(copy):
    kept = {
        name: weights
        for name, weights in load_file(copy / "model.safetensors").items()
        if name.startswith(("audio_model.audio_", "video_model.video_"))
    }
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    assert np.isfinite(model_of(copy).audio_features([noise(0.5)])).all()
    assert {
        name
        for name, _ in Encoders(encoders_config(json.loads((copy / "config.json").read_text()))[0]).named_parameters()
    } == set(kept)


def test_nothing_is_printed_where_results_are_printed(copy, capfd):
    model_of(copy).picture_features(pictures())
    assert capfd.readouterr().out == ""


def test_missing_weights_are_never_random(copy):
    weights = load_file(copy / "model.safetensors")
    del weights["video_model.video_head.proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SoundscapeError, match=r"is incomplete: 1 of its weights .*video_head\.proj"):
        model_of(copy).picture_features(pictures())


def test_another_kind_of_model_is_refused_in_words(tmp_path):
    with pytest.raises(SoundscapeError, match="clap is a clap model, not PE-AV"):
        model_of(build_clap(tmp_path / "clap")).audio_features([noise(0.5)])


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": "vit_pe_core_gigantic_patch14_448"},
        {"model_args": {"swiglu_mlp": True}},
        {"global_pool": "avg"},
    ],
)
def test_an_unknown_frame_encoder_is_refused_in_words(copy, change):
    edit(copy / "config.json", lambda data: data["audio_video_config"]["video_config"]["vision_config"].update(change))
    with pytest.raises(SoundscapeError, match=f"is not supported. Set PE_AV_MODEL to {PUBLISHED}"):
        model_of(copy).audio_features([noise(0.5)])


@pytest.mark.parametrize("file", ["config.json", "video_preprocessor_config.json"])
def test_a_damaged_or_missing_file_is_told_in_words(copy, file):
    (copy / file).write_text("{")
    with pytest.raises(SoundscapeError, match=f"{file} of the PE-AV model is damaged"):
        model_of(copy).audio_features([noise(0.5)])
    (copy / file).unlink()
    with pytest.raises(SoundscapeError, match=file):
        model_of(copy).audio_features([noise(0.5)])


def test_a_missing_folder_is_told_by_the_name_of_its_setting(tmp_path):
    assert "Correct PE_AV_MODEL" in model_of(tmp_path / "nowhere").reason
