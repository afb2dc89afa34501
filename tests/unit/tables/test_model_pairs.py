"""Differences of two networks on the same sites: identities, narrower when paired, counted coverage."""

import numpy as np
import pandas as pd
import pytest

import compare_models
from itcortex import store
from itcortex.errors import UserError
from itcortex.numerics.metrics import predictivity
from itcortex.tables.model_pairs import Sites, harmonized_table, pairs_table

TEST = {"recording": "a", "mapping": "pls", "protocol": "corrected"}
FOLDS, SITES = 8, 12


def raw(rng, levels, shared=0.2, own=0.02):
    """Scores of networks "m0 w", ...: a level, what sites and folds share with all, own noise."""
    base = shared * rng.normal(size=(FOLDS, 1)) + shared * rng.normal(size=(1, SITES))
    rows = []
    for k, level in enumerate(levels):
        r = level + base + own * rng.normal(size=(FOLDS, SITES))
        rows += [
            TEST
            | {"model": f"m{k}", "weights": "w", "fold": f"f{i}", "site": f"s{j}", "r": r[i, j]}
            for i in range(FOLDS)
            for j in range(SITES)
        ]
    return pd.DataFrame(rows)


def models(*baselines):
    """A table of models "m0 w", ... with these baselines."""
    names = [f"m{k}" for k in range(len(baselines))]
    table = pd.DataFrame({"model": names, "weights": "w", "baseline": baselines})
    table["top1"] = 70.0 + np.arange(len(names))
    return table.assign(family=[f"f{k}" for k in range(len(names))], strength=1.0, seed=0.0)


def test_a_difference_is_that_of_the_two_scores(rng):
    rows = raw(rng, [0.5, 0.4, 0.3])
    sites = Sites.of(rows, 200, rng)
    table = pairs_table(sites, TEST)
    assert table[["model", "other_model"]].to_numpy().tolist() == [
        ["m0", "m1"], ["m0", "m2"], ["m1", "m2"],
    ]  # fmt: skip
    score = [
        predictivity(one["r"].to_numpy().reshape(FOLDS, SITES)) for _, one in rows.groupby("model")
    ]
    expected = [score[0] - score[1], score[0] - score[2], score[1] - score[2]]
    np.testing.assert_allclose(table["difference"], expected, atol=1e-12)
    assert (table["low"] < table["difference"]).all() and (
        table["difference"] < table["high"]
    ).all()
    np.testing.assert_allclose(table["p"], 2 / 201)
    assert (table["sites_higher"] == 1).all()
    assert (table[["n_folds", "n_sites"]] == [FOLDS, SITES]).all(axis=None)


def test_pairing_takes_what_sites_and_folds_share_off_the_interval(rng):
    sites = Sites.of(raw(rng, [0.5, 0.5]), 400, rng)
    row = pairs_table(sites, TEST).iloc[0]
    paired = row["high"] - row["low"]
    alone = np.diff(np.quantile(sites.drawn[0], [0.025, 0.975]))[0]
    assert paired < alone / 3


@pytest.mark.long
def test_intervals_of_equal_networks_hold_zero_as_often_as_they_should(rng):
    covered = 0
    for _ in range(40):
        row = pairs_table(Sites.of(raw(rng, [0.5, 0.5]), 100, rng), TEST).iloc[0]
        covered += row["low"] <= 0 <= row["high"]
    assert covered >= 34  # 38 are expected; drawing folds and sites at once is a little wide


def test_harmonized_minus_baseline_and_their_mean(rng):
    rows = raw(rng, [0.5, 0.4, 0.3, 0.6, 0.5, 0.35])
    sites = Sites.of(rows, 300, rng)
    table = harmonized_table(sites, models("", "", "", "m0 w", "m1 w", "m2 w"), TEST, rng)
    assert table["model"].tolist() == ["m3", "m4", "m5", ""]
    np.testing.assert_allclose(table["difference"], table["r"] - table["r_baseline"], atol=1e-12)
    np.testing.assert_allclose(table["difference"], [0.1, 0.1, 0.05, 0.25 / 3], atol=0.03)
    assert (table["low"] > 0).all() and table["top1_difference"].tolist() == [3, 3, 3, 3]
    assert table["note"].iloc[-1] == "mean over 3 networks"
    assert table["difference"].iloc[-1] == pytest.approx(table["difference"][:3].mean())


def test_networks_trained_with_other_maps_are_no_part_of_the_mean(rng):
    sites = Sites.of(raw(rng, [0.5, 0.6, 0.4, 0.3]), 100, rng)
    conditions = ["none", "human", "of_others", "mean"]
    known = models("", "m0 w", "m0 w", "m0 w").assign(condition=conditions)
    table = harmonized_table(sites, known, TEST, rng)
    assert table["model"].tolist() == ["m1", "m2", "m3", ""]
    assert table["difference"].iloc[-1] == pytest.approx(table["difference"][0])
    assert table["note"].iloc[-1].startswith("mean over 1 network;")
    seeds = known.assign(
        model="net", weights=known["model"], condition="human", seed=[np.nan, 0, 1, 2]
    )
    seeds["baseline"] = ["", *["net m0"] * 3]
    sites.names[:] = seeds["model"] + " " + seeds["weights"]
    note = harmonized_table(sites, seeds, TEST, rng)["note"].iloc[-1]
    assert note.startswith("mean over 1 network, 3 seeds")  # and not over 3 networks
    curve = harmonized_table(sites, seeds.assign(strength=[0, 1, 2, 3]), TEST, rng)
    assert curve["note"].iloc[-1].startswith("mean over 1 network, 3 trainings")
    controls = known[known["condition"] != "human"]
    assert "" not in set(harmonized_table(sites, controls, TEST, rng)["model"])


def test_a_harmonized_network_without_its_baseline_says_so(rng):
    sites = Sites.of(raw(rng, [0.5, 0.4]), 50, rng)
    table = harmonized_table(sites, models("", "gone w"), TEST, rng)
    assert table["note"].tolist() == ["its baseline gone w was not scored here"]
    assert np.isnan(table["difference"][0]) and table["r"][0] > 0
    assert harmonized_table(sites, models("", ""), TEST, rng).empty
    two = harmonized_table(sites, models("", "m0 w"), TEST, rng)
    assert "3 families are needed" in two["note"].iloc[-1] and np.isnan(two["low"].iloc[-1])


def test_one_network_has_no_pairs_and_other_sites_are_refused(rng):
    rows = raw(rng, [0.5])
    assert pairs_table(Sites.of(rows, 20, rng), TEST).empty
    other = raw(rng, [0.5]).assign(model="m9")
    with pytest.raises(UserError, match="a: m9 w was scored on other folds or sites than m0 w"):
        Sites.of(pd.concat([rows, other[other["site"] != "s3"]]), 20, rng)


def test_sites_without_a_score_are_left_out(rng):
    rows = raw(rng, [0.5, 0.4])
    rows.loc[rows["site"] == "s0", "r"] = np.nan
    row = pairs_table(Sites.of(rows, 100, rng), TEST).iloc[0]
    assert np.isfinite(row[["difference", "low", "high"]].astype(float)).all()


def test_the_script_pairs_recordings_apart(rng, tmp_path):
    """A recording that one network lacks has the pairs of the others."""
    rows = raw(rng, [0.5, 0.4, 0.3]).assign(control="none", main_window=True, chosen=True)
    paths = []
    for recording in ("a", "b"):
        for model, one in rows.groupby("model"):
            if recording == "b" and model == "m2":
                continue
            paths.append(tmp_path / f"{recording}_{model}.parquet")
            noise = one.assign(chosen=False, r=9.0)
            store.write_table(paths[-1], pd.concat([one, noise]).assign(recording=recording))
    store.write_table(tmp_path / "models.parquet", models("", "m0 w", ""))
    names = ("pairs.parquet", "twins.parquet", "twins.csv", "counts.parquet")
    out = [tmp_path / name for name in names]
    compare_models.main(
        paths,
        tmp_path / "models.parquet",
        *out,
        splits={"a": "image", "b": "far-0.2"},
        draws=50,
        seed=1,
    )
    pairs, twins = store.read_table(out[0]), store.read_table(out[1])
    assert pairs.groupby("recording").size().to_dict() == {"a": 3, "b": 1}
    of_a = pairs[pairs["recording"] == "a"].iloc[0]
    assert twins["difference"].iloc[0] == pytest.approx(-of_a["difference"])
    assert len(twins) == len(pd.read_csv(out[2])) == 4
    counts = store.read_table(out[3])
    for table in (pairs, twins, counts):
        assert set(zip(table["recording"], table["split"], strict=True)) == {
            ("a", "image"),
            ("b", "far-0.2"),
        }
    assert counts.groupby("recording")["model"].nunique().to_dict() == {"a": 3, "b": 2}
