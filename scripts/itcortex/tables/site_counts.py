"""Score of every network over the number of sites that are drawn: how far fewer sites would have told.

Sites here are what is predicted: each has a fit of its own, so that fewer of them cost no fit, and the
mean over draws hardly depends on their number. What shrinks with it is the spread of draws, which says
how many sites tell two networks apart. Where a recording predicts another one, sites are the predictors
instead, and the score rises with them (`itcortex.encoding.site_counts`).
"""

import numpy as np
import pandas as pd

from itcortex.encoding.site_counts import counts_of
from itcortex.numerics.metrics import predictivity
from itcortex.tables.model_pairs import Sites
from itcortex.tables.statistics import ONE_TEST

#: Draws of sites, of every number of them.
DRAWS = 100
COLUMNS = [*ONE_TEST, "model", "weights", "n_sites", "draws", "r", "r_lowest", "r_highest"]


def site_counts(sites: Sites, test: dict, draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """A row for every network and number of sites: mean over draws, and the range of them (`COLUMNS`).

    Numbers are powers of two below that of all sites, and all of them (one draw). Sites are drawn
    without replacement, the same for all networks.
    """
    n_sites, rows = sites.r.shape[2], []
    for count in counts_of(n_sites):
        n_draws = 1 if count == n_sites else draws
        chosen = [np.sort(rng.permutation(n_sites)[:count]) for _ in range(n_draws)]
        for name, r in zip(sites.names, sites.r, strict=True):
            scores = np.array([float(predictivity(r[:, some])) for some in chosen])
            known = scores[np.isfinite(scores)]
            ends = (known.mean(), known.min(), known.max()) if len(known) else (np.nan,) * 3
            rows.append((*name.split(" ", 1), count, n_draws, *ends))
    table = pd.DataFrame(rows, columns=COLUMNS[len(ONE_TEST) :])
    return table.assign(**test)[COLUMNS]
