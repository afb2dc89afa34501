"""Prediction of human occipitotemporal cortex by 224 networks, by Conwell et al. (2024)."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, tidy
from itcortex.errors import UserError

_TEXTS = ["model_string", "architecture", "model_class", "train_task", "train_data", "metric"]
_TOP1 = "imagnet1k_top1"  # spelt so
_SUPERVISED = {"classification": True, "selfsupervised": False, "slip": False, "seer": False,
               "clip": False, "ipcl": False}  # fmt: skip


def read_deepnsd(results: str | Path, accuracies: str | Path) -> pd.DataFrame:
    """Read `results_summary.csv` and `imagenet1k.csv` of ColinConwell/DeepNSD into the tidy layout.

    Functional MRI of people who saw natural scenes (NSD). A network has three scores, one a metric.
    Networks that are not in the second table have no accuracy.
    """
    table = read_csv(results, _TEXTS, ["total_parameter_count", "score"])
    top1 = read_csv(accuracies, ["model_string"], [_TOP1]).set_index("model_string")[_TOP1]
    if top1.index.has_duplicates:
        raise UserError(f"{accuracies}: holds a network twice; the published table has changed")
    rows = table.assign(
        model=table["model_string"],
        accuracy=table["model_string"].map(top1),
        region="OTC",
        benchmark="NSD",
        category=table["model_class"],
        parameters=table["total_parameter_count"],
        training_data=table["train_data"].replace("NA", ""),
        supervised=table["train_task"].map(_SUPERVISED).astype("boolean"),
        trained=(table["train_task"] != "random").astype("boolean"),
    )
    return tidy(rows)
