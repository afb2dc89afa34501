"""Is the grid the right way round? Predictivity under every flip and transposition of it.

Archives store grids in orders of their own, and a wrong order drops scores to noise without any
error. If another orientation of the responses is predicted better than the configured one, then the
loader, the registry or the stimuli are probably wrong.
"""

import logging

import numpy as np
import pandas as pd

from itcortex.mappings.folds import Division
from itcortex.mappings.pls import fit_layer
from itcortex.numerics.metrics import predictivity

_log = logging.getLogger(__name__)

CONFIGURED = "as configured"


def orientations(responses: np.ndarray) -> dict[str, np.ndarray]:
    """Responses (image, y, x, site) in every orientation that keeps the grid's shape, by name.

    Eight for a square grid, four (without transpositions) for another; one without a grid.
    """
    turned = {CONFIGURED: responses}
    if responses.shape[1] * responses.shape[2] == 1:
        return turned
    turned |= {
        "flipped vertically": responses[:, ::-1],
        "flipped horizontally": responses[:, :, ::-1],
        "rotated by 180 degrees": responses[:, ::-1, ::-1],
    }
    if responses.shape[1] == responses.shape[2]:
        turned |= {
            "transposed" if name == CONFIGURED else f"transposed, {name}": values.swapaxes(1, 2)
            for name, values in turned.items()
        }
    return turned


def orientation_table(
    maps: np.ndarray | None, responses: np.ndarray, division: Division, n_components: int
) -> pd.DataFrame:
    """Predictivity of one layer (columns orientation, r) under every orientation of the grid.

    `maps` (image, h, w, channel), `responses` (image, y, x, site). Without a grid the table is empty
    and `maps` may be None. Logs a warning if the configured orientation is not the best.
    """
    turned = orientations(responses)
    if len(turned) == 1:
        return pd.DataFrame({"orientation": pd.Series(dtype=str), "r": pd.Series(dtype=float)})
    stacked = np.stack(list(turned.values()))
    scores = fit_layer(
        maps, stacked, division.fold_of, n_components, nested=False, standardise=True
    )
    table = pd.DataFrame({"orientation": list(turned), "r": predictivity(scores.metrics["r"])})
    best = table.loc[table["r"].idxmax()]
    if best["orientation"] != CONFIGURED:
        _log.warning(
            "the grid seems to be turned: r is %.3f as configured, %.3f if %s",
            table["r"].iloc[0], best["r"], best["orientation"],
        )  # fmt: skip
    return table
