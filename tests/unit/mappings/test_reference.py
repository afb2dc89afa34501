"""Every switch of the protocol `reference` against plain loops, on small made cases."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import stats
from sklearn.cross_decomposition import PLSRegression

from itcortex.errors import UserError
from itcortex.mappings import pls, reference
from itcortex.mappings.reference import REFERENCE, ReferenceSwitches
from itcortex.numerics.metrics import METRICS, predictivity

#: Every switch off.
CORRECTED = ReferenceSwitches(False, False, False, False, None, False)


@pytest.fixture
def planted(rng):
    """Maps (6 images, 5 x 5, 8 channels) and 7 sites on an 8 x 8 grid, with noise."""
    maps = rng.random((6, 5, 5, 8))
    responses = reference.resampled_features(maps, (8, 8), CORRECTED) @ rng.normal(size=(8, 7))
    return maps, responses + rng.normal(size=responses.shape)


def bilinear_by_hand(image, side):
    """One map (h, w) read at half-pixel centres between its four nearest cells, cell by cell."""
    height, width = image.shape
    result = np.empty((side, side))
    for row in range(side):
        for column in range(side):
            y = min(max((row + 0.5) * height / side - 0.5, 0), height - 1)
            x = min(max((column + 0.5) * width / side - 0.5, 0), width - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
            top = image[y0, x0] * (1 - x + x0) + image[y0, x1] * (x - x0)
            bottom = image[y1, x0] * (1 - x + x0) + image[y1, x1] * (x - x0)
            result[row, column] = top * (1 - y + y0) + bottom * (y - y0)
    return result


def scaled_by_hand(features):
    return np.stack([(image - image.min()) / (image.max() - image.min()) for image in features])


@pytest.mark.parametrize("size", [3, 7, 8])
def test_small_maps_are_interpolated_and_lose_their_last_channel(rng, size):
    maps = rng.normal(size=(2, size, size, 5))
    expected = np.zeros((2, 8, 8, 5))
    for image in range(2):
        for channel in range(4):
            expected[image, :, :, channel] = bilinear_by_hand(maps[image, :, :, channel], 8)
    found = reference.resampled_features(maps, (8, 8))
    np.testing.assert_allclose(found, scaled_by_hand(expected), atol=1e-12)


def test_large_maps_are_averaged_over_whole_cells(rng):
    maps = rng.normal(size=(2, 14, 14, 3))
    edges = [0, 1, 3, 4, 6, 7, 9, 10, 12, 14]  # 14 i / 9, rounded down
    expected = np.empty((2, 9, 9, 3))
    for row in range(9):
        for column in range(9):
            block = maps[:, edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
            expected[:, row, column] = block.mean((1, 2))
    found = reference.resampled_features(maps, (9, 9))
    np.testing.assert_allclose(found, scaled_by_hand(expected), atol=1e-12)


@pytest.mark.parametrize(("n_channels", "run"), [(600, 1), (603, 3), (604, 4), (612, 3)])
def test_many_channels_are_averaged_in_runs(rng, n_channels, run):
    maps = rng.normal(size=(2, 2, 2, n_channels))
    only = replace(CORRECTED, average_channels=True)
    found = reference.resampled_features(maps, (2, 2), only)
    expected = [maps.ravel()[k : k + run].mean() for k in range(0, maps.size, run)]
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-12)


def test_every_switch_changes_something_and_none_changes_nothing(planted, rng):
    """All off is `encoding.fit_layer`; each one alone moves features, predictions or the layer."""
    maps, responses = planted
    folds = np.arange(6)
    plain = pls.fit_layer(maps, responses[None], folds, 4)
    off = reference.fit_layer(maps, responses[None], folds, 4, CORRECTED)
    np.testing.assert_allclose(off.metrics["r"], plain.metrics["r"], atol=1e-9)
    np.testing.assert_allclose(off.inner, plain.inner, atol=1e-9)

    cases = {
        "average_channels": rng.random((6, 2, 2, 603)),
        "whole_cells": rng.random((6, 13, 13, 8)),
        "last_channel_zero": maps,
        "scale_images": maps,
    }
    for name, case in cases.items():
        on = reference.resampled_features(case, (8, 8), replace(CORRECTED, **{name: True}))
        without = reference.resampled_features(case, (8, 8), CORRECTED)
        assert on.shape != without.shape or np.abs(on - without).max() > 0.01, name
    loose = reference.fit_layer(maps, responses[None], folds, 4, replace(CORRECTED, tolerance=1e-4))
    assert np.abs(loose.predictions - plain.predictions).max() > 1e-4
    remaining = {field.name for field in fields(REFERENCE)} - set(cases) - {"tolerance"}
    assert remaining == {"layer_from_test_images"}  # the test of the layers' choice has it


def test_scores_equal_scikit_learn_stopped_at_its_default_tolerance(planted):
    maps, responses = planted
    found = reference.fit_layer(maps, responses[None], np.arange(6), 5)
    features = reference.resampled_features(maps, (8, 8)).reshape(6, 64, 8)
    for fold in range(6):
        train = [image for image in range(6) if image != fold]
        fitted = PLSRegression(5, scale=False, tol=1e-4).fit(
            features[train].reshape(-1, 8), responses[train].reshape(-1, 7)
        )
        expected = fitted.predict(features[fold])
        actual = found.predictions[fold].reshape(64, 7)
        np.testing.assert_allclose(actual, expected, atol=1e-5)  # float32 storage
        for site in range(7):
            r = np.corrcoef(expected[:, site], responses[fold].reshape(64, 7)[:, site])[0, 1]
            assert found.metrics["r"][0, fold, site] == pytest.approx(r, abs=1e-9)


def test_training_mean_left_out_of_predictions_moves_no_score(planted, rng):
    """The authors' predictions lack a constant per fold and site: no metric sees it."""
    maps, responses = planted
    predicted = reference.fit_layer(maps, responses[None], np.arange(6), 5).predictions
    constants = rng.normal(size=(6, 1, 1, 7)) * 3
    uncentred = predicted.astype(float) - constants
    for metric in METRICS.values():
        recorded, with_mean, without = (
            values[2].reshape(64, 7) for values in (responses, predicted.astype(float), uncentred)
        )
        np.testing.assert_allclose(
            metric(recorded, with_mean), metric(recorded, without), atol=1e-9
        )
    for scale, rho in reference.map_alignment(responses, predicted).items():
        without = reference.map_alignment(responses, uncentred)[scale]
        np.testing.assert_allclose(rho, without, atol=1e-9)


def test_best_layer_looks_at_the_test_images_and_the_nested_choice_does_not(planted):
    maps, responses = planted
    results = [reference.fit_layer(maps[..., :n], responses[None], np.arange(6), 3) for n in (4, 8)]
    assert predictivity(results[1].metrics["r"][0]) > predictivity(results[0].metrics["r"][0])
    assert reference.choose_layers(results).tolist() == [1] * 6
    # swap the test scores only: the best layer follows, the nested choice stays
    nested = reference.choose_layers(results, CORRECTED)
    results[0].metrics, results[1].metrics = results[1].metrics, results[0].metrics
    assert reference.choose_layers(results).tolist() == [0] * 6
    np.testing.assert_array_equal(reference.choose_layers(results, CORRECTED), nested)


def test_undefined_scores_choose_no_layer(planted):
    maps, responses = planted
    result = reference.fit_layer(maps, responses[None], np.arange(6), 3)
    result.metrics["r"][:] = np.nan
    with pytest.raises(UserError, match="no layer has a defined score"):
        reference.best_layer([result])


@pytest.mark.parametrize("side", [17, 9, 8])
def test_map_alignment_is_of_plain_site_means_read_off_by_interpolation(rng, side):
    recorded, predicted = rng.normal(size=(2, 3, side, side, 4)) * [1, 1, 1, 9]
    found = reference.map_alignment(recorded, predicted)
    for image in range(3):
        means = [values[image].mean(2) for values in (recorded, predicted)]
        full = stats.spearmanr(*(values.ravel() for values in means))[0]
        small = [bilinear_by_hand(values, side // 4).ravel() for values in means]
        assert found[1][image] == pytest.approx(full, abs=1e-12)
        assert found[4][image] == pytest.approx(stats.spearmanr(*small)[0], abs=1e-12)


def test_quarter_of_a_tiny_grid_has_no_alignment(rng):
    found = reference.map_alignment(*rng.normal(size=(2, 3, 7, 7, 4)))
    assert np.isfinite(found[1]).all()
    assert np.isnan(found[4]).all()


def best_pair_by_hand(responses):
    """Loops over images, pairs without the last site, and rows."""
    result = []
    for maps in responses:
        best = 0.0
        for i in range(maps.shape[2] - 1):
            for j in range(i + 1, maps.shape[2] - 1):
                rows = [np.corrcoef(row[:, i], row[:, j])[0, 1] for row in maps]
                best = max(best, np.mean(rows))
        result.append(best)
    return result


def test_ceiling_equals_loops_and_ignores_the_last_site_and_flips(rng):
    responses = rng.normal(size=(4, 6, 7, 5)) + rng.normal(size=(4, 6, 7, 1))
    found = reference.ceiling_best_pair(responses)
    np.testing.assert_allclose(found, best_pair_by_hand(responses), atol=1e-12)
    last = responses.copy()
    last[..., 4] = last[..., 0]
    np.testing.assert_array_equal(reference.ceiling_best_pair(last), found)
    np.testing.assert_allclose(reference.ceiling_best_pair(responses[:, ::-1]), found, atol=1e-12)
    np.testing.assert_allclose(reference.ceiling_best_pair(2 - responses[:, :, ::-1]), found)


def test_ceiling_correlates_along_x_only(rng):
    """Structure between rows alone is invisible to it, and between columns alone is perfect."""
    noise = 1e-3 * rng.normal(size=(2, 9, 9, 3))
    profile = rng.normal(size=9)
    assert (reference.ceiling_best_pair(profile[:, None, None] + noise) < 0.4).all()
    assert (reference.ceiling_best_pair(profile[None, :, None] + noise) > 0.999).all()


def test_ceiling_of_opposite_sites_is_zero_and_constant_rows_drop_their_pairs(rng):
    base = rng.normal(size=(1, 5, 6))
    opposite = np.stack([base, -base, base], axis=3)
    assert reference.ceiling_best_pair(opposite).tolist() == [0.0]
    twins = np.stack([base, base, -base, base], axis=3)
    assert reference.ceiling_best_pair(twins)[0] == pytest.approx(1)
    twins[0, 2, :, 0] = 0.1  # not exact in binary: means differ from it by rounding
    assert reference.ceiling_best_pair(twins).tolist() == [0.0]


def test_ceiling_of_pure_noise_is_far_above_zero(rng):
    """The numbers of docs/method.md: .18 on 17 x 17 and .36 on 9 x 9, for 32 sites."""
    for side, low, high in ((17, 0.15, 0.21), (9, 0.30, 0.42)):
        ceiling = reference.ceiling_best_pair(rng.normal(size=(14, side, side, 32))).mean()
        assert low < ceiling < high


def test_what_the_protocol_cannot_do_is_said(rng):
    with pytest.raises(UserError, match="square"):
        reference.resampled_features(rng.random((2, 4, 6, 5)), (8, 8))
    with pytest.raises(UserError, match="square"):
        reference.resampled_features(rng.random((2, 4, 4, 5)), (8, 9))
    with pytest.raises(UserError, match="square"):
        reference.resampled_features(rng.random((2, 5)), (1, 1))
    with pytest.raises(UserError, match="601 channels"):
        reference.resampled_features(rng.random((2, 4, 4, 601)), (8, 8))
    flat = rng.random((3, 4, 4, 5))
    flat[1] = 0
    with pytest.raises(UserError, match=r"images number \[1\] of 3"):
        reference.resampled_features(flat, (8, 8))
    with pytest.raises(UserError, match="needs 3 sites"):
        reference.ceiling_best_pair(rng.random((2, 5, 5, 2)))
