"""Trends within and between families: identities, closed forms, and p values without a trend."""

import numpy as np
import pytest
from scipy.stats import kstest, linregress, pearsonr, rankdata, spearmanr
from statsmodels.api import OLS

from itcortex.tables.family_trends import (
    Families,
    decompose,
    family_table,
    mixed_model,
    permutation_p,
)
from made.scores import networks

SIZES = np.array([2, 3, 4, 5, 6, 8, 9, 12, 15, 20, 1, 1])


@pytest.fixture
def made(rng):
    """Accuracy, score and family of families of unequal size: +.8 within, levels unrelated."""
    return networks(rng, len(SIZES), SIZES, slope=0.8, family_sd=1.5)


def value(table, statistic, column="value"):
    """One cell of the table of all families."""
    return table[(table["statistic"] == statistic) & (table["family"] == "")][column].item()


def plain(accuracy, score, families):
    """The decomposition of the networks as they are."""
    sums = Families.of(accuracy, score, families)
    return {name: one[0] for name, one in decompose(sums, np.ones((len(sums.n), 1))).items()}


def test_the_total_slope_is_the_mean_of_both_weighted_by_variance(made):
    parts = plain(*made)
    share = parts["within_share"]
    mixed = share * parts["within_slope"] + (1 - share) * parts["between_slope"]
    assert mixed == pytest.approx(linregress(made[0], made[1])[0], abs=1e-12)


def test_the_within_slope_is_that_of_a_regression_with_a_constant_a_family(made):
    accuracy, score, families = made
    dummies = (families[:, None] == np.unique(families)).astype(float)
    fit = OLS(score, np.column_stack([accuracy, dummies])).fit()
    assert plain(*made)["within_slope"] == pytest.approx(fit.params[0], abs=1e-10)


def test_within_and_between_are_those_of_deviations_and_means(made):
    accuracy, score, families = made
    names, index = np.unique(families, return_inverse=True)
    means = [np.array([v[families == name].mean() for name in names]) for v in (accuracy, score)]
    parts = plain(*made)
    assert parts["within_r"] == pytest.approx(
        pearsonr(accuracy - means[0][index], score - means[1][index])[0], abs=1e-12
    )
    assert parts["between_slope"] == pytest.approx(
        linregress(means[0][index], means[1][index])[0], abs=1e-12
    )
    assert parts["between_spearman"] == pytest.approx(spearmanr(*means)[0], abs=1e-12)


def test_a_draw_equals_its_families_written_out(made, rng):
    accuracy, score, families = made
    sums = Families.of(*made)
    counts = rng.integers(0, 3, (len(sums.n), 8)).astype(float)
    found = decompose(sums, counts)
    for k in range(8):
        copies = [
            (np.flatnonzero(families == name), f"{name} {j}")
            for name, count in zip(sums.names, counts[:, k], strict=True)
            for j in range(int(count))
        ]
        rows = np.concatenate([members for members, _ in copies])
        drawn = np.concatenate([np.full(len(members), name) for members, name in copies])
        expected = plain(accuracy[rows], score[rows], drawn)
        for name, expected_value in expected.items():
            assert found[name][k] == pytest.approx(expected_value, abs=1e-10), name


def test_opposite_trends_are_told_apart(rng):
    accuracy, score, families = networks(rng, 25, 12, slope=-0.5, noise=0.2, spread=0.4)
    level = np.array([accuracy[families == name].mean() for name in families]) / 5
    table = family_table(accuracy, score + 1.5 * level, families, draws=300, rng=rng)
    assert value(table, "within_slope", "high") < 0
    assert value(table, "between_slope", "low") > 0
    assert value(table, "mixed_within_slope", "high") < 0
    assert value(table, "mixed_between_slope", "low") > 0
    assert value(table, "spearman", "low") > 0  # what is seen without asking for families


# --- the mixed model ------------------------------------------------------------------------------


def gls(accuracy, score, families, variance, noise):
    """Coefficients and standard errors of generalised least squares for given variances."""
    index = np.unique(families, return_inverse=True)[1]
    means = np.array([accuracy[families == name].mean() for name in families])
    X = np.column_stack([np.ones(len(score)), accuracy - means, means])
    V = variance * (index[:, None] == index) + noise * np.eye(len(score))
    inverse = np.linalg.inv(X.T @ np.linalg.solve(V, X))
    return inverse @ X.T @ np.linalg.solve(V, score), np.sqrt(np.diag(inverse))


def test_the_mixed_within_slope_equals_the_plain_one(made):
    within, _ = mixed_model(*made)
    # Mundlak (1978); statsmodels' optimiser stops at about 1e-6 of its variances
    assert within["value"] == pytest.approx(plain(*made)["within_slope"], abs=1e-7)


def test_the_mixed_model_equals_generalised_least_squares(made):
    from statsmodels.regression.mixed_linear_model import MixedLM

    accuracy, score, families = made
    means = np.array([accuracy[families == name].mean() for name in families])
    X = np.column_stack([np.ones(len(score)), (accuracy - means) / 5, (means - 70) / 5])
    fit = MixedLM(score, X, groups=families).fit(reml=True)
    coefficients, errors = gls(*made, float(fit.cov_re[0, 0]), fit.scale)
    for k, (row, freedom) in enumerate(zip(mixed_model(*made), (86 - 12 - 1, 12 - 2), strict=True)):
        from scipy.stats import t

        half = t.ppf(0.975, freedom) * errors[k + 1]
        assert row["value"] == pytest.approx(coefficients[k + 1], rel=1e-4, abs=1e-6)
        # standard errors hold the variances to the optimiser's accuracy
        assert row["high"] - row["value"] == pytest.approx(half, rel=1e-3)


@pytest.mark.long
def test_p_values_of_the_mixed_model_are_uniform_without_a_trend(rng):
    found = np.array(
        [
            [row["p"] for row in mixed_model(*networks(rng, 12, 4, family_sd=1.0))]
            for _ in range(150)
        ]
    )
    assert kstest(found[:, 0], "uniform").pvalue > 0.01
    assert kstest(found[:, 1], "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("families", "members", "spread"),
    [(2, 20, 1.0), (20, 1, 1.0), (12, 5, 0.0)],
    ids=["two families", "one network a family", "accuracy differs between families only"],
)
def test_no_mixed_model_where_it_cannot_be_told_apart(families, members, spread, rng):
    assert mixed_model(*networks(rng, families, members, spread=spread)) == []


# --- p values -------------------------------------------------------------------------------------


def p_values(rng, repeats, clustered, **planted):
    """p values of made samples."""
    found = []
    for _ in range(repeats):
        accuracy, score, families = networks(rng, len(SIZES), SIZES, **planted)
        names = families if clustered else np.arange(len(score)).astype(str)
        found.append(permutation_p(accuracy, score, names, 199, rng))
    return np.array(found)


@pytest.mark.long
def test_p_values_are_uniform_without_a_trend(rng):
    found = p_values(rng, 200, clustered=True, family_sd=1.0)
    assert kstest(found, "uniform").pvalue > 0.01
    assert 2 <= (found <= 0.05).sum() <= 20  # 10 expected, sd 3.1


def test_p_values_that_ignore_families_are_too_small(rng):
    found = p_values(rng, 100, clustered=False, family_sd=2.0, spread=0.3)
    assert (found <= 0.05).mean() > 0.2


def test_p_values_find_a_trend_and_have_their_smallest_value(rng):
    assert p_values(rng, 1, clustered=True, slope=2.0) == pytest.approx(1 / 200)


def test_without_families_the_test_is_scipy_s_permutation_test(rng):
    from scipy.stats import permutation_test

    accuracy, score, _ = networks(rng, 7, 1, slope=0.7)
    ranks = rankdata(accuracy)  # rho is Pearson's r of ranks; of all 7! pairings at once
    exact = permutation_test(
        (score,),
        lambda y, axis: pearsonr(ranks, rankdata(y, axis=axis), axis=axis)[0],
        permutation_type="pairings",
        n_resamples=10**5,
        vectorized=True,
    ).pvalue
    found = permutation_p(accuracy, score, np.arange(7).astype(str), 5000, rng)
    assert found == pytest.approx(exact, abs=0.02)  # 3 sd of 5,000 draws


# --- the table ------------------------------------------------------------------------------------


def test_families_of_five_or_more_have_their_own_rho(made, rng):
    accuracy, score, families = made
    table = family_table(accuracy, score, families, draws=100, rng=rng)
    own = table[table["family"] != ""].set_index("family")
    assert own["n_models"].tolist() == [5, 6, 8, 9, 12, 15, 20]
    for name, row in own.iterrows():
        one = families == name
        assert row["value"] == pytest.approx(spearmanr(accuracy[one], score[one])[0], abs=1e-12)


def test_single_networks_have_nothing_within_families(rng):
    table = family_table(*networks(rng, 20, 1, slope=1), draws=100, rng=rng)
    assert np.isnan(value(table, "within_slope"))
    assert value(table, "within_slope", "note").startswith("undefined")
    assert value(table, "within_share") == pytest.approx(0, abs=1e-12)
    assert np.isfinite(value(table, "between_slope", "low"))
