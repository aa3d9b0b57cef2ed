"""The work for one soundscape of 5 sources x 10 s, ours against the plain way: python -m tests.benchmarks.work

It counts calls, floating-point operations and decoded samples, not seconds.

Calls and their shapes are counted in real runs of tiny checkpoints with the geometry of the real ones. The operations
of each call are then counted with models of full size on the meta device, which computes only shapes
(torch.utils.flop_counter: matrix products, convolutions and attention). The plain way follows the model cards: one call
per source with its negative prompt, the scheduler of the checkpoint with the usual number of steps, and the whole
canvas decoded. The tokenizers of the tiny checkpoints split texts into more tokens than the real ones.
"""

import argparse
import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch

from pipeline import backends, prompting
from pipeline.backends import SoundOptions, memory
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import forget_stems, synthesize

from ..support.checkpoints import audio as checkpoints
from . import full_size

DURATION_S = 10.0
GOALS = {"audioldm2": 1 / 8, "stable-audio-open, fitted canvas": 1 / 4}
SOUNDSCAPE = Soundscape(
    space="forest",
    sources=(
        Source(name="river", material="water over stone", action="rushing", timbre=("bright",), distance_m=6),
        Source(name="wind", material="pine needles", action="blowing", timbre=("soft",), distance_m=30),
        Source(name="crow", action="calling", role="recurring", timbre=("hoarse",), distance_m=40),
        Source(name="woodpecker", material="hollow trunk", action="drumming", role="recurring", distance_m=60),
        Source(name="footsteps", material="gravel", action="walking", role="recurring", distance_m=3),
    ),
)

Shapes = tuple[tuple[str, tuple[int, ...]], ...]  # of a module's input tensors, by name or position


@dataclass
class Run:
    """The calls of one way of making the soundscape: (part of the model, shapes) -> number of calls."""

    calls: Counter[tuple[str, Shapes]] = field(default_factory=Counter)

    def of(self, part: str) -> list[tuple[dict[str, tuple[int, ...]], int]]:
        return [(dict(shapes), number) for (name, shapes), number in self.calls.items() if name == part]

    def count(self, part: str) -> int:
        return sum(number for _, number in self.of(part))


@dataclass(frozen=True)
class Part:
    """A part of a pipeline: how to find it, build it at full size, and call it at full size."""

    find: Callable[[Any], Any]
    build: Callable[[], Any]
    call: Callable[[Any, dict[str, tuple[int, ...]]], Any]


@dataclass(frozen=True)
class Subject:
    """A model whose work is counted. `samples` returns the audio samples that the last part makes from its input."""

    name: str
    build: Callable[[Path], Path]
    variable: str
    plain_steps: int
    plain_call: dict[str, Any]
    parts: dict[str, Part]
    samples: Callable[[dict[str, tuple[int, ...]]], int]
    share: int = 1  # only 1 / share of the steps is run; the calls of the denoiser are multiplied by it
    decoder: str = "decoder"
    label: str = ""
    environment: dict[str, str] = field(default_factory=dict)


# The two ways --------------------------------------------------------------------------------------------------------


def ours(subject: Subject) -> Run:
    """Record the calls of `synthesize`, with a loaded model and no cached texts."""
    backends._instance.cache_clear()
    memory.forget_others()
    _, model = backends.load_audio(subject.name)
    model.load()
    forget_stems()
    steps = model.request(SOUNDSCAPE, SOUNDSCAPE.sources[0], SoundOptions())["steps"]
    with recorded(subject, memory._residents[subject.name].model.pipe) as run:
        options = SoundOptions(steps=steps // subject.share)
        synthesize(SOUNDSCAPE, subject.name, duration_s=DURATION_S, options=options)
    return run


def plain(subject: Subject, folder: Path) -> Run:
    """Record one call per source, as in the model card."""
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    with recorded(subject, pipe) as run:
        for place, source in enumerate(SOUNDSCAPE.sources):
            prompt = prompting.compile_prompt(subject.name, source, SOUNDSCAPE.space).text
            steps = subject.plain_steps // subject.share
            generator = torch.Generator().manual_seed(place)
            pipe(prompt, num_inference_steps=steps, generator=generator, **subject.plain_call)
    return run


@contextmanager
def recorded(subject: Subject, pipe: Any) -> Iterator[Run]:
    """Record the calls of the parts of a pipeline."""
    run = Run()

    def hook(part: str) -> Callable[..., None]:
        def before(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            inputs = {str(place): each for place, each in enumerate(arguments)} | named
            shapes = ((name, tuple(each.shape)) for name, each in inputs.items() if isinstance(each, torch.Tensor))
            run.calls[part, tuple(shapes)] += 1

        return before

    handles = [
        part.find(pipe).register_forward_pre_hook(hook(name), with_kwargs=True) for name, part in subject.parts.items()
    ]
    try:
        yield run
    finally:
        for handle in handles:
            handle.remove()
    for key in run.calls:
        run.calls[key] *= subject.share if key[0] == "denoiser" else 1


# Operations at full size ---------------------------------------------------------------------------------------------


def flops(subject: Subject, run: Run, part: str) -> float:
    """Return the floating-point operations of all calls of a part at full size."""
    return sum(number * _flops_of_call(subject.parts[part], tuple(shapes.items())) for shapes, number in run.of(part))


@cache
def _flops_of_call(part: Part, shapes: Shapes) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        part.call(_on_meta(part), dict(shapes))
    return counter.get_total_flops()


@cache
def _on_meta(part: Part) -> Any:
    with torch.device("meta"):
        return part.build()


def blank(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.zeros(shape, dtype=dtype, device="meta")


def _read(model: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    return model(input_ids=blank(*next(iter(shapes.values())), dtype=torch.long))


def _read_unmasked(model: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    """Run T5Gemma without its mask, which has no values on the meta device. Padding is computed either way."""
    everything = {"full_attention": None, "sliding_attention": None}
    return model(input_ids=blank(*next(iter(shapes.values())), dtype=torch.long), attention_mask=everything)


def _decode(model: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    return model(blank(*shapes["0"]))


def _audioldm2_denoise(unet: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    texts = shapes["encoder_hidden_states_1"][:2]
    return unet(
        blank(*shapes["0"]),
        torch.tensor(500),
        encoder_hidden_states=blank(*shapes["encoder_hidden_states"][:2], 768),
        encoder_hidden_states_1=blank(*texts, 1024),
        encoder_attention_mask_1=blank(*texts),
    )


def _stable_audio_open_denoise(transformer: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    rows, _, frames = shapes["0"]
    rotary = get_1d_rotary_pos_embed(32, frames + 1, use_real=True, repeat_interleave_real=False)
    return transformer(
        blank(*shapes["0"]),
        blank(1),
        encoder_hidden_states=blank(*shapes["encoder_hidden_states"][:2], 768),
        global_hidden_states=blank(rows, 1, 1536),
        rotary_embedding=tuple(each.to("meta") for each in rotary),
    )


def _stable_audio_3_denoise(transformer: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    rows, _, frames = shapes["0"]
    texts = shapes["encoder_hidden_states"][:2]
    return transformer(
        blank(rows, 256, frames),
        blank(rows),
        encoder_hidden_states=blank(*texts, 768),
        global_hidden_states=blank(rows, 768),
        encoder_attention_mask=blank(*texts, dtype=torch.long),
    )


def subjects() -> list[Subject]:
    negative = prompting.negative_prompt()
    audioldm2 = Subject(
        name="audioldm2",
        build=checkpoints.build_audioldm2,
        variable="AUDIOLDM2_MODEL",
        plain_steps=200,
        plain_call={"negative_prompt": negative, "audio_length_in_s": DURATION_S, "max_new_tokens": 8},
        share=10,
        parts={
            "denoiser": Part(lambda pipe: pipe.unet, full_size.audioldm2_unet, _audioldm2_denoise),
            "decoder": Part(lambda pipe: pipe.vae.decoder, lambda: full_size.audioldm2_vae().decoder, _decode),
            "vocoder": Part(lambda pipe: pipe.vocoder, full_size.audioldm2_vocoder, _decode),
            "texts": Part(lambda pipe: pipe.text_encoder_2, full_size.audioldm2_text, _read),
        },
        decoder="vocoder",
        samples=lambda shapes: shapes["0"][0] * shapes["0"][1] * 160,
    )
    stable_audio_open = Subject(
        name="stable-audio-open",
        label="stable-audio-open, full canvas",
        build=lambda folder: checkpoints.build_stable_audio_open(folder, canvas_frames=1024),
        variable="STABLE_AUDIO_MODEL",
        plain_steps=100,
        plain_call={"negative_prompt": negative, "audio_end_in_s": DURATION_S},
        share=10,
        parts={
            "denoiser": Part(
                lambda pipe: pipe.transformer, full_size.stable_audio_open_transformer, _stable_audio_open_denoise
            ),
            "decoder": Part(lambda pipe: pipe.vae.decoder, lambda: full_size.stable_audio_open_vae().decoder, _decode),
            "texts": Part(lambda pipe: pipe.text_encoder, full_size.stable_audio_open_text, _read),
        },
        samples=lambda shapes: shapes["0"][0] * shapes["0"][2] * 2048,
    )
    fitted = replace(
        stable_audio_open,
        label="stable-audio-open, fitted canvas",
        environment={"STABLE_AUDIO_CANVAS": "fitted"},
    )
    stable_audio_3 = Subject(
        name="stable-audio-3",
        build=checkpoints.build_stable_audio_3,
        variable="STABLE_AUDIO_3_MODEL",
        plain_steps=8,
        plain_call={"duration": DURATION_S},
        parts={
            "denoiser": Part(
                lambda pipe: pipe.transformer, full_size.stable_audio_3_transformer, _stable_audio_3_denoise
            ),
            "decoder": Part(
                lambda pipe: pipe.vae.decoder,
                lambda: full_size.stable_audio_3_vae().decoder,
                lambda decoder, shapes: decoder(blank(shapes["0"][0], 256, shapes["0"][2])),
            ),
            "texts": Part(lambda pipe: pipe.text_encoder, full_size.stable_audio_3_text, _read_unmasked),
        },
        samples=lambda shapes: shapes["0"][0] * shapes["0"][2] * 4096,
    )
    return [audioldm2, stable_audio_open, fitted, stable_audio_3]


# The table -----------------------------------------------------------------------------------------------------------


def compare(subject: Subject, root: Path) -> dict[str, tuple[float, float]]:
    """Return the counts by name: (plain way, ours)."""
    folder = root / subject.name
    if not folder.exists():
        subject.build(folder)
    os.environ |= {subject.variable: str(folder), "DEVICE": "cpu"} | subject.environment
    runs = plain(subject, folder), ours(subject)
    rows = {"calls of the denoiser": tuple(run.count("denoiser") for run in runs)}
    for part in subject.parts:
        rows[f"TFLOP, {part}"] = tuple(flops(subject, run, part) / 1e12 for run in runs)
    rows["TFLOP in all"] = tuple(sum(values) for values in zip(*(rows[f"TFLOP, {part}"] for part in subject.parts)))
    rows["samples decoded"] = tuple(
        sum(number * subject.samples(shapes) for shapes, number in run.of(subject.decoder)) for run in runs
    )
    rows["texts encoded"] = tuple(
        sum(number * next(iter(shapes.values()))[0] for shapes, number in run.of("texts")) for run in runs
    )
    return rows


def vision() -> dict[str, tuple[float, float]]:
    """Return the visual tokens of a 12-megapixel photo in Qwen2.5-VL, and the characters of an answer of 5 sources."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    from pipeline.backends.vision.answer import FULL, answer_schema, thousandths
    from pipeline.backends.vision.qwen_vl import MAX_VISUAL_TOKENS
    from pipeline.picture import MAX_SIDE_PX

    def tokens(height: int, width: int, limit: int) -> int:
        return math.prod(smart_resize(height, width, factor=28, max_pixels=limit * 28 * 28)) // 28**2

    side = MAX_SIDE_PX
    asked = answer_schema(FULL, thousandths())["properties"]["sources"]["items"]["properties"]
    document = SOUNDSCAPE.model_dump(mode="json")
    renamed = [{"bbox_2d": [100, 550, 900, 1000]} | source for source in document["sources"]]
    short = [{name: value for name, value in source.items() if name in asked} for source in renamed]
    answer = {name: document[name] for name in ("scene", "mood", "space")} | {"sources": short}
    return {
        "visual tokens": (tokens(3024, 4032, 16384), tokens(side * 3 // 4, side, MAX_VISUAL_TOKENS)),
        "characters of the answer": (len(SOUNDSCAPE.to_json()), len(json.dumps(answer, separators=(",", ":")))),
    }


def show(title: str, rows: dict[str, tuple[float, float]]) -> None:
    print(f"\n{title}\n{'':28}{'plain':>14}{'ours':>14}{'ours/plain':>12}")
    for name, (before, after) in rows.items():
        digits = 0 if before == int(before) else 2
        print(f"{name:28}{before:14,.{digits}f}{after:14,.{digits}f}{after / before:12.4f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Count the work of a soundscape of 5 sources x 10 s. Not its speed.")
    parser.add_argument("--only", default="", help="a part of the name of the model")
    wanted = parser.parse_args(arguments).only
    missed = []
    print(f"Work, not speed: {len(SOUNDSCAPE.sources)} sources x {DURATION_S:g} s, at the models' full size")
    with tempfile.TemporaryDirectory() as root:
        for subject in subjects():
            label = subject.label or subject.name
            if wanted not in label:
                continue
            rows = compare(subject, Path(root))
            show(label, rows)
            before, after = rows["TFLOP in all"]
            if after > GOALS.get(label, 1.0) * before:
                missed.append(label)
    if wanted in "vision":
        show("vision, Qwen2.5-VL", vision())
    if missed:
        print(f"\nMore than the goal: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
