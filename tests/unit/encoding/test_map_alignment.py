"""Map alignment against scipy, over scales."""

import numpy as np
import pytest
from scipy import stats

from itcortex.encoding import map_alignment

NULL = map_alignment.Null("shift", 30, np.random.default_rng(4))


def made_table(rng, rows, columns):
    recorded, predicted = rng.standard_normal((2, 3, rows, columns, 4))
    return map_alignment.alignment_table(recorded, predicted, tuple("abc"), tuple("wxyz"), NULL)


def test_full_grid_equals_scipy(rng):
    recorded, predicted = rng.standard_normal((2, 3, 8, 9, 4))
    per_site, of_average = map_alignment.map_alignment(recorded, predicted, 1)
    expected = stats.spearmanr(recorded[1, :, :, 2].ravel(), predicted[1, :, :, 2].ravel())[0]
    assert per_site.shape == (3, 4)
    assert per_site[1, 2] == pytest.approx(expected, abs=1e-12)
    z = [(v - v.mean((0, 1, 2))) / v.std((0, 1, 2)) for v in (recorded, predicted)]
    expected = stats.spearmanr(*(v[0].mean(2).ravel() for v in z))[0]
    assert of_average[0] == pytest.approx(expected, abs=1e-12)


def test_fine_noise_vanishes_on_a_coarse_grid(rng):
    rows = np.linspace(-1, 1, 16)
    smooth = np.broadcast_to((rows[:, None] + rows)[None, :, :, None], (5, 16, 16, 6))
    noisy = smooth + 1.5 * rng.standard_normal(smooth.shape)
    rho = {
        scale: map_alignment.map_alignment(noisy, smooth, scale)[0].mean()
        for scale in map_alignment.SCALES
    }
    assert rho[1] < rho[2] < rho[4]
    assert rho[4] > 0.8


def test_table_has_every_image_site_and_scale(rng):
    table = map_alignment.alignment_table(
        *rng.standard_normal((2, 3, 8, 9, 4)), tuple("abc"), tuple("wxyz"), NULL
    )
    assert len(table) == 3 * 3 * 5 + 3 * 2
    assert set(table["site"]) == {"average", "reference", *"wxyz"}
    average = table[table["site"] == "average"]
    assert average["p"].between(1 / 31, 1).all()
    assert average["null_high"].between(-1, 1).all()
    assert table.loc[table["site"] != "average", "p"].isna().all()


@pytest.mark.parametrize("scale", map_alignment.SCALES)
def test_chance_is_measured_on_the_maps_that_are_reported(rng, scale):
    recorded, predicted = rng.standard_normal((2, 3, 8, 9, 4))
    _, of_average = map_alignment.map_alignment(recorded, predicted, scale)
    chance = map_alignment.alignment_null(recorded, predicted, scale, 5, rng)
    np.testing.assert_allclose(chance.observed, of_average, atol=1e-12)


def test_no_grid_gives_an_empty_table_of_the_same_columns(rng):
    empty = map_alignment.alignment_table(
        *rng.standard_normal((2, 3, 1, 1, 4)), tuple("abc"), tuple("wxyz"), NULL
    )
    full = map_alignment.alignment_table(
        *rng.standard_normal((2, 3, 4, 4, 4)), tuple("abc"), tuple("wxyz"), NULL
    )
    assert len(empty) == 0
    assert list(empty.dtypes) == list(full.dtypes)
