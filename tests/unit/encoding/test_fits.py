"""Several mappings of one model side by side: targets, labels, choices, warnings."""

import logging

import numpy as np
import pandas as pd
import pytest

from itcortex.encoding.fits import Fits
from itcortex.encoding.ridge_options import RidgeOptions
from itcortex.encoding.targets import ShuffledResponses, Target, shuffled_targets
from itcortex.mappings.folds import Division, Split
from itcortex.mappings.reverse import Repeats

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


def fixed_split():
    """Sixty images, of which the first is never used and the last twelve are tested."""
    return Division(("test",), (Split(np.arange(1, 48), np.arange(48, 60), np.empty(0, int)),), 60)


@pytest.fixture(scope="module")
def big():
    """Sixty images without a grid; sites read the second layer."""
    rng = np.random.default_rng(8)
    layers = {"noise": rng.standard_normal((60, 12)), "read": rng.standard_normal((60, 12))}
    sites = layers["read"] @ rng.standard_normal((12, 5))
    return layers, (sites + rng.standard_normal(sites.shape))[None, :, None, None]


def fitted_on_images(big, **options):
    found = Fits(
        ["ridge"], "corrected", TARGETS[:1], 1, "exact", 0, RidgeOptions(inner="images", **options)
    )
    for name, maps in big[0].items():
        found.add(name, maps, big[1], fixed_split())
    return found


def test_ridge_on_a_fixed_split_keeps_the_predictions_of_the_chosen_layer_alone(big):
    found = fitted_on_images(big)
    chosen, predicted = found.main_predictions(fixed_split())
    assert chosen.tolist() == [1]
    assert found.results["ridge"][0].predictions is None
    assert np.isnan(predicted[:48]).all()
    assert np.corrcoef(predicted[48:].ravel(), big[1][0, 48:].ravel())[0, 1] > 0.8


def test_targets_that_are_made_one_by_one_have_the_rows_of_stacked_ones_block_by_block(big):
    found, stacked = fitted_on_images(big), fitted_on_images(big)
    targets = shuffled_targets(TARGETS[0], 3)
    orders = [np.roll(np.arange(60), shift) for shift in (1, 5, 9)]
    shuffled = ShuffledResponses(big[1][0], orders)
    found.add_control(targets, shuffled, fixed_split(), big[0].get)
    stacked.add_control(targets, np.stack([*shuffled]), fixed_split(), big[0].get)
    about = (LABELS, {"noise": 0.1, "read": 0.9}, ("test",), tuple("abcde"))
    blocks = list(found.blocks(*about))
    assert [len(block) for block in blocks] == [5] * 5  # two layers, and three permutations of one
    assert blocks[0].dtypes.equals(blocks[-1].dtypes)
    table = found.table(*about)
    pd.testing.assert_frame_equal(table, stacked.table(*about))
    assert set(table["penalty"]) <= set(RidgeOptions().penalties)
    edge = table["penalty"].isin([1e-4, 1e4])
    np.testing.assert_array_equal(table["penalty_at_edge"], edge.astype(float))
    real = table[table["control"] == "none"].groupby("layer", observed=True)
    assert real["effective_dimensionality"].nunique().tolist() == [1, 1]  # of all layers


def test_a_loud_unit_of_any_layer_is_noted_in_every_row_and_warned_of(planted, caplog):
    layers, responses = planted
    found = Fits(["pls"], "corrected", TARGETS[:1], 8, "exact", seed=0)
    loud = layers["noise"] * np.where(np.arange(layers["noise"].shape[-1]) == 1, 1e4, 1)
    with caplog.at_level(logging.WARNING):
        found.add("noise", loud, responses[:1], FOLDS)
        found.add("read", layers["read"], responses[:1], FOLDS)
    table = found.table(
        LABELS, {"noise": 0.1, "read": 0.9}, [f"i{k}" for k in range(6)], tuple("abcdefghij")
    )
    assert table["loudest_unit"].nunique() == 1
    assert table["loudest_unit"].iloc[0] == pytest.approx(1e4, rel=0.5)  # of few samples
    said = [
        one.message for one in caplog.records if "times as much as the median unit" in one.message
    ]
    assert len(said) == 1 and said[0].startswith("noise: ")


def test_penalties_at_an_end_of_the_grid_are_warned_of(big, caplog):
    with caplog.at_level(logging.WARNING):
        fitted_on_images(big, lowest=10.0, highest=1e3, number=3)
    assert "read: the best penalty is the smallest that was tried for 100 % of sites" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        fitted_on_images(({"read": big[0]["read"]}, big[1]))
    assert "the best penalty" not in caplog.text


@pytest.mark.parametrize(
    ("options", "size", "images"),
    [
        (RidgeOptions(), (5000, 5000 * 100), False),
        (RidgeOptions(), (5001, 5001), True),
        (RidgeOptions(), (1000, 1000 * 21_059), True),
        (RidgeOptions("folds"), (22_248, 22_248 * 1024), False),
        (RidgeOptions("images"), (14, 14 * 289), True),
    ],
)
def test_ridge_leaves_out_images_of_big_recordings(options, size, images):
    assert options.leaves_out_images(*size) is images


@pytest.mark.long
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
    repeats = Repeats(trials, np.arange(len(trials)), responses[0])
    found.add_control(shuffled, others, FOLDS, layers.get, repeats)
    folds, sites = [f"i{k}" for k in range(6)], tuple(f"s{k}" for k in range(10))
    table = found.table(LABELS, {"noise": 0.1, "read": 0.9}, folds, sites)
    chosen = table[table["chosen"]]
    assert set(chosen["n_units"]) == {8}
    assert (chosen["effective_dimensionality"] < 8).all()
    of_sites = chosen["mapping"] == "pls"
    assert chosen[of_sites]["reverse_bound"].isna().all()
    bounds = chosen[~of_sites].groupby("fold", observed=True)["reverse_bound"]
    assert (bounds.nunique() == 1).all() and bounds.mean().between(0.5, 1).all()
    (low,), (high,) = (
        chosen.loc[~of_sites, f"reverse_bound_{end}"].unique() for end in ("low", "high")
    )
    assert low <= bounds.mean().mean() <= high
    unchosen = table[table["layer"] == "noise"]
    assert set(unchosen["n_units"]) == {8} and unchosen["reverse_bound"].isna().all()
    assert unchosen["effective_dimensionality"].isna().all()


def test_the_log_says_why_the_reverse_direction_has_no_bound(planted, caplog):
    layers, responses = planted
    found = Fits(["reverse"], "corrected", TARGETS[:1], 8, "exact", seed=0)
    for name, maps in layers.items():
        found.add(name, maps, responses[:1], FOLDS)
    with caplog.at_level(logging.WARNING):
        found.add_control([], responses[:1], FOLDS, layers.get)
    assert "no bound that the noise of the sites sets: the recording has no single" in caplog.text
