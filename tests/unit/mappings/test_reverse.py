"""The reverse direction: planted units that the sites do or do not carry."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from itcortex.errors import UserError
from itcortex.mappings import reverse
from itcortex.mappings.folds import Division
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


def bounds_of(maps, trials, fold_of, rng):
    """Bounds (fold, unit) of folds, all of whose images have `trials`."""
    repeats = reverse.Repeats(trials, np.arange(len(trials)), np.nanmean(trials, axis=-1))
    return reverse.prediction_bounds(maps, repeats, Division.into_folds(fold_of), rng)


def test_the_bound_is_what_noise_of_the_sites_leaves(rng):
    """A unit u, ten sites u + noise: r(u, prediction) is the bound, whatever the number of repeats."""
    unit = rng.standard_normal((3000, 1, 1, 1))
    for repeats, noise in ((4, 6.0), (10, 2.0)):
        trials = unit[..., None] + noise * rng.standard_normal((3000, 1, 1, 10, repeats))
        fold_of = np.arange(3000) % 5
        found = reverse.fit_layer(unit, trials.mean(-1)[None], fold_of, np.random.default_rng(0))
        bound = bounds_of(unit, trials, fold_of, np.random.default_rng(0))
        expected = 1 / np.sqrt(1 + noise**2 / (10 * repeats))
        # 600 samples a fold, and weights that differ between halves
        assert bound.mean() == pytest.approx(expected, abs=0.03)
        assert found.metrics["r"].mean() == pytest.approx(expected, abs=0.03)


def test_one_test_set_has_the_bound_of_its_repeats_whatever_trained(rng):
    """Training images shown once, test images thirty times: r(u, prediction) of the same fit."""
    n, noise, repeats = 3000, 6.0, 30
    unit, tested = rng.standard_normal((n, 1, 1, 1)), np.arange(600)
    groups = np.where(np.arange(n) < 600, 0, 1 + np.arange(n) % 4)
    division = Division.of_groups(("test",), groups)
    shown = unit[:600, ..., None] + noise * rng.standard_normal((600, 1, 1, 10, repeats))
    responses = unit + noise * rng.standard_normal((n, 1, 1, 10))
    responses[tested] = shown.mean(-1)
    bound = reverse.prediction_bounds(
        unit, reverse.Repeats(shown, tested, responses), division, np.random.default_rng(0)
    )
    found = reverse.fit_layer(
        unit, responses[None], groups, np.random.default_rng(0), tested=1
    ).metrics["r"][0, 0, 0]
    assert bound.shape == (1, 1)
    assert bound[0, 0] == pytest.approx(found, abs=0.02)  # 600 samples
    assert bound[0, 0] == pytest.approx(1 / np.sqrt(1 + noise**2 / (10 * repeats)), abs=0.02)
    quiet = reverse.Repeats(np.repeat(responses[tested][..., None], 4, -1), tested, responses)
    same = reverse.prediction_bounds(unit, quiet, division, np.random.default_rng(0))
    assert same == pytest.approx(1, abs=1e-9)  # the fit is the same for both halves


def test_repeats_of_images_that_only_train_are_not_halved(rng):
    """Halves of them would train two noisier fits, and one that lacks a repeat would lose its sites."""
    groups = np.where(np.arange(60) < 20, 0, 1 + np.arange(60) % 4)
    division = Division.of_groups(("test",), groups)
    maps, trials = rng.standard_normal((60, 4)), rng.standard_normal((60, 1, 1, 3, 6))
    trials += maps[:, None, None, :3, None]
    trials[30, ..., 1:] = np.nan  # a training image that was shown once
    responses = np.nanmean(trials, axis=-1)
    both = [
        reverse.prediction_bounds(
            maps, reverse.Repeats(trials[images], images, responses), division,
            np.random.default_rng(0),
        )
        for images in (np.arange(60), np.arange(20))
    ]  # fmt: skip
    assert np.isfinite(both[0]).all()
    np.testing.assert_array_equal(*both)


def test_images_that_only_train_or_are_left_out_need_no_repeats(rng):
    groups = np.array([0, 0, 0, 0, 1, 1, 2, 2, -1, -1])
    division = Division.of_groups(("test",), groups)
    trials = rng.standard_normal((4, 1, 1, 3, 5))
    repeats = reverse.Repeats(trials, np.arange(4), rng.standard_normal((10, 1, 1, 3)))
    assert reverse.without_bound(repeats, division) == ""
    assert reverse.without_bound(None, division) == "the recording has no single trials"
    fewer = reverse.Repeats(trials[:3], np.arange(3), repeats.responses)
    assert reverse.without_bound(fewer, division) == "1 of 4 test images have no repeats"
    folds = Division.into_folds(np.arange(10) % 5)
    assert reverse.without_bound(repeats, folds) == "6 of 10 test images have no repeats"


def test_the_interval_of_a_bound_is_over_folds_and_units(rng):
    values = 0.6 + 0.1 * rng.standard_normal((5, 40))
    bounds = reverse.Bounds.of(values, rng)
    np.testing.assert_array_equal(bounds.by_fold, np.median(values, axis=1))
    assert 0.5 < bounds.low < bounds.by_fold.mean() < bounds.high < 0.7
    wider = reverse.Bounds.of(values[:, :4], rng)
    assert wider.high - wider.low > bounds.high - bounds.low
    nothing = reverse.Bounds.of(values * np.nan, rng)
    assert np.isnan([*nothing.by_fold, nothing.low, nothing.high]).all()


def test_the_bound_is_one_without_noise_and_nothing_without_repeats(planted, rng):
    maps, responses = planted
    trials = np.repeat(responses[..., None], 4, axis=-1)
    assert bounds_of(maps, trials, np.arange(8), rng) == pytest.approx(np.ones((8, 6)))
    single = trials.copy()
    single[..., 1:] = np.nan
    assert np.isnan(bounds_of(maps, single, np.arange(8), rng)).all()
    partly = trials.copy()
    partly[2, 0, 0, :3, 1:] = np.nan  # three of nine sites are left out, six carry all channels
    assert bounds_of(maps, partly, np.arange(8), rng) == pytest.approx(np.ones((8, 6)))
    constant = np.ones_like(maps)
    assert bounds_of(constant, trials, np.arange(8), rng).shape == (8, 0)
