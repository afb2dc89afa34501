"""Tidy tables: every raw score in its place, summaries by hand."""

import numpy as np
import pandas as pd
import pytest

from itcortex.encoding import raw_scores
from itcortex.encoding.targets import Target
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import METRICS
from itcortex.tables.summary import (
    add_ceilings,
    describe_models,
    describe_recordings,
    over_folds,
    over_sites,
)
from made.tables import DESCRIPTION

LABELS = {
    "recording": "rec", "model": "net", "weights": "w", "mapping": "pls", "protocol": "corrected",
}  # fmt: skip
TARGETS = [
    Target((10, 50), main=True), Target((10, 50), "shuffled_images", main=True), Target((0, 40)),
]  # fmt: skip


@pytest.fixture
def raw(rng):
    """Two layers, three targets, four folds, three sites; layer b chosen for fold 3 only."""
    shape = (3, 4, 3)
    results = [LayerScores({name: rng.random(shape) for name in METRICS}, None) for _ in range(2)]
    results[0].metrics["r"][0, 1, 2] = np.nan
    table = raw_scores.raw_scores(
        LABELS, TARGETS, {"a": 0.1, "b": 0.9}, results, np.array([0, 0, 0, 1]),
        ["f0", "f1", "f2", "f3"], ("x", "y", "z"),
    )  # fmt: skip
    return table, results


def test_every_raw_score_is_in_its_row(raw):
    table, results = raw
    assert len(table) == 2 * 3 * 4 * 3
    for layer, result in zip("ab", results, strict=True):
        rows = table[
            (table["layer"] == layer) & (table["control"] == "shuffled_images")
            & (table["fold"] == "f2") & (table["site"] == "y")
        ]  # fmt: skip
        assert rows["rho"].item() == result.metrics["rho"][1, 2, 1]
        assert rows["main_window"].item()
    chosen = table[table["chosen"]].drop_duplicates(["layer", "fold"])
    picked = sorted(zip(chosen["fold"], chosen["layer"], strict=True))
    assert picked == [("f0", "a"), ("f1", "a"), ("f2", "a"), ("f3", "b")]


def test_over_sites_takes_medians_and_counts_what_is_undefined(raw):
    table, results = raw
    found = over_sites(table)
    assert len(found) == 2 * 3 * 4
    row = found.query("layer == 'a' and fold == 'f1' and control == 'none' and main_window")
    assert row["r"].item() == pytest.approx(np.nanmedian(results[0].metrics["r"][0, 1]))
    assert (row["n_sites"].item(), row["undefined_sites"].item()) == (3, 1)


def test_over_folds_uses_chosen_layers_and_reports_the_optimism(raw):
    table, results = raw
    found = over_folds(table, 50, np.random.default_rng(0))
    main = found.query("control == 'none' and main_window").iloc[0]
    r = np.stack([result.metrics["r"][0] for result in results])
    by_hand = np.mean([np.nanmedian(r[k, f]) for f, k in enumerate([0, 0, 0, 1])])
    best = max(np.mean([np.nanmedian(r[k, f]) for f in range(4)]) for k in (0, 1))
    assert main["r"] == pytest.approx(by_hand)
    assert main["r_best_layer"] == pytest.approx(best)
    assert main["optimism"] == pytest.approx(best - by_hand)
    assert main["r_low"] < main["r"] < main["r_high"]
    assert (main["layer"], main["undefined_sites"], main["undefined_folds"]) == ("a", 1, 0)
    silent = table.assign(r=table["r"].where(table["fold"] != "f2"))
    (row,) = over_folds(silent, 5, np.random.default_rng(0)).query(
        "control == 'none' and main_window"
    ).to_dict("records")  # fmt: skip
    assert (row["undefined_folds"], row["undefined_sites"]) == (1, 3)
    r[:, 2] = np.nan
    of_others = np.mean([np.nanmedian(r[k, f]) for f, k in zip((0, 1, 3), (0, 0, 1), strict=True)])
    assert row["r"] == pytest.approx(of_others)


def test_windows_of_a_recording_without_time_survive_grouping(raw):
    table = raw[0].assign(window_start=np.nan, window_stop=np.nan)
    assert len(over_folds(table[table["control"] == "none"], 20, np.random.default_rng(0)))


def test_ceilings_are_joined_by_recording_and_window_and_divided(raw):
    summary = over_folds(raw[0], 20, np.random.default_rng(0))
    ceilings = pd.DataFrame(
        [("rec", "population", 10.0, 50.0, f"f{k}", value, True) for k, value in
         enumerate([0.4, 0.6, 0.5, 0.5])]
        + [("rec", "best_pair", 10.0, 50.0, "f0", 0.9, False)]
        + [("rec", "population", 0.0, 40.0, "f0", -0.1, True)],
        columns=["recording", "ceiling_name", "window_start", "window_stop", "fold", "value", "used"],
    )  # fmt: skip
    found = add_ceilings(summary, ceilings)
    main = found.query("control == 'none' and main_window").iloc[0]
    assert main["ceiling"] == pytest.approx(0.5)
    assert main["r_over_ceiling"] == pytest.approx(main["r"] / 0.5)
    assert main["r_over_ceiling_low"] == pytest.approx(main["r_low"] / 0.5)
    early = found.query("window_start == 0").iloc[0]
    assert np.isnan(early["r_over_ceiling"])
    assert early["ceiling"] == pytest.approx(-0.1)
    assert len(found) == len(summary)


def test_every_layer_of_the_scores_has_its_units_and_dimensionality(raw):
    layers = {name: 10.0 * (k + 1) for k, name in enumerate(raw[0]["layer"].unique())}
    units = raw[0]["layer"].astype(str).map(layers).astype(float)
    table = over_sites(raw[0].assign(n_units=units, effective_dimensionality=units / 4))
    assert len(layers) > 1
    for layer, rows in table.groupby("layer", observed=True):
        assert set(rows["n_units"]) == {layers[layer]}
        assert set(rows["effective_dimensionality"]) == {layers[layer] / 4}
    without = over_sites(raw[0])
    assert without[["n_units", "effective_dimensionality"]].isna().all(axis=None)


def test_the_reverse_direction_has_a_ceiling_of_its_own(raw):
    """Mean over folds of what jobs noted, and no ceiling of sites; other mappings do not have it."""
    noted = raw[0].assign(mapping="reverse", n_units=256.0)
    folds = list(noted["fold"].unique())
    noted["reverse_bound"] = (
        noted["fold"].astype(str).map({fold: 0.5 + 0.1 * k for k, fold in enumerate(folds)})
    )
    noted = noted.assign(reverse_bound_low=0.45, reverse_bound_high=0.85)
    summary = over_folds(noted, 20, np.random.default_rng(0))
    none = pd.DataFrame(
        columns=[
            "recording",
            "ceiling_name",
            "window_start",
            "window_stop",
            "fold",
            "value",
            "used",
        ]
    ).astype({"window_start": float, "window_stop": float, "used": bool, "value": float})
    found = add_ceilings(summary, none)
    expected = 0.5 + 0.1 * np.arange(len(folds)).mean()
    assert found["ceiling"].to_numpy() == pytest.approx(expected)
    assert set(found["ceiling_name"]) == {"reverse_bound"} and set(found["n_units"]) == {256}
    np.testing.assert_allclose(found["r_over_ceiling"], found["r"] / expected)
    assert "reverse_bound" not in found
    assert set(found["ceiling_low"]) == {0.45} and set(found["ceiling_high"]) == {0.85}
    forward = over_folds(noted.assign(mapping="pls"), 20, np.random.default_rng(0))
    without = add_ceilings(forward, none)
    assert without[["ceiling", "ceiling_low", "ceiling_high"]].isna().all(axis=None)


def test_descriptions_are_added_and_unknown_models_stay_visible(raw):
    summary = over_folds(raw[0], 20, np.random.default_rng(0))
    known = DESCRIPTION | {"model": "net", "weights": "w", "missing": ""}
    found = describe_models(summary, pd.DataFrame([known]))
    assert "missing" not in found
    assert found[[*DESCRIPTION]].drop_duplicates().to_dict("records") == [DESCRIPTION]
    stranger = describe_models(summary, pd.DataFrame([known | {"model": "other"}])).iloc[0]
    assert stranger["category"] == stranger["series"] == ""
    assert np.isnan([stranger["top1"], stranger["strength"], stranger["seed"]]).all()
    found = describe_recordings(
        found, {"rec": {"monkey": "m", "area": "IT", "simulated": True, "unit": "x"}}
    )
    assert found[["monkey", "area", "simulated"]].drop_duplicates().values.tolist() == [
        ["m", "IT", True]
    ]


def test_the_control_is_the_mean_over_permutations_and_gives_each_score_a_p_value(rng):
    """Twenty permutations of known score; a real score that two of them reach."""
    r = np.linspace(-0.1, 0.28, 20)
    targets = [Target((10, 50), main=True)]
    control = [Target((10, 50), "shuffled_images", True, k + 1) for k in range(20)]

    def table(of, values):
        metrics = {name: np.tile(values[:, None, None], (1, 4, 3)) for name in METRICS}
        results = [LayerScores(metrics, None)]
        folds, sites = ["f0", "f1", "f2", "f3"], ("x", "y", "z")
        return raw_scores.raw_scores(
            LABELS, of, {"a": 0.1}, results, np.zeros(4, int), folds, sites
        )

    raw = pd.concat([table(targets, np.array([0.255])), table(control, rng.permutation(r))])
    found = over_folds(raw, 20, rng).set_index("control")
    shuffled = found.loc["shuffled_images"]
    assert shuffled["r"] == pytest.approx(r.mean())
    assert shuffled["r_low"] == pytest.approx(np.quantile(r, 0.025))
    assert shuffled["r_high"] == pytest.approx(np.quantile(r, 0.975))
    assert np.isnan(shuffled[["p_shuffled", "r_best_layer", "optimism"]].astype(float)).all()
    assert found.loc["none", "p_shuffled"] == pytest.approx((1 + 2) / (1 + 20))
    assert len(over_sites(raw)) == 4 * 21
