"""Methods of the report, written from the settings."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from itcortex.report import fine_tuning, methods
from itcortex.report.methods import CEILINGS, words_of_reduction
from made import conditions as made_conditions

SCHEMA = Path(__file__).resolve().parents[3] / "rules" / "schemas" / "config.schema.yaml"


def test_every_ceiling_that_settings_may_name_has_words():
    schema = yaml.safe_load(SCHEMA.read_text())
    assert set(CEILINGS) == set(schema["$defs"]["ceiling"]["enum"])


def test_what_was_done_to_units_is_told_where_it_is_not_what_is_usual():
    usual = {"kind": "pool", "dimensions": "auto", "seed": 0}
    assert words_of_reduction(**usual) == words_of_reduction(**usual | {"kind": "none"}) == []
    (told,) = words_of_reduction(**usual | {"kind": "srp", "dimensions": 500})
    assert told == "Wider layers were reduced by a sparse random projection to 500 dimensions."
    (told,) = words_of_reduction(**usual | {"kind": "pca"})
    assert "at most 1000 principal components of the training images" in told


TRAINING = {
    "start": "imagenet", "recipes": {"net": {"learning_rate": 0.001}},
    "recipe": {"labels": "own", "label_smoothing": 0, "frozen_statistics": True, "epochs": 4,
               "warmup_epochs": 0.5, "batch_size": 10, "learning_rate": 0.0003,
               "kept": "best_alignment", "least_agreement": 0.8},
}  # fmt: skip


def trained(names=("net",), **changes) -> pd.DataFrame:
    """A table of models as collect_models writes it, with a start and what was trained from it."""
    models = made_conditions.models(names, strength=10.0)
    ours = models["condition"] != ""
    of_training = {"training_images": 90, "held_out_images": 30, "kept_epoch": 3, "agreement": 0.87}
    noted = {name: np.where(ours, value, np.nan) for name, value in of_training.items()}
    about = {
        "training": np.where(ours, "osie", ""),
        "missing": "",
        "mark": "",
        "family": "f",
        "architecture": "net",
    }
    category = np.where(models["condition"].isin(made_conditions.CONDITIONS), "harmonized", "cnn")
    return models.assign(category=category, **noted, **about, source="", **changes)


def told(models, conditions=None, **recipe) -> str:
    training = TRAINING | {"recipe": TRAINING["recipe"] | recipe}
    return " ".join(fine_tuning.sentences({"training": {"osie": training}}, models, conditions))


def test_fine_tuning_is_told_from_settings_and_tables():
    said = told(trained())
    assert said.startswith(
        "1 network was fine-tuned on 90 photographs, with 30 photographs held out, "
    )
    assert "for 4 epochs, with 3 seeds of each kind" in said
    assert "distillation from itself" in said and "batch normalisation were frozen" in said
    assert (
        "a strength of 10; the maps were human maps, maps of other photographs and the mean map"
        in said
    )
    assert "learning rate of 0.001, 10 images a step" in said  # of this model, not of all
    assert "at least 80 % of these photographs" in said and "At the kept epochs 87 %" in said
    assert "is therefore somewhat too good" in said  # what the photographs that chose say
    assert "paired differences" not in said
    other = told(trained(("net", "small")), labels="given", frozen_statistics=False, kept="last")
    assert other.startswith("2 networks were fine-tuned") and "0.0003 and 0.001" in other
    assert "Labels were those of the images." in other and "frozen" not in other
    assert "The weights after the last epoch were kept." in other and "too good" not in other
    assert fine_tuning.sentences({"training": {}}, trained().query("condition == ''"), None) == []


def test_collapsed_networks_and_the_comparison_are_told():
    models = trained()
    models.loc[models.index[-1], ["mark", "agreement"]] = ["w collapsed", 0.2]
    said = told(models, made_conditions.table({"human": 0.1}, np.random.default_rng(0)))
    assert "20 to 87 %" in said and "1 network fell below what was asked" in said
    assert "paired differences of networks of one model and seed" in said
    assert "folds, sites and seeds (predictivity)" in said
    assert "photographs and seeds (agreement with people)" in said
    assert "The 3 networks were not drawn." in said


def test_one_family_is_singular_and_accuracies_that_were_not_measured_are_not_claimed():
    """It said: 13 networks of 1 families, with the published accuracy."""
    models = trained()
    text = methods.Text()
    said = methods.networks(text, {"summary": models[["model", "weights"]], "models": models})
    assert said.startswith("We compared 13 networks of 1 family (")
    assert "counting every strength and seed" in said
    assert "of networks that were trained here it was not measured" in said
