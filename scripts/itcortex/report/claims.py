"""The claims of the paper, each with the paper's number and what this run says of it."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.tables import condition_words, panels
from itcortex.tables.condition_contrasts import HUMAN, LABELS, NONE, are_harmonized
from itcortex.tables.numbers import bounds, number
from itcortex.tables.paper import GAIN, RANK
from itcortex.tables.trend_limits import NOT_BASELINE
from itcortex.tables.trends import FEW_FAMILIES

READ_OFF = "read off the published figure"


@dataclass(frozen=True)
class Claim:
    """One line of the summary.

    Attributes
    ----------
    number, limits : what the run found and its 95 % interval, as text; "–" and "" where it cannot say.
    note : what the number is of, or why there is none.
    """

    claim: str
    where: str
    paper: str
    number: str
    limits: str
    note: str


def of_run(
    summary: pd.DataFrame, tradeoff: pd.DataFrame, harmonized: pd.DataFrame,
    conditions: pd.DataFrame | None = None,
) -> list[Claim]:  # fmt: skip
    """A line for every claim and recording; `conditions` is the table of that name, if there is one."""
    shown = panels.of_summary(summary)
    gains = (_gain(panel, panel.of(summary), panel.of(harmonized), conditions) for panel in shown)
    trained = (_training(panel, panel.of(summary)) for panel in shown)
    return [
        *(_rank(panel, panel.of(tradeoff)) for panel in shown),
        *filter(None, gains),
        *([] if conditions is None else _human_maps(conditions, shown[0].mapping)),
        *filter(None, trained),
    ]


def by_claim(claims: list[Claim]) -> list[tuple[str, list[Claim]]]:
    """Claims with all lines of each."""
    names = dict.fromkeys(one.claim for one in claims)
    return [(name, [one for one in claims if one.claim == name]) for name in names]


def _interval(low: float, high: float, digits: int = 2) -> str:
    return "{} to {}".format(*bounds(low, high, digits)) if np.isfinite([low, high]).all() else ""


def _rank(panel: panels.Panel, tradeoff: pd.DataFrame) -> Claim:
    rows = tradeoff[(tradeoff["statistic"] == "spearman") & (tradeoff["group"] == "all")]
    row = rows.iloc[0] if len(rows) else None
    known = row is not None and np.isfinite(row["value"])
    if row is None:
        note = "not tested"
    elif known:
        note = f"Spearman's ρ, {row['n_models']} networks of {row['n_families']} families"
        if row["n_families"] < FEW_FAMILIES:
            note += ", too few for the interval: it is a rough guide and too narrow"
    else:
        note = f"cannot be tested: {row['note']}"
    paper = RANK.get(panel.recording)
    return Claim(
        "Predictivity falls as ImageNet accuracy rises",
        panel.title,
        f"ρ = {number(paper)} ({READ_OFF})" if paper is not None else "falls",
        number(row["value"]) if known else "–",
        _interval(row["low"], row["high"]) if known else "",
        note,
    )


def _gain(
    panel: panels.Panel, summary: pd.DataFrame, harmonized: pd.DataFrame,
    conditions: pd.DataFrame | None,
) -> Claim | None:  # fmt: skip
    """Harmonized networks against their baselines, in pairs; in words, against the best other one.

    Where there is a table of conditions, the number and its interval are that table's.
    """
    rows = _real(summary)
    ours = rows[are_harmonized(rows)]["r"]
    others = panels.not_tuned_here(rows[~rows["category"].isin(NOT_BASELINE)])["r"]
    if ours.empty:
        return None
    mean = harmonized[harmonized["model"] == ""]
    known = len(mean) and np.isfinite(mean["difference"].iloc[0])
    note = "no baseline was scored"
    if known:
        note = f"{mean['note'].iloc[0]}: r minus that of the baseline"
    row = _of_human_maps(panel, conditions)
    if row is not None:
        trained = f"{_counted(row)}{condition_words.at_strength(row)}"
        note = f"{trained}: r minus that of strength 0 (table conditions: {row['drawn']})"
    elif known:
        row = mean.iloc[0]
    if len(others):
        over = number(ours.mean() - others.max(), 3)
        note += f"; mean of harmonized networks minus the best other one: {over}"
    paper = GAIN.get(panel.recording)
    return Claim(
        "The neural harmonizer breaks that trade-off",
        panel.title,
        f"+{number(paper, 3)} over the best other network ({READ_OFF})"
        if paper
        else "above all others",
        "–" if row is None else number(row["difference"], 3),
        "" if row is None else _interval(row["low"], row["high"], 3),
        note,
    )


def _of_human_maps(panel: panels.Panel, conditions: pd.DataFrame | None) -> pd.Series | None:
    """Human maps minus strength 0 on one recording, over models; None where that is not known."""
    if conditions is None:
        return None
    return condition_words.contrast(
        conditions, HUMAN, NONE, measure="r", target=panel.recording, mapping=panel.mapping
    )


def _counted(row: pd.Series) -> str:
    """How many networks a row of the table of conditions is of, and how many pairs of one seed."""
    return f"{_count(row['n_models'], 'network')}, {_count(row['n_seeds'], 'pair')} of equal seed"


def _human_maps(conditions: pd.DataFrame, mapping: str) -> list[Claim]:
    """Human maps against every control, in every area of several recordings or recording."""
    found = []
    of = condition_words.headline(conditions, "r", mapping)
    for strength, target in itertools.product(condition_words.strengths(conditions), of):
        where = {"measure": "r", "target": target, "mapping": mapping, "strength": strength}
        said = condition_words.verdict(conditions, **where)
        found += [
            Claim(
                "Human maps change predictivity more than other maps do",
                f"{target}{condition_words.at_strength(row)}, against {LABELS[control]}",
                "no other maps",
                number(row["difference"], 3),
                _interval(row["low"], row["high"], 3),
                f"{said}; difference of r within sites over {_count(row['n_models'], 'model')} and "
                f"{_count(row['n_seeds'], 'pair')} of networks",
            )
            for control, row in condition_words.controls(conditions, **where).items()
        ]
    return found


def _count(number_of: float, what: str) -> str:
    return f"{int(number_of)} {what}" + ("" if number_of == 1 else "s")


def _training(panel: panels.Panel, summary: pd.DataFrame) -> Claim | None:
    """The best trained network and the best untrained one."""
    rows = _real(summary)
    untrained, trained = (
        rows[rows["category"] == "untrained"],
        rows[rows["category"] != "untrained"],
    )
    if trained.empty:
        return None
    trained = panels.not_tuned_here(trained)
    best = trained.loc[trained["r"].idxmax()]
    note = f"r of {best['model']}, the best trained network"
    if len(untrained):
        note += f"; the best untrained one reaches {number(untrained['r'].max())}"
    return Claim("Trained networks predict the recording", panel.title, "yes",
                 number(best["r"]), _interval(best["r_low"], best["r_high"]), note)  # fmt: skip


def _real(summary: pd.DataFrame) -> pd.DataFrame:
    main = summary["main_window"].astype(bool) & (summary["control"] == "none")
    return summary[main & summary["r"].notna()]
