"""PLS and ridge on principal components of training images: against scikit-learn, fold by fold."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV

from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.ridge_options import RIDGE
from itcortex.errors import UserError
from itcortex.mappings import pls, ridge_spectral
from itcortex.mappings.features import build_design
from itcortex.mappings.folds import Division
from itcortex.regression.pca import MOST, TrainingComponents
from itcortex.regression.ridge_spectral import cross_predict

FOLD_OF = np.arange(24) % 4


def data(rng, n_features: int):
    """Features with a decaying spectrum that the responses read, and noise."""
    maps = rng.standard_normal((24, n_features)) * np.exp(-np.arange(n_features) / 6)
    responses = maps[:, :8] @ rng.standard_normal((8, 3)) + 0.3 * rng.standard_normal((24, 3))
    return maps + 5, responses.reshape(1, 24, 1, 1, 3)


@pytest.mark.parametrize("n_features", [10, 60])  # fewer than samples, and more
def test_predictions_equal_scikit_learns_pca_and_pls_in_every_fold(rng, n_features):
    maps, responses = data(rng, n_features)
    found = pls.fit_layer(maps, responses, FOLD_OF, n_components=3, pca=6).predictions
    sites = responses.reshape(24, 3)
    for fold in range(4):
        held = fold == FOLD_OF
        components = PCA(6, svd_solver="full").fit(maps[~held])
        model = PLSRegression(3, scale=False, tol=1e-14, max_iter=10_000)
        model.fit(components.transform(maps[~held]), sites[~held])
        expected = model.predict(components.transform(maps[held]))
        # scikit-learn's loop has converged to 1e-7 of a weight; predictions are kept as float32
        np.testing.assert_allclose(found[held, 0, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dimensions", [1000, "auto"])
@pytest.mark.parametrize("n_features", [10, 60])
def test_all_components_are_a_rotation_that_changes_nothing(rng, n_features, dimensions):
    maps, responses = data(rng, n_features)
    whole = pls.fit_layer(maps, responses, FOLD_OF, n_components=4)
    rotated = pls.fit_layer(maps, responses, FOLD_OF, n_components=4, pca=dimensions)
    np.testing.assert_allclose(rotated.predictions, whole.predictions, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(rotated.inner, whole.inner, rtol=1e-6)
    for name, values in whole.metrics.items():
        np.testing.assert_allclose(rotated.metrics[name], values, rtol=1e-5, err_msg=name)


def test_a_grid_has_the_components_of_its_positions(rng):
    """Maps smaller than the grid are fitted on their own cells; all components change nothing."""
    maps = rng.standard_normal((8, 2, 2, 30))
    responses = rng.standard_normal((1, 8, 3, 3, 2))
    whole, rotated = (
        pls.fit_layer(maps, responses, np.arange(8) % 4, 3, pca=pca) for pca in (None, "auto")
    )
    np.testing.assert_allclose(rotated.predictions, whole.predictions, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_features", [10, 60])
def test_held_out_images_have_no_part_in_the_components(rng, n_features):
    """What one held-out image shows changes the prediction of no other image of its fold."""
    maps, responses = data(rng, n_features)
    before = pls.fit_layer(maps, responses, FOLD_OF, 3, pca=4).predictions
    maps[0] += 50 * rng.standard_normal(n_features)
    after = pls.fit_layer(maps, responses, FOLD_OF, 3, pca=4).predictions
    others = np.flatnonzero(FOLD_OF == 0)[1:]
    np.testing.assert_allclose(after[others], before[others], rtol=1e-4, atol=1e-5)
    assert np.abs(after[FOLD_OF == 1] - before[FOLD_OF == 1]).max() > 1e-3


def test_no_more_components_than_the_training_images_have(rng):
    maps, _ = data(rng, 60)
    design, _ = build_design(maps[:, None], np.ones((1, 1)), FOLD_OF)
    for held_out, most in [((0,), 17), ((0, 1), 11)]:  # images less their mean
        assert TrainingComponents(design, "auto").without(held_out).rows.shape == (24, most)
        assert TrainingComponents(design, 5).without(held_out).rows.shape == (24, 5)
    assert MOST == 1000


def test_features_that_do_not_vary_predict_the_mean():
    responses = np.arange(24.0).reshape(1, 24, 1, 1, 1)
    found = pls.fit_layer(np.ones((24, 30)), responses, FOLD_OF, 2, pca=3).predictions
    for fold in range(4):
        held = fold == FOLD_OF
        np.testing.assert_allclose(found[held], responses[0, ~held].mean(), rtol=1e-5)


@pytest.mark.parametrize("n_features", [12, 90])
def test_ridge_equals_scikit_learns_pca_and_ridge_in_every_fold(rng, n_features):
    """Also its choice of penalties: left-out rows have a part in the components there too."""
    n, kept = 60, 7
    features = rng.standard_normal((n, n_features)) * np.arange(1, n_features + 1) ** -0.5
    responses = features[:, :4] @ rng.standard_normal((4, 5)) + rng.standard_normal((n, 5))
    fold_of, grid = np.arange(n) % 5, np.logspace(-2, 2, 5)
    found, choices = cross_predict(features, responses, fold_of, grid, components=kept)
    whole, _ = cross_predict(features, responses, fold_of, grid)
    assert np.abs(found - whole).max() > 1e-3
    for fold, choice in enumerate(choices):
        train, test = fold_of != fold, fold_of == fold
        reduce = PCA(kept, svd_solver="full").fit(features[train])
        scores = reduce.transform(features[train])
        unit = (scores**2).sum() / kept
        model = RidgeCV(unit * grid, alpha_per_target=True).fit(scores, responses[train])
        np.testing.assert_allclose(choice.penalties * unit, model.alpha_)
        expected = model.predict(reduce.transform(features[test]))
        np.testing.assert_allclose(found[test], expected, atol=1e-10)


def test_held_out_images_have_no_part_in_components_of_ridge(rng):
    features, responses = rng.standard_normal((40, 30)), rng.standard_normal((1, 40, 1, 1, 3))
    division = Division.into_folds(np.arange(40) % 4)
    before = ridge_spectral.fit_layer(features, responses, division, pca=5)
    moved, poisoned = features.copy(), responses.copy()
    moved[20] += 100  # of the fold 0
    poisoned[:, 20] += 100
    after = ridge_spectral.fit_layer(moved, poisoned, division, pca=5)
    same = (division.fold_of == 0) & (np.arange(40) != 20)
    np.testing.assert_allclose(after.predictions[same], before.predictions[same], atol=1e-5)
    np.testing.assert_allclose(after.inner[0], before.inner[0], atol=1e-9)
    whole = ridge_spectral.fit_layer(features, responses, division)
    auto = ridge_spectral.fit_layer(features, responses, division, pca="auto")  # 1,000: all of them
    np.testing.assert_allclose(auto.predictions, whole.predictions, atol=1e-6)


def test_a_small_recording_leaves_out_images_too_where_ridge_is_on_components(rng):
    features, responses = rng.standard_normal((40, 30)), rng.standard_normal((1, 40, 1, 1, 3))
    division = Division.into_folds(np.arange(40) % 4)
    fit = PROTOCOLS["corrected"].fitter("ridge", 5, "exact", 0, pca=5)
    expected = ridge_spectral.fit_layer(features, responses, division, RIDGE.penalties, pca=5)
    found = fit(features, responses, division)
    np.testing.assert_array_equal(found.predictions, expected.predictions)
    with pytest.raises(UserError, match=r"'pca' is for PLS and ridge .* not for 'cka'"):
        PROTOCOLS["corrected"].fitter("cka", 5, "exact", 0, pca=5)
