"""What a run has left is found by name, and what is not there is said."""

import numpy as np
import pandas as pd
import pytest
from pyarrow.dataset import field

import itcortex
from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.tables.statistics import tradeoff_table


def test_recordings_and_tables_come_by_name(tmp_path):
    recording = Recording(np.ones((3, 1, 1, 1, 2), np.float32), ("a", "b", "c"), ("x", "y"), {})
    store.write_recording(tmp_path / "recordings" / "v4.h5", recording)
    found = itcortex.load_recording("v4", results=tmp_path)
    assert found.image_ids == ("a", "b", "c")
    assert itcortex.load_recording(tmp_path / "recordings" / "v4.h5").site_ids == ("x", "y")
    with pytest.raises(itcortex.UserError, match=r"v5\.h5: no such recording; did you mean 'v4'"):
        itcortex.load_recording("v5", results=tmp_path)
    table = pd.DataFrame({"model": ["net"], "r": [0.5]})
    store.write_table(tmp_path / "demo" / "tables" / "summary.parquet", table)
    pd.testing.assert_frame_equal(itcortex.load_scores("demo", results=tmp_path), table)
    with pytest.raises(itcortex.UserError, match="did you mean 'summary'"):
        itcortex.load_scores("demo", "summery", results=tmp_path)


def test_raw_scores_are_one_dataset_on_disk(tmp_path):
    """Files whose sites are categories of their own, one with a column that the other lacks."""
    sites = {"r/net": 300, "r/other": 2}
    for place, n_sites in sites.items():
        rows = pd.DataFrame({"site": [f"s{k}" for k in range(n_sites)], "r": 1.0 / n_sites})
        rows = rows.assign(model=place.partition("/")[2], chosen=[True, False] * (n_sites // 2))
        rows = rows.astype({"site": "category", "model": "category"})
        rows = rows.assign(extra=2.0) if n_sites == 2 else rows
        path = tmp_path / "demo" / "encoding" / place / "w.parquet"
        store.write_table(path, rows)
        path.with_suffix(".predictions.h5").write_bytes(b"no table")
    scores = itcortex.open_scores("demo", results=tmp_path)
    assert scores.count_rows() == 302
    chosen = scores.to_table(columns=["site", "r"], filter=(field("model") == "other")).to_pandas()
    assert chosen.to_dict("list") == {"site": ["s0", "s1"], "r": [0.5, 0.5]}
    extra = scores.to_table(columns=["extra"], filter=field("chosen")).to_pandas()["extra"]
    assert (extra.notna().sum(), len(extra)) == (1, 151)
    with pytest.raises(itcortex.UserError, match="none/encoding: no scores of networks"):
        itcortex.open_scores("none", results=tmp_path)


@pytest.mark.long
def test_the_tradeoff_is_the_workflows(rng):
    summary = pd.DataFrame(
        {
            "recording": "it", "mapping": "pls", "protocol": "corrected", "control": "none",
            "main_window": True, "category": ["cnn"] * 8 + ["vit"] * 8,
            "family": list("aabbccddeeffgghh"), "top1": rng.uniform(60, 85, 16),
            "r": rng.uniform(0.2, 0.6, 16),
        }
    )  # fmt: skip
    expected = tradeoff_table(summary, "r", 60, np.random.default_rng(5))
    pd.testing.assert_frame_equal(itcortex.tradeoff(summary, draws=60, seed=5), expected)
    of_arrays = itcortex.tradeoff(
        summary["r"], summary["top1"], families=summary["family"], draws=60, seed=5
    )
    assert set(of_arrays["group"]) == {"all"}
    values = expected[expected["group"] == "all"]["value"].to_numpy()
    np.testing.assert_array_equal(of_arrays["value"], values)


def test_what_a_tradeoff_needs_is_said():
    with pytest.raises(itcortex.UserError, match="no column r"):
        itcortex.tradeoff(pd.DataFrame({"top1": [1.0]}))
    with pytest.raises(itcortex.UserError, match="accuracy: give"):
        itcortex.tradeoff([0.1, 0.2])
    with pytest.raises(itcortex.UserError, match="one value for each network"):
        itcortex.tradeoff([0.1, 0.2], [70.0])
    with pytest.raises(itcortex.UserError, match="give no `accuracy`"):
        itcortex.tradeoff(pd.DataFrame({"top1": [1.0], "r": [1.0]}), [70.0])


def test_series_of_a_tradeoff_go_by_the_names_of_networks(rng):
    names = [f"n{k}" for k in range(10)]
    scores = pd.Series(rng.random(10), index=names)
    accuracy = pd.Series(60 + 20 * scores, index=names)
    families = pd.Series(names, index=names)

    def value(*series):
        table = itcortex.tradeoff(series[0], series[1], families=series[2], draws=100)
        return table.set_index("statistic").loc["spearman", "value"]

    turned = [
        one.sample(frac=1, random_state=k) for k, one in enumerate((scores, accuracy, families))
    ]
    assert value(scores, accuracy, families) == value(*turned) == pytest.approx(1)
    with pytest.raises(itcortex.UserError, match="other indices"):
        itcortex.tradeoff(scores, accuracy.rename({"n0": "m0"}))
    with pytest.raises(itcortex.UserError, match=r"the highest is 0\.8; give percentages, 80"):
        itcortex.tradeoff([0.1, 0.2], [0.7, 0.8])
    with pytest.raises(itcortex.UserError, match=r"families: network 1 \(from 0\) has none"):
        itcortex.tradeoff([0.1, 0.2], [70.0, 80.0], families=["a", None])
