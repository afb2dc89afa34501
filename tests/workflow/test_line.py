"""The reduced demo from nothing to the report: what it finds, what is behind it, what may disturb it."""

import hashlib
import json
import os
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from itcortex.tables import dictionary
from made.demo_jobs import KEYS, NETWORKS, RECORDINGS, STUDIED
from made.patience import FACTOR

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

OWN_MODEL = """
from torch import nn


def build(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 4), nn.ReLU(), nn.Conv2d(width, width, 3, 2), nn.ReLU(),
        nn.Conv2d(width, width, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )
"""
PREPROCESSING = (
    '"{""input_size"": [3, 64, 64], ""mean"": [0.5, 0.5, 0.5], ""std"": [0.5, 0.5, 0.5], '
    '""interpolation"": ""bilinear""}"'
)


def test_everything_is_there(finished):
    results = finished.folder / "results" / "demo"
    for name in ("tradeoff", "layers", "recordings", "maps", "alignment", "timecourse"):
        assert (results / "figures" / f"{name}.pdf").read_bytes()[:5] == b"%PDF-"
        assert (results / "figures" / f"{name}.png").read_bytes()[1:4] == b"PNG"
    assert "simulated" in (results / "report.html").read_text().lower()
    summary = pd.read_parquet(results / "tables" / "summary.parquet")
    main = summary[summary["main_window"] & (summary["control"] == "none")]
    assert main.groupby("mapping", observed=True).size().to_dict() == dict.fromkeys(
        ["pls", "ridge", "rsa", "cka", "reverse"], 4
    )
    assert main["r"].between(-1, 1).all()
    assert (main["r_low"] <= main["r"]).all()
    assert main["r_over_ceiling"].notna().equals(main["mapping"].isin(["pls", "ridge"]))
    turned = pd.read_parquet(results / "tables" / "orientation.parquet")
    trained = turned[turned["model"] == "tf_efficientnet_lite0"]
    best = trained.loc[trained.groupby("recording")["r"].idxmax(), "orientation"]
    assert set(best) == {"as configured"}
    assert not list((finished.folder / "results").rglob("*.partial*"))


def test_tables_have_the_columns_of_the_data_dictionary_and_no_others(finished):
    results = finished.folder / "results" / "demo"
    tables = {path.stem: pd.read_parquet(path) for path in results.glob("tables/*.parquet")}
    tables["check"] = pd.read_csv(results / "checks" / "sim_m1_pl.csv")
    assert len(tables) > 20
    for name, table in tables.items():
        told = dictionary.differences(name, table)
        if table.empty:  # what names its rows may be all that there is
            told = [one for one in told if "the dictionary lacks" in one]
        assert told == []


def test_trained_teacher_beats_untrained_and_shuffled(finished):
    summary = pd.read_parquet(finished.folder / "results/demo/tables/summary.parquet")
    summary = summary[summary["main_window"] & (summary["mapping"] == "pls")]
    summary = summary.set_index(["recording", "model", "control"])["r"]
    for recording in RECORDINGS:
        teacher = summary[recording, "tf_efficientnet_lite0", "none"]
        assert teacher > summary[recording, "mobilenetv3_large_100", "none"] + 0.1
        assert teacher > summary[recording, "tf_efficientnet_lite0", "shuffled_images"] + 0.3


def test_logs_begin_with_versions_device_threads_and_seed(finished):
    job = "fit_encoding/sim_m1_pl/mobilenetv3_large_100/untrained"
    text = (finished.folder / "results/demo/logs" / f"{job}.log").read_text()
    for word in ("rule fit_encoding", "numpy 2", "device cpu", "threads 1", "seed 20231"):
        assert word in text
    assert "done in" in text
    benchmark = finished.folder / "results/demo/benchmarks" / f"{job}.tsv"
    assert "max_rss" in benchmark.read_text()


def test_every_row_is_traced_to_its_data_weights_code_and_packages(finished):
    found = json.loads((finished.folder / "results/demo/provenance.json").read_text())
    arrays = ["arcaro2020_simulated/Arcaro2020_simulated.zip"]
    digits = ["digits_simulated/images.zip", "digits_simulated/responses.npy"]
    tested = ["digits_simulated/broken.parquet", "digits_simulated/intact.parquet"]
    digests = {
        name: hashlib.sha256((finished.folder / "results/data" / name).read_bytes()).hexdigest()
        for name in arrays + digits + tested
    }
    for job in found["jobs"]:
        if "recording" in job:
            of_digits = digits if "model" in job else digits[1:]  # ceilings need no images
            behind = arrays if job["recording"] in RECORDINGS else of_digits
            assert job["data"] == {name: digests[name] for name in behind}
        elif Path(job["file"]).parts[2] == "shortcut":
            assert job["data"] == {name: digests[name] for name in tested}
        assert job["code"] == {rule: found["code"][rule] for rule in job["code"]}
        assert {"numpy", "torch", "timm"} <= set.intersection(
            *(set(found["environments"][name]) for name in job["environments"].values())
        )
    of_models = [job for job in found["jobs"] if "model" in job]
    for job in of_models:
        weights = f"results/weights/{job['model']}/{job['weights']}.safetensors"
        header = (finished.folder / weights).read_bytes()[:100_000].decode("latin-1")
        assert job["weights_digest"] in header
        trained = f"{job['model']} {job['weights']}" in STUDIED
        way = {"train_harmonized" if trained else "fetch_weights"}
        way |= {"extract_activations", "fit_encoding"} if "recording" in job else {"score_shortcut"}
        assert way <= set(job["code"])
    folders = Counter(Path(job["file"]).parts[2] for job in found["jobs"])
    count = {"encoding": len(KEYS) + len(STUDIED), "shortcut": len(STUDIED)}
    count |= {"orientation": len(KEYS), "alignment": len(KEYS), "ceilings": len(RECORDINGS) + 1}
    count |= {"recording_pairs": len(RECORDINGS)}
    assert folders == count
    table = finished.folder / "results/demo/tables/summary.parquet"
    assert found["tables"]["summary.parquet"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert found["settings"]["encoding"]["components"] == 8


def test_of_two_further_rows_a_users_own_model_is_scored_and_one_without_weights_is_left_out(
    copy_of,
):
    """Without a network the hub gives nothing: one run says so, the next one leaves the model out."""
    (copy_of.folder / "mine.py").write_text(OWN_MODEL)
    mine = ["mine", "s1", "my_net", "untrained:1", "untrained", "mine", "0.1", "chance", ""]
    mine += ["", "", "mine.py:build", '"{""width"": 8}"', PREPROCESSING]
    gone = [
        "gone",
        "hub",
        "resnet18",
        "hub:nobody/nothing/model.safetensors",
        "cnn",
        "resnet",
        "70",
    ]
    path = copy_of.folder / "experiments" / "models.csv"
    header, *rows = path.read_text().splitlines()
    header += ",builder,arguments,preprocessing"
    rows = [f"{line},,," for line in rows]
    rows += [",".join(mine), ",".join([*gone, "none", *[""] * 6])]
    path.write_text("\n".join([header, *rows]) + "\n")
    offline = {"HF_HUB_OFFLINE": "1"}
    first = copy_of.run("results/weights/gone/hub.safetensors", check=False, environment=offline)
    assert first.returncode != 0
    assert "nobody/nothing/model.safetensors: the Hugging Face hub did not give it" in first.stdout
    second = copy_of.run()
    assert "left out: gone hub: " in second.stdout
    results = copy_of.folder / "results" / "demo"
    models = pd.read_parquet(results / "tables" / "models.parquet").set_index("model")
    assert models.loc["gone", "missing"]
    assert (models["missing"] == "").sum() == len(NETWORKS) + len(STUDIED) + 1
    summary = pd.read_parquet(results / "tables" / "summary.parquet")
    assert set(summary["model"]) == {"tf_efficientnet_lite0", "mobilenetv3_large_100", "mine"}
    assert "Models without scores" in (results / "report.html").read_text()
    assert copy_of.planned() == {}
    staged = copy_of.planned("stage_data")  # which tries again
    assert staged["fetch_weights gone hub"] == 1
    (copy_of.folder / "mine.py").write_text(OWN_MODEL.replace("ReLU", "GELU"))
    planned = set(copy_of.planned())  # its file is watched
    assert "fetch_weights mine s1" in planned
    assert not any("tf_efficientnet_lite0" in job for job in planned)


def test_the_authors_protocol_is_another_experiment_on_the_same_activations(copy_of):
    copy_of.configure({
        "experiment": "authors",
        "recordings": ["sim_m2_ml"],  # their code takes square grids only
        "encoding": {"protocol": "reference", "mappings": ["pls"], "folds": "image"},
        "ceiling": {"name": "best_pair_reference"},
        "multiverse": {"variants": {
            "ours": {"protocol": "corrected", "mappings": ["pls", "ridge", "cka"], "folds": 5},
            "thirds": {"folds": 3},
        }},
    })  # fmt: skip
    assert not {job.split()[0] for job in copy_of.planned()} & {
        "fetch_weights", "extract_activations", "prepare_recordings", "simulate_recordings"
    }  # fmt: skip
    tables = copy_of.folder / "results" / "authors" / "tables"
    copy_of.run(
        *(f"results/authors/tables/{name}.parquet" for name in ("summary", "multiverse")),
        "results/authors/figures/multiverse.png",  # of two networks only where it is asked for
    )
    summary = pd.read_parquet(tables / "summary.parquet")
    assert set(summary["protocol"]) == {"reference"}
    main = summary[summary["main_window"] & (summary["control"] == "none")]
    assert (main["optimism"] == 0).all()  # the layer is picked on the test images
    assert set(main["ceiling_name"]) == {"best_pair_reference"}
    # further fits of the multiverse: with our protocol they are those of the experiment that has it
    assert pd.read_parquet(tables / "multiverse.parquet").empty  # two networks are no trend
    assert (copy_of.folder / "results/authors/figures/multiverse.png").stat().st_size > 1000
    assert not (copy_of.folder / "results/demo/figures/multiverse.png").exists()
    place = "sim_m2_ml/tf_efficientnet_lite0/imagenet.parquet"
    results = copy_of.folder / "results"
    ours, demo = (
        _main_scores(results / folder / place)
        for folder in ("authors/variants/ours", "demo/encoding")
    )
    assert set(ours.index.get_level_values("mapping")) == {"pls", "ridge", "cka"}
    pd.testing.assert_frame_equal(ours, demo.loc[ours.index])
    thirds = _main_scores(results / "authors/variants/thirds" / place)
    assert thirds.index.get_level_values("fold").nunique() == 3


def _main_scores(path: Path) -> pd.DataFrame:
    """Scores in the main window, and the choice of layers, by mapping, layer, fold and site."""
    raw = pd.read_parquet(path)
    keys = ["mapping", "layer", "fold", "site"]
    main = raw[raw["main_window"] & (raw["control"] == "none")].astype(dict.fromkeys(keys, str))
    return main.set_index(keys)[["r", "rho", "explained_variance", "chosen"]]


def test_kill_9_in_the_middle_leaves_nothing_half_written(copy_of):
    """Snakemake and its jobs are killed while models are being fitted; a second run finishes."""
    folder = copy_of.folder / "results" / "demo"
    before = pd.read_parquet(folder / "tables" / "summary.parquet")
    for name in ("encoding/sim_m2_ml", "tables"):
        shutil.rmtree(folder / name)
    log = folder / "logs" / "fit_encoding"
    for path in log.rglob("*.log"):
        path.unlink()
    process = copy_of.start()
    deadline = time.monotonic() + FACTOR * 120
    while time.monotonic() < deadline and not list(log.rglob("*.log")):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(log.rglob("*.log"))  # killed while it was fitting
    assert len(list((folder / "encoding" / "sim_m2_ml").rglob("*[!s].parquet"))) < 2
    for path in (folder / "encoding").rglob("*.parquet"):
        pd.read_parquet(path)  # whatever has its final name is whole
    copy_of.run("--unlock")
    copy_of.run("results/demo/tables/summary.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "tables" / "summary.parquet"), before)
