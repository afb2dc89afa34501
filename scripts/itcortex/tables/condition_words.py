"""What the table of conditions says, in words that say no more than it does."""

import numpy as np
import pandas as pd

from itcortex.tables.condition_contrasts import CONTROLS, HUMAN, LABELS, NONE
from itcortex.tables.numbers import bounds, number

_DIGITS = 3
_SYMBOLS = {"r": "r", "r_over_ceiling": "r over the ceiling"}
_WHAT = {
    "rsa": "the similarity with the dissimilarities {target} (ρ)",
    "attention": "the agreement of {maps} with people ({map_kind}, ρ)",
    "attention_partial": "that of {maps} beyond the usual places ({map_kind}, partial ρ)",
    "agreement": "the share of photographs with the same first class as before training",
    "divergence": "the divergence of the answers from those before training (nats)",
}


def headline(table: pd.DataFrame, measure: str, mapping: str) -> list[str]:
    """The targets whose differences are told: areas of several recordings, and recordings without one.

    `measure` is a measure of recordings, `r` or `r_over_ceiling`.
    """
    rows = table[(table["measure"] == measure) & (table["mapping"] == mapping)]
    areas = rows[rows["n_targets"] > 1]
    chosen = areas if len(areas) else rows
    return list(dict.fromkeys(chosen["target"]))


def contrast(
    table: pd.DataFrame, condition: str, compared_with: str, **where: str
) -> pd.Series | None:
    """The row over models of one contrast and measure; None where there is none with a difference."""
    chosen = (table["condition"] == condition) & (table["compared_with"] == compared_with)
    for column, value in where.items():
        chosen &= table[column] == value
    rows = table[chosen & (table["model"] == "")]
    return rows.iloc[0] if len(rows) and np.isfinite(rows["difference"].iloc[0]) else None


def interval(row: pd.Series) -> str:
    """A difference with its 95 % interval: `+0.012 [0.003, 0.021]`."""
    sign = "+" if round(row["difference"], _DIGITS) > 0 else ""
    text = sign + number(row["difference"], _DIGITS)
    if not np.isfinite([row["low"], row["high"]]).all():
        return f"{text} (no interval)"
    return text + " [{}, {}]".format(*bounds(row["low"], row["high"], _DIGITS))


def controls(table: pd.DataFrame, **where: str) -> dict[str, pd.Series]:
    """Human maps against every control that there is."""
    found = {name: contrast(table, HUMAN, name, **where) for name in CONTROLS}
    return {name: row for name, row in found.items() if row is not None}


def direction(rows: dict[str, pd.Series]) -> int:
    """1 or -1 where human maps differ from every control in this direction, with intervals; else 0.

    Where a control was not made, nothing can be said of what human maps alone do: that is 0 too.
    """
    if set(rows) != set(CONTROLS):
        return 0
    for sign, bound in ((1, "low"), (-1, "high")):
        if all(sign * row[bound] > 0 for row in rows.values()):
            return sign
    return 0


def verdict(table: pd.DataFrame, **where: str) -> str:
    """What human maps change beyond both controls, in a clause."""
    rows = controls(table, **where)
    if not rows:
        return "not compared with other maps"
    return {
        1: "more than with either kind of other maps",
        -1: "less than with either kind of other maps",
        0: "no change that human maps explain",
    }[direction(rows)]


def sentence(table: pd.DataFrame, what: str, **where: str) -> str:
    """One measure in a sentence: human maps against controls, against strength 0, and the verdict.

    `what` names the measure, as in "predictivity of V4".
    """
    row = contrast(table, HUMAN, NONE, **where)
    if row is None:
        return f"Of {what} nothing can be said: no network and its strength 0 were both scored."
    text = f"Human maps change {what} by {interval(row)} against {LABELS[NONE]}"
    against = [
        f"by {interval(one)} against {LABELS[name]}"
        for name, one in controls(table, **where).items()
    ]
    return f"{', '.join([text, *against])}: {verdict(table, **where)}."


def sentences(table: pd.DataFrame, measure: str, mapping: str) -> list[str]:
    """What human maps change of every measure, a sentence each: predictivity first.

    `measure` and `mapping` say which predictivity, as in `headline`.
    """
    found = [
        sentence(table, f"predictivity of {target} ({_SYMBOLS[measure]})", measure=measure,
                 target=target, mapping=mapping)
        for target in headline(table, measure, mapping)
    ]  # fmt: skip
    rest = table[table["measure"].isin(_WHAT) & (table["saliency"] != "blurred")]
    keys = ["measure", "target", "map_kind", "saliency"]
    for key in rest[keys].drop_duplicates().itertuples(index=False, name=None):
        where = dict(zip(keys, key, strict=True))
        found.append(sentence(table, _WHAT[where["measure"]].format(**_named(where)), **where))
    return found


def _named(where: dict[str, str]) -> dict[str, str]:
    """Words for a measure of people or of RDMs."""
    names = {"raw": "the gradient", "covering": "maps of covering"}
    return where | {"maps": names.get(where["saliency"], where["saliency"])}


def readme_line(table: pd.DataFrame, measure: str, mapping: str) -> str:
    """The cell of a table of claims: the change of every headline target, and the verdict."""
    parts = []
    for target in headline(table, measure, mapping):
        where = {"measure": measure, "target": target, "mapping": mapping}
        row = contrast(table, HUMAN, NONE, **where)
        if row is None:
            continue
        others = ", ".join(
            f"{interval(one)} against {LABELS[name]}"
            for name, one in controls(table, **where).items()
        )
        parts.append(
            f"{target}: {verdict(table, **where)}; {interval(row)} against {LABELS[NONE]}"
            + (f", {others}" if others else "")
        )
    return "; ".join(parts) or "not compared"


def findings(table: pd.DataFrame, measure: str, mapping: str) -> str:
    """The sentences and the cell for a table of claims, as Markdown."""
    said = "\n".join(f"- {one}" for one in sentences(table, measure, mapping))
    return f"{said}\n\nIn a cell: {readme_line(table, measure, mapping)}\n"
