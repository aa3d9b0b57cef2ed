"""Weights: which ones a setting names, why they cannot be used, and messages that say what to do."""

import errno
import shutil
import time

import pytest
from huggingface_hub import errors as hub
from safetensors import SafetensorError

from pipeline.backends.availability import availability, note_of
from pipeline.backends.download import fetch
from pipeline.backends.faults import errors_in_words
from pipeline.backends.weights import Weights, locate, pretrained_arguments
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.settings import Settings

DEFAULT = ("owner/model", "0" * 40)
REMOTE = Weights(*DEFAULT)
ON_CPU = Settings(device="cpu")


class Response:
    """The part of an HTTP response that the errors of huggingface_hub use."""

    def __init__(self, status_code):
        self.status_code = status_code
        self.headers, self.request = {}, None


def hub_error(kind, status=404):
    return kind("what the server said", response=Response(status))


def message(error, of=REMOTE):
    with pytest.raises(SoundscapeError) as caught, errors_in_words(of):
        raise error
    return str(caught.value)


@pytest.fixture
def model_folder(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    return tmp_path


# Which weights -------------------------------------------------------------------------------------------------------


def test_without_a_setting_the_default_is_taken_at_its_pinned_revision():
    assert locate(*DEFAULT) == REMOTE and not REMOTE.is_local


def test_a_setting_names_a_repository_with_or_without_revision():
    assert locate(*DEFAULT, "owner/other") == Weights("owner/other", "main")
    assert locate(*DEFAULT, "owner/other@v2") == Weights("owner/other", "v2")
    assert locate(*DEFAULT, "owner/model") == REMOTE, "the pin belongs to the default model"
    assert locate(*DEFAULT, "owner/model@main") == Weights("owner/model", "main")


def test_a_setting_names_a_folder(tmp_path):
    assert locate(*DEFAULT, str(tmp_path)) == Weights(str(tmp_path))
    assert locate(*DEFAULT, "./missing").is_local and locate(*DEFAULT, "/missing").is_local


def test_only_safetensors_are_read_and_no_code_is_run():
    for each in (REMOTE, Weights("/folder")):
        arguments = pretrained_arguments(each, ON_CPU)
        assert arguments["use_safetensors"] is True and "trust_remote_code" not in arguments
    assert pretrained_arguments(REMOTE, Settings(hf_token="hf_x")) | {"local_files_only": True} == {
        "use_safetensors": True,
        "local_files_only": True,
        "revision": "0" * 40,
        "token": "hf_x",
    }


# Whether they can be used --------------------------------------------------------------------------------------------


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    reason = availability(REMOTE, ON_CPU, packages=("json", "no_such_package"))
    assert "no_such_package" in reason and "pip install no_such_package" in reason


def test_a_complete_folder_can_be_used(model_folder):
    assert availability(Weights(str(model_folder)), ON_CPU, packages=()) == ""


def test_a_folder_that_is_no_model_says_what_is_wrong(model_folder, tmp_path):
    told = [availability(Weights("/no/such/folder"), ON_CPU, packages=())]
    assert "no folder 'folder'" in told[0]
    (model_folder / "model.safetensors").rename(tmp_path / "model.bin")
    told.append(availability(Weights(str(model_folder)), ON_CPU, packages=()))
    assert "safetensors" in told[1]
    (model_folder / "config.json").unlink()
    told.append(availability(Weights(str(model_folder)), ON_CPU, packages=()))
    assert "config.json" in told[2]
    assert all("/" not in each for each in told), "visitors read it, so it does not tell the path"


def test_the_setting_of_a_wrong_folder_is_named(model_folder, tmp_path):
    missing = str(tmp_path / "nowhere")
    settings = Settings(device="cpu", blip_model="owner/model", clip_model=missing, clap_model=str(model_folder))
    reason = availability(locate(*DEFAULT, missing), settings, packages=())
    assert reason.startswith("There is no folder 'nowhere'. Correct CLIP_MODEL")
    (model_folder / "config.json").unlink()
    assert "CLAP_MODEL" in availability(locate(*DEFAULT, str(model_folder)), settings, packages=())
    with pytest.raises(SoundscapeError, match="Correct CLIP_MODEL"):
        fetch(locate(*DEFAULT, missing), settings)


def test_an_error_of_a_local_folder_does_not_tell_its_path():
    with pytest.raises(SoundscapeError, match=r"^my-model is incomplete"), errors_in_words(Weights("/srv/my-model")):
        raise OSError("/srv/my-model does not appear to have a file named config.json")


def test_offline_with_nothing_cached_is_known_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("pipeline.backends.availability.is_offline", lambda: True)
    start = time.monotonic()
    assert "HF_HUB_OFFLINE" in availability(REMOTE, ON_CPU, packages=())
    with pytest.raises(SoundscapeError, match="not on this machine"):
        fetch(REMOTE, ON_CPU)
    assert time.monotonic() - start < 2


def test_a_hub_out_of_reach_is_known_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("pipeline.backends.availability.is_offline", lambda: False)

    def no_network(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", no_network)
    with pytest.raises(SoundscapeError, match=r"could not be reached.*local folder"):
        fetch(REMOTE, ON_CPU)


def test_cached_weights_can_be_used_offline(monkeypatch, tmp_path):
    snapshot = tmp_path / "models--owner--model" / "snapshots" / REMOTE.revision
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert availability(REMOTE, ON_CPU, packages=()) == ""
    assert fetch(REMOTE, ON_CPU) == snapshot


def test_gated_weights_name_the_page_and_the_secret(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("pipeline.backends.availability.is_offline", lambda: False)
    reason = availability(REMOTE, ON_CPU, packages=(), gated=True)
    assert "https://huggingface.co/owner/model" in reason and "HF_TOKEN" in reason
    assert availability(REMOTE, Settings(device="cpu", hf_token="hf_x"), packages=(), gated=True) == ""


def test_too_little_memory_is_told_in_gigabytes(monkeypatch):
    monkeypatch.setattr("pipeline.backends.availability.memory_gb", lambda device: 8.0)
    assert "needs 20 GB" in availability(REMOTE, ON_CPU, packages=(), min_memory_gb=20)


def test_a_device_that_nobody_knows_is_told(model_folder):
    reason = availability(Weights(str(model_folder)), Settings(device="gpu"), packages=())
    assert reason == "DEVICE is 'gpu'. Set it to cuda, mps or cpu, or unset it."


def test_a_download_and_a_slow_device_are_announced(model_folder):
    assert note_of(REMOTE, ON_CPU, 8.9).startswith("The first use downloads 8.9 GB. It is slow on a CPU")
    assert note_of(Weights(str(model_folder)), Settings(device="cuda"), 0.0) == ""


# Error messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (hub_error(hub.GatedRepoError, 403), ("https://huggingface.co/owner/model", "HF_TOKEN", "licence")),
        (hub_error(hub.RepositoryNotFoundError), ("owner/model", "private", "HF_TOKEN")),
        (hub_error(hub.RevisionNotFoundError), ("revision", "0" * 40)),
        (hub_error(hub.HfHubHTTPError, 401), ("refused", "HF_TOKEN")),
        (hub_error(hub.HfHubHTTPError, 503), ("503", "few minutes")),
        (hub.LocalEntryNotFoundError("nothing cached"), ("not on this machine", "local folder")),
        (hub.OfflineModeIsEnabled("offline"), ("not on this machine", "local folder")),
        (TimeoutError("read timed out"), ("could not be reached",)),
        (OSError(errno.ENOSPC, "No space left on device"), ("disk is too full", "HF_HOME")),
        (PermissionError(errno.EACCES, "denied"), ("HF_HOME",)),
        (SafetensorError("header too large"), ("damaged", "owner/model")),
        (OSError("owner/model does not appear to have a file named model.safetensors"), ("safetensors", "safety")),
        (OSError("owner/model does not appear to have a file named config.json"), ("missing",)),
    ],
)
def test_every_failure_says_what_to_do(error, words):
    text = message(error)
    assert all(word in text for word in words), text
    assert "what the server said" not in text


def test_the_cause_counts_not_what_is_wrapped_around_it():
    wrapped = OSError("We couldn't connect to load the files")
    wrapped.__cause__ = hub_error(hub.GatedRepoError, 403)
    assert "licence" in message(wrapped)


def test_transformers_own_errors_are_understood(tmp_path):
    """Not simulated: transformers reads an empty folder, and one whose weights are only a pickle."""
    from transformers import AutoModel, BertConfig

    here = Weights(str(tmp_path))
    BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8).save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(SoundscapeError, match="safetensors"), errors_in_words(here):
        AutoModel.from_pretrained(tmp_path, **pretrained_arguments(here, ON_CPU))


def test_what_is_not_about_weights_goes_on_as_it_is():
    with pytest.raises(ZeroDivisionError), errors_in_words(REMOTE):
        1 / 0  # noqa: B018
    with pytest.raises(Cancelled), errors_in_words(REMOTE):
        raise Cancelled


def test_a_folder_is_told_by_its_name_and_marked_by_what_is_in_it(tmp_path):
    folder = tmp_path / "secret place" / "my-model"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"first" * 1000)
    copy = tmp_path / "my-model"
    shutil.copytree(folder, copy)
    first, same = locate("", "", str(folder)), locate("", "", str(copy))
    assert first.name == "my-model" and first.mark == same.mark != ""
    shutil.copytree(folder, tmp_path / "tuned")
    (tmp_path / "tuned/model.safetensors").write_bytes(b"tuned" * 1000)
    assert locate("", "", str(tmp_path / "tuned")).mark != first.mark
    assert REMOTE.mark == REMOTE.revision and REMOTE.name == REMOTE.model
