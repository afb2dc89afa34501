"""Panels of figures and sections of the report: one per recording, mapping and protocol."""

from dataclasses import dataclass

import pandas as pd

from itcortex.errors import UserError


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
    """Panels of a summary, in its order, with titles that tell them apart and say if simulated."""
    if summary.empty:
        raise UserError("the summary table has no rows: there is nothing to draw")
    found = summary.drop_duplicates(["recording", "mapping", "protocol"])
    place = found.drop_duplicates("recording").set_index("recording")
    place = place.area.astype(str) + ", " + place.monkey.astype(str)
    shared = place.duplicated(keep=False)
    several = [name for name in ("mapping", "protocol") if found[name].nunique() > 1]
    drawn = []
    for row in found.itertuples():
        parts = [place[row.recording]]
        parts += [row.recording] if shared[row.recording] else []
        parts += [str(getattr(row, name)) for name in several]
        title = ", ".join(parts) + (" (simulated)" if row.simulated else "")
        drawn.append(Panel(row.recording, row.mapping, row.protocol, title))
    return drawn


def model_names(rows: pd.DataFrame) -> pd.Series:
    """Name of every row's model; with its weights where one model comes with several."""
    model, weights = rows.model.astype(str), rows.weights.astype(str)
    return model.where(weights.groupby(model).transform("nunique") == 1, model + " " + weights)
