"""Partial rank correlations against the textbook formula; a planted confound goes away."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, rankdata, spearmanr

from itcortex.numerics.ranks import partial
from itcortex.tables.covariates import (
    ALL,
    PARTIAL,
    partial_spearman,
    partial_table,
    permutation_p,
    with_covariates,
)
from made import tables as made_tables

NO_KINDS = np.empty((40, 0))


def confounded(rng, count=40):
    """Accuracy and score that have nothing in common but what a third number gives to both."""
    z = rng.normal(size=count)
    return z + 0.4 * rng.normal(size=count), -z + 0.4 * rng.normal(size=count), z


def ones(count=40):
    return np.ones((count, 1))


def test_one_covariate_gives_the_textbook_formula(rng):
    x, y, z = confounded(rng)
    rho = [spearmanr(*pair)[0] for pair in ((x, y), (x, z), (y, z))]
    found = partial_spearman(x, y, z[:, None], NO_KINDS, ones())[0]
    assert found == pytest.approx(partial(*rho), abs=1e-12)


def test_two_covariates_and_kinds_are_residuals_of_ranks(rng):
    x, y, z = confounded(rng)
    kinds = (np.arange(40) % 3 == np.arange(1, 3)[:, None]).T.astype(float)
    fixed = np.column_stack([np.ones(40), rankdata(z), rankdata(z**2), kinds])
    left = [r - fixed @ np.linalg.pinv(fixed) @ r for r in (rankdata(x), rankdata(y))]
    found = partial_spearman(x, y, np.column_stack([z, z**2]), kinds, ones())[0]
    assert found == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-10)


def test_a_draw_equals_its_networks_written_out(rng):
    x, y, z = confounded(rng)
    counts = rng.integers(0, 3, (40, 3)).astype(float)
    found = partial_spearman(x, y, z[:, None], NO_KINDS, counts)
    for k in range(3):
        rows = np.repeat(np.arange(40), counts[:, k].astype(int))
        n = len(rows)
        again = partial_spearman(x[rows], y[rows], z[rows, None], np.empty((n, 0)), np.ones((n, 1)))
        assert found[k] == pytest.approx(again[0], abs=1e-10)


def test_what_determines_accuracy_leaves_nothing(rng):
    x, y, _ = confounded(rng)
    assert np.isnan(partial_spearman(x, y, x[:, None], NO_KINDS, ones())[0])
    few = partial_spearman(x[:3], y[:3], rng.normal(size=(3, 2)), NO_KINDS[:3], ones(3))
    assert np.isnan(few[0])  # no degree of freedom is left


def test_p_values_given_a_confound_are_uniform_and_find_what_is_there(rng):
    fixed, p, planted = None, [], 0
    for _ in range(60):
        x, y, z = confounded(rng)
        fixed = np.column_stack([np.ones(40), rankdata(z)])
        names = np.arange(40).astype(str)
        p.append(permutation_p(x, y, fixed, names, 59, rng))
        planted += permutation_p(x, y + x, fixed, names, 59, rng) <= 0.05
    assert kstest(p, "uniform").pvalue > 0.001  # one such test in a thousand fails by chance
    assert planted > 40


@pytest.fixture
def table(rng):
    """A summary of 40 networks whose parameters stand behind accuracy and score, and its models."""
    x, y, z = confounded(rng)
    networks = [
        (f"n{k}", "w", "cnn", f"f{k // 2}", 75 + 3 * x[k], 0.5 + 0.05 * y[k]) for k in range(40)
    ]
    summary = made_tables.summary(networks, {"m1_ml": ("Monkey 1", "ML")}, starts=np.array([60.0]))
    exact = summary["model"].map({f"n{k}": 0.5 + 0.05 * y[k] for k in range(40)})
    summary = summary.assign(r=exact, effective_dimensionality=rng.normal(50, 5, len(summary)))
    models = summary[["model", "weights"]].drop_duplicates()
    told = {"params_m": np.exp(z), "input_size": 224.0, "year": np.nan}
    data = np.where(np.arange(40) % 2, "IN-1k", "IN-21k")
    return summary, models.assign(**told, pretraining=data)


def test_the_confound_is_removed_where_it_is_held_fixed(table, rng):
    found = partial_table(with_covariates(*table), "r", 100, rng).set_index("given")
    assert (found["spearman"].dropna() < -0.6).all()
    assert abs(found["value"]["parameters"]) < 0.35 and found["p"]["parameters"] > 0.05
    assert found["low"]["parameters"] < 0 < found["high"]["parameters"]
    assert found["value"]["effective_dimensionality"] < -0.6
    assert abs(found["value"][ALL]) < 0.4
    for name in ("input_size", "year"):  # the same for all, and known of none
        assert np.isnan(found["value"][name]) and "not known of enough" in found["note"][name]


def test_networks_without_a_covariate_are_left_out_and_counted(table, rng):
    summary, models = table
    models.loc[models.index[:4], "params_m"] = np.nan
    found = partial_table(with_covariates(summary, models), "r", 100, rng).set_index("given")
    assert found["n_models"]["parameters"] == 36 and found["n_models"]["training_data"] == 40
    assert "left out: 4 without the covariate" in found["note"]["parameters"]


def test_kinds_with_few_networks_are_one(table, rng):
    summary, models = table
    models["pretraining"] = ["rare"] * 3 + ["rarer"] * 2 + ["IN-1k"] * 35
    found = partial_table(with_covariates(summary, models), "r", 100, rng).set_index("given")
    assert np.isfinite(found["value"]["training_data"])
    models["pretraining"] = "IN-1k"
    found = partial_table(with_covariates(summary, models), "r", 100, rng).set_index("given")
    assert np.isnan(found["value"]["training_data"])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_networks_have_rows_that_say_so(table, rng, count):
    summary, models = table
    some = summary[summary["model"].isin([f"n{k}" for k in range(count)])]
    found = partial_table(with_covariates(some, models), "r", 50, rng)
    assert len(found) == 6 and found["value"].isna().all() and (found["note"] != "").all()


def test_untrained_networks_alone_have_no_rows(rng):
    summary = made_tables.summary(made_tables.DEMO[3:])
    models = summary[["model", "weights"]].drop_duplicates()
    found = partial_table(with_covariates(summary, models), "r", 20, rng)
    assert found.empty and list(found) == PARTIAL


def test_tables_without_the_columns_have_no_covariate(rng):
    summary = made_tables.summary()
    models = pd.DataFrame({"model": summary["model"].unique()}).assign(weights="imagenet")
    joined = with_covariates(summary, models)
    assert joined["parameters"].isna().all() and (joined["training_data"] == "").all()
