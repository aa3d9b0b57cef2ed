"""Decoding without the settings that a checkpoint brings along."""

from typing import Any

from transformers import GenerationConfig


def plain_config(model: Any, tokenizer: Any) -> Any:
    """Return a generation config that keeps only the token ids of the model and its tokenizer.

    A checkpoint's generation_config.json may ask for sampling, penalties or forbidden words. A repetition penalty, for
    example, disfavours digits, `null` and every other word of a JSON answer that came before. Some checkpoints have no
    such file; then only the tokenizer knows the end of an answer.
    """
    configs: Any = GenerationConfig  # its constructor has no types
    own = model.generation_config
    ends = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
    return configs(
        bos_token_id=own.bos_token_id,
        eos_token_id=sorted({each for each in (*ends, tokenizer.eos_token_id) if each is not None}) or None,
        pad_token_id=tokenizer.pad_token_id if own.pad_token_id is None else own.pad_token_id,
    )
