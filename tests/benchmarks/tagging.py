"""How well the tagger hears labelled photographs: python -m tests.benchmarks.tagging FOLDER

FOLDER holds pictures and a labels.json:

    {"harbour_1": {"acceptable": ["wave", "gull", "wind", "boat"],        may be heard there
                   "absurd": ["traffic", "dog"],                          must not be named
                   "boxes": {"boat": [0.2, 0.4, 0.7, 0.8]}}}              optional: x0 y0 x1 y1 in shares of the picture

The key is the file's name without its ending. A label stands for a source when each of its words begins or ends a word
of the source's name, material or action ("gull" in "seagulls"); plural and singular are the same. `absurd` and
`boxes` may be left out. The box error is the distance of the box centres, in shares of the picture's sides.
"""

import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pipeline.backends.tagger import Tagger
from pipeline.errors import SoundscapeError
from pipeline.picture import load_picture
from pipeline.soundscape import Box, Soundscape, Source

GOALS = {"first acceptable": 0.9, "sources acceptable": 0.85, "boxes within 0.15": 0.5}
NEAR = 0.15


@dataclass(frozen=True)
class Verdict:
    stem: str
    soundscape: Soundscape
    acceptable: tuple[bool, ...]  # for each source
    absurd: tuple[bool, ...]
    box_errors: tuple[float, ...]  # one for each annotated thing; 1 where it got no box
    seconds: float


def stands_for(label: str, source: Source) -> bool:
    """Tell whether each word of a label begins or ends a word of what the source says."""
    said = f"{source.name} {source.material} {source.action}".lower().split()
    wanted = [word.removesuffix("s") for word in label.lower().replace("_", " ").split()]
    return all(any(word.startswith(part) or word.removesuffix("s").endswith(part) for word in said) for part in wanted)


def judge(stem: str, soundscape: Soundscape, labels: dict, seconds: float) -> Verdict:
    def any_of(name: str) -> tuple[bool, ...]:
        return tuple(any(stands_for(label, source) for label in labels.get(name, ())) for source in soundscape.sources)

    errors = tuple(box_error(soundscape, label, box) for label, box in labels.get("boxes", {}).items())
    return Verdict(stem, soundscape, any_of("acceptable"), any_of("absurd"), errors, seconds)


def box_error(soundscape: Soundscape, label: str, box: Box) -> float:
    """Return how far the centre of the first box of such a source is off; 1 when there is none."""
    boxes = [source.box for source in soundscape.sources if source.box and stands_for(label, source)]
    if not boxes:
        return 1.0
    across, down = ((boxes[0][i] + boxes[0][i + 2] - box[i] - box[i + 2]) / 2 for i in (0, 1))
    return (across**2 + down**2) ** 0.5


def run(folder: Path) -> list[Verdict]:
    """Describe every labelled picture of the folder, and print a line for each."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    files = {
        path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() not in (".json", ".txt", ".md")
    }
    tagger = Tagger()
    tagger.describe(Image.new("RGB", (512, 384)))  # loads the network, which is not to be timed
    verdicts = []
    for stem, entry in sorted(labels.items()):
        if stem not in files:
            print(f"{stem}: no such picture", file=sys.stderr)
            continue
        start = time.perf_counter()
        try:
            soundscape = tagger.describe(load_picture(files[stem]))
        except SoundscapeError as error:
            print(f"{stem}: {error}", file=sys.stderr)
            continue
        verdicts.append(judge(stem, soundscape, entry, time.perf_counter() - start))
        print(line(verdicts[-1]))
    return verdicts


def line(verdict: Verdict) -> str:
    marks = ["!" if bad else "" if good else "?" for good, bad in zip(verdict.acceptable, verdict.absurd, strict=True)]
    named = ", ".join(
        f"{mark}{source.name} {source.confidence:.2f}"
        for mark, source in zip(marks, verdict.soundscape.sources, strict=True)
    )
    errors = " ".join(f"box {error:.2f}" for error in verdict.box_errors)
    return f"{verdict.stem[:28]:28} {verdict.seconds:5.2f} s  {named}  {errors}"


def totals(verdicts: list[Verdict]) -> dict[str, float]:
    listed = [good for verdict in verdicts for good in verdict.acceptable]
    errors = [error for verdict in verdicts for error in verdict.box_errors]
    found = {
        "first acceptable": sum(verdict.acceptable[0] for verdict in verdicts) / len(verdicts),
        "sources acceptable": sum(listed) / len(listed),
        "absurd": sum(sum(verdict.absurd) for verdict in verdicts),
        "median s": statistics.median(verdict.seconds for verdict in verdicts),
    }
    if errors:
        found["boxes within 0.15"] = sum(error < NEAR for error in errors) / len(errors)
    return found


def reliability(verdicts: list[Verdict]) -> None:
    """Print how often sources of each confidence are acceptable: honest figures rise together."""
    pairs = [
        (source.confidence, good)
        for verdict in verdicts
        for source, good in zip(verdict.soundscape.sources, verdict.acceptable, strict=True)
    ]
    print("\nconfidence   sources   acceptable")
    for low, high in ((0, 0.2), (0.2, 0.35), (0.35, 0.5), (0.5, 0.7), (0.7, 1.01)):
        inside = [good for confidence, good in pairs if low <= confidence < high]
        if inside:
            print(f"{low:.2f}-{min(high, 1):.2f}    {len(inside):7}   {sum(inside) / len(inside):10.0%}")


def main() -> int:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print(__doc__)
        return 2
    verdicts = run(Path(sys.argv[1]))
    if not verdicts:
        print("No labelled picture was found.", file=sys.stderr)
        return 1
    print(f"\n{len(verdicts)} pictures; '?' marks a source that no label allows, '!' an absurd one")
    for name, value in totals(verdicts).items():
        goal = f"   goal >= {GOALS[name]:g}" if name in GOALS else ""
        print(f"{name:20} {value:6.2f}{goal}")
    reliability(verdicts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
