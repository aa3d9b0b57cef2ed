"""Trees for the tests of the study, and helpers that these tests share."""

import csv

import numpy as np

from pipeline.soundscape import Soundscape, Source
from pipeline.study.study import make_study

from .trees import write_small

OTHER = {"backend": "audioldm2", "model": "cvssp/audioldm2"}
RIVER = Soundscape(scene="A river", sources=(Source(name="river"),))


def make_tree(root, variants, *, checks=None, soundscape=RIVER, **manifest):
    """Write one result per picture variant. `checks` maps the place of the result to its figures."""
    for place, variant in enumerate(variants):
        extra = {"checks": checks(place)} if checks else {}
        write_small(root / f"picture{variant:02d}", soundscape, variant=variant, **manifest, **extra)
    return root


def study_of(*roots, **options):
    return make_study(roots, **options)


def row_of(comparison, figure):
    return next(row for row in comparison.rows if row.figure == figure)


def make_two(tmp_path):
    """Write two trees of the same twelve pictures. In the second the high band is higher by 1, 2, ... dB."""
    rng = np.random.default_rng(5)
    base = rng.normal(-20, 5, size=12)
    noise = rng.normal(size=12)
    a = make_tree(tmp_path / "a", range(12), checks=lambda n: {"high_band_db": base[n], "repetition": 0.5})
    b = make_tree(
        tmp_path / "b",
        range(12),
        checks=lambda n: {"high_band_db": base[n] + 1 + n, "repetition": 0.5 + noise[n] / 100},
        audio=OTHER,
    )
    return a, b


def write_csv(path, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path
