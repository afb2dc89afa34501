"""Checks of settings and tables before any job: what is wrong, where, and what was probably meant."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from itcortex.data.own.entries import is_own, require_files
from itcortex.encoding.recording_pairs import OF_RECORDING
from itcortex.errors import UserError, choose, nearest
from itcortex.networks.network import Network
from itcortex.networks.timm_names import known_architectures
from itcortex.workflow.encoding_checks import check_kept, check_reduction, check_ridge
from itcortex.workflow.folds import check_divided_by, check_folds
from itcortex.workflow.model_table import check_layers, check_models
from itcortex.workflow.refused_rows import RefusedRow
from itcortex.workflow.schemas import _located, load_yaml
from itcortex.workflow.trainings import check_trainings


def with_recordings(schema: dict, config: dict) -> dict:
    """The schema of settings in which every recording of an experiment is a ceiling by name too."""
    recordings = config.get("recordings")
    listed = recordings if isinstance(recordings, list) else []
    names = [
        one.get("name") if isinstance(one, dict) else one for one in listed
    ]  # own ones are entries
    named = [f"{OF_RECORDING}{name}" for name in names]
    ceiling = schema["$defs"]["ceiling"]
    known = ceiling | {"enum": [*ceiling["enum"], *named]}
    return schema | {"$defs": schema["$defs"] | {"ceiling": known}}


def check_experiment(
    config: dict, registry: dict, models: pd.DataFrame, refused: list[RefusedRow] | None = None
) -> None:
    """Raise `UserError` for a name in the settings that no table, or timm, knows.

    With a list `refused`, of rows of the model table that were refused before, the rows' networks are
    left to whoever asks for them: rule `check_models` looks at each.
    """
    _check_aim(config)
    _check_windows(config["encoding"])
    for name in config["recordings"]:
        choose(name, registry["recordings"], "config: recordings")
        _check_own(name, registry)
    _check_names(config, registry)
    check_trainings(config["training"])
    for training, about in config["training"].items():
        if "digits" in about:
            choose(about["digits"], config["digits"], f"config: training: {training}: digits")
    for digits, about in config["digits"].items():
        choose(digits, registry["datasets"], "config: digits")
        choose(about["recording"], registry["recordings"], f"config: digits: {digits}: recording")
    check_folds(config, registry)
    check_kept(config["encoding"])
    check_reduction(config, registry)
    check_ridge(config["encoding"])
    known = {*models["model"], *(row.model for row in refused or [])}
    _require_models(config, known)
    for training, about in config["training"].items():
        for name in about["recipes"]:  # a table may hold some of the networks of a training
            valid = known | {*known_architectures()}
            choose(name, valid, f"config: training: {training}: recipes: model")
    if refused is None:
        check_divided_by(config, models)
        check_pairs(config["statistics"]["pairs"], models)
        check_concepts(config, models)
        check_models(models, registry)
        check_measured(config, models)
    for name in config["figures"]["models"] or ():
        choose(name, known, "config: figures: models")
    simulated = [
        entry["simulation"]["layer"]
        for entry in registry["recordings"].values()
        if entry.get("simulation")
    ]
    if any(registry["recordings"][name].get("simulation") for name in config["recordings"]):
        _check_teacher(config["simulation"], models, simulated, refused)


def _check_windows(encoding: dict) -> None:
    """Raise `UserError` for a time window that ends before it begins."""
    sweep = encoding["sweep"] if isinstance(encoding["sweep"], list) else []
    windows = {"window": [*encoding["window"].values()], "sweep": sweep}
    for key, asked in windows.items():
        for start, stop in asked:
            if not start < stop:
                raise UserError(
                    f"config: encoding: {key}: [{start:g}, {stop:g}) ms ends before it begins; write "
                    "[start, stop]"
                )


def check_mirror(mirror: str | None) -> None:
    """Raise `UserError` for a mirror that is no address, and no folder that is there."""
    if mirror and "://" not in mirror and not Path(mirror).is_dir():
        raise UserError(
            f"config: mirror: no folder {mirror}; a path is relative to {Path.cwd()}, and an address "
            "begins with http:// or https://"
        )


def _check_names(config: dict, registry: dict) -> None:
    """Raise `UserError` for a name in the settings that the registry does not have."""
    lists = {
        "published: tables": (config["published"]["tables"], "scores"),
        "rdms": (config["rdms"], "rdms"),
        "attention: sets": (config["attention"]["sets"], "attention"),
    }
    by_name = {  # one for some by their names, and `default` for all others
        "encoding: window": (config["encoding"]["window"], "recordings"),
        "ceiling: name": (config["ceiling"]["name"], "recordings"),
        "activations: side": (config["activations"]["side"], "stimuli"),
    }
    for key, (names, kind) in lists.items():
        for name in names:
            choose(name, registry[kind], f"config: {key}")
    for key, (value, kind) in by_name.items():
        for name in value if isinstance(value, dict) else ():
            choose(name, ["default", *registry[kind]], f"config: {key}")


def _check_own(name: str, registry: dict) -> None:
    """Raise `UserError` if a file or folder of an own recording is not there."""
    entry = registry["recordings"][name]
    for one in (entry, registry["stimuli"][entry["stimuli"]]):
        if is_own(one):
            require_files(one, f"recordings: {name}")


def check_pairs(pairs: list[list[str]], models: pd.DataFrame) -> None:
    """Raise `UserError` for pairs with a network that no row of the model table names, or twice one.

    So does a pair that is named twice, also the other way round.
    """
    known, seen = {*(models["model"] + " " + models["weights"])}, set()
    for pair in pairs:
        for name in pair:
            choose(name, known, "config: statistics: pairs")
        if pair[0] == pair[1]:
            raise UserError(
                f"config: statistics: pairs: {pair[0]!r} is compared with itself; name two networks"
            )
        if frozenset(pair) in seen:
            raise UserError(
                f"config: statistics: pairs: {pair[0]!r} and {pair[1]!r} are named twice; name them "
                "once, the one first from which the other is taken off"
            )
        seen.add(frozenset(pair))


def check_concepts(config: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` for concepts of unknown networks or recordings, no maps, or too few crops."""
    concepts = config["concepts"]
    for name in concepts["models"]:
        choose(name, {*(models["model"] + " " + models["weights"])}, "config: concepts: models")
    for name in concepts["recordings"] or ():
        choose(name, config["recordings"], "config: concepts: recordings")
    if concepts["models"] and config["reduce"]["kind"] == "srp":
        raise UserError(
            "config: concepts: models: concepts are parts of a layer's maps, and reduce: kind: 'srp' "
            "leaves none; choose kind: pool, or no models"
        )
    if concepts["models"] and concepts["crops"] < concepts["number"]:
        raise UserError(
            f"config: concepts: crops: {concepts['crops']} crops are fewer than number: "
            f"{concepts['number']} concepts; take more crops, or look for fewer concepts"
        )


def _check_aim(config: dict) -> None:
    """An experiment compares networks with something."""
    compared = [config["recordings"], config["rdms"], config["attention"]["sets"]]
    if not any([*compared, config["published"]["tables"]]):
        raise UserError(
            "config: recordings: none is named, and nothing else to compare networks with (rdms, "
            "attention: sets, published: tables); name at least one"
        )


def _require_models(config: dict, known: set[str]) -> None:
    """What compares networks with something needs a network."""
    compared = [config["recordings"], config["rdms"], config["attention"]["sets"]]
    if any(compared) and not known:
        raise UserError(
            f"config: models: {config['models']}: no row names a network; add one "
            "(experiments/own_models.csv has examples)"
        )


def check_measured(config: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` for rows whose top-1 is to be measured, if the images are not there."""
    for row in models[models["measured"]].to_dict("records"):
        where = f"{row['where']}: {row['model']}"
        _located(where, require_labelled, config["accuracy"]["images"])


def require_labelled(images: str | None) -> None:
    """Raise `UserError` if there is no folder `images` to measure a row's top-1 on."""
    if images is None:
        raise UserError(
            "top1: measure: config: accuracy: images names no folder; name one that holds a folder of "
            "images for each of ImageNet's 1,000 classes, as its validation set, or write the published "
            "accuracy into the row"
        )
    if not Path(images).is_dir():
        raise UserError(
            f"top1: measure: config: accuracy: images: no folder {images}; a path is relative to "
            f"{Path.cwd()}"
        )


def _check_teacher(
    simulation: dict, models: pd.DataFrame, layers: list[str], refused: list[RefusedRow] | None
) -> None:
    """The simulated arrays' teacher must be a row of the model table, and have their layers."""
    for row in refused or []:
        if (row.model, row.weights) == (simulation["teacher"], simulation["teacher_weights"]):
            raise UserError(f"config: simulation: teacher: {row.reason}")
    if simulation["teacher"] not in set(models["model"]):
        raise UserError(
            f"config: simulation: teacher: {simulation['teacher']!r} does not exist in the model table; "
            "simulated recordings are made from this network: add its table to `models` "
            "(experiments/models.csv has the demo's), or name a row as the teacher; "
            + nearest(simulation["teacher"], sorted(set(models["model"])))
        )
    rows = models[models["model"] == simulation["teacher"]]
    choose(
        simulation["teacher_weights"], set(rows["weights"]), "config: simulation: teacher_weights"
    )
    if refused is not None:
        return
    network = Network.of_row(rows.iloc[0].to_dict())
    check_layers(network, layers, "registry: recordings: simulation: layer")


def check_results(folder: str | Path) -> None:
    """Raise `UserError` if results cannot be written where they belong."""
    folder = Path(folder)
    if folder.is_symlink() and not folder.exists():
        raise UserError(
            f"{folder}: is a link to {folder.readlink()}, which is not there; make that folder, or "
            "remove the link"
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; results need a folder of that name")
    existing = folder if folder.exists() else folder.resolve().parent
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(
            f"{folder}: not writable; change its permissions, or make it a link to a folder where you "
            "may write"
        )


def check_overlays(overlays: Sequence[str | Path], given: dict) -> None:
    """Raise `UserError` for an overlay that cannot be read, and if none names its experiment.

    `given` is what overlays and the command line say. Without a name of its own, an overlay's results
    would take the place of the demo's.
    """
    for path in overlays:
        load_yaml(path)
    if overlays and "experiment" not in given:
        raise UserError(
            f"{', '.join(Path(path).name for path in overlays)}: names no experiment, so that its "
            "results would replace those of demo; write `experiment: a_name` into it, or `experiment: "
            "demo` if that is meant"
        )
