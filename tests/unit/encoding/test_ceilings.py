"""Noise ceilings against planted reliabilities and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from itcortex.data.recordings import Recording
from itcortex.encoding import ceilings
from itcortex.errors import UserError
from itcortex.numerics.metrics import pearson
from itcortex.numerics.sampling import random_halves
from itcortex.simulation import arrays


def recording(responses, trials=None):
    names = tuple(f"i{k}" for k in range(len(responses)))
    sites = tuple(f"s{k}" for k in range(responses.shape[-1]))
    return Recording(
        responses.astype("float32"), names, sites, {"ms_start": None, "ms_bin": None}, trials
    )


def test_population_equals_regression_on_the_other_sites(rng):
    shared = rng.standard_normal((5, 40, 3))
    responses = shared @ rng.standard_normal((3, 6)) + rng.standard_normal((5, 40, 6))
    found = ceilings.population(responses, np.arange(5), ridge=1e-12)
    train, test = responses[1:].reshape(-1, 6), responses[0]
    for site in range(6):
        others = [k for k in range(6) if k != site]
        fit = LinearRegression().fit(train[:, others], train[:, site])
        expected = np.corrcoef(fit.predict(test[:, others]), test[:, site])[0, 1]
        assert found[0, site] == pytest.approx(expected, abs=1e-8)


def test_population_survives_duplicated_and_constant_sites(rng):
    responses = rng.standard_normal((4, 30, 3))
    responses = np.concatenate([responses, responses[..., :1], np.ones((4, 30, 1))], axis=2)
    found = ceilings.population(responses, np.arange(4))
    assert found[:, [0, 3]].min() > 0.999
    assert np.isnan(found[:, 4]).all()


@pytest.mark.parametrize(("side", "expected"), [(17, 0.18), (9, 0.36)])
def test_best_pair_of_pure_noise_is_far_from_zero(rng, side, expected):
    """The reason why it is not our default: the numbers that docs/method.md states."""
    found = ceilings.best_pair(rng.standard_normal((14, side * side, 32))).mean()
    assert found == pytest.approx(expected, abs=0.04)


def test_split_half_recovers_a_planted_reliability(rng):
    signal = rng.standard_normal((4000, 3, 1))
    noise = np.array([0.5, 1.0, 2.0])[:, None] * rng.standard_normal((4000, 3, 8))
    trials = (signal + noise).astype("float32")
    expected = 1 / (1 + np.array([0.25, 1.0, 4.0]) / 8)
    found = ceilings.split_half(trials, 20, rng)
    np.testing.assert_allclose(found, expected, atol=0.015)  # 4000 samples


def test_split_half_with_missing_repeats(rng):
    trials = rng.standard_normal((2000, 2, 1)) + rng.standard_normal((2000, 2, 6))
    trials[:, 0, 4:] = np.nan
    trials[:1500, 1, 1:] = np.nan  # one repeat: says nothing of the noise, and has it
    found = ceilings.split_half(trials, 20, rng)
    np.testing.assert_allclose(found, [4 / 5, 1 / (1 + 0.75 + 0.25 / 6)], atol=0.03)
    trials[:, 1, 1:] = np.nan
    assert np.isnan(ceilings.split_half(trials, 2, rng)[1])


@pytest.mark.parametrize(
    "repeats", [[4], [2], [3], [5], [2, 20], [1, 10], [1, 1, 1, 1, 20], [2, 3, 4, 5, 6]]
)
def test_split_half_bound_is_what_a_perfect_model_reaches(rng, repeats):
    """Also with odd numbers of repeats, and where images have different ones, or only one."""
    signal, most = rng.standard_normal((5000, 1)), max(repeats)
    trials = signal[:, :, None] + 1.2 * rng.standard_normal((5000, 1, most))
    counts = np.resize(repeats, 5000)
    trials[np.arange(most) >= counts[:, None, None]] = np.nan
    reached = np.corrcoef(signal[:, 0], np.nanmean(trials, 2)[:, 0])[0, 1]
    bound = np.sqrt(ceilings.split_half(trials, 20, rng)[0])
    assert bound == pytest.approx(reached, abs=0.02)


def test_split_half_is_spearman_and_browns_where_all_halves_are_equal(rng):
    trials = rng.standard_normal((500, 3, 1)) + rng.standard_normal((500, 3, 6))
    halves = [random_halves(trials, rng) for _ in range(200)]
    r = np.mean([pearson(*pair) for pair in halves], axis=0)
    found = ceilings.split_half(trials, 200, rng)
    np.testing.assert_allclose(found, 2 * r / (1 + r), atol=0.003)


def test_split_half_of_noise_alone_is_nothing_and_of_what_does_not_vary_is_unknown(rng):
    trials = rng.standard_normal((3000, 2, 3))
    trials[:, 1] = 7
    found = ceilings.split_half(trials, 20, rng)
    assert abs(found[0]) < 0.08 and np.isnan(found[1])


def estimated(signal, reliability, repeats, rng):
    """Every ceiling of noisy trials of `signal` (image, y, x, site): means over folds by name.

    The noise is such that the mean over trials has this reliability where the signal's variance is 1.
    """
    noise = np.sqrt((1 / reliability - 1) * repeats) * rng.standard_normal((*signal.shape, repeats))
    trials = (signal[..., None] + noise).astype("float32")[:, :, :, None]
    recorded = recording(trials.mean(-1), trials)
    found = ceilings.estimate_ceilings(recorded, None, np.arange(len(signal)), 10, rng, signal)
    return {name: values.mean() for name, values in found.items()}


@pytest.mark.parametrize("reliability", [0.8, 0.476])
def test_a_model_without_error_scores_more_than_1_of_the_best_pair_and_1_of_the_bound(
    rng, reliability
):
    """Two sites of one signal, equally noisy, correlate with c, a model without error with sqrt(c).

    So it scores 1 / sqrt(c) of the best pair, by theory: 1.12 and 1.45. (The third site is the one that
    the authors' code leaves out: with one pair there is no maximum over chance.)
    """
    signal = np.repeat(rng.standard_normal((40, 17, 17, 1)), 3, axis=3)
    found = estimated(signal, reliability, 6, rng)
    perfect = found["truth"]  # correlation of the noise-free with the recorded responses
    assert perfect == pytest.approx(np.sqrt(reliability), abs=0.01)
    # rows of 17 positions, 40 images
    assert perfect / found["best_pair_reference"] == pytest.approx(1 / reliability**0.5, rel=0.05)
    assert perfect / found["split_half_bound"] == pytest.approx(1, abs=0.02)
    # three sites: the others are still too few, and too noisy, to say what could be predicted
    assert perfect / found["population"] > 1.04


def test_a_whole_array_is_scored_with_more_than_1_of_its_best_pair(rng):
    """32 sites with tunings of their own: even the best of 496 pairs is no bound."""
    array = arrays.simulate_array(rng.standard_normal((14, 17, 17, 20)), (17, 17), 32, rng)
    rate = array.rate(130, 170)
    found = estimated((rate - rate.mean((0, 1, 2))) / rate.std((0, 1, 2)), 0.8, 4, rng)
    for name in ("best_pair", "best_pair_reference"):
        assert found["truth"] / found[name] > 1.3
    assert found["truth"] / found["split_half_bound"] == pytest.approx(1, abs=0.02)


def test_every_ceiling_that_applies_is_estimated_and_one_is_marked(rng):
    signal = rng.standard_normal((6, 4, 5, 1, 3))
    trials = (signal[..., None] + rng.standard_normal((6, 4, 5, 1, 3, 4))).astype("float32")
    recorded = recording(trials.mean(-1), trials)
    found = ceilings.estimate_ceilings(recorded, None, np.arange(6), 5, rng, signal[:, :, :, 0])
    names = {"population", "best_pair", "split_half", "split_half_bound", "truth"}
    assert set(found) == names | {"best_pair_reference"}
    assert found["truth"].mean() == pytest.approx(np.sqrt(4 / 5), abs=0.05)
    table = ceilings.as_table("rec", [None], [found], [f"i{k}" for k in range(6)], "truth")
    assert table[table["used"]]["ceiling_name"].unique().tolist() == ["truth"]
    assert len(table) == 36


def test_a_ceiling_that_a_recording_does_not_have_is_refused_with_those_it_has(rng):
    recorded = recording(rng.standard_normal((6, 4, 5, 1, 3)))
    found = ceilings.estimate_ceilings(recorded, None, np.arange(6), 5, rng)
    with pytest.raises(UserError, match=r"'rec' has no ceiling 'split_half'.*'population'"):
        ceilings.as_table("rec", [None], [found], ["f"] * 6, "split_half")


def test_twin_images_are_a_test_retest_reliability(rng):
    """Planted: signal 1 and noise of variance .25, 1 and 4 in each of two showings."""
    signal, noise = rng.standard_normal((3000, 1, 3)), np.sqrt([0.25, 1.0, 4.0])
    shown = np.concatenate([signal, signal]) + noise * rng.standard_normal((6000, 1, 3))
    pictures = tuple(f"p{k % 3000}" for k in range(6000))
    found = ceilings.twin_images(shown, pictures)
    np.testing.assert_allclose(found, 1 / (1 + noise**2), atol=0.04)  # 3000 pairs
    np.testing.assert_allclose(ceilings.twin_images(shown[::-1], pictures[::-1]), found)
    assert np.isnan(ceilings.twin_images(shown[:3009], pictures[:3009])).all()  # nine pairs
    recorded = recording(shown[:, :, None, None].astype("float32"))
    folds = np.arange(6000) % 3
    assert "twin_images" not in ceilings.estimate_ceilings(recorded, None, folds, 2, rng)
    recorded = recorded.with_pictures({f"i{k}": f"i{k % 3000}" for k in range(6000)})
    every = ceilings.estimate_ceilings(recorded, None, folds, 2, rng)
    assert every["twin_images"] == pytest.approx(np.full(3, 0.5), abs=0.04)
    assert every["twin_images_bound"] == pytest.approx(np.full(3, np.sqrt(0.5)), abs=0.03)


def test_few_sites_are_warned_of(rng, caplog):
    few, many = (recording(rng.standard_normal((6, 4, 5, 1, n))) for n in (5, 10))
    ceilings.estimate_ceilings(many, None, np.arange(6), 5, rng)
    assert not caplog.records
    ceilings.estimate_ceilings(few, None, np.arange(6), 5, rng)
    assert "5 sites: ceilings that sites give each other" in caplog.text


def test_one_site_has_no_population():
    with pytest.raises(UserError, match="at least two sites"):
        ceilings.population(np.zeros((3, 4, 1)), np.arange(3))


def test_a_ceiling_is_above_chance_where_sites_share_a_signal(rng):
    """By chance is what shuffled images give: noise lies within it, a shared signal far above."""
    noise = rng.standard_normal((8, 6, 6, 1, 12))
    signal = noise + rng.standard_normal((8, 6, 6, 1, 1))
    for responses, is_above in ((noise, False), (signal, True)):
        made, fold_of = recording(responses), np.arange(8)
        shuffles = [ceilings.shuffled(made, rng) for _ in range(19)]
        real, *chance = (
            ceilings.estimate_ceilings(one, None, fold_of, 2, rng) for one in (made, *shuffles)
        )
        names = tuple(map(str, fold_of))
        table = ceilings.as_table("a", [None], [real], names, "population", chance)
        rows = table.drop_duplicates("ceiling_name").set_index("ceiling_name")
        for name in ("population", "best_pair"):
            assert (rows["p"][name] == 1 / 20) == is_above
            assert (real[name].mean() > rows["chance_high"][name]) == is_above
        assert rows["chance"]["best_pair"] > 0.2  # a maximum over pairs: noise is far from zero


def test_shuffling_keeps_what_a_site_and_a_repeat_hold(rng):
    responses = rng.standard_normal((7, 2, 2, 1, 3)).astype("float32")
    trials = rng.standard_normal((7, 2, 2, 1, 3, 4)).astype("float32")
    made = ceilings.shuffled(recording(responses, trials), rng)
    assert not np.array_equal(made.responses, responses)
    np.testing.assert_array_equal(np.sort(made.responses, axis=0), np.sort(responses, axis=0))
    np.testing.assert_array_equal(np.sort(made.trials, axis=0), np.sort(trials, axis=0))


def test_one_window_is_a_recording_without_time(rng):
    responses = rng.standard_normal((4, 2, 3, 5, 6)).astype("float32")
    made = replace(recording(responses), attributes={"ms_start": 0, "ms_bin": 10})
    windowed = ceilings.of_window(made, (10, 30))
    assert not windowed.has_time
    np.testing.assert_allclose(
        windowed.responses[:, :, :, 0], responses[:, :, :, 1:3].mean(3), atol=1e-6
    )
    assert ceilings.of_window(windowed, None) is windowed


def test_windows_without_shuffles_have_no_chance(rng):
    made = {"population": np.array([0.5, 0.6])}
    table = ceilings.as_table("a", [(0, 1), (1, 2)], [made, made], ("x", "y"), "population", [made])
    assert table["p"].tolist()[:2] == [1.0, 1.0] and table["p"].isna().tolist()[2:] == [True, True]
    assert ceilings.as_table("a", [None], [made], ("x", "y"), "population")["p"].isna().all()


def test_repeats_of_some_images_give_the_ceiling_that_they_would_give_alone(rng):
    """400 images that were shown once change nothing about the reliability of 60 with repeats."""
    signal = rng.normal(size=(460, 3))
    trials = signal[400:, :, None] + rng.normal(size=(60, 3, 8))
    responses = np.concatenate([signal[:400] + rng.normal(size=(400, 3)), trials.mean(2)])
    one = replace(
        recording(responses[:, None, None, None]),
        trials=trials[:, None, None, None],
        repeated=tuple(range(400, 460)),
    )
    fold_of = np.arange(460) % 5
    found = ceilings.estimate_ceilings(one, None, fold_of, 50, np.random.default_rng(1))
    alone = ceilings.split_half(trials, 50, np.random.default_rng(1))
    assert found["split_half"] == pytest.approx(np.full(5, np.median(alone)), abs=1e-12)
    assert np.median(alone) == pytest.approx(
        8 / 9, abs=0.06
    )  # of 8 trials, signal = noise; 60 images


def test_what_a_file_states_of_sites_is_a_ceiling_and_not_that_of_shuffled_images(rng):
    one = recording(rng.normal(size=(40, 1, 1, 1, 4)))
    one = replace(
        one, attributes=one.attributes | {"site_labels": {"reliability": [0.49, -0.1, 0.64, 0.81]}}
    )
    fold_of, draws = np.arange(40) % 4, np.random.default_rng(0)
    found = ceilings.estimate_ceilings(one, None, fold_of, 5, draws)
    assert found["stated_reliability"] == pytest.approx(np.full(4, (0.49 + 0.64) / 2))
    assert found["stated_reliability_bound"] == pytest.approx(np.full(4, (0.7 + 0.8) / 2))
    other = ceilings.estimate_ceilings(ceilings.shuffled(one, draws), None, fold_of, 5, draws)
    assert "stated_reliability" not in other
    with pytest.raises(UserError, match="1 values of 'reliability' do not fit 4 sites"):
        replace(one, attributes={"site_labels": {"reliability": [0.5]}})


def test_so_many_sites_that_their_correlations_do_not_fit_are_left_out(rng, monkeypatch):
    one = recording(rng.normal(size=(20, 1, 1, 1, 6)))
    fold_of = np.arange(20) % 4
    assert "population" in ceilings.estimate_ceilings(one, None, fold_of, 5, rng)
    monkeypatch.setattr(ceilings, "MOST_SITES", 5)
    assert ceilings.estimate_ceilings(one, None, fold_of, 5, rng) == {}
