"""Encoding of one layer: planted truth, honest held-out scores, shapes with and without a grid."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from itcortex.data import stimuli
from itcortex.errors import UserError
from itcortex.mappings import layer_scores, pls
from itcortex.mappings.features import grid_features
from itcortex.mappings.folds import assign_folds
from itcortex.numerics.metrics import predictivity
from itcortex.numerics.resample import pool_maps, resize_maps


@pytest.fixture
def planted(rng):
    """Smooth maps (8 images, 5 x 6, 10 channels) and sites that read them on an 11 x 9 grid."""
    maps = rng.standard_normal((8, 5, 6, 10))
    weights = rng.standard_normal((10, 7))
    responses = resize_maps(maps, (11, 9)) @ weights
    return maps, responses + 0.1 * rng.standard_normal(responses.shape)


def test_scores_equal_scikit_learn_on_resampled_features(planted):
    maps, responses = planted
    found = pls.fit_layer(maps, responses[None], np.arange(8), 10)
    features = resize_maps(maps, (11, 9)).reshape(-1, 10)
    groups = np.repeat(np.arange(8), 99)
    # with all 10 components PLS is least squares, whatever the rule of its inner loop
    expected = cross_val_predict(
        PLSRegression(10, scale=False, tol=1e-12, max_iter=5000),
        features, responses.reshape(-1, 7), groups=groups, cv=LeaveOneGroupOut(),
    )  # fmt: skip
    np.testing.assert_allclose(
        found.predictions.reshape(-1, 7), expected, atol=1e-5 * responses.std()
    )  # float32 storage
    r = [np.corrcoef(expected[:99, s], responses[0].reshape(99, 7)[:, s])[0, 1] for s in range(7)]
    np.testing.assert_allclose(found.metrics["r"][0, 0], r, atol=1e-9)


def test_planted_layer_is_predicted_and_a_shuffled_one_is_not(planted):
    maps, responses = planted
    shuffled = responses[[1, 2, 3, 4, 5, 6, 7, 0]]
    found = pls.fit_layer(maps, np.stack([responses, shuffled]), np.arange(8), 10)
    scores = predictivity(found.metrics["r"])
    assert scores[0] > 0.95
    assert abs(scores[1]) < 0.25  # 8 images: chance correlations of smooth maps are wide


def test_inner_scores_equal_fits_without_both_images(planted):
    """inner[i, j] is what a fit on the images without i predicts for j when j is held out too."""
    maps, responses = planted
    whole = pls.fit_layer(maps, responses[None], np.arange(8), 5)
    keep = np.array([k for k in range(8) if k != 2])
    part = pls.fit_layer(maps[keep], responses[None, keep], np.arange(7), 5)
    expected = np.median(part.metrics["r"][0], axis=1)
    np.testing.assert_allclose(np.delete(whole.inner[2], 2), expected, atol=1e-9)
    assert np.isnan(whole.inner[2, 2])


def test_folds_of_several_images_put_predictions_where_the_images_are(planted, rng):
    maps, responses = planted
    folds = assign_folds(tuple("abcdefgh"), 4, rng)
    found = pls.fit_layer(maps, responses[None], folds, 10)
    for image in range(8):
        r = np.corrcoef(found.predictions[image].ravel(), responses[image].ravel())[0, 1]
        assert r > 0.9
    reordered = rng.permutation(8)
    again = pls.fit_layer(maps[reordered], responses[None, reordered], folds[reordered], 10)
    np.testing.assert_allclose(again.predictions, found.predictions[reordered], atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4, 6), (1, 1, 6), (6,)])
def test_recording_without_grid_uses_pooled_features(rng, shape):
    maps = rng.standard_normal((60, *shape))
    flat = (maps.mean((1, 2)) if maps.ndim == 4 else maps) @ rng.standard_normal((6, 5))
    folds = assign_folds(tuple(map(str, range(60))), 5, rng)
    maps = pool_maps(maps, 1) if maps.ndim == 4 else maps
    found = pls.fit_layer(maps, flat.reshape(1, 60, 1, 1, 5), folds, 6)
    assert found.metrics["r"].shape == (1, 5, 5)
    assert predictivity(found.metrics["r"][0]) > 0.99
    assert found.predictions.shape == (60, 1, 1, 5)


def test_layer_without_map_cannot_predict_a_grid(planted):
    with pytest.raises(UserError, match="has no map"):
        pls.fit_layer(planted[0].mean((1, 2)), planted[1][None], np.arange(8), 5)


def test_compression_is_exact_for_maps_that_grow_in_one_axis_and_shrink_in_the_other(rng):
    maps = rng.standard_normal((3, 4, 12, 5))
    rows, basis = grid_features(maps, (9, 7))
    assert rows.shape == (3, 4 * 7, 5)
    np.testing.assert_allclose(basis.T @ basis, np.eye(28), atol=1e-12)
    expected = resize_maps(maps, (9, 7)).reshape(3, 63, 5)
    np.testing.assert_allclose(np.einsum("gr,irc->igc", basis, rows), expected, atol=1e-12)


def test_images_are_joined_by_id_and_missing_ones_are_listed():
    assert stimuli.join_images(("b", "a"), ("a", "x", "b"), "file") == [2, 0]
    with pytest.raises(UserError, match=r"file: 1 of 2 recorded images.*'c'"):
        stimuli.join_images(("a", "c"), ("a", "b"), "file")


def test_chosen_predictions_come_from_the_layer_of_the_images_fold(planted):
    maps, responses = planted
    folds = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    results = [pls.fit_layer(maps[..., :n], responses[None], folds, n) for n in (3, 10)]
    merged = layer_scores.chosen_predictions(results, np.array([0, 1, 0]), folds)
    for image, fold in enumerate(folds):
        source = results[[0, 1, 0][fold]].predictions[image]
        np.testing.assert_array_equal(merged[image], source)
    never = np.where(folds == 2, -1, folds)
    merged = layer_scores.chosen_predictions(results, np.array([0, 1]), never)
    np.testing.assert_array_equal(np.isnan(merged).all((1, 2, 3)), folds == 2)


@pytest.mark.parametrize(
    ("of_maps", "of_sites", "leans"), [(1, 1, True), (1, 0, False), (0, 1, False)]
)
def test_shuffled_images_are_predicted_as_far_as_positions_are_shared(
    rng, of_maps, of_sites, leans
):
    """Why the control may lie above 0 on a grid: a border that every image has, in maps and sites."""
    edge = np.zeros((7, 7))
    edge[[0, -1]] = edge[:, [0, -1]] = 1
    maps = rng.standard_normal((12, 7, 7, 10)) + of_maps * edge[..., None] * rng.standard_normal(10)
    sites = rng.standard_normal((12, 7, 7, 8)) + of_sites * edge[..., None] * rng.standard_normal(8)
    shuffled = np.stack([np.roll(sites, shift, axis=0) for shift in range(1, 9)])
    found = pls.fit_layer(maps, shuffled, np.arange(12), 5, nested=False)
    r = predictivity(found.metrics["r"]).mean()
    # eight shuffles of twelve images of 49 positions: about .02 by chance
    assert r > 0.08 if leans else abs(r) < 0.06
