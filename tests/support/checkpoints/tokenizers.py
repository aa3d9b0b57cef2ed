"""Tiny tokenizers, built identically on every run and without a network."""

import json
import re
from typing import Any

CORPUS = """
a mountain river rushing over boulders under tall pines while birds call in the distance
a rainy street at night with cars passing by and water dripping from the gutters
gentle wind moving through tall grass, leaves rustling, insects humming
waves crash on a rocky shore, seagulls call overhead, a ship horn far away
a kettle boils in a small kitchen, a clock ticks, cups clink on the table
low quality, average quality, music, speech, noise
{"scene": "a beach at dusk", "mood": "calm", "space": "open", "sources": [{"name": "waves", "material": "water",
"action": "crashing", "timbre": ["deep"], "role": "bed", "bbox_2d": null, "distance_m": 8, "confidence": 0.9}]}
0 1 2 3 4 5 6 7 8 9 . , ; : ! ? ' " ( ) [ ] { } - _ / true false null
""".strip().splitlines()


def byte_pairs(size: int, *, first: tuple[str, ...] = ()) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return vocabulary and merges of a byte-level BPE (GPT2, RoBERTa, Qwen2), with `first` as its first tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(first), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    return model["vocab"], merges


def word_pieces(specials: tuple[str, ...] = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")) -> dict[str, int]:
    """Return a WordPiece vocabulary (BERT). It is not trained: the trainer breaks ties in hash order, which varies."""
    words = _words(r"[a-z]+|[^a-z\s]", lower=True)
    letters = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789") | {letter for word in words for letter in word})
    tokens = [*specials, *letters, *(f"##{letter}" for letter in letters), *words]
    return {token: place for place, token in enumerate(dict.fromkeys(tokens))}


def unigrams() -> list[tuple[str, float]]:
    """Return the pieces and scores of a Unigram model (T5), not trained for the same reason."""
    words = _words(r"[A-Za-z]+", lower=False)
    letters = sorted({letter for line in CORPUS for letter in line if not letter.isspace()})
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    return pieces + [(letter, -9.0) for letter in letters] + [(f"▁{word}", -6.0) for word in words]


def gemma() -> Any:
    """Return a Gemma tokenizer (T5Gemma, SigLIP 2): byte-pair encoding with a marker for spaces."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import GemmaTokenizer

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    return GemmaTokenizer(vocab=model["vocab"], merges=merges, model_max_length=256)


def _words(pattern: str, *, lower: bool) -> list[str]:
    return sorted({word for line in CORPUS for word in re.findall(pattern, line.lower() if lower else line)})
