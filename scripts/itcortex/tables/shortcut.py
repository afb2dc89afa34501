"""Tables of the digits study."""

import pandas as pd

from itcortex.errors import UserError

_ORDER = ("recording", "model", "strength", "seed")


def trained_with(attributes: dict, path: str) -> dict:
    """Strength and seed that a file of weights notes; `UserError` if it was not trained here."""
    training = attributes.get("training", {})
    if "strength" not in training or "seed" not in training:
        raise UserError(
            f"{path}: its attributes name no strength and seed of a training; only weights that rule "
            "train_harmonized made can be compared over strengths"
        )
    return {"strength": float(training["strength"]), "seed": int(training["seed"])}


def join(probes: pd.DataFrame, summary: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    """A row for every network: what it is, its measures and its predictivity of the simulated array.

    `summary` has one row for each network and recording (`summary.over_folds` with ceilings);
    `networks` has the columns model, weights, family and series. Raises `UserError` for a network
    that has only measures or only predictivity.
    """
    keys = ["model", "weights"]
    wanted = ["recording", "layer", "r", "r_low", "r_high", "ceiling", "r_over_ceiling"]
    main = summary[(summary["control"] == "none") & summary["main_window"]]
    joined = probes.merge(
        main[keys + wanted].astype(dict.fromkeys([*keys, "recording", "layer"], str)),
        on=keys, how="outer", validate="1:1", indicator=True,
    )  # fmt: skip
    alone = joined[joined["_merge"] != "both"]
    if len(alone):
        first = alone.iloc[0]
        raise UserError(
            f"digits study: {first['model']} {first['weights']} has no "
            f"{'predictivity' if first['_merge'] == 'left_only' else 'probe'}; run its jobs again"
        )
    described = networks.merge(joined.drop(columns="_merge"), "right", keys, validate="1:1")
    return described.sort_values([*_ORDER], kind="stable", ignore_index=True)
