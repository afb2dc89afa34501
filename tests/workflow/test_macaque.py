"""`make macaque` on two networks, where the data are at hand: real V4, real RDMs, real attention."""

import re

import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]


def test_macaque_on_two_models_gives_the_published_looks(fresh, shared, monkeypatch):
    """Real V4, real IT dissimilarities, real attention, through the very rules of `make macaque`."""
    monkeypatch.setenv("ITCORTEX_MIRROR", str(shared / "data"))
    table = fresh.folder / "experiments" / "macaque_models.csv"
    kept = ("model,", "mobilenetv1_025_128,", "mobilenetv3_large_100,")
    lines = [line for line in table.read_text().splitlines() if line.startswith(kept)]
    table.write_text("\n".join(lines) + "\n")
    path = fresh.folder / "experiments" / "macaque.yaml"
    text = re.sub(r"recordings: \[v4_.*", "recordings: [v4_210325]", path.read_text())
    text = text.replace("tf_efficientnet_lite0, mobilenetv1", "mobilenetv1")
    path.write_text(text.replace("float16 ", "float16\n  layers: 3 "))
    fewer = {"attention": {"splits": 2}, "rsa": {"splits": 10}}  # halves, of which no test asks
    fresh.configure({"encoding": {"mappings": ["pls"], "components": 25}, **fewer})
    fresh.run("--configfile", "experiments/macaque.yaml")
    tables = fresh.folder / "results" / "macaque" / "tables"
    summary = pd.read_parquet(tables / "summary.parquet")
    r = summary[summary["mapping"] == "pls"].set_index(["model", "control"])["r"]
    assert r["mobilenetv1_025_128", "none"] > r["mobilenetv3_large_100", "none"] + 0.1
    assert r["mobilenetv1_025_128", "none"] > 0.45
    assert abs(r["mobilenetv1_025_128", "shuffled_images"]) < 0.1
    ceilings = pd.read_parquet(tables / "ceilings.parquet").groupby("ceiling_name")["value"].mean()
    assert ceilings["split_half"] == pytest.approx(0.763, abs=0.01)
    rsa = pd.read_parquet(tables / "rsa.parquet")
    last = rsa[rsa["final"] & (rsa["pattern"] == "pooled") & (rsa["rdm"] == "it92_monkey")]
    last = last.set_index("model")["rho"]
    assert last["mobilenetv1_025_128"] == pytest.approx(0.417, abs=0.02)
    assert last["mobilenetv3_large_100"] < 0.25
    attention = pd.read_parquet(tables / "attention.parquet")
    eye = attention[(attention["map_kind"] == "eye") & (attention["control"] == "centre_bias")]
    assert eye["rho"].iloc[0] == pytest.approx(0.55, abs=0.03)
    assert attention["rho_over_ceiling"].notna().all()
    for figure in ("rsa", "attention", "tradeoff"):
        assert (fresh.folder / f"results/macaque/figures/{figure}.png").stat().st_size > 10_000
    assert fresh.planned("--configfile", "experiments/macaque.yaml") == {}
