"""Samples that are drawn or spread out: intervals that hold the truth as often as they say."""

import numpy as np
import pytest

from itcortex.numerics import sampling


@pytest.mark.parametrize(
    ("count", "wanted", "expected"), [(120, 3, [0, 60, 119]), (2, 5, [0, 1]), (1, 1, [0])]
)
def test_examples_are_spread_over_the_set(count, wanted, expected):
    assert sampling.spread(count, wanted) == expected


def test_bootstrap_covers_the_true_mean():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        low, high = sampling.bootstrap_mean(rng.normal(0.3, 0.2, 60), 300, rng)
        hits += low <= 0.3 <= high
    assert 0.90 <= hits / 200 <= 0.99  # nominal .95, sd .015


def test_halves_of_trials_are_means_of_disjoint_trials_that_exist(rng):
    trials = rng.standard_normal((50, 3, 5))
    trials[7, 1, 2:] = np.nan  # two are left
    trials[8, 2, 1:] = np.nan  # one is left
    first, second = sampling.random_halves(trials, rng)
    whole = (2 * first + 3 * second) / 5  # of five trials, two and three
    full = np.isfinite(trials).all(-1)
    np.testing.assert_allclose(whole[full], trials.mean(-1)[full])
    assert sorted([first[7, 1], second[7, 1]]) == pytest.approx(sorted(trials[7, 1, :2]))
    assert np.isnan(first[8, 2]) and np.isnan(second[8, 2])
    assert np.isfinite(first).sum() == first.size - 1
