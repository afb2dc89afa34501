"""Brain-Score as it was when CORnet-S was published (Kubilius, Schrimpf et al. 2019)."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, tidy

REGIONS = {
    "V4": "V4",
    "IT": "IT",
    "IT (new data)": "IT",
    "IT (new images)": "IT",
    "Behavior": "behaviour",
    "Behavior (new data)": "behaviour",
}


def read_cornet(path: str | Path) -> pd.DataFrame:
    """Read `data.csv` of dicarlolab/neurips2019 into the tidy layout.

    IT and behaviour come three and two times: recordings of Majaj et al. (2015), of other neurons with
    the same images, and of other images; errors of people, and of other people. Most rows are
    checkpoints of one small network (`BaseNet6`), one family here; scores that are empty are left out.
    """
    table = read_csv(path, ["Model"], ["ImageNet", *REGIONS])
    parts = [
        table.assign(
            model=table["Model"],
            accuracy=100 * table["ImageNet"],
            region=region,
            benchmark=benchmark,
            metric="i2n" if region == "behaviour" else "pls",
            score=table[benchmark],
        ).dropna(subset="score")
        for benchmark, region in REGIONS.items()
    ]
    return tidy(pd.concat(parts, ignore_index=True))
