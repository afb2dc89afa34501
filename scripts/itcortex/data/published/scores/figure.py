"""Points read off the main figure of Linsley et al. (2023)."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, tidy
from itcortex.errors import UserError

CATEGORIES = {
    "cnn": "cnn",
    "extra": "extra_data",
    "transformer": "vit",
    "selfsup": "self_supervised",
    "robust": "robust",
    "harmonized": "harmonized",
}


def read_figure(path: str | Path) -> pd.DataFrame:
    """Read a CSV of digitised points (panel, category, imagenet_top1, neural_predictivity).

    The figure names no networks: a point's name is its panel and row, and it is a family of its own.
    Intervals from these points take networks as independent, which they are not.
    """
    table = read_csv(path, ["panel", "category"], ["imagenet_top1", "neural_predictivity"], "#")
    if (unknown := ~table["category"].isin(CATEGORIES)).any():
        raise UserError(f"{path}: category {table['category'][unknown].iloc[0]!r} is unknown")
    names = table["panel"] + " " + (table.groupby("panel").cumcount() + 1).astype(str)
    rows = table.assign(
        model=names,
        accuracy=table["imagenet_top1"],
        region="IT",
        benchmark=table["panel"].str.replace("_", " "),
        metric="pls_over_ceiling",
        score=table["neural_predictivity"],
        category=table["category"].map(CATEGORIES),
    )
    return tidy(rows).assign(family=names.to_numpy())
