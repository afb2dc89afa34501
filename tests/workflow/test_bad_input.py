"""Bad settings and data stop with a message to act on, and leave nothing behind."""

import shutil
import zipfile

import pandas as pd
import pytest

from made.demo import MODELS

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]


def test_bad_settings_stop_before_any_job(fresh):
    """What each of them says is tested in tests/unit/workflow, without a run."""
    fresh.configure({"encoding": {"component": 3}})
    done = fresh.run(check=False)
    assert done.returncode != 0
    assert "unknown key 'component'; did you mean 'components'" in done.stdout
    assert not (fresh.folder / "results").exists()


def test_an_unknown_layer_stops_before_any_job(fresh):
    table = fresh.folder / "experiments" / "models.csv"
    rows = table.read_text()
    table.write_text(rows + "x,s,resnet18,untrained:0,untrained,f,0.1,chance,layer9\n")
    done = fresh.run(check=False)
    assert (
        "models.csv: line 4: x: layers: 'layer9' does not exist; did you mean 'layer" in done.stdout
    )
    assert not (fresh.folder / "results").exists()


def test_models_are_checked_one_by_one_before_any_job(fresh):
    """A run stops at the first of these rows; the check names all, and goes on with the others."""
    with (fresh.folder / "experiments" / "models.csv").open("a") as table:
        table.write("x,s,resnet18,untrained:0,untrained,f,0.1,chance,layer9\n")
        table.write("y,s,resnet5O,untrained:0,untrained,f,0.1,chance,\n")
        table.write("z,s,resnet18,untrained:0,cnm,f,0.1,chance,\n")
    done = fresh.run("check_models", check=False)
    assert done.returncode == 1
    assert "Error in check_models: 3 of 7 rows cannot be used: x s, y s, z s" in done.stdout
    found = pd.read_parquet(fresh.folder / "results/demo/tables/checked_models.parquet")
    found = found.set_index("model")
    assert set(found.index[found["usable"]]) == {*MODELS, "digits_resnet"}
    assert "did you mean 'resnet50" in found.loc["y", "faults"]
    assert "has no layer 'layer9'; did you mean 'layer" in found.loc["x", "faults"]
    assert found.loc["tf_efficientnet_lite0", "loaded"] == "yes"
    assert "chelsea.png: Egyptian cat" in found.loc["tf_efficientnet_lite0", "top5"]
    assert found.loc["mobilenetv3_large_100", "top5"] == ""
    made = {path.name for path in (fresh.folder / "results").iterdir()}
    assert made <= {"benchmarks", "demo", "logs"}


def test_config_that_is_not_yaml(fresh):
    (fresh.folder / "broken.yaml").write_text("recordings: [a\nb: }")
    done = fresh.run("--configfile", "broken.yaml", check=False)
    assert done.returncode != 0
    assert "Config file is not valid JSON or YAML" in done.stdout  # Snakemake's own words
    (fresh.folder / "config.yaml").write_text("recordings: [a\nb: }")
    done = fresh.run(check=False)
    assert "config.yaml: cannot be read as YAML" in done.stdout
    assert "line 2" in done.stdout


def test_results_that_are_a_file(fresh):
    (fresh.folder / "results").write_text("in the way")
    done = fresh.run(check=False)
    assert "results: is a file; results need a folder of that name" in done.stdout


def test_truncated_archive_and_hostile_member(finished, copy_of):
    """The archive is broken behind Snakemake's back; jobs that read it name it and the remedy."""
    archive = copy_of.folder / "results/data/arcaro2020_simulated/Arcaro2020_simulated.zip"
    whole = archive.read_bytes()
    for folder in ("recordings", "stimuli"):
        shutil.rmtree(copy_of.folder / "results" / folder)
    archive.write_bytes(whole[: len(whole) // 2])
    done = copy_of.run("--until", "prepare_recordings", "prepare_stimuli", check=False)
    assert done.returncode != 0
    assert "Arcaro2020_simulated.zip" in done.stdout
    prepared = {path.name for path in (copy_of.folder / "results").glob("recordings/*")}
    assert prepared <= {"digits_object_sites.h5"}  # which was made from other data
    archive.write_bytes(whole)
    with zipfile.ZipFile(archive, "a") as handle:
        handle.writestr("../../evil", "x")
    done = copy_of.run("--until", "prepare_recordings", "prepare_stimuli", check=False)
    assert done.returncode != 0
    assert "../../evil" in done.stdout
    assert not (copy_of.folder.parent / "evil").exists()


def test_a_missing_gpu_is_an_error_before_any_job_and_nothing_to_a_job_on_a_cpu(copy_of):
    """The limit `gpu: 1` of the profile, and no GPU at all, are nothing to a job with `device: cpu`."""
    activations = "results/activations/sim_m2_scenes/mobilenetv3_large_100/untrained.h5"
    (copy_of.folder / activations).unlink()
    without = {"CUDA_VISIBLE_DEVICES": ""}
    copy_of.configure({"device": "cuda"})
    refused = copy_of.run(activations, check=False, environment=without)
    assert refused.returncode == 1
    assert "jobs ask for 1 GPU, this machine shows 0; set `device: cpu`" in refused.stdout
    assert not (copy_of.folder / activations).exists()
    copy_of.configure({"device": "cpu"})
    done = copy_of.run(activations, environment=without)
    assert 'gpu=Resource("gpu", 1)' in done.stdout  # the same profile
    assert (copy_of.folder / activations).exists()
