"""Ranks of a true pair among shuffled ones."""

import numpy as np
import pytest

from pipeline.quality import coherence
from pipeline.quality.coherence import rank_among


@pytest.mark.parametrize(
    ("own", "others", "rank", "percentile"),
    [
        (0.9, [0.1, 0.2, 0.3, 0.4], 1, 100),
        (0.0, [0.1, 0.2, 0.3, 0.4], 5, 0),
        (0.25, [0.1, 0.2, 0.3, 0.4], 3, 50),
        (0.3, [0.3, 0.3, 0.3, 0.3], 3, 50),  # all the same: chance
        (0.3, [0.3, 0.1, 0.1, 0.5], 2.5, 62.5),  # a tie counts half
        (0.3, [], 1, 50),
    ],
)
def test_a_rank_counts_those_above_and_half_of_the_equal(own, others, rank, percentile):
    found = rank_among(own, others)
    assert (found.rank, found.percentile, found.others) == (rank, percentile, len(others))


def test_ranks_of_random_pairs_are_chance_on_average():
    rng = np.random.default_rng(0)
    percentiles = [rank_among(rng.random(), rng.random(40)).percentile for _ in range(500)]
    assert np.mean(percentiles) == pytest.approx(50, abs=3)


def test_many_others_are_drawn_by_a_seed_and_never_hold_the_own_text(monkeypatch):
    monkeypatch.setattr(coherence, "MOST_OTHERS", 30)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((100, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pool = coherence._Pool(rows, None)
    first = [pool.rank(place, rows[place], f"r{place}") for place in range(100)]
    assert first == [pool.rank(place, rows[place], f"r{place}") for place in range(100)]
    assert all(rank.rank == 1 and rank.percentile == 100 and rank.others == 30 for rank in first), "itself fits best"
    scores = {pool.rank(3, rows[7], f"seed {number}").percentile for number in range(20)}
    assert len(scores) > 1, "another seed draws others"
