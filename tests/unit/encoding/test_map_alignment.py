"""Map alignment against scipy, over scales."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

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
    none = map_alignment.no_alignment(["recording", "model"])
    labelled = empty.assign(recording="r", model="m")
    assert (
        none.dtypes.to_dict()
        == labelled.astype({"recording": "str", "model": "str"}).dtypes.to_dict()
    )


@pytest.mark.parametrize(("side", "powerless"), [(9, {4}), (17, set())])
def test_a_grid_too_small_to_tell_a_match_from_chance_is_marked_and_logged(
    rng, caplog, side, powerless
):
    """A quarter of 9 x 9 is 2 x 2: with four positions .8 comes next to a perfect match."""
    maps = gaussian_filter(rng.standard_normal((6, side, side, 3)), (0, 1.5, 1.5, 0))
    null = map_alignment.Null("shift", 200, np.random.default_rng(1))
    table = map_alignment.alignment_table(maps, maps, tuple("abcdef"), tuple("xyz"), null)
    average = table[table["site"] == "average"]
    assert average["rho"].min() > 0.999  # a perfect match
    by_scale = average.groupby("scale")["has_power"].any()
    assert {scale for scale, has in by_scale.items() if not has} == powerless
    said = "at 1/4 of the grid (2 x 2 cells): for 6 of 6 images even a nearly perfect match"
    assert (said in caplog.text) == bool(powerless)


@pytest.mark.parametrize(("n", "share"), [(4, 4 / 24), (5, 5 / 120), (6, 6 / 720)])
def test_a_nearly_perfect_match_is_as_rare_as_all_orders_say(n, share):
    """Every order of n positions against the first: how many match as well as one swap does."""
    rho = np.array([stats.spearmanr(range(n), p).statistic for p in permutations(range(n))])
    bound = map_alignment.nearly_perfect(n)
    assert np.mean(rho >= bound - 1e-9) == pytest.approx(share)
    assert map_alignment.tells_from_chance(n, np.array([0.0]))[0] == (share <= 0.05)
    assert not map_alignment.tells_from_chance(n, np.array([1.0]))[0]
