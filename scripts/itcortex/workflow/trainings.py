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
#: What the added columns hold of weights that are fetched.
_FETCHED = {"training": "", "series": "", "condition": "", "strength": np.nan, "seed": np.nan}
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
    are `harmonized`, and compared with the row's `baseline` (of another trained row it is strength 0 of
    the same seed), else with their own strength 0 of the same seed, else with the weights that the
    training starts from. Added are the columns `training`, `series` (the row's own name of its weights:
    networks of one model and series differ in strength and seed alone), `condition` (of the maps;
    "none" at strength 0), `strength` and `seed`; empty and NaN where weights are fetched.

    Raises `UserError` for a training that is not in the settings, weights to start from that the
    table lacks, and a missing accuracy of a row that is not trained. With a list `refused` such rows
    are put there instead.
    """
    keys = set(zip(models["model"], models["weights"], strict=True))
    plain = zip(models["model"], models["weights"], models["source"], strict=True)
    named = {f"{model} {weights}": trained_by(source) for model, weights, source in plain}
    rows = []
    for row in models.to_dict("records"):
        name = trained_by(row["source"])
        if name is None:
            rows.append(row | _FETCHED)
            continue
        try:
            choose(name, trainings, f"{row['where']}: {row['model']}: source: training")
            of_others = trainings.get(named.get(row["baseline"]) or "")
            rows += _trained_rows(row, name, trainings[name], keys, of_others)
        except UserError as error:
            if refused is None:
                raise
            refused.append(RefusedRow.of(row, error))
    return pd.DataFrame(rows, columns=[*models, *_FETCHED])


def _trained_rows(
    row: dict, name: str, training: dict, keys: set[tuple[str, str]], of_baseline: dict | None
) -> list[dict]:
    """A row a strength and seed; `of_baseline` is the training that the row's baseline names, if any."""
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
            about = {"training": name, "series": row["weights"], "condition": "none"}
            about |= {"strength": float(strength), "seed": seed}
            about["weights"] = weights_name(row["weights"], strength, seed)
            about["baseline"] = ""
            if strength > 0:
                about["category"] = "harmonized"
                about["condition"] = training["condition"]
                about["baseline"] = _baseline(row, training, seed, of_baseline)
            found.append(row | about)
    return found


def weights_name(prefix: str, strength: float, seed: int) -> str:
    """Name of the weights of one training, a part of paths."""
    return f"{prefix}/strength-{strength:g}/seed-{seed}"


def _baseline(row: dict, training: dict, seed: int, of_baseline: dict | None) -> str:
    """What a harmonized network is compared with, as "model weights"."""
    if of_baseline is None:
        return row["baseline"] or _twin(row, training, seed)
    where = f"{row['where']}: {row['model']} {row['weights']}: baseline: {row['baseline']}"
    for key, wanted in (("strengths", 0), ("seeds", seed)):
        if wanted not in of_baseline[key]:
            raise UserError(
                f"{where} is trained with {key} {of_baseline[key]} and not with {wanted}: its strength "
                "0 of the same seed is what this row is compared with; add it, or name another baseline"
            )
    return weights_name(row["baseline"], 0, seed)


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
                recipe = Recipe.of(training["recipe"] | changes)
            except UserError as error:
                told = str(error).removeprefix("recipe: ")
                raise UserError(f"config: training: {name}: {key}: {told}") from error
            if recipe.labels == "own" and not training["start"]:
                raise UserError(
                    f"config: training: {name}: {key}: labels: own, but start: null: what random "
                    "weights predict is no target; name weights of the model table to start from"
                )
            if recipe.kept == "best_alignment" and not training["validation"]:
                raise UserError(
                    f"config: training: {name}: {key}: kept: best_alignment, but validation: [] names "
                    "no photographs to choose an epoch by; hold some out, or set kept: last"
                )
        strengths = [f"{strength:g}" for strength in training["strengths"]]
        if len({*strengths}) < len(strengths):
            raise UserError(
                f"config: training: {name}: strengths: {training['strengths']}: two have one name "
                "of six digits; give strengths that differ more"
            )
        if any(strength > 0 for strength in training["strengths"]) and not (
            training["labelled"] or training["mapped"]
        ):
            raise UserError(f"config: training: {name}: no images: give labelled, mapped or both")
        _require_unseen(name, training)


def _require_unseen(name: str, training: dict) -> None:
    """Refuse a training that is judged on images that it learns from."""
    judged = paths_of(training["validation"])
    for key in ("mapped", "labelled"):
        learnt = {*paths_of(training[key])}
        if seen := [path for path in judged if path in learnt]:
            raise UserError(
                f"config: training: {name}: validation: {seen[0]} is in {key} too, so that networks "
                "would be judged, and epochs chosen, by what they learnt; name held-out images "
                "(rule split_photographs makes results/attention/{set}.validation.parquet)"
            )


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

    `histories` goes by "model weights". With labels of their own, networks were compared with
    themselves before, which is no accuracy: it stays unknown. Raises `UserError` where a training
    measured none.
    """
    return [_measured(row, histories) if pd.isna(row["top1"]) else row for row in models]


def _measured(row: dict, histories: dict[str, pd.DataFrame]) -> dict:
    key = f"{row['model']} {row['weights']}"
    if key not in histories:  # a network that is not scored
        return row
    history = histories[key]
    if "validation_agreement" in history:
        return row
    accuracy = history[history["kept"]].iloc[0].get("validation_accuracy", np.nan)
    if not np.isfinite(accuracy):
        raise UserError(
            f"{key}: its training has no validation images, so that its accuracy is not known; add "
            "some to config: training: validation, or top1 to the model table"
        )
    return row | {"top1": 100 * float(accuracy)}


def told_by(
    models: pd.DataFrame, histories: dict[str, pd.DataFrame], marks: dict[str, str]
) -> pd.DataFrame:
    """`models` with what a training says of each that was trained here; NaN and "" for others.

    Added are `training_images` and `held_out_images` (of an epoch), `kept_epoch`, `agreement` (share of
    the held-out images with the same first class as before) and `mark`, which names a network that
    collapsed. `histories` and `marks` go by "model weights".
    """
    columns = {"training_images": "n_images", "held_out_images": "n_validation",
               "kept_epoch": "epoch", "agreement": "validation_agreement"}  # fmt: skip
    kept = {key: history[history["kept"]].iloc[0] for key, history in histories.items()}
    names = models["model"].astype(str) + " " + models["weights"].astype(str)
    rows = [kept.get(name, {}) for name in names]
    told = {new: [float(row.get(old, np.nan)) for row in rows] for new, old in columns.items()}
    return models.assign(**told, mark=[marks.get(name, "") for name in names])
