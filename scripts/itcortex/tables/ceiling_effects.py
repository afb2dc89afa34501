"""What each formula of a noise ceiling makes of every score."""

import numpy as np
import pandas as pd

from itcortex.tables.statistics import scored
from itcortex.tables.summary import SITEWISE

_KEYS = ["recording", "window_start", "window_stop"]
_OF_CEILING = ["ceiling_name", "ceiling", "used", "chance", "chance_high", "p"]
COLUMNS = ["recording", "mapping", "protocol", "model", "weights", *_OF_CEILING, "r",
           "r_over_ceiling", "above_ceiling"]  # fmt: skip


def effects_table(summary: pd.DataFrame, ceilings: pd.DataFrame) -> pd.DataFrame:
    """Score of every trained network over every ceiling of its recording, in the main window.

    One row a network, mapping and formula: `ceiling` (mean over folds), `used` (the one that scores of
    this run are divided by), `chance`, `chance_high` and `p` (of the ceiling itself, from shuffled
    recordings), `r`, `r_over_ceiling` (NaN where the ceiling is not positive) and `above_ceiling`. Ranks
    of networks within a recording are the same over all formulas, heights and slopes are not.
    Mappings whose r does not belong to sites are left out.
    """
    noted = [name for name in ("chance", "chance_high", "p") if name in ceilings]
    grouped = ceilings.groupby([*_KEYS, "ceiling_name"], dropna=False, observed=True, sort=False)
    means = grouped[["value", "used", *noted]].mean().reset_index()
    means = means.rename(columns={"value": "ceiling"}).assign(used=means["used"] > 0)
    rows = scored(summary)
    rows = rows[rows["mapping"].isin(SITEWISE)]
    rows = rows[[*_KEYS, "mapping", "protocol", "model", "weights", "r"]]
    table = rows.merge(means, on=_KEYS)
    positive = table["ceiling"].where(table["ceiling"] > 0)
    above = pd.array(table["r"] > positive, dtype="boolean")
    above[~np.isfinite(positive)] = pd.NA
    table = table.assign(r_over_ceiling=table["r"] / positive, above_ceiling=above)
    return table.reindex(columns=COLUMNS)
