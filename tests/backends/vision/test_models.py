"""Qwen2.5-VL, Qwen3-VL, Qwen3.5 and BLIP with the real loading code and tiny checkpoints with random weights."""

import subprocess
import sys

import numpy as np
import pytest

from pipeline import backends
from pipeline.backends import Steps, memory
from pipeline.backends.vision import blip, instruction, qwen_vl
from pipeline.backends.vision.answer import FULL, pixels, thousandths
from pipeline.describe import describe
from pipeline.errors import Cancelled, SoundscapeError

from ...support.checkpoints import vision
from .conftest import QWENS, is_valid, picture


@pytest.fixture
def qwen(use, checkpoint):
    use("QWEN_VL_MODEL", checkpoint(vision.build_qwen2_5_vl, seed=2))
    return qwen_vl.QwenVL()


# A folder is enough --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QWENS)
def test_every_qwen_describes_a_picture_from_a_local_folder(name, use, checkpoint):
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    steps, loading = [], []
    report = Steps(lambda *step: steps.append(step), loading=lambda *step: loading.append(step))
    found = describe(picture(), "qwen2.5-vl", on_step=report)
    assert is_valid(found)
    assert steps == [(done, qwen_vl.MAX_NEW_TOKENS) for done in range(len(steps))] and len(steps) > 2
    tensors = loading[-1][1]
    assert loading[-1] == (tensors, tensors) and tensors > 50


def test_the_published_layout_is_the_same_model(use, checkpoint):
    """Its weights have older names, its config is flat, and the template for pictures is in another file."""
    found = []
    for build in (vision.build_qwen2_5_vl, vision.build_legacy_qwen2_5_vl):
        use("QWEN_VL_MODEL", checkpoint(build, seed=2))
        found.append(describe(picture(), "qwen2.5-vl"))
    assert found[0] == found[1]


def test_blip_describes_a_picture_from_a_local_folder(use, checkpoint):
    use("BLIP_MODEL", checkpoint(vision.build_blip))
    steps, loading = [], []
    report = Steps(lambda *step: steps.append(step), loading=lambda *step: loading.append(step))
    found = describe(picture(), "blip", on_step=report)
    assert is_valid(found) and found.scene
    assert steps == [(done, blip.MAX_NEW_TOKENS) for done in range(len(steps))] and len(steps) > 2
    assert loading[-1][0] == loading[-1][1] > 50, "the tensors"
    assert describe(picture(), "blip") == found, "the same picture, the same caption"


def test_fifty_descriptions_by_random_weights_are_valid_documents(use, checkpoint):
    described = []
    seeds = {vision.build_qwen2_5_vl: (0, 1), vision.build_qwen3_vl: (2, 3), vision.build_qwen3_5: (4,)}
    for build, seed in [(build, seed) for build, numbers in seeds.items() for seed in numbers]:
        use("QWEN_VL_MODEL", checkpoint(build, seed))
        pictures = [picture(60 + 40 * n, 200 - 15 * n, seed=n) for n in range(10)]
        described += qwen_vl.QwenVL().describe_batch(pictures)
    assert len(described) == 50 and all(is_valid(each) for each in described)


# The request ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QWENS)
def test_a_picture_takes_at_most_640_tokens(name, use, checkpoint):
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    with qwen_vl.QwenVL()._lent(None) as loaded:

        def tokens(width, height):
            grid = loaded.processor.image_processor(images=[picture(width, height)])["image_grid_thw"][0]
            return int(np.prod(grid)) // 4  # 2 x 2 patches are one token

        assert all(0 < tokens(*size) <= 640 for size in ((1365, 2048), (2048, 2048), (2048, 21), (30, 20)))
        assert 550 < tokens(2048, 1365) <= 640, "and uses them"


@pytest.mark.parametrize("name", QWENS)
def test_a_picture_of_any_shape_is_described(name, use, checkpoint):
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    qwen = qwen_vl.QwenVL()
    assert is_valid(qwen.describe(picture(2048, 3)))
    assert is_valid(qwen.describe(picture(1, 1)))
    assert is_valid(qwen.describe(picture().convert("L")))


def test_positions_are_asked_for_as_each_model_was_trained(qwen, use, checkpoint):
    with qwen._lent(None) as loaded:
        frame = loaded.frame(picture(280, 140))
        assert (frame.width, frame.height) == (280, 140), "a size that needs no rounding stays"
        large = loaded.frame(picture(2048, 1365))
        assert large.width % 28 == 0 and large.width * large.height <= 640 * 28 * 28
    for build in (vision.build_qwen3_vl, vision.build_qwen3_5):
        use("QWEN_VL_MODEL", checkpoint(build))
        with qwen_vl.QwenVL()._lent(None) as loaded:
            assert loaded.frame(picture(2048, 1365)) == thousandths()


def test_editing_the_instruction_changes_the_request(qwen, monkeypatch, tmp_path):
    def request():
        (message,) = qwen.request(picture(), pixels(280, 140), FULL)
        return message["content"][1]["text"]

    before = request()
    assert "280 pixels wide" in before and "at most 8" in before
    edited = tmp_path / "describe.txt"
    edited.write_text(instruction.TEMPLATE.read_text() + "\nLeave out insects.")
    monkeypatch.setattr(instruction, "TEMPLATE", edited)
    assert request() == f"{before}\n\nLeave out insects."


def test_the_instruction_reaches_the_model(qwen, monkeypatch):
    """Not only the request changes: other words give other input tokens."""
    seen = []
    with qwen._lent(None) as loaded:
        generate = loaded.model.generate
        monkeypatch.setattr(loaded.model, "generate", lambda **inputs: seen.append(inputs) or generate(**inputs))
        qwen.describe(picture())
        text = loaded.processor.decode(seen[0]["input_ids"][0])
        monkeypatch.undo()
    assert "You listen to pictures" in text and text.endswith("<|im_start|>assistant\n")
    assert text.count("<|image_pad|>") == int(np.prod(seen[0]["image_grid_thw"][0].tolist())) // 4
    assert seen[0]["do_sample"] is False


# A batch -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QWENS)
def test_a_batch_is_one_call_and_says_the_same_as_one_by_one(name, use, checkpoint, monkeypatch):
    """The shorter questions are padded on the left, which neither attention nor linear attention may notice."""
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    qwen = qwen_vl.QwenVL()
    pictures = [picture(160, 120), picture(60, 200, seed=1), picture(300, 80, seed=2)]
    alone = [qwen.describe(each) for each in pictures]
    with qwen._lent(None) as loaded:
        calls, generate = [], loaded.model.generate
        monkeypatch.setattr(loaded.model, "generate", lambda **inputs: calls.append(inputs) or generate(**inputs))
        together = qwen.describe_batch(pictures)
    assert [len(inputs["input_ids"]) for inputs in calls] == [3]
    assert len(set(calls[0]["attention_mask"].sum(1).tolist())) == 3, "of three lengths"
    assert together == alone


def test_when_memory_runs_out_the_batch_is_halved_and_the_next_job_works(qwen, monkeypatch):
    pictures = [picture(seed=n) for n in range(4)]
    expected = qwen.describe_batch(pictures)
    sizes = []
    with qwen._lent(None) as loaded:
        generate = loaded.model.generate

        def scarce(**inputs):
            sizes.append(len(inputs["input_ids"]))
            if sizes[-1] > 2:
                raise RuntimeError("CUDA out of memory")
            return generate(**inputs)

        monkeypatch.setattr(loaded.model, "generate", scarce)
        assert qwen.describe_batch(pictures) == expected
        assert sizes == [4, 2, 2]


def test_half_precision_where_memory_is_short(use, checkpoint, monkeypatch):
    import torch

    for build in (vision.build_qwen2_5_vl, vision.build_qwen3_vl, vision.build_qwen3_5):
        use("QWEN_VL_MODEL", checkpoint(build, seed=2))
        memory.forget(qwen_vl.NAME)
        with monkeypatch.context() as scarce:
            scarce.setattr(memory, "free_gb", lambda device: 0.0)
            with qwen_vl.QwenVL()._lent(None) as loaded:
                assert loaded.model.dtype == torch.bfloat16
            assert all(is_valid(each) for each in qwen_vl.QwenVL().describe_batch([picture(), picture(90, 300)]))
        memory.forget(qwen_vl.NAME)


# Endings -------------------------------------------------------------------------------------------------------------


def test_a_cut_answer_is_asked_for_again_with_a_shorter_demand(qwen, monkeypatch):
    demands, answers = [], iter(['{"scene": "A river and its', "as it was"])
    asked = qwen_vl.QwenVL._answers

    def first_cut(self, loaded, pictures, frames, demand, on_step):
        demands.append(demand)
        texts = asked(self, loaded, pictures, frames, demand, on_step)
        return [next(answers)] if len(demands) == 1 else texts

    monkeypatch.setattr(qwen_vl.QwenVL, "_answers", first_cut)
    assert is_valid(qwen.describe(picture()))
    assert [demand.sources for demand in demands] == [8, 3]
    assert demands[1].scene < demands[0].scene and demands[1].words < demands[0].words


def test_an_answer_that_never_ends_is_a_clear_error(qwen, monkeypatch):
    monkeypatch.setattr(qwen_vl, "MAX_NEW_TOKENS", 20)
    steps = []
    with pytest.raises(SoundscapeError, match="did not finish its answer within 20 tokens"):
        qwen.describe(picture(), on_step=lambda done, total: steps.append(done))
    assert [step for step in steps if step] == [*range(1, 21), *range(1, 21)], "two tries of 20 tokens"


def test_only_the_cut_answers_of_a_batch_are_asked_for_again(qwen, monkeypatch):
    sizes, asked = [], qwen_vl.QwenVL._answers

    def second_cut(self, loaded, pictures, *rest):
        texts = asked(self, loaded, pictures, *rest)
        sizes.append(len(pictures))
        return [texts[0], texts[1][:30], texts[2]] if len(sizes) == 1 else texts

    monkeypatch.setattr(qwen_vl.QwenVL, "_answers", second_cut)
    assert all(is_valid(each) for each in qwen.describe_batch([picture(seed=n) for n in range(3)]))
    assert sizes == [3, 1]


@pytest.mark.parametrize("name", ["qwen2.5-vl", "blip"])
def test_cancelling_stops_within_one_step(name, use, checkpoint):
    use("QWEN_VL_MODEL", checkpoint(vision.build_qwen2_5_vl, seed=2))
    use("BLIP_MODEL", checkpoint(vision.build_blip))
    describe(picture(), name)
    steps = []

    def stop_at_five(done, total):
        steps.append(done)
        if done == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        describe(picture(), name, on_step=stop_at_five)
    assert max(steps) == 5
    assert is_valid(describe(picture(), name)), "the next job works"


def test_numbers_that_are_not_finite_are_a_clear_error(qwen):
    import torch

    with qwen._lent(None) as loaded:
        norm = loaded.model.get_decoder().norm.weight
        kept = norm.data.clone()
        norm.data.fill_(torch.nan)
        try:
            with pytest.raises(SoundscapeError, match="invalid numbers"):
                qwen.describe(picture())
        finally:
            norm.data.copy_(kept)


# Why not --------------------------------------------------------------------------------------------------------------


def test_a_model_that_cannot_be_had_keeps_the_others_usable(monkeypatch, use, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("QWEN_VL_MODEL", raising=False)
    use("BLIP_MODEL", tmp_path / "nowhere")
    with pytest.raises(SoundscapeError, match=r"qwen2\.5-vl cannot run here: .*not on this machine"):
        describe(picture(), "qwen2.5-vl")
    with pytest.raises(SoundscapeError, match="blip cannot run here: There is no folder"):
        describe(picture(), "blip")
    assert not backends.card("tagger").reason


def test_a_model_of_another_family_is_named(use, checkpoint):
    use("QWEN_VL_MODEL", checkpoint(vision.build_blip))
    with pytest.raises(SoundscapeError, match="is a blip model, not Qwen-VL"):
        describe(picture(), "qwen2.5-vl")
    use("BLIP_MODEL", checkpoint(vision.build_qwen2_5_vl))
    with pytest.raises(SoundscapeError, match="is a qwen2_5_vl model, not BLIP"):
        describe(picture(), "blip")


def test_a_folder_with_a_damaged_file_is_a_clear_error(use, tmp_path):
    vision.build_blip(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    use("BLIP_MODEL", tmp_path)
    with pytest.raises(SoundscapeError, match="damaged"):
        describe(picture(), "blip")


def test_a_checkpoint_without_some_weights_is_a_clear_error(use, tmp_path):
    """transformers alone would fill them with random numbers and continue."""
    from safetensors.torch import load_file, save_file

    path = vision.build_qwen2_5_vl(tmp_path) / "model.safetensors"
    weights = load_file(path)
    del weights[next(name for name in weights if name.endswith("norm.weight"))]
    save_file(weights, path, metadata={"format": "pt"})
    use("QWEN_VL_MODEL", tmp_path)
    with pytest.raises(SoundscapeError, match="incomplete: 1 of its weights"):
        describe(picture(), "qwen2.5-vl")


def test_a_model_that_transformers_does_not_know_is_a_clear_error(use, tmp_path):
    vision.build_blip(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "from_the_future"}')
    use("BLIP_MODEL", tmp_path)
    with pytest.raises(SoundscapeError, match="upgrade transformers"):
        describe(picture(), "blip")


def test_a_gated_model_says_what_to_click_and_set(use, monkeypatch, checkpoint):
    from huggingface_hub.errors import GatedRepoError

    class Refusal:
        status_code, headers, request = 403, {}, None

    def refuse(*_, **__):
        raise OSError("You are trying to access a gated repo.") from GatedRepoError("no", response=Refusal())

    use("BLIP_MODEL", checkpoint(vision.build_blip))
    memory.forget(blip.NAME)
    monkeypatch.setattr(blip, "fetch", refuse)
    with pytest.raises(SoundscapeError, match=r"Accept its licence at https://huggingface\.co/.*HF_TOKEN"):
        describe(picture(), "blip")
    monkeypatch.undo()
    use("BLIP_MODEL", checkpoint(vision.build_blip))
    assert is_valid(describe(picture(), "blip"))


def test_nothing_heavy_is_imported_before_a_model_is_used():
    code = (
        "import sys; from pipeline.backends.vision import blip, qwen_vl; from pipeline.settings import read_settings;"
        "qwen_vl.QwenVL(), blip.Blip(), qwen_vl.QwenVL.card(read_settings()), blip.Blip.card(read_settings());"
        "print([name for name in ('torch', 'transformers', 'llguidance', 'numpy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() in ("[]", "['numpy']")
