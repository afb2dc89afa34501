"""Checks of trainings whose networks are compared by condition: they differ in nothing but their maps.

A difference of two networks says something about maps where all else is equal, and about agreement with
people where the photographs were not learnt from.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import combinations

import pandas as pd

from itcortex.errors import UserError
from itcortex.tables.condition_contrasts import CONTROLS, LABELS, contrasts, twice
from itcortex.training.recipe import Recipe, recipe_of
from itcortex.workflow import paths
from itcortex.workflow.trainings import paths_of

#: Files of a set that is split: the photographs to train on by their maps, and those to judge by.
_TO_TRAIN_ON, _HELD_OUT = ("human", "of_others", "mean"), "validation"
_MOST_SAID = 3  # files of a setting
_ALIKE = ("start", "classes", _HELD_OUT, "labelled")


def check_compared(config: dict, registry: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` for what `check_conditions` or `check_unseen` refuses."""
    check_conditions(config, models)
    check_unseen(config, registry, models)


def check_conditions(config: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` for trainings that cannot be compared by condition.

    Refused are two of one model, condition, strength and seed, which would be one mean, and two that
    are compared although more than maps differs, or nothing. The digits study stands apart.

    Parameters
    ----------
    models : the model table, trained rows written out.
    """
    on_digits = [name for name, one in config["training"].items() if "digits" in one]
    rows = models[(models["training"] != "") & ~models["training"].isin(on_digits)]
    _require_one_each(rows)
    of = dict(zip(rows["model"] + " " + rows["weights"], rows["training"], strict=True))
    compared = {
        (one.model, of[pair.first], of[pair.other]): None
        for one in contrasts(rows)
        for pair in one.pairs
        if pair.other
    }
    for pair_of_model in compared:
        _require_alike(config["training"], *pair_of_model)
    with_maps = rows[rows["strength"] > 0].drop_duplicates(["model", "training", "condition"])
    for _, of_model in with_maps.groupby("model", sort=False):
        conditions = zip(of_model["training"], of_model["condition"], strict=True)
        for (first, own), (other, control) in combinations(conditions, 2):
            if own != control:
                _require_other_maps(config["training"], first, other, control)


def _require_one_each(rows: pd.DataFrame) -> None:
    """Refuse two trained rows with one model, condition, strength and seed."""
    if same := twice(rows[rows["strength"] > 0]):
        other, row = same
        series = f"weights {other['series']} and {row['series']}"
        raise UserError(
            f"config: training: {row['training']}: condition: {row['condition']!r}, strength "
            f"{row['strength']:g} and seed {row['seed']:g} of {row['model']} are also those of "
            f"training {other['training']} ({series}), and both would be one mean; write condition: "
            f"{' or '.join(CONTROLS)} where maps are a control's (`<<:` takes the condition along), "
            "or other strengths or seeds"
        )


def _require_alike(trainings: dict[str, dict], model: str, first: str, other: str) -> None:
    """Refuse two trainings that differ in more than maps and strengths."""
    if first == other:
        return
    of_first, of_other = (_alike(trainings[name], model) for name in (first, other))
    for key, value in of_first.items():
        if of_other.get(key, value) != value:
            raise UserError(
                f"config: training: {first}: {key}: {_said(value)}, but {_said(of_other[key])} in "
                f"{other}, whose networks of {model} are compared with these; they may differ in "
                "their maps alone: give both the same, or train networks of another name"
            )


def _alike(training: dict, model: str) -> dict[str, object]:
    """What must be equal, by its key; labelled images hold the maps where no others do."""
    recipe = asdict(Recipe.of(recipe_of(model, training)))
    keys = _ALIKE if training["mapped"] else _ALIKE[:-1]
    plain = {key: training[key] for key in keys}
    lists = {key: paths_of(value) for key, value in plain.items() if isinstance(value, list)}
    return {f"recipe: {key}": value for key, value in recipe.items()} | plain | lists


def _said(value: object) -> str:
    """A value as settings write it; of many files the first ones."""
    if not isinstance(value, list | tuple):
        return "null" if value is None else str(value)
    more = f" and {len(value) - _MOST_SAID} more" if len(value) > _MOST_SAID else ""
    return str(list(value[:_MOST_SAID])) + more


def _require_other_maps(trainings: dict[str, dict], first: str, other: str, control: str) -> None:
    """Refuse a condition that is trained on files of another one; `control` is that of `other`."""
    key = "mapped" if trainings[first]["mapped"] else "labelled"
    own, others = (paths_of(trainings[name][key]) for name in (first, other))
    shared = [path for path in own if path in others]
    if shared:
        raise UserError(
            f"config: training: {other}: {key}: {shared[0]} is also that of {first}, but its condition "
            f"{control!r} says {LABELS[control]}; name the file with these maps (rule "
            f"split_photographs makes results/attention/{{set}}.{control}.parquet)"
        )


def check_unseen(config: dict, registry: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` for an attention set with photographs that a network of the table learnt from.

    Parameters
    ----------
    models : the model table, trained rows written out.
    """
    used = [name for name in models["training"].unique() if name]
    for name in config["attention"]["sets"]:
        files = {*_with_photographs(name, registry["attention"])}
        for training in used:
            learnt = {
                key: paths_of(config["training"][training][key]) for key in ("mapped", "labelled")
            }
            for key, images in learnt.items():
                if seen := [path for path in images if path in files]:
                    raise UserError(
                        f"config: attention: sets: {name!r} has photographs that the networks of "
                        f"training {training} learnt from ({key}: {seen[0]}); "
                        + _instead(name, registry["attention"])
                    )


def _with_photographs(name: str, sets: dict[str, dict]) -> Iterator[str]:
    """Prepared files that hold photographs of a set."""
    yield from paths.photographs(name, sets[name])
    for part, entry in sets.items():
        if entry.get("held_out", {}).get("of") == name:
            yield paths.PHOTOGRAPHS.format(attention=part)
            for file in (*_TO_TRAIN_ON, _HELD_OUT):
                yield paths.SPLIT_SHARD.format(attention=part, file=file)
    if "held_out" in sets[name]:
        yield paths.PHOTOGRAPHS.format(attention=sets[name]["held_out"]["of"])
        yield paths.SPLIT_SHARD.format(attention=name, file=_HELD_OUT)


def _instead(name: str, sets: dict[str, dict]) -> str:
    """What to do about a set whose photographs were learnt from."""
    parts = [part for part, entry in sets.items() if entry.get("held_out", {}).get("of") == name]
    if parts:
        return f"name {parts[0]}, whose photographs were held out, in its place"
    return "train on other photographs, or leave the set out"
