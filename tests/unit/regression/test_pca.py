"""PLS on principal components of the training images: against scikit-learn, fold by fold."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA

from itcortex.mappings import pls
from itcortex.mappings.features import build_design
from itcortex.regression.pca import MOST, TrainingComponents

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
