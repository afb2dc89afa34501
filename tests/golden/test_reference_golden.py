"""The protocol `reference` against the outputs of the authors' unmodified code.

Tolerances are those the project asks for: 1e-5 for scores and features. Reached: scores 1e-7 (the
authors predict in float32), map alignment to the last bit but one, features 1.4e-7.
"""

from dataclasses import replace

import numpy as np
import pytest

from itcortex.mappings import reference
from itcortex.numerics.metrics import median_over_sites, spearman

pytestmark = pytest.mark.shared

IMAGES = np.arange(14)
#: `score_features` takes features as they are.
AS_THEY_ARE = replace(
    reference.REFERENCE, average_channels=False, last_channel_zero=False, scale_images=False
)


def load(shared, name):
    """Inputs and outputs of one golden case."""
    folder = shared / "data" / "golden"
    return [dict(np.load(folder / f"{kind}_{name}.npz")) for kind in ("in", "out")]


def assert_scores(found, responses, expected):
    """Fold scores, their mean and spread, and both map alignments, as far as the case holds them."""
    folds = median_over_sites(found.metrics["r"][0])
    np.testing.assert_allclose(folds, expected["fold_scores"], atol=1e-5)
    assert (folds.mean(), folds.std()) == pytest.approx(expected["final_score"], abs=1e-5)
    alignment = reference.map_alignment(responses, found.predictions)
    for scale in (1, 4):
        if f"dice{scale}" in expected:
            of_scale = alignment[scale]
            assert (of_scale.mean(), of_scale.std()) == pytest.approx(
                expected[f"dice{scale}"], abs=1e-5
            )


def assert_predictions(found, expected):
    """Equal up to a constant per fold and site: the authors leave the training mean out."""
    flat = found.predictions.reshape(14, -1, found.predictions.shape[3])[: len(expected)]
    difference = flat - expected
    # both sides are stored in float32: 2e-4 at values up to 500, which vary by 10
    assert np.ptp(difference, axis=1).max() < 5e-4


@pytest.mark.parametrize("case", ["sf_m1", "sf_m2"])
def test_score_features(shared, case):
    given, expected = load(shared, case)
    responses = given["Y"].astype(float)
    found = reference.fit_layer(
        given["X"], responses[None], IMAGES, switches=AS_THEY_ARE, nested=False
    )
    assert_scores(found, responses, expected)
    assert_predictions(found, expected["Y_pred"])


@pytest.mark.parametrize("case", ["sm_up7_c768", "sm_down14_c48_g9"])
def test_score_model(shared, case):
    given, expected = load(shared, case)
    responses = given["Y"].astype(float)
    features = reference.resampled_features(given["A"], responses.shape[1:3])
    np.testing.assert_allclose(features[0], expected["X_features_img0"], atol=1e-5)
    positions = features[0, ..., 0].size  # sums over them: the same tolerance for their mean
    np.testing.assert_allclose(
        features.mean((1, 2)), expected["X_features_sum"] / positions, atol=1e-5
    )
    found = reference.fit_layer(given["A"], responses[None], IMAGES, nested=False)
    assert_scores(found, responses, expected)
    assert_predictions(found, expected["Y_pred_fold0"][None])


@pytest.mark.parametrize(
    ("rule", "tolerance"), [("compat_1e-4", 1e-4), ("brainscore_1e-6", 1e-6), ("exact_svd", None)]
)
def test_rules_of_the_inner_loop(shared, rule, tolerance):
    """Every site's r and rho: the three rules differ by up to .01 there, so 1e-9 tells them apart."""
    given, _ = load(shared, "sf_m1")
    expected = np.load(shared / "data" / "golden" / "rules_sf_m1.npz")
    found = reference.fit_layer(
        given["X"], given["Y"].astype(float)[None], IMAGES,
        switches=replace(AS_THEY_ARE, tolerance=tolerance), nested=False,
    )  # fmt: skip
    np.testing.assert_allclose(found.metrics["r"][0], expected[f"{rule}_r"], atol=1e-9)
    np.testing.assert_allclose(found.metrics["rho"][0], expected[f"{rule}_rho"], atol=1e-9)


def test_ceiling_best_pair(shared):
    given, expected = load(shared, "ceiling_m1")
    start, stop = expected["time"]
    responses = given["neural"][:, :, :, start:stop].mean(3)
    found = reference.ceiling_best_pair(responses)
    assert found.mean() == pytest.approx(expected["ceiling"], abs=1e-5)


def test_spearman_of_heat_maps(shared):
    golden = np.load(shared / "data" / "golden" / "metrics.npz")
    maps = [golden[name].reshape(4, -1).T for name in ("b", "a")]  # b: constant in the last case
    np.testing.assert_allclose(spearman(*maps), golden["spearman"], atol=1e-9)
