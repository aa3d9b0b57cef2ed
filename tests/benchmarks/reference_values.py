"""Measures the figures of pictures and sounds of this project, as a reference for the card "How well does it fit?".

    python -m tests.benchmarks.reference_values            writes pipeline/quality/reference_values.json

Pictures: the eight examples. Sounds: the soundscapes of the examples from the embedded synthesiser, 10 s each, with
three seeds, and every kind of its catalogue alone, 10 s, mixed as a source of its usual role five metres away. This
takes about two minutes on one core. Run it again after changes of the synthesiser or of pipeline/quality/features.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.audio import Clip
from pipeline.kinds.catalogue import all_kinds
from pipeline.mixing.mix import mixdown
from pipeline.picture import load_picture
from pipeline.procedural import synthesize_kind
from pipeline.quality.features import of_picture, of_sound
from pipeline.soundscape import Soundscape, Source
from pipeline.synthesize import Stem, synthesize

ROOT = Path(__file__).parents[2]
FILE = ROOT / "pipeline" / "quality" / "reference_values.json"
SEEDS = (1, 2, 3)
DURATION_S = 10.0


def measure() -> dict[str, list[float]]:
    """Return the sorted values of every figure."""
    pictures = [of_picture(load_picture(path)) for path in example_pictures()]
    sounds = [of_sound(clip) for clip in clips()]
    values = {f"picture.{name}": [each[name] for each in pictures] for name in pictures[0]}
    values |= {f"sound.{name}": [each[name] for each in sounds] for name in sounds[0]}
    return {name: sorted(value for value in found if value is not None) for name, found in values.items()}


def example_pictures() -> list[Path]:
    """Return the pictures that have a description."""
    return [path for path in sorted((ROOT / "examples").glob("*.jpg")) if path.with_suffix(".json").is_file()]


def clips() -> Iterator[Clip]:
    """Yield the mixes one by one."""
    for path in example_pictures():
        soundscape = Soundscape.from_json(path.with_suffix(".json").read_text(encoding="utf-8"))
        for seed in SEEDS:
            stems = synthesize(soundscape, "procedural", duration_s=DURATION_S, seed=seed)
            yield mixdown(soundscape, stems).clip
    for kind in all_kinds():
        source = Source(name=kind.name.replace("_", " "), role=kind.role)
        stem = Stem(source, Clip(synthesize_kind(kind, DURATION_S, SEEDS[0])))
        yield mixdown(Soundscape(sources=(source,)), (stem,)).clip


def main() -> None:
    values = measure()
    about = "Written by tests/benchmarks/reference_values.py: sorted figures of the example pictures and sounds."
    FILE.write_text(json.dumps({"about": about, "values": values}) + "\n", encoding="utf-8")
    for name, found in values.items():
        print(f"{name:22s} {len(found):4d} values, {found[0]:g} to {found[-1]:g}, median {found[len(found) // 2]:g}")


if __name__ == "__main__":
    main()
