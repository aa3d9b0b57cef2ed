"""Manifests of results from elsewhere: of older versions, edited, broken, or made to do harm."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from .bundles import manifest


def changed(**fields: Any) -> bytes:
    return json.dumps(manifest() | fields).encode()


def without(*names: str) -> bytes:
    return json.dumps({name: value for name, value in manifest().items() if name not in names}).encode()


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"

FILES: dict[str, Callable[[], bytes]] = {
    "plain.json": changed,
    "older.json": partial(without, "options", "checks", "senses", "versions", "stems"),
    "no_audio.json": partial(changed, audio=None, seed=None),
    "unknown_model.json": lambda: changed(audio=manifest()["audio"] | {"backend": "from the future"}),
    "later_format.json": partial(changed, format=2, more={"deep": [1]}),
    "script.json": lambda: changed(warnings=[SCRIPT], audio=manifest()["audio"] | {"model": SCRIPT, "licence": SCRIPT}),
    "wrong_types.json": partial(changed, seed="seven", duration_s=[1], warnings="none", options=[], checks=3, stems={}),
    "huge_numbers.json": partial(changed, seed=2**80, duration_s=1e308, loudness_lufs=-1e308),
    "negative.json": partial(changed, seed=-1, duration_s=-10),
    "empty.json": bytes,
    "array.json": lambda: b"[]",
    "null.json": lambda: b"null",
    "not_a_number.json": lambda: json.dumps(manifest() | {"seed": float("nan")}).encode(),
    "duplicate_keys.json": lambda: b'{"seed": 1, "seed": 2}',
    "cut.json": lambda: changed()[:200],
    "deep.json": lambda: b'{"seed":' * 50_000,
    "long_number.json": lambda: b'{"seed": ' + b"9" * 100_000 + b"}",
    "binary.json": lambda: bytes(range(256)) * 8,
    "long.json": partial(bytes, 2_000_000),
}
