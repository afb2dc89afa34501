"""What unrelated numbers give: uniform p values, a centred null of the frontier, whole families."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from itcortex.tables import statistics
from itcortex.tables.nulls import holm, null_of, p_value, permuted_scores
from made.scores import networks


@pytest.fixture(scope="module")
def unrelated():
    """The null of three statistics on 60 tables without a trend: 10 families of 2 networks."""
    rng = np.random.default_rng(5)
    names = ("pearson", "frontier_slope", "slope")
    rows = {name: [] for name in names}
    for _ in range(60):
        top1, score, family = networks(rng, 10, 2, family_sd=1.0)
        for name in names:
            statistic = statistics.STATISTICS[name]
            found = null_of(statistic, top1, score, family, draws=39, rng=rng)
            rows[name].append(found | {"value": statistic(top1, score)})
    return {name: pd.DataFrame(some) for name, some in rows.items()}


@pytest.mark.parametrize("name", ["pearson", "frontier_slope", "slope"])
def test_p_values_without_a_trend_are_uniform(unrelated, name):
    # one such test in a thousand fails by chance; the seed is fixed
    assert kstest(unrelated[name]["p"], "uniform").pvalue > 0.001


def test_the_null_of_the_frontier_is_below_zero_and_centred_on_unrelated_values(unrelated):
    """The slope itself cannot be positive; against its null it is as often above as below."""
    frontier = unrelated["frontier_slope"]
    assert (frontier["null"] < 0).all() and (frontier["value"] <= 0).all()
    above = (frontier["value"] > frontier["null"]).sum()
    assert 17 <= above <= 43  # 30 are expected, sd 3.9: 3.4 sd
    inside = frontier["value"].between(frontier["null_low"], frontier["null_high"]).mean()
    assert inside > 0.85


def test_a_planted_fall_of_the_frontier_is_found(rng):
    top1 = rng.uniform(60, 85, 60)
    score = -0.02 * np.maximum(top1 - 65, 0) * (rng.random(60) < 0.5) - rng.uniform(0, 1, 60)
    score[top1 > 70] -= 0.08 * (top1[top1 > 70] - 70)
    found = null_of(
        statistics.frontier_slope, top1, score, np.arange(60).astype(str), draws=199, rng=rng
    )
    rank = null_of(statistics.pearson, top1, score, np.arange(60).astype(str), draws=199, rng=rng)
    assert rank["p"] == pytest.approx(2 / 200) and rank["null_low"] < 0 < rank["null_high"]
    assert found["null_low"] < found["null"] <= found["null_high"] <= 0


def test_permutations_keep_families_together(rng):
    _, score, family = networks(rng, 6, 4, family_sd=3.0, noise=0.1)
    drawn = permuted_scores(score, family, 30, rng)
    np.testing.assert_array_equal(drawn[0], score)
    _, index = np.unique(family, return_inverse=True)
    means = np.bincount(index, score) / 4
    for one in drawn[1:]:  # the means of families, in another order up to the deviations' means
        found = np.sort(np.bincount(index, one) / 4)
        np.testing.assert_allclose(found, np.sort(means), atol=0.4)
    alone = permuted_scores(score, np.arange(24).astype(str), 5, rng)
    np.testing.assert_allclose(
        np.sort(alone, axis=1), np.sort(score)[None].repeat(6, 0), atol=1e-12
    )


def test_a_p_value_counts_the_value_itself():
    assert p_value(np.array([3.0, 1, -2, -3.5])) == 2 / 4
    assert p_value(np.array([3.0, 1, np.nan])) == 1 / 2
    assert np.isnan(p_value(np.array([np.nan, 1])))


def test_holm_is_that_of_statsmodels(rng):
    from statsmodels.stats.multitest import multipletests

    table = pd.DataFrame({"p": np.r_[rng.uniform(0, 0.05, 9), 0.9, 0.9], "of": "a"})
    expected = multipletests(table["p"], method="holm")[1]
    np.testing.assert_allclose(holm(table, ["of"]), expected, atol=1e-12)


def test_holm_worked_out_by_hand():
    table = pd.DataFrame({"p": [0.01, 0.04, 0.03, np.nan, 0.2], "of": list("aaaab")})
    # three tests of a: .01 x 3, .03 x 2, then .04 x 1, never below the one before
    np.testing.assert_allclose(holm(table, ["of"]), [0.03, 0.06, 0.06, np.nan, 0.2])
