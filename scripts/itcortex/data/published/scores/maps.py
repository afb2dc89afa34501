"""Behavioural consistency of Brain-Score's networks, by Muzellec & Kar (2025)."""

from pathlib import Path

import pandas as pd

from itcortex.data.published.scores.layout import read_csv, tidy

_TOP1, _I2N = "ImageNet-top1_v1-score", "Rajalingham2018-i2n_v2-score"


def read_maps(path: str | Path) -> pd.DataFrame:
    """Read `ImageNet-top1_VS_Rajalingham2018-i2n.csv` of vital-kolab/maps into the tidy layout.

    Names are the leaderboard's, `architecture:tag` for timm's networks. Rows that say the same again
    are left out; one name with different numbers stays, as different networks.
    """
    table = read_csv(path, ["model"], [_TOP1, _I2N]).drop_duplicates()
    names = table["model"].str.strip()
    rows = table.assign(
        model=names,
        timm=names.str.replace(":", ".", n=1, regex=False).where(names.str.contains(":"), ""),
        accuracy=100 * table[_TOP1],
        region="behaviour",
        benchmark="Rajalingham2018-i2n",
        metric="i2n",
        score=table[_I2N],
    )
    return tidy(rows)
