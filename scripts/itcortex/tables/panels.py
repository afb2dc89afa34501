"""Panels of figures and sections of the report: one per recording, mapping and protocol."""

from dataclasses import dataclass

import pandas as pd

from itcortex.errors import UserError
from itcortex.tables.condition_contrasts import CONTROLS


@dataclass(frozen=True)
class Panel:
    """One panel of a figure: a recording seen through one mapping and protocol."""

    recording: str
    mapping: str
    protocol: str
    title: str

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """This panel's rows of a table with columns recording, mapping and protocol."""
        keys = [self.recording, self.mapping, self.protocol]
        return table[(table[["recording", "mapping", "protocol"]] == keys).all(axis=1)]


def of_summary(summary: pd.DataFrame) -> list[Panel]:
    """Panels of a summary, in its order, with titles that tell them apart and say if SIMULATED."""
    if summary.empty:
        raise UserError("the summary table has no rows: there is nothing to draw")
    first = summary.drop_duplicates(["recording", "mapping", "protocol"])
    place = first.drop_duplicates("recording").set_index("recording")
    place = place.area.astype(str) + ", " + place.monkey.astype(str)
    shared = place.duplicated(keep=False)
    several = [name for name in ("mapping", "protocol") if first[name].nunique() > 1]
    panels = []
    for row in first.itertuples():
        parts = [place[row.recording]]
        parts += [row.recording] if shared[row.recording] else []
        parts += [str(getattr(row, name)) for name in several]
        title = marked(", ".join(parts), row.simulated)
        panels.append(Panel(row.recording, row.mapping, row.protocol, title))
    return panels


def marked(title: str, simulated: bool) -> str:
    """A title that says, in capitals, where it is of a simulated recording."""
    return f"{title} (SIMULATED)" if simulated else title


def model_names(rows: pd.DataFrame) -> pd.Series:
    """Name of every row's model; with its weights where one model comes with several."""
    model, weights = rows.model.astype(str), rows.weights.astype(str)
    return model.where(weights.groupby(model).transform("nunique") == 1, model + " " + weights)


def by_condition(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` whose `category` is the condition of controls, so that none passes as harmonized.

    Controls are networks that were trained here with other maps than those of people.
    """
    category = rows["category"].astype(str)
    if "condition" not in rows:
        return rows.assign(category=category)
    condition = rows["condition"].astype(str)
    return rows.assign(category=category.where(~condition.isin(CONTROLS), condition))


def not_tuned_here(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` without networks that were trained here, which are seeds and controls of one training.

    Of many such, one is best by chance. All rows, where there are no others.
    """
    ours = pd.Series(False, rows.index)
    if "condition" in rows:
        ours |= rows["condition"].notna() & (rows["condition"] != "")
    if "seed" in rows:
        ours |= rows["seed"].notna()
    return rows if ours.all() else rows[~ours]
