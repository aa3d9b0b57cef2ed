"""Downloading weights, finding those that are here, and the bars of loading."""

import json
import os
import subprocess
import sys

import pytest

from pipeline.backends import Steps
from pipeline.backends.availability import note_of
from pipeline.backends.download import cached_folder, progress_bar
from pipeline.backends.loading import loading_bars
from pipeline.backends.weights import Weights
from pipeline.errors import Cancelled
from pipeline.settings import Settings

from ..support.checkpoints.hub import serve

REMOTE = Weights("owner/model", "0" * 40)
ON_CPU = Settings(device="cpu")

# What is here ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """Put files into the hub's cache as links to blobs: cache("model.safetensors", ...); return the snapshot."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))

    def fill(**contents):
        root = tmp_path / "models--owner--model"
        for number, (path, content) in enumerate(contents.items()):
            link = root / "snapshots" / REMOTE.revision / path
            blob = root / "blobs" / str(number)
            for each in (blob, link):
                each.parent.mkdir(parents=True, exist_ok=True)
            blob.write_text(content if isinstance(content, str) else json.dumps(content))
            link.symlink_to(blob)
        return root / "snapshots" / REMOTE.revision

    return fill


INDEX = {"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}
PIPELINE = {"_class_name": "P", "unet": ["diffusers", "U"], "scheduler": ["diffusers", "S"], "safety": [None, None]}
WHOLE = {"unet/config.json": {}, "unet/a.safetensors": "", "scheduler/scheduler_config.json": {}}


@pytest.mark.parametrize(
    ("files", "is_present"),
    [
        ({"config.json": {}, "model.safetensors": ""}, True),
        ({"config.json": {}}, False),
        ({"config.json": {}, "model-1-of-2.safetensors": ""}, False),  # the list of the parts is missing too
        ({"config.json": {}, "model.safetensors.index.json": INDEX, "model-1-of-2.safetensors": ""}, False),
        (
            {"config.json": {}, "model.safetensors.index.json": INDEX}
            | {f"model-{number}-of-2.safetensors": "" for number in (1, 2)},
            True,
        ),
        ({"model_index.json": PIPELINE} | WHOLE, True),
        ({"model_index.json": PIPELINE, "unet/config.json": {}, "scheduler/scheduler_config.json": {}}, False),
        ({"model_index.json": PIPELINE, "unet/config.json": {}, "unet/a.safetensors": ""}, False),
        ({"model_index.json": "{", "unet/a.safetensors": ""}, True),  # loading says what is wrong with it
    ],
)
def test_a_stopped_download_does_not_count_as_present(cache, files, is_present):
    folder = cache(**files)
    config = "model_index.json" if "model_index.json" in files else "config.json"
    assert cached_folder(REMOTE, config) == (folder if is_present else None)


def test_settings_alone_are_no_model_under_whatever_name(cache):
    """To show its prompts, the settings of Stable Audio 3 are downloaded before its weights."""
    cache(**{"model_config.json": {}, "t5gemma-b-b-ul2/config.json": {}})
    assert cached_folder(REMOTE, "model_config.json") is None


def test_links_to_deleted_files_do_not_count_as_present(cache, monkeypatch):
    folder = cache(**{"config.json": {}, "model.safetensors": "weights"})
    assert cached_folder(REMOTE) == folder
    (folder / "model.safetensors").resolve().unlink()
    assert cached_folder(REMOTE) is None
    assert note_of(REMOTE, ON_CPU, 8.9).startswith("The first use downloads 8.9 GB")


# A download ----------------------------------------------------------------------------------------------------------


def test_progress_of_a_download_is_told_and_can_stop_it():
    told = []
    bar = progress_bar(lambda done, total: told.append((done, total)))
    files = bar(total=3, desc="Fetching 3 files")
    files.update(1)
    assert told == [], "files are not bytes"
    read, written = bar(total=0, unit="B", unit_scale=True), bar(total=0, unit="B", unit_scale=True, initial=0)
    for each in (read, written):
        each.total += 4_000_000
    read.update(1_000_000)
    written.update(500_000)
    read.update(3_000_000)
    assert told == [(1, 4), (4, 4)], "the same bytes come in and go to disk"

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        progress_bar(stop)(total=10, unit="B").update(1)


DOWNLOAD = """
import json, sys
from pipeline.backends.download import cached_folder, fetch
from pipeline.backends.weights import Weights
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.settings import Settings

def stop(done, total):
    raise Cancelled

told = []
tell = stop if sys.argv[1] == "stop" else lambda done, total: told.append((done, total))
outcomes = []
for wish in sys.argv[2:]:
    model, _, token = wish.partition("@")
    try:
        folder = fetch(Weights(model, "main"), Settings(hf_token=token), on_step=tell)
        outcomes.append(sorted(path.name for path in folder.iterdir()))
    except SoundscapeError as error:
        outcomes.append(str(error))
print(json.dumps([outcomes, told, "torch" in sys.modules]))
"""


@pytest.fixture
def download(tmp_path):
    """Run `fetch` in a separate process with a local hub: download(address, "model", "model@token", ...)."""

    def run(address, *wishes, wanted=""):
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache")}
        environment |= {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
        command = [sys.executable, "-c", DOWNLOAD, wanted, *wishes]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(answer.stdout)

    return run


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(os.urandom(3_000_000))
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    return folder


def test_a_model_is_downloaded_once_with_progress_and_without_pickles(download, repository):
    with serve({"owner/model": repository}) as address:
        (files,), told, has_torch = download(address, "owner/model")
    assert files == ["config.json", "model.safetensors"]
    assert told[-1] == [4, 4], "megabytes begun: 3,000,002 bytes"
    assert all(done <= total for done, total in told) and told == sorted(told)
    assert not has_torch
    (files,), told, _ = download(address, "owner/model")
    assert files == ["config.json", "model.safetensors"] and not told, "the hub is gone, the model is here"


def test_a_download_can_be_stopped_and_taken_up_again(download, repository):
    with serve({"owner/model": repository}) as address:
        assert "Stopped" in download(address, "owner/model", wanted="stop")[0][0]
        assert "model.safetensors" in download(address, "owner/model")[0][0]


def test_a_gated_and_an_unknown_model_are_told_apart(download, repository):
    with serve({"owner/gated": repository}, gated=("owner/gated",)) as address:
        gated, unknown, let_in = download(address, "owner/gated", "owner/unknown", "owner/gated@hf_x")[0]
    assert "Accept its licence at https://huggingface.co/owner/gated" in gated
    assert "has no model 'owner/unknown'" in unknown
    assert "model.safetensors" in let_in
    assert "could not be reached" in download(address, "owner/unknown")[0][0]


ASK = """
from pipeline import backends
print(backends.default_audio())
"""


def test_a_gated_model_is_the_default_only_where_the_token_opens_it(repository, tmp_path):
    model = "stabilityai/stable-audio-3-small-sfx"
    (repository / "model_config.json").write_text("{}")

    def default(address, token):
        environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache"), "HF_TOKEN": token}
        environment |= {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0", "DEVICE": "cuda"}
        command = [sys.executable, "-c", ASK]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return answer.stdout.strip()

    with serve({model: repository}, gated=(model,), refused=("hf_other",)) as address:
        found = [default(address, token) for token in ("", "hf_other", "hf_x")]
    assert found == ["audioldm2", "audioldm2", "stable-audio-3"]
    assert default(address, "hf_x") == "stable-audio-3", "the hub is gone: the download will say so"


def test_a_download_goes_on_where_links_lead_nowhere(download, repository, tmp_path):
    with serve({"owner/model": repository}) as address:
        download(address, "owner/model")
        (blob,) = [path for path in (tmp_path / "cache").rglob("blobs/*") if path.stat().st_size == 3_000_000]
        blob.unlink()
        (files,), told, _ = download(address, "owner/model")
    assert blob.is_file() and files == ["config.json", "model.safetensors"] and told


# Loading -------------------------------------------------------------------------------------------------------------


def load_a_model_and_a_pipeline():
    """Draw the bars that the two libraries draw: over the tensors of a model, and over the parts of a pipeline."""
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    for _ in of_transformers.tqdm(range(3), desc="Loading weights"):
        pass
    for _ in of_diffusers.tqdm({"unet": 1, "vae": 2}.items(), desc="Loading pipeline components..."):
        with of_transformers.tqdm(total=50) as bar:
            bar.set_description("Loading weights")
            bar.update(50)


def test_loading_is_reported_in_steps_and_draws_nothing(capfd):
    seen, work = [], []
    report = Steps(lambda *step: work.append(step), loading=lambda *step: seen.append(step))
    with loading_bars(report):
        load_a_model_and_a_pipeline()
    assert seen == [(1, 3), (2, 3), (3, 3), (1, 2), (2, 2)] and work == []
    with loading_bars(None), loading_bars(lambda *step: work.append(step)):
        load_a_model_and_a_pipeline()
    assert work == [], "a plain callback counts the work alone"
    assert capfd.readouterr().err == ""
    load_a_model_and_a_pipeline()
    assert "Loading weights" in capfd.readouterr().err, "the bars of others are theirs again"


def test_loading_can_be_stopped():
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled), loading_bars(Steps(lambda *_: None, loading=stop)):
        load_a_model_and_a_pipeline()
