"""What the check of the model table is handed."""

import pytest

from itcortex.workflow import model_check
from itcortex.workflow.model_checks import ModelChecks
from made import experiments


def test_rows_say_where_weights_are_put_and_where_a_datasets_file_lies(
    ex, job, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITCORTEX_MIRROR", str(tmp_path / "mirror"))
    rows = {row["weights"]: row for row in ModelChecks(ex).rows(job()) if row["model"] == "net"}
    assert rows["in1k"]["fetched"] == "results/weights/net/in1k.safetensors"
    assert rows["in1k"]["data_file"] is None and rows["kept"]["data_file"] is None
    mirrored = tmp_path / "mirror" / "keras" / "net.h5"
    mirrored.parent.mkdir(parents=True)
    mirrored.touch()
    kept = {row["weights"]: row["data_file"] for row in ModelChecks(ex).rows(job())}["kept"]
    assert kept == str(mirrored)
    fetched = tmp_path / "results" / "data" / "keras" / "net.h5"
    fetched.parent.mkdir(parents=True)
    fetched.touch()
    kept = {row["weights"]: row["data_file"] for row in ModelChecks(ex).rows(job())}["kept"]
    assert kept == "results/data/keras/net.h5"


def test_the_plan_is_that_of_the_settings(ex, job, tmp_path, monkeypatch):
    """Before stimuli are prepared nobody knows how many images they have."""
    monkeypatch.chdir(tmp_path)
    plan = model_check.Plan(**ModelChecks(ex).plan(job()))
    stimuli = {name: entry["stimuli"] for name, entry in ex.registry["recordings"].items()}
    assert plan.recordings == {name: stimuli[name] for name in ex.recordings}
    assert plan.images == dict.fromkeys(plan.recordings.values())
    assert (plan.layers, plan.side, plan.value_bytes, plan.batch_size) == (10, None, 4, 16)


@pytest.mark.parametrize(("measured", "paths"), [(False, 0), (True, 1)])
def test_accuracies_are_measured_of_rows_that_say_so(measured, paths):
    ex = experiments.experiment()
    ex.models["measured"] = measured & (ex.models["weights"] == "in1k")
    assert len(ex.accuracies) == paths
    if measured:
        assert ex.accuracies == {"net in1k": "results/demo/accuracy/net/in1k.parquet"}
