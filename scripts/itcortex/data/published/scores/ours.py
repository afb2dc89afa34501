"""Scores of this workflow's own experiments, in the layout of published ones."""

import pandas as pd

from itcortex.data.published.scores.layout import tidy

#: Region of an area of the recordings' attributes.
AREAS = dict.fromkeys(("IT", "PL", "ML", "AL", "pIT", "cIT", "aIT"), "IT") | {
    area: area for area in ("V1", "V2", "V4")
}


def of_summary(summary: pd.DataFrame, source: str, score: str = "r") -> pd.DataFrame:
    """The main window of a summary table: r of every network, recording, mapping and protocol.

    With `score` r_over_ceiling it is r over the noise ceiling, where a mapping has one, and the metric
    is called `<mapping>_over_ceiling`. The benchmark is "recording mapping protocol"; families are
    those of the model table. Left out are SIMULATED recordings, controls, and recordings of an area
    that `AREAS` does not have.
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
        metric=rows["mapping"] + score.removeprefix("r"),
        score=rows[score],
        trained=(rows["category"] != "untrained").astype("boolean"),
    )
    return tidy(named).assign(family=rows["family"].to_numpy())


def of_attention(attention: pd.DataFrame, source: str) -> pd.DataFrame:
    """Agreement of networks' saliency with human maps, over the ceiling of people.

    The benchmark is "set map saliency", as in "ClickMe clicks raw"; the set ClickMe is spelt as
    published tables spell it. Controls are left out.
    """
    rows = attention[(attention["model"] != "") & (attention["control"] == "none")]
    names = rows["attention"].replace({"clickme": "ClickMe"})
    named = rows.assign(
        source=source,
        model=rows["model"] + " " + rows["weights"],
        timm=rows["model"] + "." + rows["weights"],
        accuracy=rows["top1"],
        region="attention",
        benchmark=names + " " + rows["map_kind"] + " " + rows["saliency"],
        metric="spearman_over_ceiling",
        score=rows["rho_over_ceiling"],
        trained=(rows["category"] != "untrained").astype("boolean"),
    )
    return tidy(named).assign(family=rows["family"].to_numpy())
