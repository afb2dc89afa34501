"""Scores of networks over the number of sites: all sites give the score, few its spread."""

import numpy as np
import pandas as pd

from itcortex.figures import site_counts as figure
from itcortex.numerics.metrics import predictivity
from itcortex.tables.model_pairs import Sites
from itcortex.tables.site_counts import COLUMNS, site_counts
from made import artists

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


def test_the_figure_shows_the_chosen_networks_a_panel_for_each_recording(tmp_path):
    rows = [
        {**TEST, "recording": recording, "model": model, "weights": "w", "n_sites": n, "draws": 3,
         "r": r + n / 100, "r_lowest": r - 0.1 / n, "r_highest": r + 0.1 / n}
        for recording in ("v4", "it") for model, r in (("a", 0.4), ("b", 0.5), ("c", 0.6))
        for n in (1, 2, 4)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    drawn = figure.draw_networks(table, ["a w", "c w"])
    assert artists.titles(drawn) == ["v4", "it"]
    first, second = (line.get_ydata() for line in drawn.axes[0].lines)
    np.testing.assert_allclose([first, second], [[0.41, 0.42, 0.44], [0.61, 0.62, 0.64]])
    assert len(drawn.axes[1].collections) == 2
    assert not artists.is_cut_off(artists.written(drawn, tmp_path, "counts")[1])
    named = figure.draw_networks(table, ["a w"], simulated=["it"])
    assert artists.titles(named) == ["v4", "it (SIMULATED)"]
    none = figure.draw_networks(table, ["gone w"])
    assert "None of the networks" in none.axes[0].texts[0].get_text()
