"""RSA against scipy and hand cases; linear CKA against its formulas and invariances."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import ortho_group, pearsonr, spearmanr

from itcortex.errors import UserError
from itcortex.mappings import similarity
from itcortex.mappings.folds import choose_layers
from itcortex.mappings.layer_scores import LayerPredictions
from itcortex.numerics.resample import resize_maps
from itcortex.similarity import geometry


def test_rdm_equals_scipy(rng):
    patterns = rng.standard_normal((12, 7)) + rng.standard_normal(7)
    expected = squareform(pdist(patterns, "correlation"))
    np.testing.assert_allclose(geometry.rdm(patterns), expected, atol=2e-12)  # rounded to 12 digits


def test_rdm_by_hand():
    found = geometry.rdm(np.array([[0, 1, 2], [5, 7, 9], [2, 1, 0], [0, 1, 0], [3, 3, 3]]))
    nan = np.nan
    expected = [
        [0, 0, 2, 1, nan],
        [0, 0, 2, 1, nan],
        [2, 2, 0, 1, nan],
        [1, 1, 1, 0, nan],
        [nan, nan, nan, nan, 0],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_compare_equals_scipy_with_ties(rng):
    a, b = (geometry.rdm(rng.integers(0, 3, (20, 5)) + np.arange(5)) for _ in range(2))
    upper = np.triu_indices(20, 1)
    found = geometry.compare(a, b)
    assert found["r"] == pytest.approx(pearsonr(a[upper], b[upper])[0], abs=1e-12)
    assert found["rho"] == pytest.approx(spearmanr(a[upper], b[upper])[0], abs=1e-12)


def test_compare_leaves_out_undefined_pairs_of_the_recorded_side_only(rng):
    patterns, other = rng.standard_normal((2, 9, 6))
    recorded, predicted = geometry.rdm(patterns), geometry.rdm(other)
    expected = geometry.compare(recorded[1:, 1:], predicted[1:, 1:])
    silent = patterns.copy()
    silent[0] = 3.5
    assert geometry.compare(geometry.rdm(silent), predicted) == expected
    dead = other.copy()
    dead[0] = 0
    as_one = predicted.copy()
    as_one[0, 1:] = as_one[1:, 0] = 1
    assert geometry.compare(recorded, geometry.rdm(dead)) == geometry.compare(recorded, as_one)
    assert geometry.compare(recorded, geometry.rdm(np.ones((9, 6)))) == {"r": 0, "rho": 0}
    for undefined in (geometry.rdm(np.ones((9, 6))), 1 - np.eye(9)):
        assert np.isnan(list(geometry.compare(undefined, predicted).values())).all()


def test_layer_is_compared_on_the_grid_of_the_fold(rng):
    maps = rng.standard_normal((6, 3, 4, 8)).astype(np.float32)
    responses = rng.standard_normal((2, 6, 5, 6, 7))
    folds = np.array([1, 0, 2, 0, 1, 2])
    found = similarity.fit_layer(maps, responses, folds)
    features = resize_maps(maps, (5, 6))
    for target, fold in np.ndindex(2, 3):
        a = pdist(responses[target, folds == fold].reshape(60, 7), "correlation")
        b = pdist(features[folds == fold].reshape(60, 8), "correlation")
        expected = {"r": pearsonr(a, b)[0], "rho": spearmanr(a, b)[0]}
        assert found.metrics["r"][target, fold, 0] == pytest.approx(expected["r"], abs=1e-10)
        # the edges of up-sampled maps repeat: ties that rounding breaks in scipy's distances
        assert found.metrics["rho"][target, fold, 0] == pytest.approx(expected["rho"], abs=1e-4)
    assert np.isnan(found.metrics["explained_variance"]).all()
    assert found.metrics["r"].shape == found.metrics["explained_variance"].shape == (2, 3, 1)
    assert not isinstance(found, LayerPredictions)
    np.testing.assert_array_equal(found.inner[:, 1][[0, 2]], found.metrics["r"][0, 1, 0])


@pytest.mark.parametrize("fit", [similarity.fit_layer, similarity.fit_layer_cka])
def test_the_layer_that_the_sites_read_wins(rng, fit):
    right, wrong = rng.standard_normal((2, 5, 6, 6, 10))
    sites = right @ np.linalg.qr(rng.standard_normal((10, 10)))[0]
    layers = [fit(maps, sites[None], np.arange(5)) for maps in (wrong, right)]
    assert choose_layers(np.stack([layer.inner for layer in layers])).tolist() == [1] * 5
    assert np.abs(layers[0].metrics["r"]).max() < 0.3
    assert layers[1].metrics["r"].min() > (0.85 if fit is similarity.fit_layer else 1 - 1e-9)


@pytest.mark.parametrize("fit", [similarity.fit_layer, similarity.fit_layer_cka])
def test_recording_without_grid_compares_images(rng, fit):
    maps = rng.standard_normal((30, 2, 3, 4))
    responses = maps.reshape(1, 30, 1, 1, 24) * 5
    found = fit(maps, responses, np.arange(30) % 3)
    np.testing.assert_allclose(found.metrics["r"], 1, atol=1e-9)
    with pytest.raises(UserError, match=r"samples .* got 24 and 1"):
        fit(maps, responses, np.arange(30))
    with pytest.raises(UserError, match="got 1 and 10"):
        fit(maps, responses[..., :1], np.arange(30) % 3)
    with pytest.raises(UserError, match="has no map"):
        fit(maps[:, 0, 0], rng.standard_normal((1, 30, 4, 4, 3)), np.arange(30) % 3)


def linear_cka(x, y, debiased=True):
    """Linear CKA of two sets of patterns (sample, channel): the debiased or the plain estimator."""
    gram = geometry.debiased_gram if debiased else geometry.centred_gram
    return geometry.cosine(gram(y), gram(x))


def unbiased_hsic(k, m):
    """Unbiased HSIC (Song et al. 2012) with sums written out."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    ones = np.ones(n)
    middle = (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
    return (np.trace(k @ m) + middle - 2 / (n - 2) * ones @ k @ m @ ones) / (n * (n - 3))


@pytest.mark.parametrize("channels", [3, 50])
def test_cka_equals_its_formulas(rng, channels):
    x, y = rng.standard_normal((20, channels)) + 4, rng.standard_normal((20, 6)) - 1
    y[:, :3] += x[:, :3]
    a, b = x - x.mean(0), y - y.mean(0)
    plain = np.linalg.norm(b.T @ a) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
    assert linear_cka(x, y, debiased=False) == pytest.approx(plain, abs=1e-12)
    k, m = x @ x.T, y @ y.T  # not centred: the estimator centres
    debiased = unbiased_hsic(k, m) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(m, m))
    assert linear_cka(x, y) == pytest.approx(debiased, abs=1e-10)


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_ignores_rotation_scale_and_offset(rng, debiased):
    x, y = rng.standard_normal((25, 30)), rng.standard_normal((25, 8))
    base = linear_cka(x, y, debiased)
    rotated = 3 * x @ ortho_group.rvs(30, random_state=rng) + 7
    assert linear_cka(rotated, -0.2 * y + 1, debiased) == pytest.approx(base, abs=1e-10)
    assert linear_cka(x, 2 * x, debiased) == pytest.approx(1, abs=1e-12)
    assert linear_cka(x, x * np.linspace(0.1, 3, 30), debiased) < 0.99


def test_independent_patterns_have_no_debiased_cka(rng):
    found = np.array(
        [
            [linear_cka(x[:, :200], x[:, 200:], debiased) for debiased in (True, False)]
            for x in rng.standard_normal((40, 30, 220))
        ]
    )
    assert abs(found[:, 0].mean()) < 4 * found[:, 0].std() / np.sqrt(40)
    assert abs(found[:, 0].mean()) < 0.05
    assert found[:, 1].min() > 0.5  # what 200 channels of 30 samples do to the plain estimator


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_of_what_does_not_vary(rng, debiased):
    x, constant = rng.standard_normal((9, 4)), np.full((9, 5), 0.3)
    assert linear_cka(constant, x, debiased) == 0
    assert np.isnan(linear_cka(x, constant, debiased))


def test_cka_of_a_layer_is_the_debiased_one_of_its_fold(rng):
    maps, responses = rng.standard_normal((4, 3, 3, 6)), rng.standard_normal((1, 4, 5, 5, 3))
    found = similarity.fit_layer_cka(maps, responses, np.arange(4))
    features = resize_maps(maps, (5, 5))
    for fold in range(4):
        expected = linear_cka(features[fold].reshape(25, 6), responses[0, fold].reshape(25, 3))
        assert found.metrics["r"][0, fold, 0] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(found.metrics["rho"]).all()
    assert np.isnan(found.metrics["explained_variance"]).all()
