"""A network that the line trains, and that is not of the digits study, is a network like any other."""

import csv
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from itcortex import store
from itcortex.figures import tradeoff
from itcortex.tables.summary import of_mapping
from made.artists import arrows
from made.demo_jobs import COLLECTORS, PAIRS, RECORDINGS, STIMULI, of, once

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

SCORE = "r_over_ceiling"
PREFIX = "harmonized/strength"
NAMES = [f"made_net {PREFIX}-{strength}/seed-0" for strength in (0, 1)]
BASELINE, HARMONIZED = NAMES
ROW = {
    "model": "made_net", "weights": "harmonized", "architecture": "test_resnet",
    "source": "trained:made", "category": "cnn", "family": "made", "top1": "",
    "params_m": "0.46", "input_size": "32",
    "arguments": '{"num_classes": 10, "norm_layer": "groupnorm1", "act_layer": "silu"}',
    "preprocessing": '{"input_size": [3, 32, 32], "mean": [0.5, 0.5, 0.5], '
                     '"std": [0.25, 0.25, 0.25], "interpolation": "bilinear"}',
}  # fmt: skip
IMAGES = "results/data/digits_simulated"
TRAINING = {  # without `digits`: its images are only images
    "labelled": [f"{IMAGES}/train.parquet"],
    "mapped": [],
    "validation": [f"{IMAGES}/validation.parquet", f"{IMAGES}/intact.parquet"],
    "start": None,
    "strengths": [0, 1],
    "seeds": [0],
    "processes": 2,
    "recipe": {
        "epochs": 1, "batch_size": 16, "optimizer": "adamw", "learning_rate": 0.005,
        "schedule": "cosine", "warmup_epochs": 0.5, "epsilon": "relative", "alignment_images": 20,
    },
}  # fmt: skip
#: Python reads it first in every process: those of `torch.multiprocessing` leave their and their
#: starter's number in the folder of the run.
WITNESS = """
import os, sys
if "spawn_main" in " ".join(sys.orig_argv):
    open(f"ranks/{os.getppid()}.{os.getpid()}", "w").close()
"""


def add_training(workflow) -> None:
    """The row of the model table, in a table of its own, and its training."""
    table = workflow.folder / "experiments" / "made.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerow(ROW)
    tables = [f"experiments/{name}.csv" for name in ("models", "digits", "made")]
    workflow.configure({"models": tables, "training": {"made": TRAINING}})


def test_it_is_trained_by_two_processes_scored_and_joined_to_its_twin_by_an_arrow(
    copy_of, tmp_path
):
    """From a row of the table to the arrow, by the very rules; nothing of other networks is redone."""
    add_training(copy_of)
    shown = [f"{stimuli} {name}" for stimuli in STIMULI for name in NAMES]
    recorded = [f"{recording} {name}" for recording in RECORDINGS for name in NAMES]
    assert copy_of.planned() == once(
        of("train_harmonized", NAMES), of("extract_activations", shown),
        of("fit_encoding", recorded), of("align_maps", recorded),
        of("partition_variance", [f"{one} {NAMES[1]} {NAMES[0]}" for one in RECORDINGS]),
        {"collect_models", "plot_training made_net", "collect_variance", "plot_unique_variance",
         "compare_conditions", "plot_conditions"},
        COLLECTORS, PAIRS,
    )  # fmt: skip
    copy_of.configure({"recordings": RECORDINGS[1:]})  # one is enough
    (tmp_path / "sitecustomize.py").write_text(WITNESS)
    (copy_of.folder / "ranks").mkdir()
    figure = "results/demo/figures/tradeoff.pdf"
    weights = [f"results/weights/{name.replace(' ', '/')}.safetensors" for name in NAMES]
    copy_of.run(*weights, environment={"PYTHONPATH": str(tmp_path)})
    copy_of.run(figure)
    assert copy_of.planned(figure) == {}

    ranks = Counter(path.stem for path in (copy_of.folder / "ranks").iterdir())
    assert list(ranks.values()) == [2, 2]  # of each training
    results = copy_of.folder / "results"
    tables = results / "demo" / "tables"
    models = pd.read_parquet(tables / "models.parquet")
    models.index = models["model"] + " " + models["weights"]
    top1 = models.loc[NAMES, "top1"].to_numpy()
    for strength, (name, measured) in enumerate(zip(NAMES, top1, strict=True)):
        weights = results / "weights" / f"{name.replace(' ', '/')}.safetensors"
        history = store.read_table(weights.with_suffix(".parquet"))
        assert measured == 100 * history["validation_accuracy"].iloc[-1]
        about = json.loads(weights.with_suffix(".json").read_text())
        assert about["digest"] == store.read_weights_attributes(weights)["digest"]
        assert about["training"]["strength"] == strength and about["training"]["seed"] == 0
        assert about["training"]["recipe"].items() >= TRAINING["recipe"].items()
    assert models.loc[NAMES, "category"].tolist() == ["cnn", "harmonized"]
    assert models.loc[NAMES, "baseline"].tolist() == ["", BASELINE]

    summary, tested = (
        of_mapping(pd.read_parquet(tables / f"{name}.parquet"), "pls")
        for name in ("summary", "tradeoff")
    )
    main = summary[summary["main_window"] & (summary["control"] == "none")]
    main = main.set_index(main["model"].astype(str) + " " + main["weights"].astype(str))
    assert set(main.index) > set(NAMES) and not any("digits" in name for name in main.index)
    assert main.loc[NAMES, "top1"].tolist() == top1.tolist()
    assert main.loc[HARMONIZED, "baseline"] == BASELINE
    points = list(zip(top1, main.loc[NAMES, SCORE], strict=True))
    assert points[0][1] != points[1][1]
    (arrow,) = arrows(tradeoff.draw(summary, tested, SCORE))
    assert arrow == tuple(points)
    assert Path(copy_of.folder, figure).stat().st_size > 10_000
