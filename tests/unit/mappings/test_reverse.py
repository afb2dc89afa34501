"""The reverse direction: planted units that the sites do or do not carry."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from itcortex.errors import UserError
from itcortex.mappings import reverse
from itcortex.mappings.layer_scores import LayerPredictions
from itcortex.numerics.metrics import pearson
from itcortex.numerics.resample import resize_maps


@pytest.fixture
def planted(rng):
    """Maps (8 images, 4 x 5, 6 channels) and 9 sites that mix the channels on a 7 x 7 grid."""
    maps = rng.standard_normal((8, 4, 5, 6))
    return maps, resize_maps(maps, (7, 7)) @ rng.standard_normal((6, 9))


def test_units_that_the_sites_mix_are_recovered_and_others_are_not(planted, rng):
    maps, responses = planted
    other = rng.standard_normal(maps.shape)
    read = reverse.fit_layer(maps, responses[None], np.arange(8), rng)
    unread = reverse.fit_layer(other, responses[None], np.arange(8), rng)
    assert read.metrics["r"].shape == (1, 8, 1)
    assert read.metrics["r"].min() > 0.999
    assert read.metrics["explained_variance"].min() > 0.99
    assert abs(unread.metrics["r"].mean()) < 0.15
    both = np.concatenate([maps, other, other], -1)  # 6 of 18 units are carried
    mixed = reverse.fit_layer(both, responses[None], np.arange(8), rng)
    assert mixed.metrics["r"].mean() < 0.3
    assert not isinstance(read, LayerPredictions)


def test_equals_scikit_learn_where_the_penalty_vanishes(planted, rng):
    """The median over units, on folds of several images in another order than the images."""
    maps, responses = planted
    responses = responses + rng.standard_normal(responses.shape)
    folds = np.array([1, 0, 2, 0, 1, 2, 3, 3])
    found = reverse.fit_layer(maps, responses[None], folds, rng, penalties=(1e-12,))
    x, y = responses.reshape(-1, 9), resize_maps(maps, (7, 7)).reshape(-1, 6)
    groups = np.repeat(folds, 49)
    expected = cross_val_predict(LinearRegression(), x, y, groups=groups, cv=LeaveOneGroupOut())
    for fold in range(4):
        r = np.median(pearson(y[groups == fold], expected[groups == fold]))
        assert found.metrics["r"][0, fold, 0] == pytest.approx(r, abs=1e-9)
    model = LinearRegression().fit(x[groups > 1], y[groups > 1])
    r = np.median(pearson(y[groups == 0], model.predict(x[groups == 0])))
    assert found.inner[1, 0] == pytest.approx(r, abs=1e-9)
    assert np.isnan(np.diag(found.inner)).all()


def test_targets_are_features_of_their_own(planted, rng):
    maps, responses = planted
    noise = rng.standard_normal(responses.shape)
    found = reverse.fit_layer(maps, np.stack([noise, responses]), np.arange(8), rng)
    assert abs(found.metrics["r"][0].mean()) < 0.15
    assert found.metrics["r"][1].min() > 0.999
    assert np.nanmax(found.inner) < 0.5  # layers are chosen by the first target


@pytest.mark.parametrize("poison", [1e6, np.nan])
def test_held_out_units_cannot_touch_the_choice_of_their_layer(planted, rng, poison):
    maps, responses = planted
    clean = reverse.fit_layer(maps, responses[None], np.arange(8), rng)
    poisoned = maps.copy()
    poisoned[3] = poison
    poisoned[3, 0, 0] += 1  # so that the units vary
    dirty = reverse.fit_layer(poisoned, responses[None], np.arange(8), rng)
    np.testing.assert_array_equal(dirty.inner[3], clean.inner[3])
    assert not np.array_equal(dirty.inner[2], clean.inner[2], equal_nan=True)


def test_units_are_drawn_by_the_generator_among_those_that_vary(planted, rng):
    maps, responses = planted
    responses = responses + 3 * rng.standard_normal(responses.shape)  # so that units differ in r
    dead = np.concatenate([np.full((8, 4, 5, 20), 0.1, np.float32), maps], -1)
    whole = reverse.fit_layer(maps, responses[None], np.arange(8), rng)
    alive = reverse.fit_layer(dead, responses[None], np.arange(8), rng, max_units=6)
    np.testing.assert_allclose(alive.metrics["r"], whole.metrics["r"], atol=1e-9)

    def drawn(seed):
        generator = np.random.default_rng(seed)
        found = reverse.fit_layer(maps, responses[None], np.arange(8), generator, max_units=2)
        return found.metrics["r"]

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert any(not np.array_equal(drawn(1), drawn(seed)) for seed in (2, 3, 4))


def test_layer_without_a_varying_unit_is_undefined(planted, rng):
    found = reverse.fit_layer(np.ones((8, 4, 5, 3)), planted[1][None], np.arange(8), rng)
    assert all(np.isnan(values).all() for values in found.metrics.values())
    assert np.isnan(found.inner).all()


def test_recording_without_grid_predicts_every_cell(rng):
    maps = rng.standard_normal((60, 2, 2, 3))
    sites = maps.reshape(60, 12) @ rng.standard_normal((12, 15))
    folds = np.arange(60) % 4
    found = reverse.fit_layer(maps, sites.reshape(1, 60, 1, 1, 15), folds, rng)
    assert found.metrics["r"].min() > 0.99
    few = reverse.fit_layer(maps, sites[:, :2].reshape(1, 60, 1, 1, 2), folds, rng)
    assert few.metrics["r"].max() < 0.9  # two sites cannot carry twelve independent cells
    with pytest.raises(UserError, match="has no map"):
        reverse.fit_layer(maps[:, 0, 0], rng.standard_normal((1, 60, 4, 4, 3)), folds, rng)


def test_the_bound_is_what_noise_of_the_sites_leaves(rng):
    """A unit u, ten sites u + noise: r(u, prediction) is the bound, whatever the number of repeats."""
    unit = rng.standard_normal((3000, 1, 1, 1))
    for repeats, noise in ((4, 6.0), (10, 2.0)):
        trials = unit[..., None] + noise * rng.standard_normal((3000, 1, 1, 10, repeats))
        fold_of = np.arange(3000) % 5
        found = reverse.fit_layer(unit, trials.mean(-1)[None], fold_of, np.random.default_rng(0))
        bound = reverse.prediction_bound(unit, trials, fold_of, np.random.default_rng(0))
        expected = 1 / np.sqrt(1 + noise**2 / (10 * repeats))
        # 600 samples a fold, and weights that differ between halves
        assert bound.mean() == pytest.approx(expected, abs=0.03)
        assert found.metrics["r"].mean() == pytest.approx(expected, abs=0.03)


def test_the_bound_is_one_without_noise_and_nothing_without_repeats(planted, rng):
    maps, responses = planted
    trials = np.repeat(responses[..., None], 4, axis=-1)
    assert reverse.prediction_bound(maps, trials, np.arange(8), rng) == pytest.approx(np.ones(8))
    single = trials.copy()
    single[..., 1:] = np.nan
    assert np.isnan(reverse.prediction_bound(maps, single, np.arange(8), rng)).all()
    partly = trials.copy()
    partly[2, 0, 0, :3, 1:] = np.nan  # three of nine sites are left out, six carry all channels
    assert reverse.prediction_bound(maps, partly, np.arange(8), rng) == pytest.approx(np.ones(8))
    constant = np.ones_like(maps)
    assert np.isnan(reverse.prediction_bound(constant, trials, np.arange(8), rng)).all()
