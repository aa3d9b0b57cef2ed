"""A byte-pair vocabulary as large as that of a language model, built without a text to train it on."""

import random

# Shares of the lengths of tokens in characters, about those of English words with their space.
LENGTHS = {2: 1, 3: 8, 4: 13, 5: 15, 6: 15, 7: 13, 8: 11, 9: 8, 10: 6, 11: 4, 12: 3, 13: 2, 14: 1}
LONGEST_END = 4  # characters that a token adds to an earlier one
LETTERS = "ĠetaoinshrdlucmfwygpbvketaoinshrdluĠETAOINSHRD0123456789\",:.{}[]_-'()"


def byte_pairs(size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return vocabulary and merges. Each token after the single bytes joins two earlier ones.

    As in a real vocabulary, many tokens begin alike and some contain punctuation, which is what a grammar has to sort.
    """
    from tokenizers import pre_tokenizers

    draw = random.Random(0)
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet())
    known, merges = set(tokens), []
    of_length: dict[int, list[str]] = {1: list(LETTERS)}
    lengths, shares = list(LENGTHS), list(LENGTHS.values())
    while len(tokens) < size:
        length = draw.choices(lengths, shares)[0]
        end = draw.randint(1, min(LONGEST_END, length - 1))
        if not (of_length.get(length - end) and of_length.get(end)):
            continue
        pair = draw.choice(of_length[length - end]), draw.choice(of_length[end])
        token = "".join(pair)
        if token in known or "Ġ" in token[1:]:
            continue
        known.add(token)
        tokens.append(token)
        merges.append(pair)
        of_length.setdefault(length, []).append(token)
    return {token: place for place, token in enumerate(tokens)}, merges
