"""The benchmarks of the large models measure what they claim, as far as this can be checked without a GPU."""

import time

import pytest
import torch

from .benchmarks import __main__ as figures
from .benchmarks import full_size, work
from .benchmarks.gpu import __main__ as gpu
from .benchmarks.gpu import bench
from .benchmarks.gpu.report import Machine, Step
from .benchmarks.gpu.vocabulary import byte_pairs
from .benchmarks.gpu.worker import run_steps
from .support import gpu_steps

# Bytes of all safetensors files of cvssp/audioldm2, float32. They also contain the projections, which we do not build.
AUDIOLDM2_BYTES = 4_474_362_800
# Parameters of stabilityai/stable-audio-open-1.0 without its text encoder. They include the duration embedders.
STABLE_AUDIO_OPEN_PARAMETERS = 1_213_337_474
# Parameters of stabilityai/stable-audio-3-small without its text encoder.
STABLE_AUDIO_3_SMALL_PARAMETERS = 567_600_000
# Bytes of the weights of Qwen/Qwen2.5-VL-7B-Instruct and Qwen/Qwen2.5-VL-3B-Instruct, bfloat16.
QWEN_7B_BYTES, QWEN_3B_BYTES = 16_584_333_312, 7_509_245_952


def test_the_models_of_full_size_are_as_large_as_the_published_ones():
    with torch.device("meta"):
        audioldm2 = (
            full_size.audioldm2_unet(),
            full_size.audioldm2_vae(),
            full_size.audioldm2_vocoder(),
            *full_size.audioldm2_texts().values(),
        )
        stable_audio = full_size.stable_audio_open_transformer(), full_size.stable_audio_open_vae()
        small = full_size.STABLE_AUDIO_3_SMALL
        stable_audio_3 = full_size.stable_audio_3_transformer(small), full_size.stable_audio_3_vae(small)
        qwen_7b, qwen_3b = full_size.qwen2_5_vl(), full_size.qwen2_5_vl(full_size.QWEN2_5_VL_3B)
    assert 4 * full_size.parameters(*audioldm2) == pytest.approx(AUDIOLDM2_BYTES, rel=0.002)
    assert full_size.parameters(*stable_audio) == pytest.approx(STABLE_AUDIO_OPEN_PARAMETERS, rel=0.002)
    assert full_size.parameters(*stable_audio_3) == pytest.approx(STABLE_AUDIO_3_SMALL_PARAMETERS, rel=0.003)
    assert 2 * full_size.parameters(qwen_7b) == QWEN_7B_BYTES
    assert 2 * full_size.parameters(qwen_3b) == QWEN_3B_BYTES


def test_calls_are_recorded_and_their_operations_counted_at_full_size():
    part = work.Part(
        find=lambda pipe: pipe,
        build=lambda: torch.nn.Linear(3000, 500),
        call=lambda model, shapes: model(work.blank(shapes["0"][0], 3000)),
    )
    subject = work.Subject(
        name="linear",
        build=None,
        variable="",
        plain_steps=0,
        plain_call={},
        parts={"layer": part},
        samples=lambda shapes: 0,
    )
    small = torch.nn.Linear(3, 5)
    with work.recorded(subject, small) as run:
        small(torch.zeros(2, 3))
        small(torch.zeros(2, 3))
        small(torch.zeros(7, 3))
    small(torch.zeros(1, 3))
    assert run.count("layer") == 3
    assert work.flops(subject, run, "layer") == 2 * 3000 * 500 * (2 + 2 + 7)


def test_without_a_gpu_the_benchmark_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 1
    assert "no GPU of NVIDIA" in capsys.readouterr().err


def test_every_step_of_the_benchmark_runs_on_small_models(capfd):
    assert gpu.main(["--tiny"]) == 0
    printed = capfd.readouterr().out
    for step in gpu.steps():
        assert f"### {step.title}" in printed
    rows = (
        "matrix product",
        "8 stems: plain loop, float32, 200 steps",
        "8 stems: + one batch",
        "8 stems: + 20 steps",
        "8 stems: whole call, decoded",
        "8 stems: + CUDA graph",
        "4 stems: full canvas, 100 steps",
        "4 stems: fitted canvas, 100 steps",
        "4 stems: + rotary tables on the GPU",
        "prefill: 609 visual tokens",
        "one token, growing cache, with the grammar",
        "the grammar alone",
        "+ Stable Audio Open: 5 stems",
        "+ AudioLDM 2: 5 stems, card limited to 24 GB",
        "Stable Audio 3 Small | finite | finite",
        "4 stems: 8 steps",
        "one token, static cache, without the grammar",
        "one token, static cache, compiled, with the grammar",
        "AudioLDM 2 | ",
    )
    for row in rows:
        assert f"| {row}" in printed
    assert printed.count("Goal, ") == 5
    assert "Failed" not in printed and "Skipped" not in printed


def _ran(steps: list[Step], folder: str, budget_s: float = 60.0) -> tuple[list[str], str]:
    """Run steps. Return the failed ones and what was printed."""
    said: list[str] = []
    failed = run_steps(steps, Machine("cpu", folder), budget_s=budget_s, say=said.append)
    return failed, "\n".join(said)


def _step(name: str, *, needs_s: float = 0.0, limit_s: float = 60.0) -> Step:
    return Step(name, name, ("what", "figure"), needs_s, limit_s, f"{gpu_steps.__name__}:{name}")


def test_a_step_that_fails_does_not_stop_the_rest(tmp_path):
    steps = [_step("tells_limits"), _step("breaks"), _step("missing"), _step("crashes"), _step("works")]
    failed, said = _ran(steps, str(tmp_path))
    assert failed == ["breaks", "missing", "crashes"]
    assert "| before | 1 |\n\nFailed: ValueError: two lines." in said
    assert "Failed: AttributeError" in said
    assert "| before | 2 |\n\nFailed: its process ended" in said
    assert "| rate | 7 |" in said  # the limits reach the steps after them, in a new process too
    assert "Goal, speed: at least 2 times. Measured: 3 times, met." in said
    assert "Goal, share: at most 5 %. Measured: 7 %, not met." in said


def test_a_step_that_hangs_is_stopped_and_steps_that_no_longer_fit_are_skipped(tmp_path):
    steps = [_step("works"), _step("hangs", limit_s=1.0), _step("works", needs_s=1000.0), _step("tells_limits")]
    failed, said = _ran(steps, str(tmp_path))
    assert failed == ["hangs"]
    assert "| before | 3 |\n\nFailed: stopped after 1 s." in said
    assert said.count("| rate |") == 1
    assert "Skipped: this takes about 1000 s" in said


def test_no_step_begins_without_time(capsys):
    assert gpu.main(["--tiny", "--minutes", "0"]) == 0
    assert capsys.readouterr().out.count("Skipped: ") == len(gpu.steps())


def test_a_loop_is_timed_over_its_first_steps_and_extrapolated():
    machine = Machine("cpu", "", is_tiny=True)
    made = []

    def run(on_step):
        for index in range(100):
            time.sleep(0.3 if index == 0 else 0.01)
            made.append(index)
            on_step(index)

    assert bench.loop_seconds(machine, run, 100, timed=6) == pytest.approx(0.3 + 99 * 0.01, rel=0.3)
    assert max(made) == 5


def test_random_models_have_random_matrices_and_the_norms_and_buffers_of_the_class():
    model = bench.random_model(lambda: torch.nn.Sequential(torch.nn.Linear(300, 200), torch.nn.BatchNorm1d(200)), "cpu")
    assert model[0].weight.std().item() == pytest.approx(bench.WEIGHTS_STD, rel=0.05)
    assert model[1].weight.eq(1).all() and model[1].running_var.eq(1).all()
    assert model(torch.randn(4, 300)).isfinite().all()


def test_a_recorded_call_follows_its_inputs():
    layer = torch.nn.Linear(3, 2)
    first, second = torch.randn(4, 3), torch.randn(4, 3)
    expected = layer(second)
    with bench.graphed(layer, Machine("cpu", "")):
        layer(first)
        assert layer(second).equal(expected)
    assert "forward" not in vars(layer)


def test_the_vocabulary_is_as_large_as_asked_and_every_token_can_be_merged():
    vocabulary, merges = byte_pairs(5000)
    assert len(vocabulary) == 5000
    assert sorted(vocabulary.values()) == list(range(5000))
    assert all(vocabulary[a + b] > max(vocabulary[a], vocabulary[b]) for a, b in merges)
    assert len(merges) == 5000 - 256


# The page of figures --------------------------------------------------------------------------------------------------


def test_one_command_prints_the_page_of_figures(tmp_path, monkeypatch, capfd):
    page = tmp_path / "figures.md"
    page.write_text(
        "| a | 1 s | `python -m tests.benchmarks.soak --help` |\n| b | 2 | `python -m tests.benchmarks.gpu` |\n"
    )
    monkeypatch.setattr(figures, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert figures.main() == 0
    printed = capfd.readouterr().out
    assert "## python -m tests.benchmarks.soak --help" in printed and "usage:" in printed
    assert "gpu`" not in printed and "Not run" in printed and printed.endswith("2 benchmarks.\n")
    page.write_text("`python -m tests.benchmarks.soak --no-such-option`")
    assert figures.main() == 1


def test_every_benchmark_is_on_the_page_of_figures():
    named = {command.split()[2].rpartition(".")[2] for command in figures.commands(figures.PAGE.read_text("utf-8"))}
    folder = figures.ROOT / "tests/benchmarks"
    modules = {path.stem for path in folder.glob("*.py") if "__main__" in path.read_text("utf-8")}
    assert modules - {"__main__", "reference_values"} | {"gpu"} == named
