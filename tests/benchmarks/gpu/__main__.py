"""The large models on a GPU, with random weights of full size: python -m tests.benchmarks.gpu

It needs torch, transformers, diffusers, accelerate and llguidance, but no weights and no network. The steps run in the
order of their worth until the time is over; each prints its rows as they come, as tables in Markdown. A step that fails
or takes too long is reported in one line, and the next one goes on in a new process.

Speed does not depend on the values of the weights, sound and answers do: nothing here says how good they are. `--tiny`
runs the same steps with small models, on the CPU too. Its figures are meaningless.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from functools import partial

from .report import Machine, Step
from .worker import run_steps


def steps() -> list[Step]:
    """Return the steps in the order of their worth. Their seconds are estimates for an H100."""
    speed = ("what", "ms", "ratio", "of the limit")
    token = ("what", "ms", "tokens per second", "of the limit")
    room = ("what", "peak GB", "s", "result")
    audioldm2 = "AudioLDM 2, stems of 10 s with guidance; whole calls are compared with 10.8 ms per stem"
    return [
        Step("limits", "The machine and its limits", ("what", "figure"), 20, 90, f"{__package__}.limits:limits"),
        Step("audioldm2", audioldm2, speed, 60, 120, f"{__package__}.denoising:audioldm2"),
        Step(
            "stable-audio-open",
            "Stable Audio Open, stems of 10 s with guidance",
            speed,
            40,
            90,
            f"{__package__}.denoising:stable_audio_open",
        ),
        Step("qwen", "Qwen2.5-VL 3B, one picture", token, 45, 100, f"{__package__}.tokens:eager"),
        Step("pairs", "Memory of pairs of models", room, 60, 120, f"{__package__}.memories:pairs"),
        Step(
            "finite",
            "Finite numbers in half precision (random weights show only that the operators exist and do not overflow "
            "at unit scale)",
            ("what", "float16", "bfloat16"),
            40,
            90,
            f"{__package__}.denoising:finite",
        ),
        Step(
            "stable-audio-3",
            "Stable Audio 3 small, stems of 10 s",
            speed,
            15,
            60,
            f"{__package__}.denoising:stable_audio_3",
        ),
        Step("qwen-static", "Qwen2.5-VL 3B with a static cache", token, 30, 90, f"{__package__}.tokens:static"),
        Step(
            "offload", "Memory with parts of the model in main memory", room, 30, 90, f"{__package__}.memories:offload"
        ),
        Step(
            "batches",
            "One seed alone and in a batch of five",
            ("what", "difference in the batch", "difference when repeated"),
            25,
            60,
            f"{__package__}.denoising:batches",
        ),
        Step("qwen-compiled", "Qwen2.5-VL 3B, compiled", token, 90, 180, f"{__package__}.tokens:compiled"),
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the large models on a GPU, with random weights.")
    parser.add_argument("--tiny", action="store_true", help="small models, on the CPU if there is no GPU")
    parser.add_argument("--minutes", type=float, default=8.0, metavar="N", help="time for all steps (default: 8)")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="STEP",
        choices=[step.name for step in steps()],
        help=", ".join(step.name for step in steps()),
    )
    options = parser.parse_args(arguments)
    import torch

    if not torch.cuda.is_available() and not options.tiny:
        print("There is no GPU of NVIDIA here that torch can use, so nothing was measured.", file=sys.stderr)
        return 1
    chosen = [step for step in steps() if not options.only or step.name in ("limits", *options.only)]
    if options.tiny:  # a busy CPU may take longer than a GPU
        chosen = [replace(step, limit_s=4 * step.limit_s) for step in chosen]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine("cuda" if torch.cuda.is_available() else "cpu", folder, is_tiny=options.tiny)
        failed = run_steps(chosen, machine, budget_s=60 * options.minutes, say=partial(print, flush=True))
    if failed:
        print(f"\nFailed: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
