"""Statistics of draws given by counts equal those of the samples written out."""

import numpy as np
import pytest
from scipy.stats import linregress, pearsonr, rankdata, spearmanr

from itcortex.numerics import weighted


@pytest.fixture
def draws(rng):
    """x and y with ties, and counts of 40 draws."""
    x = rng.normal(size=25).round(1)
    y = (x + rng.normal(size=25)).round(1)
    return x, y, rng.integers(0, 4, (25, 40)).astype(float)


def written_out(counts, *values):
    """The sample of one draw."""
    return [np.repeat(one, counts.astype(int)) for one in values]


@pytest.mark.parametrize(
    ("function", "oracle"),
    [
        (weighted.pearson, lambda x, y: pearsonr(x, y)[0]),
        (weighted.spearman, lambda x, y: spearmanr(x, y)[0]),
        (weighted.slope, lambda x, y: linregress(x, y)[0]),
    ],
)
def test_statistics_equal_those_of_scipy_on_the_sample(function, oracle, draws):
    x, y, counts = draws
    expected = [oracle(*written_out(one, x, y)) for one in counts.T]
    np.testing.assert_allclose(function(x, y, counts), expected, rtol=0, atol=1e-12)


def test_ranks_equal_those_of_scipy_on_the_sample(draws):
    x, _, counts = draws
    ranks = weighted.weighted_ranks(x, counts)
    for k, one in enumerate(counts.T):
        sample, found = written_out(one, x, ranks[:, k])
        np.testing.assert_array_equal(found, rankdata(sample))


def test_a_draw_in_which_nothing_varies_is_undefined(draws):
    x, y, counts = draws
    counts[:, 0] = 0
    counts[3, 0] = 7
    constant = np.full_like(y, 0.3)
    for function in (weighted.pearson, weighted.spearman, weighted.slope):
        assert np.isnan(function(x, y, counts)[0])
        assert np.isfinite(function(x, y, counts)[1:]).all()
    assert np.isnan(weighted.spearman(x, constant, counts)).all()
    assert np.isnan(weighted.slope(np.full_like(x, 71.3), y, counts)).all()
    np.testing.assert_allclose(weighted.slope(x, constant, counts)[1:], 0, atol=1e-12)


def test_the_size_of_values_does_not_matter(draws):
    x, y, counts = draws
    np.testing.assert_allclose(
        weighted.spearman(1e-6 * x, 1e6 + 1e3 * y, counts),
        weighted.spearman(x, y, counts),
        atol=1e-12,
    )
