"""Scores of networks trained at many scales, by Gokce & Schrimpf (2025)."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, tidy, truth

REGIONS = {"V1": "V1", "V2": "V2", "V4": "V4", "IT": "IT", "Behavioral": "behaviour"}
_FLAGS = ["is_pretrained", "is_random", "is_ssl", "is_adv"]
_TEXTS = ["model_id", "arch", "dataset", "benchmark_name", "region", *_FLAGS]


def read_gokce(path: str | Path) -> pd.DataFrame:
    """Read `benchmark_scores.csv` of epflneuroailab/scaling-primate-vvs into the tidy layout.

    Its column `acc` is the accuracy on the data that a network was trained on. It is ImageNet top-1
    for networks trained on ImageNet; all others have no accuracy here (ecoset has 565 classes, an
    infinite MNIST ten). Pretrained networks have none in the table.
    """
    table = read_csv(path, _TEXTS, ["n_params", "score", "acc"])
    flag = {name: truth(table[name], path) for name in _FLAGS}
    is_behaviour = table["region"] == "Behavioral"
    rows = table.assign(
        model=table["model_id"],
        architecture=table["arch"],
        timm=table["model_id"].where(flag["is_pretrained"] & _timm_named(table), ""),
        accuracy=(100 * table["acc"]).where(table["dataset"] == "imagenet"),
        region=table["region"].map(REGIONS).fillna(table["region"]),
        benchmark=table["benchmark_name"],
        metric=is_behaviour.map({True: "i2n", False: "pls"}),
        parameters=table["n_params"],
        training_data=table["dataset"],
        supervised=~flag["is_ssl"],
        adversarial=flag["is_adv"],
        trained=~flag["is_random"],
    )
    return tidy(rows)


def _timm_named(table: pd.DataFrame) -> pd.Series:
    """True where the name is `architecture.tag`, as timm has it."""
    return table["model_id"] == table["arch"] + "." + table["dataset"]
