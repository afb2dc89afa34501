"""Trade-off statistics against scipy, hand-made hulls, identities and the paper's figure."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import ConvexHull
from scipy.stats import linregress, pearsonr, spearmanr, theilslopes

import estimate_tradeoff
from itcortex import store
from itcortex.errors import UserError
from itcortex.numerics.ranks import rank_correlation
from itcortex.tables import dictionary, statistics
from made import tables as made_tables


@pytest.fixture
def cloud(rng):
    """Accuracy, score and family of 60 models; the last ten share accuracies with others."""
    top1 = rng.uniform(65, 88, 60)
    top1[-10:] = top1[:10]
    return top1, 0.5 - 0.004 * (top1 - 75) + rng.normal(0, 0.05, 60), np.repeat(np.arange(15), 4)


def test_rank_and_slopes_agree_with_scipy(cloud):
    top1, score, _ = cloud
    # the same formulas in another order of summation: rounding only
    assert rank_correlation(top1, score) == pytest.approx(spearmanr(top1, score)[0], abs=1e-12)
    assert statistics.pearson(top1, score) == pytest.approx(pearsonr(top1, score)[0], abs=1e-12)
    assert statistics.slope(top1, score) == pytest.approx(linregress(top1, score)[0], abs=1e-12)
    assert statistics.theil_sen_slope(top1, score) == pytest.approx(theilslopes(score, top1)[0])


def test_quantile_slope_minimises_the_pinball_loss(cloud):
    """No line through two of the points (one of which is optimal) has a smaller loss."""
    top1, score, _ = cloud

    def loss(b):
        residual = score - b * top1
        residual = residual - np.sort(residual)[:, None]  # every intercept through a point
        return np.maximum(0.9 * residual, -0.1 * residual).sum(axis=1).min()

    i, j = np.triu_indices(60, 1)
    distinct = top1[i] != top1[j]
    slopes = (score[i] - score[j])[distinct] / (top1[i] - top1[j])[distinct]
    best = min(loss(b) for b in slopes)
    # 1e-6 is the tolerance of the linear programme
    assert loss(statistics.quantile_slope(top1, score)) == pytest.approx(best, rel=1e-6)


def test_quantile_slope_has_the_loss_of_scikit_learns_linear_programme(rng):
    """With ties, few points and a steep trend; the slope itself where it is the only one."""
    from sklearn.linear_model import QuantileRegressor

    for count, slope in ((7, 0.0), (23, 0.05), (48, -2.0)):
        top1 = rng.integers(60, 80, count).astype(float)
        score = slope * top1 + rng.normal(0, 0.1, count)
        line = QuantileRegressor(quantile=0.9, alpha=0, solver="highs")
        programme = line.fit((top1 - top1.mean())[:, None], score).coef_[0]
        losses = []
        for b in (programme, statistics.quantile_slope(top1, score)):
            r = np.sort(score - b * top1)
            r = r - r[int(np.ceil(0.9 * count)) - 1]
            losses.append(np.maximum(0.9 * r, -0.1 * r).sum())
        # 1e-7 is the tolerance of the linear programme
        assert losses[1] <= losses[0] + 1e-7


def test_frontier_of_points_worked_out_by_hand():
    top1 = np.array([70.0, 72, 72, 75, 78, 80, 80, 74])
    score = np.array([0.30, 0.50, 0.40, 0.45, 0.46, 0.20, 0.30, 0.10])
    expected = [[70, 0.30], [72, 0.50], [78, 0.46], [80, 0.30]]
    np.testing.assert_array_equal(statistics.frontier(top1, score), expected)
    assert statistics.frontier_slope(top1, score) == pytest.approx(-0.20 / 8)


def test_frontier_is_the_upper_part_of_the_convex_hull(cloud):
    top1, score, _ = cloud
    vertices = statistics.frontier(top1, score)
    hull = ConvexHull(np.column_stack([top1, score]))
    corners = {tuple(p) for p in hull.points[hull.vertices].tolist()}
    assert {tuple(v) for v in vertices.tolist()} <= corners
    assert (np.interp(top1, *vertices.T) >= score - 1e-12).all()
    assert (np.diff(np.diff(vertices[:, 1]) / np.diff(vertices[:, 0])) < 0).all()


def test_frontier_of_a_rising_line_does_not_fall():
    top1 = np.linspace(60, 80, 9)
    assert statistics.frontier_slope(top1, top1 / 100) == 0.0
    # on one straight line only the two ends are vertices
    assert len(statistics.frontier(top1, top1 * 2.0)) == 2


@pytest.mark.parametrize("name", statistics.STATISTICS)
def test_statistics_do_not_depend_on_the_order_of_models(cloud, rng, name):
    top1, score, _ = cloud
    order = rng.permutation(60)
    # rounding; 1e-6 for the linear programme
    assert statistics.STATISTICS[name](top1[order], score[order]) == pytest.approx(
        statistics.STATISTICS[name](top1, score), abs=1e-6
    )


@pytest.mark.parametrize(
    "name", [n for n in statistics.STATISTICS if n not in statistics.CORRELATIONS]
)
def test_slopes_follow_the_units_of_the_score(cloud, name):
    top1, score, _ = cloud
    statistic = statistics.STATISTICS[name]
    assert statistic(top1, 3 * score + 1) == pytest.approx(3 * statistic(top1, score), abs=1e-6)


def test_resampling_takes_families_whole():
    """Every family sits on one accuracy, so that a draw has at most as many as it drew families."""
    families = np.repeat(["a", "b", "c"], [1, 5, 20])
    top1 = np.repeat([60.0, 70.0, 80.0], [1, 5, 20])
    score = np.repeat([0.1, 0.5, 0.2], [1, 5, 20])
    rng = np.random.default_rng(0)
    values, _ = statistics.clustered_draws("spearman", top1, score, families, draws=400, rng=rng)
    # {a,b}, {a,c}: +1; {b,c}: -1; all three: what the whole sample gives, and nothing between
    whole = spearmanr(top1, score)[0]
    possible = np.array([1, -1, whole])
    assert np.abs(values[:, None] - possible).min(axis=1).max() < 1e-9
    assert all((np.abs(values - p) < 1e-9).any() for p in possible)


@pytest.mark.long
def test_interval_of_unrelated_models_is_that_of_the_ordinary_bootstrap(cloud):
    top1, score, _ = cloud
    alone = statistics.with_interval(
        "slope", top1, score, np.arange(60), draws=2000, rng=np.random.default_rng(1)
    )
    rng = np.random.default_rng(2)
    drawn = [rng.integers(60, size=60) for _ in range(2000)]
    ordinary = np.quantile([linregress(top1[d], score[d])[0] for d in drawn], [0.025, 0.975])
    # Monte Carlo error of a 2.5 % quantile of 2000 draws: about .06 sd, two such numbers differ
    width = ordinary[1] - ordinary[0]
    np.testing.assert_allclose([alone.low, alone.high], ordinary, atol=0.05 * width)


def test_copies_of_models_within_families_do_not_narrow_the_interval(cloud):
    """Ten identical copies of every model carry no more information than one."""
    top1, score, families = cloud
    few = statistics.with_interval(
        "slope", top1, score, families, draws=300, rng=np.random.default_rng(3)
    )
    many = statistics.with_interval(
        "slope",
        *(np.tile(a, 10) for a in (top1, score, families)),
        draws=300,
        rng=np.random.default_rng(3),
    )
    # the same families are drawn from the same generator: rounding only
    assert (many.low, many.high) == pytest.approx((few.low, few.high), abs=1e-12)


def test_too_few_models_give_nan_and_say_so(rng):
    found = statistics.with_interval(
        "spearman", np.array([75.1, 76.8, 77.6]), np.array([0.5, 0.4, 0.3]), np.array(list("abc")),
        draws=10, rng=rng,
    )  # fmt: skip
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.note == "3 models, 5 are needed"
    assert (found.n_models, found.n_families) == (3, 3)


def test_constant_accuracy_is_undefined(rng):
    for name in statistics.STATISTICS:
        found = statistics.with_interval(
            name, np.full(6, 0.1), np.arange(6.0), np.arange(6), draws=10, rng=rng
        )
        assert np.isnan(found.value)
        assert found.note == "all models have the same accuracy"


def test_constant_score_has_a_slope_but_no_rank_correlation(rng):
    arguments = (np.arange(6.0), np.full(6, 0.3), np.arange(6))
    rank = statistics.with_interval("spearman", *arguments, draws=20, rng=rng)
    assert np.isnan(rank.value)
    assert rank.note == "all models have the same score"
    for name in ("slope", "theil_sen_slope", "quantile_slope", "frontier_slope"):
        assert statistics.with_interval(name, *arguments, draws=20, rng=rng).value == pytest.approx(
            0, abs=1e-9
        )


def test_two_families_give_a_value_without_interval(rng):
    found = statistics.with_interval(
        "slope", np.arange(6.0), np.arange(6.0) * 2, np.repeat([0, 1], 3), draws=10, rng=rng
    )
    assert found.value == pytest.approx(2)
    assert np.isnan([found.low, found.high]).all()
    assert found.note == "no interval: 2 families, 3 are needed"


def test_models_without_a_score_are_left_out_and_counted(cloud, rng):
    top1, score, families = cloud
    holed = np.append(score, [np.nan, np.nan])
    found = statistics.with_interval(
        "slope", np.append(top1, [10, 20]), holed, np.append(families, [0, 0]), draws=50, rng=rng
    )
    assert found.value == statistics.slope(top1, score)
    assert found.note == "left out: 2 without accuracy or score"


def test_undefined_draws_are_drawn_anew_and_counted(rng):
    """Three families of one accuracy each: one draw in nine takes one family three times."""
    arguments = (np.repeat([60.0, 70.0, 80.0], 2), np.arange(6.0), np.repeat([0, 1, 2], 2))
    found = statistics.with_interval("slope", *arguments, draws=900, rng=rng)
    redrawn = int(found.note.split()[0])
    assert found.note == f"{redrawn} undefined draws drawn anew"
    # expected 900 / 8 = 112, sd about 11: five sd
    assert 60 < redrawn < 170
    assert found.low <= found.value <= found.high


def test_too_many_undefined_draws_give_no_interval(monkeypatch, rng):
    monkeypatch.setattr(statistics, "MAXIMUM_TRIES", 1)
    arguments = (np.repeat([60.0, 70.0, 80.0], 2), np.arange(6.0), np.repeat([0, 1, 2], 2))
    found = statistics.with_interval("slope", *arguments, draws=200, rng=rng)
    assert np.isfinite(found.value)
    assert np.isnan(found.low)
    assert found.note.startswith("no interval: only ")


def test_table_has_every_statistic_for_all_and_every_category(rng):
    summary = made_tables.summary(made_tables.paper_models(rng))
    table = statistics.tradeoff_table(summary, "r_over_ceiling", 5, rng)
    groups = ["all", "cnn", "extra_data", "robust", "self_supervised", "vit", "with_harmonized"]
    assert len(table) == 3 * len(groups) * len(statistics.STATISTICS)
    assert table.group.unique().tolist() == groups
    everything = table[(table.recording == "m1_pl") & (table.group == "all")]
    assert everything.n_models.tolist() == [135] * 6  # harmonized and untrained excluded
    with_harmonized = table[(table.recording == "m1_pl") & (table.group == "with_harmonized")]
    assert with_harmonized.n_models.tolist() == [141] * 6
    assert (everything.p > 0).all() and (everything.p_holm >= everything.p).all()
    assert (everything.null_low <= everything.null).all()
    rows = summary[
        (summary.recording == "m1_pl") & summary.main_window & (summary.control == "none")
        & (summary.category == "vit")
    ]  # fmt: skip
    found = table.query("recording == 'm1_pl' and group == 'vit' and statistic == 'spearman'")
    assert found.value.item() == pytest.approx(spearmanr(rows.top1, rows.r_over_ceiling)[0])


@pytest.mark.long
def test_mappings_are_never_pooled(rng):
    one = made_tables.summary(made_tables.paper_models(rng))
    other = one.assign(mapping="ridge", r_over_ceiling=-one.r_over_ceiling)
    table = statistics.tradeoff_table(pd.concat([one, other]), "r_over_ceiling", 3, rng)
    rank = table.query("statistic == 'spearman' and group == 'all'")
    by_mapping = rank.set_index(["recording", "mapping"]).value.unstack()
    np.testing.assert_allclose(by_mapping.ridge, -by_mapping.pls)


def test_an_unknown_score_names_the_nearest_column(rng):
    with pytest.raises(
        UserError, match=r"'r_over_cieling' is not in the summary.*'r_over_ceiling'"
    ):
        statistics.tradeoff_table(made_tables.summary(), "r_over_cieling", 3, rng)


def test_script_writes_the_same_table_twice(tmp_path):
    summary = made_tables.summary()
    store.write_table(tmp_path / "summary.parquet", summary)
    store.write_table(tmp_path / "models.parquet", made_tables.models(summary))
    store.write_table(tmp_path / "ceilings.parquet", made_tables.ceilings(summary))
    splits = {name: f"{k} folds" for k, name in enumerate(summary["recording"].unique())}
    for name in ("a", "b"):
        others = [tmp_path / f"{name}_{k}.{end}" for k in range(4) for end in ("parquet", "csv")]
        estimate_tradeoff.main(
            *(tmp_path / f"{table}.parquet" for table in ("summary", "models", "ceilings")), [],
            tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv", *others,
            score="r_over_ceiling", ranges={"step": 5, "width": 15, "minimum": 20}, cut=70,
            splits=splits, draws=20, seed=1,
        )  # fmt: skip
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    table = store.read_table(tmp_path / "a.parquet")
    assert (table.note == "3 models, 5 are needed").all()
    assert dictionary.differences("tradeoff", table) == []
    assert len(table) == len(pd.read_csv(tmp_path / "a.csv")) == 3 * 2 * 6
    effects = store.read_table(others[6])
    for path in (tmp_path / "a.parquet", *others[::2]):
        table = store.read_table(path)
        assert table["split"].tolist() == table["recording"].map(splits).tolist(), path
    assert len(effects) == 3 * 3 * 2  # recordings x trained networks x ceilings
    ratio = effects["r"] / effects["ceiling"]
    np.testing.assert_allclose(effects["r_over_ceiling"], ratio)
    used = effects[effects["used"]].merge(summary[summary.main_window & (summary.control == "none")],
                                          on=["recording", "model", "weights"])  # fmt: skip
    np.testing.assert_allclose(used["r_x"], used["r_y"])
    assert store.read_table(others[0]).empty  # three networks: no range curve


@pytest.mark.long
@pytest.mark.shared
def test_published_figure_gives_the_known_rank_correlations(shared):
    """Points read off the paper's main figure; values and intervals are those of paper.md."""
    points = pd.read_csv(shared / "data" / "paper" / "figure3_digitized.csv")
    points = points[points.category != "harmonized"]
    expected = {
        "M1_PL": (-0.07, -0.27, 0.13), "M1_ML": (-0.21, -0.40, 0.02), "M2_ML": (0.11, -0.09, 0.33)
    }  # fmt: skip
    for panel, group in points.groupby("panel"):
        found = statistics.with_interval(
            "spearman", group.imagenet_top1.to_numpy(), group.neural_predictivity.to_numpy(),
            np.arange(len(group)), draws=2000, rng=np.random.default_rng(0),
        )  # fmt: skip
        assert found.value == pytest.approx(expected[panel][0], abs=0.02)
        # two decimals of another bootstrap of its own seed
        assert (found.low, found.high) == pytest.approx(expected[panel][1:], abs=0.03)
