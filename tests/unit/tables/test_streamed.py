"""Summaries of raw scores that come in blocks are those of all rows at once."""

import numpy as np
import pandas as pd
import pytest

import compare_models
from itcortex import store
from itcortex.encoding.raw_scores import raw_scores
from itcortex.encoding.targets import Target
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import METRICS
from itcortex.tables.streamed import joined, summarise, whole_layers
from itcortex.tables.summary import over_folds, over_kinds, over_sites
from made.tables import DESCRIPTION

FOLDS, SITES, LAYERS = ("f0", "f1", "f2"), tuple(f"s{k:02d}" for k in range(7)), "abcd"
REAL = [Target((50, 90), main=True), Target((0, 40)), Target((90, 130))]
SHUFFLED = [Target((50, 90), "shuffled_images", True, k) for k in (1, 2, 3)]


def job(rng, recording="r", model="net", mappings=("pls",)):
    """Raw scores of one job, mapping by mapping: real windows of all layers, then the control."""
    tables, chosen = [], np.array([1, 1, 2])
    for mapping in mappings:
        labels = {"recording": recording, "model": model, "weights": "w", "protocol": "corrected"}
        labels["mapping"] = mapping
        for targets in (REAL, SHUFFLED):
            shape = (len(targets), len(FOLDS), len(SITES))
            results = [
                LayerScores({n: rng.normal(0.4, 0.2, shape) for n in METRICS}, None) for _ in LAYERS
            ]
            results[0].metrics["r"][0, :, 3] = np.nan
            depths = dict(zip(LAYERS, np.linspace(0, 1, 4), strict=True))
            table = raw_scores(labels, targets, depths, results, chosen, FOLDS, SITES)
            tables.append(table if targets is REAL else table[table["chosen"]])
    return pd.concat(tables, ignore_index=True)


def assert_same(found, expected):
    """The same rows in the same order, whatever the types of their texts."""
    assert len(found) == len(expected)
    for name in expected:
        if expected[name].dtype.kind in "fi":
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        else:
            assert found[name].astype(str).tolist() == expected[name].astype(str).tolist(), name


@pytest.mark.parametrize(
    "rows", [*(pytest.param(n, marks=pytest.mark.long) for n in (1, 5)), 63, 100, 10_000]
)
def test_blocks_of_any_length_give_the_summaries_of_the_whole(rng, rows):
    raw = job(rng, mappings=("pls", "ridge"))
    blocks = [raw.iloc[start : start + rows] for start in range(0, len(raw), rows)]
    found = summarise(iter(blocks), 30, np.random.default_rng(5))
    draws = np.random.default_rng(5)
    assert_same(found.by_fold, over_sites(raw))
    assert_same(found.by_model, over_folds(raw, 30, draws))
    assert_same(found.by_kind, over_kinds(raw, 30, draws))


def test_no_layer_is_cut_and_rows_that_come_back_are_refused(rng):
    raw = job(rng)
    keys = ["layer", "control", "permutation"]
    blocks = [raw.iloc[start : start + 50] for start in range(0, len(raw), 50)]
    parts = list(whole_layers(blocks))
    seen = [set(part[keys].itertuples(index=False, name=None)) for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 4 + 3 * 2  # two layers were chosen
    pd.testing.assert_frame_equal(
        joined(parts).reset_index(drop=True), raw, check_categorical=False
    )
    layer_a = raw[raw["layer"] == "a"]
    with pytest.raises(ValueError, match="do not stand together"):
        list(whole_layers([raw, layer_a]))


def test_blocks_are_read_as_they_were_written(tmp_path, rng):
    raw = job(rng)
    blocks = [raw.iloc[start : start + 40] for start in range(0, len(raw), 40)]
    store.write_blocks(tmp_path / "r.parquet", blocks)
    read = list(store.read_blocks(tmp_path / "r.parquet", rows=100))
    assert [len(one) for one in read][:2] == [120, 120]
    assert_same(pd.concat(read, ignore_index=True), raw)
    with pytest.raises(ValueError, match="no rows to write"):
        store.write_blocks(tmp_path / "n.parquet", [])
    store.write_blocks(tmp_path / "n.parquet", [], none=pd.DataFrame({"a": []}))
    assert [len(one) for one in store.read_blocks(tmp_path / "n.parquet")] == [0]


@pytest.mark.long
def test_pairs_are_compared_one_recording_at_a_time(tmp_path, rng):
    """compare_models on two networks and two recordings."""
    paths, raws = [], {}
    for model in ("net", "other"):
        for recording in ("r", "q"):
            raw = raws[recording, model] = job(rng, recording, model)
            paths.append(tmp_path / f"{recording}_{model}.parquet")
            store.write_blocks(paths[-1], [raw.iloc[k : k + 30] for k in range(0, len(raw), 30)])
    known = pd.DataFrame([{"model": m, "weights": "w"} | DESCRIPTION for m in ("net", "other")])
    store.write_table(tmp_path / "models.parquet", known)
    pairs, harmonized = tmp_path / "pairs.parquet", tmp_path / "harmonized.parquet"
    compare_models.main(
        paths, tmp_path / "models.parquet", pairs, harmonized, tmp_path / "h.csv",
        tmp_path / "counts.parquet", splits={"r": "image", "q": "5"}, draws=20, seed=1,
    )  # fmt: skip
    table = store.read_table(pairs)
    assert table[["recording", "split"]].to_numpy().tolist() == [["r", "image"], ["q", "5"]]
    for row in table.itertuples():
        first, second = (
            over_folds(raws[row.recording, name], 5, rng).query("main_window and control == 'none'")
            for name in ("net", "other")
        )
        assert row.difference == pytest.approx(first["r"].item() - second["r"].item())
    of_job = summarise(store.read_blocks(paths[1]), 10, np.random.default_rng(0))
    assert_same(of_job.by_fold, over_sites(raws["q", "net"]))
