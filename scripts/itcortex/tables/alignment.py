"""Alignment of maps, one row a network, and rank correlations of two numbers over networks."""

import numpy as np
import pandas as pd

from itcortex.numerics import weighted
from itcortex.numerics.sampling import bootstrap_mean
from itcortex.tables.trend_limits import MINIMUM_MODELS, NOT_BASELINE
from itcortex.tables.trends import family_draws, interval_of

_NETWORK = ["recording", "model", "weights", "category", "family", "top1", "scale"]


def by_network(alignment: pd.DataFrame, draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """Mean over images of the rank correlation of site-averaged maps, of every network and scale.

    Parameters
    ----------
    alignment : the table `alignment`.

    Returns
    -------
    Columns `_NETWORK`, `rho`, `rho_low`, `rho_high` (95 %, images drawn with replacement), `null_high`
    (mean over images of the 95th percentile of surrogate maps), `has_power` (whether a nearly perfect
    map would be told from chance, in any image) and `n_images`. Images whose maps have no correlation
    are left out.
    """
    rows = alignment[(alignment["site"] == "average") & alignment["rho"].notna()]
    found = []
    for key, some in rows.groupby(_NETWORK, observed=True, sort=False, dropna=False):
        values = some["rho"].to_numpy(float)
        low, high = bootstrap_mean(values, draws, rng)
        row = dict(zip(_NETWORK, key, strict=True)) | {"rho": values.mean()}
        row |= {"rho_low": low, "rho_high": high, "null_high": some["null_high"].mean()}
        has_power = bool(some["has_power"].any()) if "has_power" in some else True
        found.append(row | {"has_power": has_power, "n_images": len(values)})
    columns = [*_NETWORK, "rho", "rho_low", "rho_high", "null_high", "has_power", "n_images"]
    return pd.DataFrame(found, columns=columns)


def rank_trend(
    rows: pd.DataFrame, x: str, y: str, draws: int, rng: np.random.Generator
) -> dict[str, float]:
    """Spearman's rho of two columns over networks trained for accuracy alone.

    Returns `value`, `low` and `high` (95 %, families drawn with replacement), and `n_models`. The value
    is NaN with fewer than five networks that have both numbers.
    """
    known = rows[~rows["category"].isin(NOT_BASELINE)].dropna(subset=[x, y])
    found = {"value": np.nan, "low": np.nan, "high": np.nan, "n_models": len(known)}
    if len(known) < MINIMUM_MODELS:
        return found
    families = known["family"].to_numpy(str)
    counts = family_draws(families, draws, rng)
    values = weighted.spearman(known[x].to_numpy(float), known[y].to_numpy(float), counts)
    return found | {"value": values[0]} | interval_of(values[1:], len(np.unique(families)))
