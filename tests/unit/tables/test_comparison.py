"""Ours beside theirs, against statsmodels, counted coverage and pairs worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

import compare_published
from itcortex import store
from itcortex.data.published.scores.ours import of_attention, of_summary
from itcortex.errors import UserError
from itcortex.figures import comparison as figure
from itcortex.tables.comparison import (
    COMPARISON,
    PAIR,
    comparison_table,
    pair_by_accuracy,
    pair_by_name,
)  # fmt: skip
from made import tables as made_tables
from made.scores import networks, tidy_scores


def lines(rng, count=12, noise=0.05, slope=2.0):
    """A line of ours and a published one of the same `count` networks: ours = 1 + slope theirs."""
    _, _, family = networks(rng, -(-count // 3), 3)
    family = family[:count]
    names = [f"net{k}.in1k" for k in range(count)]
    score = rng.normal(0.5, 0.1, count)
    theirs = tidy_scores(
        "board", np.linspace(60, 80, count), score, family, model=names, timm=names
    )
    mine = 1 + slope * score + rng.normal(0, noise, count)
    ours = tidy_scores("mine", np.linspace(60, 80, count), mine, family, timm=names)
    return ours, theirs


def test_what_is_expected_is_the_line_through_all_others(rng):
    from statsmodels.api import OLS, add_constant

    ours, theirs = lines(rng)
    pairs = pair_by_name(ours, theirs, {})
    assert list(pairs) == PAIR and len(pairs) == 12 and set(pairs["matched_by"]) == {"name"}
    x, y = pairs["published_score"].to_numpy(), pairs["ours_score"].to_numpy()
    for k in (0, 5, 11):
        others = np.arange(12) != k
        fit = OLS(y[others], add_constant(x[others])).fit()
        oracle = fit.get_prediction([[1, x[k]]]).summary_frame(alpha=0.05).iloc[0]
        found = pairs.loc[k, ["expected", "expected_low", "expected_high"]].tolist()
        # rounding only: the closed form of leaving one out
        assert found == pytest.approx([oracle["mean"], oracle.obs_ci_lower, oracle.obs_ci_upper])
        assert pairs["inside"][k] == (oracle.obs_ci_lower <= y[k] <= oracle.obs_ci_upper)


def test_ninety_five_percent_lie_inside_where_a_line_holds(rng):
    inside = pair_by_name(*lines(rng, 400, 0.3), {})["inside"].sum()
    assert 362 <= inside <= 397  # 380 are expected, sd 4.4: 4 sd


def test_a_planted_outlier_is_outside(rng):
    ours, theirs = lines(rng)
    ours.loc[4, "score"] += 1
    pairs = pair_by_name(ours, theirs, {})
    assert pairs.loc[~pairs["inside"].astype(bool), "network"].tolist() == ["net4.in1k"]


def test_networks_meet_by_timm_name_and_by_the_settings(rng):
    ours, theirs = lines(rng, 5)
    theirs.loc[0, ["model", "timm"]] = ["Net zero", ""]
    theirs.loc[1, "timm"] = ""  # nobody knows who that is
    twice = pd.concat([theirs, theirs.iloc[[4]].assign(score=0.9)])  # which of the two is meant?
    pairs = pair_by_name(ours, twice, {"board": {"Net zero": "net0.in1k"}})
    assert pairs["network"].tolist() == ["net0.in1k", "net2.in1k", "net3.in1k"]
    assert pairs["published_name"].tolist() == ["Net zero", "net2.in1k", "net3.in1k"]
    assert pairs["inside"].isna().all()  # three networks: no line through the others
    with pytest.raises(UserError, match=r"published: same: board.*'Net zero'"):
        pair_by_name(ours, theirs, {"board": {"Net zeros": "net0.in1k"}})
    other_region = theirs.assign(region="V4")
    assert pair_by_name(ours, other_region, {}).empty


def test_the_ranks_agree_as_scipy_says_with_an_exact_p(rng):
    ours, theirs = lines(rng, 6, noise=0.2)
    row = comparison_table(pair_by_name(ours, theirs, {}), 200, seed=1).iloc[0]
    assert list(row.index) == COMPARISON
    assert row.spearman == pytest.approx(spearmanr(ours["score"], theirs["score"])[0])
    assert (row.n_models, row.n_families, row.resampled) == (6, 2, "networks")
    assert "networks as independent" in row.note and row.low <= row.spearman <= row.high
    same = ours.assign(score=theirs["score"])
    perfect = comparison_table(pair_by_name(same, theirs, {}), 200, seed=1).iloc[0]
    assert perfect.p == pytest.approx(2 / 720)  # one of 720 orders, and its mirror image


@pytest.mark.parametrize(
    ("count", "note"), [(1, "1 network is in both, 3 are needed"), (2, "2 networks are in both")]
)
def test_too_few_networks_are_said(rng, count, note):
    row = comparison_table(pair_by_name(*lines(rng, count), {}), 100, seed=1).iloc[0]
    assert note in row.note and np.isnan(row.spearman) and row.n_expected == 0


def test_ties_and_missing_scores(rng):
    ours, theirs = lines(rng, 6)
    tied = comparison_table(pair_by_name(ours.assign(score=0.5), theirs, {}), 100, seed=1).iloc[0]
    assert tied.note == "all networks have the same score" and np.isnan(tied.spearman)
    ours.loc[:3, "score"] = np.nan
    assert len(pair_by_name(ours, theirs, {})) == 2


def test_points_without_names_are_met_by_accuracy(rng):
    from statsmodels.api import OLS, add_constant

    x = rng.uniform(65, 85, 40)
    y = 0.8 - 0.005 * x + rng.normal(0, 0.02, 40)
    points = tidy_scores("figure", x, y, [f"p{k}" for k in range(40)], metric="pls_over_ceiling",
                         benchmark="M1 ML", category="cnn")  # fmt: skip
    points.loc[0, ["category", "score"]] = ["harmonized", 5.0]  # is no part of the line
    summary = made_tables.summary(simulated=False)
    ours = of_summary(summary, "mine", "r_over_ceiling")
    pairs = pair_by_accuracy(ours, points)
    assert pairs["our_benchmark"].unique().tolist() == ["m1_ml pls leave_one_image_out"]
    assert len(pairs) == 3  # the untrained are left out
    fit = OLS(y[1:], add_constant(x[1:])).fit()
    at = add_constant(pairs["accuracy"].to_numpy(), has_constant="add")
    oracle = fit.get_prediction(at).summary_frame(alpha=0.05)
    np.testing.assert_allclose(pairs["expected"], oracle["mean"])
    np.testing.assert_allclose(pairs["expected_high"], oracle["obs_ci_upper"])
    row = comparison_table(pairs, 100, seed=1).iloc[0]
    assert np.isnan(row.spearman) and "no names" in row.note
    assert row.n_inside == pairs["inside"].sum() and row.n_expected == 3


def test_our_attention_is_a_line_over_the_ceiling_of_people():
    table = made_tables.attention().assign(category="cnn", family="f", top1=70.0)
    found = of_attention(table.assign(attention="clickme"), "mine")
    assert found["benchmark"].tolist() == ["ClickMe eye raw"] and found["timm"][0] == "m.w"
    assert found["score"].tolist() == [0.25] and found["region"][0] == "attention"


def test_the_script_and_the_figure_show_what_the_tables_hold(rng, tmp_path):
    _, theirs = lines(rng, 3)
    names = [
        "tf_efficientnet_lite0.imagenet",
        "tf_efficientnet_lite1.imagenet",
        "resnet18.untrained",
    ]
    summary = made_tables.summary(simulated=False)
    store.write_table(tmp_path / "summary.parquet", summary)
    ours = of_summary(summary, "mine")
    scores = pd.concat([theirs.assign(model=names, timm=names), ours], ignore_index=True)
    store.write_table(tmp_path / "published.parquet", scores)
    out = [tmp_path / f"{kind}.{end}" for kind in ("pairs", "all") for end in ("parquet", "csv")]
    compare_published.main(
        tmp_path / "published.parquet", [tmp_path / "summary.parquet"], *out, titles=["mine"],
        unnamed=[], same={}, draws=100, seed=1,
    )  # fmt: skip
    pairs, table = store.read_table(out[0]), store.read_table(out[2])
    assert len(table) == 3 and (table["n_models"] == 3).all()
    panels = figure.draw(pairs, table, {"board": "Board"}).axes
    drawn = panels[0].collections[-1].get_offsets().data
    np.testing.assert_allclose(drawn, pairs[["published_score", "ours_score"]][:3])
    nothing = figure.draw(pairs[:0], table[:0], {})
    assert "no network of ours" in nothing.axes[0].texts[0].get_text()
