"""Checks of settings and tables before any job: what is wrong, where, and what was probably meant."""

import json
import os
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import yaml
from jsonschema import Draft202012Validator

from itcortex.architectures import known_architectures
from itcortex.errors import UserError, nearest
from itcortex.store import atomic_path


def load_yaml(path: str | Path) -> dict:
    """Read a YAML mapping with the safe loader; `UserError` names the file and the line."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: expected a mapping of keys to values, got {type(content).__name__}"
        )
    return content


def check(instance: dict, schema: dict, where: str) -> None:
    """Raise `UserError` listing everything in `instance` that its JSON schema refuses."""
    errors = sorted(Draft202012Validator(schema).iter_errors(instance), key=lambda e: list(e.path))
    if errors:
        listed = "\n".join(f"  - {line}" for error in errors for line in _explain(error))
        raise UserError(f"{where} is not valid:\n{listed}")


def _explain(error) -> list[str]:
    """One line a fault: key, offending value, and what would be valid."""
    key = ": ".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        valid = list(error.schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in valid]
        return [f"{key}: unknown key {name!r}; {nearest(name, valid)}" for name in unknown]
    if error.validator == "enum":
        valid = [str(value) for value in error.validator_value]
        return [f"{key}: {error.instance!r} is not a choice; {nearest(str(error.instance), valid)}"]
    about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    message = error.message
    if error.validator == "pattern":
        message = f"{error.instance!r} is not allowed here; it must match {error.validator_value}"
    return [f"{key}: {message}" + (f" ({about})" if about else "")]


def read_models(path: str | Path, schema: dict) -> pd.DataFrame:
    """Read a model table (CSV), one row a model with one set of weights, checked row by row.

    Empty cells are dropped before the check, so that optional columns may be left empty. Raises
    `UserError` for a missing file, a row that its schema refuses, or a (model, weights) given twice.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: model table cannot be read: {error}") from error
    for number, row in enumerate(table.to_dict("records"), start=2):
        cells = {key: value for key, value in row.items() if value != ""}
        if "top1" in cells:
            cells["top1"] = _number(cells["top1"], f"{path}: line {number}: top1")
        check(cells, schema, f"{path}: line {number}")
    twice = table[table.duplicated(["model", "weights"])]
    if len(twice):
        raise UserError(f"{path}: given twice: {twice[['model', 'weights']].values.tolist()}")
    table["top1"] = pd.to_numeric(table["top1"])
    return table


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a number") from None


def choose(name: str, valid, where: str) -> None:
    """Raise `UserError` if `name` is not among `valid`, offering the nearest names."""
    if name not in valid:
        raise UserError(f"{where}: {name!r} does not exist; {nearest(name, sorted(valid))}")


def check_registry(registry: dict, where: str) -> None:
    """Raise `UserError` if a recording or a stimulus set refers to something that is not there."""
    for name, stimuli in registry["stimuli"].items():
        _check_file(registry, stimuli, f"{where}: stimuli: {name}")
    for name, recording in registry["recordings"].items():
        _check_file(registry, recording, f"{where}: recordings: {name}")
        choose(recording["stimuli"], registry["stimuli"], f"{where}: recordings: {name}: stimuli")


def _check_file(registry: dict, entry: dict, where: str) -> None:
    choose(entry["dataset"], registry["datasets"], f"{where}: dataset")
    files = registry["datasets"][entry["dataset"]]["files"]
    choose(entry["file"], files, f"{where}: file")


def check_experiment(config: dict, registry: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` for a name in the settings that no table, or timm, knows."""
    architectures = known_architectures()
    for name in config["recordings"]:
        choose(name, registry["recordings"], "config: recordings")
    for name in config["encoding"]["window"]:
        choose(name, ["default", *registry["recordings"]], "config: encoding: window")
    for row in models.to_dict("records"):
        choose(row["architecture"], architectures, f"config: models: {row['model']}: architecture")
    for name in config["figures"]["models"]:
        choose(name, set(models["model"]), "config: figures: models")
    simulated = [
        entry["simulation"]["layer"]
        for entry in registry["recordings"].values()
        if entry.get("simulation")
    ]
    if any(registry["recordings"][name].get("simulation") for name in config["recordings"]):
        _check_teacher(config["simulation"], models, simulated)
    for row in models.to_dict("records"):
        names = [name for name in row["layers"].split(";") if name]
        check_layers(row["architecture"], names, f"config: models: {row['model']}: layers")


def _check_teacher(simulation: dict, models: pd.DataFrame, layers: list[str]) -> None:
    """The simulated arrays' teacher must be a row of the model table, and have their layers."""
    choose(simulation["teacher"], set(models["model"]), "config: simulation: teacher")
    rows = models[models["model"] == simulation["teacher"]]
    choose(
        simulation["teacher_weights"], set(rows["weights"]), "config: simulation: teacher_weights"
    )
    check_layers(rows["architecture"].iloc[0], layers, "registry: recordings: simulation: layer")


def check_layers(architecture: str, names: list[str], where: str) -> None:
    """Raise `UserError` if an architecture lacks one of these layers.

    Only named layers cost anything: the architecture is built (without weights), and its layers'
    names are kept in a cache under the name of timm's version.
    """
    if not names:
        return
    folder = Path(".snakemake") / "itcortex" / f"timm-{version('timm')}"
    cached = folder / f"{architecture}.json"
    if not cached.is_file():
        from itcortex.models import layer_names  # noqa: PLC0415 (takes seconds: loads torch)

        with atomic_path(cached) as temporary:
            temporary.write_text(json.dumps(sorted(layer_names(architecture))))
    valid = json.loads(cached.read_text())
    for name in names:
        choose(name, valid, where)


def check_results(folder: str | Path) -> None:
    """Raise `UserError` if results cannot be written where they belong."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; results need a folder of that name")
    existing = folder if folder.exists() else folder.resolve().parent
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: not writable; change its permissions, or use --directory")
