"""Scores on divisions of the images of different difficulty: what is lost where test images are new.

Exchangeable folds (one image, or a draw over all images) test on images like those that trained;
clusters, values of a column and far test sets do not. The *drop* of a network is its score on the folds
of the main analysis minus its score on the other division, on the same sites.
"""

import numpy as np
import pandas as pd

from itcortex.errors import UserError
from itcortex.numerics.metrics import predictivity
from itcortex.numerics.sampling import percentile_interval

#: What one network's scores on all divisions are known by.
KEYS = ["recording", "model", "weights", "mapping", "protocol"]
#: Raw scores that are needed, of the chosen layers in the main window.
RAW = [*KEYS, "fold", "site", "layer", "r"]
COLUMNS = [*KEYS, "split", "main_split", "n_folds", "n_sites", "layer", "r", "r_low", "r_high", "drop",
           "drop_low", "drop_high"]  # fmt: skip
_VALUES = 2_000_000  # of draws that are in memory at once


def generalisation_table(
    raw: pd.DataFrame, main: dict[str, str], draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A row for every network, recording and division: score, and drop from the main one.

    Parameters
    ----------
    raw : columns `RAW` and `split`, the name of a row's division.
    main : name of the main division, by recording.
    draws : of the bootstrap.

    Returns
    -------
    Columns `COLUMNS`. Intervals (95 %) are from draws of sites, the same for all divisions of a network,
    and of each division's folds; of a single test set its images are not drawn, and the interval is one
    over sites. The drop of the main division is NaN. Raises `UserError` for divisions with other sites.
    """
    rows = []
    for key, network in raw.groupby(KEYS, observed=True, sort=False):
        known = dict(zip(KEYS, key, strict=True))
        usual = main[known["recording"]]
        parts = dict(iter(network.groupby("split", observed=True, sort=False)))
        if usual not in parts:
            raise UserError(f"{known['recording']}: {known['model']} has no score on {usual!r}")
        values = {name: _values(parts[name]) for name in (usual, *(n for n in parts if n != usual))}
        n_sites = {one.shape[1] for one in values.values()}
        if len(n_sites) > 1:
            raise UserError(
                f"{known['recording']}: {known['model']} {known['weights']} was scored on other sites "
                "from division to division; delete its results to make them anew"
            )
        sites = rng.integers(n_sites.pop(), size=(draws, values[usual].shape[1]))
        drawn = {name: _drawn(one, sites, rng) for name, one in values.items()}
        for name, one in values.items():
            row = known | {"split": name, "main_split": usual, "r": float(predictivity(one))}
            row |= {"n_folds": len(one), "n_sites": one.shape[1], "layer": _layer(parts[name])}
            row |= _interval("r", drawn[name])
            if name != usual:
                row |= {"drop": float(predictivity(values[usual])) - row["r"]}
                row |= _interval("drop", drawn[usual] - drawn[name])
            rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def _values(part: pd.DataFrame) -> np.ndarray:
    """r (fold, site) of one network on one division, both in order of their names."""
    wide = part.pivot_table("r", "fold", "site", observed=True, dropna=False, aggfunc="first")
    return wide.sort_index(axis=0).sort_index(axis=1).to_numpy(float)


def _layer(part: pd.DataFrame) -> str:
    """The layer that most folds chose."""
    return str(part.drop_duplicates("fold")["layer"].mode().iloc[0])


def _drawn(values: np.ndarray, sites: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Predictivity (draw,) of values (fold, site) for drawn sites (draw, site), and folds drawn here."""
    n_folds, result = len(values), np.empty(len(sites))
    size = max(1, _VALUES // values.size)
    for start in range(0, len(sites), size):
        batch = sites[start : start + size]
        folds = rng.integers(n_folds, size=(len(batch), n_folds))
        result[start : start + size] = predictivity(values[folds[:, :, None], batch[:, None, :]])
    return result


def _interval(name: str, drawn: np.ndarray) -> dict[str, float]:
    low, high = percentile_interval(drawn).tolist()
    return {f"{name}_low": low, f"{name}_high": high}
