"""Ridge at scale against scikit-learn, and against fits that are made one by one."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from itcortex.errors import UserError
from itcortex.regression import ridge_spectrum
from itcortex.regression.ridge_spectral import HeldOutFits, Share, cross_predict, fit_ridge

PENALTIES = (1e-3, 1e-2, 0.1, 1.0, 10.0)
SHAPES = pytest.mark.parametrize(("n", "p"), [(60, 12), (40, 90)])  # products of features, of rows


def made(n, p, sites=5, seed=0):
    """Features with a decaying spectrum, and responses with another noise for every site."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * np.logspace(0, -1.5, p) + 3
    y = x @ rng.normal(size=(p, sites)) + rng.normal(size=(n, sites)) * np.logspace(-1, 1, sites)
    return x, y - 7


def unit_of(x):
    centred = x - x.mean(0)
    return np.vdot(centred, centred) / min(x.shape)


@SHAPES
def test_equals_scikit_learn_with_a_penalty_for_every_target(n, p):
    x, y = made(n, p)
    new = made(20, p, seed=1)[0]
    peer = RidgeCV(unit_of(x) * np.array(PENALTIES), alpha_per_target=True, store_cv_results=True)
    peer.fit(x, y)
    ours = fit_ridge(x, y, PENALTIES)
    assert np.allclose(ours.penalties * unit_of(x), peer.alpha_)
    assert len(set(ours.penalties)) > 2
    assert np.allclose(ours.errors, peer.cv_results_.mean(0).T, rtol=1e-8)
    assert np.allclose(ours.predict(new), peer.predict(new), atol=1e-8)


@SHAPES
def test_left_out_groups_equal_fits_without_them(n, p):
    x, y = made(n, p)
    groups = np.random.default_rng(2).integers(0, n // 3, n)
    ours = fit_ridge(x, y, PENALTIES, groups=groups)
    for index, penalty in enumerate(PENALTIES):
        errors = np.zeros(y.shape[1])
        for group in np.unique(groups):
            seen = groups != group
            fit = Ridge(penalty * unit_of(x)).fit(x[seen], y[seen])
            errors += ((fit.predict(x[~seen]) - y[~seen]) ** 2).sum(0)
        assert np.allclose(ours.errors[index], errors / n, rtol=1e-8)


@SHAPES
def test_folds_equal_separate_fits_and_rows_outside_of_folds_only_train(n, p):
    x, y = made(n, p)
    fold_of = np.random.default_rng(3).integers(-1, 4, n)
    predicted, fits = cross_predict(x, y, fold_of, PENALTIES)
    assert np.isnan(predicted[fold_of < 0]).all()
    for fold in range(4):
        held = fold_of == fold
        alone = fit_ridge(x[~held], y[~held], PENALTIES)
        assert np.array_equal(fits[fold].penalties, alone.penalties)
        assert np.allclose(predicted[held], alone.predict(x[held]), atol=1e-8)


@pytest.mark.parametrize("kept", [3e9, 0])
@pytest.mark.parametrize("overlapping", [False, True])
def test_products_of_held_out_rows_are_taken_once_where_they_fit(monkeypatch, kept, overlapping):
    """Three folds of 60 rows: 60 rows are squared, and 120 where parts are not kept or overlap."""
    monkeypatch.setattr(ridge_spectrum, "KEPT_BYTES", kept)
    x, y = made(60, 12)
    rows = np.arange(60)
    held = [rows[k::3] for k in range(3)]
    if overlapping:
        held[1] = rows[:20]
    shares = [Share(np.setdiff1d(rows, test), test) for test in held]
    squared, real = [], ridge_spectrum.Products.squares
    monkeypatch.setattr(
        ridge_spectrum.Products, "squares",
        lambda self, some: squared.append(len(some)) or real(self, some),
    )  # fmt: skip
    fits = HeldOutFits(x, PENALTIES, shares=shares)
    found = list(fits.fit([y], shares))
    assert sum(squared) == (60 if kept and not overlapping else 120)
    again = list(fits.fit([y], shares))  # what was kept is used up
    for one, other in zip(found, again, strict=True):
        alone = Ridge(0.1 * unit_of(x[shares[one.share].train]))
        alone.fit(x[shares[one.share].train], y[shares[one.share].train])
        assert np.allclose(one.predictions, other.predictions, atol=1e-10)
        site = one.choice.penalties == 0.1
        assert np.allclose(alone.predict(x[held[one.share]])[:, site], one.predictions[:, site])


@SHAPES
def test_many_targets_are_predicted_as_each_alone(n, p):
    """Few sites are rotated back to features (or rows), many get the test rows rotated forth."""
    x, y = made(n, p)
    shares = [Share(np.arange(n)[k::3], np.arange(n)[k + 1 :: 3]) for k in (0, 1)]
    targets = [y, *np.random.default_rng(4).normal(size=(9, *y.shape))]
    fits = HeldOutFits(x, PENALTIES)
    together = list(fits.fit(targets, shares))
    alone = [next(fits.fit([target], [share])) for share in shares for target in targets]
    assert y.size / n * len(targets) > len(shares[0].test) > y.size / n
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one.predictions, other.predictions, atol=1e-10)
        assert one.choice.penalties.tolist() == other.choice.penalties.tolist()


@SHAPES
def test_a_held_out_response_touches_no_prediction_of_its_fold(n, p):
    x, y = made(n, p)
    fold_of = np.arange(n) % 5
    before, _ = cross_predict(x, y, fold_of, PENALTIES)
    y[fold_of == 2] += 1e6
    after, _ = cross_predict(x, y, fold_of, PENALTIES)
    assert np.array_equal(before[fold_of == 2], after[fold_of == 2])
    assert not np.allclose(before[fold_of == 1], after[fold_of == 1])


@SHAPES
def test_single_precision_gives_the_same_predictions_to_rounding(n, p):
    x, y = made(n, p)
    fold_of = np.arange(n) % 5
    double, _ = cross_predict(x, y, fold_of, PENALTIES)
    single, _ = cross_predict(x.astype(np.float32), y, fold_of, PENALTIES, dtype="float32")
    assert np.corrcoef(double.ravel(), single.ravel())[0, 1] > 1 - 1e-7
    assert np.abs(double - single).max() < 1e-3 * y.std()


@SHAPES
@pytest.mark.parametrize("grouped", [False, True])
def test_numpys_own_penalties_leave_products_in_single_precision(n, p, grouped):
    """Else everything behind them was taken in float64, at twice the time."""
    x, y = made(n, p)
    groups = np.arange(n) // 2 if grouped else None
    plain, numpys = (
        fit_ridge(x, y, some, groups=groups, dtype="float32")
        for some in (PENALTIES, np.array(PENALTIES))
    )
    assert plain.errors.tobytes() == numpys.errors.tobytes()
    assert plain.penalties.tolist() == numpys.penalties.tolist()
    exact = fit_ridge(x, y, PENALTIES, groups=groups)
    assert np.abs(plain.errors / exact.errors - 1).max() > 1e-9  # it is single precision


def test_a_sample_of_left_out_rows_estimates_the_error_of_all():
    x, y = made(400, 30)
    whole = fit_ridge(x, y, PENALTIES)
    drawn = fit_ridge(x, y, PENALTIES, inner_rows=200)
    assert not np.array_equal(whole.errors, drawn.errors)
    assert np.allclose(drawn.errors, whole.errors, rtol=0.4)
    assert np.array_equal(fit_ridge(x, y, PENALTIES, inner_rows=200).errors, drawn.errors)


def test_a_loud_site_changes_no_other():
    x, y = made(60, 12)
    before = fit_ridge(x, y, PENALTIES).predict(x)
    y[:, 2] *= 1e9
    after = fit_ridge(x, y, PENALTIES).predict(x)
    others = [0, 1, 3, 4]
    assert np.allclose(before[:, others], after[:, others], atol=1e-12)


def test_constant_and_twin_features_are_no_matter():
    x, y = made(60, 12)
    plain = fit_ridge(x, y, (0.1,)).predict(x)
    more = np.hstack([x, np.full((60, 3), 5.0)])
    penalty = 0.1 * unit_of(x) / unit_of(more)
    assert np.allclose(fit_ridge(more, y, (penalty,)).predict(more), plain, atol=1e-9)


def test_a_site_whose_best_penalty_is_at_the_end_is_marked():
    x, y = made(60, 12)
    noise = np.random.default_rng(5).normal(size=(60, 1))
    found = fit_ridge(x, np.hstack([y[:, :1], noise]), PENALTIES)
    assert found.at_edge[1] and found.penalties[1] == PENALTIES[-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"penalties": (1.0, 0.1)}, "ascending"),
        ({"penalties": (0.0, 1.0)}, r"\[0.0\]"),
        ({"penalties": ()}, "none"),
        ({"dtype": "float16"}, "float32 or float64"),
        ({"groups": np.zeros(60, int)}, "at least three"),
    ],
)
def test_wrong_settings_are_named(change, message):
    x, y = made(60, 12)
    with pytest.raises(UserError, match=message):
        fit_ridge(x, y, **change)


def test_values_that_are_not_finite_and_rows_that_are_all_alike_are_refused():
    x, y = made(60, 12)
    y[3, 1] = np.nan
    with pytest.raises(UserError, match="responses: a value is not finite"):
        fit_ridge(x, y)
    with pytest.raises(UserError, match="all rows of the features are the same"):
        fit_ridge(np.ones((20, 30)), np.random.default_rng(0).normal(size=(20, 2)))


@pytest.mark.network  # loads torch
@SHAPES
def test_torch_gives_the_same(n, p):
    x, y = made(n, p)
    fold_of = np.arange(n) % 5
    host, _ = cross_predict(x, y, fold_of, PENALTIES)
    device, _ = cross_predict(x, y, fold_of, PENALTIES, device="cpu:0")
    assert np.allclose(host, device, atol=1e-8)
    groups = np.arange(n) // 2
    host, device = (fit_ridge(x, y, PENALTIES, groups=groups, device=d) for d in ("cpu", "cpu:0"))
    assert np.allclose(host.errors, device.errors, rtol=1e-8)
