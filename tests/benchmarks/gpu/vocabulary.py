"""A byte-pair vocabulary as large as that of a language model. No text was needed to train it."""

import random

LONGEST = 16  # characters of a token


def byte_pairs(size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return vocabulary and merges. Each token after the bytes joins two earlier ones, mostly short ones and letters.

    A grammar meets the same kind of vocabulary as in a real model: many tokens begin alike, and some have punctuation.
    """
    from tokenizers import pre_tokenizers

    draw = random.Random(0)
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet())
    letters = [
        *"etaoinshrdlucmfwygpbvk" * 8,
        *"ETAOINSHRD0123456789",
        *['"', ",", ":", "{", "}", "[", "]", ".", "_", "Ġ"],
    ]
    known, merges = set(tokens), []
    joined = list(letters)  # where parts are drawn from
    while len(tokens) < size:
        pair = draw.choice(joined), draw.choice(joined)
        token = "".join(pair)
        if token in known or len(token) > LONGEST or "Ġ" in token[1:]:
            continue
        known.add(token)
        tokens.append(token)
        merges.append(pair)
        joined.append(token)
    return {token: place for place, token in enumerate(tokens)}, merges
