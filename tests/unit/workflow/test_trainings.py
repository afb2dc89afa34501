"""Rows of the model table that the workflow trains: written out, checked, with measured accuracy."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import collect_models
from itcortex import store
from itcortex.errors import UserError
from itcortex.report import limits
from itcortex.tables import summary
from itcortex.training import recipe
from itcortex.workflow import model_table, schemas, trainings
from made import tables as made_tables

TRAINING = {
    "labelled": ["images/train"], "mapped": ["results/clickme/train/{0..2}.parquet"],
    "validation": ["images/val"], "strengths": [0, 0.5, 10], "seeds": [3, 4],
    "recipe": {"epochs": 2, "batch_size": 8, "warmup_epochs": 1}, "recipes": {}, "start": None,
    "condition": "of_others",
}  # fmt: skip
COLUMNS = ["model", "weights", "architecture", "source", "category", "family", "top1", "baseline"]


def table(*rows) -> pd.DataFrame:
    """A model table as `settings.read_models` gives it."""
    whole = pd.DataFrame(list(rows), columns=COLUMNS).assign(where="models.csv: line 2")
    return whole.astype({"top1": float})


def trained(**changes) -> dict:
    """A row that is trained."""
    row = dict(zip(COLUMNS, ("net", "harmonized", "resnet18", "trained:t", "cnn", "f", np.nan, ""),
                   strict=True))  # fmt: skip
    return row | changes


FETCHED = dict(zip(COLUMNS, ("net", "in1k", "resnet18", "timm:a1_in1k", "cnn", "f", 71.5, ""),
                   strict=True))  # fmt: skip


def test_a_row_becomes_one_of_every_strength_and_seed():
    found = trainings.expand_models(table(FETCHED, trained()), {"t": TRAINING})
    assert found["weights"].tolist() == [
        "in1k",
        "harmonized/strength-0/seed-3", "harmonized/strength-0/seed-4",
        "harmonized/strength-0.5/seed-3", "harmonized/strength-0.5/seed-4",
        "harmonized/strength-10/seed-3", "harmonized/strength-10/seed-4",
    ]  # fmt: skip
    assert found["training"].tolist() == [""] + ["t"] * 6
    assert found["series"].tolist() == [""] + ["harmonized"] * 6
    assert found["condition"].tolist() == ["", "none", "none"] + ["of_others"] * 4
    assert found["strength"].tolist()[1:] == [0, 0, 0.5, 0.5, 10, 10]
    assert found["seed"].tolist()[1:] == [3, 4] * 3 and np.isnan(found["seed"][0])
    assert found["category"].tolist() == ["cnn"] * 3 + ["harmonized"] * 4


def test_a_harmonized_network_is_compared_with_its_own_baseline():
    baselines = trainings.expand_models(table(trained()), {"t": TRAINING})["baseline"]
    assert baselines.tolist()[:3] == ["", "", "net harmonized/strength-0/seed-3"]
    tuned = TRAINING | {"strengths": [2], "seeds": [0], "start": "in1k"}
    found = trainings.expand_models(table(FETCHED, trained()), {"t": tuned})
    assert found["baseline"].tolist() == ["", "net in1k"]
    named = trainings.expand_models(
        table(FETCHED, trained(baseline="net in1k")), {"t": TRAINING}
    ).set_index("weights")["baseline"]
    assert named["harmonized/strength-10/seed-4"] == "net in1k"
    assert named["harmonized/strength-0/seed-4"] == ""


@pytest.mark.parametrize(
    ("row", "training", "message"),
    [
        (
            {"source": "trained:s"},
            {},
            "models.csv: line 2: net: source: training: 's' does not exist",
        ),
        ({}, {"start": "in22k"}, "config: training: t: start: .* no row net in22k"),
        ({"category": "harmonized"}, {}, "category: 'harmonized' is set by the workflow"),
    ],
)
def test_rows_that_cannot_be_trained_are_refused(row, training, message):
    """Where rows are only checked they are put aside with the reason, and the others are expanded."""
    models, settings = table(FETCHED, trained(**row)), {"t": TRAINING | training}
    with pytest.raises(UserError, match=message):
        trainings.expand_models(models, settings)
    refused = []
    assert trainings.expand_models(models, settings, refused)["weights"].tolist() == ["in1k"]
    (aside,) = refused
    assert (aside.model, aside.weights) == ("net", "harmonized")
    assert re.search(message, aside.reason)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": {"epocs": 3}}, "config: training: t: recipe: .*'epocs'; did you mean 'epochs'"),
        ({"recipes": {"net": {"clip": -1}}}, "t: recipes: net: clip: -1 is not a finite"),
        ({"labelled": [], "mapped": []}, "t: no images"),
        (
            {"validation": ["a", "results/clickme/train/1.parquet"]},
            "t: validation: results/clickme/train/1.parquet is in mapped too.*name held-out images",
        ),
        ({"validation": ["images/train"]}, "validation: images/train is in labelled too"),
        ({"strengths": [0, 10, 10.0000001]}, "t: strengths: .*: two have one name"),
        (
            {"recipe": {"learning_rate": "1e-5"}},
            r"learning_rate: '1e-5' is not .*; in YAML this is text: write 1\.0e-05",
        ),
    ],
)
def test_recipes_are_checked_before_any_job(changes, message):
    with pytest.raises(UserError, match=message):
        trainings.check_trainings({"t": TRAINING | changes})


def test_settings_that_are_right_pass_and_differ_by_model():
    training = TRAINING | {"recipes": {"net": {"batch_size": 4}}}
    trainings.check_trainings({"t": training})
    assert recipe.recipe_of("net", training) == {
        "epochs": 2,
        "batch_size": 4,
        "warmup_epochs": 1,
    }
    assert recipe.recipe_of("other", training) == TRAINING["recipe"]


def test_ranges_of_paths_are_written_out():
    paths = trainings.paths_of(["a/b", *TRAINING["mapped"]])
    assert paths == ["a/b", *(f"results/clickme/train/{n}.parquet" for n in range(3))]


def test_accuracy_of_a_trained_network_is_what_its_training_measured(tmp_path):
    models = [
        {"model": "net", "weights": "in1k", "top1": 71.5},
        {"model": "net", "weights": "h/strength-1/seed-0", "top1": np.nan},
    ]
    history = tmp_path / "history.parquet"
    kept = [False, True]
    store.write_table(history, pd.DataFrame({"validation_accuracy": [0.25, 0.5], "kept": kept}))
    out = tmp_path / "models.parquet", tmp_path / "models.csv"
    notes = tmp_path / "notes.json"
    notes.write_text("{}")
    collect_models.main([history], [notes], [], *out, models, ["net h/strength-1/seed-0"], [])
    assert store.read_table(out[0])["top1"].tolist() == [71.5, 50.0]
    assert out[1].read_text().splitlines()[2].startswith("net,h/strength-1/seed-0,50,")
    store.write_table(history, pd.DataFrame({"loss": [0.25], "kept": [True]}))
    with pytest.raises(UserError, match="net h/strength-1/seed-0: its training has no validation"):
        collect_models.main([history], [notes], [], *out, models, ["net h/strength-1/seed-0"], [])


def test_a_network_that_collapsed_is_marked_in_models_and_summary_and_told_in_the_limits(tmp_path):
    """The mark was in the notes beside its weights and in the table of conditions alone."""
    row = {"model": "net", "top1": np.nan}
    models = [row | {"weights": "in1k", "top1": 71.5}]
    models += [row | {"weights": f"h/strength-{s}/seed-0"} for s in (1, 10)]
    trained = [f"net h/strength-{s}/seed-0" for s in (1, 10)]
    histories, notes = [], []
    for k, agreement in enumerate((0.9, 0.2)):
        history = {"epoch": [1, 2], "validation_agreement": [0.95, agreement], "n_images": 90,
                   "n_validation": 30, "kept": [False, True]}  # fmt: skip
        histories.append(tmp_path / f"{k}.parquet")
        store.write_table(histories[-1], pd.DataFrame(history))
        notes.append(tmp_path / f"{k}.json")
        said = {"collapsed": agreement < 0.5, "results": {"validation_agreement": agreement}}
        notes[-1].write_text(json.dumps(said))
    out = tmp_path / "models.parquet", tmp_path / "models.csv"
    collect_models.main(histories, notes, [], *out, models, trained, [])
    table = store.read_table(out[0])
    mark = ("h/strength-10/seed-0 collapsed: it agrees with the network before on 20 % of the held-out "
            "photographs")  # fmt: skip
    assert table["mark"].tolist() == ["", "", mark]
    columns = ["training_images", "held_out_images", "kept_epoch", "agreement"]
    np.testing.assert_allclose(table[columns], [[np.nan] * 4, [90, 30, 2, 0.9], [90, 30, 2, 0.2]])
    rows = summary.add_marks(table[["model", "weights"]].iloc[::-1], table)
    assert rows["mark"].tolist() == [mark, "", ""]
    shown = made_tables.summary(
        [("net", weights, "cnn", "f", 70.0, 0.5) for weights in table["weights"]]
    )
    shown = summary.add_marks(shown.drop(columns="mark"), table)
    none = pd.DataFrame(columns=["recording", "mapping", "protocol", "statistic", "group"])
    found = [one for one in limits.limits(shown, none) if "collapsed" in one]
    assert len(found) == 1 and found[0].startswith(f"net {mark} (column mark).")


def test_accuracy_may_be_empty_but_for_untrained_rows_and_needs_its_source(tmp_path):
    from pathlib import Path

    root = Path(__file__).resolve().parents[3]
    schema = schemas.load_yaml(root / "rules" / "schemas" / "models.schema.yaml")
    csv = tmp_path / "models.csv"
    head = "model,weights,architecture,source,category,family,top1,top1_source\n"
    csv.write_text(head + "net,harmonized,resnet18,trained:t,cnn,f,,\n")
    assert np.isnan(model_table.read_models(csv, schema)["top1"][0])
    csv.write_text(head + "net,in1k,resnet18,timm:a1_in1k,own,f,,\n")
    assert np.isnan(model_table.read_models(csv, schema)["top1"][0])
    csv.write_text(head + "net,in1k,resnet18,timm:a1_in1k,cnn,f,71.5,\n")
    with pytest.raises(UserError, match="'top1_source' is a required property"):
        model_table.read_models(csv, schema)
    csv.write_text(head + "net,none,resnet18,untrained:0,untrained,f,,\n")
    with pytest.raises(UserError, match="'top1' is a required property"):
        model_table.read_models(csv, schema)


def test_rows_whose_images_are_not_there_are_left_out_unless_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = trainings.expand_models(table(FETCHED, trained()), {"t": TRAINING}).to_dict("records")
    missing = trainings.missing(rows, {"t": TRAINING}, "results")
    assert set(missing) == {(row["model"], row["weights"]) for row in rows[1:]}
    assert missing["net", rows[1]["weights"]].startswith("no images at images/train; put them")
    (tmp_path / "images" / "train").mkdir(parents=True)
    (tmp_path / "images" / "val").mkdir()
    assert trainings.missing(rows, {"t": TRAINING}, "results") == {}
    absent = {"t": TRAINING | {"validation": ["elsewhere"]}}
    weights = tmp_path / "results" / "weights" / "net" / f"{rows[1]['weights']}.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    found = trainings.missing(rows, absent, "results")
    assert ("net", rows[1]["weights"]) not in found and len(found) == 5


def test_a_baseline_that_is_trained_too_is_its_strength_0_of_the_same_seed():
    """As a control, whose own training has no strength 0, is compared with that of human maps."""
    control = TRAINING | {"strengths": [2], "condition": "mean"}
    rows = (trained(), trained(weights="centre", source="trained:c", baseline="net harmonized"))
    found = trainings.expand_models(table(*rows), {"t": TRAINING, "c": control})
    centre = found[found["series"] == "centre"].set_index("seed")
    assert centre["baseline"].to_dict() == {
        seed: f"net harmonized/strength-0/seed-{seed}" for seed in (3, 4)
    }
    assert set(centre["condition"]) == {"mean"}
    assert set(centre["baseline"]) < set(found["model"] + " " + found["weights"])
    for changes, message in (
        (
            {"seeds": [3, 9]},
            r"baseline: net harmonized is trained with seeds \[3, 4\] and not with 9",
        ),
        ({}, r"is trained with strengths \[1\] and not with 0"),
    ):
        of_baseline = TRAINING if changes else TRAINING | {"strengths": [1]}
        with pytest.raises(UserError, match=message):
            trainings.expand_models(table(*rows), {"t": of_baseline, "c": control | changes})


def test_own_labels_without_a_start_are_refused_before_any_job():
    own = TRAINING | {"recipe": {"labels": "own", "label_smoothing": 0}}
    with pytest.raises(
        UserError, match="config: training: t: recipe: labels: own, but start: null"
    ):
        trainings.check_trainings({"t": own})
    trainings.check_trainings({"t": own | {"start": "in1k"}})


def test_an_epoch_cannot_be_chosen_without_held_out_photographs():
    recipe = {"labels": "own", "label_smoothing": 0, "kept": "best_alignment"}
    chosen = TRAINING | {"recipe": recipe, "start": "in1k", "validation": ["a.parquet"]}
    trainings.check_trainings({"t": chosen})
    with pytest.raises(UserError, match=r"t: recipe: kept: best_alignment, but validation: \[\]"):
        trainings.check_trainings({"t": chosen | {"validation": []}})


def test_agreement_with_oneself_is_no_accuracy():
    history = pd.DataFrame({"validation_agreement": [0.9], "kept": [True]})
    (row,) = trainings.measured_accuracy([trained()], {"net harmonized": history})
    assert np.isnan(row["top1"])


def test_the_accuracy_is_that_of_the_kept_epoch():
    history = pd.DataFrame({"validation_accuracy": [0.9, 0.5], "kept": [True, False]})
    (row,) = trainings.measured_accuracy([trained()], {"net harmonized": history})
    assert row["top1"] == 90
