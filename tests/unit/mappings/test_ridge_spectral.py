"""Ridge of big recordings, from maps to scores: against scikit-learn, ridge on folds, planted truth."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from itcortex.errors import UserError
from itcortex.mappings import kept, ridge, ridge_spectral
from itcortex.mappings.features import effective_dimensionality
from itcortex.mappings.folds import Division, Split, choose_layers
from itcortex.numerics.metrics import pearson
from itcortex.numerics.resample import resize_maps

PENALTIES = (1e-3, 1e-2, 0.1, 1.0, 10.0)
SHAPES = pytest.mark.parametrize("channels", [8, 90])  # fewer than the 60 training images, and more


def made(channels, images=80, sites=4, seed=0):
    """Vectors of a layer (image, channel), responses (target, image, 1, 1, site)."""
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((images, channels)) * np.logspace(0, -1, channels)
    sites = maps[:, :8] @ rng.standard_normal((8, sites))
    sites += np.logspace(-1, 1, sites.shape[1]) * rng.standard_normal(sites.shape)
    return maps, sites[None, :, None, None]


def fixed(images=80, train=60):
    """One test set; the first image is in no fit."""
    split = Split(np.arange(1, train), np.arange(train, images), np.empty(0, int))
    return Division(("test",), (split,), images)


def absolute(maps, rows, penalties=PENALTIES):
    centred = maps[rows] - maps[rows].mean(0)
    return np.vdot(centred, centred) / min(centred.shape) * np.array(penalties)


@SHAPES
def test_a_fixed_split_equals_scikit_learn_on_its_training_images(channels):
    maps, responses = made(channels)
    (split,) = fixed().splits
    found = ridge_spectral.fit_layer(maps, responses, fixed(), PENALTIES)
    flat = responses[0, :, 0, 0]
    peer = RidgeCV(absolute(maps, split.train), alpha_per_target=True)
    peer.fit(maps[split.train], flat[split.train])
    np.testing.assert_allclose(found.penalties[0, 0] * absolute(maps, split.train, 1), peer.alpha_)
    predicted = peer.predict(maps[split.test])
    np.testing.assert_allclose(found.predictions[split.test, 0, 0], predicted, rtol=1e-5)
    r = pearson(flat[split.test], predicted)
    np.testing.assert_allclose(found.metrics["r"][0, 0], r, atol=1e-10)
    assert np.isnan(found.predictions[:60]).all()
    assert found.at_edge.sum() == np.isin(found.penalties, (PENALTIES[0], PENALTIES[-1])).sum()


def test_on_a_grid_folds_equal_ridge_of_todays_at_the_same_penalty():
    rng = np.random.default_rng(1)
    maps = rng.standard_normal((9, 2, 2, 5))
    responses = rng.standard_normal((1, 9, 3, 3, 4))
    fold_of = np.arange(9) % 3
    on_grid = resize_maps(maps, (3, 3)).reshape(9, 9, 5)
    whole = absolute(on_grid.reshape(-1, 5), np.arange(81), (0.2,))
    for fold in range(3):
        rows = on_grid[fold_of != fold].reshape(-1, 5)
        same = whole / absolute(rows, np.arange(len(rows)), (1.0,))
        ours = ridge_spectral.fit_layer(maps, responses, Division.into_folds(fold_of), same)
        todays = ridge.fit_layer(maps, responses, fold_of, (0.2,))
        held = fold_of == fold
        np.testing.assert_allclose(ours.predictions[held], todays.predictions[held], atol=1e-6)
        r = todays.metrics["r"][0, fold]
        np.testing.assert_allclose(ours.metrics["r"][0, fold], r, atol=1e-9)
    assert ours.dimensionality == pytest.approx(effective_dimensionality(maps, (3, 3)), rel=1e-9)


@SHAPES
def test_no_response_to_a_test_image_has_a_say(channels):
    maps, responses = made(channels)
    before = ridge_spectral.fit_layer(maps, responses, fixed(), PENALTIES)
    poisoned = responses.copy()
    poisoned[:, 60:] += 1e6
    poisoned[:, 0] = -1e6  # in no fit, and not tested
    after = ridge_spectral.fit_layer(maps, poisoned, fixed(), PENALTIES)
    np.testing.assert_array_equal(before.predictions, after.predictions)
    np.testing.assert_array_equal(before.penalties, after.penalties)
    np.testing.assert_array_equal(before.inner, after.inner)


def test_several_targets_equal_each_alone_whether_stacked_or_made_one_by_one():
    maps, responses = made(8)
    targets = [responses[0], responses[0][::-1]]
    together = ridge_spectral.fit_layer(maps, targets, fixed(), PENALTIES)
    stacked = ridge_spectral.fit_layer(maps, np.stack(targets), fixed(), PENALTIES)
    np.testing.assert_array_equal(together.metrics["r"], stacked.metrics["r"])
    for index, target in enumerate(targets):
        alone = ridge_spectral.fit_layer(maps, [target], fixed(), PENALTIES)
        np.testing.assert_array_equal(together.metrics["rho"][index], alone.metrics["rho"][0])


def test_twins_are_left_out_together():
    """Fits that had seen a twin's response would take too small a penalty, and choose too well."""
    rng = np.random.default_rng(2)
    maps = np.repeat(rng.standard_normal((40, 60)), 2, axis=0)
    noise = np.repeat(rng.standard_normal((40, 6)), 2, axis=0)[None, :, None, None]
    split = Split(np.arange(60), np.arange(60, 80), np.empty(0, int))
    names = tuple(str(image // 2) for image in range(80))
    apart = ridge_spectral.fit_layer(maps, noise, Division(("t",), (split,), 80), PENALTIES)
    twins = ridge_spectral.fit_layer(maps, noise, Division(("t",), (split,), 80, names), PENALTIES)
    assert apart.penalties.max() < twins.penalties.min()
    assert apart.inner[0, 1] > 0.9
    assert twins.inner[0, 1] < 0.3


def test_the_layer_that_is_read_is_chosen_on_training_images():
    maps, responses = made(8)
    other = np.random.default_rng(9).standard_normal((80, 8))
    layers = [other, maps, np.ones((80, 8))]
    found = [ridge_spectral.fit_layer(layer, responses, fixed(), PENALTIES) for layer in layers]
    assert choose_layers(np.stack([one.inner for one in found])).tolist() == [1]
    assert (found[2].metrics["r"] == 0).all()  # a dead layer predicts the mean
    assert found[2].inner[0, 1] == pytest.approx(0, abs=1e-9)
    assert np.isnan(found[2].dimensionality)


def test_inner_scores_are_on_the_scale_of_r():
    maps, responses = made(8, images=4000)
    split = Split(np.arange(3000), np.arange(3000, 4000), np.empty(0, int))
    found = ridge_spectral.fit_layer(maps, responses, Division(("t",), (split,), 4000), PENALTIES)
    assert found.inner[0, 1] == pytest.approx(np.median(found.metrics["r"][0, 0]), abs=0.03)


def test_images_that_several_splits_test_have_the_mean_prediction():
    maps, responses = made(8)
    splits = [
        Split(np.arange(20 * k, 20 * k + 40), np.arange(76, 80), np.empty(0, int)) for k in (0, 1)
    ]
    both = ridge_spectral.fit_layer(
        maps, responses, Division(("a", "b"), tuple(splits), 80), PENALTIES
    )
    single = [
        ridge_spectral.fit_layer(
            maps, responses, Division(("a",), (split,), 80), PENALTIES
        ).predictions
        for split in splits
    ]
    np.testing.assert_allclose(both.predictions[76:], np.mean(single, 0)[76:], rtol=1e-5)


def test_a_site_that_does_not_vary_is_undefined_and_changes_no_other():
    maps, responses = made(8)
    flat = responses.copy()
    flat[..., 1] = 3.0
    with_it, without = (
        ridge_spectral.fit_layer(maps, y, fixed(), PENALTIES) for y in (flat, responses)
    )
    assert np.isnan(with_it.metrics["r"][0, 0, 1])
    others = [0, 2, 3]
    np.testing.assert_array_equal(
        with_it.metrics["r"][..., others], without.metrics["r"][..., others]
    )
    assert np.isfinite(with_it.inner[0, 1])


def test_a_layer_without_a_map_cannot_predict_a_grid():
    with pytest.raises(UserError, match="has no map"):
        ridge_spectral.fit_layer(np.ones((6, 5)), np.ones((1, 6, 2, 2, 3)), fixed(6, 4), PENALTIES)


@SHAPES
def test_a_kept_mapping_predicts_as_the_fit_to_all_images(channels):
    maps, responses = made(channels)
    new = made(channels, seed=5)[0]
    mapping, facts = kept.fit_kept(
        maps, responses[0], np.zeros(80, int), "ridge", 1, penalties=PENALTIES, groups=np.arange(80)
    )
    peer = RidgeCV(absolute(maps, np.arange(80)), alpha_per_target=True).fit(
        maps, responses[0, :, 0, 0]
    )
    np.testing.assert_allclose(mapping.predict(new)[:, 0, 0], peer.predict(new), atol=1e-8)
    assert len(facts["penalties"]) == 4
