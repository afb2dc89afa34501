"""What published scores say of the trend with accuracy, as a page in Markdown made from the tables."""

import numpy as np
import pandas as pd

from itcortex.tables.numbers import bounds, number
from itcortex.tables.published import LINE, at_cut, line_names

CUTS = (0, 20, 40, 50, 60, 70, 75)  # columns of the table, % of top-1
MAIN = "IT"  # region of the opening sentences
#: Other regions that have a sentence, and how it begins.
OTHERS = {
    "V4": "Macaque V4",
    "OTC": "Human occipitotemporal cortex",
    "behaviour": "Consistency with people's errors",
    "attention": "Alignment with people's attention",
}
PER = 10  # percentage points that slopes are given for
CAVEATS = (
    "Networks of a family are no independent observations: intervals draw whole families. With fewer "
    "than ten families they are a rough guide and too narrow.",
    "A narrow range alone brings a correlation nearer to zero. It does not turn its sign, and it leaves "
    "a slope as it is: hence both.",
    "The p values are those of a mixed model, in which all families share one slope. Where an interval "
    "over families holds zero beside a small p value, families differ in their slopes.",
    "The ranges of a curve overlap. Its points are not independent, and its band holds for one range "
    "at a time.",
    "Tables share networks, images and recordings, so that they are no independent experiments. Their "
    "scores are normalised in different ways: compare signs and ranks, not heights.",
    "The most accurate networks differ from others in more than their accuracy: in training data, "
    "input size, architecture and year. A trend says nothing of what causes it.",
)


def text(
    curve: pd.DataFrame,
    families: pd.DataFrame,
    cut: float,
    labels: dict[str, str],
    bibliography: list[dict],
) -> str:
    """The whole page.

    Parameters
    ----------
    curve, families : the range table and the table of family trends.
    cut : accuracy (%) from which on networks are compared apart from all.
    labels : titles of the sources.
    bibliography : label, citation and licence of every published table.
    """
    whole, best = _named(at_cut(curve, 0), labels), _named(at_cut(curve, cut), labels)
    parts = [
        "# Published scores and ImageNet accuracy",
        headline(whole, best, cut),
        *[f"- {sentence}" for sentence in main_sentences(whole, best, cut)],
        *[f"- {sentence}" for sentence in other_sentences(whole, best, cut)],
        "## Spearman's ρ above a lowest accuracy",
        range_rows(curve, labels),
        "## Within families and between them",
        family_rows(families, labels),
        "## What this does not say",
        "\n".join(f"- {caveat}" for caveat in CAVEATS),
        "## Sources",
        "\n".join(
            f"- {one['label']}: {one['citation']}. Licence: {one['licence']}."
            for one in bibliography
        ),
    ]
    return "\n\n".join(parts).replace(".\n\n- ", ".\n- ") + "\n"


def _named(rows: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    """Rows with the full name of their line, by what a line is."""
    named = rows.assign(name=rows["source"].map(labels) + ", " + line_names(rows))
    return named.set_index([*LINE, "subset"])


def headline(whole: pd.DataFrame, best: pd.DataFrame, cut: float) -> str:
    """Signs of the main region counted: over all networks, and over those above the cut."""
    both = _spanning(whole, best, cut, MAIN)
    if not both:
        return f"No table of {MAIN} has enough networks both below and above {cut:g} % of top-1."
    rising = [key for key in both if whole.loc[key, "value"] > 0]
    turned = [key for key in rising if best.loc[key, "value"] < 0]
    certain = [key for key in both if best.loc[key, "high"] < 0 or best.loc[key, "low"] > 0]
    does = "depends" if turned else "does not depend"
    return (
        f"**The sign of the trend {does} on the range of accuracy.** Of {len(both)} lines of {MAIN} "
        f"that span {cut:g} % of top-1, {len(rising)} rise with accuracy over all networks, and "
        f"{len(turned)} of these fall among the networks of at least {cut:g} %. Among those the "
        f"interval leaves out zero in {len(certain)} of {len(both)}."
    )


def _spanning(whole: pd.DataFrame, best: pd.DataFrame, cut: float, region: str) -> list[tuple]:
    """Lines of a region, no subsets, that have networks below the cut and enough above it."""
    lines = _of_region(whole, region)
    there = lines.index.intersection(best.index)
    return [key for key in there if best.loc[key, "from"] >= cut > lines.loc[key, "from"]]


def other_sentences(whole: pd.DataFrame, best: pd.DataFrame, cut: float) -> list[str]:
    """A sentence a region that is not the main one: between what its correlations lie."""
    found = []
    for region, words in OTHERS.items():
        both = _spanning(whole, best, cut, region)
        if both:
            of_all, of_best = (_between(rows.loc[both, "value"]) for rows in (whole, best))
            found.append(f"{words}: ρ {of_all} over all networks, {of_best} from {cut:g} % on.")
    return found


def _between(values: pd.Series) -> str:
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"


def _of_region(rows: pd.DataFrame, region: str) -> pd.DataFrame:
    """Lines of a region, no subsets."""
    there = rows.index.get_level_values("region") == region
    return rows[there & (rows.index.get_level_values("subset") == "all")]


def main_sentences(whole: pd.DataFrame, best: pd.DataFrame, cut: float) -> list[str]:
    """A sentence a line of the main region: rho of all, rho of the best, and the change."""
    found = []
    for key, row in _of_region(whole, MAIN).iterrows():
        sentence = f"{row['name']}: ρ {_estimate(row)} over all {row.n_models} networks"
        above = best.loc[key]
        if above["from"] >= cut > row["from"]:
            change = above[["change", "change_low", "change_high"]].set_axis(
                ["value", "low", "high"]
            )
            sentence += (
                f", {_estimate(above)} over the {above.n_models} of at least {cut:g} %; a change by "
                f"{_estimate(change)}"
            )
        found.append(sentence + ".")
    return found


def _estimate(row: pd.Series, digits: int = 2) -> str:
    """A value with its interval in brackets."""
    value = number(row["value"], digits)
    if not np.isfinite(row["low"]):
        return value
    return "{} [{}, {}]".format(value, *bounds(row["low"], row["high"], digits))


def range_rows(curve: pd.DataFrame, labels: dict[str, str]) -> str:
    """A Markdown table: a line a row, rho above every cut, and the number of networks."""
    names = _named(at_cut(curve, 0), labels)["name"]
    cells = {cut: _named(at_cut(curve, cut), labels) for cut in CUTS}
    rows = []
    for key, name in names.items():
        row = [name]
        for cut in CUTS:
            one = cells[cut].loc[key]
            reached = cut == CUTS[0] or abs(one["from"] - cut) < 1e-9
            row.append(f"{number(one['value'])} ({one.n_models})" if reached else "")
        rows.append(row)
    return _table(["table, line", "all", *[f">= {cut} %" for cut in CUTS[1:]]], rows)


def family_rows(families: pd.DataFrame, labels: dict[str, str]) -> str:
    """A Markdown table: slopes within and between families, all networks and the best."""
    shown = families[(families["subset"] == "all") & (families["family"] == "")]
    shown = shown[shown["region"].isin(["IT", "OTC", "attention"])]
    shown = shown.assign(name=shown["source"].map(labels) + ", " + line_names(shown))
    rows = []
    for key, some in shown.groupby([*LINE, "subset", "from"], sort=False, observed=True):
        values = some.set_index("statistic")
        if not np.isfinite(values.loc["within_slope", "value"]):
            continue
        all_or_best = "all" if key[-1] == 0 else f">= {key[-1]:g} %"
        slopes = values.loc[["within_slope", "between_slope"], ["value", "low", "high"]] * PER
        tested = (
            values["p"].get("mixed_within_slope", np.nan),
            values["p"].get("mixed_between_slope", np.nan),
        )
        rows.append(
            [
                some["name"].iloc[0],
                all_or_best,
                *[_estimate(row, 3) for _, row in slopes.iterrows()],
            ]
            + ["< .001" if p < 0.001 else number(p, 3) for p in tested]
            + [f"{values['n_models'].iloc[0]} / {values['n_families'].iloc[0]}"]
        )
    head = ["table, line", "range", f"within, per {PER} % of top-1", f"between, per {PER} %"]
    head += ["p within", "p between", "networks / families"]
    return (
        _table(head, rows) if rows else "No table has families with networks of different accuracy."
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )
