"""Metrics against scipy and scikit-learn, and the policy for what is undefined."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import explained_variance_score

from itcortex.errors import UserError
from itcortex.numerics import metrics, sampling


@pytest.fixture
def pair(rng):
    recorded = rng.standard_normal((60, 5)).round(1)  # rounded: ties for Spearman
    return recorded, recorded + rng.standard_normal((60, 5))


def test_metrics_equal_scipy_and_scikit_learn(pair):
    recorded, predicted = pair
    for site in range(5):
        a, b = recorded[:, site], predicted[:, site]
        assert metrics.pearson(*pair)[site] == pytest.approx(stats.pearsonr(a, b)[0], abs=1e-12)
        assert metrics.spearman(*pair)[site] == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-12)
        assert metrics.explained_variance(*pair)[site] == pytest.approx(
            explained_variance_score(a, b), abs=1e-12
        )


@pytest.mark.parametrize("value", [0.0, 3.3, 1e9])
def test_a_site_that_does_not_vary_is_undefined_and_such_a_prediction_is_zero(pair, value):
    recorded, predicted = pair[0].copy(), pair[1].copy()
    recorded[:, 1] = value
    predicted[:, 2] = value
    for metric in metrics.METRICS.values():
        found = metric(recorded, predicted)
        assert np.isnan(found[1])
        assert np.isfinite(found[[0, 2, 3, 4]]).all()
    assert metrics.pearson(recorded, predicted)[2] == 0
    assert metrics.spearman(recorded, predicted)[2] == 0


@pytest.mark.parametrize("sites", [1, 2, 5, 6])
def test_median_leaves_out_undefined_sites(rng, sites):
    values = rng.standard_normal((4, 7, sites))
    np.testing.assert_array_equal(metrics.median_over_sites(values), np.median(values, -1))
    values[rng.random(values.shape) < 0.4] = np.nan
    values[0, 0] = np.nan
    values[0, 1] = 1.0
    defined = np.isfinite(values).any(-1)
    found = metrics.median_over_sites(values)
    assert np.isnan(found[0, 0])
    assert found[0, 1] == 1
    np.testing.assert_allclose(found[defined], np.nanmedian(values[defined], -1), atol=1e-15)


def test_predictivity_is_the_mean_over_folds_of_the_median_over_sites():
    values = np.array([[0.1, 0.2, 0.9], [0.4, np.nan, 0.6], [np.nan, np.nan, np.nan]])
    assert metrics.predictivity(values) == pytest.approx((0.2 + 0.5) / 2)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    """60 made arrays with known mean: a 95 % interval misses few of them."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = 0.4 + 0.1 * rng.standard_normal((14, 1)) + 0.1 * rng.standard_normal((14, 32))
        low, high = sampling.bootstrap_predictivity(values, 200, rng)
        hits += low < 0.4 < high
    assert 50 <= hits <= 60  # percentile intervals of 14 folds are a little narrow


def test_bootstrap_never_gives_nan_and_is_the_same_for_the_same_seed(rng):
    values = np.full((14, 3), np.nan)
    values[3, 1], values[7, 2] = 0.5, 0.7
    first = sampling.bootstrap_predictivity(values, 300, np.random.default_rng(1))
    assert np.isfinite(first).all()
    assert first == sampling.bootstrap_predictivity(values, 300, np.random.default_rng(1))
    with pytest.raises(UserError, match="no site has a defined score"):
        sampling.bootstrap_predictivity(np.full((3, 2), np.nan), 10, rng)
