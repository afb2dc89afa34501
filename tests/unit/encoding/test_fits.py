"""Several mappings of one model side by side: targets, labels, choices, warnings."""

import logging

import numpy as np
import pytest

from itcortex.encoding.fits import Fits
from itcortex.encoding.targets import Target, shuffled_targets
from itcortex.mappings.folds import Division

KINDS = ["pls", "ridge", "rsa", "cka", "reverse"]
TARGETS = [
    Target((10, 50), main=True), Target((10, 50), "shuffled_images", main=True), Target((0, 40)),
]  # fmt: skip
LABELS = {"recording": "r", "model": "m", "weights": "w"}
FOLDS = Division.into_folds(np.arange(6))


@pytest.fixture(scope="module")
def planted():
    """Six images, two layers; sites read the second; the second target is another image's."""
    rng = np.random.default_rng(3)
    layers = {"noise": rng.standard_normal((6, 5, 5, 8)), "read": rng.standard_normal((6, 5, 5, 8))}
    sites = layers["read"] @ rng.standard_normal((8, 10))
    sites += 0.1 * rng.standard_normal(sites.shape)
    return layers, np.stack([sites, np.roll(sites, 1, axis=0), sites])


@pytest.fixture(scope="module")
def fits(planted):
    layers, responses = planted
    found = Fits(KINDS, "corrected", TARGETS, 8, "exact", seed=0)
    for name, maps in layers.items():
        found.add(name, maps, responses, FOLDS)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_mapping_chooses_the_layer_that_is_read(fits, kind):
    np.testing.assert_array_equal(fits.chosen(kind), 1)


def test_table_has_every_mapping_with_its_own_targets_and_sites(fits):
    folds, sites = [f"i{k}" for k in range(6)], tuple(f"s{k}" for k in range(10))
    table = fits.table(LABELS, {"noise": 0.1, "read": 0.9}, folds, sites)
    counts = table.groupby("mapping", observed=True, sort=False).size().to_dict()
    assert counts == {
        "pls": 2 * 3 * 6 * 10, "ridge": 2 * 2 * 6 * 10, "rsa": 2 * 2 * 6, "cka": 2 * 2 * 6,
        "reverse": 2 * 2 * 6,
    }  # fmt: skip
    assert set(table[table["mapping"] == "rsa"]["site"]) == {"all"}
    assert set(table["protocol"]) == {"corrected"}
    chosen = table[table["chosen"]].groupby(["mapping", "control"], observed=True)["r"].mean()
    for kind in KINDS:
        assert chosen[kind, "none"] > 0.4
        assert chosen[kind, "none"] > chosen[kind, "shuffled_images"] + 0.3


def test_predictions_are_those_of_the_first_mapping(fits, planted):
    chosen, predicted = fits.main_predictions(FOLDS)
    np.testing.assert_array_equal(chosen, 1)
    assert np.corrcoef(predicted.ravel(), planted[1][0].ravel())[0, 1] > 0.95


def test_in_the_reference_the_layer_is_the_best_on_the_test_images(planted):
    layers, responses = planted
    found = Fits(["pls"], "reference", TARGETS[:1], 4, "exact", seed=0)
    for name, maps in layers.items():
        found.add(name, maps, responses[:1], FOLDS)
    scores = [r.metrics["r"][0].mean() for r in found.results["pls"]]
    np.testing.assert_array_equal(found.chosen("pls"), int(np.argmax(scores)))


def test_a_layer_of_low_rank_is_warned_of(planted, caplog):
    layers, responses = planted
    found = Fits(["pls"], "corrected", TARGETS[:1], 8, "exact", seed=0)
    with caplog.at_level(logging.WARNING):
        found.add("thin", layers["read"][..., :3], responses[:1], FOLDS)
    assert "thin: numerical rank ended PLS at 3 of 8 components" in caplog.text


def test_rules_of_pls_differ_where_scikit_learn_stops_early(planted):
    layers, responses = planted
    scores = {}
    for rule in ("exact", "nipals_1e-4", "nipals_1e-6"):
        found = Fits(["pls"], "corrected", TARGETS[:1], 4, rule, seed=0)
        found.add("read", layers["read"], responses[:1], FOLDS)
        scores[rule] = found.results["pls"][0].metrics["r"]
    loose = np.abs(scores["exact"] - scores["nipals_1e-4"]).max()
    tight = np.abs(scores["exact"] - scores["nipals_1e-6"]).max()
    assert 0 < tight < loose


def test_the_control_is_fitted_on_the_chosen_layers_for_every_permutation(planted):
    layers, responses = planted
    found = Fits(KINDS, "corrected", TARGETS[:1], 8, "exact", seed=0)
    for name, maps in layers.items():
        found.add(name, maps, responses[:1], FOLDS)
    shuffled = np.stack([np.roll(responses[0], shift, axis=0) for shift in (1, 2, 3)])
    targets, read = shuffled_targets(TARGETS[0], 3), []
    found.add_control(targets, shuffled, FOLDS, lambda layer: read.append(layer) or layers[layer])
    assert read == ["read"]  # the layer that every mapping chose, once
    sites = tuple(f"s{k}" for k in range(10))
    table = found.table(LABELS, {"noise": 0.1, "read": 0.9}, FOLDS.names, sites)
    control = table[table["control"] == "shuffled_images"]
    assert set(control["layer"]) == {"read"}
    assert control["chosen"].all()
    assert control.groupby("mapping", observed=True).size().to_dict() == {
        "pls": 3 * 6 * 10, "ridge": 3 * 6 * 10, "rsa": 3 * 6, "cka": 3 * 6, "reverse": 3 * 6,
    }  # fmt: skip
    alone = Fits(["pls"], "corrected", targets[1:2], 8, "exact", seed=0)
    alone.add("read", layers["read"], shuffled[1:2], FOLDS)
    one = control[(control["mapping"] == "pls") & (control["permutation"] == 2)]
    np.testing.assert_allclose(
        one.sort_values(["fold", "site"])["r"], alone.results["pls"][0].metrics["r"][0].ravel(),
        atol=1e-9,
    )  # fmt: skip


def test_what_is_noted_of_a_chosen_layer_and_the_bound_of_the_reverse_direction(planted, rng):
    layers, responses = planted
    noise = rng.standard_normal((*responses[0].shape, 6))
    trials = responses[0][..., None] + noise - noise.mean(-1, keepdims=True)
    found = Fits(["pls", "reverse"], "corrected", TARGETS[:1], 8, "exact", seed=0)
    for name, maps in layers.items():
        found.add(name, maps, responses[:1], FOLDS)
    shuffled = shuffled_targets(TARGETS[0], 2)
    others = np.stack([np.roll(responses[0], k, axis=0) for k in (2, 3)])
    found.add_control(shuffled, others, FOLDS, layers.get, trials)
    folds, sites = [f"i{k}" for k in range(6)], tuple(f"s{k}" for k in range(10))
    table = found.table(LABELS, {"noise": 0.1, "read": 0.9}, folds, sites)
    chosen = table[table["chosen"]]
    assert set(chosen["n_units"]) == {8}
    assert (chosen["effective_dimensionality"] < 8).all()
    of_sites = chosen["mapping"] == "pls"
    assert chosen[of_sites]["reverse_bound"].isna().all()
    bounds = chosen[~of_sites].groupby("fold", observed=True)["reverse_bound"]
    assert (bounds.nunique() == 1).all() and bounds.mean().between(0.5, 1).all()
    unchosen = table[table["layer"] == "noise"]
    assert unchosen["n_units"].isna().all() and unchosen["reverse_bound"].isna().all()
