"""A recording that says which images train and test, from its files to scores by ridge regression."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from fit_encoding import main as fit_encoding
from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.numerics.metrics import pearson
from itcortex.tables import summary
from made.encoding import ON_CPU

IMAGES, TESTED, SITES = 120, 20, 6
PENALTIES = {"lowest": 1e-3, "highest": 1e3, "number": 7}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Table and predictions of the rule, the maps of the layer that sites read, and the responses."""
    folder = tmp_path_factory.mktemp("big")
    rng = np.random.default_rng(4)
    names = tuple(f"i{k:03d}" for k in range(IMAGES))
    layers = {
        "noise": rng.standard_normal((IMAGES, 30)).astype(np.float32),
        "read": rng.standard_normal((IMAGES, 30)).astype(np.float32),
    }
    responses = layers["read"] @ rng.standard_normal((30, SITES))
    responses = (responses + 3 * rng.standard_normal(responses.shape)).astype(np.float32)
    split = ["train"] * (IMAGES - TESTED) + ["test"] * TESTED
    sites = tuple(f"s{k}" for k in range(SITES))
    store.write_recording(
        folder / "r.h5",
        Recording(responses[:, None, None, None], names, sites, {"image_labels": {"split": split}}),
    )
    known = [{"name": name, "depth": 0.5 * k} for k, name in enumerate(layers)]
    store.write_activations(
        folder / "a.h5", [(0, layers)], tuple(layers), names,
        {"layers": known, "weights_digest": ""}, "float32",
    )  # fmt: skip
    files = [folder / name for name in ("scores.parquet", "predictions.h5", "orientation.parquet")]
    ridge = ON_CPU[0] | {"inner": "images", "penalties": PENALTIES, "precision": "float32"}
    fit_encoding(
        folder / "a.h5", folder / "r.h5", *files, {"recording": "r", "model": "m", "weights": "w"},
        ["ridge"], "corrected", 25, "exact", ridge, "cpu", False,
        {"kind": "split", "name": "split"}, 7, None, [], 20, 0,
    )  # fmt: skip
    table, predicted = store.read_table(files[0]), store.read_recording(files[1])
    return table, predicted.responses[:, 0, 0, 0], layers["read"], responses


def test_scores_are_those_of_scikit_learn_on_the_training_images(found):
    table, predicted, maps, responses = found
    train = maps[: IMAGES - TESTED].astype(np.float64)
    unit = ((train - train.mean(0)) ** 2).sum() / 30
    peer = RidgeCV(unit * np.logspace(-3, 3, 7), alpha_per_target=True)
    peer.fit(train, responses[: IMAGES - TESTED])
    expected = pearson(responses[-TESTED:], peer.predict(maps[-TESTED:]))
    rows = table[table["chosen"] & (table["control"] == "none")].sort_values("site")
    assert set(rows["layer"]) == {"read"} and set(rows["fold"]) == {"test"}
    np.testing.assert_allclose(rows["r"], expected, atol=1e-4)  # the bound of single precision
    np.testing.assert_allclose(rows["penalty"] * unit, peer.alpha_, rtol=1e-6)
    np.testing.assert_allclose(predicted[-TESTED:], peer.predict(maps[-TESTED:]), atol=2e-3)
    assert np.isnan(predicted[:-TESTED]).all()


def test_the_control_and_the_summary_have_their_rows_and_columns(found):
    table = found[0]
    control = table[table["control"] != "none"]
    assert len(control) == 20 * SITES and control["chosen"].all()
    (row,) = summary.over_folds(table, 20, np.random.default_rng(0)).query("control == 'none'").iloc
    assert row["r"] > 0.7 > 0.4 + abs(control["r"].median())
    assert row["n_folds"] == 1 and row["penalty_at_edge"] == 0
    assert row["p_shuffled"] == pytest.approx(1 / 21)
    assert 20 < row["effective_dimensionality"] < 30 == row["n_units"]
