"""`make macaque-harmonized`, reduced: one tiny network, two epochs, one session, on made files."""

import csv
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from itcortex import store
from itcortex.figures import tradeoff
from itcortex.tables.summary import of_mapping
from made import osie
from made.artists import arrows
from made.rdms import write_published

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

SESSION, RDM = "v4_210325", "it92_monkey"
TRAINED = {"human/strength-0": "none", "human/strength-10": "human",
           "others/strength-10": "of_others", "centre/strength-10": "mean"}  # fmt: skip
NAMES = {f"{name}/seed-0": condition for name, condition in TRAINED.items()}
BASELINE, HARMONIZED = "human/strength-0/seed-0", "human/strength-10/seed-0"
CONTRASTS = {("human", "none"), ("of_others", "none"), ("mean", "none"),
             ("human", "of_others"), ("human", "mean")}  # fmt: skip
#: A network small enough for seconds, with batch norm, whose statistics the experiment freezes.
ROW = {"model": "tiny", "architecture": "test_efficientnet", "category": "cnn", "family": "tiny",
       "params_m": "0.1", "input_size": "64", "arguments": '{"num_classes": 10}',
       "preprocessing": '{"input_size": [3, 64, 64], "mean": [0.5, 0.5, 0.5], '
                        '"std": [0.5, 0.5, 0.5], "interpolation": "bilinear"}'}  # fmt: skip
SOURCES = {"imagenet": "untrained:0", "human": "trained:osie_human",
           "others": "trained:osie_others", "centre": "trained:osie_centre"}  # fmt: skip


def write_data(folder, rng):
    """The files that the experiment downloads: 22 photographs, a session of 40 images, an RDM of 8."""
    osie.write_published(folder / "osie", range(1001, 1023), rng)
    v4 = folder / "v4_cowley2023"
    v4.mkdir()
    images = rng.integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    with zipfile.ZipFile(v4 / "images_210325.zip", "w") as archive:
        for number, pixels in enumerate(images, 1):
            with archive.open(f"image{number:04d}.jpg", "w") as file:
                Image.fromarray(pixels).resize((64, 64)).save(file, "JPEG")
    read = images.reshape(40, -1) / 255 @ rng.normal(size=(48, 6))
    trials = rng.poisson(np.exp(0.3 * read.T)[:, :, None], (6, 40, 5)).astype(float)
    np.save(v4 / "responses_raw_210325.npy", trials)
    it = folder / "it92_kriegeskorte2008"
    it.mkdir()
    shown = rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    pairs = {name: rng.random(28) for name in ("mIT_674neurons", "hIT")}
    name = "Kriegeskorte_Neuron2008_supplementalData.mat"
    write_published(it / name, shown, pairs, pairs)


def reduce(workflow):
    """The experiment with that network and these files; all else is as its own files have it."""
    path = workflow.folder / "experiments" / "datasets.yaml"
    registry = yaml.safe_load(path.read_text())
    for name in ("osie", "v4_cowley2023", "it92_kriegeskorte2008"):
        for entry in registry["datasets"][name]["files"].values():
            del entry["sha256"], entry["bytes"]  # what is made here is pinned
            if "members" in entry:
                entry["members"]["numbers"] = [1001, 1022]
    registry["attention"]["osie_held_out"]["held_out"]["photographs"] = 10
    path.write_text(yaml.safe_dump(registry, sort_keys=False))

    with (workflow.folder / "experiments" / "macaque_harmonized.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "mobilenetv1_025_128"]
    assert {row["weights"]: row["source"] for row in rows[1:]} == {
        weights: source for weights, source in SOURCES.items() if weights != "imagenet"
    }
    changed = [row | dict.fromkeys(("builder", "sha256"), "") | ROW for row in rows]
    for row in changed:
        row["source"] = SOURCES[row["weights"]]
        row["baseline"] = row["baseline"].replace("mobilenetv1_025_128", "tiny")
    with (workflow.folder / "experiments" / "macaque_harmonized.csv").open("w") as file:
        writer = csv.DictWriter(file, changed[0])
        writer.writeheader()
        writer.writerows(changed)

    path = workflow.folder / "experiments" / "macaque_harmonized.yaml"
    settings = yaml.safe_load(path.read_text())
    assert SESSION in settings["recordings"] and RDM in settings["rdms"]
    settings |= {"recordings": [SESSION], "rdms": [RDM]}
    for training in settings["training"].values():
        training["seeds"] = [0]
        training["recipe"] |= {"epochs": 2, "batch_size": 4}
        del training["recipes"]
    settings["concepts"] |= {"models": [f"tiny {BASELINE}", f"tiny {HARMONIZED}"],
                             "recordings": [SESSION], "crops": 50, "images": 2,
                             "number": 3, "masks": 8, "examples": 2}  # fmt: skip
    settings["activations"]["layers"] = 2
    settings["attention"]["covering"] = 2
    settings["rsa"]["splits"] = 5
    settings["ceiling"]["name"] = settings["ceiling"]["name"]["default"]
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    shown = {"figures": {"models": ["tiny"]}, "statistics": {"draws": 100}}
    fewer = {"attention": {"splits": 2}, "accuracy": {"images": None}}
    workflow.configure({"encoding": {"mappings": ["pls"]}} | fewer | shown)


def check_trainings(results):
    """Photographs on one side each, what each training was given, and what its notes say."""
    split = pd.read_csv(results / "attention" / "osie_held_out.split.csv")
    split = split.set_index("image")["part"]
    assert split.value_counts().to_dict() == {"train": 12, "held_out": 10}
    held = store.read_photographs(results / "attention" / "osie_held_out.parquet").image_ids
    assert {*held} == {*split.index[split == "held_out"]}
    tables = results / "macaque_harmonized" / "tables"
    models = pd.read_parquet(tables / "models.parquet").set_index("weights")
    assert models["condition"].to_dict() == {"imagenet": ""} | NAMES
    assert {*models.loc[[*NAMES][1:], "baseline"]} == {f"tiny {BASELINE}"}
    assert models.loc[[*NAMES], "top1"].isna().all()
    for name in NAMES:
        about = json.loads((results / "weights" / "tiny" / f"{name}.json").read_text())
        assert about["kept_epoch"] in (1, 2) and about["epochs"] == 2
        assert about["before"]["validation_agreement"] == 1 and about["before"]["n_aligned"] == 10
    attention = pd.read_parquet(tables / "attention.parquet")
    own = attention[(attention["control"] == "none") & (attention["saliency"] == "raw")]
    mouse = own[own["map_kind"] == "mouse"].set_index("weights")["rho"]
    assert {*own["attention"]} == {"osie_held_out"} and {*own["n_images"]} == {10}
    assert mouse[BASELINE] == pytest.approx(mouse["imagenet"], abs=0.01)  # nothing to learn
    assert mouse[HARMONIZED] > mouse[BASELINE] + 0.005  # .019, and one photograph moves it by .002


def check_conditions(run):
    """The five contrasts of every kind of measure, with intervals; and what is said of them."""
    table = pd.read_parquet(run / "tables" / "conditions.parquet")
    over = table[(table["model"] == "") & table["difference"].notna()]
    for target in (SESSION, RDM, "osie_held_out"):  # whatever the measures are called
        rows = over[over["target"] == target]
        met = rows[["condition", "compared_with"]].itertuples(index=False, name=None)
        assert {*met} == CONTRASTS
        assert (rows["low"] <= rows["high"]).all()
        assert rows["difference"].between(rows["low"] - 0.1, rows["high"] + 0.1).all()
    of_sites = over[over["target"] == SESSION]
    assert (of_sites["low"] < of_sites["high"]).all() and (of_sites["difference"] != 0).all()
    said = (run / "tables" / "conditions.md").read_text(encoding="utf-8").splitlines()
    told = [one.removeprefix("- ") for one in said if one.startswith("- Human maps (strength ")]
    (line,) = [one for one in told if f" change predictivity of {SESSION} (r) by " in one]
    for named in ("against strength 0", "maps of other photographs", "the mean map"):
        assert named in line
    assert line.count("[") >= 3
    report = (run / "report.html").read_text(encoding="utf-8")
    assert line in report and 'id="conditions"' in report and 'id="concepts"' in report


def check_arrows(run):
    """One from strength 0 to every condition; the accuracy of all is that of their start."""
    tables = [
        pd.read_parquet(run / "tables" / f"{name}.parquet") for name in ("summary", "tradeoff")
    ]
    summary, tested = (of_mapping(table, "pls") for table in tables)
    rows = summary[summary["main_window"] & (summary["control"] == "none")]
    r = rows.set_index("weights")["r"]
    drawn = [(start[1], end[1]) for start, end in arrows(tradeoff.draw(summary, tested, "r"))]
    assert sorted(drawn) == sorted((r[BASELINE], r[name]) for name in [*NAMES][1:])
    assert r[HARMONIZED] != r[BASELINE]


def test_macaque_harmonized_on_one_network_compares_its_conditions(fresh, tmp_path, monkeypatch):
    """From made files of the published layouts to the report: that it says it, not what it finds."""
    write_data(tmp_path / "mirror", np.random.default_rng(7))
    monkeypatch.setenv("ITCORTEX_MIRROR", str(tmp_path / "mirror"))
    reduce(fresh)
    settings = ["--configfile", "experiments/macaque_harmonized.yaml"]
    fresh.run(*settings)
    results = fresh.folder / "results"
    run = results / "macaque_harmonized"
    check_trainings(results)
    check_conditions(run)
    check_arrows(run)
    for figure in ("conditions", "conditions_gallery", f"concepts_{SESSION}", "tradeoff",
                   "training_tiny"):  # fmt: skip
        assert (run / "figures" / f"{figure}.png").stat().st_size > 10_000
        assert (run / "figures" / f"{figure}.pdf").stat().st_size > 1000
    assert fresh.planned(*settings) == {}
