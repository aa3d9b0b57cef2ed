"""Stable Audio 3 in the format of its authors -> the folder of a diffusers pipeline.

Import this module only when weights are loaded: it imports torch, transformers and diffusers.

The original repository has one file with all weights except those of the text encoder, `model_config.json`, and a
folder with T5Gemma. Names and layouts were taken from the reference code (github.com/Stability-AI/stable-audio-3), and
checked against the number and size of the tensors of the published files. Weights are copied a few at a time, so the
conversion needs little memory. A weight that is missing, unknown or of another shape is an error.
"""

import errno
import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ...errors import SoundscapeError
from ..download import MEGABYTE
from . import layout
from .variant import CONVERTED, ORIGINAL

WEIGHTS, FILES = "model.safetensors", "files.json"
SHARD_BYTES = 400 * MEGABYTE
UNFINISHED, ABANDONED_S = ".part", 24 * 3600.0  # a conversion takes minutes
TOKENIZER_FILES = ("tokenizer*", "special_tokens_map.json")
TRANSFORMERS = {"text_encoder": "T5GemmaEncoderModel", "tokenizer": "GemmaTokenizer"}
DIFFUSERS = {
    "vae": "AutoencoderSAME",
    "duration_embedder": "StableAudio3DurationEmbedder",
    "transformer": "StableAudio3DiTModel",
    "scheduler": "FlowMatchEulerDiscreteScheduler",
}

# Pattern of an original name -> part of the pipeline, and the name there. The first match counts.
_BLOCK, _DIT, _SAME = r"model\.model\.transformer\.layers\.(\d+)\.", r"model\.model\.", r"pretransform\.model\."
RULES: tuple[tuple[str, str, str], ...] = (
    (
        _BLOCK + r"ff\.ff\.0\.proj\.(\w+)",
        "transformer",
        r"transformer_blocks.\1.ff.proj_in.\2",
    ),
    (_BLOCK + r"ff\.ff\.2\.(\w+)", "transformer", r"transformer_blocks.\1.ff.proj_out.\2"),
    (_BLOCK + r"(.+)", "transformer", r"transformer_blocks.\1.\2"),
    (_DIT + r"transformer\.project_(in|out)\.weight", "transformer", r"proj_\1.weight"),
    (_DIT + r"transformer\.(.+)", "transformer", r"\1"),
    (_DIT + r"(.+)", "transformer", r"\1"),
    (r"conditioner\.conditioners\.prompt\.padding_embedding", "transformer", "prompt_padding_embedding"),
    (r"conditioner\.conditioners\.seconds_total\.embedder\.embedding\.1\.(\w+)", "duration_embedder", r"linear.\1"),
    (_SAME + r"(encoder|decoder)\.layers\.\d+\.(weight|bias)", "vae", r"\1.proj.\2"),
    (_SAME + r"(encoder|decoder)\.layers\.(.+)", "vae", r"\1.blocks.\2"),
    (_SAME + r"bottleneck\.scaling_factor", "vae", "bottleneck.scale"),
    (_SAME + r"bottleneck\.(bias|running_std)", "vae", r"bottleneck.\1"),
    (r"model\.(encoder\..+)", "text_encoder", r"\1"),
)
# Inside a layer of SAME.
SAME_NAMES = (
    (".pre_norm.", ".norm_attn."),
    (".self_attn.", ".attn."),
    (".ff_norm.", ".norm_ff."),
    (".ff.ff.0.proj.", ".ff.proj_in."),
    (".ff.ff.2.", ".ff.proj_out."),
)
FIRST_DECODER_BLOCK = 3  # after a transposition, the projection, and another transposition
# Not needed: tables that are computed, an empty tensor, and the decoder of T5Gemma.
UNUSED = re.compile(r".*\.rope\.inv_freq|.*\.noise_scaling_factor|(model\.decoder|lm_head)\..+")


@dataclass(frozen=True)
class Tensor:
    """A tensor of an original file, and its place in the pipeline."""

    file: Path
    key: str
    part: str
    name: str
    shape: tuple[int, ...]
    size_bytes: int


@dataclass
class _Shard:
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    size_bytes: int = 0


def convert(
    source: Path, text: Path, target: Path, model: str, on_step: Callable[[int, int], None] | None = None
) -> None:
    """Write the diffusers pipeline of an original checkpoint to the folder `target`, unless it is there already.

    `text` is the folder of its text encoder, `model` its name in messages. `on_step` counts megabytes; an exception
    that it raises stops the conversion. Raises SoundscapeError if the checkpoint is damaged, incomplete or unknown, and
    OSError if the disk is full.
    """
    if _is_whole(target):
        return
    parts = layout.parts_of(source, text, model)
    tensors = [*_placed(source / WEIGHTS, model), *_placed(text / WEIGHTS, model)]
    _check(tensors, parts, model)
    target.parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(target.parent)
    needed_bytes = sum(tensor.size_bytes for tensor in tensors)
    if shutil.disk_usage(target.parent).free < needed_bytes:
        raise OSError(errno.ENOSPC, "No space left on device")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.", suffix=UNFINISHED) as unfinished:
        folder = Path(unfinished) / "pipeline"
        for part, module in parts.items():
            layout.save_config(module, folder / part)
        _write_weights(tensors, folder, on_step)
        _write_rest(source, text, folder)
        if not _is_whole(target):  # another process may have been faster
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)


def _is_whole(target: Path) -> bool:
    """Return True if the folder has all files that were written. Some hosts delete large ones to save space."""
    try:
        files = json.loads((target / FILES).read_text())
    except FileNotFoundError:
        return False
    return all((target / name).is_file() for name in files)


def _delete_abandoned(folder: Path) -> None:
    """Delete what processes left that were killed while they converted a checkpoint."""
    for left in folder.glob(f"*{UNFINISHED}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)


def place_of(key: str) -> tuple[str, str] | None:
    """Return the part of the pipeline and the name there of an original weight, or None if it is unknown."""
    for pattern, part, name in RULES:
        match = re.fullmatch(pattern, key)
        if match:
            return part, _same_name(match.expand(name)) if part == "vae" else match.expand(name)
    return None


def reordered(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return a projection of differential self-attention with its rows in the order of diffusers.

    The reference has [q | k | v | q2 | k2], diffusers has [q | q2 | k | k2 | v]. Other weights are returned unchanged.
    """
    if not name.endswith("attn.to_qkv.weight") or tensor.shape[0] != 5 * tensor.shape[1]:
        return tensor
    q, k, v, q2, k2 = tensor.chunk(5)
    return torch.cat([q, q2, k, k2, v])


def _same_name(name: str) -> str:
    for old, new in SAME_NAMES:
        name = name.replace(old, new, 1)
    return re.sub(r"^decoder\.blocks\.(\d+)", lambda block: _decoder_block(int(block[1])), name)


def _decoder_block(number: int) -> str:
    return f"decoder.blocks.{number - FIRST_DECODER_BLOCK}"


def _placed(file: Path, model: str) -> Iterator[Tensor]:
    """Yield the tensors of a file with their places. Only its header is read."""
    if not file.is_file():
        raise SoundscapeError(f"{model} is incomplete: a weights file is missing. Download it again.")
    with safe_open(file, framework="pt") as opened:
        for key in opened.keys():  # noqa: SIM118  # it is no dictionary
            if UNUSED.fullmatch(key):
                continue
            place = place_of(key)
            if place is None:
                raise SoundscapeError(_unknown(model, key))
            view = opened.get_slice(key)
            shape = tuple(view.get_shape())
            width = 4 if view.get_dtype() == "F32" else 2
            yield Tensor(file, key, *place, shape, width * torch.Size(shape).numel())


def _check(tensors: list[Tensor], parts: dict[str, Any], model: str) -> None:
    """Raise SoundscapeError unless the tensors are exactly those of the parts, without those that are computed."""
    found: dict[tuple[str, str], Tensor] = {}
    for tensor in tensors:
        found.setdefault((tensor.part, tensor.name), tensor)
    wanted = {
        (part, name): tuple(weights.shape)
        for part, module in parts.items()
        for name, weights in layout.state_of(module).items()
    }
    missing = wanted.keys() - found.keys()
    if missing:
        raise SoundscapeError(
            f"{model} is incomplete: {len(missing)} of its weights are missing, for example {'.'.join(min(missing))}. "
            "Download it again, or name another model in the settings."
        )
    for tensor in tensors:
        place = tensor.part, tensor.name
        if tensor is not found[place] or tensor.shape != wanted.get(place):  # or two have one place
            raise SoundscapeError(_unknown(model, tensor.key))


def _unknown(model: str, key: str) -> str:
    return (
        f"{model} cannot be used: the weight {key} is not one of a Stable Audio 3 model that this app knows. Set "
        "STABLE_AUDIO_3_MODEL to another model, or unset it."
    )


def _write_weights(tensors: list[Tensor], folder: Path, on_step: Callable[[int, int], None] | None) -> None:
    total, done = sum(tensor.size_bytes for tensor in tensors), 0
    for part in {tensor.part: None for tensor in tensors}:
        shards = [_Shard()]
        names: dict[str, int] = {}  # name of a weight -> number of its shard
        for tensor in [each for each in tensors if each.part == part]:
            if shards[-1].size_bytes and shards[-1].size_bytes + tensor.size_bytes > SHARD_BYTES:
                _save(shards[-1], _file(folder, part, len(shards)))
                shards.append(_Shard())
            with safe_open(tensor.file, framework="pt") as opened:
                shards[-1].tensors[tensor.name] = reordered(tensor.name, opened.get_tensor(tensor.key)).contiguous()
            shards[-1].size_bytes += tensor.size_bytes
            names[tensor.name] = len(shards)
            done += tensor.size_bytes
            if on_step:
                on_step(done // MEGABYTE, max(1, total // MEGABYTE))
        for name, weights in layout.computed(part, folder / part).items():
            shards[-1].tensors[name] = weights
            names[name] = len(shards)
        _save(shards[-1], _file(folder, part, len(shards)))
        if len(shards) == 1:
            _file(folder, part, 1).rename(_file(folder, part))
        else:
            places = {name: _file(folder, part, number).name for name, number in names.items()}
            index = {"metadata": {}, "weight_map": places}
            _file(folder, part).with_suffix(".safetensors.index.json").write_text(json.dumps(index))


def _file(folder: Path, part: str, number: int = 0) -> Path:
    stem = "model" if part in TRANSFORMERS else "diffusion_pytorch_model"
    return folder / part / (f"{stem}-{number:05}.safetensors" if number else f"{stem}.safetensors")


def _save(shard: _Shard, file: Path) -> None:
    """Write a shard and release its tensors. Raises OSError if the disk is full."""
    try:
        save_file(shard.tensors, file, metadata={"format": "pt"})
    except Exception as error:
        if "No space left" in str(error) or "os error 28" in str(error):  # in an error of safetensors
            raise OSError(errno.ENOSPC, "No space left on device") from None  # or it would be told as damage
        raise
    shard.tensors.clear()


def _write_rest(source: Path, text: Path, folder: Path) -> None:
    """Write what has no weights: tokenizer, scheduler, and the list of the parts."""
    import diffusers

    (folder / "tokenizer").mkdir()
    for pattern in TOKENIZER_FILES:
        for file in text.glob(pattern):
            shutil.copyfile(file, folder / "tokenizer" / file.name)
    shutil.copyfile(source / ORIGINAL, folder / ORIGINAL)
    layout.save_config(layout.scheduler_of(source), folder / "scheduler")
    parts = {part: ["diffusers", kind] for part, kind in DIFFUSERS.items()}
    parts |= {part: ["transformers", kind] for part, kind in TRANSFORMERS.items()}
    index = {"_class_name": "StableAudio3Pipeline", "_diffusers_version": diffusers.__version__} | parts
    (folder / CONVERTED).write_text(json.dumps(index, indent=2))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    (folder / FILES).write_text(json.dumps(files))
