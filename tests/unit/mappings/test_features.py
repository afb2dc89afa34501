"""Effective dimensionality against eigenvalues, on planted dimensions; the loudest of planted units."""

import numpy as np
import pytest

from itcortex.mappings.features import effective_dimensionality, loudest_unit
from itcortex.numerics.resample import resize_maps


def participation(features):
    """From the singular values of centred features (sample, channel)."""
    values = np.linalg.svd(features - features.mean(0), compute_uv=False) ** 2
    return values.sum() ** 2 / (values**2).sum()


@pytest.mark.parametrize("channels", [5, 60])
def test_it_is_the_participation_ratio_of_the_covariance(rng, channels):
    """On a grid, of the maps resampled to it; both sides of the Gram matrix."""
    maps = rng.standard_normal((6, 4, 4, channels)) * rng.uniform(0.1, 2, channels)
    grid = resize_maps(maps, (7, 7)).reshape(-1, channels)
    # the resampling is exact, rounding only
    assert effective_dimensionality(maps, (7, 7)) == pytest.approx(participation(grid), rel=1e-6)
    flat = maps.reshape(6, -1)
    assert effective_dimensionality(maps, (1, 1)) == pytest.approx(participation(flat), rel=1e-6)


def test_planted_dimensions_are_found(rng):
    directions = np.linalg.qr(rng.standard_normal((40, 3)))[0]
    samples = np.linalg.qr(rng.standard_normal((500, 3)) - 0)[0]
    samples -= samples.mean(0)
    maps = (samples @ directions.T + 7.0)[:, None, None]
    assert effective_dimensionality(maps, (1, 1)) == pytest.approx(3, abs=0.1)
    assert effective_dimensionality(maps[..., :1], (1, 1)) == pytest.approx(1)
    assert np.isnan(effective_dimensionality(np.zeros((4, 1, 1, 3)), (1, 1)))


def test_the_loudest_unit_is_the_planted_one(rng):
    """On a grid units are channels, without one cells of channels; units that never vary are none."""
    maps = rng.standard_normal((300, 2, 2, 51))
    maps -= maps.mean((0, 1, 2))
    maps /= maps.std((0, 1, 2))
    maps[..., :10] = 7.0
    assert loudest_unit(maps[:200], (7, 7)) == pytest.approx(1, abs=0.1)
    maps[..., 50] *= 1e4
    # 800 samples of each channel, and 200 of each cell
    assert loudest_unit(maps, (7, 7)) == pytest.approx(1e4, rel=0.1)
    assert loudest_unit(maps, (1, 1)) == pytest.approx(1e4, rel=0.3)
    assert loudest_unit(maps[:, 0, 0], (1, 1)) == pytest.approx(1e4, rel=0.3)
    assert np.isnan(loudest_unit(np.full((9, 3), 2.0), (1, 1)))
