"""Checks, before any job, of how encoding models are to be fitted: ridge, reduction, kept mappings."""

from itcortex.data.own.entries import is_own
from itcortex.data.registry import FORMATS_WITHOUT_GRID
from itcortex.errors import UserError
from itcortex.workflow.folds import asked_folds, needs_network


def check_ridge(encoding: dict) -> None:
    """Raise `UserError` for a grid of penalties that has no width, and for choices without effect."""
    ridge, grid = encoding["ridge"], encoding["ridge"]["penalties"]
    on_folds = ridge["inner"] == "folds"
    if on_folds and ridge["precision"] != "float64":
        raise UserError(
            f"config: encoding: ridge: precision: {ridge['precision']!r} has no effect with inner: "
            "folds, which is fitted in float64; set inner: images, or precision: float64"
        )
    on_gpu = {"pls"} if encoding["protocol"] == "corrected" else set()
    on_gpu |= set() if on_folds else {"ridge"}
    if encoding["device"] == "cuda" and on_gpu.isdisjoint(encoding["mappings"]):
        raise UserError(
            f"config: encoding: device: 'cuda' has no effect: {' and '.join(encoding['mappings'])} of "
            f"protocol {encoding['protocol']!r} are fitted on the CPU; set device: cpu, or for ridge "
            "regression ridge: {inner: images}"
        )
    if grid["number"] > 1 and not grid["lowest"] < grid["highest"]:
        raise UserError(
            f"config: encoding: ridge: penalties: lowest {grid['lowest']:g} is not below highest "
            f"{grid['highest']:g}; give a smaller `lowest`, or `number: 1`"
        )


def check_reduction(config: dict, registry: dict) -> None:
    """Raise `UserError` where features cannot be reduced as the settings ask.

    What cannot be known before a recording is read, whether it has a grid, is refused by the job.
    """
    kind, encoding = config["reduce"]["kind"], config["encoding"]
    variants = config["multiverse"]["variants"].values()
    if kind == "srp":
        for name in config["recordings"]:
            entry = registry["recordings"][name]
            if not is_own(entry) and entry.get("format") not in FORMATS_WITHOUT_GRID:
                raise UserError(
                    f"config: reduce: kind: 'srp' leaves no maps, and recording {name!r} has a grid of "
                    "positions, whose predictions and map alignment need them; choose kind: pool, which "
                    "leaves the maps of such a recording as they are"
                )
        if config["rdms"]:
            raise UserError(
                f"config: reduce: kind: 'srp' leaves no maps, and rdms: {config['rdms'][0]!r} is "
                "compared with means over positions too; compare RDMs in an experiment of their own"
            )
        _check_network_folds(config)
    for some in [encoding, *(encoding | variant for variant in variants)]:
        others = some["protocol"] != "corrected" or not {*some["mappings"]} <= {"pls", "ridge"}
        if kind == "pca" and others:
            raise UserError(
                f"config: reduce: kind: 'pca' is for mappings: [pls, ridge] of protocol: corrected, not "
                f"for {some['mappings']} of {some['protocol']!r}; choose another kind"
            )
        if kind == "pca" and "ridge" in some["mappings"] and some["ridge"]["inner"] == "folds":
            raise UserError(
                "config: encoding: ridge: inner: 'folds' has no principal components (reduce: kind: "
                "'pca'); set inner: images, or choose another kind"
            )
    if encoding["keep_mappings"] and kind != "pool":
        raise UserError(
            f"config: reduce: kind: {kind!r}: only mappings of pooled layers are kept; choose kind: "
            "pool, or encoding: {keep_mappings: false}"
        )


def _check_network_folds(config: dict) -> None:
    """Raise `UserError` for clusters and far test sets of projected layers.

    A projection mixes the positions of a map: distances between its values are of what is where, and
    images are divided by what a network sees, whatever its place.
    """
    for folds in filter(needs_network, asked_folds(config)):
        raise UserError(
            f"config: reduce: kind: 'srp' leaves no means over positions, and folds of kind: "
            f"{folds['kind']!r} are made of them; choose reduce: kind: pool, or a number of folds, or a "
            "column of the images (kind: split or column)"
        )


def check_kept(encoding: dict) -> None:
    """Raise `UserError` for mappings that cannot be kept, and for pictures without a kept mapping."""
    if encoding["keep_mappings"] and encoding["protocol"] != "corrected":
        raise UserError(
            f"config: encoding: keep_mappings: protocol {encoding['protocol']!r} keeps none; choose "
            "protocol: corrected"
        )
    if encoding["predict"] and not encoding["keep_mappings"]:
        raise UserError(
            "config: encoding: predict: only a kept mapping predicts responses; add keep_mappings: true"
        )
