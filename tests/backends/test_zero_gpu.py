"""A ZeroGPU Space: what its main process loads, packs and offers. It is played on the CPU, see support/zero_gpu.py."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..support.checkpoints import audio, vision

REVISION = "a" * 40
MODELS = {
    "qwen2.5-vl": ("QWEN_VL_MODEL", vision.build_legacy_qwen2_5_vl),
    "blip": ("BLIP_MODEL", vision.build_blip),
    "audioldm2": ("AUDIOLDM2_MODEL", audio.build_audioldm2),
    "stable-audio-open": ("STABLE_AUDIO_MODEL", audio.build_stable_audio_open),
    "stable-audio-3": ("STABLE_AUDIO_3_MODEL", audio.build_stable_audio_3),
}
OTHERS = {"qwen3-vl": vision.build_qwen3_vl, "qwen3.5": vision.build_qwen3_5}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The report of a Space whose models are in the cache of the hub, where files are links to blobs."""
    root = tmp_path_factory.mktemp("space")
    hub = root / "home" / "hub"
    environment = os.environ | {"HF_HOME": str(root / "home"), "HF_HUB_OFFLINE": "1", "PRELOAD": ", ".join(MODELS)}
    environment |= {"ZEROGPU_OFFLOAD_DIR": str(root / "tensors")}
    environment |= {"ZEROGPU_MMAP_AUTOPRUNE_PATTERN": f"{hub}/models--*/blobs/*"}
    for name, (variable, build) in MODELS.items():
        into_cache(build(root / name), hub / f"models--tiny--{name}")
        environment[variable] = f"tiny/{name}@{REVISION}"
    others = [str(build(root / name)) for name, build in OTHERS.items()]
    command = [sys.executable, "-m", "tests.support.zero_gpu", *others]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]) | {"hub": hub, "stderr": done.stderr}


def into_cache(folder: Path, cache: Path) -> None:
    """Move a checkpoint into the cache of the hub, in its layout."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        blob = cache / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        link = cache / "snapshots" / REVISION / path.relative_to(folder)
        for each in (blob, link):
            each.parent.mkdir(parents=True, exist_ok=True)
        path.replace(blob)
        link.symlink_to(blob)


def test_every_model_is_loaded_to_the_gpu_that_a_call_gets(start):
    assert not any(start["reasons"].values())
    assert len(start["loaded"]) == len(MODELS) + len(OTHERS)
    for name, model in start["loaded"].items():
        assert model["devices"] == ["cuda"] and model["packed"] and model["tensors"] > 50, name
    assert start["packed_bytes"] > 1_000_000


def test_a_loaded_model_is_offered_though_its_files_were_deleted_after_packing(start):
    links = list(start["hub"].rglob("*.safetensors"))
    assert not all(link.exists() for link in links), "spaces deletes what it has mapped and packed"
    assert not any(start["reasons_after_packing"].values())


def test_loading_draws_no_bars_on_standard_error(start):
    ours, _, _ = start["stderr"].partition("ZeroGPU tensors packing")
    assert "it/s" not in ours and "%|" not in ours
