"""What each formula of a noise ceiling makes of every score."""

import numpy as np
import pandas as pd

from itcortex.encoding.recording_pairs import is_of_recordings
from itcortex.tables.statistics import scored
from itcortex.tables.summary import SITEWISE

_KEYS = ["recording", "window_start", "window_stop"]
_OF_CEILING = ["ceiling_name", "ceiling", "used", "chance", "chance_high", "p"]
_NETWORK = ["recording", "mapping", "protocol", "model", "weights"]
COLUMNS = [*_NETWORK, *_OF_CEILING, "n_images", "r", "r_over_ceiling", "above_ceiling"]


def effects_table(
    summary: pd.DataFrame, ceilings: pd.DataFrame, shared: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Score of every trained network over every ceiling of its recording, in the main window.

    One row a network, mapping and formula: `ceiling` (mean over folds), `used` (the one that scores of
    this run are divided by), `chance`, `chance_high` and `p` (of the ceiling itself, from shuffled
    recordings), `n_images`, `r`, `r_over_ceiling` (NaN where the ceiling is not positive) and
    `above_ceiling`. Ranks of networks within a recording are the same over all formulas, heights and
    slopes are not.
    Mappings whose r does not belong to sites are left out.

    What another recording predicts (`itcortex.encoding.recording_pairs`) is a ceiling of the images
    that both were shown: there `r` is that of the network on these `n_images`, from `shared`, the table
    `shared_images`. Networks that it does not have are left out.
    """
    noted = [name for name in ("chance", "chance_high", "p") if name in ceilings]
    grouped = ceilings.groupby([*_KEYS, "ceiling_name"], dropna=False, observed=True, sort=False)
    means = grouped[["value", "used", *noted]].mean().reset_index()
    means = means.rename(columns={"value": "ceiling"}).assign(used=means["used"] > 0)
    rows = scored(summary)
    rows = rows[rows["mapping"].isin(SITEWISE)]
    rows = rows[[*_KEYS, *_NETWORK[1:], "n_images", "r"]]
    table = rows.merge(means, on=_KEYS)
    table = _on_shared_images(table, shared)
    positive = table["ceiling"].where(table["ceiling"] > 0)
    above = pd.array(table["r"] > positive, dtype="boolean")
    above[~np.isfinite(positive)] = pd.NA
    table = table.assign(r_over_ceiling=table["r"] / positive, above_ceiling=above)
    return table.reindex(columns=COLUMNS)


def _on_shared_images(table: pd.DataFrame, shared: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of ceilings that are of shared images with the network's r on those."""
    of_others = table["ceiling_name"].astype(str).map(is_of_recordings).astype(bool)
    if shared is None or not of_others.any():
        return table[~of_others]
    keys = [*_NETWORK, "ceiling_name"]
    same = shared[[*keys, "n_shared", "r"]].rename(columns={"n_shared": "n_images"})
    moved = table[of_others].drop(columns=["n_images", "r"])
    moved = moved.astype({"ceiling_name": str}).merge(same, on=keys)
    return pd.concat([table[~of_others], moved], ignore_index=True)
