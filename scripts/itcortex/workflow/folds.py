"""How images are divided, as the settings say it: of each recording, in a word, and if it can be."""

import pandas as pd

from itcortex.data.own.columns import LABELS
from itcortex.data.own.entries import is_own
from itcortex.data.registry import IMAGE_COLUMNS, lacks_grid
from itcortex.encoding.divisions import WITH_NETWORK
from itcortex.errors import UserError, choose, nearest

Folds = str | int | dict
#: Column of the kind of every image, which the stimuli's entry gives.
KIND = "kind"
#: Mappings that fit nothing: to them a held-out value of a column is no generalisation.
UNFITTED = ("rsa", "cka")


def folds_of(setting: Folds, recording: str) -> Folds:
    """Folds of a recording, from the setting `folds`: one for all, or one for some by their names."""
    if isinstance(setting, dict) and "default" in setting:
        return setting.get(recording, setting["default"])
    return setting


def label_of(folds: Folds) -> str:
    """Short name of folds, for columns of tables and names of files."""
    if not isinstance(folds, dict):
        return str(folds)
    if folds["kind"] in WITH_NETWORK:
        return f"{folds['kind']}-{folds.get('k', folds.get('share'))}"
    name = folds["name"]
    return name if folds["kind"] == "column" or name == "split" else f"split-{name}"


def needs_network(folds: Folds) -> bool:
    """Whether a network's features divide the images."""
    return isinstance(folds, dict) and folds["kind"] in WITH_NETWORK


def written_out(settings: dict, schema: dict) -> dict:
    """Settings whose folds have all that they leave out, from the schema of settings."""
    (branch,) = [b for b in schema["$defs"]["folds"]["anyOf"] if b.get("type") == "object"]

    def full(folds: Folds) -> Folds:
        if not isinstance(folds, dict):
            return full({"kind": folds}) if folds in WITH_NETWORK else folds
        if "kind" not in folds:
            return {name: full(one) for name, one in folds.items()}
        key = {"clusters": "k", "far": "share"}.get(folds["kind"])
        return folds if key is None else {key: branch["properties"][key]["default"]} | folds

    encoding, multiverse = settings["encoding"], settings["multiverse"]
    splits = [full(one) for one in encoding["splits"]]
    variants = {
        name: one | ({"folds": full(one["folds"])} if "folds" in one else {})
        for name, one in multiverse["variants"].items()
    }
    return settings | {
        "encoding": encoding | {"folds": full(encoding["folds"]), "splits": splits},
        "multiverse": multiverse | {"variants": variants},
    }


def check_folds(config: dict, registry: dict) -> None:
    """Raise `UserError` for folds that a recording, a protocol or a mapping cannot have.

    Brain-Score's protocol draws splits of its own and does not read `folds`.
    """
    encoding, digits = config["encoding"], config["digits"].items()
    setting = encoding["folds"]
    if isinstance(setting, dict) and "default" in setting:
        for name in setting:
            choose(name, ["default", *registry["recordings"]], "config: encoding: folds")
    for name, about in digits:
        place = f"config: digits: {name}"
        if needs_network(about["folds"]):
            raise UserError(
                f"{place}: folds: no network divides these images; give a number of folds"
            )
        _check(about["folds"], about["recording"], registry, place, ["pls"], "corrected")
    for name in config["recordings"]:
        folds, protocol = folds_of(setting, name), encoding["protocol"]
        place = f"config: encoding ({name})"
        _check(folds, name, registry, place, encoding["mappings"], protocol)
        for variant, choices in config["multiverse"]["variants"].items():
            if "folds" in choices or "protocol" in choices:
                _check(
                    choices.get("folds", folds), name, registry,
                    f"config: multiverse: variants: {variant} ({name})",
                    choices.get("mappings", encoding["mappings"]),
                    choices.get("protocol", protocol),
                )  # fmt: skip
        for split in encoding["splits"]:
            where, first = f"config: encoding: splits ({name})", encoding["mappings"][:1]
            _check(split, name, registry, where, first, protocol)
    _check_splits(config)


def _check_splits(config: dict) -> None:
    """Further folds are of protocol corrected, and called as no variant and no other is."""
    encoding = config["encoding"]
    labels = [label_of(one) for one in encoding["splits"]]
    if labels and encoding["protocol"] != "corrected":
        raise UserError(
            f"config: encoding: splits: protocol {encoding['protocol']!r} divides images in its own "
            "way; choose protocol: corrected, or no splits"
        )
    taken = [*config["multiverse"]["variants"], *labels]
    for label in labels:
        if taken.count(label) > 1:
            raise UserError(
                f"config: encoding: splits: {label!r} stands twice, or is a name of `multiverse: "
                "variants` as well; leave one out, or give the variant another name"
            )


def asked_folds(config: dict) -> list[Folds]:
    """Folds of all recordings, of variants of the multiverse, and further splits."""
    encoding = config["encoding"]
    asked = [folds_of(encoding["folds"], name) for name in config["recordings"]]
    asked += [one["folds"] for one in config["multiverse"]["variants"].values() if "folds" in one]
    return asked + encoding["splits"]


def check_divided_by(config: dict, models: pd.DataFrame) -> None:
    """Raise `UserError` if images are to be divided by a network that the model table does not have."""
    encoding = config["encoding"]
    if any(map(needs_network, asked_folds(config))):
        where, network = "config: encoding: divided_by", encoding["divided_by"]
        choose(network["model"], {*models["model"]}, f"{where}: model")
        weights = models["weights"][models["model"] == network["model"]]
        choose(network["weights"], {*weights}, f"{where}: weights")


def _check(
    folds: Folds, recording: str, registry: dict, place: str, mappings: list[str], protocol: str
) -> None:
    entry = registry["recordings"][recording]
    if isinstance(folds, dict):
        _check_named(folds, entry, f"{place}: folds", mappings, protocol)
        return
    if protocol == "brainscore":
        return
    if folds == "image" and lacks_grid(entry):
        of_format = f"recordings of format {entry.get('format')!r} have"
        which = f"{entry['responses']} has" if is_own(entry) else of_format
        raise UserError(
            f"{place}: folds: 'image' leaves one sample in a fold: {which} no grid of positions; give a "
            "number of folds, such as 10"
        )


def _check_named(folds: dict, entry: dict, where: str, mappings: list[str], protocol: str) -> None:
    if protocol != "corrected":
        raise UserError(
            f"{where}: kind: {folds['kind']!r}: protocol {protocol!r} divides images in its own way; "
            "choose protocol: corrected, or a number of folds"
        )
    unfitted = [name for name in mappings if name in UNFITTED]
    if unfitted and folds["kind"] != "split":
        raise UserError(
            f"{where}: kind: {folds['kind']!r}: mapping {unfitted[0]!r} fits nothing, so that what is "
            "held out is nothing new to it; leave it out of `mappings`, or give a number of folds"
        )
    columns = None if needs_network(folds) else columns_of(entry)
    if columns is not None and folds["name"] not in columns:
        hint = nearest(folds["name"], columns) if columns else "it has none"
        own = "; name it in the recording's entry, as `labels: [...]`" if is_own(entry) else ""
        raise UserError(f"{where}: name: no column {folds['name']!r} of the images; {hint}{own}")


def columns_of(entry: dict) -> list[str] | None:
    """Columns of the images that a recording has, or may have; None where its reader decides."""
    if is_own(entry):
        split = ["split"] if "split" in entry else []
        return [*split, *entry.get("labels", []), *LABELS, KIND]
    known = IMAGE_COLUMNS.get(entry["format"])
    return None if known is None else [*known, KIND]
