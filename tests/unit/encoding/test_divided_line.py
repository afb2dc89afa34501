"""The scripts behind divisions by a network and unique variance, one after the other on small files."""

import numpy as np
import pandas as pd
import pytest

import collect_variance
import compare_splits
import divide_images
import fit_encoding
import fit_variant
import partition_variance
from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.errors import UserError
from itcortex.mappings.banded import squared_errors
from itcortex.tables import dictionary
from itcortex.tables.summary import DESCRIBED
from made.encoding import ON_CPU

IDS = tuple(f"image {k:02d}" for k in range(60))
SITES = ("a", "b", "c")
CLUSTERS = {"kind": "clusters", "k": 3}
NETWORK = {"model": "one", "weights": "w"}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Files of two networks, and of sites that read the late layer of the first one.

    Its images are in three clusters of 20, and sites differ between clusters as they do within.
    """
    folder, rng = tmp_path_factory.mktemp("line"), np.random.default_rng(0)
    group = np.arange(60) % 3
    late = rng.standard_normal((60, 2, 2, 8)) + 15 * np.eye(3, 8)[group][:, None, None]
    layers = {"one": late, "two": late[..., ::-1] * 2}
    for name, maps in layers.items():
        values = {
            "early": rng.standard_normal((60, 2, 2, 4)).astype("f4"),
            "late": maps.astype("f4"),
        }
        known = {"layers": [{"name": "early", "depth": 0.5}, {"name": "late", "depth": 1.0}]}
        store.write_activations(
            folder / f"{name}.h5", [(0, values)], ("early", "late"), IDS,
            known | {"weights_digest": ""}, "float32",
        )  # fmt: skip
    sites = late.mean((1, 2)) @ rng.standard_normal((8, 3)) + 0.3 * rng.standard_normal((60, 3))
    responses = sites[:, None, None, None].astype("f4")
    store.write_recording(folder / "v4.h5", Recording(responses, IDS, SITES, {}))
    for name in layers:
        labels = {"recording": "v4", "model": name, "weights": "w"}
        files = [
            folder / f"{name}.{kind}" for kind in ("parquet", "predictions.h5", "turned.parquet")
        ]
        fit_encoding.main(
            folder / f"{name}.h5", folder / "v4.h5", *files, labels, ["ridge"], "corrected", 4,
            "exact", *ON_CPU, 5, 2, None, [], 20, 3, split="5",
        )  # fmt: skip
    return folder, group


def test_clusters_are_a_file_and_scores_on_them_stand_beside_the_usual_ones(line, tmp_path):
    folder, group = line
    parts = tmp_path / "parts.parquet"
    divide_images.main(
        folder / "one.h5", folder / "v4.h5", parts, CLUSTERS, "v4", "clusters-3", NETWORK, 0
    )
    table = store.read_table(parts)
    assert set(table["layer"]) == {"late"} and set(table["model"]) == {"one"}
    assert len({*zip(group, table["part"], strict=True)}) == 3
    labels = {"recording": "v4", "model": "one", "weights": "w"}
    fit_variant.main(
        folder / "one.h5", folder / "v4.h5", tmp_path / "variant.parquet", labels, ["ridge"],
        "corrected", 4, "exact", *ON_CPU, CLUSTERS, 2, None, 3, divided=[parts],
        split="clusters-3",
    )  # fmt: skip
    for name, split in (
        (folder / "one.parquet", "5"),
        (tmp_path / "variant.parquet", "clusters-3"),
    ):
        assert set(store.read_table(name)["split"]) == {split}  # raw rows say it too
    models = pd.DataFrame([labels | dict.fromkeys(DESCRIBED, "") | {"top1": 70.0}])
    models = models.assign(strength=np.nan, seed=np.nan).drop(columns="recording")
    store.write_table(tmp_path / "models.parquet", models)
    known = {"v4": {"monkey": "PE", "area": "V4", "simulated": False}}
    out = [tmp_path / "found.parquet", tmp_path / "found.csv"]
    compare_splits.main(
        [folder / "one.parquet"], [tmp_path / "variant.parquet"], tmp_path / "models.parquet", *out,
        "ridge", {"v4": "5"}, ["clusters-3"], known, 100, 1,
    )  # fmt: skip
    found = store.read_table(out[0])
    assert dictionary.differences("generalisation", found) == []
    assert found["split"].tolist() == ["5", "clusters-3"]
    assert found["n_folds"].tolist() == [5, 3]
    assert found["r"][0] > 0.9
    assert found["drop"][1] == pytest.approx(found["r"][0] - found["r"][1])
    assert found["drop_low"][1] <= found["drop"][1] <= found["drop_high"][1]


def test_clusters_that_cannot_be_held_out_are_refused_before_any_fit(line, tmp_path):
    folder, _ = line
    with pytest.raises(
        UserError, match=r"clusters: k: 40: 'cluster-\d+': \d images? \(.* a smaller k"
    ):
        divide_images.main(
            folder / "one.h5", folder / "v4.h5", tmp_path / "p.parquet", CLUSTERS | {"k": 40}, "v4",
            "clusters-40", NETWORK, 0,
        )  # fmt: skip
    assert not (tmp_path / "p.parquet").exists()


def test_networks_with_the_same_features_in_another_order_share_all_that_they_explain(
    line, tmp_path
):
    folder, _ = line
    labels = {"recording": "v4", "model": "one", "weights": "w", "other_model": "two",
              "other_weights": "w"}  # fmt: skip
    partition_variance.main(
        folder / "one.h5", folder / "two.h5", folder / "v4.h5", folder / "one.predictions.h5",
        folder / "two.predictions.h5", [], tmp_path / "pair.parquet", labels, "ridge", "corrected",
        *ON_CPU, 5, 2, None, 100, 3,
    )  # fmt: skip
    out = [tmp_path / name for name in ("means.parquet", "means.csv", "sites.parquet")]
    collect_variance.main([tmp_path / "pair.parquet"], *out, {"v4": "5"})
    means, sites = store.read_table(out[0]), store.read_table(out[2])
    assert dictionary.differences("unique_variance", means) == []
    assert dictionary.differences("unique_variance_sites", sites) == []
    assert means["shared"][0] == pytest.approx(means["r2"][0], abs=1e-6) and means["r2"][0] > 0.9
    assert means[["unique", "unique_other"]].abs().to_numpy().max() < 1e-6
    assert (means["layer"][0], means["other_layer"][0]) == ("late", "late")
    assert sites["site"].tolist() == list(SITES)
    assert means["shared"][0] == pytest.approx(sites["shared"].mean())


@pytest.mark.network  # loads torch
def test_penalties_precision_and_device_reach_the_joint_fits(line, tmp_path, monkeypatch):
    folder, _ = line
    labels = {"recording": "v4", "model": "one", "weights": "w", "other_model": "two",
              "other_weights": "w"}  # fmt: skip
    asked = []

    def no_memory(*arguments, dtype, device):
        asked.append((arguments[5], dtype, device))
        if device != "cpu":
            raise RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")
        return squared_errors(*arguments, dtype=dtype, device=device)

    monkeypatch.setattr(partition_variance, "squared_errors", no_memory)
    ridge = {"inner": "auto", "penalties": {"lowest": 1e-2, "highest": 1e2, "number": 3},
             "precision": "float32"}  # fmt: skip
    partition_variance.main(
        folder / "one.h5", folder / "two.h5", folder / "v4.h5", folder / "one.predictions.h5",
        folder / "two.predictions.h5", [], tmp_path / "pair.parquet", labels, "ridge", "corrected",
        ridge, "cuda", True, 5, 2, None, 100, 3,
    )  # fmt: skip
    assert asked == [((0.01, 1.0, 100.0), "float32", device) for device in ("cuda", "cpu")]
    assert store.read_table(tmp_path / "pair.parquet")["r2"][0] > 0.9
