"""Stable Audio 3 in the format of its authors: the conversion at first load, and everything that can go wrong."""

import errno
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pipeline import backends
from pipeline.backends import Steps, memory
from pipeline.backends.audio import conversion
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.synthesize import forget_stems

from ...support.checkpoints.audio import stable_audio_3
from ...support.checkpoints.hub import COMMIT, serve
from ...support.checkpoints.original import TEXT_FOLDER, build_original
from .conftest import sound, the_request

NAME = "stable-audio-3"
PARTS = ("vae", "transformer", "duration_embedder", "text_encoder")
VARIANTS = {"small": {"is_small": True}, "medium": {}, "medium base": {"is_base": True}}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Each variant in both formats: the original one, and saved directly by diffusers."""
    root = tmp_path_factory.mktemp("original")
    made = {}
    for number, (name, kind) in enumerate(VARIANTS.items()):
        pipe = stable_audio_3(seed=number, **kind)
        folder = build_original(root / f"original {name}", pipe)
        pipe.save_pretrained(root / f"direct {name}")
        index = root / f"direct {name}" / "model_index.json"
        index.write_text(json.dumps(json.loads(index.read_text()) | {"vae": ["diffusers", "AutoencoderSAME"]}))
        made[name] = SimpleNamespace(pipe=pipe, original=folder, direct=root / f"direct {name}")
    return made


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    memory.forget(NAME)
    yield
    memory.forget(NAME)


@pytest.fixture
def use(monkeypatch):
    def choose(folder):
        monkeypatch.setenv("STABLE_AUDIO_3_MODEL", str(folder))
        backends._instance.cache_clear()
        memory.forget(NAME)
        forget_stems()

    return choose


@pytest.fixture
def damaged(originals, tmp_path, use):
    """A copy of the small checkpoint, chosen, to be damaged."""
    folder = shutil.copytree(originals["small"].original, tmp_path / "sfx")
    use(folder)
    return folder


def converted(tmp_path):
    folder = tmp_path / "home" / "converted"
    return sorted(folder.iterdir()) if folder.is_dir() else []


# It is the same model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIANTS)
def test_every_weight_lands_where_it_belongs_and_the_sound_is_the_same(name, originals, two, use):
    use(originals[name].direct)
    expected = sound(two, NAME)
    use(originals[name].original)
    found = sound(two, NAME)
    loaded = memory._residents[NAME].model.pipe
    for part in PARTS:
        theirs, ours = getattr(originals[name].pipe, part).state_dict(), getattr(loaded, part).state_dict()
        assert theirs.keys() == ours.keys()
        assert all(torch.equal(theirs[place], ours[place]) for place in theirs)
    for setting in ("num_train_timesteps", "shift", "stochastic_sampling"):
        assert loaded.scheduler.config[setting] == originals[name].pipe.scheduler.config[setting]
    for a, b in zip(expected, found, strict=True):
        assert np.array_equal(a, b)


def test_the_rows_of_a_differential_projection_change_places():
    rows = torch.arange(10.0).view(10, 1).repeat(1, 2)  # q q k k v v q2 q2 k2 k2
    assert conversion.reordered("x.attn.to_qkv.weight", rows)[:, 0].tolist() == [0, 1, 6, 7, 2, 3, 8, 9, 4, 5]
    for name, kept in (("x.attn.to_qkv.weight", rows[:6]), ("x.attn.to_out.weight", rows)):
        assert conversion.reordered(name, kept) is kept


def test_large_weights_are_written_in_shards_and_read_again(originals, two, use, monkeypatch):
    use(originals["medium"].direct)
    expected = sound(two, NAME)
    written = []

    def recorded(tensors, file, metadata):
        written.append(sum(tensor.nbytes for tensor in tensors.values()))
        save_file(tensors, file, metadata)

    largest = max(weights.nbytes for part in PARTS for weights in getattr(originals["medium"].pipe, part).parameters())
    monkeypatch.setattr(conversion, "SHARD_BYTES", largest)
    monkeypatch.setattr(conversion, "save_file", recorded)
    use(originals["medium"].original)
    assert np.array_equal(sound(two, NAME)[0], expected[0])
    assert len(written) > 2 * len(PARTS)
    assert max(written) <= 2 * largest, "no more is in memory at a time"


# Once, step by step --------------------------------------------------------------------------------------------------


def test_it_is_converted_once_and_again_when_the_weights_change(originals, damaged, two, tmp_path, monkeypatch, use):
    first = sound(two, NAME)
    (folder,) = converted(tmp_path)
    assert folder.name.startswith("sfx--")
    with monkeypatch.context() as sealed:
        sealed.setattr(conversion, "_write_weights", None)  # it is not called
        use(damaged)
        assert np.array_equal(sound(two, NAME)[0], first[0])
    shutil.copyfile(build_original(tmp_path / "other", stable_audio_3(9, is_small=True)) / "model.safetensors",
                    damaged / "model.safetensors")  # fmt: skip
    from pipeline.backends.weights import _mark_of_folder

    _mark_of_folder.cache_clear()
    use(damaged)
    assert not np.array_equal(sound(two, NAME)[0], first[0])
    assert len(converted(tmp_path)) == 2


def test_a_converted_model_that_lost_a_file_is_converted_again(damaged, two, tmp_path, use):
    first = sound(two, NAME)
    (folder,) = converted(tmp_path)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    use(damaged)
    assert np.array_equal(sound(two, NAME)[0], first[0])
    assert converted(tmp_path) == [folder]


def test_the_steps_of_loading_are_told_apart_and_a_cancelled_conversion_leaves_nothing(damaged, two, tmp_path):
    worked, loaded = [], []

    def stop(done, total):
        loaded.append((done, total))
        if len(loaded) == 20:
            raise Cancelled

    with pytest.raises(Cancelled):
        sound(two, NAME, on_step=Steps(lambda *step: worked.append(step), stop))
    assert set(worked) == {(0, 4)}
    assert converted(tmp_path) == []
    loaded.clear()
    sound(two, NAME, on_step=Steps(lambda *step: worked.append(step), lambda *step: loaded.append(step)))
    assert len(loaded) > 20
    assert loaded == sorted(loaded)
    assert len(converted(tmp_path)) == 1


def test_what_another_process_converted_in_the_meantime_is_used(originals, tmp_path, monkeypatch):
    target = tmp_path / "target"

    def overtaken(*arguments):
        conversion_of_rest(*arguments)
        shutil.copytree(arguments[2], target)

    conversion_of_rest = conversion._write_rest
    monkeypatch.setattr(conversion, "_write_rest", overtaken)
    original = originals["small"].original
    conversion.convert(original, original / TEXT_FOLDER, target, "sfx")
    assert (target / "model_index.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


# What goes wrong -----------------------------------------------------------------------------------------------------


def fails(two, tmp_path, words):
    with pytest.raises(SoundscapeError, match=words) as caught:
        sound(two, NAME)
    assert converted(tmp_path) == []
    assert str(tmp_path) not in str(caught.value)


def change(file, edit):
    weights = load_file(file)
    edit(weights)
    save_file(weights, file, metadata={"format": "pt"})


@pytest.mark.parametrize("file", ["model.safetensors", "t5gemma-b-b-ul2/model.safetensors"])
def test_a_missing_weight_is_named(file, damaged, two, tmp_path):
    change(damaged / file, lambda weights: weights.pop(min(name for name in weights if "layers.1" in name)))
    fails(
        two, tmp_path, "sfx is incomplete: 1 of its weights are missing, for example [a-z_]+[.].*[.]1[.].*Download it"
    )


UNKNOWN = (
    "conditioner.x",
    "model.model.to_new.weight",
    "model.model.transformer.layers.5.pre_norm.gamma",
    "pretransform.model.encoder.layers.7.weight",
)


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_weight_is_named(name, damaged, two, tmp_path):
    change(damaged / "model.safetensors", lambda weights: weights.update({name: torch.ones(16, 32)}))
    fails(two, tmp_path, f"sfx cannot be used: the weight {name} is not one of a Stable Audio 3 model")


def test_a_weight_of_another_shape_is_named(damaged, two, tmp_path):
    name = "model.model.preprocess_conv.weight"
    change(damaged / "model.safetensors", lambda weights: weights.update({name: torch.ones(8, 8, 1)}))
    fails(two, tmp_path, f"the weight {name} is not one")


def test_a_truncated_file_is_told(damaged, two, tmp_path):
    file = damaged / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    fails(two, tmp_path, "A weights file of sfx is damaged")


@pytest.mark.parametrize("file", ["model.safetensors", "t5gemma-b-b-ul2/model.safetensors"])
def test_a_missing_file_is_told(file, damaged, two, tmp_path):
    (damaged / file).unlink()
    fails(two, tmp_path, "sfx is incomplete: a weights file is missing. Download it again")


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"model": 1}', '{"model": {"conditioning": {"configs": [], "cond_dim": 1}}}']
)
def test_damaged_settings_are_told(text, damaged, two, tmp_path):
    (damaged / "model_config.json").write_text(text)
    fails(two, tmp_path, "A settings file of sfx is missing or damaged. Download it again")


@pytest.mark.parametrize("setting", [{"global_cond_type": "prepend"}, {"timestep_features_logsnr": True}])
def test_a_model_that_diffusers_would_compute_wrongly_is_refused(setting, originals, two, tmp_path, use):
    use(build_original(tmp_path / "odd", originals["small"].pipe, **setting))
    fails(two, tmp_path, f"odd cannot be used: its settings .diffusion.{next(iter(setting))}.")


def test_a_full_disk_is_told_before_and_while_writing(damaged, two, tmp_path, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
        fails(two, tmp_path, "The disk is too full for sfx. Free some space, or set HF_HOME")

    def no_space(*arguments, **options):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as full:
        full.setattr(conversion, "save_file", no_space)
        fails(two, tmp_path, "The disk is too full for sfx")
    assert len(sound(two, NAME)) == 2


def test_a_folder_that_cannot_be_written_is_told_when_only_fetching_too(damaged, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(conversion, "convert", refuse)
    with pytest.raises(SoundscapeError, match=r"the folder is read-only\. Set HF_HOME to a writable folder"):
        backends.fetch(NAME)


def test_what_killed_processes_left_is_deleted_but_not_the_work_of_others(damaged, two, tmp_path):
    old, new = (tmp_path / "home" / "converted" / f"sfx.{name}.part" for name in ("old", "new"))
    for folder in (old, new):
        (folder / "pipeline").mkdir(parents=True)
    os.utime(old, (0, 0))
    assert len(sound(two, NAME)) == 2
    assert new.exists() and not old.exists()


def test_a_request_needs_no_weights(damaged):
    (damaged / "t5gemma-b-b-ul2" / "model.safetensors").unlink()
    assert the_request(NAME)["prompt"]


# From the hub --------------------------------------------------------------------------------------------------------

MAKE = """
import json, sys
from pathlib import Path
from huggingface_hub.constants import HF_HOME
from pipeline import backends
from pipeline.backends import SoundOptions
from pipeline.errors import SoundscapeError
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import synthesize

def files():
    hub = Path(HF_HOME) / "hub"
    paths = [path for path in hub.glob("*/snapshots/*/**/*") if path.is_file()]
    return sorted("/".join(path.relative_to(hub).parts[3:]) for path in paths)

told = {}
river = Soundscape(sources=(Source(name="river"),))
try:
    _, model = backends.load_audio("stable-audio-3")
    told["request"] = model.request(river, river.sources[0], SoundOptions())
    told["before"] = files()
    (stem,) = synthesize(river, "stable-audio-3", duration_s=2, options=SoundOptions(steps=2))
    told["sound"] = float(abs(stem.clip.samples).sum())
    told["after"] = files()
    told["converted"] = sorted(path.name for path in (Path(HF_HOME) / "converted").glob("*"))
except SoundscapeError as error:
    told["error"] = str(error)
print(json.dumps(told))
"""
TEXT_FILES = ["config.json", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture
def make(tmp_path):
    """Make a sound in a separate process that asks a local hub: make(address, model, token)."""

    def run(address, model, token="hf_x"):
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "DEVICE": "cpu"}
        environment |= {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "HF_TOKEN": token}
        environment |= {"STABLE_AUDIO_3_MODEL": model}
        command = [sys.executable, "-c", MAKE]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    return run


def test_the_default_is_downloaded_converted_and_used_again_without_the_hub(originals, tmp_path, make):
    repository = shutil.copytree(originals["small"].original, tmp_path / "repository")
    (repository / "demo.safetensors").write_bytes(b"not wanted")
    model = "stabilityai/stable-audio-3-small-sfx"
    with serve({model: repository}, gated=(model,)) as address:
        assert f"Accept its licence at https://huggingface.co/{model}" in make(address, model, token="")["error"]
        told = make(address, f"{model}@main")  # the default commit is not on this hub
    assert told["request"]["model"] == model
    assert told["before"] == ["model_config.json", *(f"{TEXT_FOLDER}/{name}" for name in TEXT_FILES)]
    weights = ["model.safetensors", f"{TEXT_FOLDER}/model.safetensors"]
    assert told["after"] == sorted([*told["before"], *weights])
    assert told["converted"] == [f"stabilityai--stable-audio-3-small-sfx--{COMMIT}--1"]
    assert make(address, f"{model}@main") == told | {"before": told["after"]}, "the hub is gone, the model is here"


def test_the_format_of_any_repository_is_found_and_a_base_borrows_its_text_encoder(originals, tmp_path, make):
    base = shutil.copytree(originals["medium base"].original, tmp_path / "base")
    shutil.rmtree(base / TEXT_FOLDER)
    config = json.loads((base / "model_config.json").read_text())
    config["model"]["conditioning"]["configs"][0]["config"]["repo_id"] = "someone/text"
    (base / "model_config.json").write_text(json.dumps(config))
    text = shutil.copytree(originals["medium base"].original, tmp_path / "text")
    repositories = {"someone/direct": originals["medium base"].direct, "someone/base": base, "someone/text": text}
    with serve(repositories) as address:
        direct, converted = make(address, "someone/direct"), make(address, "someone/base")
    assert direct["request"]["steps"] == converted["request"]["steps"] == 100
    assert direct["sound"] == converted["sound"]
    assert direct["converted"] == []
    assert converted["converted"] == [f"someone--base--{COMMIT}--1"]
