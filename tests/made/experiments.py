"""An experiment of a few rows of the model table, with the repository's own settings and registry."""

from functools import cache
from pathlib import Path

import pandas as pd

from itcortex.data import registry as catalogue
from itcortex.workflow import schemas, trainings
from itcortex.workflow.defaults import with_defaults
from itcortex.workflow.experiment import Experiment

REPOSITORY = Path(__file__).resolve().parents[2]
COLUMNS = ["model", "weights", "source", "category", "family", "layers", "params_m", "input_size"]
ROWS = [
    ("net", "in1k", "timm:a1_in1k", "cnn", "net", "a;b", 5.0, 224),
    ("big", "mine", "file:big.pt", "vit", "big", "", 300.0, 448),
    ("net", "kept", "data:keras/net.h5", "cnn", "net", "", 5.0, 224),
    ("net", "harmonized", "trained:imagenet", "cnn", "net", "", 5.0, 224),
    ("small", "harmonized", "trained:digits", "cnn", "small", "", float("nan"), float("nan")),
]
IMAGENET = {
    "labelled": ["data/train"], "mapped": ["results/clickme/train/{0..1}.parquet"],
    "validation": ["data/val"], "start": "in1k", "strengths": [0, 2], "seeds": [0],
    "recipe": {"epochs": 3}, "recipes": {"net": {"batch_size": 64}},
}  # fmt: skip


@cache
def schema(name: str) -> dict:
    """A schema of the workflow; nobody may change it."""
    return schemas.load_yaml(REPOSITORY / "rules" / "schemas" / f"{name}.schema.yaml")


def model_table(rows) -> pd.DataFrame:
    """Rows as `model_table.read_models` gives them."""
    table = pd.DataFrame(rows, columns=COLUMNS)
    texts = dict.fromkeys(
        ("builder", "arguments", "preprocessing", "sha256", "baseline", "pretraining"), ""
    )
    numbers = dict.fromkeys(("step_cost", "activation_mb", "year"), float("nan"))
    facts = {
        "architecture": table["model"],
        "top1": 70.0,
        "where": "models.csv: line 2",
        "measured": False,
    }
    return table.assign(**texts, **numbers, **facts)


@cache
def repository() -> tuple[dict, dict]:
    """config.yaml, and the registry with numbered files written out."""
    registry = schemas.load_yaml(REPOSITORY / "experiments" / "datasets.yaml")
    registry = catalogue.expand_registry(with_defaults(registry, schema("datasets")))
    return schemas.load_yaml(REPOSITORY / "config.yaml"), registry


def experiment(missing=None, rows=ROWS, **changes) -> Experiment:
    """The experiment of `rows`, with some settings changed and some rows missing."""
    config, registry = repository()
    trained = config["training"] | {"imagenet": IMAGENET} | changes.get("training", {})
    filled = with_defaults(config | changes | {"training": trained}, schema("config"))
    models = trainings.expand_models(model_table(rows), filled["training"])
    models = models.set_index(["model", "weights"], drop=False)
    return Experiment(filled, registry, models, missing or {})
