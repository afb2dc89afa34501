"""PLS and ridge as scikit-learn has them, held against scikit-learn and against the workflow's fits."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from itcortex.api.estimators import PLS, GroupedKFold, RidgePerTarget
from itcortex.encoding.protocols import RULES
from itcortex.errors import UserError
from itcortex.mappings import pls
from itcortex.mappings.folds import assign_folds
from itcortex.regression.ridge import PENALTIES


@pytest.fixture
def data(rng):
    """Few samples with many channels, and the other way round."""
    return {
        "wide": (rng.standard_normal((30, 80)), rng.standard_normal((30, 4))),
        "tall": (rng.standard_normal((90, 12)), rng.standard_normal((90, 4))),
    }


@pytest.mark.parametrize("estimator", [PLS(3), RidgePerTarget()], ids=["PLS", "RidgePerTarget"])
def test_scikit_learns_own_checks_pass(estimator):
    """All of them, without exception: `check_estimator`, one check after the other."""
    checks = list(estimator_checks_generator(estimator, legacy=True))
    assert len(checks) > 40
    for checked, check in checks:
        check(checked)


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_pls_is_that_of_scikit_learn(data, shape):
    X, Y = data[shape]
    ours = PLS(6).fit(X, Y)
    theirs = PLSRegression(6, scale=False, tol=1e-14, max_iter=5000).fit(X, Y)
    # their loop ends where the squared step of a weight is below 1e-14
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)
    assert ours.n_components_ == 6


@pytest.mark.parametrize("shape", ["wide", "tall"])
def test_ridge_is_that_of_scikit_learn_at_each_targets_penalty(data, shape):
    X, Y = data[shape]
    ours = RidgePerTarget(folds=4, seed=1).fit(X, Y)
    unit = np.square(X - X.mean(0)).sum() / min(X.shape)
    for site in range(4):
        theirs = Ridge(alpha=ours.penalties_[site] * unit).fit(X, Y[:, site])
        # the probe's share in the unit of penalties: 1e-6 / samples
        np.testing.assert_allclose(ours.coef_[site], theirs.coef_, rtol=1e-6, atol=1e-9)
        assert ours.intercept_[site] == pytest.approx(theirs.intercept_, abs=1e-8)


def test_the_penalty_is_the_best_of_the_folds(data):
    """Against a loop over penalties and folds with scikit-learn."""
    X, Y = data["tall"]
    ours = RidgePerTarget(folds=4, seed=1).fit(X, Y)
    fold_of = assign_folds(tuple(map(str, range(90))), 4, np.random.default_rng(1))
    unit = np.square(X - X.mean(0)).sum() / min(X.shape)
    errors = np.zeros((len(PENALTIES), 4))
    for k, penalty in enumerate(PENALTIES):
        for fold in range(4):
            train, test = fold_of != fold, fold_of == fold
            fit = Ridge(alpha=penalty * unit).fit(X[train], Y[train])
            errors[k] += np.square(Y[test] - fit.predict(X[test])).sum(0)
    assert ours.penalties_.tolist() == np.array(PENALTIES)[errors.argmin(0)].tolist()


@pytest.mark.parametrize("rule", ["exact", "nipals_1e-4", "nipals_1e-6"])
def test_held_out_predictions_are_those_of_the_workflow(data, rule):
    """cross_val_predict with our folds gives what the mapping of the workflow predicts."""
    X, Y = data["wide"]
    fold_of = assign_folds(tuple(map(str, range(30))), 4, np.random.default_rng(0))
    held_out = cross_val_predict(PLS(5, rule), X, Y, cv=GroupedKFold(4))
    found = pls.fit_layer(X, Y[None, :, None, None], fold_of, 5, nested=False, rule=RULES[rule])
    # theirs is kept in float32
    np.testing.assert_allclose(held_out, found.predictions[:, 0, 0], atol=1e-5)


def test_folds_are_those_of_the_workflow_and_keep_groups(rng):
    groups = rng.integers(0, 12, 50)
    X = np.zeros((50, 1))
    fold_of = assign_folds(tuple(map(str, groups)), 5, np.random.default_rng(3))
    splits = list(GroupedKFold(5, seed=3).split(X, groups=groups))
    assert len(splits) == GroupedKFold(5).get_n_splits() == 5
    for fold, (train, test) in enumerate(splits):
        np.testing.assert_array_equal(test, np.flatnonzero(fold_of == fold))
        assert not set(groups[train]) & set(groups[test])
    assert GroupedKFold("image").get_n_splits(X, groups=groups) == len(set(groups))


def test_a_constant_target_and_constant_features_predict_the_mean(rng):
    X = rng.standard_normal((20, 3))
    assert PLS(2).fit(X, np.full(20, 4.0)).predict(X) == pytest.approx(np.full(20, 4.0))
    for estimator in (PLS(2), RidgePerTarget()):
        flat = estimator.fit(np.full((20, 3), 1e6), X)
        np.testing.assert_allclose(flat.predict(np.full((1, 3), 1e6))[0], X.mean(0), atol=1e-9)


def test_scores_of_several_targets(data):
    X, Y = data["tall"]
    Y = X[:, :4] + 0.01 * Y
    scores = cross_val_score(PLS(12), X, Y, cv=GroupedKFold(5))
    assert scores.shape == (5,)
    assert (scores > 0.99).all()


def test_bad_choices_are_named(data):
    X, Y = data["wide"]
    with pytest.raises(UserError, match="rule: 'fast' does not exist"):
        PLS(rule="fast").fit(X, Y)
    with pytest.raises(UserError, match="penalties"):
        RidgePerTarget(penalties=[0.0]).fit(X, Y)
    with pytest.raises(UserError, match="at least 3 folds"):
        RidgePerTarget(folds=2).fit(X, Y)
    with pytest.raises(UserError, match="groups: 2 labels for 30 samples"):
        RidgePerTarget().fit(X, Y, groups=[1, 2])
