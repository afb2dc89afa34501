"""Brain-Score's protocol against scikit-learn and direct loops; nothing of a test set leaks."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from itcortex.errors import UserError
from itcortex.mappings import brainscore, pls
from itcortex.mappings.folds import Split, choose_layers
from itcortex.numerics.metrics import predictivity
from itcortex.regression.pls_rules import Exact

#: The score out of r and reliability c, by the name that `itcortex.mappings.brainscore` gives it.
CEILED = {
    "ratio_squared": lambda r, c: (r / c) ** 2,
    "variance_over_reliability": lambda r, c: r**2 / c,
}
OBJECTS = np.repeat([f"object{n}" for n in range(6)], [20, 20, 20, 20, 30, 30])


@pytest.fixture
def splits():
    return brainscore.draw_splits(OBJECTS, n_splits=4)


@pytest.fixture
def planted(rng):
    """A layer (140 images, 2 x 2, 10 channels) and 9 sites that read it; 2 targets."""
    maps = rng.standard_normal((140, 2, 2, 10)) + 3
    weights = rng.standard_normal((40, 9))
    responses = maps.reshape(140, 40) @ weights + 8 * rng.standard_normal((140, 9)) - 5
    return maps, np.stack([responses, np.roll(responses, 1, axis=0)])[:, :, None, None]


# --- splits ---------------------------------------------------------------------------------------


def test_every_split_keeps_the_share_of_every_object():
    splits = brainscore.draw_splits(OBJECTS)
    assert len(splits) == 10
    for split in splits:
        assert sorted([*split.train, *split.test]) == list(range(140))
        names, counts = np.unique(OBJECTS[split.test], return_counts=True)
        assert dict(zip(names, counts.tolist(), strict=True)) == dict(
            zip(np.unique(OBJECTS), [2, 2, 2, 2, 3, 3], strict=True)
        )
        assert set(split.validation) < set(split.train)
        assert len(split.validation) == 13  # a tenth of 126, rounded up
    tested = [tuple(sorted(split.test)) for split in splits]
    assert len(set(tested)) == 10


def test_splits_are_brain_score_s_draw():
    """Its settings: ten splits, train_size .9, random_state 1."""
    expected = StratifiedShuffleSplit(10, train_size=0.9, random_state=1)
    drawn = expected.split(np.zeros(140), OBJECTS)
    for split, (train, test) in zip(brainscore.draw_splits(OBJECTS), drawn, strict=True):
        np.testing.assert_array_equal(split.train, train)
        np.testing.assert_array_equal(split.test, test)


def test_splits_of_another_seed_number_and_share():
    first, second = (brainscore.stratified_splits(OBJECTS, 3, 0.25, seed) for seed in (1, 2))
    assert [len(test) for _, test in first] == [35, 35, 35]
    assert any(set(a[1]) != set(b[1]) for a, b in zip(first, second, strict=True))
    np.testing.assert_array_equal(first[1][1], brainscore.stratified_splits(OBJECTS, 3, 0.25)[1][1])
    division = brainscore.divide(OBJECTS, n_splits=2)
    assert division.names == ("split-00", "split-01")
    assert division.n_images == len(OBJECTS)
    assert len(division) == 2


def test_twins_are_divided_as_one_and_without_any_the_draw_is_the_same():
    pictures = [f"p{k % 130}" for k in range(140)]  # ten pictures twice
    for split in brainscore.draw_splits(OBJECTS, pictures):
        parts = np.full(140, 0)
        parts[split.test], parts[split.validation] = 1, 2
        np.testing.assert_array_equal(parts[:10], parts[130:])
        assert sorted([*split.train, *split.test]) == list(range(140))
    own = [f"p{k}" for k in range(140)]
    for one, other in zip(
        brainscore.draw_splits(OBJECTS, own), brainscore.draw_splits(OBJECTS), strict=True
    ):
        for name in ("train", "test", "validation"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 30 + ["b"], r"31 images with 2 labels, the rarest 'b' with 1, cannot be split"),
        ([f"{n % 15}" for n in range(30)], r"30 images with 15 labels.*greater or equal to"),
        (
            ["a", "b"] * 10,
            r"20 pictures leave 2 to test a split .* at least 5: .* near 1 or -1 by chance",
        ),
        (["a", "b"] * 22, r"44 pictures leave 4 to test a split or to choose its layer"),
    ],
)
def test_labels_too_rare_to_be_split(labels, message):
    with pytest.raises(UserError, match=message):
        brainscore.draw_splits(labels)
    with pytest.raises(UserError, match="1 splits; at least 2"):
        brainscore.draw_splits(OBJECTS, n_splits=1)


# --- mapping --------------------------------------------------------------------------------------


def sites_r(recorded, predicted):
    """Pearson r of every site by scipy."""
    return [pearsonr(a, b)[0] for a, b in zip(recorded.T, predicted.T, strict=True)]


def test_scores_equal_scikit_learn(planted, splits):
    """Same inner loop, stopped at the same tolerance: equal to rounding."""
    maps, responses = planted
    found = brainscore.fit_layer(maps, responses, splits)
    features = maps.reshape(140, 40)
    for k, split in enumerate(splits):
        for target, recorded in enumerate(responses[:, :, 0, 0]):
            model = PLSRegression(25, scale=False).fit(features[split.train], recorded[split.train])
            predicted = model.predict(features[split.test])
            r = sites_r(recorded[split.test], predicted)
            np.testing.assert_allclose(found.metrics["r"][target, k], r, atol=1e-9)
            if target == 0:  # kept as float32
                np.testing.assert_allclose(found.held_out[k], predicted, rtol=1e-5, atol=1e-5)
    assert found.n_components == 25
    assert found.metrics["r"].shape == (2, 4, 9)


def test_inner_scores_equal_scikit_learn_on_the_validation_images(planted, splits):
    maps, responses = planted
    found = brainscore.fit_layer(maps, responses, splits)
    features, recorded = maps.reshape(140, 40), responses[0, :, 0, 0]
    for k, split in enumerate(splits):
        fitted = np.setdiff1d(split.train, split.validation)
        model = PLSRegression(25, scale=False).fit(features[fitted], recorded[fitted])
        r = sites_r(recorded[split.validation], model.predict(features[split.validation]))
        others = np.delete(found.inner[k], k)
        np.testing.assert_allclose(others, np.median(r), atol=1e-9)
        assert np.isnan(found.inner[k, k])


def test_the_score_is_the_mean_over_splits_of_the_median_over_sites(planted, splits):
    maps, responses = planted
    found = brainscore.fit_layer(maps, responses, splits)
    expected = np.mean([np.median(r) for r in found.metrics["r"][0]])
    assert predictivity(found.metrics["r"])[0] == pytest.approx(expected, abs=1e-15)
    assert expected > 0.3  # noise of 8 beside a signal of about 6.3 in 40 features of 126 images
    assert abs(predictivity(found.metrics["r"])[1]) < 0.25  # responses of the neighbouring image


@pytest.mark.parametrize("n_features", [140, 141, 300, 700])
def test_more_features_than_images_change_no_prediction(rng, splits, n_features):
    """The layer is turned into fewer features; scikit-learn gets it as it is."""
    features = rng.standard_normal((140, n_features)).astype(np.float32) + 10
    recorded = features[:, :20].astype(float) @ rng.standard_normal((20, 5))
    found = brainscore.fit_layer(
        features, recorded[None, :, None, None], splits, 10, nested=False, rule=Exact()
    )
    assert np.isnan(found.inner).all()
    for k, split in enumerate(splits):
        model = PLSRegression(10, scale=False, tol=1e-14, max_iter=20000)
        model.fit(features[split.train].astype(float), recorded[split.train])
        r = sites_r(recorded[split.test], model.predict(features[split.test].astype(float)))
        np.testing.assert_allclose(found.metrics["r"][0, k], r, atol=1e-6)  # its loop's tolerance


@pytest.mark.parametrize("shape", [(6, 6), (6, 7), (6, 40)])
def test_fewer_features_have_the_same_geometry(rng, shape):
    features = rng.standard_normal(shape) + 100
    fewer = brainscore.fewer_features(features)
    assert fewer.shape == (6, 6)
    centred, made = features - features.mean(0), fewer - fewer.mean(0)
    np.testing.assert_allclose(made @ made.T, centred @ centred.T, atol=1e-10)


def test_held_out_responses_move_neither_predictions_nor_the_choice_of_a_layer(
    planted, splits, rng
):
    maps, responses = planted
    before = brainscore.fit_layer(maps, responses, splits)
    poisoned = responses.copy()
    poisoned[:, splits[1].test] = 1e3 * rng.standard_normal(responses[:, splits[1].test].shape)
    after = brainscore.fit_layer(maps, poisoned, splits)
    np.testing.assert_array_equal(after.held_out[1], before.held_out[1])
    np.testing.assert_array_equal(after.inner[1], before.inner[1])
    assert not np.allclose(after.held_out[0], before.held_out[0])


def test_a_layer_is_chosen_for_every_split_on_its_own_training_images(planted, splits, rng):
    maps, responses = planted
    other = rng.standard_normal(maps.shape)
    results = [brainscore.fit_layer(layer, responses, splits) for layer in (other, maps)]
    chosen = choose_layers(np.stack([result.inner for result in results]))
    np.testing.assert_array_equal(chosen, [1, 1, 1, 1])
    predicted = brainscore.chosen_predictions(results, chosen, splits)
    np.testing.assert_array_equal(predicted, results[1].predictions)
    mixed = brainscore.chosen_predictions(results, np.array([0, 1, 1, 1]), splits)
    only_first = np.setdiff1d(splits[0].test, np.concatenate([s.test for s in splits[1:]]))
    np.testing.assert_array_equal(mixed[only_first], results[0].predictions[only_first])


def test_a_split_whose_layer_nothing_can_choose_is_refused_by_its_number(planted, splits):
    """All sites are silent on the images that choose its layer: no mean over the others is taken."""
    maps, responses = planted
    silent = responses.copy()
    silent[:, splits[1].validation] = 2.0
    result = brainscore.fit_layer(maps, silent, splits)
    assert np.isnan(result.inner[1]).all() and np.isfinite(result.metrics["r"]).any()
    with pytest.raises(
        UserError, match=r"for 1 of 4 splits \(counted from 0: 1\): responses of all"
    ):
        choose_layers(np.stack([result.inner] * 2))


def test_predictions_are_means_over_the_splits_that_test_an_image():
    images = [np.array(test) for test in ([0, 1], [1, 3])]
    splits = [Split(np.array([2]), test, np.array([2])) for test in images]
    held_out = [np.array([[1.0], [2.0]]), np.array([[6.0], [7.0]])]
    found = brainscore.average_held_out(held_out, splits, 4)
    assert found.shape == (4, 1, 1, 1)
    np.testing.assert_array_equal(found.ravel(), [1, 4, np.nan, 7])


def test_on_a_partition_the_protocol_is_ordinary_cross_validation(planted):
    """Splits that are folds give what `encoding.fit_layer` gives."""
    maps, responses = planted
    fold_of = np.arange(140) % 5
    splits = [
        Split(
            np.flatnonzero(fold_of != k), np.flatnonzero(fold_of == k),
            np.flatnonzero(fold_of == (k + 1) % 5),
        )
        for k in range(5)
    ]  # fmt: skip
    found = brainscore.fit_layer(maps, responses, splits, 12, rule=Exact())
    folds = pls.fit_layer(maps, responses, fold_of, 12)
    for name in ("r", "rho", "explained_variance"):
        np.testing.assert_allclose(found.metrics[name], folds.metrics[name], atol=1e-9)
    np.testing.assert_allclose(found.predictions, folds.predictions, rtol=1e-5, atol=1e-5)
    for k in range(5):  # the validation images are the next fold
        assert found.inner[k, k - 1] == pytest.approx(folds.inner[k, (k + 1) % 5], abs=1e-9)


def test_a_grid_is_refused(planted, splits):
    maps, _ = planted
    with pytest.raises(UserError, match="not for 3 x 2 positions; use protocol: corrected"):
        brainscore.fit_layer(maps, np.zeros((1, 140, 3, 2, 4)), splits)


# --- ceilings -------------------------------------------------------------------------------------


@pytest.fixture
def trials(rng):
    """Trials (60 images, 5 sites, 9 repeats); some images lack some repeats."""
    values = rng.standard_normal((60, 5, 1)) + rng.standard_normal((60, 5, 9))
    values[:20, :, 5:] = np.nan
    values[33, 2, 1] = np.nan
    return values.astype(np.float32)


def test_internal_consistency_is_the_direct_loop(trials):
    found = brainscore.internal_consistency(trials)
    assert found.shape == (10, 5)
    draw = ShuffleSplit(10, train_size=0.5, random_state=1).split(np.zeros(9))
    for k, (first, second) in enumerate(draw):
        assert (len(first), len(second)) == (4, 5)
        for site in range(5):
            a, b = [], []
            for image in range(60):
                halves = [trials[image, site, half].astype(float) for half in (first, second)]
                halves = [half[~np.isnan(half)] for half in halves]
                if len(halves[0]) and len(halves[1]):
                    a.append(halves[0].mean())
                    b.append(halves[1].mean())
            r = pearsonr(a, b)[0]
            assert found[k, site] == pytest.approx(2 * r / (1 + r), abs=1e-12)


def test_ceilings_by_name(trials):
    found = brainscore.ceilings(trials)
    reliability = np.median(brainscore.internal_consistency(trials), axis=1)
    np.testing.assert_allclose(found["internal_consistency"], reliability, atol=1e-15)
    np.testing.assert_allclose(
        found["internal_consistency_bound"], np.sqrt(reliability.mean()), atol=1e-15
    )
    r = 0.4  # a score's square over either ceiling is one of the published formulas
    for ceiling, formula in (
        ("internal_consistency", "ratio_squared"),
        ("internal_consistency_bound", "variance_over_reliability"),
    ):
        expected = CEILED[formula](r, reliability.mean())
        assert (r / found[ceiling].mean()) ** 2 == pytest.approx(expected, abs=1e-12)


def test_what_either_formula_gives_a_perfect_model(rng):
    """Planted: reliability of 10 trials with signal 1 and noise 3 is 10 / 13."""
    signal = rng.standard_normal((3000, 40))
    trials = signal[:, :, None] + np.sqrt(3) * rng.standard_normal((3000, 40, 10))
    c = brainscore.ceilings(trials)["internal_consistency"].mean()
    assert c == pytest.approx(10 / 13, abs=0.01)  # 3000 images: standard error of a site .01
    r = np.median(sites_r(trials.mean(2), signal))
    assert r == pytest.approx(np.sqrt(10 / 13), abs=0.01)
    assert CEILED["variance_over_reliability"](r, c) == pytest.approx(1, abs=0.02)
    assert CEILED["ratio_squared"](r, c) == pytest.approx(13 / 10, abs=0.03)


def test_sites_without_enough_trials_have_no_ceiling(trials):
    trials[2:, 3] = np.nan
    found = brainscore.internal_consistency(trials)
    assert np.isnan(found[:, 3]).all()
    assert np.isfinite(np.delete(found, 3, axis=1)).all()
    assert np.isfinite(brainscore.ceilings(trials)["internal_consistency"]).all()
    with pytest.raises(UserError, match="at least two repeats"):
        brainscore.internal_consistency(trials[:, :, :1])


def test_noise_has_a_bound_of_zero_at_least(rng):
    """Two repeats that oppose each other: a negative reliability, of which there is no root."""
    first = rng.standard_normal((50, 4, 1))
    opposed = np.concatenate([first, 0.5 * rng.standard_normal((50, 4, 1)) - first], axis=2)
    found = brainscore.ceilings(opposed)
    assert found["internal_consistency"].max() < 0
    np.testing.assert_array_equal(found["internal_consistency_bound"], 0)
