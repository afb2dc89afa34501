"""Unique and shared variance of two networks as tables: of every site, and of the mean over sites.

Intervals (95 %) are from draws of images, and for the mean of sites too, each with replacement; a draw
serves all shares of a pair, so that differences are paired.
"""

import numpy as np
import pandas as pd

from itcortex.mappings.banded import shares_of
from itcortex.numerics.metrics import mean_defined
from itcortex.numerics.sampling import percentile_interval

WITH_INTERVAL = ("unique", "unique_other", "shared")
SHARES = ["r2", "r2_other", "r2_both", *(f"{name}{end}" for name in WITH_INTERVAL
                                         for end in ("", "_low", "_high"))]  # fmt: skip
PAIR = ["recording", "model", "weights", "other_model", "other_weights", "mapping", "protocol"]
COLUMNS = [*PAIR, "layer", "other_layer", "site", *SHARES, "n_images", "n_sites"]
_VALUES = 4_000_000  # of draws that are in memory at once


def variance_table(
    errors: np.ndarray, sites: tuple[str, ...], draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Shares of variance: a row for every site, and first one with site "" for their mean.

    Parameters
    ----------
    errors : float64 array (model, image, site) of `itcortex.mappings.banded.squared_errors`
        Images that were not tested are left out by whoever calls.
    draws : of images and sites.

    Returns
    -------
    Columns `site`, `SHARES`, `n_images`, `n_sites`. Means are over sites whose responses vary: shares of
    a site add up, and so do their means.
    """
    n_images, n_sites = errors.shape[1:]
    found = shares_of(errors.sum(1))
    counts = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=draws).astype(float)
    weights = rng.multinomial(n_sites, np.full(n_sites, 1 / n_sites), size=draws).astype(float)
    intervals = {name: np.empty((2, n_sites)) for name in WITH_INTERVAL}
    totals = {
        name: np.zeros((2, draws)) for name in WITH_INTERVAL
    }  # sum and count over drawn sites
    size = max(1, _VALUES // draws)
    for start in range(0, n_sites, size):
        block = slice(start, start + size)
        drawn = shares_of(np.stack([counts @ one[:, block] for one in errors]))
        for name in WITH_INTERVAL:
            known = np.isfinite(drawn[name])
            ends = np.full((2, drawn[name].shape[1]), np.nan)
            ends[:, known.any(0)] = percentile_interval(drawn[name][:, known.any(0)])
            intervals[name][:, block] = ends
            values = np.where(known, drawn[name], 0)
            totals[name][0] += (weights[:, block] * values).sum(1)
            totals[name][1] += (weights[:, block] * known).sum(1)
    of_sites = {name: found[name] for name in ("r2", "r2_other", "r2_both")}
    mean = {name: [float(mean_defined(found[name]))] for name in of_sites}
    for name in WITH_INTERVAL:
        total, count = totals[name]
        over = np.divide(total, count, out=np.full(draws, np.nan), where=count > 0)
        low, high = percentile_interval(over).tolist()
        mean |= {name: [float(mean_defined(found[name]))], f"{name}_low": [low]}
        mean |= {f"{name}_high": [high]}
        of_sites |= {name: found[name], f"{name}_low": intervals[name][0]}
        of_sites |= {f"{name}_high": intervals[name][1]}
    parts = [pd.DataFrame({"site": [""]} | mean), pd.DataFrame({"site": list(sites)} | of_sites)]
    table = pd.concat(parts, ignore_index=True)[["site", *SHARES]]
    return table.assign(n_images=n_images, n_sites=n_sites)
