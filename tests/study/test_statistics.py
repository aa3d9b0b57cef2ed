"""The statistics of a study, compared with SciPy and with values computed by hand."""

import numpy as np
import pytest
from scipy import stats

from pipeline.study import statistics
from pipeline.study.statistics import difference, holm, krippendorff_alpha

# The example of Krippendorff (2011): four raters, twelve units, 0 for a missing rating.
RATERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
UNITS = [[rating for rating in unit if rating] for unit in zip(*RATERS)]


def test_a_difference_is_what_scipy_says_of_the_pairs():
    rng = np.random.default_rng(1)
    a = rng.normal(size=30)
    b = a + 0.4 + rng.normal(size=30)
    found = difference(a, b)
    assert found.median == pytest.approx(np.median(b - a), rel=1e-6)
    assert found.p == pytest.approx(stats.wilcoxon(b - a).pvalue, rel=1e-6)
    assert found.low < found.median < found.high
    assert (found.median_a, found.median_b) == (np.median(a), np.median(b))


def test_the_effect_is_the_share_of_ranks_for_b_less_those_against():
    # Differences 1 2 3 4 5 -6: ranks 15 in favour and 6 against, of 21.
    found = difference([0] * 6, [1, 2, 3, 4, 5, -6])
    assert found.effect == pytest.approx((15 - 6) / 21)
    assert difference([0] * 6, [1, 2, 3, 4, 5, 6]).effect == 1
    assert difference(range(6), range(6)).effect == 0
    # Five equal pairs share the ranks 1 to 5; the one difference has rank 6, of 21.
    assert difference([0] * 6, [0, 0, 0, 0, 0, 9]).effect == pytest.approx(6 / 21)


def test_pairs_without_a_difference_are_dropped_from_the_test_as_wilcoxon_did():
    moved = np.array([1.0, 2.0, 3.0, -4.0, 5.0, 6.0, 7.0])
    found = difference(np.zeros(10), np.concatenate([moved, np.zeros(3)]))
    assert found.p == pytest.approx(stats.wilcoxon(moved).pvalue)
    assert found.n == 10
    assert difference([3] * 8, [3] * 8).p == 1


def test_rounding_of_floating_point_makes_no_ranks():
    a = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert difference(a, a + 0.1 - 0.1).p == 1
    assert difference(a, a + 0.1).p == pytest.approx(stats.wilcoxon([1.0] * 8).pvalue)


@pytest.mark.parametrize("pairs", range(1, 6))
def test_fewer_than_six_pairs_are_never_tested(pairs):
    found = difference(range(pairs), range(10, 10 + pairs))
    assert (found.n, found.median) == (pairs, 10)
    assert (found.low, found.high, found.p, found.effect) == (None,) * 4


def test_six_pairs_are_the_least_that_can_fall_below_a_twentieth():
    assert stats.wilcoxon(range(1, 6)).pvalue > 0.05 > difference([0] * 6, [1, 2, 3, 4, 5, 6]).p


def test_the_bootstrap_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(60):
        found = difference(np.zeros(25), 1 + rng.normal(size=25))
        held += found.low <= 1 <= found.high
    assert 52 <= held <= 60


def test_the_same_seed_gives_the_same_interval():
    a, b = [0] * 9, [3, 1, 4, 1, 5, 9, 2, 6, 5]
    assert difference(a, b, seed=4) == difference(a, b, seed=4)


def test_holm_corrects_step_by_step():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04 raised to the previous value.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([None, 0.02, None, 0.04]) == pytest.approx([None, 0.04, None, 0.04])
    assert holm([]) == []


def test_so_few_pairs_cannot_pass_so_many_tests():
    assert statistics.can_tell(6, 1) and not statistics.can_tell(5, 1)
    assert not statistics.can_tell(9, 20) and statistics.can_tell(10, 20)


def test_krippendorffs_own_example_comes_out_as_printed():
    assert krippendorff_alpha(UNITS, ordinal=False) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(UNITS) == pytest.approx(0.815, abs=5e-4)


def test_raters_who_agree_have_alpha_one_and_those_who_contradict_have_less_than_none():
    assert krippendorff_alpha([[1, 1], [3, 3], [5, 5]]) == 1
    assert krippendorff_alpha([[1, 5], [5, 1], [1, 5]]) < 0


@pytest.mark.parametrize("units", [[], [[1], [5]], [[3, 3], [3, 3]]])
def test_there_is_no_agreement_where_nothing_was_rated_twice_or_nothing_differs(units):
    assert krippendorff_alpha(units) is None


def test_a_share_has_its_exact_interval():
    found = statistics.share(3, 10)
    interval = stats.binomtest(3, 10).proportion_ci()
    assert (found.low, found.high) == (interval.low, interval.high)
    assert found.p == pytest.approx(2 * stats.binom.cdf(3, 10, 0.5))


def test_a_mean_of_few_has_no_interval():
    assert statistics.mean([40, 60]) == statistics.Mean(2, 50, None, None)
    found = statistics.mean(range(40, 81))
    assert found.low < 60 < found.high
