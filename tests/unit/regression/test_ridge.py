"""Ridge against scikit-learn by brute force, honest choice of penalties, degenerate features."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from itcortex.errors import UserError
from itcortex.mappings.folds import assign_folds
from itcortex.mappings.ridge import fit_layer
from itcortex.numerics.metrics import pearson, predictivity
from itcortex.numerics.resample import resize_maps
from itcortex.regression import ridge
from itcortex.regression.design import Design

WAYS = [ridge.primal, ridge.dual]
PENALTIES = (1e-4, 1e-2, 1.0, 100.0, 1e4)
# groups, rows a group, channels: the dual way takes both of its routes to the residual maker
CASES = {"tall": (5, 30, 12), "wide": (5, 8, 90), "uneven": (4, 12, 30), "tiny": (4, 3, 2)}


def make(rng, groups, n, channels, sites=4, targets=2):
    """A centred design of nearly equal groups, and responses (target, row, site) with offsets."""
    bounds = np.cumsum([0] + [n + k % 2 for k in range(groups)])
    x = rng.standard_normal((bounds[-1], channels)) * np.linspace(1, 0.1, channels)
    noise = rng.standard_normal((targets, bounds[-1], sites)) * np.geomspace(0.5, 20, sites)
    y = x @ rng.standard_normal((targets, channels, sites)) + noise + rng.standard_normal(sites)
    return Design(x - x.mean(0), np.ones(len(x)), bounds), y


def unit(x):
    """The unit of penalties, as documented."""
    centred = x - x.mean(0)
    return np.trace(centred.T @ centred) / min(x.shape)


def cross_validate(design, y, penalties=PENALTIES, way=None):
    """Cross-validation by one way or the cheaper, scored by Pearson r."""

    def score(fold, values):
        return pearson(y[0][design.group(fold)], values)

    return ridge.cross_validate(design, y, penalties, score, way=way)


def brute_force(design, y):
    """Predictions, penalties and inner scores of responses (row, site), fit by fit."""
    n_folds, x = design.n_groups, design.rows
    group = np.repeat(np.arange(n_folds), np.diff(design.bounds))
    alphas = np.array(PENALTIES) * unit(x)

    def predict(alpha, held, fold):
        train = ~np.isin(group, held)
        return Ridge(alpha, solver="svd").fit(x[train], y[train]).predict(x[group == fold])

    values, chosen = np.empty_like(y), np.empty((n_folds, y.shape[1]))
    inner = np.full((n_folds, n_folds, y.shape[1]), np.nan)
    for i in range(n_folds):
        others = [j for j in range(n_folds) if j != i]
        found = {(a, j): predict(a, (i, j), j) for a in alphas for j in others}
        sse = {key: ((p - y[group == key[1]]) ** 2).sum(0) for key, p in found.items()}
        best = np.argmin([sum(sse[a, j] for j in others) for a in alphas], axis=0)
        chosen[i] = np.array(PENALTIES)[best]
        for s, b in enumerate(best):
            values[group == i, s] = predict(alphas[b], (i,), i)[:, s]
        for j in others:
            rest = [[sse[a, k] for k in others if k != j] for a in alphas]
            for s, b in enumerate(np.sum(rest, 1).argmin(0)):
                inner[i, j, s] = pearson(y[group == j], found[alphas[b], j])[s]
    return values, chosen, inner


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_equals_brute_force_with_scikit_learn(rng, way, case):
    design, y = make(rng, *CASES[case])
    found = cross_validate(design, y, PENALTIES, way)
    for target in range(2):
        values, chosen, inner = brute_force(design, y[target])
        np.testing.assert_array_equal(found.penalties[target], chosen)
        # rounding of two orders of operations, times a condition number of at most 1e7
        np.testing.assert_allclose(found.predictions[target], values, atol=1e-8 * y.std())
        if target == 0:
            np.testing.assert_allclose(found.inner, inner, atol=1e-8)
    if case in {"tall", "wide"}:
        assert len(set(found.penalties.ravel())) > 1  # else the choice is not tested


def test_single_penalty_equals_cross_val_predict(rng):
    design, y = make(rng, 6, 20, 15)
    groups = np.repeat(np.arange(6), np.diff(design.bounds))
    model = Ridge(0.5 * unit(design.rows), solver="svd")
    expected = cross_val_predict(
        model, design.rows, y[0], groups=groups, cv=LeaveOneGroupOut()
    )  # fmt: skip
    found = cross_validate(design, y, (0.5,))
    np.testing.assert_allclose(found.predictions[0], expected, atol=1e-9 * y.std())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("poison", [1e6, np.nan])
def test_held_out_responses_cannot_touch_their_own_fold(rng, way, poison):
    """Neither predictions nor penalty nor the inner scores that choose the layer, to the bit."""
    design, y = make(rng, 5, 12, 20)
    clean = cross_validate(design, y, PENALTIES, way)
    rows = design.group(2)
    poisoned = y.copy()
    poisoned[:, rows] = poison
    dirty = cross_validate(design, poisoned, PENALTIES, way)
    np.testing.assert_array_equal(dirty.predictions[:, rows], clean.predictions[:, rows])
    np.testing.assert_array_equal(dirty.penalties[:, 2], clean.penalties[:, 2])
    np.testing.assert_array_equal(dirty.inner[2], clean.inner[2])
    other = design.group(0)
    assert not np.array_equal(dirty.predictions[:, other], clean.predictions[:, other])


@pytest.mark.parametrize("way", WAYS)
def test_rank_deficient_features_equal_their_independent_ones(rng, way):
    """Two copies of channels / sqrt(2) span the same kernel; the unit changes with the rank."""
    design, y = make(rng, 5, 20, 6)
    copies = Design(np.hstack([design.rows] * 2) / np.sqrt(2), design.ones, design.bounds)
    one = cross_validate(design, y, PENALTIES, way)
    two = cross_validate(copies, y, tuple(2 * p for p in PENALTIES), way)
    np.testing.assert_allclose(two.predictions, one.predictions, atol=1e-9 * y.std())


@pytest.mark.parametrize("way", WAYS)
def test_one_constant_site_is_predicted_and_leaves_the_others_alone(rng, way):
    design, y = make(rng, 4, 20, 10)
    without = cross_validate(design, y, PENALTIES, way)
    added = np.concatenate([y, np.full((*y.shape[:2], 1), 7.0)], 2)
    found = cross_validate(design, added, PENALTIES, way)
    np.testing.assert_allclose(found.predictions[..., :4], without.predictions, atol=1e-9)
    np.testing.assert_allclose(found.predictions[..., 4], 7, atol=1e-9)


def test_features_that_do_not_vary_predict_the_training_mean(rng):
    maps = np.full((5, 4, 4, 3), 0.1)
    responses = rng.standard_normal((1, 5, 6, 6, 2)) + 3
    found = fit_layer(maps, responses, np.arange(5))
    for image in range(5):
        expected = np.delete(responses[0], image, 0).mean((0, 1, 2))
        # float32 storage
        np.testing.assert_allclose(
            found.predictions[image], np.broadcast_to(expected, (6, 6, 2)), rtol=1e-6
        )
    np.testing.assert_array_equal(found.metrics["r"], 0)


def test_scaling_features_or_responses_changes_no_choice(rng):
    design, y = make(rng, 5, 12, 20)
    base = cross_validate(design, y)
    scaled = cross_validate(Design(design.rows * 300, design.ones, design.bounds), y * 7)
    np.testing.assert_array_equal(scaled.penalties, base.penalties)
    np.testing.assert_allclose(scaled.predictions, base.predictions * 7, atol=1e-8 * y.std())


@pytest.mark.parametrize("way", WAYS)
def test_layer_equals_scikit_learn_on_resampled_features(rng, monkeypatch, way):
    """Up-sampled maps are fitted on compressed rows; the order of folds is not that of images."""
    monkeypatch.setattr(ridge, "cheaper_way", lambda *_: way)
    maps = rng.standard_normal((6, 4, 3, 10))
    features = resize_maps(maps, (9, 8))
    responses = features @ rng.standard_normal((10, 5)) + rng.standard_normal((6, 9, 8, 5))
    folds = np.array([2, 0, 1, 2, 0, 3])
    found = fit_layer(maps, responses[None], folds, (0.01,))
    x, y, groups = features.reshape(-1, 10), responses.reshape(-1, 5), np.repeat(folds, 72)
    # trace and rank of the features on the grid are those of their rows in the orthonormal basis
    model = Ridge(0.01 * unit(x), solver="svd")
    expected = cross_val_predict(model, x, y, groups=groups, cv=LeaveOneGroupOut())
    np.testing.assert_allclose(found.predictions.reshape(-1, 5), expected, atol=1e-5)  # float32
    for fold in range(4):
        r = pearson(y[groups == fold], expected[groups == fold])
        np.testing.assert_allclose(found.metrics["r"][0, fold], r, atol=1e-9)
    inner = Ridge(0.01 * unit(x), solver="svd").fit(x[groups > 1], y[groups > 1])
    r = pearson(y[groups == 1], inner.predict(x[groups == 1]))
    assert found.inner[0, 1] == pytest.approx(np.median(r), abs=1e-9)
    assert np.isnan(np.diag(found.inner)).all()


def test_planted_truth_with_a_penalty_for_each_site(rng):
    """A site that is a channel takes the smallest penalty, a site of noise a large one."""
    maps = rng.standard_normal((8, 5, 6, 40))
    signal = resize_maps(maps, (9, 9)) @ rng.standard_normal((40, 6))
    noise = rng.standard_normal(signal.shape)
    responses = np.concatenate([signal[..., :3] + 0.05 * noise[..., :3], noise[..., 3:]], -1)
    shuffled = responses[np.roll(np.arange(8), 1)]
    found = fit_layer(maps, np.stack([responses, shuffled]), np.arange(8))
    assert found.metrics["r"][0, :, :3].min() > 0.98
    assert np.abs(found.metrics["r"][0, :, 3:].mean()) < 0.1
    assert np.abs(predictivity(found.metrics["r"][1])) < 0.2
    design, y = make(rng, 6, 40, 10, 2, 1)
    y[0, :, 0] = design.rows[:, 0]
    y[0, :, 1] = rng.standard_normal(len(design.rows))
    penalties = cross_validate(design, y, ridge.PENALTIES).penalties[0]
    assert penalties[:, 0].max() == 1e-4
    assert np.median(penalties[:, 1]) >= 100


@pytest.mark.parametrize("shape", [(4, 4, 6), (30,)])
def test_recording_without_grid(rng, shape):
    maps = rng.standard_normal((60, *shape))
    flat = maps.reshape(60, -1)[:, :20] @ rng.standard_normal((20, 5))
    folds = assign_folds(tuple(map(str, range(60))), 5, rng)
    found = fit_layer(maps, flat.reshape(1, 60, 1, 1, 5), folds)
    assert found.metrics["r"].shape == (1, 5, 5)
    assert found.predictions.shape == (60, 1, 1, 5)
    r = [np.corrcoef(found.predictions[:, 0, 0, s], flat[:, s])[0, 1] for s in range(5)]
    assert min(r) > (0.95 if shape == (30,) else 0.3)  # 96 features of 48 training images


def test_bad_penalties_and_vector_layers_are_refused(rng):
    design, y = make(rng, 4, 5, 3)
    with pytest.raises(UserError, match=r"penalties: \[-1.0, 0\]"):
        cross_validate(design, y, (-1.0, 0, 2))
    with pytest.raises(UserError, match="penalties: none"):
        cross_validate(design, y, ())
    with pytest.raises(ValueError, match="at least 3 groups, got 2"):
        cross_validate(Design(design.rows, design.ones, design.bounds[[0, 2, 4]]), y)
    with pytest.raises(UserError, match="has no map"):
        fit_layer(np.ones((4, 3)), np.ones((1, 4, 5, 5, 2)), np.arange(4))
