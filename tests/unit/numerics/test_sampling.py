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
