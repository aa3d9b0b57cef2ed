"""Documents: as they are written, as people and language models paste them, and as nobody may send them."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

RIVER = {"scene": "A river", "sources": [{"name": "river", "action": "rushing"}]}
TEXT = json.dumps(RIVER)
PRETTY = json.dumps(RIVER, indent=2)


def source(**fields: Any) -> bytes:
    return json.dumps({"sources": [{"name": "river", **fields}]}).encode()


def raw(fields: str) -> bytes:
    """A document with one source, whose further fields are written as they are."""
    return f'{{"sources": [{{"name": "river", {fields}}}]}}'.encode()


def text(words: str) -> Callable[[], bytes]:
    return partial(words.encode)


def many(count: int) -> bytes:
    return json.dumps({"sources": [{"name": f"river {number}"} for number in range(count)]}).encode()


OLDER = {
    "scene_description": "A river",
    "mood_description": "calm",
    "sound_sources": [
        {
            "name": "river",
            "variants": [{"play_method": "rushing", "timbre": "bright", "mapping_to_music_instrument": None}],
        }
    ],
}

FILES: dict[str, Callable[[], bytes]] = {
    # As they are written
    "plain.json": text(TEXT),
    "pretty.json": text(PRETTY),
    "older.json": lambda: json.dumps(OLDER).encode(),
    "mark.json": lambda: b"\xef\xbb\xbf" + TEXT.encode(),
    "utf16.json": lambda: TEXT.encode("utf-16"),
    "utf16_little.json": lambda: TEXT.encode("utf-16-le"),
    "windows.json": lambda: TEXT.replace("A river", "Ein Flüsschen").encode("cp1252"),
    "scripts.json": lambda: source(material="नदी 川 река 🌊"),
    # As they are pasted
    "fence.json": text(f"```json\n{PRETTY}\n```"),
    "prose.json": text(f"Here is the soundscape you asked for:\n\n```json\n{PRETTY}\n```\n\nEnjoy!"),
    "trailing_comma.json": text('{"sources": [{"name": "river", "action": "rushing",},],}'),
    "comments.json": text('{"sources": [ // all of them\n{"name": "river" /* wide */}]}'),
    "curly_quotes.json": text("{“sources”: [{“name”: “river”}]}"),
    "single_quotes.json": text("{'sources': [{'name': 'river'}]}"),
    "null.json": lambda: source(distance_m=None, gain_db=None, material=None),
    "quoted_numbers.json": lambda: source(gain_db="-3", distance_m="12.5"),
    "reversed_box.json": lambda: source(box=[0.9, 0.8, 0.1, 0.2]),
    "hexadecimal.json": lambda: raw('"distance_m": 0x10'),
    # What is not certain
    "two_objects.json": text(f"{TEXT}\n{TEXT}"),
    "after.json": text(f"{TEXT} and more"),
    "cut.json": text(PRETTY[:-8]),
    "empty.json": bytes,
    "spaces.json": text("   \n\t "),
    "prose_only.json": text("I am sorry, but I cannot hear pictures."),
    "array.json": text("[1, 2, 3]"),
    "string.json": text('"river"'),
    "number.json": text("7"),
    "null_alone.json": text("null"),
    "duplicate_keys.json": text('{"sources": [{"name": "river", "name": "sea"}]}'),
    "not_a_number.json": lambda: raw('"gain_db": NaN'),
    "infinite.json": lambda: raw('"distance_m": Infinity'),
    "overflow.json": lambda: raw('"distance_m": 1e999'),
    "unknown_field.json": lambda: source(loudness=3),
    "no_sources.json": text('{"scene": "A river"}'),
    "no_name.json": text('{"sources": [{"action": "rushing"}]}'),
    "empty_name.json": text('{"sources": [{"name": "  "}]}'),
    "nine.json": partial(many, 9),
    "eight.json": partial(many, 8),
    "far.json": lambda: source(distance_m=1e6),
    "boolean.json": lambda: source(gain_db=True),
    "list_for_text.json": lambda: source(action=["rushing"]),
    "box_of_three.json": lambda: source(box=[0, 0, 1]),
    "box_outside.json": lambda: source(box=[-1, 0, 2, 1]),
    "long_name.json": lambda: source(material="w" * 61),
    "control.json": lambda: source(material="water\u0000"),
    "surrogate.json": lambda: raw('"material": "\\ud800"'),
    "bad_escape.json": lambda: raw('"material": "\\x"'),
    "line_break.json": lambda: raw('"material": "two\nlines"'),
    # What would cost too much
    "deep.json": text("[" * 60_000),
    "deep_objects.json": text('{"sources":' * 5000),
    "long.json": lambda: source(material="w" * 70_000),
    "long_number.json": lambda: raw(f'"distance_m": {"9" * 50_000}'),
    "backslashes.json": lambda: raw('"material": "' + "\\" * 60_000),
    "quotes.json": text("'" * 60_000),
    "fences.json": text("```" * 20_000),
    "comments_open.json": text("/*" * 30_000),
    "binary.json": lambda: bytes(range(256)) * 16,
    "zeros.json": partial(bytes, 4096),
}
