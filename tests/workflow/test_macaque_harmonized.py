"""`make macaque-harmonized` on one network, where the data are at hand."""

import json
import re

import pandas as pd
import pytest

from itcortex import store

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]


def test_macaque_harmonized_on_one_network_compares_its_conditions(fresh, shared, monkeypatch):
    """Two epochs, one seed, one session of V4: that it runs to the end, not what it finds."""
    monkeypatch.setenv("ITCORTEX_MIRROR", str(shared / "data"))
    table = fresh.folder / "experiments" / "macaque_harmonized.csv"
    kept = ("model,", "mobilenetv1_025_128,")
    lines = [line for line in table.read_text().splitlines() if line.startswith(kept)]
    table.write_text("\n".join(lines) + "\n")
    path = fresh.folder / "experiments" / "macaque_harmonized.yaml"
    text = re.sub(r"recordings: \[v4_.*", "recordings: [v4_210325]", path.read_text())
    for was, now in (
        ("seeds: [0, 1, 2]", "seeds: [0]"), ("epochs: 4", "epochs: 2"), ("layers: 5", "layers: 2"),
        ("covering: 5", "covering: 2"), ("[it92_monkey, it92_human]", "[it92_monkey]"),
        ("splits: 20", "splits: 5"),
    ):  # fmt: skip
        assert was in text
        text = text.replace(was, now)
    path.write_text(re.sub(r"^concepts:\n(?:  .*\n)+", "", text, flags=re.MULTILINE))
    shown = {"figures": {"models": ["mobilenetv1_025_128"]}, "statistics": {"draws": 100}}
    fresh.configure({"encoding": {"mappings": ["pls"]}, "attention": {"splits": 2}, **shown})
    settings = ["--configfile", "experiments/macaque_harmonized.yaml"]
    fresh.run(*settings)
    results = fresh.folder / "results"
    split = pd.read_csv(results / "attention" / "osie_held_out.split.csv").set_index("image")[
        "part"
    ]
    assert split.value_counts().to_dict() == {"train": 90, "held_out": 30}
    held = store.read_photographs(results / "attention" / "osie_held_out.parquet").image_ids
    assert {*held} == {*split.index[split == "held_out"]}
    tables = results / "macaque_harmonized" / "tables"
    models = pd.read_parquet(tables / "models.parquet").set_index("weights")
    trained = {"human/strength-0": "none", "human/strength-10": "human",
               "others/strength-10": "of_others", "centre/strength-10": "mean"}  # fmt: skip
    conditions = {f"{name}/seed-0": condition for name, condition in trained.items()}
    assert models["condition"].to_dict() == {"imagenet": ""} | conditions
    baseline, *others = conditions
    assert {*models.loc[others, "baseline"]} == {f"mobilenetv1_025_128 {baseline}"}
    assert models.loc[[*conditions], "top1"].isna().all()
    attention = pd.read_parquet(tables / "attention.parquet")
    own = attention[(attention["control"] == "none") & (attention["saliency"] == "raw")]
    mouse = own[own["map_kind"] == "mouse"].set_index("weights")["rho"]
    assert {*own["attention"]} == {"osie_held_out"} and {*own["n_images"]} == {30}
    assert mouse[baseline] == pytest.approx(mouse["imagenet"], abs=0.01)  # nothing to learn
    assert mouse["human/strength-10/seed-0"] > mouse[baseline] + 0.02
    for name in conditions:
        about = json.loads((results / "weights/mobilenetv1_025_128" / f"{name}.json").read_text())
        assert about["kept_epoch"] in (1, 2) and not about["collapsed"]
        assert about["before"]["validation_agreement"] == 1 and about["before"]["n_aligned"] == 30
    assert fresh.planned(*settings) == {}
