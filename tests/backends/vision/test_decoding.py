"""Decoding: greedy, by the grammar and nothing else, whatever a checkpoint asks for."""

import json
import shutil

import pytest
from transformers import GenerationConfig, GenerationMixin

from pipeline.backends import memory
from pipeline.backends.vision import blip, qwen_vl

from ...support.checkpoints import vision
from .conftest import QWENS, is_valid, picture

# Everything in a generation_config.json that changes the choice of tokens, or when an answer ends.
SHAPING = {
    "do_sample": True,
    "temperature": 0.7,
    "top_k": 20,
    "top_p": 0.8,
    "min_p": 0.1,
    "typical_p": 0.9,
    "epsilon_cutoff": 0.01,
    "eta_cutoff": 0.01,
    "repetition_penalty": 1.05,
    "encoder_repetition_penalty": 1.05,
    "no_repeat_ngram_size": 2,
    "bad_words_ids": [[100]],
    "sequence_bias": [[[101], 5.0]],
    "suppress_tokens": [102],
    "begin_suppress_tokens": [103],
    "forced_eos_token_id": 1,
    "min_length": 900,
    "min_new_tokens": 900,
    "max_time": 1e-9,
    "exponential_decay_length_penalty": [5, 1.5],
    "remove_invalid_values": True,
    "renormalize_logits": True,
    "num_return_sequences": 2,
    "num_beams": 4,
    "length_penalty": 2.0,
    "early_stopping": True,
    "guidance_scale": 1.5,
}


@pytest.fixture
def shaped(tmp_path, checkpoint):
    """Return a copy of a checkpoint whose files ask for all of `SHAPING`."""

    def copy(build):
        folder = shutil.copytree(checkpoint(build, seed=2), tmp_path / build.__name__)
        path = folder / "generation_config.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        path.write_text(json.dumps(kept | SHAPING))
        if build is vision.build_blip:  # as in the public one, whose captions are written by the text part
            config = json.loads((folder / "config.json").read_text())
            config["text_config"] |= SHAPING
            (folder / "config.json").write_text(json.dumps(config))
        memory.forget_others()
        return folder

    return copy


@pytest.fixture
def active(monkeypatch):
    """The names of the logits processors and stopping criteria of each call of `generate`."""
    calls = []
    processors, criteria = GenerationMixin._get_logits_processor, GenerationMixin._get_stopping_criteria

    def spy(find, *arguments, **named):
        found = find(*arguments, **named)
        calls.append([type(each).__name__ for each in found])
        return found

    def spied(find):
        return lambda self, *arguments, **named: spy(find, self, *arguments, **named)

    monkeypatch.setattr(GenerationMixin, "_get_logits_processor", spied(processors))
    monkeypatch.setattr(GenerationMixin, "_get_stopping_criteria", spied(criteria))
    return calls


def test_the_settings_are_known_to_transformers():
    """A misspelt one would make the tests below say nothing."""
    assert set(SHAPING) <= set(GenerationConfig().to_dict())


@pytest.mark.parametrize("name", QWENS)
def test_only_the_grammar_shapes_an_answer(name, use, checkpoint, shaped, active):
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    plain = qwen_vl.QwenVL().describe(picture())
    active.clear()
    use("QWEN_VL_MODEL", shaped(QWENS[name]))
    assert qwen_vl.QwenVL().describe(picture()) == plain
    assert active == [["SchemaProcessor"], ["MaxLengthCriteria", "EosTokenCriteria", "StepCriteria"]]
    memory.forget_others()


def test_only_the_beams_shape_a_caption(use, checkpoint, shaped, active):
    use("BLIP_MODEL", checkpoint(vision.build_blip, seed=2))
    plain = blip.Blip().describe(picture())
    active.clear()
    use("BLIP_MODEL", shaped(vision.build_blip))
    assert blip.Blip().describe(picture()) == plain
    assert active == [[], ["MaxLengthCriteria", "EosTokenCriteria", "StepCriteria"]]
    memory.forget_others()


@pytest.mark.parametrize("name", QWENS)
def test_an_answer_ends_with_its_turn(name, use, checkpoint):
    """Qwen3.5 names only the end of a text. Without the end of a turn, every answer would take all tokens."""
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    steps = []
    assert is_valid(qwen_vl.QwenVL().describe(picture(), on_step=lambda done, total: steps.append(done)))
    assert max(steps) < qwen_vl.MAX_NEW_TOKENS
    with qwen_vl.QwenVL()._lent(None) as loaded:
        assert loaded.processor.tokenizer.eos_token_id in loaded.model.generation_config.eos_token_id


@pytest.mark.parametrize("name", QWENS)
def test_the_template_gets_only_the_options_that_it_knows(name, use, checkpoint, caplog):
    use("QWEN_VL_MODEL", checkpoint(QWENS[name], seed=2))
    qwen_vl.QwenVL().describe(picture())
    assert not [each for each in caplog.records if "processing" in each.name]


def test_qwen3_5_answers_without_thinking_first(use, checkpoint, monkeypatch):
    use("QWEN_VL_MODEL", checkpoint(vision.build_qwen3_5, seed=2))
    seen = []
    with qwen_vl.QwenVL()._lent(None) as loaded:
        generate = loaded.model.generate
        monkeypatch.setattr(loaded.model, "generate", lambda **inputs: seen.append(inputs) or generate(**inputs))
        qwen_vl.QwenVL().describe(picture())
        text = loaded.processor.decode(seen[0]["input_ids"][0])
        monkeypatch.undo()
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
