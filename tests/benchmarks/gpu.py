"""The gain of each optimisation on a GPU, with random weights of full size: python -m tests.benchmarks.gpu

It needs only torch, transformers and diffusers: no weights and no network. Each rung of a ladder adds one optimisation
to the previous rung. Denoising loops are timed over a few steps and scaled to all steps. The ceiling is what this GPU
reaches in the same run: with a large matrix product for denoising, with a large copy for token generation.
`--tiny` runs the same code with small models, on the CPU too. Its figures are meaningless.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from . import full_size

DURATION_S = 10.0
WEIGHTS_STD = 0.02  # random weights that neither vanish nor overflow
GUIDANCE = 3.5
TIMED_STEPS = 10
REPEATS = 5
TEXT_TOKENS = 32


@dataclass(frozen=True)
class Bench:
    """The device and the size of the models."""

    device: str
    tiny: bool

    def sync(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def seconds(self, action: Callable[[], Any], prepare: Callable[[], Any] = int) -> float:
        """Return the median of several runs after a warm-up. `prepare` is called before each run and not timed."""
        prepare()
        action()
        times = []
        for _ in range(1 if self.tiny else REPEATS):
            prepare()
            self.sync()
            start = time.perf_counter()
            action()
            self.sync()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def fill(self, build: Callable[[], Any], dtype: torch.dtype = torch.float32) -> Any:
        """Build a model with random weights directly on the device."""
        with torch.device("meta"):
            model = build()
        model = model.to(dtype).to_empty(device=self.device)
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.data.normal_(0.0, WEIGHTS_STD)
            else:
                tensor.data.copy_(torch.arange(tensor.numel()).view(tensor.shape))  # position ids
        return model.eval().requires_grad_(False)


@dataclass(frozen=True)
class Denoiser:
    """A denoiser: how to build it, its inputs for a batch, and its schedulers."""

    name: str
    build: Callable[[], Any]
    inputs: Callable[[int, torch.dtype, str], dict[str, Any]]  # rows, dtype, device -> arguments except the timestep
    call: Callable[[Any, dict[str, Any], torch.Tensor], torch.Tensor]
    slow: Callable[[], Any]
    slow_steps: int
    fast: Callable[[], Any] | None = None
    fast_steps: int = 0


# The two denoisers ---------------------------------------------------------------------------------------------------


def audioldm2(tiny: bool) -> Denoiser:
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

    config = full_size.TINY_AUDIOLDM2 if tiny else full_size.AUDIOLDM2
    noise = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}
    frames = 4 if tiny else round(DURATION_S * 100) // 4

    def inputs(rows: int, dtype: torch.dtype, device: str) -> dict[str, Any]:
        like = {"dtype": dtype, "device": device}
        return {
            "sample": torch.randn(rows, 8, frames, 16, **like),
            "encoder_hidden_states": torch.randn(rows, 8, 768, **like),
            "encoder_hidden_states_1": torch.randn(rows, TEXT_TOKENS, 1024, **like),
            "encoder_attention_mask_1": torch.ones(rows, TEXT_TOKENS, **like),
        }

    return Denoiser(
        name="AudioLDM 2",
        build=lambda: full_size.audioldm2_unet(config),
        inputs=inputs,
        call=lambda unet, given, step: unet(timestep=step, return_dict=False, **given)[0],
        slow=lambda: DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1, **noise),
        slow_steps=200,
        fast=lambda: DPMSolverMultistepScheduler(steps_offset=1, **noise),
        fast_steps=20,
    )


def stable_audio_open(tiny: bool) -> Denoiser:
    from diffusers import EDMDPMSolverMultistepScheduler
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    config = full_size.TINY_STABLE_AUDIO_OPEN if tiny else full_size.STABLE_AUDIO_OPEN
    frames, head = (64, 16) if tiny else (1024, 64)

    def inputs(rows: int, dtype: torch.dtype, device: str) -> dict[str, Any]:
        like = {"dtype": dtype, "device": device}
        rotary = get_1d_rotary_pos_embed(head // 2, frames + 1, use_real=True, repeat_interleave_real=False)
        return {
            "hidden_states": torch.randn(rows, 64, frames, **like),
            "encoder_hidden_states": torch.randn(rows, TEXT_TOKENS, 768, **like),
            "global_hidden_states": torch.randn(rows, 1, 1536, **like),
            "rotary_embedding": tuple(each.to(device) for each in rotary),
        }

    def call(transformer: Any, given: dict[str, Any], step: torch.Tensor) -> torch.Tensor:
        return transformer(timestep=step.reshape(1).to(given["hidden_states"].dtype), return_dict=False, **given)[0]

    return Denoiser(
        name="Stable Audio Open",
        build=lambda: full_size.stable_audio_open_transformer(config),
        inputs=inputs,
        call=call,
        slow=lambda: EDMDPMSolverMultistepScheduler(sigma_min=0.3, sigma_max=500, prediction_type="v_prediction"),
        slow_steps=100,
    )


# Denoising -----------------------------------------------------------------------------------------------------------


def ladder(bench: Bench, denoiser: Denoiser, stems: int, peak: dict[torch.dtype, float]) -> None:
    """Print the time of each rung for this number of stems."""
    rungs: list[tuple[str, float, float, torch.dtype]] = []
    half = torch.bfloat16 if bench.device == "cpu" else torch.float16

    def climb(name: str, dtype: torch.dtype, step: Callable[..., Any], rows: int, batches: int, fast: bool) -> None:
        steps = denoiser.fast_steps if fast else denoiser.slow_steps
        scheduler = (denoiser.fast if fast else denoiser.slow)()
        given = denoiser.inputs(rows, dtype, bench.device)
        timed = min(2 if bench.tiny else TIMED_STEPS, steps)
        seconds = bench.seconds(
            lambda: loop(scheduler, step, given, timed),
            prepare=lambda: scheduler.set_timesteps(steps, device=bench.device),
        )
        seconds *= batches * steps / timed
        rungs.append((name, seconds, batches * steps * flops(denoiser, rows), dtype))

    model = bench.fill(denoiser.build)
    with torch.no_grad():
        climb("plain: float32, one by one", torch.float32, eager(denoiser, model), 2, stems, fast=False)
        model = model.to(half)
        climb(f"+ {str(half)[6:]}", half, eager(denoiser, model), 2, stems, fast=False)
        climb("+ one batch", half, eager(denoiser, model), 2 * stems, 1, fast=False)
        if denoiser.fast:
            climb(f"+ {denoiser.fast_steps} steps", half, eager(denoiser, model), 2 * stems, 1, fast=True)
        if bench.device == "cuda":
            graph = captured(denoiser, model, 2 * stems, half)
            climb("+ CUDA graph", half, graph, 2 * stems, 1, fast=denoiser.fast is not None)
        else:
            exported = ahead_of_time(denoiser, model, 2 * stems, half)
            climb("+ exported", half, exported, 2 * stems, 1, fast=denoiser.fast is not None)
    print(f"\n{denoiser.name}, {stems} stem{'s' * (stems > 1)} of {DURATION_S:g} s, with guidance")
    print(f"{'':30}{'ms':>12}{'ratio':>10}{'of ceiling':>12}")
    for name, seconds, work, dtype in rungs:
        print(f"{name:30}{1000 * seconds:12,.1f}{rungs[0][1] / seconds:10.2f}{work / seconds / peak[dtype]:12.1%}")


def loop(scheduler: Any, step: Callable[..., torch.Tensor], given: dict[str, Any], steps: int) -> None:
    """Run the denoising loop of the diffusers pipelines with guidance: half of the rows are the negative prompt."""
    name = next(iter(given))
    latents = given[name].chunk(2)[0]
    for timestep in scheduler.timesteps[:steps]:
        both = scheduler.scale_model_input(torch.cat([latents] * 2), timestep).to(latents.dtype)
        negative, positive = step(given | {name: both}, timestep).chunk(2)
        stepped = scheduler.step(negative + GUIDANCE * (positive - negative), timestep, latents).prev_sample
        latents = stepped.to(latents.dtype)


def eager(denoiser: Denoiser, model: Any) -> Callable[..., torch.Tensor]:
    return lambda given, timestep: denoiser.call(model, given, timestep)


def captured(denoiser: Denoiser, model: Any, rows: int, dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    """Record one call as a CUDA graph. Replaying it takes the CPU a single launch."""
    held = denoiser.inputs(rows, dtype, "cuda")
    at = torch.zeros((), device="cuda")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):  # warm-up, in which libraries choose their kernels
            denoiser.call(model, held, at)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = denoiser.call(model, held, at)

    def replay(given: dict[str, Any], timestep: torch.Tensor) -> torch.Tensor:
        for name, tensor in held.items():
            if isinstance(tensor, torch.Tensor):
                tensor.copy_(given[name])
        at.copy_(timestep)
        graph.replay()
        return result

    return replay


def ahead_of_time(denoiser: Denoiser, model: Any, rows: int, dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    """Export one call, for machines without a GPU. This shows at least that the denoiser can be traced."""
    held = denoiser.inputs(rows, dtype, "cpu")
    name = next(iter(held))

    class Call(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, sample: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            return denoiser.call(self.model, held | {name: sample}, timestep)

    program = torch.export.export(Call(), (held[name], torch.zeros(()))).module()
    return lambda given, timestep: program(given[name], timestep.float())


def flops(denoiser: Denoiser, rows: int) -> float:
    """Return the number of floating-point operations of one call, counted on the meta device."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = denoiser.build()
    given = denoiser.inputs(rows, torch.float32, "meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        denoiser.call(model, given, torch.zeros((), device="meta"))
    return counter.get_total_flops()


# Token generation ----------------------------------------------------------------------------------------------------


def tokens(bench: Bench, bytes_per_s: float) -> None:
    """Print the time per token of Qwen2.5-VL 7B with a growing cache and with a compiled static cache."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    dtype = torch.float32 if bench.device == "cpu" else torch.bfloat16
    config = Qwen2_5_VLConfig(**(full_size.TINY_QWEN2_5_VL if bench.tiny else full_size.QWEN2_5_VL))
    model = bench.fill(lambda: Qwen2_5_VLForConditionalGeneration(config), dtype)
    _restore_frequencies(model)
    count = 8 if bench.tiny else 128
    prompt = torch.ones(1, 32, dtype=torch.long, device=bench.device)
    size = sum(weights.numel() * weights.element_size() for weights in model.model.language_model.parameters())
    times = {}
    for name, more in {"eager, growing cache": {}, "static cache": {"cache_implementation": "static"}}.items():
        seconds = bench.seconds(
            lambda more=more: model.generate(
                prompt, max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0, **more
            )
        )
        times[name] = seconds / count
    print("\nQwen2.5-VL 7B, one token (static cache: transformers compiles it on a GPU)")
    print(f"{'':30}{'ms':>12}{'ratio':>10}{'of ceiling':>12}")
    first = next(iter(times.values()))
    for name, seconds in times.items():
        print(f"{name:30}{1000 * seconds:12,.2f}{first / seconds:10.2f}{size / seconds / bytes_per_s:12.1%}")


def _restore_frequencies(model: Any) -> None:
    """Restore the rotary frequencies: they are buffers and must not be random."""
    for module in model.modules():
        if hasattr(module, "inv_freq"):
            size = module.inv_freq.numel()
            module.inv_freq.data = 10_000.0 ** (-torch.arange(size, device=module.inv_freq.device) / size)


# Ceilings ------------------------------------------------------------------------------------------------------------


def peak_flops(bench: Bench, dtype: torch.dtype) -> float:
    """Return the operations per second of a large matrix product."""
    size = 256 if bench.tiny else 8192
    a, b = (torch.randn(size, size, device=bench.device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / bench.seconds(lambda: a @ b)


def peak_bytes(bench: Bench) -> float:
    """Return the bytes per second, read and written, of a large copy."""
    source = torch.empty(2**20 if bench.tiny else 2**30, dtype=torch.uint8, device=bench.device)
    target = torch.empty_like(source)
    return 2 * source.numel() / bench.seconds(lambda: target.copy_(source))


def _silence() -> None:
    """Turn off warnings of the libraries about unusual models, which do not matter here."""
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Time the ladder of optimisations on a GPU, with random weights.")
    parser.add_argument("--tiny", action="store_true", help="small models, on the CPU if there is no GPU")
    parser.add_argument("--stems", type=int, nargs="+", default=[1, 4, 8], metavar="N")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available() and not options.tiny:
        print("There is no GPU of NVIDIA here that torch can use, so nothing was measured.", file=sys.stderr)
        return 1
    _silence()
    bench = Bench("cuda" if torch.cuda.is_available() else "cpu", options.tiny)
    torch.manual_seed(0)
    name = torch.cuda.get_device_name() if bench.device == "cuda" else "CPU, tiny models: the figures say nothing"
    dtypes = [torch.float32, torch.bfloat16 if bench.device == "cpu" else torch.float16]
    peak = {dtype: peak_flops(bench, dtype) for dtype in dtypes}
    bytes_per_s = peak_bytes(bench)
    print(f"{name}; torch {torch.__version__}")
    print(
        "ceiling: " + ", ".join(f"{str(dtype)[6:]} {rate / 1e12:.1f} TFLOP/s" for dtype, rate in peak.items()), end=""
    )
    print(f", copy {bytes_per_s / 1e9:.0f} GB/s")
    for denoiser in (audioldm2(options.tiny), stable_audio_open(options.tiny)):
        for stems in options.stems:
            ladder(bench, denoiser, stems, peak)
    tokens(bench, bytes_per_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
