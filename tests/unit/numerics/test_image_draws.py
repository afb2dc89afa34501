"""Draws of the images of one test set: the sample written out, pairing, and what does not vary."""

import numpy as np
import pytest

from itcortex.numerics.image_draws import ImageDraws
from itcortex.numerics.metrics import median_over_sites, pearson


@pytest.mark.parametrize("positions", [1, 4])
def test_draws_are_those_of_the_sample_written_out(rng, positions):
    recorded = rng.normal(size=(12, positions, 1, 5)) + 100  # far from zero: sums must not cancel
    predicted = recorded + rng.normal(size=recorded.shape)
    found = ImageDraws(30, 4).predictivity(recorded, predicted)
    own, expected = np.random.default_rng(4), []
    counts = own.multinomial(12, np.full(12, 1 / 12), size=30)
    sites = own.integers(5, size=(30, 5))
    for count, some in zip(counts, sites, strict=True):
        rows = np.repeat(np.arange(12), count)
        r = pearson(*(x[rows].reshape(-1, 5) for x in (recorded, predicted)))
        expected.append(median_over_sites(r[some]))
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_the_interval_covers_the_truth_over_images(rng):
    """One site of r = .6: its interval is that of Fisher's z over images, which sites alone lack."""
    n, rho = 200, 0.6
    recorded = rng.normal(size=(n, 1))
    predicted = rho * recorded + np.sqrt(1 - rho**2) * rng.normal(size=(n, 1))
    z = np.arctanh(ImageDraws(4000, 1).predictivity(recorded, predicted))
    assert z.std() == pytest.approx(1 / np.sqrt(n - 3), rel=0.15)


def test_the_same_draws_serve_whatever_is_compared(rng):
    recorded, predicted = rng.normal(size=(2, 30, 4))
    draws = ImageDraws(500, (3, 1))
    first = draws.predictivity(recorded, predicted)
    np.testing.assert_array_equal(first, draws.predictivity(recorded, predicted))
    np.testing.assert_allclose(first, draws.predictivity(recorded, 3 * predicted + 7), atol=1e-12)
    assert not np.array_equal(first, ImageDraws(500, (3, 2)).predictivity(recorded, predicted))


def test_what_does_not_vary(rng):
    recorded, predicted = rng.normal(size=(2, 20, 3))
    recorded[:, 0] = 5  # undefined, and left out of the median
    predicted[:, 1] = 2  # explains nothing
    found = ImageDraws(50, 0).predictivity(recorded[:, :2], predicted[:, :2])
    assert set(found[np.isfinite(found)]) == {0.0}
    assert np.isnan(ImageDraws(5, 0).predictivity(recorded[:, :1], predicted[:, :1])).all()
