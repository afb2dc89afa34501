"""Networks that the workflow trains itself: their rows of the model table, and the settings of each.

A row whose source is `trained:<name>` stands for the networks of that training: one a strength of the
harmonization and a seed, each with weights of its own, `{weights}/strength-{s}/seed-{n}`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.registry import numbered_files
from itcortex.errors import UserError, choose
from itcortex.training.recipe import Recipe
from itcortex.workflow import paths
from itcortex.workflow.refused_rows import RefusedRow

KIND = "trained"
IMAGES = ("labelled", "mapped", "validation")  # of a training: paths


def trained_by(source: str) -> str | None:
    """Name of the training that a row's source names, or None for weights that are fetched."""
    kind, _, name = source.partition(":")
    return name if kind == KIND else None


def expand_models(
    models: pd.DataFrame, trainings: dict[str, dict], refused: list[RefusedRow] | None = None
) -> pd.DataFrame:
    """The model table with every trained row written out, a row a strength and seed.

    Strength 0 is the baseline: it keeps the row's category and has no baseline of its own; the others
    are `harmonized`, and compared with the row's `baseline`, else with strength 0 of the same seed,
    else with the weights that the training starts from. Added are the columns `training`, `series`
    (the row's own name of its weights: networks of one model and series differ in strength and seed
    alone), `condition` (the training's: whose maps it trains with; `none` at strength 0), `strength`
    and `seed`; empty and NaN where weights are fetched.

    Raises `UserError` for a training that is not in the settings, weights to start from that the
    table lacks, and a missing accuracy of a row that is not trained. With a list `refused` such rows
    are put there instead.
    """
    keys = set(zip(models["model"], models["weights"], strict=True))
    rows = []
    for row in models.to_dict("records"):
        name = trained_by(row["source"])
        if name is None:
            texts = {"training": "", "series": "", "condition": ""}
            rows.append(row | texts | {"strength": np.nan, "seed": np.nan})
            continue
        try:
            choose(name, trainings, f"{row['where']}: {row['model']}: source: training")
            rows += _trained_rows(row, name, trainings[name], keys)
        except UserError as error:
            if refused is None:
                raise
            refused.append(RefusedRow.of(row, error))
    added = ["training", "series", "condition", "strength", "seed"]
    return pd.DataFrame(rows, columns=[*models, *added])


def _trained_rows(row: dict, name: str, training: dict, keys: set[tuple[str, str]]) -> list[dict]:
    start = training["start"]
    if start and (row["model"], start) not in keys:
        raise UserError(
            f"config: training: {name}: start: the model table has no row {row['model']} {start}; "
            "add one, or start from scratch (start: null)"
        )
    if row["category"] == "harmonized":
        raise UserError(
            f"{row['where']}: {row['model']}: category: 'harmonized' is set by the workflow; give "
            "that of the architecture, which strength 0 keeps"
        )
    found = []
    for strength in training["strengths"]:
        for seed in training["seeds"]:
            about = {"training": name, "series": row["weights"]}
            about |= {"strength": float(strength), "seed": seed}
            about["condition"] = training["condition"] if strength > 0 else "none"
            about["weights"] = weights_name(row["weights"], strength, seed)
            about["baseline"] = ""
            if strength > 0:
                about["category"] = "harmonized"
                about["baseline"] = row["baseline"] or _twin(row, training, seed)
            found.append(row | about)
    return found


def weights_name(prefix: str, strength: float, seed: int) -> str:
    """Name of the weights of one training, a part of paths."""
    return f"{prefix}/strength-{strength:g}/seed-{seed}"


def _twin(row: dict, training: dict, seed: int) -> str:
    """What a harmonized network is compared with where its row does not say."""
    if 0 in training["strengths"]:
        return f"{row['model']} {weights_name(row['weights'], 0, seed)}"
    return f"{row['model']} {training['start']}" if training["start"] else ""


def check_trainings(trainings: dict[str, dict]) -> None:
    """Raise `UserError` for a recipe that cannot be followed, before any job."""
    for name, training in trainings.items():
        recipes = {"recipe": {}} | {
            f"recipes: {model}": changes for model, changes in training["recipes"].items()
        }
        for key, changes in recipes.items():
            try:
                Recipe.of(training["recipe"] | changes)
            except UserError as error:
                raise UserError(f"config: training: {name}: {key}: {error}") from error
        if any(strength > 0 for strength in training["strengths"]) and not (
            training["labelled"] or training["mapped"]
        ):
            raise UserError(f"config: training: {name}: no images: give labelled, mapped or both")


def paths_of(names: Sequence[str]) -> list[str]:
    """Paths with every range, as in `results/clickme/train/{0..317}.parquet`, written out."""
    return [path for name in names for path in numbered_files(name, {})]


def missing(rows: list[dict], trainings: dict[str, dict], results: str) -> dict[tuple, str]:
    """Why rows cannot be trained, by (model, weights): images of the user's that are not there.

    Images below `results` are made by the workflow. Weights that are there need no images.
    """
    absent = {}
    for name, training in trainings.items():
        images = [path for kind in IMAGES for path in paths_of(training[kind])]
        yours = [path for path in images if Path(path).parts[:1] != (results,)]
        absent[name] = [path for path in yours if not Path(path).exists()]
    found = {}
    for row in rows:
        key, training = (row["model"], row["weights"]), row["training"]
        weights = paths.below(results, paths.WEIGHTS, model=key[0], weights=key[1])
        if absent.get(training) and not weights.exists():
            found[key] = (
                f"no images at {absent[training][0]}; put them there, or change config: training: "
                f"{training}"
            )
    return found


def measured_accuracy(models: list[dict], histories: dict[str, pd.DataFrame]) -> list[dict]:
    """`models` with the validation accuracy of trained ones, in percent, where top1 is not given.

    `histories` goes by "model weights". Raises `UserError` where a training measured none.
    """
    return [_measured(row, histories) if pd.isna(row["top1"]) else row for row in models]


def _measured(row: dict, histories: dict[str, pd.DataFrame]) -> dict:
    key = f"{row['model']} {row['weights']}"
    if key not in histories:  # a network that is not scored
        return row
    accuracy = histories[key].iloc[-1].get("validation_accuracy", np.nan)
    if not np.isfinite(accuracy):
        raise UserError(
            f"{key}: its training has no validation images, so that its accuracy is not known; add "
            "some to config: training: validation, or top1 to the model table"
        )
    return row | {"top1": 100 * float(accuracy)}
