"""Which Qwen model runs on which machine, where and in which precision, and what a call costs."""

import pytest
import torch

from pipeline.backends import machine, memory, work_of
from pipeline.backends.memory import Placement
from pipeline.backends.vision import blip, qwen_models, qwen_vl
from pipeline.backends.vision.answer import FULL, thousandths
from pipeline.backends.vision.instruction import read_instruction
from pipeline.errors import SoundscapeError
from pipeline.settings import Settings

from ...support.checkpoints import vision
from .conftest import is_valid, picture

# The choice ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "size_gb", "model"),
    [
        ("cuda", 8, qwen_models.SMALL),  # with parts in main memory
        ("cuda", 16, qwen_models.SMALL),
        ("cuda", 24, qwen_models.LARGE),
        ("mps", 8, qwen_models.TINY),
        ("mps", 24, qwen_models.SMALL),
        ("mps", 32, qwen_models.LARGE),
        ("cpu", 8, qwen_models.TINY),
        ("cpu", 24, qwen_models.SMALL),
        ("cpu", 64, qwen_models.SMALL),
    ],
)
def test_the_largest_model_that_the_device_holds_is_the_default(monkeypatch, device, size_gb, model):
    monkeypatch.setattr(qwen_models, "memory_gb", lambda device: size_gb)
    assert qwen_models.weights_of(Settings(device=device)).model == model


def test_every_known_model_can_be_named_and_has_its_card():
    for model, variant in qwen_models.VARIANTS.items():
        chosen = qwen_models.weights_of(Settings(device="cpu", qwen_vl_model=model))
        assert (chosen.model, chosen.revision) == (model, variant.revision)
        card = qwen_vl.QwenVL.card(Settings(device="cpu", qwen_vl_model=model))
        assert (card.licence, card.download_gb) == (variant.licence, variant.download_gb)
    free = qwen_models.weights_of(Settings(device="cpu", qwen_vl_model=f"{qwen_models.LARGE}@main"))
    assert free.revision == "main"


def test_a_model_that_is_not_known_here_can_be_named_too():
    chosen = qwen_models.weights_of(Settings(device="cpu", qwen_vl_model="owner/finetuned"))
    assert (chosen.model, chosen.revision, qwen_models.size_gb(chosen)) == ("owner/finetuned", "main", 0.0)


# Where it runs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def placed(use, checkpoint, monkeypatch):
    """Load a tiny Qwen on a simulated device. Returns what `from_pretrained` and `to` were given, and the card."""
    from transformers import AutoModelForImageTextToText

    seen = {}
    load = AutoModelForImageTextToText.from_pretrained

    def loaded(*arguments, **options):
        seen.update(options)
        options.pop("device_map", None)
        model, report = load(*arguments, **options)
        monkeypatch.setattr(type(model), "to", lambda self, device: seen.update(to=device))
        return model, report

    def on(placement, gpu):
        use("QWEN_VL_MODEL", checkpoint(vision.build_qwen2_5_vl, seed=2))
        monkeypatch.setenv("DEVICE", placement.device)
        monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", loaded)
        for module in (memory, machine):
            monkeypatch.setattr(module, "gpu", lambda: gpu)
        monkeypatch.setattr(memory, "placement", lambda settings: placement)
        monkeypatch.setattr(memory, "free_gb", lambda device: 100.0)
        monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda **_: gpu.compute_capability >= 8)
        memory.forget_others()
        qwen_vl.QwenVL().load()
        memory.forget_others()
        return seen, qwen_vl.QwenVL.card(Settings(device=placement.device, qwen_vl_model=qwen_models.SMALL)).note

    return on


@pytest.mark.parametrize(
    ("device", "capability", "dtype"),
    [
        ("cuda", 9.0, torch.bfloat16),
        ("cuda", 7.5, torch.float16),
        ("mps", 0.0, torch.bfloat16),
        ("cpu", 0.0, torch.float32),
    ],
)
def test_weights_are_moved_by_the_thread_that_loads_them(placed, device, capability, dtype):
    """With `device_map`, transformers moves them in other threads, where ZeroGPU does not simulate a GPU."""
    seen, note = placed(Placement(device), machine.Gpu("a GPU", 24.0, capability))
    assert "device_map" not in seen
    assert (seen["to"], seen["dtype"]) == (device, dtype)
    assert ("runs in float16" in note) == (dtype is torch.float16)


def test_a_small_gpu_holds_only_a_part(placed):
    seen, note = placed(Placement("cuda", offload=True), machine.Gpu("a GPU", 8.6, 8.6))
    assert seen["device_map"] == "auto" and "to" not in seen
    assert "parts of the model stay in main memory" in note


def test_embeddings_that_are_also_the_last_layer_stay_so(use, checkpoint):
    for build in (vision.build_qwen2_5_vl, vision.build_qwen3_vl, vision.build_qwen3_5):
        use("QWEN_VL_MODEL", checkpoint(build, seed=2))
        with qwen_vl.QwenVL()._lent(None) as loaded:
            assert loaded.model.lm_head.weight is loaded.model.get_input_embeddings().weight


# When numbers overflow -----------------------------------------------------------------------------------------------


@pytest.fixture
def overflowing(use, checkpoint, monkeypatch):
    """A tiny Qwen on a GPU without bfloat16, whose numbers overflow in float16. Returns it and the precisions used."""
    use("QWEN_VL_MODEL", checkpoint(vision.build_qwen2_5_vl, seed=2))
    tried = []
    described = qwen_vl.QwenVL._described

    def overflow(self, loaded, pictures, *, on_step):
        tried.append(loaded.model.dtype)
        if loaded.model.dtype == torch.float16:
            loaded.model.get_decoder().norm.weight.data.fill_(
                60_000
            )  # the products exceed the largest number of float16, 65,504
        return described(self, loaded, pictures, on_step=on_step)

    monkeypatch.setattr(qwen_vl.QwenVL, "_described", overflow)
    choose = memory.precision
    monkeypatch.setattr(memory, "precision", lambda _, *wanted, **more: choose("cuda", *wanted, **more))
    monkeypatch.setattr(memory, "_computes_bfloat16", lambda: False)
    memory.forget_others()
    yield qwen_vl.QwenVL(), tried
    memory.forget_others()


def test_float32_takes_over_where_it_fits(overflowing):
    qwen, tried = overflowing
    assert is_valid(qwen.describe(picture()))
    assert is_valid(qwen.describe(picture(seed=1)))
    assert tried == [torch.float16, torch.float32, torch.float32], "and stays"


def test_where_float32_does_not_fit_the_error_says_what_to_do(overflowing, monkeypatch):
    qwen, tried = overflowing
    monkeypatch.setattr(qwen_vl, "memory_gb", lambda device: 0.0)
    with pytest.raises(SoundscapeError, match=r"invalid numbers\. Choose another model or picture"):
        qwen.describe(picture())
    assert tried == [torch.float16]


# What a call costs ---------------------------------------------------------------------------------------------------


def test_the_work_of_a_call_is_an_upper_bound_for_the_request(use, checkpoint):
    """The instruction has fewer tokens than its letters by three, and no answer is longer than the model may write."""
    instruction = read_instruction(max_sources=FULL.sources, boxes=thousandths().words)
    assert len(instruction) / 3 < qwen_vl.INSTRUCTION_TOKENS
    work = qwen_vl.QwenVL.work(Settings(device="cpu", qwen_vl_model=qwen_models.LARGE))
    assert work.calls <= qwen_vl.MAX_NEW_TOKENS
    assert 20 < work.tflop < 30 and work.weights_gb == 16.6
    assert work.read_gb == pytest.approx(16.6 * (work.calls - 1))


def test_the_work_grows_with_the_model_and_an_unknown_one_counts_as_the_largest_default():
    def work(name):
        return qwen_vl.QwenVL.work(Settings(device="cpu", qwen_vl_model=name))

    names = ("Qwen/Qwen3.5-0.8B", qwen_models.TINY, qwen_models.SMALL, qwen_models.LARGE)
    assert [work(name).tflop for name in names] == sorted(work(name).tflop for name in names)
    assert work("owner/finetuned") == work(qwen_models.LARGE)


def test_blip_states_its_work_too(monkeypatch):
    monkeypatch.setenv("DEVICE", "cpu")
    work = work_of("blip")
    assert work == blip.Blip.work(Settings())
    assert 0 < work.tflop < 1 and work.calls == 1 + blip.MAX_NEW_TOKENS and work.weights_gb == 0.99


# Download without loading --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "variable", "build"),
    [(qwen_vl, "QWEN_VL_MODEL", vision.build_qwen3_5), (blip, "BLIP_MODEL", vision.build_blip)],
)
def test_fetching_downloads_and_loads_nothing(backend, variable, build, use, checkpoint, monkeypatch, tmp_path):
    use(variable, checkpoint(build, seed=2))
    memory.forget_others()
    seen = []
    monkeypatch.setattr(backend, "fetch", lambda *_, on_step, **__: seen.append(on_step))
    model = backend.QwenVL() if backend is qwen_vl else backend.Blip()
    model.fetch(print)
    assert seen == [print]
    assert backend.NAME not in memory._residents
