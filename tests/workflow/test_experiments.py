"""Plans of the experiments on real data, and published scores, which run from made tables."""

import hashlib
import json
import os
import re
import time

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from itcortex import store
from made import tables as made_tables
from made.scores import brainscore_json, networks

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]


def overlay(workflow, name, changes=""):
    """Path of an experiment's settings in a workflow's folder, `changes` put after them."""
    path = workflow.folder / "experiments" / f"{name}.yaml"
    path.write_text(path.read_text() + changes)
    return f"experiments/{name}.yaml"


#: As much of conda as a plan asks for.
CONDA = """#!/bin/sh
case "$1" in
    info) echo '{"conda_prefix": "/opt/conda", "platform": "linux-64"}' ;;
    config) echo '{"get": {"channel_priority": "strict"}}' ;;
    *) echo "conda 25.3.0" ;;
esac
"""


@pytest.mark.parametrize("name", ["paper", "brainscore", "macaque"])
def test_an_experiment_is_planned_without_any_data(fresh, name, monkeypatch):
    """With `--sdm conda`: Snakemake finds the environment of every rule, which no conda here builds."""
    conda = fresh.folder / "bin" / "conda"
    conda.parent.mkdir()
    conda.write_text(CONDA)
    conda.chmod(0o755)
    monkeypatch.setenv("PATH", str(conda.parent), prepend=os.pathsep)
    started = time.monotonic()
    output = fresh.run("--dry-run", "--sdm", "conda", "--configfile", overlay(fresh, name)).stdout
    planned = fresh.jobs_in(output)
    environments = set(re.findall(r"Conda environment (\S+) will be created", output))
    assert environments == {"envs/analysis.yaml", "envs/networks.yaml"}
    print(f"{name}: {sum(planned.values())} jobs planned in {time.monotonic() - started:.1f} s")
    rules = {job.split()[0] for job in planned}
    assert {"download_data", "prepare_recordings", "fit_encoding", "render_report"} <= rules
    if name == "paper":
        models = pd.read_csv(fresh.folder / "experiments" / "paper_models.csv")
        assert len(models) == 135
        fits = {job for job in planned if job.startswith("fit_encoding")}
        assert len(fits) == 3 * (135 + 15 + 5)
        assert sum(job.startswith("prepare_clickme") for job in planned) == 17
        assert not any(job.startswith("train_harmonized") for job in planned)


def test_big_recordings_are_planned_from_what_users_bring(fresh):
    """TVSD and Triple-N, a few networks each; without its place the message says what to bring."""
    for name in ("tvsd", "triplen"):
        path = fresh.folder / "experiments" / f"{name}.yaml"
        text = path.read_text().replace("experiments/paper_models.csv", "experiments/models.csv", 1)
        lines = [line for line in text.splitlines() if not line.startswith("  models: [resnet50")]
        path.write_text("\n".join(lines) + "\n  models: [tf_efficientnet_lite0]\n")
    Image.new("RGB", (32, 32)).save(fresh.folder / "one.png")
    (fresh.folder / "units.nc").write_bytes(b"read when it runs")
    refused = fresh.run("--dry-run", "--configfile", "experiments/tvsd.yaml", check=False)
    assert "{things}: nobody may pass on these files" in refused.stdout
    tvsd = fresh.planned(
        "--configfile", "experiments/tvsd.yaml", "--config", 'places={things: "."}'
    )
    jobs = {rule: sum(job.startswith(rule) for job in tvsd) for rule in (
        "download_data", "prepare_recordings", "import_stimuli", "extract_activations", "fit_encoding"
    )}  # fmt: skip
    n_models = len(pd.read_csv(fresh.folder / "experiments" / "models.csv"))
    assert jobs == {"download_data": 4, "prepare_recordings": 6, "import_stimuli": 1,
                    "extract_activations": n_models, "fit_encoding": 6 * n_models}  # fmt: skip
    places = 'places={nsd: ".", triplen: "units.nc"}'
    planned = fresh.planned("--configfile", "experiments/triplen.yaml", "--config", places)
    assert sum(job.startswith("import_recording") for job in planned) == 6
    assert sum(job.startswith("fit_encoding") for job in planned) == 6 * n_models
    assert sum(job.startswith("predict_recording") for job in planned) == 6
    assert not any(job.startswith("download_data") for job in planned)


def test_published_scores_alone_run_from_made_tables(fresh):
    """`make published`, with a made leaderboard that names a network of ours otherwise than timm."""
    rng = np.random.default_rng(3)
    accuracy, score, family = networks(rng, 12, 2, slope=0.1, noise=0.05)
    names = [f"{name}_{k}" for k, name in enumerate(family)]
    names[:2] = ["lite zero", "lite one"]
    top1 = {"benchmark": "fei-fei.Deng2009-top1", "score_raw": accuracy / 100}
    it = {"benchmark": "dicarlo.MajajHong2015.IT-pls", "score_raw": score}
    rows = pd.concat([pd.DataFrame({"model": names} | one) for one in (top1, it)])
    brainscore_json(fresh.folder / "board.json", rows.assign(score_ceiled=0.5, error=0.01))
    entry = {"path": "board.json", "format": "brainscore_web", "label": "Board", "licence": "none"}
    registry = fresh.folder / "experiments" / "datasets.yaml"
    entries = yaml.safe_load(registry.read_text())
    entries["scores"]["brainscore_2021"] = entry | {"citation": "nobody"}
    registry.write_text(yaml.safe_dump(entries))
    settings = fresh.folder / "experiments" / "published.yaml"
    published = yaml.safe_load(settings.read_text())
    published["published"]["tables"] = ["brainscore_2021", "linsley_2023_figure3"]
    published["published"]["same"] = {
        "brainscore_2021": {"lite zero": "tf_efficientnet_lite0.imagenet",
                            "lite one": "tf_efficientnet_lite1.imagenet"}
    }  # fmt: skip
    settings.write_text(yaml.safe_dump(published))
    ours = fresh.folder / "results" / "macaque" / "tables" / "summary.parquet"
    store.write_table(ours, made_tables.summary(simulated=False))
    fresh.configure({"statistics": {"draws": 100}})
    fresh.run("--configfile", "experiments/published.yaml")
    results = fresh.folder / "results" / "published"
    table = pd.read_parquet(results / "tables" / "published_comparison.parquet")
    met = table.groupby(["matched_by", "source"])["n_models"].agg(set).to_dict()
    assert met == {("name", "brainscore_2021"): {2}, ("accuracy", "linsley_2023_figure3"): {3}}
    origins = json.loads((results / "provenance.json").read_text())["published"]
    assert set(origins) == {
        "brainscore_2021", "linsley_2023_figure3", "macaque, this workflow",
    }  # fmt: skip
    made = hashlib.sha256((fresh.folder / "board.json").read_bytes()).hexdigest()
    assert origins["brainscore_2021"]["files"] == {"board.json": made}
    assert "Board, IT: ρ" in (results / "tables" / "findings.md").read_text(encoding="utf-8")
    assert (results / "figures" / "published_pairs.png").stat().st_size > 1000
    assert not fresh.planned("--configfile", "experiments/published.yaml")


def test_with_imagenet_the_paper_trains_its_six_architectures(fresh):
    """Each with strength 0 and 20, with resources by its size; all are scored as any network."""
    for part in ("train", "val"):
        (fresh.folder / "data" / "imagenet" / part).mkdir(parents=True)
    planned = fresh.planned("--configfile", "experiments/paper.yaml")
    trained = {job.split()[1] for job in planned if job.startswith("train_harmonized")}
    assert len(trained) == 6
    jobs = {rule: sum(job.startswith(rule) for job in planned) for rule in (
        "train_harmonized", "plot_training", "fit_encoding", "prepare_clickme"
    )}  # fmt: skip
    assert jobs == {"train_harmonized": 12, "plot_training": 6, "fit_encoding": 3 * (155 + 12),
                    "prepare_clickme": 17 + 318}  # fmt: skip
    fresh.run("results/paper/tables/training_plan.csv", "--configfile", "experiments/paper.yaml")
    plan = pd.read_csv(fresh.folder / "results" / "paper" / "tables" / "training_plan.csv")
    assert set(plan["gpu_model"]) == {"v100", "a100", "l40s", "h100"} and len(plan) == 4 * 12


def test_fine_tuning_starts_from_the_baseline_of_the_same_seed(fresh):
    weights = "results/weights/start_baseline"
    study = ["--configfile", "experiments/harmonizer_study.yaml", "--"]
    wanted = f"{weights}/harmonized/strength-1/seed-1.safetensors"
    printed = fresh.run("--dry-run", *study, wanted).stdout
    inputs = [line for line in printed.splitlines() if line.lstrip().startswith("input:")]
    assert sum(f"{weights}/plain/strength-0/seed-1.safetensors" in line for line in inputs) == 1
