"""Every specification is the rank correlation it says; what a choice does is counted as planted."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import estimate_multiverse
from itcortex import store
from itcortex.figures import multiverse as figure
from itcortex.tables.multiverse import (
    CHOICES,
    COLUMNS,
    influence_table,
    multiverse_table,
    sentence,
)
from made import tables as made_tables

TWO = {"m1_pl": ("Monkey 1", "PL"), "m1_ml": ("Monkey 1", "ML")}


def tables(rng, recordings=TWO, count=24):
    """Scores that rise with accuracy up to 75 % and fall above, and their ceilings."""
    top1 = np.linspace(60, 88, count)
    level = 0.6 - 0.03 * np.abs(top1 - 75)
    networks = [
        (f"n{k}", "w", "cnn", f"f{k // 2}", top1[k], level[k]) for k in range(count)
    ] + made_tables.DEMO[3:]
    summary = made_tables.summary(networks, recordings, starts=np.array([60.0]))
    scores = made_tables.scores(summary, folds=2)
    return scores.assign(
        weights=scores["weights"].astype(str), folds="image"
    ), made_tables.ceilings(summary)


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(4)
    scores, ceilings = tables(rng)
    return scores, ceilings, multiverse_table(scores, ceilings, [75], 40, rng)


def at(table, **choices):
    """The value of one specification; what is not named is as in the main analysis."""
    usual = {"recording": "m1_pl", "layer": "nested", "metric": "r", "ceiling": "none",
             "range": 0, "unit": "models"}  # fmt: skip
    rows = table
    for name, value in (usual | choices).items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1
    return rows["value"].item()


def of_networks(scores, recording="m1_pl", column="r", layers="chosen"):
    """Accuracy and score of the trained networks of a recording, by another way."""
    rows = scores[(scores["recording"] == recording) & (scores["control"] == "none")]
    rows = rows[rows["category"] == "cnn"]
    rows = rows[rows["chosen"]] if layers == "chosen" else rows[rows["layer"] == layers]
    mean = rows.groupby("model", observed=True)[[column, "top1"]].mean()
    return mean["top1"].to_numpy(), mean[column].to_numpy()


def test_a_specification_is_the_rank_correlation_it_says(made):
    scores, _, table = made
    assert list(table) == COLUMNS and not table.duplicated(CHOICES).any()
    for choices, (x, y) in (
        ({}, of_networks(scores)),
        ({"layer": "last"}, of_networks(scores, layers="blocks.9")),
        ({"metric": "rho"}, of_networks(scores, column="rho")),
        ({"recording": "m1_ml"}, of_networks(scores, "m1_ml")),
    ):
        assert at(table, **choices) == pytest.approx(spearmanr(x, y)[0], abs=1e-12)
        cut = x >= 75
        above = at(table, **choices, range=75)
        assert above == pytest.approx(spearmanr(x[cut], y[cut])[0], abs=1e-12)
    x, y = (values.reshape(12, 2).mean(1) for values in _in_order(scores))
    assert at(table, unit="families") == pytest.approx(spearmanr(x, y)[0], abs=1e-12)


def _in_order(scores):
    """As `of_networks`, in the order of accuracy: two neighbours are a family."""
    x, y = of_networks(scores)
    return x[np.argsort(x)], y[np.argsort(x)]


def test_the_best_layer_is_best_in_r_on_the_test_images(made):
    scores, _, table = made
    rows = scores[(scores["recording"] == "m1_pl") & (scores["category"] == "cnn")]
    rows = rows[rows["control"] == "none"]
    by_layer = rows.groupby(["model", "top1", "layer"], observed=True)["r"].mean()
    best = by_layer.groupby(["model", "top1"], observed=True).max().reset_index()
    expected = spearmanr(best["top1"], best["r"])[0]
    assert at(table, layer="best") == pytest.approx(expected, abs=1e-12)


def test_a_ceiling_is_a_choice_of_the_mean_over_arrays_alone(made):
    scores, ceilings, table = made
    single = table[table["recording"] != "mean"]
    assert set(single["ceiling"]) == {"none"}
    assert set(table[table["recording"] == "mean"]["ceiling"]) == {
        "none", "split_half_bound", "best_pair",
    }  # fmt: skip
    parts = []
    for recording in TWO:
        of = ceilings[(ceilings["recording"] == recording) & ceilings["used"]]["value"].mean()
        x, y = of_networks(scores, recording)
        parts.append(y / of)
    expected = spearmanr(x, np.mean(parts, axis=0))[0]
    found = at(table, recording="mean", ceiling="split_half_bound")
    assert found == pytest.approx(expected, abs=1e-12)
    ceiled = table[table["ceiling"] != "none"]
    assert set(ceiled["metric"]) == {"r"}


def test_the_planted_turn_makes_the_range_the_choice_that_moves_most(made):
    table = made[2]
    assert at(table) > at(table, range=75) + 0.4 and at(table, range=75) < -0.7
    influence = influence_table(table)
    assert influence["choice"][0] == "range"
    row = influence.iloc[0]
    assert row["lowest"] == "75" and row["moves"] > 0.2
    text = sentence(table, influence)
    assert f"Of {len(table)} specifications" in text and "moves it most is `range`" in text
    below = 100 * (table["value"] < 0).mean()
    assert f"{below:.0f} % give a negative" in text and "rough" not in text
    few = sentence(table.assign(n_families=4), influence)
    assert "Families are few (at most 4)" in few
    assert table["main"].sum() == 3  # two arrays and their mean


def test_influence_worked_out_by_hand():
    base = dict.fromkeys(CHOICES, "x")
    rows = [
        base | {"layer": "best", "range": 0, "value": 0.4},
        base | {"layer": "last", "range": 0, "value": 0.1},
        base | {"layer": "best", "range": 70, "value": -0.2},
        base | {"layer": "last", "range": 70, "value": -0.1},
        base
        | {"layer": "nested", "range": 80, "value": 0.9},  # stands alone: compared with nothing
    ]
    table = influence_table(pd.DataFrame(rows)).set_index("choice")
    assert table.index[0] == "range" and table["compared"]["layer"] == 2
    assert table["moves"]["range"] == pytest.approx((0.6 + 0.2) / 2)
    assert table["most"]["range"] == pytest.approx(0.6) and table["turns"]["range"] == 1
    assert (
        table["moves"]["layer"] == pytest.approx((0.3 + 0.1) / 2) and table["turns"]["layer"] == 0
    )
    assert (table["lowest"]["layer"], table["highest"]["layer"]) == ("last", "best")
    assert np.isnan(table["moves"]["metric"]) and table["compared"]["metric"] == 0


def test_too_few_networks_are_an_empty_multiverse_that_says_so(rng):
    scores, ceilings = tables(rng, count=4)
    table = multiverse_table(scores, ceilings, [70], 20, rng)
    assert table.empty and list(table) == COLUMNS
    assert "there is no multiverse" in sentence(table, influence_table(table))
    drawn = figure.draw(table, influence_table(table))
    assert "fewer than five" in drawn.axes[0].texts[0].get_text()


def test_untrained_networks_alone_are_an_empty_multiverse(rng):
    summary = made_tables.summary(made_tables.DEMO[3:], TWO, starts=np.array([60.0]))
    scores = made_tables.scores(summary, folds=2).assign(folds="image")
    table = multiverse_table(scores, made_tables.ceilings(summary), [70], 20, rng)
    assert table.empty and list(table) == COLUMNS


def test_networks_without_accuracy_and_missing_scores_are_left_out(rng):
    scores, ceilings = tables(rng, recordings={"m1_pl": TWO["m1_pl"]})
    whole = multiverse_table(scores, ceilings, [], 20, rng)
    scores.loc[scores["model"] == "n3", "top1"] = np.nan
    scores.loc[scores["model"] == "n4", ["r", "rho", "explained_variance"]] = np.nan
    fewer = multiverse_table(scores, ceilings, [], 20, rng)
    assert whole["n_models"].max() == 24 and fewer["n_models"].max() == 22
    assert set(whole["recording"]) == {"m1_pl"}


def test_the_figure_holds_the_table(made):
    table = made[2]
    drawn = figure.draw(table, influence_table(table))
    curve = drawn.axes[0].collections[-1].get_offsets().data
    np.testing.assert_allclose(curve[:, 1], np.sort(table["value"]))
    titles = [axes.get_title(loc="left").split(" ")[0] for axes in drawn.axes[1:]]
    assert titles[0] == "range" and set(titles) == {
        "range", "layer", "recording", "unit", "ceiling", "metric",
    }  # fmt: skip
    marks = sum(len(axes.collections[0].get_offsets()) for axes in drawn.axes[1:])
    assert marks == len(titles) * len(table)


def test_variants_are_further_values_of_their_choices(rng, tmp_path):
    scores, ceilings = tables(rng, recordings={"m1_pl": TWO["m1_pl"]}, count=8)
    rows = scores.drop(columns=["folds", "top1", "category", "family"])
    raw = rows.assign(site="s0", permutation=0, protocol="reference")
    known = scores[["model", "weights", "category", "family", "top1"]].drop_duplicates()
    texts = dict.fromkeys(("baseline", "series", "condition"), "")
    known = known.assign(**texts, strength=np.nan, seed=np.nan)
    paths = {
        "scores": scores.drop(columns="folds"), "raw": raw, "models": known, "ceilings": ceilings
    }  # fmt: skip
    for name, table in paths.items():
        store.write_table(tmp_path / f"{name}.parquet", table)
    out = [tmp_path / f"{kind}.{end}" for kind in ("all", "moves") for end in ("parquet", "csv")]
    estimate_multiverse.main(
        tmp_path / "scores.parquet", [tmp_path / "raw.parquet"], tmp_path / "models.parquet",
        tmp_path / "ceilings.parquet", *out, tmp_path / "text.md", folds="image",
        variant_folds=["by recording"], splits={"m1_pl": "image"},
        variant_splits={"by recording": {"m1_pl": "5"}}, ranges=[], draws=100, seed=1,
    )  # fmt: skip
    table = store.read_table(out[0])
    made_with = set(table[["protocol", "folds", "split"]].itertuples(index=False, name=None))
    assert made_with == {
        ("leave_one_image_out", "image", "image"), ("reference", "by recording", "5"),
    }  # fmt: skip
    assert table["main"].sum() == 1 and "specifications" in (tmp_path / "text.md").read_text()
