"""Means of map alignment over images, and rank correlations over networks."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from itcortex.tables.alignment import by_network, rank_trend
from made import tables as made_tables
from made.scores import networks


def test_every_network_has_its_mean_over_images_at_every_scale():
    table = made_tables.alignment(made_tables.summary())
    found = by_network(table, 200, np.random.default_rng(0))
    assert len(found) == 3 * 5 * 3  # recordings, networks, scales
    row = found[(found.recording == "m1_ml") & (found.model == "resnet18") & (found.scale == 2)]
    some = table[(table.recording == "m1_ml") & (table.model == "resnet18") & (table.scale == 2)]
    assert row.rho.item() == pytest.approx(some.rho.mean())
    assert some.rho.min() <= row.rho_low.item() <= row.rho.item() <= row.rho_high.item()
    assert row.rho_high.item() <= some.rho.max()
    assert row[["null_high", "n_images"]].to_numpy().tolist() == [[0.3, 3]]


def test_single_sites_and_undefined_images_are_left_out():
    table = made_tables.alignment(made_tables.summary(made_tables.DEMO[:1]))
    site = table.assign(site="channel-01", rho=5.0)
    holed = pd.concat([table, site, table.assign(rho=np.nan)], ignore_index=True)
    left, right = (by_network(one, 50, np.random.default_rng(0)) for one in (table, holed))
    pd.testing.assert_frame_equal(left, right)
    assert by_network(table.iloc[:0], 50, np.random.default_rng(0)).empty


def test_power_is_that_of_any_image():
    table = made_tables.alignment(made_tables.summary(made_tables.DEMO[:1]))
    table = table.assign(has_power=(table.scale == 1) & (table.image == "image01.png"))
    found = by_network(table, 20, np.random.default_rng(0)).set_index(["recording", "scale"])
    assert found.loc["m1_pl"].has_power.to_dict() == {1: True, 2: False, 4: False}


def test_trend_is_spearmans_rho_over_networks_trained_for_accuracy_alone():
    x, y, family = networks(np.random.default_rng(3), 20, 4, slope=1)
    rows = pd.DataFrame({"x": x, "y": y, "family": family, "category": "cnn"})
    outliers = rows.iloc[:9].assign(y=-100.0, category=["harmonized", "untrained", "own"] * 3)
    found = rank_trend(pd.concat([rows, outliers]), "x", "y", 400, np.random.default_rng(0))
    assert found["value"] == pytest.approx(spearmanr(x, y).statistic)
    assert found["n_models"] == 80 and found["low"] < found["value"] < found["high"]
    again = rank_trend(rows, "x", "y", 400, np.random.default_rng(0))
    assert again == found


def test_four_networks_have_no_trend_and_two_families_no_interval():
    rows = pd.DataFrame({"x": range(5), "y": range(5), "family": ["a", "b"] * 2 + ["a"]})
    rows = rows.assign(category="cnn", x=rows.x.astype(float), y=rows.y.astype(float))
    few = rank_trend(rows.iloc[:4], "x", "y", 20, np.random.default_rng(0))
    assert np.isnan(few["value"]) and few["n_models"] == 4
    holed = rank_trend(
        rows.assign(y=rows.y.mask(rows.x == 2)), "x", "y", 20, np.random.default_rng(0)
    )
    assert np.isnan(holed["value"]) and holed["n_models"] == 4
    two = rank_trend(rows, "x", "y", 20, np.random.default_rng(0))
    assert two["value"] == pytest.approx(1) and np.isnan(two["low"])
