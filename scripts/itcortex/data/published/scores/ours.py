"""Scores of this workflow's own experiments, in the layout of published ones."""

import pandas as pd

from itcortex.data.published.scores.layout import tidy

#: Region of an area of the recordings' attributes.
AREAS = dict.fromkeys(("IT", "PL", "ML", "AL", "pIT", "cIT", "aIT"), "IT") | {
    area: area for area in ("V1", "V2", "V4")
}


def of_summary(summary: pd.DataFrame, source: str) -> pd.DataFrame:
    """The main window of a summary table: r of every network, recording, mapping and protocol.

    The benchmark is "recording mapping protocol"; families are those of the model table. Left out are
    SIMULATED recordings, controls, and recordings of an area that `AREAS` does not have.
    """
    real = (summary["control"] == "none") & ~summary["simulated"].astype(bool)
    rows = summary[real & summary["main_window"].astype(bool)]
    rows = rows.assign(region=rows["area"].map(AREAS)).dropna(subset="region")
    named = rows.assign(
        source=source,
        model=rows["model"] + " " + rows["weights"],
        timm=rows["model"] + "." + rows["weights"],
        accuracy=rows["top1"],
        benchmark=rows["recording"] + " " + rows["mapping"] + " " + rows["protocol"],
        metric=rows["mapping"],
        score=rows["r"],
        trained=(rows["category"] != "untrained").astype("boolean"),
    )
    return tidy(named).assign(family=rows["family"].to_numpy())
