"""The reduced demo from nothing to the report, and what re-runs after a change."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

COLLECTORS = {"collect_scores", "test_tradeoff", "plot_tradeoff", "plot_layers",
              "plot_timecourse", "render_report", "record_provenance"}  # fmt: skip
LAST = {"render_report", "record_provenance"}
RECORDINGS = ["sim_m1_pl", "sim_m2_ml"]
KEYS = [f"{r} {m}" for r in RECORDINGS
        for m in ("tf_efficientnet_lite0 imagenet", "mobilenetv3_large_100 untrained")]  # fmt: skip

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
    for name in ("tradeoff", "layers", "maps", "timecourse"):
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


def test_second_run_does_nothing(finished):
    assert "Nothing to be done" in finished.run().stdout


def test_touched_files_and_docstrings_change_nothing(copy_of):
    module = copy_of.folder / "scripts" / "itcortex" / "pls.py"
    module.write_text(module.read_text().replace('"""Partial', '"""A changed line.\n\nPartial'))
    for path in (copy_of.folder / "scripts").rglob("*.py"):
        path.touch()
    assert copy_of.planned() == {}


@pytest.mark.parametrize(
    ("module", "old", "new", "jobs"),
    [
        ("maps.py", "SCALES = (1, 2, 4)", "SCALES = (1, 2)",
         {f"align_maps {key}" for key in KEYS} | COLLECTORS),
        ("figures/timecourse.py", "RESPONSE_HEIGHT = 0.3", "RESPONSE_HEIGHT = 0.2",
         {"plot_timecourse"} | LAST),
        ("pls.py", "_CHUNK_BYTES = 192", "_CHUNK_BYTES = 191",
         {f"fit_encoding {key}" for key in KEYS} | {f"align_maps {key}" for key in KEYS}
         | {"plot_maps"} | COLLECTORS),
    ],
)  # fmt: skip
def test_changed_module_reruns_exactly_the_rules_that_import_it(copy_of, module, old, new, jobs):
    path = copy_of.folder / "scripts" / "itcortex" / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    planned = copy_of.planned()
    extra = {job for job in planned if job.startswith(("estimate_ceiling", "collect_scores"))}
    assert set(planned) - extra == jobs - extra
    path.write_text(text)
    assert copy_of.planned() == {}


def test_a_new_function_of_a_module_that_all_import_runs_nothing(copy_of):
    with (copy_of.folder / "scripts" / "itcortex" / "store.py").open("a") as module:
        module.write("\n\ndef not_used_by_any_rule():\n    return 1\n")
    assert copy_of.planned() == {}


def test_every_row_is_traced_to_its_data_weights_code_and_packages(finished):
    found = json.loads((finished.folder / "results/demo/provenance.json").read_text())
    archive = finished.folder / "results/data/arcaro2020_simulated/Arcaro2020_simulated.zip"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    for job in found["jobs"]:
        assert job["data"] == {"arcaro2020_simulated/Arcaro2020_simulated.zip": digest}
        assert job["code"] == {rule: found["code"][rule] for rule in job["code"]}
        assert {"numpy", "torch", "timm"} <= set.intersection(
            *(set(found["environments"][name]) for name in job["environments"].values())
        )
    of_models = [job for job in found["jobs"] if "model" in job]
    for job in of_models:
        weights = f"results/weights/{job['model']}/{job['weights']}.safetensors"
        header = (finished.folder / weights).read_bytes()[:100_000].decode("latin-1")
        assert job["weights_digest"] in header
        assert {"fetch_weights", "extract_activations", "fit_encoding"} < set(job["code"])
    folders = Counter(Path(job["file"]).parts[2] for job in found["jobs"])
    count = {"encoding": len(KEYS), "orientation": len(KEYS), "alignment": len(KEYS)}
    assert folders == count | {"ceilings": len(RECORDINGS)}
    table = finished.folder / "results/demo/tables/summary.parquet"
    assert found["tables"]["summary.parquet"] == hashlib.sha256(table.read_bytes()).hexdigest()
    assert found["settings"]["encoding"]["components"] == 8


def test_a_model_whose_weights_cannot_be_had_is_named_and_the_rest_goes_on(copy_of):
    """Without a network the hub gives nothing: one run says so, the next one leaves the model out."""
    with (copy_of.folder / "experiments" / "models.csv").open("a") as table:
        table.write("gone,hub,resnet18,hub:nobody/nothing/model.safetensors,cnn,resnet,70,none\n")
    offline = {"HF_HUB_OFFLINE": "1"}
    first = copy_of.run(check=False, environment=offline)
    assert first.returncode != 0
    assert "nobody/nothing/model.safetensors: the Hugging Face hub did not give it" in first.stdout
    second = copy_of.run(environment=offline)
    assert "left out: gone hub: " in second.stdout
    results = copy_of.folder / "results" / "demo"
    models = pd.read_parquet(results / "tables" / "models.parquet").set_index("model")
    assert models.loc["gone", "missing"]
    assert (models["missing"] == "").sum() == 2
    assert "gone" not in set(pd.read_parquet(results / "tables" / "summary.parquet")["model"])
    assert "Models without scores" in (results / "report.html").read_text()
    staged = copy_of.planned("stage_data")  # which tries again
    assert staged["fetch_weights gone hub"] == 1


def test_a_users_own_model_is_one_row_and_its_file_is_watched(copy_of):
    (copy_of.folder / "mine.py").write_text(OWN_MODEL)
    row = ["mine", "s1", "my_net", "untrained:1", "untrained", "mine", "0.1", "chance", ""]
    row += ["", "", "mine.py:build", '"{""width"": 8}"', PREPROCESSING]
    path = copy_of.folder / "experiments" / "models.csv"
    header, *rows = path.read_text().splitlines()
    header += ",builder,arguments,preprocessing"
    rows = [f"{line},,," for line in rows]
    path.write_text("\n".join([header, *rows, ",".join(row)]) + "\n")
    copy_of.run()
    summary = pd.read_parquet(copy_of.folder / "results/demo/tables/summary.parquet")
    assert "mine" in set(summary["model"])
    assert copy_of.planned() == {}
    (copy_of.folder / "mine.py").write_text(OWN_MODEL.replace("ReLU", "GELU"))
    planned = set(copy_of.planned())
    assert "fetch_weights mine s1" in planned
    assert not any("tf_efficientnet_lite0" in job for job in planned)


def test_added_model_runs_its_own_jobs_and_the_collectors(copy_of):
    with (copy_of.folder / "experiments" / "models.csv").open("a") as table:
        table.write("net,s1,mobilenetv3_small_050,untrained:1,untrained,mobilenet,0.1,chance,\n")
    new = {"fetch_weights net s1"}
    new |= {f"extract_activations {s} net s1" for s in ("sim_m1_scenes", "sim_m2_scenes")}
    new |= {f"{rule} {r} net s1" for rule in ("fit_encoding", "align_maps") for r in RECORDINGS}
    assert set(copy_of.planned()) == new | COLLECTORS
    copy_of.run()
    summary = pd.read_parquet(copy_of.folder / "results/demo/tables/summary.parquet")
    assert set(summary["model"]) == {"tf_efficientnet_lite0", "mobilenetv3_large_100", "net"}
    assert copy_of.planned() == {}


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        ({"figures": {"images": 1}}, {"plot_maps"} | LAST),
        ({"ceiling": {"name": "truth"}},
         {f"estimate_ceiling {r}" for r in RECORDINGS} | COLLECTORS),
        ({"encoding": {"window": {"sim_m2_ml": [90, 130]}}},
         {f"{rule} sim_m2_ml {key.split(' ', 1)[1]}" for rule in ("fit_encoding", "align_maps")
          for key in KEYS} | {"estimate_ceiling sim_m2_ml", "plot_maps"} | COLLECTORS),
        ({"activations": {"batch_size": 4}},
         {f"extract_activations {s}_scenes {m}" for s in ("sim_m1", "sim_m2")
          for m in ("tf_efficientnet_lite0 imagenet", "mobilenetv3_large_100 untrained")}
         | {f"{rule} {key}" for rule in ("fit_encoding", "align_maps") for key in KEYS}
         | {"plot_maps"} | COLLECTORS),
    ],
)  # fmt: skip
def test_changed_setting_runs_exactly_its_consumers(copy_of, change, jobs):
    copy_of.configure(change)
    assert set(copy_of.planned()) == jobs


def test_the_authors_protocol_is_another_experiment_on_the_same_activations(copy_of):
    copy_of.configure({
        "experiment": "authors",
        "recordings": ["sim_m2_ml"],  # their code takes square grids only
        "encoding": {"protocol": "reference", "mappings": ["pls"]},
        "ceiling": {"name": "best_pair_reference"},
    })  # fmt: skip
    assert not {job.split()[0] for job in copy_of.planned()} & {
        "fetch_weights", "extract_activations", "prepare_recordings", "simulate_recordings"
    }  # fmt: skip
    copy_of.run()
    summary = pd.read_parquet(copy_of.folder / "results/authors/tables/summary.parquet")
    assert set(summary["protocol"]) == {"reference"}
    main = summary[summary["main_window"] & (summary["control"] == "none")]
    assert (main["optimism"] == 0).all()  # the layer is picked on the test images
    assert set(main["ceiling_name"]) == {"best_pair_reference"}


def test_deleted_output_is_made_again_with_the_same_bytes(copy_of):
    tables = copy_of.folder / "results" / "demo" / "tables"
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    (tables / "summary.parquet").unlink()
    copy_of.run()
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before


def test_kill_9_in_the_middle_leaves_nothing_half_written(copy_of):
    """Snakemake and its jobs are killed while models are being fitted; a second run finishes."""
    folder = copy_of.folder / "results" / "demo"
    before = pd.read_parquet(folder / "tables" / "summary.parquet")
    for name in ("encoding", "tables"):
        shutil.rmtree(folder / name)
    log = folder / "logs" / "fit_encoding"
    for path in log.rglob("*.log"):
        path.unlink()
    process = subprocess.Popen(
        copy_of.command(), cwd=copy_of.folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(log.rglob("*.log")):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(log.rglob("*.log"))  # killed while it was fitting
    assert len(list((folder / "encoding").rglob("*[!s].parquet"))) < 4
    for path in (folder / "encoding").rglob("*.parquet"):
        pd.read_parquet(path)  # whatever has its final name is whole
    copy_of.run("--unlock")
    copy_of.run()
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "tables" / "summary.parquet"), before)
