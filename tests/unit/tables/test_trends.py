"""Range curves find planted trends; their intervals cover, and are wider where families are alike."""

import numpy as np
import pytest
from scipy.stats import linregress, spearmanr

from itcortex.tables import trends
from itcortex.tables.trends import Ranges, family_draws, inside, range_curve
from made.scores import networks

RANGES = Ranges(step=5, width=15, minimum=10)


def curve_of(accuracy, score, families, rng, ranges=RANGES, draws=200):
    """A range curve by statistic and range."""
    return range_curve(accuracy, score, families, ranges, draws=draws, rng=rng)


def rows_of(curve, statistic="spearman", kind="cut"):
    """Rows of one statistic over cuts or windows, by their lower end."""
    rows = curve[(curve["statistic"] == statistic) & (curve["range"] == kind)]
    return rows.set_index("from")


def tent(rng, families=40, members=10):
    """Scores that rise by .01 a percent up to 70 % and fall by .02 above; accuracies 30 to 90 %."""
    accuracy = rng.uniform(30, 90, families * members)
    score = 0.01 * np.minimum(accuracy - 70, 0) - 0.02 * np.maximum(accuracy - 70, 0)
    names = np.repeat([f"f{k}" for k in range(families)], members)
    return accuracy, score + 0.02 * rng.normal(size=len(score)), names


def test_values_equal_those_of_scipy_in_every_range(rng):
    accuracy, score, families = networks(rng, 20, 6, slope=0.5)
    curve = curve_of(accuracy, score, families, rng)
    assert set(curve["range"]) == {"cut", "window"}
    for row in curve.itertuples(index=False):
        part = inside(accuracy, row[1], row.to)
        x, y = accuracy[part], score[part]
        oracle = spearmanr(x, y)[0] if row.statistic == "spearman" else linregress(x, y)[0]
        assert row.value == pytest.approx(oracle, abs=1e-12)
        assert (row.n_models, row.n_families) == (part.sum(), len(np.unique(families[part])))


def test_the_sign_flips_where_it_was_planted(rng):
    curve = curve_of(*tent(rng), rng)
    rho, slope = rows_of(curve), rows_of(curve, "slope")
    assert rho.loc[30, "low"] > 0  # all networks: most of them are on the rising side
    assert (rho.loc[[70, 75, 80], "high"] < 0).all()
    assert (slope.loc[[70, 75], "high"] < 0).all()
    windows = rows_of(curve, "slope", "window")
    assert (windows.loc[[30, 40, 50, 55], "low"] > 0).all()
    assert (windows.loc[[70, 75], "high"] < 0).all()
    np.testing.assert_allclose(
        windows.loc[[30, 40, 50], "value"], 0.01, atol=0.002
    )  # 6 sd of a slope
    np.testing.assert_allclose(windows.loc[[70, 75], "value"], -0.02, atol=0.002)


def test_a_narrower_range_alone_turns_no_sign(rng):
    rho = rows_of(curve_of(*networks(rng, 60, 10, slope=0.6), rng))
    assert (rho["value"] > 0).all()
    assert rho.loc[75, "n_models"] > 100
    assert rho.loc[75, "value"] < 0.7 * rho["value"].iloc[0]  # but it brings rho nearer to zero


def test_the_change_is_that_from_all_networks(rng):
    rho = rows_of(curve_of(*tent(rng), rng))
    np.testing.assert_allclose(rho["change"], rho["value"] - rho["value"].iloc[0], atol=1e-12)
    assert rho["change"].iloc[0] == rho["change_low"].iloc[0] == rho["change_high"].iloc[0] == 0
    assert (rho.loc[[70, 75, 80], "change_high"] < 0).all()


def test_ranges_cover_the_accuracies_and_have_enough_networks(rng):
    accuracy = np.r_[np.linspace(40, 60, 12), 81.0, 85.0]
    found = RANGES.of(accuracy)
    assert found[0] == ("cut", 40.0, np.inf)
    assert all(inside(accuracy, low, high).sum() >= 10 for _, low, high in found)
    assert ("cut", 45.0, np.inf) in found
    assert ("cut", 50.0, np.inf) not in found  # 8 are left
    assert ("window", 45.0, 60.0) not in found  # 60 % is outside, 8 are left


def test_draws_hold_whole_families_as_many_as_there_are(rng):
    families = np.array(["a", "b", "b", "c", "a", "d"])
    counts = family_draws(families, 50, rng)
    assert counts.shape == (6, 51)
    np.testing.assert_array_equal(counts[:, 0], 1)
    np.testing.assert_array_equal(counts[0], counts[4])
    np.testing.assert_array_equal(counts[1], counts[2])
    np.testing.assert_array_equal(counts[[0, 1, 3, 5]].sum(0), 4)


def test_intervals_are_wider_by_family_where_families_are_alike(rng):
    accuracy, score, families = networks(rng, 30, 12, family_sd=2, noise=0.5, spread=0.3)
    clustered = rows_of(curve_of(accuracy, score, families, rng)).iloc[0]
    naive = rows_of(curve_of(accuracy, score, np.arange(len(score)).astype(str), rng)).iloc[0]
    assert clustered.high - clustered.low > 2 * (naive.high - naive.low)


def covers(rng, family_sd, clustered) -> bool:
    """Whether the interval of the slope holds the planted one, in one made sample."""
    accuracy, score, families = networks(rng, 40, 5, slope=1.0, family_sd=family_sd)
    names = families if clustered else np.arange(len(score)).astype(str)
    row = rows_of(curve_of(accuracy, score, names, rng, Ranges(200, 15, 10), 300), "slope").iloc[0]
    return row.low <= 1 / 5 <= row.high  # a standard deviation of accuracy is 5 %


@pytest.mark.long
def test_intervals_cover_the_planted_slope(rng):
    covered = sum(covers(rng, 1.5, clustered=True) for _ in range(200))
    assert 176 <= covered <= 198  # 190 expected; a bootstrap of 40 clusters has 90 to 95 %, sd 3.5


@pytest.mark.long
def test_intervals_that_ignore_families_do_not_cover(rng):
    covered = sum(covers(rng, 1.5, clustered=False) for _ in range(100))
    assert covered < 80  # of 95


def test_two_families_give_no_interval_and_few_a_warning(rng):
    accuracy, score, _ = networks(rng, 4, 10)
    two = curve_of(accuracy, score, np.repeat(["a", "b"], 20), rng).iloc[0]
    assert np.isnan([two.low, two.high, two.change_low]).all()
    assert np.isfinite(two.value)
    assert two.note == "no interval: 3 families are needed, there are 2"
    four = curve_of(accuracy, score, np.repeat(list("abcd"), 10), rng).iloc[0]
    assert np.isfinite(four.low)
    assert four.note == "few families (4): the interval is a rough guide"


def test_scores_that_are_all_equal_have_no_rho_but_a_slope_of_zero(rng):
    accuracy, _, families = networks(rng, 20, 3)
    curve = curve_of(accuracy, np.full(60, 0.5), families, rng)
    rho, slope = rows_of(curve).iloc[0], rows_of(curve, "slope").iloc[0]
    assert np.isnan([rho.value, rho.low, rho.high]).all()
    assert rho.note.startswith("undefined")
    assert rho.undefined_draws == 200
    assert slope.value == pytest.approx(0, abs=1e-12)


def test_a_range_that_many_draws_miss_counts_them(rng):
    accuracy, score, families = networks(rng, 12, 10, spread=0)
    accuracy = accuracy + np.where(np.isin(families, ["f000", "f001", "f002"]), 100 - 70, 0)
    rho = rows_of(curve_of(accuracy, score, families, rng, Ranges(85, 15, 10), 2000)).loc[85]
    missed = (9 / 12) ** 12  # no draw of three families out of twelve
    one_only = 3 * ((10 / 12) ** 12 - missed)  # of one family alone all accuracies are equal
    assert rho.undefined_draws / 2000 == pytest.approx(missed + one_only, abs=0.03)  # 3 sd
    assert np.isfinite(rho.low)


def test_the_same_seed_gives_the_same_curve():
    curves = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        curves.append(curve_of(*networks(rng, 12, 4), rng))
    assert curves[0].equals(curves[1])


def test_too_few_networks_are_no_curve(rng):
    with pytest.raises(ValueError, match="9 networks, 10 are needed"):
        curve_of(*networks(rng, 3, 3), rng)


def test_intervals_need_most_draws_to_be_defined():
    values = np.r_[np.full(60, np.nan), np.linspace(0, 1, 40)]
    assert np.isnan(trends.interval_of(values, 12)["low"])
    assert trends.interval_of(values[30:], 12)["low"] == pytest.approx(0.025)
