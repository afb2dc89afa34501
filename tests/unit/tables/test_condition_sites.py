"""Conditions are compared within every site: against differences of medians, by hand, without scores."""

import numpy as np
import pandas as pd
import pytest

from itcortex.errors import UserError
from itcortex.numerics.sampling import percentile_interval
from itcortex.tables.condition_measures import OF_SITES, of_recordings
from itcortex.tables.condition_scores import Drawn, MeanOf
from itcortex.tables.condition_sites import Layered, SiteScores, few_folds
from itcortex.tables.model_pairs import Sites, collect_tests

DRAWS = 500


def paired(values, rng, **about) -> SiteScores:
    """Scores {network: (fold, site)} with draws."""
    return SiteScores.of(values, DRAWS, rng, {"measure": "r"} | about)


def test_what_nearly_all_sites_gain_is_seen_where_the_medians_turn_it_round(rng):
    """The site in the middle loses while the others gain."""
    level = np.linspace(0.2, 0.8, 41)
    gain = np.full(41, 0.01) + 0.002 * rng.normal(size=41)
    gain[18:23] = -0.005
    values = {"a": np.tile(level + gain, (5, 1)), "b": np.tile(level, (5, 1))}
    found = paired(values, rng).compare("a", "b")
    assert found.difference == pytest.approx(gain.mean()) and gain.mean() > 0.006
    assert percentile_interval(found.drawn)[0] > 0.005
    np.testing.assert_allclose(found.by_site[0], gain)
    sites = Sites.drawing(["a", "b"], np.array([*values.values()]), DRAWS, rng)
    of_medians = Drawn.of_sites(sites, {"measure": "r_median"}).compare("a", "b")
    assert of_medians.difference == pytest.approx(-0.005)
    low, high = percentile_interval(of_medians.drawn)
    assert low < 0 and high - low > 3 * np.ptp(percentile_interval(found.drawn))


def test_draws_of_folds_and_sites_are_those_of_a_plain_loop(rng):
    values = {name: rng.normal(size=(2, 4, 6)) for name in "ab"}
    values["a"][0, 1, 2] = values["b"][1, 3, 4] = np.nan
    scores = paired(values, rng)
    found = scores.compare("a", "b")
    for draw in range(20):
        folds = np.repeat(np.arange(4), scores.folds[draw])
        sites = np.repeat(np.arange(6), scores.sites[draw])
        difference = values["a"] - values["b"]
        by_site, whole = (np.nanmean(d, axis=1).mean(0) for d in (difference[:, folds], difference))
        by_site = whole + few_folds(4) * (by_site - whole)
        assert found.drawn[draw] == pytest.approx(by_site[sites].mean())


@pytest.mark.parametrize("n_folds", [5, 10])
def test_intervals_hold_what_varies_between_few_folds(n_folds):
    """Of 400 made differences 380 are expected. Drawn with replacement alone, five folds gave 332."""
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = {
            "a": rng.normal(size=(n_folds, 1)) + np.zeros((1, 20)),
            "b": np.zeros((n_folds, 20)),
        }
        scores = SiteScores.of(values, 200, rng, {})
        low, high = percentile_interval(scores.compare("a", "b").drawn)
        held += low <= 0 <= high
    assert 366 <= held <= 394  # about three standard deviations of a count
    assert few_folds(1) == 1 and few_folds(10**6) == pytest.approx(1, abs=1e-4)


def test_a_site_without_a_score_in_one_condition_is_left_out_of_both_and_counted(rng):
    values = {name: rng.normal(size=(4, 6)) for name in "abc"}
    values["a"][:, 2] = np.nan
    values["b"][1, 3] = np.nan
    found = paired(values, rng).compare("a", "b")
    kept = (values["a"] - values["b"])[:, [0, 1, 3, 4, 5]]
    assert found.undefined == 1 and found.difference == pytest.approx(np.nanmean(kept, 0).mean())
    assert found.value - found.other == pytest.approx(found.difference)
    assert np.isfinite(found.drawn).all() and np.isnan(found.by_site[0][2])
    nothing = paired({"a": np.full((4, 6), np.nan), "b": values["c"]}, rng).compare("a", "b")
    assert np.isnan(nothing.difference) and nothing.undefined == 6


def test_one_test_set_is_not_said_to_be_drawn(rng):
    """Every draw of one fold is that fold: the interval is over sites alone."""
    several, one = ({"a": rng.normal(size=(n, 6)), "b": np.zeros((n, 6))} for n in (4, 1))
    assert paired(several, rng).about["drawn"] == "folds, sites"
    alone = paired(one, rng)
    assert alone.about["drawn"] == "sites" and (alone.folds == 1).all()
    median = Drawn.of_sites(Sites.drawing([*one], np.array([*one.values()]), 9, rng), {})
    assert median.about["drawn"] == "sites"


def test_recordings_of_an_area_count_the_same_and_their_sites_are_drawn_within(rng):
    one = paired({"a": np.full((4, 6), 0.3), "b": np.full((4, 6), 0.1)}, rng)
    other = paired({"a": np.full((4, 30), 0.1), "b": np.full((4, 30), 0.2)}, rng)
    found = MeanOf({}, [one, other]).compare("a", "b")
    assert found.difference == pytest.approx((0.2 - 0.1) / 2)
    np.testing.assert_allclose(found.drawn, 0.05)
    assert [len(sites) for sites in found.by_site] == [6, 30]


# --- layers and kinds -----------------------------------------------------------------------------


def rows(model_weights, chosen, levels, kinds=()):
    """Raw scores of a network at layers "early" and "late": a level each, +.1 a fold."""
    model, weights = model_weights.split(" ")
    return pd.DataFrame(
        {"recording": "v4", "mapping": "pls", "protocol": "corrected", "model": model,
         "weights": weights, "fold": fold, "site": site, "layer": layer, "chosen": chosen[k] == layer,
         "r": levels[layer] + 0.1 * k} | dict.fromkeys(kinds, levels[layer] / 2)
        for layer in levels for k, fold in enumerate(("f0", "f1")) for site in ("s0", "s1", "s2")
    )  # fmt: skip


def test_what_a_choice_of_layers_adds_is_taken_off_at_the_layer_of_strength_0(rng):
    levels = {"late": 0.5, "early": 0.3}
    networks = [
        rows("net zero", ("early", "early"), levels),
        rows("net human", ("late", "early"), {"late": 0.6, "early": 0.3}),
    ]
    tests = collect_tests(networks, Layered)
    test = {"recording": "v4", "mapping": "pls", "protocol": "corrected", "area": "V4"}
    summary = pd.DataFrame([test | {"main_window": True, "control": "none", "ceiling": 0.5}])
    measures = {
        one.about["measure"]: one.compare("net human", "net zero").difference
        for one in of_recordings([tests], summary, 50, rng, {"net human": "net zero"})
    }
    assert measures == pytest.approx(
        {"r": 0.15, "r_over_ceiling": 0.3, "r_same_layer": 0.0, "r_median": 0.15}
    )
    assert {*measures} == {*OF_SITES} - {"r_within_kinds"}  # there is one kind


def test_kinds_of_image_are_averaged_within_a_site(rng):
    kinds = ("r of disc", "r of photograph")
    layered = Layered()
    layered.add(rows("net zero", ("early", "early"), {"early": 0.3}, kinds))
    layered.add(rows("net human", ("early", "early"), {"early": 0.5}, kinds))
    assert layered.kinds == [*kinds]
    within = {name: r[1:] for name, r in layered.of_chosen().items()}
    found = paired(within, rng).compare("net human", "net zero")
    assert found.difference == pytest.approx(0.1) and found.value == pytest.approx(0.25)


def test_other_folds_sites_or_kinds_are_refused_and_a_lost_baseline_is_left_out():
    zero = rows("net zero", ("early", "early"), {"early": 0.3})
    layered = Layered()
    layered.add(zero)
    few = zero[zero["site"] != "s1"].assign(weights="human")
    with pytest.raises(
        UserError, match="v4: net human was scored on other folds, sites or kinds of"
    ):
        layered.add(few)
    with pytest.raises(UserError, match="than net zero; delete its results in encoding/"):
        layered.add(rows("net human", ("early", "early"), {"early": 0.3}, ("r of disc",)))
    assert [*layered.of_baselines({"net zero": "net gone"})] == []
    assert [*layered.of_baselines({})] == ["net zero"]
