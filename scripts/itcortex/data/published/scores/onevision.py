"""Alignment of timm's networks with human attention, by the authors' lab."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, tidy

#: Columns of the table: agreement with people on ImageNet's photographs (ClickMe), and on CO3D's.
BENCHMARKS = {"imgnet_alignment": "ClickMe", "co3d_alignment": "CO3D"}


def read_onevision(path: str | Path) -> pd.DataFrame:
    """Read `model_type_reference.csv` of serre-lab/onevision into the tidy layout.

    Names are timm's. Accuracy is ImageNet top-1 (`imgnet_acc`, percent); `acc`, of a probe on CO3D,
    is another thing and is left out. Alignment is over the ceiling between people.
    """
    table = read_csv(path, ["model", "model_type"], ["imgnet_acc", *BENCHMARKS])
    parts = [
        table.assign(
            timm=table["model"],
            accuracy=table["imgnet_acc"],
            region="attention",
            benchmark=benchmark,
            metric="spearman_over_ceiling",
            score=table[column],
            category=table["model_type"],
        )
        for column, benchmark in BENCHMARKS.items()
    ]
    return tidy(pd.concat(parts, ignore_index=True))
