"""Scores of networks over the number of sites: all sites give the score, few its spread."""

import numpy as np

from itcortex.numerics.metrics import predictivity
from itcortex.tables.model_pairs import Sites
from itcortex.tables.site_counts import COLUMNS, site_counts

TEST = {"recording": "v4", "mapping": "pls", "protocol": "corrected"}


def test_all_sites_give_the_score_and_fewer_ones_spread_around_it(rng):
    level = 0.4 + 0.1 * rng.standard_normal(40)
    r = np.stack([level + shift + 0.01 * rng.standard_normal((5, 40)) for shift in (0, 0.05)])
    r[:, :, 7] = np.nan
    sites = Sites(["a w", "b w 2"], r, np.empty((2, 0)))
    table = site_counts(sites, TEST, 200, np.random.default_rng(0))
    assert table.columns.tolist() == COLUMNS
    assert sorted(table["n_sites"].unique()) == [1, 2, 4, 8, 16, 32, 40]
    assert table.iloc[1]["weights"] == "w 2"
    full = table[table["n_sites"] == 40]
    np.testing.assert_allclose(full["r"], [predictivity(one) for one in r])
    assert full["draws"].eq(1).all() and (full["r_lowest"] == full["r_highest"]).all()
    first = table[table["model"] == "a"].set_index("n_sites")
    width = first["r_highest"] - first["r_lowest"]
    assert width.is_monotonic_decreasing and width[1] > 0.3 and width[32] < 0.1
    np.testing.assert_allclose(first["r"], 0.4, atol=0.05)  # a standard error of sites is .016
    paired = table.set_index(["n_sites", "model"])["r"].unstack()
    np.testing.assert_allclose(paired["b"] - paired["a"], 0.05, atol=0.01)
