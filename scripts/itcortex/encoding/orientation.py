"""Is the grid the right way round? Predictivity under every flip and transposition of it.

Archives store grids in orders of their own, and a wrong order drops scores to noise without any
error. If another orientation of the responses is predicted better than the configured one, then the
loader, the registry or the stimuli are probably wrong.
"""

import logging

import numpy as np
import pandas as pd

from itcortex.data.recordings import CONFIGURED, ORIENTATIONS, turned
from itcortex.mappings.divided import fit_groups
from itcortex.mappings.folds import Division
from itcortex.mappings.pls import fit_layer
from itcortex.numerics.metrics import predictivity

_log = logging.getLogger(__name__)

#: Where no orientation reaches this r, something other than the grid's orientation is probably wrong.
LOWEST_R = 0.1


def orientation_table(
    maps: np.ndarray | None, responses: np.ndarray, division: Division, n_components: int
) -> pd.DataFrame:
    """Predictivity of one layer (columns orientation, r) under all eight orientations of the grid.

    `maps` (image, h, w, channel), `responses` (image, y, x, site). A transposed grid that is not
    square has another shape, to which the maps are resampled. Without a grid the table is empty and
    `maps` may be None. Logs a warning if the configured orientation is not the best, and if none
    predicts well.
    """
    if responses.shape[1] * responses.shape[2] == 1:
        return pd.DataFrame({"orientation": pd.Series(dtype=str), "r": pd.Series(dtype=float)})
    by_name = {name: turned(responses, name) for name in ORIENTATIONS}
    r = {}
    for shape in dict.fromkeys(values.shape for values in by_name.values()):
        alike = {name: values for name, values in by_name.items() if values.shape == shape}
        scores = fit_groups(
            fit_layer,
            maps,
            np.stack([*alike.values()]),
            division,
            n_components=n_components,
            nested=False,
        )
        r |= dict(zip(alike, predictivity(scores.metrics["r"]), strict=True))
    table = pd.DataFrame({"orientation": [*r], "r": [*r.values()]})
    _warn(table)
    return table


def _warn(table: pd.DataFrame) -> None:
    """Say in the log if the grid seems to be turned, or nothing is predicted whichever way it is."""
    if table["r"].isna().all():
        _log.warning("no site varies within a fold: nothing can be said of the grid's orientation")
        return
    best = table.loc[table["r"].idxmax()]
    if best["r"] < LOWEST_R:
        _log.warning(
            "no orientation of the grid is predicted well (r is at most %.3f): check that the names of "
            "the images, the responses and the stimuli belong together", best["r"],
        )  # fmt: skip
    elif best["orientation"] != CONFIGURED:
        _log.warning(
            "the grid seems to be turned: r is %.3f as configured, %.3f if %s; if the grid is stored "
            "so, give the recording's entry in the registry that orientation",
            table["r"].iloc[0], best["r"], best["orientation"],
        )  # fmt: skip
